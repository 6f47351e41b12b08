"""A whole deployment, worked out from its record: its phases, runs, summary and sign-off."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_deploycheck.domain.decision import Decision, ItemResult
from pytest_deploycheck.domain.events import (
    Attested,
    Event,
    MessageSent,
    RolledBack,
    RunEnded,
    RunStarted,
    Waived,
)
from pytest_deploycheck.domain.items import PHASES, Checklist, Item
from pytest_deploycheck.domain.judge import judge, verdict_of_phase
from pytest_deploycheck.domain.policy import Phase, Policy
from pytest_deploycheck.domain.reasons import found_against_limit
from pytest_deploycheck.domain.record import policy_of
from pytest_deploycheck.domain.rollbacks import newest_step
from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.domain.words import State, Verdict
from pytest_deploycheck.report import layout
from pytest_deploycheck.report.document import SummaryLine, summary_of, ticks
from pytest_deploycheck.report.entries import anchor
from pytest_deploycheck.report.journal import JournalError, Runs, read_people, read_runs


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunRow:
    """A run of the record."""

    started: RunStarted
    folder: str
    """Relative to the deployment's: `runs/…`."""
    verdict: Verdict | None
    """As its verdict.json has it; None: it left none."""
    ended: bool
    """It ended by itself."""

    @property
    def report(self) -> str:
        """Where its page is, relative to the deployment's folder."""
        return f"{self.folder}/report.html"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ItemRow:
    """An item of the whole checklist."""

    item: Item
    result: ItemResult | None
    """None: no phase that judges it was run."""
    evidence: str
    """What was found, in a line."""
    at_s: float | None
    report: str
    """Link to its place on the page of the run that answered it, or empty."""
    word: Attested | None = None
    """The attestation in force."""

    @property
    def state(self) -> State:
        """NOT_RUN, when no run selected it."""
        return self.result.state if self.result else State.NOT_RUN

    @property
    def recovered(self) -> bool:
        """It passed after failing in the same run."""
        return self.result is not None and self.result.recovered


