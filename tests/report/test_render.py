"""A run's files are written whole, and made again from what is left of it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import FrameType

import pytest

from pytest_deploycheck.domain.events import ProblemFound, RunEnded
from pytest_deploycheck.domain.timelines import timelines
from pytest_deploycheck.report import layout
from pytest_deploycheck.report.journal import JournalError, JournalWriter, to_line
from pytest_deploycheck.report.render import render, write_run
from tests.report import stories


def keep(told: stories.Story, folder: Path, *, but_last: int = 0) -> Path:
    """Write the journal of a run, without its last events when it was killed."""
    events = told.events[: len(told.events) - but_last]
    with JournalWriter(folder / layout.JOURNAL) as journal:
        for event in events:
            journal.append(event)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run in the record of its deployment."""
    return layout.new_run_folder(tmp_path / "deployment", stories.STARTED_S, ("post_5min",))


def test_a_run_leaves_its_four_files(told: stories.Story, folder: Path) -> None:
    """Decision, page, JUnit and summary, and nothing half-written."""
    written = write_run(folder, told.decision, told.events, policy=told.policy)
    assert sorted(p.name for p in folder.iterdir()) == [
        "junit.xml",
        "report.html",
        "summary.md",
        "verdict.json",
    ]
    assert json.loads(written.verdict.read_text())["verdict"] == told.decision.verdict.value


def test_the_timelines_are_worked_out_once(folder: Path) -> None:
    """With a hundred series of a day they take seconds; page and verdict share them."""
    told, begun = stories.rollback(), list[str]()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is timelines.__code__:
            begun.append(event)

    sys.setprofile(note)
    try:
        write_run(folder, told.decision, told.events, policy=told.policy)
    finally:
        sys.setprofile(None)
    assert len(begun) == 1


def test_a_run_is_rendered_again_as_it_was(told: stories.Story, folder: Path) -> None:
    """Whoever recomputes an archived run finds the same bytes."""
    first = write_run(folder, told.decision, told.events, policy=told.policy)
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    keep(told, folder)
    again = render(folder, told.checklist, told.policy)
    assert again.decision == told.decision
    assert first.report.read_bytes() == before["report.html"]
    assert again.verdict.read_bytes() == before["verdict.json"]


def test_a_killed_run_is_held_and_names_what_is_missing(folder: Path) -> None:
    """Its journal is all there is, and PROCEED needs the rest."""
    told = stories.story(stories.passed("pod-status"), stories.passed("redis-cache"))
    keep(told, folder, but_last=2)
    rendered = render(folder, told.checklist, told.policy)
    assert rendered.decision.verdict.value == "HOLD"
    page = rendered.report.read_text()
    assert "was cut off" in page
    assert "post_5min/redis-cache NOT_RUN" in page


def test_a_run_that_was_killed_after_its_last_check_is_held(folder: Path) -> None:
    """It may have had a problem that it could not write any more."""
    told = stories.proceed()
    keep(told, folder, but_last=1)
    assert render(folder / layout.JOURNAL, told.checklist, told.policy).decision.verdict == "HOLD"


def test_a_torn_journal_is_held(folder: Path) -> None:
    """The page says where it was torn."""
    told = stories.proceed()
    keep(told, folder, but_last=1)
    with (folder / layout.JOURNAL).open("ab") as file:
        file.write(to_line(stories.passed("last"))[:50])
    rendered = render(folder, told.checklist, told.policy)
    assert rendered.decision.verdict.value == "HOLD"
    assert "the last line is torn" in rendered.summary.read_text()


def test_earlier_runs_of_the_deployment_are_seen(folder: Path) -> None:
    """How long a failure has lasted may come from the run before."""
    told = stories.observe()
    keep(told, folder)
    other = layout.new_run_folder(folder.parent.parent, 0.0, ("post_5min",))
    early = stories.failing(
        "pod-status", for_s=120, trigger="health-check-failure", run="run-0", measurements=()
    )
    started = told.events[0]
    import dataclasses

    with JournalWriter(other / layout.JOURNAL) as journal:
        journal.append(dataclasses.replace(started, run="run-0"))  # type: ignore[arg-type]
        journal.append(early)
        journal.append(RunEnded(run="run-0", at_s=early.at_s))
    text = render(folder, told.checklist, told.policy).report.read_text()
    assert "The run before began" not in text  # it began at the same time, so none was before
    assert render(folder, told.checklist, told.policy).decision.verdict.value != "PROCEED"


def test_a_journal_of_no_run_is_refused(tmp_path: Path) -> None:
    """A person's word alone is no run."""
    (tmp_path / "x.jsonl").write_bytes(to_line(ProblemFound(run="r", at_s=1.0, text="x")))
    told = stories.proceed()
    with pytest.raises(JournalError, match="no run_started"):
        render(tmp_path / "x.jsonl", told.checklist, told.policy)
