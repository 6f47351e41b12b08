"""24-Hour Monitoring: the day after the deployment was as good as the day before."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.attestations import Attestations
from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.config.environment import Environment
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.post_24h


@pytest.mark.check("error-rate-trending")
def test_error_rate_stayed_low(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """The worst hour, not the last: a good morning does not undo a bad night."""
    hours = metrics.history("error_ratio_hourly")
    measure("error_ratio", hours.worst, limit=limits.error_ratio_sla, unit=hours.unit)
    assert hours.worst <= limits.error_ratio_sla


@pytest.mark.check("error-rate-trending")
def test_error_rate_does_not_rise(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """By how much more fails at the end of the day than at its beginning, trend and net agreed."""
    risen = metrics.growth("error_ratio_24h").sustained
    measure("error_ratio_rise", risen, limit=limits.error_ratio_rise, unit="ratio")
    assert risen <= limits.error_ratio_rise


@pytest.mark.check("performance-stability")
def test_response_time_stayed_near_its_baseline(
    metrics: Metrics, limits: Limits, measure: Measure
) -> None:
    """The worst hour's 95th percentile against the middle of the day before the deployment."""
    before, limit = metrics.before("latency_p95_24h"), limits.latency_increase_ratio_gradual
    hours = metrics.history("latency_p95_hourly").increase_over(before)
    measure("latency_increase_ratio", hours.worst, limit=limit, unit=hours.unit)
    assert hours.worst <= limit


@pytest.mark.check("memory-cpu-usage")
@pytest.mark.parametrize(
    ("query", "limit"),
    [("memory_24h", "memory_growth_ratio"), ("cpu_24h", "cpu_growth_ratio")],
)
def test_usage_did_not_grow(
    metrics: Metrics, limits: Limits, measure: Measure, query: str, limit: str
) -> None:
    """Over a whole day, so that the hours of few users are in it at most once."""
    grown_ratio, bound = metrics.growth(query).sustained_ratio, getattr(limits, limit)
    measure(f"{query}_growth", grown_ratio, limit=bound, unit="ratio")
    assert grown_ratio <= bound


@pytest.mark.check("memory-cpu-usage")
def test_nothing_restarted(cluster: Cluster, environment: Environment) -> None:
    """A container that is killed at its limit starts with little memory again."""
    allowed = environment.cluster.max_restarts
    pods = cluster.pods()
    assert pods, "found no pod"
    for pod in pods:
        assert pod.restarts <= allowed, f"pod {pod.name}: found {pod.restarts} restarts"


@pytest.mark.check("business-metrics")
def test_bots_succeeded_all_day(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """The worst hour; no interaction is no evidence."""
    hours = metrics.history("bot_success_hourly")
    limit = limits.bot_success_ratio
    measure("bot_success_ratio", hours.worst, limit=limit, unit=hours.unit)
    assert hours.worst >= limit


@pytest.mark.check("business-metrics")
def test_bots_were_used_as_usual(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """The worst hours against the same a week before: bots that nobody reaches do not fail."""
    volume, limit = metrics.history("bot_volume_24h"), limits.bot_volume_ratio
    measure("bot_volume_ratio", volume.worst, limit=limit, unit="ratio")
    assert volume.worst >= limit


@pytest.mark.check("user-feedback")
def test_no_issue_was_reported(attestations: Attestations) -> None:
    """What users tell is not in any metric: the client, or who speaks for users, says so."""
    attestations.require("post_24h/user-feedback")
