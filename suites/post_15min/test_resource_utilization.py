"""Resource Utilization: the release needs no more than it was given, and no more than before."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.database import Database
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.post_15min


@pytest.mark.check("memory-usage")
def test_no_pod_is_near_its_memory_limit(
    metrics: Metrics, limits: Limits, measure: Measure
) -> None:
    """The fullest container's working set as a ratio of its limit; an average hides the one."""
    history = metrics.history("memory_ratio")
    measure("memory_ratio", history, limit=limits.memory_ratio)
    assert history.latest <= limits.memory_ratio


@pytest.mark.check("memory-usage")
def test_memory_is_near_its_baseline(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """The average pod against the middle of those before the deployment."""
    increase = metrics.history("memory_bytes").increase_over(metrics.before("memory_bytes"))
    measure("memory_increase_ratio", increase, limit=limits.memory_increase_ratio)
    assert increase.latest <= limits.memory_increase_ratio


@pytest.mark.check("cpu-usage")
def test_no_pod_is_near_its_cpu_limit(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """The busiest container's cores as a ratio of those it may use; beyond, it is throttled."""
    history = metrics.history("cpu_ratio")
    measure("cpu_ratio", history, limit=limits.cpu_ratio)
    assert history.latest <= limits.cpu_ratio


@pytest.mark.check("cpu-usage")
def test_load_is_spread_evenly(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """By how much the busiest pod exceeds the average: one that works alone is the next to fall."""
    history = metrics.history("cpu_spread")
    measure("cpu_spread_ratio", history, limit=limits.cpu_spread_ratio)
    assert history.latest <= limits.cpu_spread_ratio


@pytest.mark.check("database-connections")
def test_connections_are_left(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """Connections in use as a ratio of those that the database accepts, since the deployment."""
    history = metrics.history("connections_ratio")
    measure("connections_ratio", history, limit=limits.connections_ratio)
    assert history.latest <= limits.connections_ratio


@pytest.mark.check("database-connections")
def test_database_itself_has_connections_left(
    database: Database, limits: Limits, measure: Measure
) -> None:
    """The same asked of the database, which counts also what no exporter sees."""
    found = database.value("connections_ratio")
    measure("connections_ratio", found, limit=limits.connections_ratio, unit="ratio")
    assert found <= limits.connections_ratio


@pytest.mark.check("database-connections")
def test_no_connection_idles_in_a_transaction(
    database: Database, limits: Limits, measure: Measure
) -> None:
    """A connection that waits inside a transaction holds locks, and is lost to the pool."""
    found = database.value("idle_in_transaction")
    measure("idle_in_transaction", found, limit=limits.idle_in_transaction_count, unit="count")
    assert found <= limits.idle_in_transaction_count


@pytest.mark.check("cache-hit-rate")
def test_cache_answers_often_enough(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """Hits as a ratio of all look-ups of the last minutes, against the target."""
    history = metrics.history("cache_hit_ratio")
    measure("cache_hit_ratio", history, limit=limits.cache_hit_ratio)
    assert history.latest >= limits.cache_hit_ratio


@pytest.mark.check("cache-hit-rate")
def test_cache_answers_as_often_as_before(
    metrics: Metrics, limits: Limits, measure: Measure
) -> None:
    """A release that renamed its keys is still above the target, and far below what it was."""
    drop = metrics.before("cache_hit_ratio").median - metrics.history("cache_hit_ratio").latest
    measure("cache_hit_drop_ratio", drop, limit=limits.cache_hit_drop_ratio, unit="ratio")
    assert drop <= limits.cache_hit_drop_ratio
