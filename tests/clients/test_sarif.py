"""What a SARIF log says is found, wherever it says how serious it is."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_deploycheck.clients.artifacts_sarif import sarif
from pytest_deploycheck.domain.errors import InstrumentError

FINDING: dict[str, Any] = {"ruleId": "injection"}


def log(
    *results: dict[str, Any], rule: dict[str, Any] | None = None, **run: object
) -> dict[str, Any]:
    """A log of one run whose tool has one rule, `injection`."""
    rules = [{"id": "injection"} | (rule or {})]
    whole = {"tool": {"driver": {"name": "x", "rules": rules}}, "results": list(results)} | run
    return {"version": "2.1.0", "runs": [whole]}


def scored(score: object) -> dict[str, Any]:
    """A rule with that score, which its level would call harmless."""
    return {
        "defaultConfiguration": {"level": "note"},
        "properties": {"security-severity": score},
    }


@pytest.mark.parametrize(
    ("score", "severity"),
    [
        ("9.1", "critical"),
        (9.5, "critical"),
        ("7.0", "high"),
        ("6.9", "medium"),
        ("3.9", "low"),
        ("nan", "unknown"),
        ("inf", "unknown"),
        ("-1", "unknown"),
        ("10.1", "unknown"),
        ("HIGH", "high"),
        ("severe", "unknown"),
        (None, "low"),
    ],
)
def test_a_score_that_is_none_makes_nothing_harmless(score: object, severity: str) -> None:
    """NaN is below every bound; what says nothing of its severity is serious until judged."""
    (found,) = sarif(log(FINDING, rule=scored(score)), "x.sarif").findings
    assert found.severity == severity


@pytest.mark.parametrize(
    ("kind", "severities"),
    [
        ("fail", ["low"]),
        ("review", ["unknown"]),
        ("open", ["unknown"]),
        ("pass", []),
        ("notApplicable", []),
        ("informational", []),
        ("something", ["unknown"]),
    ],
)
def test_what_a_person_must_look_at_is_a_finding(kind: str, severities: list[str]) -> None:
    """A tool that could not decide has not said that all is well, and its level says nothing."""
    rule = {"defaultConfiguration": {"level": "note"}}
    found = sarif(log(FINDING | {"kind": kind, "level": "none"}, rule=rule), "x.sarif").findings
    assert [finding.severity for finding in found] == severities


def test_what_is_open_may_have_a_score() -> None:
    """The rule's score holds for whatever it finds."""
    (found,) = sarif(log(FINDING | {"kind": "open"}, rule=scored("5.0")), "x.sarif").findings
    assert found.severity == "medium"


@pytest.mark.parametrize(
    "result",
    [
        {"ruleId": "of-a-pack"},
        {"ruleId": "of-a-pack/of-a-variant"},
        {"rule": {"id": "of-a-pack", "toolComponent": {"index": 0}}},
        {"rule": {"index": 1, "toolComponent": {"index": 0}}},
    ],
)
def test_a_rule_of_an_extension_is_found(result: dict[str, Any]) -> None:
    """CodeQL keeps its rules in packs; the driver has none of them."""
    rules = [{"id": "first"}, {"id": "of-a-pack"} | scored("8.8")]
    tool = {"driver": {"name": "CodeQL"}, "extensions": [{"name": "pack", "rules": rules}]}
    (found,) = sarif(log(result, tool=tool), "x.sarif").findings
    assert (found.rule, found.severity) == (
        result.get("ruleId", "of-a-pack"),
        "high",
    )


def test_a_result_may_name_its_rule_by_place_only() -> None:
    """`ruleIndex` counts in the driver's rules."""
    (found,) = sarif(log({"ruleIndex": 0}, rule=scored("9.9")), "x.sarif").findings
    assert (found.rule, found.severity) == ("injection", "critical")


@pytest.mark.parametrize("result", [{}, {"ruleId": "other"}, {"ruleIndex": 7}, {"ruleIndex": -1}])
def test_a_finding_of_an_unknown_rule_is_of_unknown_severity(result: dict[str, Any]) -> None:
    """Nobody has said that it is harmless."""
    (found,) = sarif(log(result, rule=scored("1.0")), "x.sarif").findings
    assert found.severity == "unknown"


@pytest.mark.parametrize("key", ["toolExecutionNotifications", "toolConfigurationNotifications"])
@pytest.mark.parametrize(("level", "refused"), [("error", True), ("warning", False)])
def test_a_scanner_that_tells_of_an_error_has_not_scanned(
    key: str, level: str, refused: bool
) -> None:
    """A rule that could not be loaded finds nothing, and the run still "succeeds"."""
    calls = [{"executionSuccessful": True, key: [{"level": level}]}]
    if refused:
        with pytest.raises(InstrumentError, match="the scanner failed on the run"):
            sarif(log(invocations=calls), "x.sarif")
    else:
        assert sarif(log(invocations=calls), "x.sarif").findings == ()


@pytest.mark.parametrize(
    ("statuses", "counts"),
    [([], True), (["accepted"], False), (["underReview"], True), (["accepted", "rejected"], True)],
)
def test_a_suppression_that_not_all_accept_is_none(statuses: list[str], counts: bool) -> None:
    """One that was rejected must not be outvoted by one that was accepted."""
    suppressions = [{"kind": "external", "status": status} for status in statuses]
    scan = sarif(log(FINDING | {"suppressions": suppressions}), "x.sarif")
    assert bool(scan.open) is counts
