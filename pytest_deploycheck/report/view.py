"""What the page shows, worked out from decision and record: no markup here, no judgement either."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from pytest_deploycheck.domain.baselines import compared_with
from pytest_deploycheck.domain.decision import Decision, ItemResult, TriggerResult
from pytest_deploycheck.domain.events import (
    Attested,
    BaselineRecorded,
    BaselineValue,
    CheckEnded,
    Event,
    Measurement,
    Revoked,
    RunStarted,
    Waived,
)
from pytest_deploycheck.domain.invocation import USUAL, Invocation
from pytest_deploycheck.domain.policy import Phase, Policy
from pytest_deploycheck.domain.timelines import Span, timelines
from pytest_deploycheck.domain.words import (
    Outcome,
    State,
    TriggerState,
    Verdict,
    worst_outcome,
)
from pytest_deploycheck.report.entries import Entry, entries_of
from pytest_deploycheck.report.reasons import told
from pytest_deploycheck.report.verdict import next_commands

#: Measurements that get a chart; those of items against PROCEED come first.
_MOST_CHARTS: Final = 300


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measured:
    """A measurement and what it is compared with."""

    measurement: Measurement
    item: ItemResult
    baseline: BaselineValue | None
    chart: bool
    """There is room to draw it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Unchecked:
    """What could not be checked: an item, several for one cause, or the run itself."""

    text: str
    """The cause; empty where the one item has its own reason."""
    entries: tuple[Entry, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Difference:
    """What changed since the previous run of the same phases; ids of items."""

    previous: RunStarted
    new: tuple[str, ...]
    still: tuple[str, ...]
    recovered: tuple[str, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lane:
    """A trigger over time."""

    trigger: TriggerResult
    sentence: str
    spans: tuple[Span, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class PhaseEntry:
    """A phase of the decision, and when it was looked at."""

    name: str
    phase: Phase | None
    sections: tuple[tuple[str, tuple[Entry, ...]], ...]
    passed: int

    @property
    def title(self) -> str:
        """As the policy calls it."""
        return self.phase.title if self.phase else self.name

    @property
    def count(self) -> int:
        """How many items it has."""
        return sum(len(entries) for _, entries in self.sections)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Page:
    """Everything on `report.html`, in its order."""

    decision: Decision
    why: str
    next: tuple[str, ...]
    unchecked: tuple[Unchecked, ...]
    """What concerns the run itself first."""
    troubled: tuple[Entry, ...]
    difference: Difference | None
    lanes: tuple[Lane, ...]
    from_s: float
    """Left edge of the lanes."""
    phases: tuple[PhaseEntry, ...]
    measured: tuple[Measured, ...]
    waived: tuple[Waived, ...]
    attested: tuple[Attested, ...]
    in_force: frozenset[str]
    """Ids of the waivers and attestations that the decision counted."""
    run: RunStarted | None
    release_before: str

    @property
    def unchecked_count(self) -> int:
        """How many items, and problems of the run itself, could not be checked."""
        return sum(max(1, len(group.entries)) for group in self.unchecked)


def page_of(
    decision: Decision,
    events: Iterable[Event],
    policy: Policy,
    *,
    invocation: Invocation = USUAL,
    over_time: Mapping[str, Sequence[Span]] | None = None,
) -> Page:
    """Work out the page of *decision* from the record's *events*; see `html.report_page`."""
    known = [event for event in events if event.at_s <= decision.at_s]
    runs = sorted((e for e in known if isinstance(e, RunStarted)), key=lambda e: e.at_s)
    run = next((e for e in reversed(runs) if e.at_s == decision.started_at_s), None)
    entries = entries_of(decision, policy, invocation=invocation)
    of_people = [item.waiver or item.attestation for item in decision.items]
    revoked = {event.id for event in known if isinstance(event, Revoked)}
    here = {item.item.id for item in decision.items}
    spoken = [
        event
        for event in known
        if isinstance(event, Waived | Attested) and event.item in here and event.id not in revoked
    ]
    lanes = _lanes(decision, timelines(policy, known) if over_time is None else over_time, policy)
    sampled = [span.from_s for lane in lanes for span in lane.spans]
    before = compared_with(
        known,
        deployed_at_s=decision.deployed_at_s,
        environment=decision.environment,
        release=decision.release,
    )
    return Page(
        decision=decision,
        why=told(decision.reasons)[0].text if decision.reasons else _all_is_well(decision),
        next=tuple(next_commands(decision, invocation=invocation)),
        unchecked=_unchecked(decision, entries),
        troubled=tuple(entry for entry in entries if entry.troubled),
        difference=_difference(decision, known, runs, run),
        lanes=lanes,
        from_s=min([decision.at_s, *sampled]),
        phases=tuple(_phase(name, entries, decision, policy) for name in decision.phases),
        measured=_measured(decision, before),
        waived=tuple(e for e in spoken if isinstance(e, Waived)),
        attested=tuple(e for e in spoken if isinstance(e, Attested)),
        in_force=frozenset(name for name in of_people if name),
        run=run,
        release_before=before.release if before else "",
    )


def _all_is_well(decision: Decision) -> str:
    return f"All {len(decision.items)} items of the selected phases have positive evidence."


def _unchecked(decision: Decision, entries: Sequence[Entry]) -> tuple[Unchecked, ...]:
    """Gather what could not be checked: each item once, where the first of its causes is told."""
    left = {entry.result.item.id: entry for entry in entries if entry.unchecked}
    found = []
    for reason in sorted(told(decision.reasons), key=lambda reason: bool(reason.items)):
        mine = [left.pop(item) for item in reason.items if item in left]
        if mine or not reason.items:
            alone = len(reason.items) == 1 and len(mine) == 1
            found.append(Unchecked(text="" if alone else reason.text, entries=tuple(mine)))
    return (*found, *(Unchecked(text="", entries=(entry,)) for entry in left.values()))


def _measured(decision: Decision, before: BaselineRecorded | None) -> tuple[Measured, ...]:
    baseline = {(v.name, v.unit): v for v in before.values} if before else {}
    found = [
        (item, measurement)
        for item in decision.items
        for check in item.checks
        for measurement in check.ended.measurements
    ]
    by_need = sorted(
        range(len(found)), key=lambda place: found[place][0].verdict is Verdict.PROCEED
    )
    drawn = set(by_need[:_MOST_CHARTS])
    return tuple(
        Measured(
            measurement=measurement,
            item=item,
            baseline=baseline.get((measurement.name, measurement.unit)),
            chart=place in drawn,
        )
        for place, (item, measurement) in enumerate(found)
    )


def _phase(name: str, entries: Sequence[Entry], decision: Decision, policy: Policy) -> PhaseEntry:
    """Gather the items of a phase; one that several judge stands under the first of them."""
    mine = [
        entry
        for entry in entries
        if next((p for p in decision.phases if p in entry.result.item.phases), "") == name
    ]
    return PhaseEntry(
        name=name,
        phase=policy.phases.get(name),
        sections=tuple(
            (section, tuple(group))
            for section, group in itertools.groupby(mine, key=lambda e: e.result.item.section)
        ),
        passed=sum(entry.result.state is State.PASSED for entry in mine),
    )


def _lanes(
    decision: Decision, over_time: Mapping[str, Sequence[Span]], policy: Policy
) -> tuple[Lane, ...]:
    """Return the triggers that were at some time of the record anything but INACTIVE."""
    return tuple(
        Lane(
            trigger=trigger,
            sentence=policy.triggers[trigger.id].sentence,
            spans=tuple(over_time.get(trigger.id, ())),
        )
        for trigger in decision.triggers
        if trigger.id in policy.triggers
        and (
            trigger.state is not TriggerState.INACTIVE
            or any(
                span.state not in (None, TriggerState.INACTIVE)
                for span in over_time.get(trigger.id, ())
            )
        )
    )


def _difference(
    decision: Decision, events: Sequence[Event], runs: Sequence[RunStarted], run: RunStarted | None
) -> Difference | None:
    """Compare the checks' outcomes with those of the run before, whatever was waived."""
    earlier = [
        other
        for other in runs
        if run is not None
        and other.run != run.run
        and other.at_s < run.at_s
        and not set(other.phases).isdisjoint(run.phases)
    ]
    if not earlier:
        return None
    previous = earlier[-1]
    then: dict[str, list[Outcome]] = {}
    for event in events:
        if isinstance(event, CheckEnded) and event.run == previous.run:
            then.setdefault(event.item, []).append(event.outcome)
    now = {item.item.id: _fine(item) for item in decision.items}
    was = {name: worst_outcome(outcomes) is Outcome.PASSED for name, outcomes in then.items()}
    return Difference(
        previous=previous,
        new=tuple(name for name, fine in now.items() if not fine and was.get(name, True)),
        still=tuple(name for name, fine in now.items() if not fine and not was.get(name, True)),
        recovered=tuple(name for name, fine in now.items() if fine and not was.get(name, True)),
    )


def _fine(item: ItemResult) -> bool:
    outcomes = [check.ended.outcome for check in item.checks]
    return bool(outcomes) and not item.not_run and worst_outcome(outcomes) is Outcome.PASSED
