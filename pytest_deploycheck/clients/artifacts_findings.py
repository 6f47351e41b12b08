"""What a scanner has found, whichever it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, Literal

from pytest_deploycheck.domain.errors import InstrumentError

Severity = Literal["critical", "high", "medium", "low", "unknown"]
_SEVERITIES: Final[Mapping[str, Severity]] = {
    "critical": "critical",
    "high": "high",
    "error": "high",  # Semgrep's and SARIF's worst
    "moderate": "medium",
    "medium": "medium",
    "warning": "medium",
    "low": "low",
    "info": "low",
    "note": "low",
    "none": "low",
    "negligible": "low",
}
SERIOUS: Final = ("critical", "high", "unknown")
"""Nobody has said that a finding of unknown severity is harmless."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a scanner found."""

    rule: str
    severity: Severity
    place: str
    closed: str = ""
    """Why it does not count: somebody judged or suppressed it; empty: it counts."""

    def __str__(self) -> str:
        """Say what was found where."""
        return f"{self.rule} ({self.severity}) in {self.place}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scan:
    """The report of one scanner."""

    tool: str
    scanned: int | None
    """How many files, packages or targets it looked at; None: it does not say."""
    findings: tuple[Finding, ...]
    made_at: str | None = None
    """ISO 8601, as the tool wrote it; None: it does not say."""
    commits: tuple[str, ...] = ()
    """That the report says it is about."""
    digests: tuple[str, ...] = ()
    """Of images that the report says it is about."""

    @property
    def open(self) -> tuple[Finding, ...]:
        """Everything that counts."""
        return tuple(finding for finding in self.findings if not finding.closed)

    @property
    def serious(self) -> tuple[Finding, ...]:
        """Everything that counts and is critical or high, or of unknown severity."""
        return tuple(finding for finding in self.open if finding.severity in SERIOUS)


def severity(word: object) -> Severity:
    """Return the severity that a tool calls *word*; None, which is not its word `none`: unknown."""
    return "unknown" if word is None else _SEVERITIES.get(str(word).lower(), "unknown")


def refuse_errors(broken: list[str], where: str) -> None:
    """Refuse the report of a scanner that failed on a part of its work.

    Raises:
        InstrumentError: It failed on *broken*.
    """
    if broken:
        raise InstrumentError(
            f"{where}: the scanner failed on {', '.join(broken[:3])} "
            f"({len(broken)} in all), expected a complete scan"
        )
