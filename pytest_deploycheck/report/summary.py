"""`summary.md`: what a CI job summary shows, capped so that it is shown at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.invocation import USUAL, Invocation
from pytest_deploycheck.domain.units import spoken_day, spoken_duration, spoken_time
from pytest_deploycheck.domain.words import TriggerState, Verdict
from pytest_deploycheck.report.reasons import told
from pytest_deploycheck.report.terminal import overdue, sampled
from pytest_deploycheck.report.text import for_log, for_markdown, neutral
from pytest_deploycheck.report.verdict import next_commands

#: GitHub drops a summary over 1 MiB whole; several steps share it.
LONGEST_BYTES: Final = 256 * 1024
ICONS: Final = {
    Verdict.PROCEED: "✅",
    Verdict.OBSERVE: "👀",
    Verdict.HOLD: "✋",
    Verdict.ROLLBACK: "⏪",
}


def summary_markdown(decision: Decision, *, invocation: Invocation = USUAL) -> str:
    """Return the decision as Markdown, at most LONGEST_BYTES of UTF-8, cut at the end of a line."""
    about = (
        f"Release {for_markdown(decision.release)} in {for_markdown(decision.environment)}; "
        f"phases {for_markdown(', '.join(decision.phases) or 'none')}; "
        f"decided {spoken_time(decision.at_s)}."
    )
    head = [
        f"## {ICONS[decision.verdict]} {decision.verdict.value}",
        "",
        about,
        "",
    ]
    if watched := sampled(decision):
        head += [f"Samples: {watched}.", ""]
    head += [line for text in overdue(decision) for line in (f"Overdue: {for_markdown(text)}.", "")]
    if decision.partial:
        head += ["**Partial**: a check of a selected phase did not run.", ""]
    if decision.weakened:
        lines = (f"- {for_markdown(text)}" for text in decision.weakened)
        head += ["Weaker than the base or the policy:", "", *lines, ""]
    if decision.review_at_s is not None:
        head += [f"Next review of the checklist: until {spoken_day(decision.review_at_s)}.", ""]
    commands = [neutral(command) for command in next_commands(decision, invocation=invocation)]
    return _capped(
        [
            *head,
            *_reasons(decision),
            *(["### Next", "", *(f"    {for_log(c)}" for c in commands), ""] if commands else []),
            *_triggers(decision),
            *_items(decision),
        ]
    )


def _reasons(decision: Decision) -> Iterable[str]:
    if decision.reasons:
        yield from ("### Why", "")
    for reason in told(decision.reasons):
        yield f"- **{reason.verdict.value}** {for_markdown(reason.text)}"
    yield ""


def _triggers(decision: Decision) -> Iterable[str]:
    active = [t for t in decision.triggers if t.state is not TriggerState.INACTIVE]
    if not active:
        return
    yield from ("### Triggers", "", "| Trigger | Severity | State | Held | Hold |")
    yield "| --- | --- | --- | --- | --- |"
    for trigger in active:
        yield (
            f"| {for_markdown(trigger.title)} | {trigger.severity.value} | {trigger.state.value} "
            f"| {spoken_duration(trigger.held_s)} | {spoken_duration(trigger.hold_s)} |"
        )
    yield ""


def _items(decision: Decision) -> Iterable[str]:
    yield from (
        "### Checklist",
        "",
        "| State | Item | Title | Section |",
        "| --- | --- | --- | --- |",
    )
    for result in decision.items:
        yield (
            f"| {result.state.value}{' (recovered)' if result.recovered else ''} "
            f"| {for_markdown(result.item.id)} | {for_markdown(result.item.title)} "
            f"| {for_markdown(result.item.section)} |"
        )
    yield ""


def _capped(lines: Sequence[str]) -> str:
    kept: list[str] = []
    left = LONGEST_BYTES - 200  # room for the line that says what is missing
    for number, line in enumerate(lines):
        left -= len(line.encode()) + 1
        if left < 0:
            kept += ["", f"Cut here: {len(lines) - number} more lines are in report.html."]
            break
        kept.append(line)
    return "\n".join(kept).rstrip() + "\n"
