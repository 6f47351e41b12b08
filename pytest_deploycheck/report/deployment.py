"""What is rendered over a deployment: index.html, the completed checklist, deployment.json."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

from pytest_deploycheck.domain.invocation import USUAL, Invocation
from pytest_deploycheck.domain.items import Checklist
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.report import layout
from pytest_deploycheck.report.document import Note, completed, ticks
from pytest_deploycheck.report.html import render_page
from pytest_deploycheck.report.journal import Runs
from pytest_deploycheck.report.overview import Deployment, ItemRow, Source, deployment_of
from pytest_deploycheck.report.terminal import counts
from pytest_deploycheck.report.text import for_markdown, neutral
from pytest_deploycheck.report.verdict import iso, next_commands, to_json, verdict_document

SCHEMA: Final = "deploycheck.deployment/1"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Written:
    """The files of a deployment."""

    deployment: Deployment
    index: Path
    checklist: Path
    data: Path


def write_deployment(
    folder: Path,
    checklist: Checklist,
    policy: Policy,
    source: Source,
    *,
    at_s: float,
    journals: Runs | None = None,
    invocation: Invocation = USUAL,
) -> Written:
    """Judge the whole record in *folder*, and write what is rendered over it.

    Args:
        folder: Of the deployment.
        checklist: Which items there are.
        policy: Of the project; triggers and people are those that the newest run used.
        source: The document that the checklist was read from.
        at_s: The time to judge at, Unix seconds.
        journals: Of the runs, as `read_runs` has just read them; None: they are read.
        invocation: How the run was asked for.

    Raises:
        JournalError: A journal is broken, or there is none of a run.
    """
    told = deployment_of(folder, checklist, policy, source, at_s=at_s, journals=journals)
    index = layout.write_whole(folder / "index.html", index_page(told, invocation=invocation))
    document = layout.write_whole(folder / "checklist.md", completed_checklist(told, source))
    data = layout.write_whole(folder / "deployment.json", to_json(deployment_document(told)))
    return Written(deployment=told, index=index, checklist=document, data=data)


def index_page(told: Deployment, *, invocation: Invocation = USUAL) -> str:
    """Return `index.html`."""
    decision = told.decision
    return render_page(
        "index.html.j2",
        decision.verdict,
        title=f"{_word(told)}: {decision.release} in {decision.environment}",
        end=f"{len(decision.items)} items of {len(decision.phases)} phases, decided "
        f"{spoken_time(decision.at_s)}",
        told=told,
        word=_word(told),
        why=decision.reasons[0].text if decision.reasons else "What was run has its evidence.",
        next=() if told.rolled_back else next_commands(decision, invocation=invocation),
        counts=counts(decision),
    )


def _word(told: Deployment) -> str:
    """Return the verdict; a good one is not the last word while a phase is missing.

    Nor is any, once what it speaks of was rolled back.
    """
    verdict = told.decision.verdict
    if told.rolled_back:
        return f"{verdict.value}, rolled back"
    good = verdict in (Verdict.PROCEED, Verdict.OBSERVE)
    return f"{verdict.value}{' so far' if good and told.missing else ''}"


def completed_checklist(told: Deployment, source: Source) -> str:
    """Return `checklist.md`: the source document with its boxes ticked."""
    decision = told.decision
    about = (
        f"> **{_word(told)}** at {spoken_time(decision.at_s)}: release "
        f"{for_markdown(decision.release)} in {for_markdown(decision.environment)}, deployed "
        f"{spoken_time(decision.deployed_at_s)}; {counts(decision)}."
    )
    head = [about]
    if told.missing:
        head.append(f"> Not run yet: {for_markdown(', '.join(told.missing))}.")
    rows = [row for phase in told.phases for row in phase.rows]
    notes = {row.item.id: _note(row) for row in rows}
    return completed(source.text, source.lines, notes, head=[*head, ""], summary=told.summary)


def deployment_document(told: Deployment) -> dict[str, Any]:
    """Return `deployment.json`: the verdict over the record, its phases, runs and summary."""
    return {
        "schema": SCHEMA,
        "verdict": verdict_document(told.decision),
        "phases": [
            {
                "name": phase.name,
                "title": neutral(phase.phase.title),
                "verdict": phase.verdict.value if phase.verdict else None,
                "text": neutral(phase.text),
                "items": len(phase.rows),
                "satisfied": phase.satisfied,
            }
            for phase in told.phases
        ],
        "runs": [
            {
                "run": neutral(run.started.run),
                "folder": run.folder,
                "phases": list(run.started.phases),
                "started_at": iso(run.started.at_s),
                "verdict": run.verdict.value if run.verdict else None,
                "ended": run.ended,
            }
            for run in told.runs
        ],
        "summary": [
            {
                "heading": neutral(line.heading),
                "text": neutral(line.text),
                "state": line.state.value,
                "items": list(line.items),
                "satisfied": line.satisfied,
            }
            for line in told.summary
        ],
    }


def _note(row: ItemRow) -> Note:
    parts = [f"**{row.state.value}**{' (recovered)' if row.recovered else ''}"]
    if row.at_s is not None:
        parts.append(spoken_time(row.at_s))
    if row.result is None:
        return Note(ticked=False, text=f"{parts[0]}: no run of its phase is recorded")
    parts.append(for_markdown(row.evidence, longest=160))
    if row.word and row.word.evidence:
        parts.append(f"(evidence {for_markdown(row.word.evidence)})")
    if row.report:
        parts.append(f"([report]({row.report}))")
    return Note(ticked=ticks(row.result), text=" ".join(parts))
