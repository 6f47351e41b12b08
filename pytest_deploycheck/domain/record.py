"""The events of a deployment, sorted into what `judge` asks for: runs, plans, answers, visits."""

from __future__ import annotations

import collections
import dataclasses
import functools
import math
from collections.abc import Iterable, Mapping, Sequence

from pytest_deploycheck.domain.clock import Visit
from pytest_deploycheck.domain.events import (
    OF_THE_RECORD,
    CheckEnded,
    CheckSample,
    CheckSampled,
    Event,
    PlannedCheck,
    ProblemFound,
    RunEnded,
    RunStarted,
)
from pytest_deploycheck.domain.histories import not_after
from pytest_deploycheck.domain.items import Checklist
from pytest_deploycheck.domain.policy import Phase, Policy
from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.domain.words import OUTCOMES, Outcome


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record:
    """The events of a deployment, sorted into what `judge` asks for."""

    runs: tuple[RunStarted, ...]
    """Those in scope, oldest first; several shards of one run are several."""
    planned: Mapping[str, Mapping[str, PlannedCheck]]
    """Item id → node id → check."""
    newest: Mapping[str, CheckEnded]
    """Node id → its answer in scope."""
    outside: Mapping[str, CheckEnded]
    """Node id → a newer PASSED that does not stand for its phase: *newest* is older, or none."""
    visits: Sequence[Visit]
    """When each run in scope looked at each of its phases, oldest first."""
    all_of: Mapping[str, Sequence[CheckEnded]]
    """Node id → its answer in each run, oldest first, also of runs out of scope.

    What a run that was cut off had sampled is among them: it tells durations, and answers nothing.
    """
    found: tuple[ProblemFound, ...]
    ended: frozenset[tuple[str, int]]
    """Run and shard of each journal that came to its end."""
    plain_failed: frozenset[str]
    """The runs in which a test failed that is no check."""
    deployments: frozenset[tuple[str, str, int]]
    """Environment, release and time (Unix seconds) of every run, also of those out of scope."""

    @classmethod
    def of(
        cls, events: Sequence[Event], checklist: Checklist, policy: Policy, *, run: str | None
    ) -> Record:
        """Sort *events*; *run* names the one in scope, None: all are."""
        started = sorted(
            (event for event in events if isinstance(event, RunStarted)),
            key=lambda event: (event.at_s, event.run, event.shard),
        )
        cut_off = unended(events)
        ended = _excuse_silence(
            [*(event for event in events if isinstance(event, CheckEnded)), *cut_off]
        )
        in_scope = [event for event in started if run in (None, event.run)]
        planned: dict[str, dict[str, PlannedCheck]] = collections.defaultdict(dict)
        for start in in_scope:
            for check in start.planned:
                planned[check.item][check.nodeid] = check
        visits = _visits(in_scope, ended, policy)
        standing = {(visit.run, visit.phase.name) for visit in visits if visit.timeliness.stands}

        def stands(event: CheckEnded) -> bool:
            item = checklist.by_id.get(event.item)
            return item is None or any((event.run, phase) in standing for phase in item.phases)

        def comes_too_late(event: CheckEnded) -> bool:
            item = checklist.by_id.get(event.item)
            return item is not None and any(phase in item.phases for _, phase in standing)

        all_of = _answers_by_run(ended, started)
        undecided = {(event.run, event.nodeid) for event in cut_off}
        newest, outside = {}, {}
        for nodeid, results in all_of.items():
            mine = [
                event
                for event in results
                if run in (None, event.run) and (event.run, nodeid) not in undecided
            ]
            # Bad news counts whenever it comes; good news only in its time, where there is any.
            in_time = [e for e in mine if e.outcome is not Outcome.PASSED or stands(e)]
            # Where no run came in its time, what was found is told, and the phase says the rest.
            counting = in_time or [e for e in mine if not comes_too_late(e)]
            for event in counting[-1:]:
                newest[nodeid] = event
            if mine and mine[-1:] != counting[-1:]:
                outside[nodeid] = mine[-1]
        return cls(
            runs=tuple(in_scope),
            planned=planned,
            newest=newest,
            outside=outside,
            visits=visits,
            all_of=all_of,
            found=tuple(
                event
                for event in events
                if isinstance(event, ProblemFound)
                and (run is None or event.run in (run, OF_THE_RECORD))
            ),
            deployments=frozenset(
                (event.environment, event.release, math.floor(event.deployed_at_s))
                for event in started
            ),
            ended=frozenset((e.run, e.shard) for e in events if isinstance(e, RunEnded)),
            plain_failed=frozenset(
                e.run for e in events if isinstance(e, RunEnded) and e.plain_failed
            ),
        )

    @property
    def phases(self) -> frozenset[str]:
        """Every phase that a run in scope selected."""
        return frozenset(phase for run in self.runs for phase in run.phases)

    @property
    def environment(self) -> str:
        """Of the newest run in scope, empty without any."""
        return self.runs[-1].environment if self.runs else ""

    @property
    def release(self) -> str:
        """Of the newest run in scope, empty without any."""
        return self.runs[-1].release if self.runs else ""

    @property
    def deployed_at_s(self) -> float:
        """Of the newest run in scope (Unix seconds), 0.0 without any."""
        return self.runs[-1].deployed_at_s if self.runs else 0.0

    @property
    def started_at_s(self) -> float:
        """When the oldest run in scope began (Unix seconds), 0.0 without any."""
        return self.runs[0].at_s if self.runs else 0.0

    @functools.cached_property
    def answers(self) -> Mapping[str, Mapping[str, CheckEnded]]:
        """Item id → node id → its answer in scope."""
        found: dict[str, dict[str, CheckEnded]] = collections.defaultdict(dict)
        for nodeid, event in self.newest.items():
            found[event.item][nodeid] = event
        return found

    def problems(self, checklist: Checklist, selected: Sequence[str]) -> list[str]:
        """Say what about the runs themselves forbids PROCEED."""
        replaced = self.replaced
        texts = sorted({event.text for event in self.found if event.run not in replaced})
        cut_off = {run.run for run in self.runs if (run.run, run.shard) not in self.ended}
        texts += [
            f"run {name} was cut off, or still goes on: its journal has no run_ended; run it again"
            for name in sorted(cut_off - replaced)
        ]
        if not self.runs:
            texts.append("no run is recorded; expected one for each phase")
        if not selected:
            texts.append("no phase is selected; expected at least one of the checklist")
        texts += [
            f"phase {phase} has no item in the checklist: nothing can speak for it; add a box "
            f"under a heading with <!-- phase: {phase} -->, or leave it out of -m"
            for phase in selected
            if not checklist.of([phase])
        ]
        by_phase = collections.defaultdict(list)
        for visit in self.visits:
            by_phase[visit.phase.name].append(visit)
        texts += [
            str(visits[-1])
            for phase, visits in by_phase.items()
            if phase in selected and not any(visit.timeliness.stands for visit in visits)
        ]
        if len(self.deployments) > 1:
            named = ", ".join(
                f"{release} in {environment} of {spoken_time(at_s)}"
                for environment, release, at_s in sorted(self.deployments)
            )
            texts.append(
                f"the record holds runs of {len(self.deployments)} deployments ({named}); "
                "expected one: keep one folder for each"
            )
        present = collections.defaultdict(set)
        for run in self.runs:
            present[run.run, run.shards].add(run.shard)
        for (name, shards), there in sorted(present.items()):
            missing = sorted(set(range(1, shards + 1)) - there)
            if missing:
                numbers = ", ".join(map(str, missing))
                texts.append(
                    f"run {name}: found {len(there)} of {shards} shards; missing {numbers}"
                )
        unknown = {event.item for event in self.newest.values()} - set(checklist.by_id)
        texts += [f"a check answers {item!r}, which no item is" for item in sorted(unknown)]
        return texts

    @functools.cached_property
    def replaced(self) -> frozenset[str]:
        """The runs in scope all of whose phases a newer one has looked at again.

        Whoever came in a phase's time is not replaced by one that did not.
        """
        standing = {(v.run, v.phase.name) for v in self.visits if v.timeliness.stands}
        visits = [(run.run, phase) for run in self.runs for phase in run.phases]
        last = {phase: run for run, phase in visits}
        last_in_time = {phase: run for run, phase in visits if (run, phase) in standing}
        kept = {
            run
            for run, phase in visits
            if run == (last_in_time if (run, phase) in standing else last)[phase]
        }
        return frozenset(run.run for run in self.runs) - kept