@dataclasses.dataclass(frozen=True, kw_only=True)
class PhaseRow:
    """A phase of the checklist."""

    name: str
    phase: Phase
    verdict: Verdict | None
    """None: it was not run."""
    text: str
    rows: tuple[ItemRow, ...]

    @property
    def satisfied(self) -> int:
        """How many of its items tick their box."""
        return sum(ticks(row.result) for row in self.rows)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployment:
    """Everything that is told of a deployment."""

    decision: Decision
    """Over all phases that were run, from the newest answers."""
    phases: tuple[PhaseRow, ...]
    """All of the checklist, in its order."""
    runs: tuple[RunRow, ...]
    verifications: tuple[RunRow, ...]
    """Runs on what was brought back by a rollback of this deployment."""
    summary: tuple[SummaryLine, ...]
    sign_off: tuple[tuple[ItemRow, Attested | None], ...]
    messages: tuple[MessageSent, ...]
    rollbacks: tuple[RolledBack, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """The phases that no run selected."""
        return tuple(phase.name for phase in self.phases if phase.verdict is None)

    @property
    def rolled_back(self) -> RolledBack | None:
        """The rollback that was executed since the newest run began; None: there is none."""
        executed = newest_step(self.rollbacks, "executed")
        if executed is None or executed.at_s < self.runs[-1].started.at_s:
            return None
        return executed

    @property
    def verified(self) -> RolledBack | None:
        """What the newest look at that rollback said; None: nobody has looked yet."""
        executed = self.rolled_back
        looks = [
            step
            for step in self.rollbacks
            if executed and step.id == executed.id and step.step in ("verified", "not_verified")
        ]
        return looks[-1] if looks else None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Source:
    """The checklist document, and where its items stand in it."""

    text: str
    lines: Mapping[str, int]
    """Id of an item → its line, from 1."""


def deployment_of(
    folder: Path,
    checklist: Checklist,
    policy: Policy,
    source: Source,
    *,
    at_s: float,
    journals: Runs | None = None,
) -> Deployment:
    """Work out what is told of the deployment in *folder*; see `write_deployment`."""
    if journals is None:
        journals = read_runs(folder)
    events = [event for written in journals.values() for event in written] + read_people(folder)
    runs = _runs(folder, journals)
    if not runs:
        raise JournalError(f"{folder}: found no run; expected runs/*/{layout.JOURNAL}")
    used = policy_of(policy, runs[-1].started)
    decision = judge(checklist, used, events, at_s)
    results = {result.item.id: result for result in decision.items}
    words = {event.id: event for event in events if isinstance(event, Attested | Waived)}
    rows = {item.id: _row(item, results.get(item.id), runs, words) for item in checklist.items}
    return Deployment(
        decision=decision,
        phases=tuple(
            _phase(name, checklist, used, events, decision, rows)
            for name in PHASES
            if checklist.of([name])
        ),
        runs=runs,
        verifications=tuple(
            run
            for brought_back in sorted(folder.glob("rollback/*/*/*/*"))
            for run in _runs(folder, read_runs(brought_back))
        ),
        summary=summary_of(source.text, checklist, results),
        sign_off=tuple((rows[item.id], rows[item.id].word) for item in checklist.of(["sign_off"])),
        messages=tuple(
            sorted(
                (e for e in events if isinstance(e, MessageSent) and e.state != "claimed"),
                key=lambda event: event.at_s,
            )
        ),
        rollbacks=tuple(
            sorted((e for e in events if isinstance(e, RolledBack)), key=lambda event: event.at_s)
        ),
    )


def _runs(folder: Path, journals: Runs) -> tuple[RunRow, ...]:
    """Return the runs, oldest first."""
    found = []
    for journal, events in journals.items():
        if journal.name != layout.JOURNAL:
            continue
        found += [
            RunRow(
                started=event,
                folder=journal.parent.relative_to(folder).as_posix(),
                verdict=_verdict_in(journal.parent / "verdict.json"),
                ended=any(isinstance(e, RunEnded) and e.run == event.run for e in events),
            )
            for event in events
            if isinstance(event, RunStarted)
        ]
    return tuple(sorted(found, key=lambda row: (row.started.at_s, row.folder)))


def _verdict_in(path: Path) -> Verdict | None:
    """Return the verdict that a run's file names, None when it names none."""
    try:
        document = json.loads(path.read_bytes())
        return Verdict(document["verdict"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _phase(
    name: str,
    checklist: Checklist,
    policy: Policy,
    events: Sequence[Event],
    decision: Decision,
    rows: Mapping[str, ItemRow],
) -> PhaseRow:
    verdict, text = None, "not run yet"
    if name in decision.phases:
        verdict, text = verdict_of_phase(checklist, policy, events, decision.at_s, phase=name)
    return PhaseRow(
        name=name,
        phase=policy.phases.get(name, Phase(name=name, title=name)),
        verdict=verdict,
        text=text,
        rows=tuple(rows[item.id] for item in checklist.of([name]) if item.phases[0] == name),
    )


def _row(
    item: Item,
    result: ItemResult | None,
    runs: Sequence[RunRow],
    words: Mapping[str, Attested | Waived],
) -> ItemRow:
    if result is None:
        return ItemRow(item=item, result=None, evidence="not run yet", at_s=None, report="")
    newest = max((check.ended for check in result.checks), key=lambda e: e.at_s, default=None)
    run = next((row for row in reversed(runs) if newest and row.started.run == newest.run), None)
    spoken = words.get(result.attestation or result.waiver or "")
    word = spoken if isinstance(spoken, Attested) else None
    return ItemRow(
        item=item,
        result=result,
        evidence=_said(spoken) if spoken else _evidence(result),
        at_s=spoken.at_s if spoken else newest.at_s if newest else None,
        report=f"{run.report}#{anchor(item.id)}" if run else "",
        word=word,
    )


def _said(spoken: Attested | Waived) -> str:
    """Say in a line what a person said of an item."""
    if isinstance(spoken, Waived):
        until = spoken_time(spoken.until_s)
        return (
            f"waived by {spoken.approver} until {until}: {spoken.reason} "
            f"({spoken.ticket}, {spoken.id})"
        )
    not_applicable = "not applicable: " if spoken.not_applicable else ""
    return f"{spoken.by}, {spoken.role}: {not_applicable}{spoken.statement}"


def _evidence(result: ItemResult) -> str:
    """Say in a line what was found: what is wrong, else a number, else an answer."""
    if result.waiver:
        return f"waived by {result.waiver}"
    if not result.checks:
        return "no check of it ran"
    for check in result.checks:
        if check.verdict is not Verdict.PROCEED and check.ended.message:
            return check.ended.message.strip().partition("\n")[0]
    measured = [m for check in result.checks for m in check.ended.measurements]
    if measured:
        return found_against_limit(measured[0])
    seen = [e for check in result.checks for e in check.ended.evidence]
    passed = f"{len(result.checks)} checks passed" if len(result.checks) > 1 else "its check passed"
    if not seen:
        return passed if result.state is State.PASSED else result.state.value
    return f"{seen[0].source} {seen[0].request}: {seen[0].answer}"
