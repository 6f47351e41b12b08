"""What must not be deployed: findings, failed tests, thin backups, too much power, no way back."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, Final

from pytest_deploycheck.domain.baselines import all_before
from pytest_deploycheck.domain.events import BaselineRecorded
from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import artifacts, aws, foundations, github, healthy, usage
from pytest_deploycheck.sandbox.faults.fault import SECURITY_POINT, fault
from pytest_deploycheck.sandbox.people import ENVIRONMENT
from pytest_deploycheck.sandbox.platform import PREVIOUS_RELEASE, Platform

SCANS: Final = "pre_deploy/security-scan-results"
SECRETS: Final = "pre_deploy/secrets-management"
ACCESS: Final = "pre_deploy/access-controls"
UNIT: Final = "pre_deploy/unit-tests"
BOTS: Final = "pre_deploy/jorge-bot-tests"
ML: Final = "pre_deploy/ml-pipeline-tests"
INTEGRATION: Final = "pre_deploy/integration-tests"
LOAD: Final = "pre_deploy/load-testing"
BASELINE: Final = "pre_deploy/baseline-metrics"
SLA: Final = "pre_deploy/sla-targets"
CAPACITY: Final = "pre_deploy/capacity-planning"
DATABASE: Final = "pre_deploy/database-backup"
CONFIGURATION: Final = "pre_deploy/configuration-backup"
WAY_BACK: Final = "pre_deploy/rollback-plan"
RECOVERY: Final = "pre_deploy/recovery-procedures"
PIPELINE: Final = "deploy/ci-cd-pipeline"
STAGED: Final = "deploy/staging-validation"

_OF_RELEASE: Final = (SCANS, SECRETS, UNIT, BOTS, ML, INTEGRATION, LOAD, SLA, PIPELINE, STAGED)
"""Everything that needs the manifest."""
_API: Final = "jorge-revenue-api"
_LAST_MONTH_S: Final = 28 * 86_400.0
_BOMB: Final = (
    '<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    '<testsuite tests="1"><testcase classname="t" name="&b;"/></testsuite>'
)


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


@fault(*_OF_RELEASE, verdict=Verdict.HOLD)
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
    variable = _container(platform)["env"][1]
    del variable["valueFrom"]
    variable["value"] = "jorge-2026"


@fault(SECRETS, verdict=Verdict.HOLD)
def secret_in_arguments(platform: Platform) -> None:
    """A workload has its password in an argument, which every list of processes shows."""
    _container(platform)["args"].append("--database-password=jorge-2026")


@fault(SECRETS, verdict=Verdict.HOLD)
def secret_in_url(platform: Platform) -> None:
    """A variable of a harmless name holds a URL with a password in it."""
    variable = {"name": "EVENTS", "value": "amqp://app:jorge-2026@events:5672"}
    _container(platform)["env"].append(variable)


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
    spec = platform.one("deployments", _API)["spec"]["template"]["spec"]
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
    _unsay(platform, "pre_deploy/compliance")


@fault(UNIT, verdict=Verdict.HOLD)
def unit_test_failed(platform: Platform) -> None:
    """One of the unit tests failed."""
    platform.reports.files["junit-unit.xml"] = artifacts.junit("platform.tests", 672, failing=1)


@fault(UNIT, verdict=Verdict.HOLD)
def unit_test_retried(platform: Platform) -> None:
    """One of the unit tests failed, and passed when it was run again."""
    platform.reports.files["junit-unit.xml"] = artifacts.junit("platform.tests", 672, retried=1)


@fault(UNIT, verdict=Verdict.HOLD)
def too_few_unit_tests(platform: Platform) -> None:
    """Only 300 unit tests ran, and all of them passed."""
    platform.reports.files["junit-unit.xml"] = artifacts.junit("platform.tests", 300)


@fault(UNIT, verdict=Verdict.HOLD)
def coverage_too_low(platform: Platform) -> None:
    """The unit tests run 71 % of the lines."""
    platform.reports.files["coverage.xml"] = artifacts.coverage(0.71)


@fault(UNIT, verdict=Verdict.HOLD)
def coverage_made_up(platform: Platform) -> None:
    """The report on the unit tests says that they run 87 % of the lines; its lines say 71 %."""
    report = artifacts.coverage(0.71).replace('lines-covered="710"', 'lines-covered="870"')
    platform.reports.files["coverage.xml"] = report


@fault(UNIT, verdict=Verdict.HOLD)
def test_report_with_entities(platform: Platform) -> None:
    """The report of the unit tests is XML with entities, as no test runner writes it."""
    platform.reports.files["junit-unit.xml"] = _BOMB


@fault(BOTS, verdict=Verdict.HOLD)
def bot_tests_gone(platform: Platform) -> None:
    """No test of the Intent Decoder ran; those of the other bots passed."""
    text = platform.reports.files["junit-bots.xml"]
    platform.reports.files["junit-bots.xml"] = text.replace("intent_decoder", "seller_bot")


@fault(BOTS, verdict=Verdict.HOLD)
def bot_test_failed(platform: Platform) -> None:
    """One test of the Lead Bot failed."""
    failing = {"seller_bot": 0, "lead_bot": 1, "intent_decoder": 0}
    each = (artifacts.junit(f"tests.{bot}", 24, failing=n) for bot, n in failing.items())
    platform.reports.files["junit-bots.xml"] = "".join(("<testsuites>", *each, "</testsuites>"))


@fault(UNIT, verdict=Verdict.HOLD)
def unit_tests_skipped(platform: Platform) -> None:
    """A third of a thousand unit tests were skipped; all others passed."""
    report = artifacts.junit("platform.tests", 1_000, skipping=340)
    platform.reports.files["junit-unit.xml"] = report


@fault(BOTS, verdict=Verdict.HOLD)
def bot_tests_skipped(platform: Platform) -> None:
    """Of the tests of each bot one passed, and all others were skipped."""
    _skip_most(platform, "junit-bots.xml", "seller_bot", "lead_bot", "intent_decoder")


@fault(INTEGRATION, verdict=Verdict.HOLD)
def integration_tests_skipped(platform: Platform) -> None:
    """Of the tests of each external API one passed, and all others were skipped."""
    _skip_most(platform, "junit-integration.xml", "ghl", "claude")


@fault(INTEGRATION, verdict=Verdict.HOLD)
def integration_tests_gone(platform: Platform) -> None:
    """No test of the CRM's interface ran; those of the AI service passed."""
    text = platform.reports.files["junit-integration.xml"]
    platform.reports.files["junit-integration.xml"] = text.replace("tests.ghl", "tests.claude")


