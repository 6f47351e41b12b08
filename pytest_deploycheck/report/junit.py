"""`junit.xml`: the items for CI, no name twice, and nothing passed by omission."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Final
from xml.sax.saxutils import escape

from pytest_deploycheck.domain.decision import CheckResult, Decision, ItemResult, Reason
from pytest_deploycheck.domain.reasons import found_against_limit
from pytest_deploycheck.domain.words import Case, Outcome, State, Verdict
from pytest_deploycheck.report.text import neutral, one_line
from pytest_deploycheck.report.verdict import iso

_SPECIAL: Final = re.compile('[&<>"\\t\\n\\r]')
_IN_QUOTES: Final = {'"': "&quot;", "\t": "&#09;", "\n": "&#10;", "\r": "&#13;"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Problem:
    """Why a case does not pass."""

    tag: str
    """`failure` or `error`."""
    kind: str
    message: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Case:
    """A test case, as CI counts them."""

    attributes: Mapping[str, str]
    properties: Mapping[str, str] = dataclasses.field(default_factory=dict)
    problem: _Problem | None = None

    def lines(self) -> Iterator[str]:
        """Return it as XML."""
        if self.problem is None and not self.properties:
            yield f"  <testcase{_attributes(self.attributes)} />"
            return
        yield f"  <testcase{_attributes(self.attributes)}>"
        yield from _properties(self.properties, "   ")
        if self.problem is not None:
            clean = neutral(self.problem.message)
            first = clean.strip().partition("\n")[0] or self.problem.kind
            start = (
                f"<{self.problem.tag}{_attributes({'type': self.problem.kind, 'message': first})}"
            )
            yield f"   {start}>{escape(clean)}</{self.problem.tag}>" if clean else f"   {start} />"
        yield "  </testcase>"


def junit_xml(decision: Decision) -> str:
    """Return the decision as JUnit XML.

    A suite for each phase, in it a case for each check, and for each item with no answer; a suite
    `run` for what stands against the run itself. FAILED is a failure, and so is what recovered
    where that holds; INCONCLUSIVE, NOT_RUN and AWAITING are errors. A waived or not applicable one
    says so in a property and passes where it does in the verdict.
    """
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
    everything = [case for cases in suites.values() for case in cases]
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f"<testsuites{_attributes({'name': 'deploycheck', **_counts(everything)})}>",
    ]
    for phase, cases in suites.items():
        named = {"name": phase, "timestamp": iso(decision.started_at_s)}
        lines.append(f" <testsuite{_attributes(named | _counts(cases))}>")
        about = {
            "verdict": decision.verdict.value,
            "environment": decision.environment,
            "release": decision.release,
            "deployed_at": iso(decision.deployed_at_s),
        }
        lines += _properties(about, "  ")
        for case in cases:
            lines += case.lines()
        lines.append(" </testsuite>")
    lines.append("</testsuites>\n")
    return "\n".join(lines)


def _cases(item: ItemResult, phase: str, seen: dict[str, int]) -> list[_Case]:
    cases = [_case_of_check(item, check, phase, seen) for check in item.checks]
    for nodeid in item.not_run or ([] if item.checks else [item.item.id]):
        problem = None
        if item.verdict is not Verdict.PROCEED:
            kind = State.NOT_RUN.value
            problem = _Problem(tag="error", kind=kind, message=f"{nodeid} did not run")
        cases.append(_Case(attributes=_named(nodeid, item, phase, seen), problem=problem))
    return cases


def _case_of_check(item: ItemResult, check: CheckResult, phase: str, seen: dict[str, int]) -> _Case:
    ended = check.ended
    tag, problem = _tag(item, check), None
    if tag is not None:
        kind = item.state.value if tag == "error" else State.FAILED.value
        problem = _Problem(tag=tag, kind=kind, message=ended.message or check.case.value)
    return _Case(
        attributes={
            **_named(ended.nodeid, item, phase, seen),
            "time": f"{max(0.0, ended.at_s - ended.started_at_s):.3f}",
        },
        properties={
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
        problem=problem,
    )


def _tag(item: ItemResult, check: CheckResult) -> str | None:
    """Return what a check that does not pass is called, None for one that does."""
    if Verdict.PROCEED in (item.verdict, check.verdict):
        return None
    if check.ended.outcome is Outcome.PASSED and check.verdict is Verdict.OBSERVE:
        return None  # it passes now, and the verdict says to keep watching
    if check.ended.outcome is not Outcome.FAILED and check.case is Case.UNPROVEN:
        return "error"
    return "failure"


def _case_of_run(reason: Reason, seen: dict[str, int]) -> _Case:
    return _Case(
        attributes={"classname": "run", "name": _unique(one_line(reason.text), seen)},
        problem=_Problem(tag="error", kind=reason.verdict.value, message=reason.text),
    )


def _named(name: str, item: ItemResult, phase: str, seen: dict[str, int]) -> dict[str, str]:
    """Return a class name and a name that together are those of no other case."""
    return {"classname": f"{phase}.{item.item.section}", "name": _unique(neutral(name), seen)}


def _unique(name: str, seen: dict[str, int]) -> str:
    """Return *name* with a number where it came before."""
    number = seen[name] = seen.get(name, 0) + 1
    return name if number == 1 else f"{name} ({number})"


def _counts(cases: list[_Case]) -> dict[str, str]:
    tags = [case.problem.tag for case in cases if case.problem is not None]
    found = {"tests": len(cases), "failures": tags.count("failure"), "errors": tags.count("error")}
    return {name: str(number) for name, number in found.items()}


def _properties(values: Mapping[str, str], indent: str) -> Iterator[str]:
    """Return those of *values* that say something; none at all is no table."""
    if not values:
        return
    yield f"{indent}<properties>"
    for name, value in values.items():
        if value:
            yield f"{indent} <property{_attributes({'name': name, 'value': value})} />"
    yield f"{indent}</properties>"


def _attributes(values: Mapping[str, str]) -> str:
    return "".join([f' {name}="{_quoted(value)}"' for name, value in values.items()])


def _quoted(text: str) -> str:
    """Return *text* neutral, and escaped for a place between quotes."""
    clean = neutral(text)
    return escape(clean, _IN_QUOTES) if _SPECIAL.search(clean) else clean
