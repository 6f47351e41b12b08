"""Histories of the platform's metrics in the OpenMetrics format, as functions of time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

STEP_S: Final = 15
BUCKETS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SERVICES: Final = (
    "jorge-revenue-api", "business-metrics", "jorge-seller-bot", "jorge-lead-bot",
    "jorge-intent-decoder", "jorge-ml-pipeline", "claude-conversation-intelligence",
    "property-alert-engine", "health-checks", "ghl-api-performance", "claude-api-performance",
)  # fmt: skip
_REQUESTS_PER_S: Final = 20.0
_BOTS_PER_S: Final = 2.0

Function = Callable[[float], float]
"""Of Unix seconds."""


def platform_history(
    from_s: float,
    until_s: float,
    *,
    error_ratio: Function = lambda _: 0.002,
    latency_s: Function = lambda _: 0.12,
    bot_failure_ratio: Function = lambda _: 0.005,
    jobs: Sequence[str] = ("jorge-revenue-api",),
) -> str:
    """Write what a Prometheus of the platform would have scraped.

    Args:
        from_s: Of the first sample, Unix seconds.
        until_s: Of the last sample; it may lie ahead, so that the history does not get stale.
        error_ratio: Of all answers those that are 5xx.
        latency_s: About the 95th percentile of the response time.
        bot_failure_ratio: Of all interactions those that failed.
        jobs: What is scraped, each with one target.
    """
    times = [from_s + STEP_S * i for i in range(int((until_s - from_s) / STEP_S) + 1)]
    return "\n".join(
        [
            *_gauge("up", times, {f'job="{job}",instance="a"': lambda _: 1.0 for job in jobs}),
            *_gauge("pg_up", times, {'instance="p"': lambda _: 1.0}),
            *_gauge("redis_up", times, {'instance="r"': lambda _: 1.0}),
            *_gauge("pg_exporter_last_scrape_error", times, {'instance="p"': lambda _: 0.0}),
            *_counter(
                "http_requests",
                times,
                {
                    'status_code="200"': lambda at: _REQUESTS_PER_S * (1 - error_ratio(at)),
                    'status_code="503"': lambda at: _REQUESTS_PER_S * error_ratio(at),
                },
            ),
            *_counter("security_events", times, {'event_type="login"': lambda _: 0.1}),
            *_counter("jorge_seller_bot_interactions", times, {"": lambda _: _BOTS_PER_S}),
            *_counter(
                "jorge_seller_bot_failures",
                times,
                {"": lambda at: _BOTS_PER_S * bot_failure_ratio(at)},
            ),
            *_histogram("http_request_duration_seconds", times, latency_s),
            "# EOF\n",
        ]
    )


def between(start_s: float, end_s: float, inside: float, outside: float) -> Function:
    """Return a function that is *inside* from *start_s* to *end_s*, else *outside*."""
    return lambda at: inside if start_s <= at < end_s else outside


def _gauge(name: str, times: list[float], series: dict[str, Function]) -> Iterator[str]:
    yield f"# TYPE {name} gauge"
    for labels, value in series.items():
        for at in times:
            yield f"{name}{{{labels}}} {value(at)} {at:.3f}"


def _counter(name: str, times: list[float], series: dict[str, Function]) -> Iterator[str]:
    yield f"# TYPE {name} counter"
    for labels, rate in series.items():
        total = 1000.0
        for at in times:
            total += rate(at) * STEP_S
            yield f"{name}_total{{{labels}}} {total} {at:.3f}"


def _histogram(name: str, times: list[float], p95_s: Function) -> Iterator[str]:
    """Write buckets of an exponential distribution with that 95th percentile."""
    yield f"# TYPE {name} histogram"
    totals = dict.fromkeys([*BUCKETS_S, math.inf], 1000.0)
    rows: list[str] = []
    for at in times:
        scale_s = p95_s(at) / -math.log(0.05)
        for edge in totals:
            share = 1.0 if math.isinf(edge) else 1 - math.exp(-edge / scale_s)
            totals[edge] += _REQUESTS_PER_S * STEP_S * share
            label = "+Inf" if math.isinf(edge) else str(edge)
            rows.append(f'{name}_bucket{{le="{label}"}} {totals[edge]} {at:.3f}')
        rows.append(f"{name}_count {totals[math.inf]} {at:.3f}")
        rows.append(f"{name}_sum {totals[math.inf] * scale_s} {at:.3f}")
    # The format wants each series in one piece.
    order = [*(f'le="{e}"' for e in BUCKETS_S), 'le="+Inf"', "_count", "_sum"]
    rows.sort(key=lambda row: next(i for i, key in enumerate(order) if key in row))
    yield from rows
