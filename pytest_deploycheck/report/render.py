"""Writes what people and machines read of a run, from its decision or again from its journal."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.events import Event, RunStarted
from pytest_deploycheck.domain.invocation import USUAL, Invocation
from pytest_deploycheck.domain.items import Checklist
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.record import policy_of
from pytest_deploycheck.domain.timelines import Span, timelines
from pytest_deploycheck.report import layout
from pytest_deploycheck.report.html import report_page
from pytest_deploycheck.report.journal import JournalError, read_journal, read_record
from pytest_deploycheck.report.junit import junit_xml
from pytest_deploycheck.report.reading import read_verdict
from pytest_deploycheck.report.summary import summary_markdown
from pytest_deploycheck.report.verdict import to_json, verdict_document

VERDICT: Final = "verdict.json"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rendered:
    """A decision and the files that were written of it."""

    decision: Decision
    verdict: Path
    report: Path
    junit: Path
    summary: Path


def write_run(
    folder: Path,
    decision: Decision,
    events: Sequence[Event],
    *,
    policy: Policy,
    invocation: Invocation = USUAL,
    exit_code: int | None = None,
) -> Rendered:
    """Write verdict.json, report.html, junit.xml and summary.md, each whole or not at all.

    Args:
        folder: Of the run.
        decision: As judged from *events*.
        events: Of the whole record, in any order.
        policy: As the environment has it.
        invocation: How the run was asked for.
        exit_code: The process's own, when it is not the decision's.
    """
    known = [event for event in events if event.at_s <= decision.at_s]
    over_time = timelines(policy, known)
    # The verdict comes last: who finds it finds the pages that explain it.
    written = _write_pages(
        folder,
        decision,
        known,
        policy=policy,
        invocation=invocation,
        verdict=folder / VERDICT,
        over_time=over_time,
    )
    document = verdict_document(
        decision, invocation=invocation, exit_code=exit_code, timelines=over_time
    )
    layout.write_whole(written.verdict, to_json(document))
    return written


def _write_pages(
    folder: Path,
    decision: Decision,
    events: Sequence[Event],
    *,
    policy: Policy,
    verdict: Path,
    over_time: Mapping[str, Sequence[Span]],
    invocation: Invocation = USUAL,
) -> Rendered:
    page = report_page(decision, events, policy, invocation=invocation, over_time=over_time)
    report = layout.write_whole(folder / "report.html", page)
    junit = layout.write_whole(folder / "junit.xml", junit_xml(decision))
    summary = layout.write_whole(
        folder / "summary.md", summary_markdown(decision, invocation=invocation)
    )
    return Rendered(decision=decision, verdict=verdict, report=report, junit=junit, summary=summary)


def decision_of(path: Path, checklist: Checklist, policy: Policy) -> tuple[Decision, Policy]:
    """Judge a run again from its journal; return the decision and the policy as that run had it.

    A run that was cut off is judged from what it left, so what it still owed is NOT_RUN: HOLD.

    Args:
        path: The run's folder, or its journal.
        checklist: Which items there are.
        policy: Of the project; the triggers are those the run used.

    Raises:
        JournalError: There is no journal, it is broken, or it is of no run.
    """
    decision, used, _ = _judged(path, checklist, policy)
    return decision, used


def render(path: Path, checklist: Checklist, policy: Policy) -> Rendered:
    """Judge a run as `decision_of` does, and write its files again.

    Args:
        path: The run's folder or its journal; or a verdict.json. Where no journal lies beside it
            nothing is judged, and the pages know as much as that file does.
        checklist: Which items there are.
        policy: Of the project.

    Raises:
        JournalError: There is no journal, it is broken, or it is of no run.
        VerdictError: The verdict.json cannot be read, or is milder than what it stands on.
    """
    if path.suffix == ".json" and (path.parent / layout.JOURNAL).exists():
        path = path.parent
    if _only_verdict(path):
        return _render_again(path / VERDICT if path.is_dir() else path, checklist, policy)
    decision, used, events = _judged(path, checklist, policy)
    folder = path if path.is_dir() else path.parent
    return write_run(folder, decision, events, policy=used)


def _only_verdict(path: Path) -> bool:
    """Say whether nothing but a verdict.json is left to render from."""
    if path.is_dir():
        return not (path / layout.JOURNAL).exists() and (path / VERDICT).exists()
    return path.suffix == ".json"


def _render_again(verdict: Path, checklist: Checklist, policy: Policy) -> Rendered:
    """Make the pages again from *verdict*, which stays as it is."""
    decision = read_verdict(verdict, checklist)
    return _write_pages(verdict.parent, decision, [], policy=policy, verdict=verdict, over_time={})


def _judged(
    path: Path, checklist: Checklist, policy: Policy
) -> tuple[Decision, Policy, list[Event]]:
    journal = path / layout.JOURNAL if path.is_dir() else path
    own = read_journal(journal)
    started = [event for event in own if isinstance(event, RunStarted)]
    if not started:
        raise JournalError(f"{journal}: no run_started in it; expected the journal of a run")
    # `reports/latest` is a link: the record lies around the folder that it points to.
    folder = journal.resolve().parent
    of_deployment = folder.parent.name == "runs"
    events = read_record(folder.parent.parent) if of_deployment else own
    used = policy_of(policy, started[-1])
    at_s = max(event.at_s for event in own)
    return judge(checklist, used, events, at_s, run=started[-1].run), used, events
