"""Performance Testing: staging is as fast as production must be, and does not wear out."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.load import under_load
from pytest_deploycheck.clients.scoring import inference_p95_s
from pytest_deploycheck.domain.growth import growth_of
from pytest_deploycheck.plugin.fixtures import Limits, Measure
from pytest_deploycheck.plugin.staging import Staging

pytestmark = pytest.mark.staging


@pytest.mark.exclusive
@pytest.mark.check("response-time")
def test_endpoints_answer_in_time_under_load(
    staging: Staging, limits: Limits, measure: Measure
) -> None:
    """95th percentile of each, from evenly spaced requests with correct answers; never a mean."""
    p95_s = {name: timings.p95_s for name, timings in under_load(staging.api, "critical").items()}
    for name, value_s in p95_s.items():
        measure(f"{name}_p95_s", value_s, limit=limits.latency_p95_s, unit="s")
    assert max(p95_s.values()) <= limits.latency_p95_s


@pytest.mark.exclusive
@pytest.mark.check("ml-inference")
def test_uncached_inference_is_fast(staging: Staging, limits: Limits, measure: Measure) -> None:
    """95th percentile over known leads, each scored anew: a canned answer is fast too."""
    p95_s = inference_p95_s(staging.api, "inference")
    measure("ml_inference_p95_s", p95_s, limit=limits.ml_inference_p95_s, unit="s")
    assert p95_s <= limits.ml_inference_p95_s


@pytest.mark.check("database-performance")
def test_queries_are_fast(staging: Staging, limits: Limits, measure: Measure) -> None:
    """95th percentile of all queries since staging was deployed."""
    history = staging.metrics.history("database_query_p95")
    measure("database_query_p95_s", history, limit=limits.database_query_p95_s)
    assert history.latest <= limits.database_query_p95_s


@pytest.mark.check("database-performance")
def test_no_query_takes_for_ever(staging: Staging, limits: Limits, measure: Measure) -> None:
    """The query that runs longest right now: one that never ends is in no percentile."""
    found_s = staging.database.value("longest_query_s")
    measure("longest_query_s", found_s, limit=limits.database_query_longest_s, unit="s")
    assert found_s <= limits.database_query_longest_s


@pytest.mark.check("memory-usage")
def test_memory_does_not_leak(staging: Staging, limits: Limits, measure: Measure) -> None:
    """Growth over the soak test that is a trend and is not given back; a sawtooth is no leak."""
    window_s = staging.metrics.window_s("soak_memory_bytes")
    soak = staging.metrics.history("soak_memory_bytes").history
    grown = growth_of(soak, window_s=window_s).sustained_ratio
    measure("memory_growth_ratio", grown, limit=limits.memory_growth_ratio, unit="ratio")
    assert grown <= limits.memory_growth_ratio


@pytest.mark.parametrize("resource", ["memory", "cpu"])
@pytest.mark.check("resource-consumption")
def test_nothing_is_near_its_limit(
    resource: str, staging: Staging, limits: Limits, measure: Measure
) -> None:
    """The fullest and the busiest container as a ratio of what each may use."""
    history = staging.metrics.history(f"{resource}_ratio")
    limit: float = getattr(limits, f"{resource}_ratio")
    measure(f"{resource}_ratio", history, limit=limit)
    assert history.latest <= limit


@pytest.mark.check("resource-consumption")
def test_memory_is_near_its_baseline(staging: Staging, limits: Limits, measure: Measure) -> None:
    """The average pod against the middle of those before staging was deployed."""
    metrics = staging.metrics
    increase = metrics.history("memory_bytes").increase_over(metrics.before("memory_bytes"))
    measure("memory_increase_ratio", increase, limit=limits.memory_increase_ratio)
    assert increase.latest <= limits.memory_increase_ratio
