"""What scanners report: Bandit, Safety, pip-audit, Semgrep, Trivy, detect-secrets, and SARIF.

A scanner that looked at nothing, or says that a part of its work failed, reports nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Literal

from pydantic import Field

from pytest_deploycheck.clients.artifacts_findings import Finding, Scan, refuse_errors, severity
from pytest_deploycheck.clients.artifacts_sarif import sarif
from pytest_deploycheck.clients.shapes import Shape, read


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
    refuse_errors([str(one.get("filename")) for one in found.errors], where)
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
    refuse_errors([one.name for one in skipped], where)
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
    refuse_errors([one.path or "a rule" for one in found.errors if one.level == "error"], where)
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


FORMATS: Final[Mapping[str, Callable[[object, str], Scan]]] = {
    "bandit": bandit,
    "detect-secrets": detect_secrets,
    "pip-audit": pip_audit,
    "safety": safety,
    "sarif": sarif,
    "semgrep": semgrep,
    "trivy": trivy,
}