def policy_of(policy: Policy, started: RunStarted) -> Policy:
    """Return *policy* as a run used it: its environment may have set triggers, and whose word."""
    return dataclasses.replace(
        policy,
        triggers={**policy.triggers, **{trigger.id: trigger for trigger in started.triggers}},
        phases={**policy.phases, **{phase.name: phase for phase in started.times}},
        words={rule.item: rule for rule in started.words},
        approvers=frozenset(started.approvers),
        accepts_demonstrations=started.accepts_demonstrations,
    )


def _answers_by_run(
    ended: Iterable[CheckEnded], started: Sequence[RunStarted]
) -> dict[str, list[CheckEnded]]:
    """Return by node id the answer in each known run, oldest first; of a retry the worst."""
    begun_s = {event.run: event.at_s for event in reversed(started)}
    answers: dict[tuple[str, str], list[CheckEnded]] = collections.defaultdict(list)
    for event in ended:
        if event.run in begun_s:
            answers[event.run, event.nodeid].append(event)
    found: dict[str, list[CheckEnded]] = collections.defaultdict(list)
    for event in sorted(
        (of_run[0] if len(of_run) == 1 else max(of_run, key=_rank) for of_run in answers.values()),
        key=lambda event: (event.at_s, begun_s[event.run], event.run),
    ):
        found[event.nodeid].append(event)
    return found


