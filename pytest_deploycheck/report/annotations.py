"""Workflow commands for GitHub's runner: the reasons as annotations of the run."""

from __future__ import annotations

from typing import Final

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.report.reasons import Told, told
from pytest_deploycheck.report.text import one_line

#: The runner shows ten annotations of a kind for each step and drops the rest in silence.
_MOST: Final = 9


def annotation_lines(decision: Decision) -> list[str]:
    """Return a line for each of the gravest reasons, and one that counts the rest.

    OBSERVE is a warning, anything graver an error. These lines are ours alone to print: they are
    not to pass `for_log`.
    """
    reasons = told(decision.reasons)
    lines = [_annotation(reason) for reason in reasons[:_MOST]]
    left = len(reasons) - _MOST
    if left > 0:
        lines.append(f"::error title={decision.verdict.value}::{left} more reasons in report.html")
    return lines


def _annotation(reason: Told) -> str:
    kind = "warning" if reason.verdict is Verdict.OBSERVE else "error"
    about = f"{len(reason.items)} items" if len(reason.items) > 1 else "".join(reason.items)
    title = f"{reason.verdict.value} {about}".strip()
    return f"::{kind} title={_escaped(title, ':,')}::{_escaped(reason.text)}"


def _escaped(text: str, more: str = "") -> str:
    """Encode what the runner reads as the end of a value."""
    line = one_line(text, longest=1000)
    for character in f"%\r\n{more}":
        line = line.replace(character, f"%{ord(character):02X}")
    return line
