"""Reports as the real tools write them; tests/files/README.md says which tool wrote which."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from pytest_deploycheck.clients import (
    artifacts_findings,
    artifacts_loads,
    artifacts_scans,
    artifacts_tests,
)
from pytest_deploycheck.domain.errors import InstrumentError

FILES: Final = Path(__file__).parents[1] / "files"


def scan_of(format_: str, name: str) -> artifacts_findings.Scan:
    """Parse a report of the folder."""
    return artifacts_scans.FORMATS[format_](json.loads((FILES / name).read_text()), name)


@pytest.mark.parametrize(
    ("format_", "name", "scanned", "serious"),
    [
        ("bandit", "bandit-findings.json", 4, ["B602 (high) in app/score.py:17"]),
        ("bandit", "bandit-clean.json", 1, []),
        ("semgrep", "semgrep-findings.json", 4, ["shell-injection (high) in app/score.py"]),
        ("semgrep", "semgrep-clean.json", 1, []),
        ("sarif", "semgrep-findings.sarif", None, ["shell-injection (high) in app/score.py"]),
        (
            "detect-secrets",
            "detect-secrets-findings.json",
            None,
            ["AWS Access Key (high) in app/settings.py:2"],
        ),
        ("detect-secrets", "detect-secrets-clean.json", None, []),
        (
            "trivy",
            "trivy-findings.json",
            3,
            [
                "CVE-2024-45490 (critical) in revenue-platform (debian 12.8)",
                "aws-access-key-id (critical) in /app/.env",
            ],
        ),
        (
            "sarif",
            "trivy-findings.sarif",
            1,
            ["CVE-2024-45490 (critical) in jorge-salas/revenue-platform"],
        ),
        ("safety", "safety-findings.json", 2, ["37504 (high) in jinja2"]),
        ("pip-audit", "pip-audit-findings.json", 2, ["PYSEC-2019-217 (unknown) in jinja2 2.10"]),
    ],
)
def test_findings_are_those_of_the_report(
    format_: str, name: str, scanned: int | None, serious: list[str]
) -> None:
    """Every format tells how much was looked at, and what is critical or high, by its own words."""
    found = scan_of(format_, name)
    assert found.scanned == scanned
    assert list(map(str, found.serious)) == serious


def test_a_vulnerability_of_no_severity_is_serious() -> None:
    """Safety knows none of some: `null` is not its word for harmless."""
    report = json.loads((FILES / "safety-findings.json").read_text())
    for one in report["vulnerabilities"]:
        one |= {"ignored": False, "severity": None}
    assert len(artifacts_scans.safety(report, "x").serious) == len(report["vulnerabilities"]) == 3


@pytest.mark.parametrize(
    ("format_", "name", "said"),
    [
        ("bandit", "bandit-broken.json", "failed on app/broken.py"),
        ("bandit", "bandit-empty.json", "failed on ./tests/none"),
        ("pip-audit", "pip-audit-skipped.json", "failed on bandit"),
    ],
)
def test_a_scan_that_failed_in_part_is_no_scan(format_: str, name: str, said: str) -> None:
    """The tools end well and list no finding, for they did not look."""
    with pytest.raises(InstrumentError, match=said):
        scan_of(format_, name)


@pytest.mark.parametrize("format_", artifacts_scans.FORMATS)
@pytest.mark.parametrize(
    "name",
    [
        "bandit-clean.json",
        "semgrep-clean.json",
        "detect-secrets-clean.json",
        "trivy-findings.json",
        "safety-findings.json",
        "pip-audit-findings.json",
        "trivy-findings.sarif",
        "k6-export.json",
    ],
)
def test_report_of_another_tool_is_refused(format_: str, name: str) -> None:
    """A pipeline that mixes up its files must not be told that all is well."""
    own = name.endswith(".sarif") if format_ == "sarif" else name.startswith(f"{format_}-")
    if own and (format_ == "sarif" or name.endswith(".json")):
        assert scan_of(format_, name).tool
        return
    with pytest.raises(InstrumentError, match="found another shape"):
        scan_of(format_, name)


def test_images_are_known_by_their_digest() -> None:
    """Trivy names the image that it looked at in both of its formats."""
    digest = f"sha256:{'5' * 64}"
    assert scan_of("trivy", "trivy-findings.json").digests == (digest,)
    assert scan_of("sarif", "trivy-findings.sarif").digests == (digest,)


def test_junit_of_pytest() -> None:
    """Failures and errors are failed, and each test is counted once."""
    passed = artifacts_tests.junit((FILES / "junit-passed.xml").read_bytes(), "junit-passed.xml")
    failed = artifacts_tests.junit((FILES / "junit-failed.xml").read_bytes(), "junit-failed.xml")
    assert (len(passed.passed), len(passed.failed), len(passed.skipped)) == (4, 0, 1)
    assert failed.failed == ("tests.test_broken.test_wrong", "tests.test_broken.test_error")
    assert passed.missing(("TestSellerBot", "lead_bot")) == ("lead_bot",)


def test_a_test_that_passed_when_it_was_run_again_has_failed() -> None:
    """pytest-rerunfailures writes such a test twice, counts it once, and names no failure."""
    found = artifacts_tests.junit((FILES / "junit-rerun.xml").read_bytes(), "junit-rerun.xml")
    assert set(found.failed) == {"tests.test_rerun.test_flaky"}
    assert found.passed == ("tests.test_rerun.test_ok",)


def test_junit_without_tests_is_no_run() -> None:
    """Collecting nothing, pytest writes a report without failures."""
    with pytest.raises(InstrumentError, match="found no test"):
        artifacts_tests.junit((FILES / "junit-none.xml").read_bytes(), "junit-none.xml")


def test_cobertura_of_coverage() -> None:
    """Seven of twelve lines, as coverage counted them."""
    found = artifacts_tests.cobertura((FILES / "coverage.xml").read_bytes(), "coverage.xml")
    assert (found.lines, round(found.line_ratio, 4)) == (12, 0.5833)


def test_statistics_of_locust() -> None:
    """All entries together; one request in ten is for a page that is missing."""
    found = artifacts_loads.locust(json.loads((FILES / "locust.json").read_text()), "locust.json")
    assert found.requests > 400
    assert 6 < found.duration_s < 9
    assert 0 < found.p95_s < 1
    assert 0.05 < found.error_ratio < 0.2


@pytest.mark.parametrize("name", ["k6-export.json", "k6-summary.json"])
def test_both_summaries_of_k6(name: str) -> None:
    """What `--summary-export` and `handleSummary` write differs in form, not in what it says."""
    found = artifacts_loads.k6(json.loads((FILES / name).read_text()), name)
    assert found.p95_s == pytest.approx(0.1437)
    assert found.error_ratio == pytest.approx(0.002)
    assert found.duration_s == pytest.approx(600)
    assert found.requests_per_s == pytest.approx(80)
