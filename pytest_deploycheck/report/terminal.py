"""The end of a run in the terminal: at most a screen, one fact a line, greppable."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from pytest_deploycheck.domain.clock import Timeliness
from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.invocation import USUAL, Invocation
from pytest_deploycheck.domain.reasons import spoken_hold
from pytest_deploycheck.domain.units import spoken_day, spoken_duration, spoken_time
from pytest_deploycheck.domain.words import UNCHECKED, Outcome, State, TriggerState, Verdict
from pytest_deploycheck.report.reasons import told
from pytest_deploycheck.report.text import log_line
from pytest_deploycheck.report.verdict import next_commands

#: Keyword arguments of pytest's terminal writer.
Markup = Mapping[str, bool]

MARKUP: Final[Mapping[Verdict, Markup]] = {
    Verdict.PROCEED: {"green": True, "bold": True},
    Verdict.OBSERVE: {"yellow": True, "bold": True},
    Verdict.HOLD: {"yellow": True, "bold": True},
    Verdict.ROLLBACK: {"red": True, "bold": True},
}
_MOST_REASONS = 5
_MOST_UNCHECKED = 3
_MOST_WEAKENED = 3
_LONGEST_LINE = 400


@dataclasses.dataclass(frozen=True, kw_only=True)
class Line:
    """A line to print, harmless for a terminal and a CI log."""

    text: str
    markup: Markup = dataclasses.field(default_factory=dict)


def summary_lines(
    decision: Decision,
    *,
    report: Path | None = None,
    invocation: Invocation = USUAL,
    exit_code: int | None = None,
) -> list[Line]:
    """Return the summary: verdict, counts, reasons, triggers, what is missing, next, report.

    Each line starts with its own word (`verdict:`, `weaker:`, `reason:`, `trigger:`, `unchecked:`,
    `next:`, `report:`), so that it can be searched for in a log.

    Args:
        decision: What was judged.
        report: Where its page is.
        invocation: How the run was asked for.
        exit_code: The process's own; None: the decision's.
    """
    return [
        _verdict(decision, exit_code),
        *_lines(decision, invocation=invocation),
        *([_report(report)] if report is not None else []),
    ]


def last_lines(decision: Decision, *, report: Path, exit_code: int) -> list[Line]:
    """Return what has the last word in a terminal, below what pytest says of its tests."""
    return [_verdict(decision, exit_code), _report(report)]


def _verdict(decision: Decision, exit_code: int | None) -> Line:
    found = decision.exit_code if exit_code is None else exit_code
    own = decision.verdict.exit_code
    beside = "" if found == own else f", the verdict's is {own}"
    return _line(
        f"verdict: {decision.verdict.value} (exit {found}{beside}) "
        f"release {decision.release} in {decision.environment}, "
        f"phases {' '.join(decision.phases) or 'none'}, at {spoken_time(decision.at_s)}",
        MARKUP[decision.verdict],
    )


def _report(report: Path) -> Line:
    return _line(f"report: {report}")


def _lines(decision: Decision, *, invocation: Invocation) -> Iterator[Line]:
    yield _line(f"items: {counts(decision)}{', partial' if decision.partial else ''}")
    if watched := sampled(decision):
        yield _line(f"samples: {watched}")
    for text in overdue(decision):
        yield _line(f"overdue: {text}", {"yellow": True})
    waived = [f"{i.item.id} ({i.waiver})" for i in decision.items if i.state is State.WAIVED]
    if waived:
        yield _line(f"waived: {', '.join(waived)}", {"yellow": True})
    for text in decision.weakened[:_MOST_WEAKENED]:
        yield _line(f"weaker: {text}", {"yellow": True})
    if len(decision.weakened) > _MOST_WEAKENED:
        yield _line(f"weaker: {len(decision.weakened) - _MOST_WEAKENED} more in the report")
    reasons = told(decision.reasons)
    for reason in reasons[:_MOST_REASONS]:
        yield _line(f"reason: {reason.verdict.value} {reason.text}", MARKUP[reason.verdict])
    if len(reasons) > _MOST_REASONS:
        yield _line(f"reason: {len(reasons) - _MOST_REASONS} more in the report")
    for trigger in decision.triggers:
        if trigger.state is not TriggerState.INACTIVE:
            yield _line(
                f"trigger: {trigger.id} {trigger.state.value} ({trigger.severity.value}) "
                f"{spoken_hold(trigger.held_s, trigger.hold_s)}",
                {"red": True} if trigger.state is TriggerState.FIRING else {"yellow": True},
            )
    unchecked = [item for item in decision.items if item.state in UNCHECKED]
    if unchecked:
        named = [f"{item.item.id} {item.state.value}" for item in unchecked[:_MOST_UNCHECKED]]
        if len(unchecked) > _MOST_UNCHECKED:
            named.append(f"{len(unchecked) - _MOST_UNCHECKED} more")
        yield _line(f"unchecked: {', '.join(named)}", {"yellow": True})
    if decision.review_at_s is not None:
        yield _line(f"review: of the checklist until {spoken_day(decision.review_at_s)}")
    commands = next_commands(decision, invocation=invocation)
    shown = len(commands) if decision.verdict is Verdict.ROLLBACK else 1
    for command in commands[:shown]:
        yield _line(f"next: {command}", {"bold": True})


def counts(decision: Decision) -> str:
    """Return how many items are in each state: `12 PASSED, 1 FAILED`."""
    found = [(s, sum(item.state is s for item in decision.items)) for s in State]
    return ", ".join(f"{n} {state.value}" for state, n in found if n) or "none selected"


def sampled(decision: Decision) -> str:
    """Return how many samples were taken over which time, empty where each check has one."""
    again = [
        check.ended.samples
        for item in decision.items
        for check in item.checks
        if len(check.ended.samples) > 1
    ]
    if not again:
        return ""
    span_s = max(taken[-1].at_s for taken in again) - min(taken[0].at_s for taken in again)
    taken = [sample for samples in again for sample in samples]
    bad = sum(sample.outcome is Outcome.FAILED for sample in taken)
    unknown = sum(sample.outcome is Outcome.INCONCLUSIVE for sample in taken)
    return (
        f"{len(taken)} over {spoken_duration(span_s)}, of {len(again)} "
        f"{'check' if len(again) == 1 else 'checks'}, {bad or 'none'} bad"
        + (f", {unknown} INCONCLUSIVE" if unknown else "")
    )


def overdue(decision: Decision) -> list[str]:
    """Return a sentence for each phase that nobody looked at when it was due, but still in time."""
    # The earliest run that stands for a phase says when it was looked at.
    standing = {v.phase.name: v for v in reversed(decision.visits) if v.timeliness.stands}
    return [
        f"{name} was due {spoken_duration(visit.phase.due_s)} after the deployment, and its "
        f"first sample came after {spoken_duration(visit.after_s)}; it still counts"
        for name, visit in standing.items()
        if visit.timeliness is Timeliness.OVERDUE and visit.phase.due_s is not None
    ]


def _line(text: str, markup: Markup | None = None) -> Line:
    return Line(text=log_line(text, longest=_LONGEST_LINE), markup=markup or {})
