"""What a record has before the run begins: standing waivers, and a rehearsal's made-up past."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from pytest_deploycheck.domain.baselines import compared_with, is_before
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError
from pytest_deploycheck.domain.events import (
    Attested,
    BaselineRecorded,
    CheckEnded,
    CheckSample,
    Event,
    PlannedCheck,
    ProblemFound,
    RunEnded,
    RunStarted,
)
from pytest_deploycheck.domain.items import GATES, PHASES
from pytest_deploycheck.domain.words import Outcome
from pytest_deploycheck.plugin.deployment import Deployment
from pytest_deploycheck.report import journal, layout
from pytest_deploycheck.report.neighbours import in_flight

_LOOKS_BACK = ("deploy", "post_24h", "sign_off")
"""The phases that read what those before them left in the record."""


def keep_what_is_used(settled: Deployment) -> None:
    """Copy the checklist and the policy into the record: the verdict is recomputed with them."""
    project = settled.project
    folder = layout.used_folder(settled.folder, project.checklist.sha256, project.policy.sha256)
    folder.mkdir(parents=True, exist_ok=True)
    for name in project.files:
        content = (project.folder / name).read_text(encoding="utf-8")
        if not (folder / name).is_file():
            layout.write_whole(folder / name, content)


def adopt_waivers(settled: Deployment) -> list[str]:
    """Copy the environment's waivers of any release into this deployment's record, once.

    Returns:
        What of them cannot be read: it may take back one of the others.
    """
    events, problems = _shared(
        layout.waivers_folder(settled.options.reports, settled.environment.name)
    )
    for event in events:
        journal.write_people(settled.folder, event, name="waiver")
    return problems


def beside(settled: Deployment) -> list[str]:
    """Return what forbids signing off: another release in flight in the same environment."""
    if "sign_off" not in settled.phases:
        return []
    return [
        f"release {other} was rolled out in {settled.environment.name} as well: which of the two "
        "is signed for is not clear"
        for other in in_flight(settled.folder)
    ]


def adopt_baseline(settled: Deployment) -> list[str]:
    """Copy the baseline that this deployment is compared with into its record, once.

    Returns:
        What of those that were recorded cannot be read: it may be a newer one.
    """
    recorded, problems = _shared(
        layout.baselines_folder(settled.options.reports, settled.environment.name)
    )
    try:
        event = compared_with(
            recorded,
            deployed_at_s=settled.deployed_at_s,
            environment=settled.environment.name,
            release=settled.release,
            pinned=settled.environment.baseline_release,
        )
    except InstrumentError:
        return problems  # the pinned one is missing, and whoever compares with it says so
    if event is not None:
        journal.write_people(settled.folder, event, name="baseline")
    return problems


def _shared(folder: Path) -> tuple[list[Event], list[str]]:
    """Return the events that all releases share, and what of them cannot be read.

    The latter stands against this run alone: in the record it would outlast its being mended.
    """
    events = journal.read_events(folder)
    problems = [event for event in events if isinstance(event, ProblemFound)]
    return [e for e in events if e not in problems], [problem.text for problem in problems]


def rehearse(settled: Deployment, folder: Path) -> None:
    """Write the environment's made-up events into the record at *folder*, once.

    Every one says that it is a demonstration; the judge counts it only in a rehearsal.

    Raises:
        pytest.UsageError: The environment's file, or the record, cannot be read.
    """
    try:
        _rehearse(settled, folder)
    except DeploycheckError as error:
        raise pytest.UsageError(str(error)) from error


def _rehearse(settled: Deployment, folder: Path) -> None:
    file = settled.environment.demonstration_file
    if not file or not settled.environment.sandbox:
        return
    there = set(journal.read_people(folder))
    for event in _words(journal.read_journal(Path(file)), settled):
        if event not in there:
            journal.write_people(folder, event, name="demonstration")
    looking_back = [phase for phase in _LOOKS_BACK if phase in settled.phases]
    if looking_back:
        _rehearse_phases(settled, folder, PHASES[: PHASES.index(looking_back[-1])])


def _words(events: Iterable[Event], settled: Deployment) -> Iterator[Event]:
    """Yield the made-up events, of this environment and where they are asked for."""
    for event in events:
        if isinstance(event, Attested | RunStarted):
            yield dataclasses.replace(event, environment=settled.environment.name)
        elif not isinstance(event, BaselineRecorded):
            yield event
        elif is_before(event, deployed_at_s=settled.deployed_at_s) or "post_24h" in settled.phases:
            yield dataclasses.replace(event, environment=settled.environment.name)


def _rehearse_phases(settled: Deployment, folder: Path, phases: Sequence[str]) -> None:
    """Write a made-up run, in which everything passes, for each of *phases* that has none."""
    has_runs = any(folder.glob(f"runs/*/{layout.JOURNAL}"))
    known = journal.read_record(folder) if has_runs else []
    done = {phase for event in known if isinstance(event, RunStarted) for phase in event.phases}
    for phase in phases:
        if phase not in done and phase not in settled.phases:
            at_s = settled.deployed_at_s + (-60.0 if phase in GATES else 60.0)
            run_folder = layout.new_run_folder(folder, at_s, [phase])
            with journal.JournalWriter(run_folder / layout.JOURNAL) as writer:
                for event in _passed(settled, phase, at_s):
                    writer.append(event)


def _passed(settled: Deployment, phase: str, at_s: float) -> Iterator[Event]:
    run = f"demonstration-{secrets.token_hex(4)}"
    planned = tuple(
        PlannedCheck(nodeid=f"demonstration::{phase}::{item.slug}", item=item.id)
        for item in settled.project.checklist.of([phase])
    )
    yield RunStarted(
        run=run,
        at_s=at_s,
        environment=settled.environment.name,
        release=settled.release,
        deployed_at_s=settled.deployed_at_s,
        phases=(phase,),
        planned=planned,
        checklist_sha256=settled.project.checklist.sha256,
        policy_sha256=settled.policy.sha256,
        operator="demonstration",
        triggers=tuple(settled.policy.triggers.values()),
        words=tuple(settled.policy.words.values()),
        approvers=tuple(sorted(settled.policy.approvers)),
        times=tuple(settled.policy.phases.values()),
        accepts_demonstrations=True,
        demonstration=True,
    )
    for check in planned:
        yield CheckEnded(
            run=run,
            at_s=at_s + 1,
            started_at_s=at_s,
            nodeid=check.nodeid,
            item=check.item,
            outcome=Outcome.PASSED,
            message="Demonstration: nothing was checked.",
            samples=(CheckSample(at_s=at_s, outcome=Outcome.PASSED),),
        )
    yield RunEnded(run=run, at_s=at_s + 2)