def _visits(runs: Sequence[RunStarted], ended: Sequence[CheckEnded], policy: Policy) -> list[Visit]:
    """Return when each run took its first sample, for each phase it selected; oldest first."""
    first_s: dict[str, float] = {}
    for event in ended:
        begun_s = event.samples[0].at_s if event.samples else event.started_at_s
        first_s[event.run] = min(begun_s, first_s.get(event.run, begun_s))
    found = {
        (run.run, name): Visit(
            phase=policy.phases.get(name, Phase(name=name, title=name)),
            run=run.run,
            after_s=first_s.get(run.run, run.at_s) - run.deployed_at_s,
        )
        for run in runs
        for name in run.phases
    }
    return sorted(found.values(), key=lambda visit: (visit.after_s, visit.run))


def unended(events: Iterable[Event]) -> list[CheckEnded]:
    """Return the checks that were sampled in a run that was cut off before they ended."""
    samples: dict[tuple[str, str], list[CheckSampled]] = collections.defaultdict(list)
    done = set()
    for event in events:
        if isinstance(event, CheckSampled):
            samples[event.run, event.nodeid].append(event)
        elif isinstance(event, CheckEnded):
            done.add((event.run, event.nodeid))
    return [
        _as_far_as(sorted(found, key=lambda event: event.at_s))
        for place, found in samples.items()
        if place not in done
    ]


def cut_off_s(events: Iterable[Event], *, at_s: float, max_gap_s: float) -> float | None:
    """Return when the newest run began that was cut off (Unix seconds), to go on with it at *at_s*.

    None: there is none, or its last sample lies further back than *max_gap_s*: then what goes on
    is not the same watch any more.
    """
    cut_off = unended(events)
    newest = max(cut_off, key=lambda check: check.at_s, default=None)
    if newest is None or not not_after(at_s - newest.at_s, max_gap_s):
        return None
    return min(check.started_at_s for check in cut_off if check.run == newest.run)


def _as_far_as(sampled: Sequence[CheckSampled]) -> CheckEnded:
    """Return the check as its samples so far, oldest first, left it."""
    last = sampled[-1]
    return CheckEnded(
        run=last.run,
        at_s=last.at_s,
        started_at_s=sampled[0].at_s,
        nodeid=last.nodeid,
        item=last.item,
        outcome=last.outcome,
        message=last.message,
        trigger=last.trigger,
        samples=tuple(
            CheckSample(at_s=event.at_s, outcome=event.outcome, message=event.message)
            for event in sampled
        ),
        answered=tuple(host for event in sampled for host in event.answered),
        silent=last.silent,
    )


def _rank(event: CheckEnded) -> tuple[int, bool, float, str]:
    """Order two answers of one check in one run: the worst is last, so a retry hides nothing."""
    return (OUTCOMES.index(event.outcome), event.recovered, event.at_s, repr(event))


def _excuse_silence(ended: Sequence[CheckEnded]) -> list[CheckEnded]:
    """Make failures by silence INCONCLUSIVE in a run to which nothing at all answered.

    When everything is silent at once, our own network is the likelier cause.
    """
    heard = {event.run for event in ended if event.answered}
    return [
        event
        if event.run in heard or not event.silent or event.outcome is not Outcome.FAILED
        else dataclasses.replace(
            event,
            outcome=Outcome.INCONCLUSIVE,
            message=f"nothing at all answered, so the fault may be ours: {event.message}",
            samples=tuple(
                dataclasses.replace(sample, outcome=Outcome.INCONCLUSIVE)
                for sample in event.samples
            ),
        )
        for event in ended
    ]
