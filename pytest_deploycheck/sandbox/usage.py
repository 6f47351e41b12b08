"""What a healthy platform uses and does, as its Prometheus has it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from pytest_deploycheck.sandbox.metrics import Metrics

PODS = ("jorge-revenue-api-a", "jorge-revenue-api-b", "jorge-revenue-api-c")
MEMORY_BYTES = 1.1 * 2**30
MEMORY_LIMIT_BYTES = 2 * 2**30
CPU_CORES = 0.8
MEMORY = "container_memory_working_set_bytes"
#: Histogram → its edges in seconds, the 95th percentile of a healthy platform, observations per s.
HISTOGRAMS = {
    "jorge_seller_bot_response_time_seconds": ((0.5, 1.0, 2.0, 3.0, 5.0, 10.0), 1.4, 2.0),
    "ml_prediction_duration_seconds": ((0.01, 0.02, 0.03, 0.05, 0.1, 0.25), 0.028, 6.0),
    "claude_api_request_duration_seconds": ((0.5, 1.0, 2.5, 5.0, 10.0), 1.9, 1.5),
    "database_query_duration_seconds": ((0.005, 0.01, 0.025, 0.05, 0.1, 0.5), 0.012, 80.0),
}


def expose(metrics: Metrics) -> None:
    """Add the series."""
    for pod in PODS:
        metrics.gauge(MEMORY, MEMORY_BYTES, noise_ratio=0.01, pod=pod, container="api")
        metrics.gauge(
            "container_spec_memory_limit_bytes", MEMORY_LIMIT_BYTES, pod=pod, container="api"
        )
        metrics.counter("container_cpu_usage_seconds_total", CPU_CORES, pod=pod, container="api")
        metrics.gauge("container_spec_cpu_quota", 200_000.0, pod=pod, container="api")
        metrics.gauge("container_spec_cpu_period", 100_000.0, pod=pod, container="api")
        # A pod as a whole has no limit: who forgets the container's name divides by zero.
        metrics.gauge(MEMORY, MEMORY_BYTES * 1.1, pod=pod)
        metrics.gauge("container_spec_memory_limit_bytes", 0.0, pod=pod)
    for name, (_, p95_s, per_s) in HISTOGRAMS.items():
        for edge, rate_per_s in buckets(name, p95_s):
            metrics.counter(f"{name}_bucket", rate_per_s, le=edge)
        metrics.counter(f"{name}_count", per_s)
    metrics.gauge("pg_stat_database_numbackends", 38.0, noise_ratio=0.1, datname="jorge_revenue")
    metrics.gauge("pg_settings_max_connections", 100.0)
    metrics.counter("redis_keyspace_hits_total", 92.0)
    metrics.counter("redis_keyspace_misses_total", 8.0)
    metrics.counter("lead_bot_day3_followup_total", 0.02)
    metrics.counter("lead_bot_day7_calls_total", 0.012)
    metrics.counter("lead_bot_day30_nurture_total", 0.006)
    metrics.counter("lead_bot_stalled_conversations_total", 0.0)
    metrics.gauge("intent_decoder_accuracy_percentage", 94.0, noise_ratio=0.005)
    metrics.counter("intent_decoder_predictions_total", 1.2)
    metrics.gauge("ml_model_accuracy_percentage", 95.0, noise_ratio=0.002)
    metrics.gauge("ml_feature_drift_score", 0.12, noise_ratio=0.05)
    for api, requests_per_s, errors_per_s in (("claude", 1.5, 0.01), ("ghl", 2.0, 0.02)):
        metrics.counter("external_api_requests_total", requests_per_s, api=api)
        metrics.counter("external_api_errors_total", errors_per_s, api=api)


def buckets(name: str, p95_s: float) -> Iterator[tuple[str, float]]:
    """Yield `le` and the rate of a histogram's buckets when 95 % take less than *p95_s*."""
    edges_s, _, per_s = HISTOGRAMS[name]
    for edge_s in edges_s:
        yield f"{edge_s:g}", per_s * (1 - 0.05 ** (edge_s / p95_s))
    yield "+Inf", per_s


def leak(metrics: Metrics, *, ratio: float, ago_s: float, **labels: str) -> None:
    """Let the memory of pods grow since *ago_s* before now, to *ratio* more by now."""
    since_s = time.time() - ago_s
    for series in metrics.find(MEMORY, container="api", **labels):
        series.at = _leaking(series.at, since_s, ratio / ago_s)


def _leaking(
    before: Callable[[float], float], since_s: float, ratio_per_s: float
) -> Callable[[float], float]:
    return lambda at_s: before(at_s) * (1 + ratio_per_s * max(0.0, at_s - since_s))


def slow(metrics: Metrics, name: str, p95_s: float, *, ago_s: float) -> None:
    """Let a histogram have *p95_s* as its 95th percentile since *ago_s* before now."""
    for edge, rate_per_s in buckets(name, p95_s):
        metrics.grow(f"{name}_bucket", rate_per_s, ago_s=ago_s, le=edge)
