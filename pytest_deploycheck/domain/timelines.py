"""The state of a trigger over time, as the clock walks over its samples."""

from __future__ import annotations

import collections
import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence

from pytest_deploycheck.domain.durations import conclusive_samples, joined_history, proven
from pytest_deploycheck.domain.events import CheckEnded, Event, RunStarted
from pytest_deploycheck.domain.histories import not_after
from pytest_deploycheck.domain.policy import Policy, Trigger
from pytest_deploycheck.domain.record import unended
from pytest_deploycheck.domain.words import TriggerState


@dataclasses.dataclass(frozen=True, kw_only=True)
class Span:
    """A trigger's state from one time to another (Unix seconds)."""

    state: TriggerState | None
    """None: no sample for longer than the trigger's longest gap, so nobody knows."""
    from_s: float
    until_s: float


def timeline_of(at_s: Sequence[float], bad: Sequence[bool], trigger: Trigger) -> tuple[Span, ...]:
    """Return the state as each sample made it known, until the next sample, oldest first.

    Args:
        at_s: Unix seconds, ascending.
        bad: As long as *at_s*.
        trigger: With its hold, minimum of bad samples and longest gap.
    """
    spans: list[Span] = []
    count, since_s, last_s = 0, 0.0, None
    for when_s, is_bad in zip(at_s, bad, strict=True):
        hole = last_s is not None and not not_after(when_s - last_s, trigger.max_gap_s)
        if last_s is not None and not (is_bad or count or hole):
            last_s = when_s  # calm goes on, as it does nearly always
            continue
        if is_bad and (count == 0 or hole):
            count, since_s = 0, when_s
        count = count + 1 if is_bad else 0
        state = TriggerState.INACTIVE
        if is_bad:
            fires = proven(trigger, held_s=when_s - since_s, samples=count)
            state = TriggerState.FIRING if fires else TriggerState.PENDING
        if last_s is not None:
            _add(spans, spans[-1].state, last_s, last_s)
            _add(spans, None if hole else spans[-1].state, last_s, when_s)
        _add(spans, state, when_s, when_s)
        last_s = when_s
    if last_s is not None:
        _add(spans, spans[-1].state, last_s, last_s)
    return tuple(spans)


def timelines(policy: Policy, events: Iterable[Event]) -> Mapping[str, tuple[Span, ...]]:
    """Return the timeline of each trigger over everything that *events* say of it.

    Where several checks name a trigger, the worst state of any of them counts.
    """
    known = list(events)
    deployed_at_s = max((e.deployed_at_s for e in known if isinstance(e, RunStarted)), default=0.0)
    by_check: dict[tuple[str, str], list[CheckEnded]] = collections.defaultdict(list)
    for event in [*known, *unended(known)]:
        if isinstance(event, CheckEnded) and event.trigger and event.trigger in policy.triggers:
            by_check[event.trigger, event.nodeid].append(event)
    found: dict[str, list[tuple[Span, ...]]] = {name: [] for name in policy.triggers}
    for (name, _), results in sorted(by_check.items()):
        results.sort(key=lambda result: result.at_s)
        found[name] += _of_check(results, policy.triggers[name], deployed_at_s=deployed_at_s)
    return {
        name: worst_of(_side_by_side(lines, policy.triggers[name])) for name, lines in found.items()
    }


def _side_by_side(lines: Sequence[tuple[Span, ...]], trigger: Trigger) -> list[tuple[Span, ...]]:
    """Let the last state of each line stand until the newest of all, unless that is too long.

    Checks are not sampled at one instant: who was sampled last does not have the last word.
    """
    end_s = max((line[-1].until_s for line in lines if line), default=0.0)
    return [
        (*line[:-1], dataclasses.replace(line[-1], until_s=end_s))
        if line and not_after(end_s - line[-1].until_s, trigger.max_gap_s)
        else line
        for line in lines
    ]


def _of_check(
    results: Sequence[CheckEnded], trigger: Trigger, *, deployed_at_s: float
) -> list[tuple[Span, ...]]:
    """Return a timeline of each history that the newest results had, else of the samples."""
    newest = {
        (measurement.name, measurement.query): (measurement, place)
        for place, result in enumerate(results)
        for measurement in result.measurements
        if measurement.history is not None and measurement.limit is not None
    }
    lines = []
    for measurement, place in newest.values():
        history = joined_history(measurement, results[:place]).since(deployed_at_s)
        lines.append(timeline_of(history.at_s, measurement.marks(history.value), trigger))
    if not any(lines):
        samples = conclusive_samples(results, since_s=deployed_at_s)
        lines.append(
            timeline_of([at_s for at_s, _ in samples], [bad for _, bad in samples], trigger)
        )
    return lines


def worst_of(lines: Sequence[Sequence[Span]]) -> tuple[Span, ...]:
    """Lay *lines* over each other: the worst that any of them knows.

    Where one of them does not know, that none is bad is not known either.
    """
    if len(lines) == 1:
        return tuple(lines[0])
    begin: dict[float, list[tuple[int, Span]]] = collections.defaultdict(list)
    end: dict[float, list[tuple[int, Span]]] = collections.defaultdict(list)
    for number, line in enumerate(lines):
        for span in line:
            begin[span.from_s].append((number, span))
            end[span.until_s].append((number, span))
    edges = sorted({*begin, *end})
    current: dict[int, list[Span]] = collections.defaultdict(list)
    known: collections.Counter[TriggerState | None] = collections.Counter()
    spans: list[Span] = []
    for edge, following in itertools.zip_longest(edges, edges[1:]):
        for number, _ in begin[edge]:  # from here on they speak for their line
            known.subtract(span.state for span in current.pop(number, ()))
        for number, span in begin[edge]:
            current[number].append(span)
            known[span.state] += 1
        # What holds at an edge may hold for that instant only: it is told as well.
        _add(spans, _worst(known), edge, edge)
        for number, span in end[edge]:
            if span in current[number]:
                current[number].remove(span)
                known[span.state] -= 1
        if following is not None:
            _add(spans, _worst(known), edge, following)
    return tuple(spans)


def _worst(known: Mapping[TriggerState | None, int]) -> TriggerState | None:
    """Return the worst state that is there at least once; None: nobody knows, or not everybody."""
    for state in (TriggerState.FIRING, TriggerState.PENDING, None, TriggerState.INACTIVE):
        if known[state] > 0:
            return state
    return None


def _add(spans: list[Span], state: TriggerState | None, from_s: float, until_s: float) -> None:
    """Lengthen the newest of *spans*, or begin another when its state is not *state*."""
    if spans and spans[-1].state is state:
        from_s = spans.pop().from_s
    spans.append(Span(state=state, from_s=from_s, until_s=until_s))