@fault(BOTS, verdict=Verdict.HOLD)
def seller_bot_late(platform: Platform) -> None:
    """In the benchmark the Seller Bot answers within 6.4 s (p95)."""
    _measured(platform, "bots.json", seller_bot_response_p95_s=6.4)


@fault(BOTS, verdict=Verdict.HOLD)
def lead_sequence_broken(platform: Platform) -> None:
    """In the benchmark a fifth of the leads is lost between two steps of the Lead Bot."""
    _measured(platform, "bots.json", lead_bot_lifecycle_ratio=0.8)


@fault(BOTS, verdict=Verdict.HOLD)
def intent_decoder_wrong(platform: Platform) -> None:
    """The Intent Decoder is right in 84 % of the known conversations."""
    _measured(platform, "bots.json", intent_accuracy_ratio=0.84)


@fault(BOTS, verdict=Verdict.HOLD)
def bot_benchmark_thin(platform: Platform) -> None:
    """The Seller Bot's success was measured on five conversations."""
    _figures(platform, "bots.json")["seller_bot_success_ratio"]["samples"] = 5


@fault(ML, SLA, verdict=Verdict.HOLD)
def inference_benchmark_slow(platform: Platform) -> None:
    """The model of this build takes 73 ms (p95) for a prediction."""
    _measured(platform, "ml.json", inference_p95_s=0.073)


@fault(ML, verdict=Verdict.HOLD)
def benchmark_shows_drift(platform: Platform) -> None:
    """The features have drifted by 0.41."""
    _measured(platform, "ml.json", feature_drift_score=0.41)


@fault(ML, verdict=Verdict.HOLD)
def benchmark_inaccurate(platform: Platform) -> None:
    """The model of this build is right in 86 % of the known cases."""
    _measured(platform, "ml.json", accuracy_ratio=0.86)


