"""What test runs report: JUnit XML and Cobertura coverage; XML that plays tricks is refused."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import xml.etree.ElementTree as ET
from typing import Any

import defusedxml
import defusedxml.ElementTree
import junitparser
import junitparser.xunit2

from pytest_deploycheck.clients.evidence import shown
from pytest_deploycheck.domain.errors import InstrumentError


@dataclasses.dataclass(frozen=True, kw_only=True)
class TestRun:
    """What became of the tests of one run."""

    passed: tuple[str, ...]
    """Names, as `class.test`."""
    failed: tuple[str, ...]
    """Failures and errors, also of tests that passed when they were run again."""
    skipped: tuple[str, ...]
    made_at: str | None
    """ISO 8601, of the newest suite; None: it does not say."""

    @property
    def total(self) -> int:
        """Every test, whatever became of it."""
        return len(self.passed) + len(self.failed) + len(self.skipped)

    @property
    def skipped_ratio(self) -> float:
        """Skipped tests as a ratio of all."""
        return len(self.skipped) / self.total

    def worse_than(self, before: TestRun) -> tuple[str, ...]:
        """Return the tests that failed here and not before, or passed before and do not here."""
        known = {*before.failed}
        new = [name for name in self.failed if name not in known]
        there = {*self.passed, *new}
        lost = [name for name in before.passed if name not in there]
        return (*new, *lost)

    def missing(self, parts: tuple[str, ...]) -> tuple[str, ...]:
        """Return each of *parts* that no passed test has in its name."""
        return tuple(
            part for part in parts if not any(part.lower() in name.lower() for name in self.passed)
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Coverage:
    """How much of the code the tests ran."""

    lines: int
    """That could have run."""
    line_ratio: float
    """Of those that did."""
    made_at: str | None


def junit(data: bytes, where: str) -> TestRun:
    """Read JUnit XML as test runners write it.

    Raises:
        InstrumentError: It is something else, holds no test, or its own counts say otherwise.
    """
    root = _xml(data, where, ("testsuites", "testsuite"), "JUnit XML")
    suites = [root] if root.tag == "testsuite" else root.findall("testsuite")
    try:
        declared = {
            key: sum(int(suite.get(key) or 0) for suite in suites)
            for key in ("tests", "failures", "errors")
        }
        parsed: Any = junitparser.xunit2.JUnitXml.fromroot(root)  # type: ignore[arg-type] # meant for any etree
        cases: list[junitparser.xunit2.TestCase] = [case for suite in parsed for case in suite]
    except (junitparser.JUnitXmlError, ValueError, TypeError) as error:
        raise InstrumentError(f"{where}: expected JUnit XML, found {error}") from error
    if not cases:
        raise InstrumentError(f"{where}: found no test, expected a run of some")
    names = collections.Counter(map(_name, cases))
    # pytest-rerunfailures writes a test once for each time that it ran, and counts it once.
    surplus = 0 < declared["tests"] < len(cases)
    rerun = {name for name, times in names.items() if times > 1 and surplus}
    outcomes = [
        (_name(case), "failed" if _name(case) in rerun else _outcome(case)) for case in cases
    ]
    run = TestRun(
        passed=tuple(name for name, outcome in outcomes if outcome == "passed"),
        failed=tuple(name for name, outcome in outcomes if outcome == "failed"),
        skipped=tuple(name for name, outcome in outcomes if outcome == "skipped"),
        made_at=max((suite.get("timestamp", "") for suite in suites), default="") or None,
    )
    bad = declared["failures"] + declared["errors"]
    if declared["tests"] > run.total or bad > len(run.failed):
        raise InstrumentError(
            f"{where}: says {declared['tests']} tests with {bad} failures, but holds {run.total} "
            f"with {len(run.failed)}: a part of it is missing"
        )
    return run


def cobertura(data: bytes, where: str) -> Coverage:
    """Read Cobertura XML, as `coverage xml` writes it; counted are the lines of its classes.

    Raises:
        InstrumentError: It is something else, has no line, or its own counts say otherwise.
    """
    root = _xml(data, where, ("coverage",), "Cobertura XML")
    try:
        valid = int(root.get("lines-valid", ""))
        covered = int(root.get("lines-covered", ""))
        at_s = float(root.get("timestamp", ""))
        ran = [int(line.get("hits", "")) > 0 for line in root.iterfind(".//class/lines/line")]
    except ValueError as error:
        raise InstrumentError(
            f"{where}: expected Cobertura XML with lines-valid, lines-covered, timestamp, and hits "
            f"of each line, found {error}"
        ) from error
    if not ran:
        raise InstrumentError(f"{where}: found no line, expected some that were measured")
    if (covered, valid) != (sum(ran), len(ran)):
        raise InstrumentError(
            f"{where}: says {covered} of {valid} lines, but holds {sum(ran)} of {len(ran)}: a part "
            "of it is missing, or it is made up"
        )
    at_s = at_s / 1000 if at_s > 1e11 else at_s  # coverage.py counts milliseconds
    return Coverage(
        lines=len(ran),
        line_ratio=sum(ran) / len(ran),
        made_at=dt.datetime.fromtimestamp(at_s, dt.UTC).isoformat(),
    )


def _xml(data: bytes, where: str, roots: tuple[str, ...], what: str) -> ET.Element:
    """Parse XML without entities, document types or anything from elsewhere."""
    try:
        root: ET.Element = defusedxml.ElementTree.fromstring(data, forbid_dtd=False)
    except ET.ParseError as error:
        raise InstrumentError(
            f"{where}: expected {what}, found {error}: is it complete?"
        ) from error
    except defusedxml.DefusedXmlException as error:
        raise InstrumentError(
            f"{where}: expected {what}, found entities or references, which no such tool writes"
        ) from error
    if root.tag not in roots:
        raise InstrumentError(f"{where}: expected {what}, found the element {shown(root.tag)}")
    return root


def _name(case: junitparser.xunit2.TestCase) -> str:
    return f"{case.classname or ''}.{case.name or ''}".strip(".")


def _outcome(case: junitparser.xunit2.TestCase) -> str:
    """Say what became of a test; one that passed only when it was run again has failed."""
    if case.is_failure or case.is_error or case.is_flaky or case.is_rerun:
        return "failed"
    return "skipped" if case.is_skipped else "passed"
