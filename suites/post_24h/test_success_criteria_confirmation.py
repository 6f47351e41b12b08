"""Success Criteria Confirmation: it does what it was released for."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.artifacts import Artifacts
from pytest_deploycheck.clients.attestations import Attestations
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.clients.repository import Repository
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.post_24h


@pytest.mark.check("sla-compliance")
def test_uptime_met_its_target(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """Of all scrapes of the day, those that any instance answered; none may be missing."""
    day, limit = metrics.history("uptime_24h"), limits.uptime_ratio
    measure("uptime_ratio", day.mean, limit=limit, unit="ratio")
    assert day.mean >= limit
    day.demand_whole()


@pytest.mark.check("sla-compliance")
@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("latency_p95_day", "latency_p95_s"),
        ("ml_inference_p95_day", "ml_inference_p95_s"),
        ("error_ratio_day", "error_ratio_sla"),
    ],
)
def test_day_met_its_target(
    metrics: Metrics, limits: Limits, measure: Measure, query: str, limit: str
) -> None:
    """Over all requests of the day, as one number: what was promised is no mean of hours."""
    day, bound = metrics.history(query), getattr(limits, limit)
    measure(query, day.latest, limit=bound, unit=day.unit)
    assert day.latest <= bound


@pytest.mark.check("feature-validation")
def test_new_features_are_confirmed(attestations: Attestations) -> None:
    """Whether a feature works as meant, only who wanted it can say."""
    attestations.require("post_24h/feature-validation")


@pytest.mark.check("regression-testing")
def test_no_test_fails_that_did_not_before(
    artifacts: Artifacts, limits: Limits, measure: Measure
) -> None:
    """Against the run of the release before; a test that is gone has not passed."""
    worse = artifacts.tests("regression").worse_than(artifacts.tests("regression_before"))
    measure("new_failures", len(worse), limit=limits.new_failure_count, unit="count")
    assert not worse, f"found {', '.join(worse[:5])}"


@pytest.mark.check("regression-testing")
def test_tests_before_are_of_the_release_before(
    artifacts: Artifacts, repository: Repository
) -> None:
    """By the manifest and the code host: a run compared with itself shows no new failure."""
    compared, before = artifacts.commit_of("regression_before"), repository.commit_before()
    assert compared == before, f"found tests of commit {compared}, expected those of {before}"


@pytest.mark.check("stakeholder-satisfaction")
def test_client_is_satisfied(attestations: Attestations) -> None:
    """The client confirms that the platform works, in a word of their own."""
    attestations.require("post_24h/stakeholder-satisfaction")
