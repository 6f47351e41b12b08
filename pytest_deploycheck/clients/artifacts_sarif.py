"""What scanners report in SARIF 2.1.0, the format that many of them share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from pydantic import Field

from pytest_deploycheck.clients.artifacts_findings import (
    Finding,
    Scan,
    Severity,
    refuse_errors,
    severity,
)
from pytest_deploycheck.clients.shapes import Shape, read

_SARIF_HARMLESS: Final = frozenset({"pass", "notApplicable", "informational"})
_HIGHEST_SCORE: Final = 10.0


class _SarifDefault(Shape):
    level: str = "warning"


class _SarifRule(Shape):
    id: str
    default: _SarifDefault = Field(default_factory=_SarifDefault, alias="defaultConfiguration")
    properties: dict[str, object] = Field(default_factory=dict)


class _SarifComponent(Shape):
    name: str
    rules: list[_SarifRule] = Field(default_factory=list)


class _SarifTool(Shape):
    driver: _SarifComponent
    extensions: list[_SarifComponent] = Field(default_factory=list)


class _SarifNotification(Shape):
    level: str = "warning"


class _SarifInvocation(Shape):
    succeeded: bool = Field(alias="executionSuccessful")
    of_execution: list[_SarifNotification] = Field(
        default_factory=list, alias="toolExecutionNotifications"
    )
    of_configuration: list[_SarifNotification] = Field(
        default_factory=list, alias="toolConfigurationNotifications"
    )
    ended_at: str | None = Field(default=None, alias="endTimeUtc")


class _SarifUri(Shape):
    uri: str = ""


class _SarifPhysical(Shape):
    artifact: _SarifUri = Field(default_factory=_SarifUri, alias="artifactLocation")


class _SarifLocation(Shape):
    physical: _SarifPhysical = Field(default_factory=_SarifPhysical, alias="physicalLocation")


class _SarifSuppression(Shape):
    kind: str
    status: str = "accepted"


class _SarifPlace(Shape):
    index: int = -1


class _SarifReference(Shape):
    id: str = ""
    index: int = -1
    component: _SarifPlace = Field(default_factory=_SarifPlace, alias="toolComponent")
    """Of the extensions; without an index, the driver."""


class _SarifResult(Shape):
    rule_id: str = Field(default="", alias="ruleId")
    rule_index: int = Field(default=-1, alias="ruleIndex")
    rule: _SarifReference = Field(default_factory=_SarifReference)
    level: str | None = None
    """None: its rule's."""
    kind: str = "fail"
    state: str = Field(default="new", alias="baselineState")
    locations: list[_SarifLocation] = Field(default_factory=list)
    suppressions: list[_SarifSuppression] = Field(default_factory=list)


class _SarifProvenance(Shape):
    revision: str | None = Field(default=None, alias="revisionId")


class _SarifRun(Shape):
    tool: _SarifTool
    results: list[_SarifResult]
    artifacts: list[dict[str, object]] | None = None
    invocations: list[_SarifInvocation] = Field(default_factory=list)
    provenance: list[_SarifProvenance] = Field(
        default_factory=list, alias="versionControlProvenance"
    )
    properties: dict[str, object] = Field(default_factory=dict)


class _Sarif(Shape):
    version: Literal["2.1.0"]
    runs: list[_SarifRun] = Field(min_length=1)


def sarif(value: object, where: str) -> Scan:
    """Read a SARIF 2.1.0 log of any scanner."""
    found = read(_Sarif, value, where=where, what="a SARIF 2.1.0 log")
    calls = [call for run in found.runs for call in run.invocations]
    broken = [
        "the run"
        for call in calls
        if not call.succeeded
        or any(one.level == "error" for one in (*call.of_execution, *call.of_configuration))
    ]
    refuse_errors(broken, where)
    counts = [len(run.artifacts) for run in found.runs if run.artifacts is not None]
    images = [run for run in found.runs if "imageName" in run.properties]  # as Trivy writes it
    return Scan(
        tool=" and ".join(dict.fromkeys(run.tool.driver.name for run in found.runs)),
        scanned=sum(counts) + len(images) if counts or images else None,
        made_at=max((call.ended_at for call in calls if call.ended_at), default=None),
        commits=tuple(one.revision for run in found.runs for one in run.provenance if one.revision),
        digests=tuple(
            str(digest).rpartition("@")[2]
            for run in images
            for digest in _list(run.properties.get("repoDigests"))
        ),
        findings=tuple(finding for run in found.runs for finding in _sarif_findings(run)),
    )


def _sarif_findings(run: _SarifRun) -> Iterator[Finding]:
    for one in run.results:
        if one.kind in _SARIF_HARMLESS or one.state == "absent":
            continue
        name = one.rule_id or one.rule.id
        rule = _sarif_rule(run.tool, name, one)
        level = one.level or (rule.default.level if rule is not None else None)
        if one.kind != "fail":
            level = None  # only a failure has one; what is left open, nobody has called harmless
        accepted = [s.kind for s in one.suppressions if s.status == "accepted"]
        suppressed = bool(accepted) and len(accepted) == len(one.suppressions)
        yield Finding(
            rule=name or (rule.id if rule else "a rule without name"),
            severity=_scored(rule, level),
            place=", ".join(place.physical.artifact.uri for place in one.locations) or "no place",
            closed=f"suppressed ({accepted[0]})" if suppressed else "",
        )


def _sarif_rule(tool: _SarifTool, name: str, result: _SarifResult) -> _SarifRule | None:
    """Return the rule of a result: by its id, that of a variant of it (`id/variant`), or its place.

    None: the log does not have it.
    """
    components = [tool.driver, *tool.extensions]
    known = {rule.id: rule for component in reversed(components) for rule in component.rules}
    while name and name not in known:
        name = name.rpartition("/")[0]
    if name:
        return known[name]
    component, index = result.rule.component.index + 1, max(result.rule_index, result.rule.index)
    rules = components[component].rules if 0 <= component < len(components) else []
    return rules[index] if not result.rule_id and 0 <= index < len(rules) else None


def _scored(rule: _SarifRule | None, level: str | None) -> Severity:
    """Return the severity of the rule's CVSS-like score; without one, of SARIF's own level."""
    score = rule.properties.get("security-severity") if rule is not None else None
    if score is None:
        return severity(level)
    try:
        number = float(str(score))
    except ValueError:
        return severity(score)
    if not 0 <= number <= _HIGHEST_SCORE:  # NaN is below every bound
        return "unknown"
    bounds: tuple[tuple[float, Severity], ...] = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"))
    return next((word for bound, word in bounds if number >= bound), "low")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
