"""`junit.xml`: the items for CI, no name twice, and nothing passed by omission."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from pytest_deploycheck.domain.decision import CheckResult, Decision, ItemResult, Reason
from pytest_deploycheck.domain.reasons import found_against_limit
from pytest_deploycheck.domain.words import Case, Outcome, State, Verdict
from pytest_deploycheck.report.text import neutral, one_line
from pytest_deploycheck.report.verdict import iso


def junit_xml(decision: Decision) -> str:
    """Return the decision as JUnit XML.

    A suite for each phase, in it a case for each check, and for each item with no answer; a suite
    `run` for what stands against the run itself. FAILED is a failure, and so is what recovered
    where that holds; INCONCLUSIVE, NOT_RUN and AWAITING are errors. A waived or not applicable one
    says so in a property and passes where it does in the verdict.
    """
    root = ET.Element("testsuites", name="deploycheck")
    total = [0, 0, 0]
    seen: dict[str, int] = {}
    suites = {
        phase: [
            case
            for item in decision.items
            if next((p for p in item.item.phases if p in decision.phases), None) == phase
            for case in _cases(item, phase, seen)
        ]
        for phase in decision.phases
    }
    of_run = [_case_of_run(r, seen) for r in decision.reasons if r.item is None]
    if of_run:
        suites["run"] = of_run
    for phase, cases in suites.items():
        counts = [
            len(cases),
            sum(case.find("failure") is not None for case in cases),
            sum(case.find("error") is not None for case in cases),
        ]
        suite = ET.SubElement(root, "testsuite", name=phase, timestamp=iso(decision.started_at_s))
        _count(suite, counts)
        _properties(
            suite,
            {
                "verdict": decision.verdict.value,
                "environment": decision.environment,
                "release": decision.release,
                "deployed_at": iso(decision.deployed_at_s),
            },
        )
        suite.extend(cases)
        total = [mine + added for mine, added in zip(total, counts, strict=True)]
    _count(root, total)
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _cases(item: ItemResult, phase: str, seen: dict[str, int]) -> list[ET.Element]:
    cases = [_case_of_check(item, check, phase, seen) for check in item.checks]
    for nodeid in item.not_run or ([] if item.checks else [item.item.id]):
        case = _case(nodeid, item, phase, seen)
        if item.verdict is not Verdict.PROCEED:
            _child(case, "error", State.NOT_RUN.value, f"{nodeid} did not run")
        cases.append(case)
    return cases


def _case_of_check(
    item: ItemResult, check: CheckResult, phase: str, seen: dict[str, int]
) -> ET.Element:
    ended = check.ended
    case = _case(ended.nodeid, item, phase, seen)
    case.set("time", f"{max(0.0, ended.at_s - ended.started_at_s):.3f}")
    _properties(
        case,
        {
            "item": item.item.id,
            "title": item.item.title,
            "section": item.item.section,
            "state": item.state.value,
            "verdict": check.verdict.value,
            "trigger": ended.trigger or "",
            "trigger_state": check.trigger_state.value if check.trigger_state else "",
            "recovered": "true" if ended.recovered else "",
            "waiver": item.waiver or "",
            "attestation": item.attestation or "",
            **{f"measurement.{m.name}": found_against_limit(m) for m in ended.measurements},
        },
    )
    tag = _tag(item, check)
    if tag is not None:
        kind = item.state.value if tag == "error" else State.FAILED.value
        _child(case, tag, kind, ended.message or check.case.value)
    return case


def _tag(item: ItemResult, check: CheckResult) -> str | None:
    """Return what a check that does not pass is called, None for one that does."""
    if Verdict.PROCEED in (item.verdict, check.verdict):
        return None
    if check.ended.outcome is Outcome.PASSED and check.verdict is Verdict.OBSERVE:
        return None  # it passes now, and the verdict says to keep watching
    if check.ended.outcome is not Outcome.FAILED and check.case is Case.UNPROVEN:
        return "error"
    return "failure"


def _case_of_run(reason: Reason, seen: dict[str, int]) -> ET.Element:
    case = ET.Element("testcase", classname="run", name=_unique(one_line(reason.text), seen))
    _child(case, "error", reason.verdict.value, reason.text)
    return case


def _case(name: str, item: ItemResult, phase: str, seen: dict[str, int]) -> ET.Element:
    """Return a case whose class name and name are those of no other."""
    return ET.Element(
        "testcase",
        classname=f"{phase}.{neutral(item.item.section)}",
        name=_unique(neutral(name), seen),
    )


def _unique(name: str, seen: dict[str, int]) -> str:
    """Return *name* with a number where it came before."""
    number = seen[name] = seen.get(name, 0) + 1
    return name if number == 1 else f"{name} ({number})"


def _child(case: ET.Element, tag: str, kind: str, message: str) -> None:
    clean = neutral(message)
    first = clean.strip().partition("\n")[0] or kind
    ET.SubElement(case, tag, type=kind, message=first).text = clean


def _properties(parent: ET.Element, values: dict[str, str]) -> None:
    properties = ET.SubElement(parent, "properties")
    for name, value in values.items():
        if value:
            ET.SubElement(properties, "property", name=neutral(name), value=neutral(value))


def _count(element: ET.Element, counts: list[int]) -> None:
    for name, number in zip(("tests", "failures", "errors"), counts, strict=True):
        element.set(name, str(number))
