"""Monitoring Phase Triggers: four decision points that only half an hour of watching tells."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.observe_30min


@pytest.mark.check("memory-leaks", trigger="memory-leaks")
def test_memory_does_not_grow_steadily(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """Growth that trend and net agree on: what is collected again and again is no leak."""
    grown_ratio = metrics.growth("memory_observed").sustained_ratio
    measure("memory_growth_ratio", grown_ratio, limit=limits.memory_growth_ratio, unit="ratio")
    assert grown_ratio <= limits.memory_growth_ratio


@pytest.mark.check("gradual-performance", trigger="gradual-performance")
def test_response_time_does_not_creep_up(
    metrics: Metrics, limits: Limits, measure: Measure
) -> None:
    """95th percentile of five minutes against before the deployment: a spike does not count."""
    name, limit = "latency_p95_observed", limits.latency_increase_ratio_gradual
    increase = metrics.history(name).increase_over(metrics.before(name))
    measure("latency_increase_ratio", increase, limit=limit)
    assert increase.latest <= limit


@pytest.mark.check("error-rate", trigger="error-rate")
def test_error_rate_is_not_elevated(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """Above the service level, whether or not it would already be a reason to roll back."""
    history = metrics.history("error_ratio")
    measure("error_ratio", history, limit=limits.error_ratio_sla)
    assert history.latest <= limits.error_ratio_sla


@pytest.mark.check("external-api-issues", trigger="external-api-issues")
def test_external_services_did_not_fail_in_between(
    metrics: Metrics, limits: Limits, measure: Measure
) -> None:
    """The worst moment of the window: a service that fails and recovers looks well when asked."""
    history, limit = metrics.history("external_error_ratio"), limits.external_error_ratio
    measure("external_error_ratio", history.worst, limit=limit, unit=history.unit)
    assert history.worst <= limit
