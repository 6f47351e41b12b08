"""A gate that cannot fail is an error: what in a policy and its queries makes it one."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from pytest_deploycheck.domain.policy import Policy, Trigger, Worse
from pytest_deploycheck.domain.units import spoken_duration

_LONGEST_GAP_S: Final = 600.0
_GAPS_IN_A_HOLD: Final = 10
"""Where the hold is long, a hole may be so many times as long."""
#: A share of counted events, or a quantile of them; a counter of seconds counts none.
_OF_EVENTS: Final = re.compile(
    r"histogram_quantile|/\s*(?:\w+\s*(?:by\s*\([^)]*\)\s*)?\(\s*)*(?:rate|increase)\("
    r"\w+(?:(?<!_seconds)_total|_count)\b"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedQuery:
    """A query as the environment asks it, and what it is asked for."""

    name: str
    window_s: float
    """How far back it is asked."""
    step_s: float
    """The distance between its samples."""
    min_samples: int
    max_age_s: float
    averaged_s: float | None = None
    """The longest range inside the query (`[5m]`), None: it looks at instants."""
    triggers: tuple[str, ...] = ()
    """Those whose duration its history tells."""
    thin: bool = False
    """It is about events, and a single one of them would be evidence."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedLimit:
    """A limit, and the values that what it limits can have."""

    name: str
    value: float
    worse: Worse
    lowest: float | None = 0.0
    highest: float | None = None
    """None: without bound; 1.0 for a share."""


def is_of_events(expression: str) -> bool:
    """Say whether a PromQL expression is a share of counted events, or a quantile of them."""
    return _OF_EVENTS.search(expression) is not None


def problems_of(
    policy: Policy,
    *,
    named: Collection[str],
    queries: Iterable[PlannedQuery] = (),
    limits: Iterable[PlannedLimit] = (),
) -> list[str]:
    """Return a line for each thing that keeps a check or a trigger from ever failing.

    Args:
        policy: Triggers, phases, and how often a failing check is sampled again.
        named: The triggers that any check names.
        queries: As this environment asks them.
        limits: As this environment sets them.
    """
    return [
        *_of_triggers(policy, named),
        *(problem for query in queries for problem in _of_query(query, policy)),
        *(problem for limit in limits for problem in _of_limit(limit)),
    ]


def _of_triggers(policy: Policy, named: Collection[str]) -> Iterator[str]:
    for name, trigger in policy.triggers.items():
        if name not in named:
            yield f"triggers.{name}: found no check that names it; it can never fire"
        if trigger.hold_s and policy.interval_s > trigger.hold_s:
            yield (
                f"triggers.{name}: a failing check is sampled every "
                f"{spoken_duration(policy.interval_s)}; expected at most its hold of "
                f"{spoken_duration(trigger.hold_s)}"
            )
        most_s = max(_LONGEST_GAP_S, _GAPS_IN_A_HOLD * trigger.hold_s)
        if trigger.max_gap_s > most_s:
            yield (
                f"triggers.{name}: max_gap is {spoken_duration(trigger.max_gap_s)}; expected at "
                f"most {spoken_duration(most_s)}: over a longer hole two bad samples are no proof"
            )
        if (trigger.hold_s or trigger.min_bad > 1) and policy.interval_s > trigger.max_gap_s:
            yield (
                f"triggers.{name}: a failing check is sampled every "
                f"{spoken_duration(policy.interval_s)}; expected at most max_gap of "
                f"{spoken_duration(trigger.max_gap_s)}, or no two bad samples are one breach"
            )


def _of_query(query: PlannedQuery, policy: Policy) -> Iterator[str]:
    place = f"queries.{query.name}"
    if query.thin:
        yield (
            f"{place}: found no traffic; expected traffic and min_traffic: one failure of two "
            "requests is not 50 %"
        )
    most = int(query.window_s / query.step_s) + 1
    if query.min_samples > most:
        yield (
            f"{place}: min_samples is {query.min_samples}; expected at most {most}, which "
            f"{spoken_duration(query.window_s)} hold at a step of {spoken_duration(query.step_s)}"
        )
    if query.max_age_s < query.step_s:
        yield (
            f"{place}: max_age is {spoken_duration(query.max_age_s)}; expected at least the step "
            f"of {spoken_duration(query.step_s)}, or the newest sample is mostly too old"
        )
    for name in query.triggers:
        if name not in policy.triggers:
            yield f"{place}: found the trigger {name}; expected one of the policy's"
        else:
            yield from _of_history(place, query, policy.triggers[name], policy)


def _of_history(place: str, query: PlannedQuery, trigger: Trigger, policy: Policy) -> Iterator[str]:
    hold = spoken_duration(trigger.hold_s)
    if query.window_s < trigger.hold_s:
        yield (
            f"{place}: window is {spoken_duration(query.window_s)}; expected at least the hold of "
            f"{trigger.id}, {hold}: its history can never be that long"
        )
    if trigger.hold_s and query.step_s > trigger.hold_s:
        yield (
            f"{place}: step is {spoken_duration(query.step_s)}; expected at most the hold of "
            f"{trigger.id}, {hold}"
        )
    if (trigger.hold_s or trigger.min_bad > 1) and query.step_s > trigger.max_gap_s:
        yield (
            f"{place}: step is {spoken_duration(query.step_s)}; expected at most max_gap of "
            f"{trigger.id}, {spoken_duration(trigger.max_gap_s)}, or no two bad samples are one "
            "breach"
        )
    most = int(query.window_s / query.step_s) + 1
    if trigger.min_bad > most:
        yield (
            f"{place}: {trigger.id} wants {trigger.min_bad} bad samples; expected at most {most}, "
            "which the window holds"
        )
    due_s = min((p.due_s for p in policy.phases.values() if p.due_s is not None), default=None)
    if due_s is not None and query.averaged_s is not None:
        most_s = due_s + trigger.hold_s
        if query.averaged_s > most_s:
            yield (
                f"{place}: averages over {spoken_duration(query.averaged_s)}; expected at most "
                f"{spoken_duration(most_s)}, the first due time and the hold of {trigger.id}: "
                "mostly the release before is judged"
            )


def _of_limit(limit: PlannedLimit) -> Iterator[str]:
    bound, side = (limit.highest, "below") if limit.worse == "above" else (limit.lowest, "above")
    if bound is None:
        return
    out_of_reach = limit.value >= bound if limit.worse == "above" else limit.value <= bound
    if out_of_reach:
        yield (
            f"limits.{limit.name}: found {limit.value:g}, bad {limit.worse} it; expected it "
            f"{side} {bound:g}, or nothing is ever bad"
        )
