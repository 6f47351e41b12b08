"""What the deployment's own record says: its runs, and the baselines before and after."""

from __future__ import annotations

import collections
import dataclasses
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.domain.baselines import all_before, compared_with, newest_after
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError
from pytest_deploycheck.domain.events import BaselineRecorded, Event, RunEnded, RunStarted
from pytest_deploycheck.domain.items import PHASES, Checklist
from pytest_deploycheck.domain.judge import judge, verdict_of_phase
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.record import policy_of
from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.domain.words import Verdict

_SOURCE: Final = "record"


@dataclasses.dataclass(frozen=True, kw_only=True)
class LogEntry:
    """A run as the deployment log has it."""

    phase: str
    operator: str
    release: str
    at_s: float
    result: Verdict | None
    """In what it ended, for this phase; None: it was cut off, or goes on."""


class Record:
    """Reads the journals of this deployment, anew each time it is asked.

    Args:
        read: Returns every event of the deployment.
        deployed_at_s: When the rollout began, Unix seconds.
        environment: That it is in; a baseline of another one is no reference.
        release: That is judged.
        checklist: Which items there are.
        policy: Says also whether runs that were made up for a demonstration count.
        selected: The phases of this very run, whose own verdict speaks for them.
        pinned: The release to compare with, as `Baseline` has it; None: the newest.
        clock: Unix seconds.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[Event]],
        *,
        deployed_at_s: float,
        environment: str,
        release: str,
        checklist: Checklist,
        policy: Policy,
        selected: Collection[str],
        pinned: str | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self.deployed_at_s = deployed_at_s
        self._environment = environment
        self.release = release
        """That is judged."""
        self._checklist = checklist
        self._policy = policy
        self._selected = selected
        self._pinned = pinned
        self._clock = clock

    def before(self, phase: str) -> tuple[str, ...]:
        """Return the phases that come before *phase* and are not judged in this very run."""
        return tuple(one for one in PHASES[: PHASES.index(phase)] if one not in self._selected)

    def log(self) -> dict[str, LogEntry]:
        """Return the newest run of each phase that the record has.

        Raises:
            InstrumentError: The record cannot be read, or holds no run.
        """
        events = self._events()
        ended = collections.Counter(event.run for event in events if isinstance(event, RunEnded))
        newest = {
            phase: run
            for run in sorted(
                (event for event in events if isinstance(event, RunStarted)),
                key=lambda event: event.at_s,
            )
            for phase in run.phases
        }
        if not newest:
            raise InstrumentError("the record holds no run; expected one for each phase")
        found = {
            phase: LogEntry(
                phase=phase,
                operator=run.operator,
                release=run.release,
                at_s=run.at_s,
                result=self._result(events, run, phase) if ended[run.run] >= run.shards else None,
            )
            for phase, run in newest.items()
        }
        for entry in found.values():
            evidence.note(
                _SOURCE,
                entry.phase,
                f"release {entry.release}, {spoken_time(entry.at_s)}, by {entry.operator or '?'}: "
                f"{entry.result or 'no result'}",
            )
        return found

    def doubt_about(self, phase: str) -> str:
        """Return why the record does not show that *phase* ended in PROCEED; empty: it does.

        Of a phase that this very run judges nothing is asked: its verdict is the run's own.

        Raises:
            InstrumentError: The record cannot be read.
        """
        if phase in self._selected:
            evidence.note(_SOURCE, phase, "judged in this very run")
            return ""
        verdict, found = verdict_of_phase(
            self._checklist, self._policy, self._events(), self._clock(), phase=phase
        )
        evidence.note(_SOURCE, phase, found)
        return "" if verdict is Verdict.PROCEED else f"{found}; expected {Verdict.PROCEED}"

    def _events(self) -> list[Event]:
        """Return what counts: made-up runs do in a rehearsal only."""
        made_up = self._policy.accepts_demonstrations
        return [
            event
            for event in self._read()
            if made_up or not (isinstance(event, RunStarted) and event.demonstration)
        ]

    def _result(self, events: Sequence[Event], run: RunStarted, phase: str) -> Verdict:
        used = policy_of(self._policy, run)
        decision = judge(self._checklist, used, events, self._clock(), phases=(phase,), run=run.run)
        return decision.verdict

    def baseline_before(self, names: Sequence[str]) -> BaselineRecorded:
        """Return the baseline that this deployment is compared with, however old.

        Args:
            names: Of the values that it must have.

        Raises:
            InstrumentError: No value is asked for; there are others than the pinned one only.
            SubjectError: There is none, the newest is this release's own, or it lacks a value.
        """
        _demand_names(names)
        before = self._before(self._read())
        if before and before[-1].release == self.release:
            raise SubjectError(f"found a baseline of {self.release} itself; expected one of before")
        found = before and compared_with(
            before,
            deployed_at_s=self.deployed_at_s,
            environment=self._environment,
            release=self.release,
            pinned=self._pinned,
        )
        if not found:
            raise SubjectError(
                "found no baseline from before the deployment; expected one; "
                "run deploycheck baseline record"
            )
        _note(f"baseline of {found.release} until {spoken_time(found.until_s)}", found)
        missing = _lacking(found, names)
        if missing:
            raise SubjectError(f"the baseline lacks {', '.join(missing)}; expected it complete")
        return found

    def lacking_after(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return what the newest baseline from after the deployment lacks; empty: it is complete.

        Args:
            names: Of the values that it must have, besides all that the one before had.

        Raises:
            InstrumentError: No value is asked for.
            SubjectError: There is no such baseline of this release.
        """
        _demand_names(names)
        events = self._read()
        newest = newest_after(
            events,
            deployed_at_s=self.deployed_at_s,
            environment=self._environment,
            release=self.release,
        )
        if newest is None or not newest.values:
            raise SubjectError(
                "found no baseline from after the deployment; expected one; "
                "run deploycheck baseline update"
            )
        _note("baseline after the deployment", newest)
        before = self._before(events)[-1:]
        return _lacking(newest, [*names, *(v.name for event in before for v in event.values)])

    def _before(self, events: Sequence[Event]) -> list[BaselineRecorded]:
        return all_before(events, deployed_at_s=self.deployed_at_s, environment=self._environment)


def _note(about: str, baseline: BaselineRecorded) -> None:
    values = (f"{v.name} {v.value:g} {v.unit}, {v.samples} samples" for v in baseline.values)
    evidence.note(_SOURCE, about, "\n".join(values))


def _lacking(baseline: BaselineRecorded, names: Iterable[str]) -> tuple[str, ...]:
    have = {value.name for value in baseline.values if value.samples > 0}
    return tuple(dict.fromkeys(name for name in names if name not in have))


def _demand_names(names: Sequence[str]) -> None:
    if not names:
        raise InstrumentError(
            "the environment has no baseline: which values it needs is unknown; "
            "expected baseline = […] in it"
        )
