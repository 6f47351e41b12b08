"""What must not be deployed for its security: findings, secrets, too much power."""

from __future__ import annotations

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import foundations, github
from pytest_deploycheck.sandbox.faults.fault import SECURITY_POINT, fault
from pytest_deploycheck.sandbox.faults.pre_deploy.items import (
    ACCESS,
    API,
    OF_RELEASE,
    SCANS,
    SECRETS,
)
from pytest_deploycheck.sandbox.platform import PREVIOUS_RELEASE, Platform


@fault(SCANS, verdict=Verdict.HOLD)
def code_scan_finds(platform: Platform) -> None:
    """Bandit found a shell command that is built from input, of high severity."""
    finding = {"test_id": "B602", "issue_severity": "HIGH", "line_number": 12}
    platform.reports.files["bandit.json"]["results"] = [finding | {"filename": "api/export.py"}]


@fault(SCANS, verdict=Verdict.HOLD)
def dependency_has_vulnerability(platform: Platform) -> None:
    """The audit of the dependencies lists a known vulnerability; it never says how bad."""
    found = {"id": "GHSA-f96h-pmfr-66vw", "fix_versions": ["0.40.0"], "aliases": []}
    platform.reports.files["pip-audit.json"]["dependencies"][0]["vulns"] = [found]


@fault(SCANS, verdict=Verdict.HOLD)
def pattern_scan_finds(platform: Platform) -> None:
    """Semgrep found SQL that is put together from input."""
    finding = {
        "check_id": "sql-from-input",
        "path": "api/search.py",
        "extra": {"severity": "ERROR"},
    }
    platform.reports.files["semgrep.json"]["results"] = [finding]


@fault(SCANS, verdict=Verdict.HOLD)
def image_has_vulnerability(platform: Platform) -> None:
    """The image scan lists a critical vulnerability."""
    found = {"VulnerabilityID": "CVE-2024-3094", "Severity": "CRITICAL", "Status": "fixed"}
    platform.reports.files["trivy.json"]["Results"][0]["Vulnerabilities"] = [found]


@fault(SCANS, verdict=Verdict.HOLD)
def image_scan_of_another(platform: Platform) -> None:
    """The image scan is of an image other than the release's."""
    metadata = platform.reports.files["trivy.json"]["Metadata"]
    metadata["RepoDigests"] = [f"{github.IMAGE}@{github.PREVIOUS_DIGEST}"]


@fault(SCANS, verdict=Verdict.HOLD)
def scan_of_nothing(platform: Platform) -> None:
    """Semgrep ran without finding a file to look at, and was content."""
    platform.reports.files["semgrep.json"]["paths"]["scanned"] = []


@fault(SCANS, verdict=Verdict.HOLD)
def scan_missing(platform: Platform) -> None:
    """The audit of the dependencies left no report: its failure was masked."""
    del platform.reports.files["pip-audit.json"]


@fault(SCANS, verdict=Verdict.HOLD)
def scan_truncated(platform: Platform) -> None:
    """The report of Bandit ends in the middle."""
    platform.reports.files["bandit.json"] = '{"errors": [], "results": ['


@fault(SCANS, verdict=Verdict.HOLD)
def scan_of_another_commit(platform: Platform) -> None:
    """The report of Semgrep is of the commit before."""
    platform.reports.entries["semgrep.json"] = {"commit": github.PREVIOUS_COMMIT}


@fault(*OF_RELEASE, verdict=Verdict.HOLD)
def artifacts_of_previous_release(platform: Platform) -> None:
    """The reports that were downloaded are those of the previous release."""
    platform.reports.manifest["release"] = PREVIOUS_RELEASE


@fault(SECRETS, verdict=Verdict.HOLD)
def secret_in_code(platform: Platform) -> None:
    """The secret scan found a key in the commit."""
    _found_secret(platform, "secrets.json", "api/settings.py")


@fault(SECRETS, verdict=Verdict.HOLD)
def secret_in_manifests(platform: Platform) -> None:
    """The secret scan found a password in the rendered manifests."""
    _found_secret(platform, "secrets-manifests.json", "templates/secret.yaml")


@fault(SECRETS, verdict=Verdict.HOLD)
def secret_as_literal(platform: Platform) -> None:
    """A workload has its password in its specification instead of a reference to a Secret."""
    variable = platform.pod_spec(API)["containers"][0]["env"][1]
    del variable["valueFrom"]
    variable["value"] = "jorge-2026"


@fault(SECRETS, verdict=Verdict.HOLD)
def secret_in_arguments(platform: Platform) -> None:
    """A workload has its password in an argument, which every list of processes shows."""
    platform.pod_spec(API)["containers"][0]["args"].append("--database-password=jorge-2026")


@fault(SECRETS, verdict=Verdict.HOLD)
def secret_in_url(platform: Platform) -> None:
    """A variable of a harmless name holds a URL with a password in it."""
    variable = {"name": "EVENTS", "value": "amqp://app:jorge-2026@events:5672"}
    platform.pod_spec(API)["containers"][0]["env"].append(variable)


@fault(SECRETS, verdict=Verdict.HOLD)
def secret_in_config_map(platform: Platform) -> None:
    """The ConfigMap that a workload takes its variables from holds a key that pays."""
    key = "_".join(("sk", "live", "0123456789abcdefghij"))  # whole, scanners would find it here
    platform.one("configmaps", foundations.CONFIG)["data"]["STRIPE"] = key


@fault(SECRETS, verdict=Verdict.HOLD)
def external_secret_stale(platform: Platform) -> None:
    """The operator that fetches Secrets cannot reach its vault."""
    (condition,) = platform.one("externalsecrets", foundations.SECRET)["status"]["conditions"]
    condition |= {"status": "False", "reason": "SecretSyncedError"}


@fault(ACCESS, verdict=Verdict.HOLD)
def account_is_default(platform: Platform) -> None:
    """The API runs under the default service account."""
    spec = platform.pod_spec(API)
    del spec["serviceAccountName"]


@fault(ACCESS, verdict=Verdict.HOLD)
def role_has_wildcard(platform: Platform) -> None:
    """The role of the API allows every verb on Secrets."""
    platform.one("roles", foundations.ROLE)["rules"][1]["verbs"] = ["*"]


@fault(ACCESS, verdict=Verdict.HOLD)
def role_allows_more(platform: Platform) -> None:
    """The role of the API may also delete pods, which nobody has allowed."""
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}
    platform.one("roles", foundations.ROLE)["rules"].append(rule)


@fault(ACCESS, verdict=Verdict.HOLD)
def token_is_mounted(platform: Platform) -> None:
    """The pods of the API have the token of their account mounted."""
    account = platform.one("serviceaccounts", foundations.ACCOUNT)
    del account["automountServiceAccountToken"]


@fault(ACCESS, SECURITY_POINT, verdict=Verdict.HOLD)
def roles_unreadable(platform: Platform) -> None:
    """Our account may not read roles: what the workloads may do is unknown."""
    platform.forbidden.add("clusterroles")


@fault("pre_deploy/compliance", verdict=Verdict.HOLD)
def compliance_unattested(platform: Platform) -> None:
    """Nobody has attested that the release complies."""
    platform.unsay("pre_deploy/compliance")


def _found_secret(platform: Platform, name: str, place: str) -> None:
    found = {"type": "AWS Access Key", "line_number": 3, "is_verified": False}
    platform.reports.files[name]["results"] = {place: [found]}