@fault(ML, SLA, verdict=Verdict.HOLD)
def ml_benchmark_is_old(platform: Platform) -> None:
    """The benchmark of the model is a week old."""
    platform.reports.files["ml.json"]["made_at"] = artifacts.ago(7 * 86_400)


@fault(INTEGRATION, verdict=Verdict.HOLD)
def integration_test_failed(platform: Platform) -> None:
    """A test of the CRM's interface failed."""
    suites = artifacts.junit("tests.ghl", 24, failing=1) + artifacts.junit("tests.claude", 24)
    platform.reports.files["junit-integration.xml"] = f"<testsuites>{suites}</testsuites>"


@fault(INTEGRATION, verdict=Verdict.HOLD)
def integration_report_cut(platform: Platform) -> None:
    """The report of the integration tests tells of failures that it does not hold."""
    text = platform.reports.files["junit-integration.xml"]
    platform.reports.files["junit-integration.xml"] = text.replace('errors="0"', 'errors="3"', 1)


@fault(LOAD, SLA, verdict=Verdict.HOLD)
def load_test_slow(platform: Platform) -> None:
    """Under load the API answers within 340 ms (p95)."""
    platform.reports.files["k6.json"] = artifacts.load(p95_ms=340.0)


@fault(LOAD, SLA, verdict=Verdict.HOLD)
def load_test_fails_requests(platform: Platform) -> None:
    """Under load 4 % of the requests fail."""
    platform.reports.files["k6.json"] = artifacts.load(p95_ms=142.0, failed_ratio=0.04)


@fault(LOAD, verdict=Verdict.HOLD)
def load_test_short(platform: Platform) -> None:
    """The load test ran for 20 seconds."""
    platform.reports.files["k6.json"] = artifacts.load(p95_ms=142.0, duration_s=20)


@fault(BASELINE, verdict=Verdict.HOLD)
def baseline_missing(platform: Platform) -> None:
    """Nobody recorded a baseline before the deployment."""
    platform.record.remove(_baseline(platform))


@fault(BASELINE, verdict=Verdict.HOLD)
def baseline_incomplete(platform: Platform) -> None:
    """The baseline has no response time."""
    before = _baseline(platform)
    values = tuple(value for value in before.values if value.name != "latency_p95")
    platform.record[platform.record.index(before)] = dataclasses.replace(before, values=values)


@fault(BASELINE, verdict=Verdict.HOLD)
def baseline_old(platform: Platform) -> None:
    """The baseline was recorded a week before the deployment."""
    before, week_s = _baseline(platform), 7 * 86_400
    platform.record[platform.record.index(before)] = dataclasses.replace(
        before,
        at_s=before.at_s - week_s,
        from_s=before.from_s - week_s,
        until_s=before.until_s - week_s,
    )


@fault(SLA, verdict=Verdict.HOLD)
def outage_last_month(platform: Platform) -> None:
    """Three hours before the deployment no instance of the API had answered for five minutes."""
    until_s = platform.deployed_at_s - 3 * 3_600
    for series in platform.metrics.find("up", job=_API):
        before = series.at
        series.at = lambda at_s, before=before: (  # type: ignore[misc] # mypy's view of lambdas
            0.0 if until_s - 300 <= at_s < until_s else before(at_s)
        )


@fault(SLA, verdict=Verdict.HOLD)
def month_unseen(platform: Platform) -> None:
    """Three hours before the deployment nobody had looked for five minutes: the API may be down."""
    until_s = platform.deployed_at_s - 3 * 3_600
    for series in platform.metrics.find("up", job=_API):
        series.unseen_s = until_s - 300, until_s


@fault(SLA, verdict=Verdict.HOLD)
def slow_last_month(platform: Platform) -> None:
    """For most of last month answers and predictions took too long; for two days all is well."""
    for ago_s, latency_s, inference_s in (_LAST_MONTH_S, 0.32, 0.08), (2 * 86_400, 0.1, 0.028):
        usage.slow(platform.metrics, "ml_prediction_duration_seconds", inference_s, ago_s=ago_s)
        for edge, share in healthy.latency_buckets(p95_s=latency_s):
            per_s = healthy.REQUESTS_PER_S * share
            platform.metrics.grow(f"{healthy.LATENCY}_bucket", per_s, ago_s=ago_s, le=edge)


