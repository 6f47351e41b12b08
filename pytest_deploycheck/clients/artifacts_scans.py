"""What scanners report: Bandit, Safety, pip-audit, Semgrep, Trivy, detect-secrets, and SARIF.

A scanner that looked at nothing, or says that a part of its work failed, reports nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

from pydantic import Field

from pytest_deploycheck.clients.shapes import Shape, read
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
_SARIF_HARMLESS: Final = frozenset({"pass", "notApplicable", "informational"})
_HIGHEST_SCORE: Final = 10.0
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


class _BanditIssue(Shape):
    test_id: str
    issue_severity: str
    filename: str
    line_number: int


class _BanditMetric(Shape):
    loc: int


class _Bandit(Shape):
    errors: list[dict[str, object]]
    generated_at: str
    metrics: dict[str, _BanditMetric]
    results: list[_BanditIssue]


def bandit(value: object, where: str) -> Scan:
    """Read a report of `bandit -f json`."""
    found = read(_Bandit, value, where=where, what="a Bandit report")
    _refuse_errors([str(one.get("filename")) for one in found.errors], where)
    lines = sum(metric.loc for name, metric in found.metrics.items() if name != "_totals")
    return Scan(
        tool="Bandit",
        scanned=len(found.metrics.keys() - {"_totals"}) if lines else 0,
        made_at=found.generated_at,
        findings=tuple(
            Finding(
                rule=one.test_id,
                severity=severity(one.issue_severity),
                place=f"{one.filename}:{one.line_number}",
            )
            for one in found.results
        ),
    )


class _Cvss(Shape):
    base_severity: str | None = None


class _SafetySeverity(Shape):
    cvssv3: _Cvss | None = None


class _SafetyFinding(Shape):
    vulnerability_id: str
    package_name: str
    ignored: bool | None = False
    ignored_reason: str | None = None
    severity: _SafetySeverity | None = None


class _SafetyMeta(Shape):
    packages_found: int


class _Safety(Shape):
    report_meta: _SafetyMeta
    scanned_packages: dict[str, object]
    vulnerabilities: list[_SafetyFinding]


def safety(value: object, where: str) -> Scan:
    """Read a report of `safety check --output json`."""
    found = read(_Safety, value, where=where, what="a report of `safety check --output json`")
    return Scan(
        tool="Safety",
        scanned=min(found.report_meta.packages_found, len(found.scanned_packages)),
        findings=tuple(
            Finding(
                rule=one.vulnerability_id,
                severity=severity(
                    one.severity.cvssv3.base_severity
                    if one.severity and one.severity.cvssv3
                    else None
                ),
                place=one.package_name,
                closed=(one.ignored_reason or "ignored") if one.ignored else "",
            )
            for one in found.vulnerabilities
        ),
    )


class _Vulnerability(Shape):
    id: str


class _Dependency(Shape):
    name: str
    version: str | None = None
    vulns: list[_Vulnerability] = Field(default_factory=list)
    skip_reason: str | None = None


class _PipAudit(Shape):
    dependencies: list[_Dependency]


def pip_audit(value: object, where: str) -> Scan:
    """Read a report of `pip-audit -f json`, which names no severities: each finding is serious."""
    found = read(_PipAudit, value, where=where, what="a pip-audit report")
    audited = [one for one in found.dependencies if one.skip_reason is None]
    # "Could not be audited" is how it says that it did not get through to its database.
    skipped = [
        one for one in found.dependencies if one.skip_reason and "editable" not in one.skip_reason
    ]
    _refuse_errors([one.name for one in skipped], where)
    return Scan(
        tool="pip-audit",
        scanned=len(audited),
        findings=tuple(
            Finding(rule=bug.id, severity="unknown", place=f"{one.name} {one.version}")
            for one in audited
            for bug in one.vulns
        ),
    )


class _SemgrepExtra(Shape):
    severity: str
    is_ignored: bool = False


class _SemgrepResult(Shape):
    check_id: str
    path: str
    extra: _SemgrepExtra


class _SemgrepError(Shape):
    level: str = "error"
    path: str | None = None


class _SemgrepPaths(Shape):
    scanned: list[str]


class _Semgrep(Shape):
    version: str
    results: list[_SemgrepResult]
    errors: list[_SemgrepError]
    paths: _SemgrepPaths


def semgrep(value: object, where: str) -> Scan:
    """Read a report of `semgrep --json`."""
    found = read(_Semgrep, value, where=where, what="a Semgrep report")
    _refuse_errors([one.path or "a rule" for one in found.errors if one.level == "error"], where)
    return Scan(
        tool=f"Semgrep {found.version}",
        scanned=len(found.paths.scanned),
        findings=tuple(
            Finding(
                rule=one.check_id,
                severity=severity(one.extra.severity),
                place=one.path,
                closed="ignored in the code" if one.extra.is_ignored else "",
            )
            for one in found.results
        ),
    )


class _TrivyFinding(Shape):
    vulnerability: str | None = Field(default=None, alias="VulnerabilityID")
    rule: str | None = Field(default=None, alias="RuleID")
    misconfiguration: str | None = Field(default=None, alias="ID")
    severity: str = Field(alias="Severity")
    status: str | None = Field(default=None, alias="Status")


class _TrivyResult(Shape):
    target: str = Field(alias="Target")
    vulnerabilities: list[_TrivyFinding] | None = Field(default=None, alias="Vulnerabilities")
    secrets: list[_TrivyFinding] | None = Field(default=None, alias="Secrets")
    misconfigurations: list[_TrivyFinding] | None = Field(default=None, alias="Misconfigurations")


class _TrivyMetadata(Shape):
    repo_digests: list[str] | None = Field(default=None, alias="RepoDigests")


class _Trivy(Shape):
    schema_version: Literal[2] = Field(alias="SchemaVersion")
    created_at: str | None = Field(default=None, alias="CreatedAt")
    artifact: str = Field(alias="ArtifactName")
    metadata: _TrivyMetadata | None = Field(default=None, alias="Metadata")
    results: list[_TrivyResult] | None = Field(default=None, alias="Results")


def trivy(value: object, where: str) -> Scan:
    """Read a report of `trivy image --format json`."""
    found = read(_Trivy, value, where=where, what="a Trivy report (SchemaVersion 2)")
    results = found.results or []
    digests = (found.metadata.repo_digests if found.metadata else None) or []
    return Scan(
        tool="Trivy",
        scanned=len(results),
        made_at=found.created_at,
        digests=tuple(one.rpartition("@")[2] for one in digests),
        findings=tuple(
            Finding(
                rule=one.vulnerability or one.rule or one.misconfiguration or "a finding",
                severity=severity(one.severity),
                place=result.target,
            )
            for result in results
            for kind in (result.vulnerabilities, result.secrets, result.misconfigurations)
            for one in kind or ()
            if one.status != "PASS"  # of a misconfiguration
        ),
    )


class _Secret(Shape):
    type: str
    line_number: int
    is_secret: bool | None = None


class _DetectSecrets(Shape):
    version: str
    plugins_used: list[dict[str, object]]
    results: dict[str, list[_Secret]]
    generated_at: str


def detect_secrets(value: object, where: str) -> Scan:
    """Read a report of `detect-secrets scan`, which does not say how many files it saw."""
    found = read(_DetectSecrets, value, where=where, what="a detect-secrets report")
    return Scan(
        tool=f"detect-secrets {found.version}",
        scanned=None if found.plugins_used else 0,
        made_at=found.generated_at,
        findings=tuple(
            Finding(
                rule=one.type,
                severity="high",
                place=f"{file}:{one.line_number}",
                closed="audited: not a secret" if one.is_secret is False else "",
            )
            for file, secrets in found.results.items()
            for one in secrets
        ),
    )


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
    _refuse_errors(broken, where)
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


def _refuse_errors(broken: list[str], where: str) -> None:
    if broken:
        raise InstrumentError(
            f"{where}: the scanner failed on {', '.join(broken[:3])} "
            f"({len(broken)} in all), expected a complete scan"
        )


FORMATS: Final[Mapping[str, Callable[[object, str], Scan]]] = {
    "bandit": bandit,
    "detect-secrets": detect_secrets,
    "pip-audit": pip_audit,
    "safety": safety,
    "sarif": sarif,
    "semgrep": semgrep,
    "trivy": trivy,
}
