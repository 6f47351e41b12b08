"""Testing Verification: the tests ran, for this commit, and what they measured is good enough."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.artifacts import Artifacts
from pytest_deploycheck.clients.load import repeated
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.pre_deploy

EACH_RUN = pytest.mark.parametrize(
    "run",
    [
        pytest.param("unit_tests", marks=pytest.mark.check("unit-tests")),
        pytest.param("bot_tests", marks=pytest.mark.check("jorge-bot-tests")),
        pytest.param("integration_tests", marks=pytest.mark.check("integration-tests")),
    ],
)


@pytest.mark.check("unit-tests")
def test_enough_unit_tests_passed(artifacts: Artifacts, limits: Limits, measure: Measure) -> None:
    """A suite that was cut down is green too."""
    passed = len(artifacts.tests("unit_tests").passed)
    measure("passed", passed, limit=limits.unit_test_count, unit="count")
    assert passed >= limits.unit_test_count


@pytest.mark.check("unit-tests")
def test_enough_code_was_run(artifacts: Artifacts, limits: Limits, measure: Measure) -> None:
    """Counted from the lines of the report, not from the ratio that it states."""
    ratio = artifacts.coverage("coverage").line_ratio
    measure("coverage_ratio", ratio, limit=limits.coverage_ratio, unit="ratio")
    assert ratio >= limits.coverage_ratio


@EACH_RUN
def test_no_test_failed(artifacts: Artifacts, limits: Limits, measure: Measure, run: str) -> None:
    """Failures and errors alike, whatever the job made of its exit code."""
    failed = artifacts.tests(run).failed
    measure("failed", len(failed), limit=limits.failed_test_count, unit="count")
    assert len(failed) <= limits.failed_test_count, f"found failed: {', '.join(failed[:5])}"


@EACH_RUN
def test_few_tests_were_skipped(
    artifacts: Artifacts, limits: Limits, measure: Measure, run: str
) -> None:
    """As a ratio of all: a suite that skips what would fail is green too."""
    skipped, limit = artifacts.tests(run).skipped_ratio, limits.skipped_test_ratio
    measure("skipped_ratio", skipped, limit=limit, unit="ratio")
    assert skipped <= limit


@pytest.mark.parametrize(
    "run",
    [
        pytest.param("bot_tests", marks=pytest.mark.check("jorge-bot-tests")),
        pytest.param("integration_tests", marks=pytest.mark.check("integration-tests")),
    ],
)
def test_everything_was_tested(artifacts: Artifacts, run: str) -> None:
    """A bot or partner whose tests are gone has no failure either."""
    untested = artifacts.untested(run)
    assert not untested, f"found no passed test of {', '.join(untested)}"


@pytest.mark.check("jorge-bot-tests")
@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("seller_bot_response_p95_s", "bot_response_p95_s"),
        ("seller_bot_success_ratio", "bot_success_ratio"),
        ("lead_bot_lifecycle_ratio", "lead_lifecycle_ratio"),
        ("intent_accuracy_ratio", "intent_accuracy_ratio"),
    ],
)
def test_bots_reach_their_benchmark(
    artifacts: Artifacts, limits: Limits, measure: Measure, name: str, limit: str
) -> None:
    """Measured on known conversations, often enough for the number to mean something."""
    figure = artifacts.benchmark("bots").figure(name)
    samples, bound = limits.benchmark_sample_count, getattr(limits, limit)
    measure(name, figure.value, limit=bound, unit=name.rpartition("_")[2])
    measure(f"{name}_samples", figure.samples, limit=samples, unit="count")
    assert figure.samples >= samples
    assert figure.value <= bound if bound.worse == "above" else figure.value >= bound


@pytest.mark.check("ml-pipeline-tests")
@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("inference_p95_s", "ml_inference_p95_s"),
        ("accuracy_ratio", "ml_accuracy_ratio"),
        ("feature_drift_score", "drift_score"),
    ],
)
def test_model_reaches_its_benchmark(
    artifacts: Artifacts, limits: Limits, measure: Measure, name: str, limit: str
) -> None:
    """Time, accuracy and drift of this very build."""
    figure = artifacts.benchmark("ml").figure(name)
    samples, bound = limits.benchmark_sample_count, getattr(limits, limit)
    measure(name, figure.value, limit=bound, unit=name.rpartition("_")[2])
    measure(f"{name}_samples", figure.samples, limit=samples, unit="count")
    assert figure.samples >= samples
    assert figure.value <= bound if bound.worse == "above" else figure.value >= bound


@pytest.mark.check("integration-tests")
def test_crm_answers(crm: Api) -> None:
    """An authenticated read, every time it is asked: what the tests reached may be down now."""
    repeated(crm, "repeated")


@pytest.mark.check("integration-tests")
def test_claude_answers(claude: Api) -> None:
    """The same; that the platform calls it configured does not mean that it answers."""
    newest = repeated(claude, "repeated")[-1]
    assert newest.value(claude.key("models", "first")), "found no model, expected at least one"


@pytest.mark.check("load-testing")
def test_load_was_as_expected(artifacts: Artifacts, limits: Limits, measure: Measure) -> None:
    """Long enough at the expected rate: ten requests of one user are no load."""
    load = artifacts.load("load")
    measure("duration", load.duration_s, limit=limits.load_duration_s, unit="s")
    rate = load.requests_per_s
    measure("requests_per_s", rate, limit=limits.load_requests_per_s, unit="1/s")
    assert load.duration_s >= limits.load_duration_s
    assert rate >= limits.load_requests_per_s


@pytest.mark.check("load-testing")
def test_platform_bore_the_load(artifacts: Artifacts, limits: Limits, measure: Measure) -> None:
    """95th percentile, never the mean, which hides the slow ones."""
    load = artifacts.load("load")
    measure("p95", load.p95_s, limit=limits.latency_p95_s, unit="s")
    measure("error_ratio", load.error_ratio, limit=limits.error_ratio_sla, unit="ratio")
    assert load.p95_s <= limits.latency_p95_s
    assert load.error_ratio <= limits.error_ratio_sla