@fault(SLA, verdict=Verdict.HOLD)
def errors_last_month(platform: Platform) -> None:
    """For most of last month 3 % of the requests failed; for two days all has been well."""
    for ago_s, per_s in (_LAST_MONTH_S, 0.9), (2 * 86_400, 0.06):
        platform.metrics.grow("http_requests_total", per_s, ago_s=ago_s, status_code="500")


@fault(CAPACITY, verdict=Verdict.HOLD)
def container_without_limits(platform: Platform) -> None:
    """The container of the API has no limit of memory."""
    del _container(platform)["resources"]["limits"]["memory"]


@fault(CAPACITY, verdict=Verdict.HOLD)
def init_container_without_limits(platform: Platform) -> None:
    """What migrates the database before the API starts has no limit of memory."""
    spec = platform.one("deployments", _API)["spec"]["template"]["spec"]
    migration = copy.deepcopy(_container(platform)) | {"name": "migrate"}
    del migration["resources"]["limits"]["memory"]
    spec["initContainers"] = [migration]


@fault(CAPACITY, verdict=Verdict.HOLD)
def autoscaler_at_its_end(platform: Platform) -> None:
    """The autoscaler of the API already runs as many pods as it may."""
    platform.one("horizontalpodautoscalers", _API)["spec"]["maxReplicas"] = 3


@fault(CAPACITY, verdict=Verdict.HOLD)
def autoscaler_blind(platform: Platform) -> None:
    """The autoscaler of the API gets no metrics."""
    status = platform.one("horizontalpodautoscalers", _API)["status"]
    status["conditions"][1] |= {"status": "False", "reason": "FailedGetResourceMetric"}


@fault(CAPACITY, verdict=Verdict.HOLD)
def nodes_full(platform: Platform) -> None:
    """What the nodes can give is promised already: no further pod fits."""
    for node in platform.objects["nodes"]:
        node["status"]["allocatable"]["cpu"] = "100m"


@fault(CAPACITY, verdict=Verdict.HOLD)
def quota_exhausted(platform: Platform) -> None:
    """The namespace's quota of pods is used up."""
    status = platform.one("resourcequotas", "platform")["status"]
    status["used"]["pods"] = status["hard"]["pods"]


@fault(DATABASE, verdict=Verdict.HOLD)
def snapshot_old(platform: Platform) -> None:
    """The newest snapshot of the database is a day old."""
    platform.vault.snapshots.pop()


@fault(DATABASE, verdict=Verdict.HOLD)
def snapshot_failed(platform: Platform) -> None:
    """The newest snapshot of the database failed."""
    platform.vault.snapshots[-1].status = "failed"


@fault(DATABASE, verdict=Verdict.HOLD)
def snapshot_of_nobody(platform: Platform) -> None:
    """The database has another name: RDS answers an empty list, without any error."""
    for snapshot in platform.vault.snapshots:
        snapshot.database = "jorge-revenue-production"


@fault(DATABASE, verdict=Verdict.HOLD)
def restore_never_tested(platform: Platform) -> None:
    """The last test of a restore was three months ago."""
    platform.reports.files["restore.json"]["made_at"] = artifacts.ago(90 * 86_400)


@fault(DATABASE, verdict=Verdict.HOLD)
def restore_was_empty(platform: Platform) -> None:
    """The last test of a restore worked, and there was no row in it."""
    platform.reports.files["restore.json"]["rows_checked"] = 0


@fault(DATABASE, verdict=Verdict.HOLD)
def restore_of_no_snapshot(platform: Platform) -> None:
    """The snapshot whose restore was tested is none that the database has."""
    platform.reports.files["restore.json"]["snapshot"] = "a-snapshot-that-never-was"


@fault(DATABASE, verdict=Verdict.HOLD)
def restore_of_another_database(platform: Platform) -> None:
    """The restore that was tested was of the database of staging."""
    platform.reports.files["restore.json"]["database"] = "jorge-staging-db"


@fault(CONFIGURATION, verdict=Verdict.HOLD)
def configuration_backup_empty(platform: Platform) -> None:
    """The newest backup of the configuration holds no object."""
    _back_up(platform, aws.manifests(()))


