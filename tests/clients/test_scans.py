"""What a scanner's report says it looked at, and which of its findings count."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.clients import artifacts_scans
from pytest_deploycheck.domain.errors import InstrumentError

AT = "2026-01-01T00:00:00Z"


def bandit(**loc: int) -> dict[str, Any]:
    """A report of Bandit on files with so many lines."""
    metrics = {name: {"loc": lines} for name, lines in loc.items()}
    return {"errors": [], "generated_at": AT, "metrics": metrics, "results": []}


def safety(*, found: int, packages: int) -> dict[str, Any]:
    """A report of Safety that tells twice how many packages it saw."""
    return {
        "report_meta": {"packages_found": found},
        "scanned_packages": {f"package-{number}": {} for number in range(packages)},
        "vulnerabilities": [],
    }


def semgrep(*, level: str = "error", errors: int = 0) -> dict[str, Any]:
    """A report of Semgrep with one finding that the code ignores."""
    extra = {"severity": "ERROR", "is_ignored": True}
    return {
        "version": "1.0",
        "results": [{"check_id": "injection", "path": "a.py", "extra": extra}],
        "errors": [{"level": level, "path": "b.py"}] * errors,
        "paths": {"scanned": ["a.py"]},
    }


def detect_secrets(*plugins: str) -> dict[str, Any]:
    """A report of detect-secrets that looked for these."""
    used = [{"name": name} for name in plugins]
    return {"version": "1.5", "plugins_used": used, "results": {}, "generated_at": AT}


@pytest.mark.parametrize(
    ("scanner", "report", "scanned"),
    [
        ("bandit", bandit(a=3, b=0, _totals=3), 2),
        ("bandit", bandit(a=0, b=0, _totals=9), 0),
        ("bandit", bandit(_totals=9), 0),
        ("safety", safety(found=2, packages=0), 0),
        ("safety", safety(found=0, packages=2), 0),
        ("safety", safety(found=2, packages=3), 2),
        ("detect-secrets", detect_secrets("AWSKeyDetector"), None),
        ("detect-secrets", detect_secrets(), 0),
    ],
    ids=["files", "empty files", "no files", "none listed", "none found", "fewer", "plugins",
         "no plugins"],
)  # fmt: skip
def test_what_looked_at_nothing_says_so(
    scanner: str, report: dict[str, Any], scanned: int | None
) -> None:
    """A total that no file stands behind is no scan."""
    assert artifacts_scans.FORMATS[scanner](report, "it").scanned == scanned


def test_a_finding_that_the_code_ignores_is_closed() -> None:
    """With its reason; and a rule that warned is no scan that failed."""
    scan = artifacts_scans.semgrep(semgrep(level="warn", errors=1), "it")
    assert [finding.closed for finding in scan.findings] == ["ignored in the code"]
    assert scan.serious == ()
    with pytest.raises(InstrumentError, match=r"the scanner failed on b\.py \(1 in all\)"):
        artifacts_scans.semgrep(semgrep(errors=1), "it")


def test_a_misconfiguration_that_was_not_found_is_no_finding() -> None:
    """Trivy lists also what it looked for in vain."""
    found = [
        {"ID": rule, "Severity": "HIGH", "Status": status}
        for rule, status in (("KSV001", "PASS"), ("KSV002", "FAIL"))
    ]
    report = {
        "SchemaVersion": 2,
        "ArtifactName": "image",
        "Results": [{"Target": "Dockerfile", "Misconfigurations": found}],
    }
    assert [one.rule for one in artifacts_scans.trivy(report, "it").serious] == ["KSV002"]