@fault(CONFIGURATION, verdict=Verdict.HOLD)
def configuration_backup_lacks(platform: Platform) -> None:
    """The newest backup of the configuration has no Ingress in it."""
    _back_up(platform, aws.manifests(tuple(kind for kind in aws.KINDS if kind != "Ingress")))


@fault(CONFIGURATION, verdict=Verdict.HOLD)
def configuration_backup_old(platform: Platform) -> None:
    """The configuration was last backed up yesterday."""
    vault = platform.vault
    vault.objects = {key: (86_400, data) for key, (_, data) in vault.objects.items()}


@fault(DATABASE, CONFIGURATION, verdict=Verdict.HOLD)
def aws_refuses_us(platform: Platform) -> None:
    """AWS does not know our key."""
    platform.vault.access_key = "ANOTHERACCESSKEY"


@fault(WAY_BACK, verdict=Verdict.HOLD)
def no_way_back(platform: Platform) -> None:
    """Every revision before this one failed."""
    platform.one("secrets", "sh.helm")["metadata"]["labels"]["status"] = "failed"


@fault(WAY_BACK, verdict=Verdict.HOLD)
def way_back_unproven(platform: Platform) -> None:
    """We may not read Helm's Secrets, and no pod of the previous release tells how it ran."""
    platform.forbidden.add("secrets")


@fault(WAY_BACK, verdict=Verdict.HOLD)
def previous_image_gone(platform: Platform) -> None:
    """The registry has removed the image of the previous release."""
    del platform.code_host.images[f"{github.NAME}:{PREVIOUS_RELEASE}"]


@fault(WAY_BACK, verdict=Verdict.HOLD)
def helm_history_forbidden(platform: Platform) -> None:
    """Our account may not read the Secrets in which Helm keeps the numbers of its revisions."""
    platform.forbidden.add("secrets")


@fault(RECOVERY, verdict=Verdict.HOLD)
def recovery_too_slow(platform: Platform) -> None:
    """In the last drill, recovery took an hour."""
    platform.reports.files["drill.json"]["recovery_time_s"] = 3_600.0


@fault(RECOVERY, verdict=Verdict.HOLD)
def recovery_undocumented(platform: Platform) -> None:
    """The procedure that the drill followed is not in the repository."""
    del platform.code_host.answers[f"contents/{github.PROCEDURE}"]


@fault(RECOVERY, verdict=Verdict.HOLD)
def recovery_unattested(platform: Platform) -> None:
    """Nobody has attested the recovery drill."""
    _unsay(platform, RECOVERY)


def _found_secret(platform: Platform, name: str, place: str) -> None:
    found = {"type": "AWS Access Key", "line_number": 3, "is_verified": False}
    platform.reports.files[name]["results"] = {place: [found]}


def _skip_most(platform: Platform, name: str, *suites: str) -> None:
    each = (artifacts.junit(f"tests.{suite}", 24, skipping=23) for suite in suites)
    platform.reports.files[name] = "".join(("<testsuites>", *each, "</testsuites>"))


def _container(platform: Platform) -> dict[str, Any]:
    spec = platform.one("deployments", _API)["spec"]["template"]["spec"]
    container: dict[str, Any] = spec["containers"][0]
    return container


def _figures(platform: Platform, name: str) -> dict[str, Any]:
    figures: dict[str, Any] = platform.reports.files[name]["measurements"]
    return figures


def _measured(platform: Platform, name: str, **values: float) -> None:
    for key, value in values.items():
        _figures(platform, name)[key]["value"] = value


def _back_up(platform: Platform, data: bytes) -> None:
    newest = min(platform.vault.objects, key=lambda key: platform.vault.objects[key][0])
    platform.vault.objects[newest] = (platform.vault.objects[newest][0], data)


def _baseline(platform: Platform) -> BaselineRecorded:
    """Return the baseline from before the deployment."""
    return all_before(
        platform.record, deployed_at_s=platform.deployed_at_s, environment=ENVIRONMENT
    )[-1]


def _unsay(platform: Platform, item: str) -> None:
    platform.record = [event for event in platform.record if getattr(event, "item", "") != item]
