"""What can happen to a platform, as histories of its metrics, and the verdict that each must give.

All of them live in one Prometheus, each under its own label `scenario`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from tests.integration.histories import STEP_S, Function, between

DEPLOYED_AGO_S: Final = 45 * 60.0
FRESH_S: Final = 5 * 60.0
"""When the first phase is due: the deployment of some scenarios is no older."""
_REQUESTS_PER_S: Final = 20.0
_BOTS_PER_S: Final = 2.0
_GIB: Final = 2.0**30
_EDGES_S: Final = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scenario:
    """A history as functions of the time since now (seconds, below zero: the past)."""

    told: str
    verdict: str
    trigger: str = ""
    """The one that speaks, with its state: `error-rate FIRING`."""
    error_ratio: Function = lambda _: 0.002
    latency_s: Function = lambda _: 0.12
    bot_failure_ratio: Function = lambda _: 0.005
    memory_bytes: Function = lambda _: _GIB
    exists: Callable[[float], bool] = lambda _: True
    control_failures_per_s: Function = lambda _: 0.0
    first_control_failure_at: float = -math.inf
    """When the counter of failed controls was exposed for the first time."""
    restarted_at: float | None = None
    """When every counter began again from zero."""
    deployed_ago_s: float = DEPLOYED_AGO_S


def _sawtooth(at: float) -> float:
    """Memory that grows by 30 % and is given back, every six minutes."""
    return _GIB * (1 + 0.3 * ((at % 360) / 360))


def _creep(at: float) -> float:
    """40 % more over 40 minutes."""
    return 0.12 * (1 + 0.4 * min(1.0, max(0.0, (at + 2700) / 2400)))


SCENARIOS: Final[Mapping[str, Scenario]] = {
    "healthy": Scenario(told="all as before the deployment", verdict="PROCEED"),
    "error-burst": Scenario(
        told="9 % of the answers are errors, for four minutes",
        verdict="ROLLBACK",
        trigger="critical-error-rate FIRING",
        error_ratio=between(-240, math.inf, 0.09, 0.002),
    ),
    "young-burst": Scenario(
        told="9 % of the answers are errors, for one and a half minutes",
        verdict="OBSERVE",
        trigger="critical-error-rate PENDING",
        error_ratio=between(-90, math.inf, 0.09, 0.002),
    ),
    "ended-burst": Scenario(
        told="9 % were errors for four minutes, eight minutes ago, and nobody acted",
        verdict="HOLD",
        error_ratio=between(-720, -480, 0.09, 0.002),
    ),
    "slow-burn": Scenario(
        told="2 % of the answers are errors, for ten minutes",
        verdict="OBSERVE",
        trigger="error-rate FIRING",
        error_ratio=between(-600, math.inf, 0.02, 0.002),
    ),
    "leak": Scenario(
        told="memory has grown steadily by 20 % in half an hour",
        verdict="OBSERVE",
        trigger="memory-leaks FIRING",
        memory_bytes=lambda at: _GIB * (1 + 0.2 * max(0.0, (at + 2700) / 1800)),
    ),
    "sawtooth": Scenario(
        told="memory grows by 30 % and is given back, every six minutes",
        verdict="PROCEED",
        memory_bytes=_sawtooth,
    ),
    "latency-step": Scenario(
        told="the 95th percentile has doubled, eight minutes ago",
        verdict="ROLLBACK",
        trigger="performance-degradation FIRING",
        latency_s=between(-480, math.inf, 0.26, 0.12),
    ),
    "latency-creep": Scenario(
        told="the 95th percentile has crept up by 40 % since the deployment",
        verdict="OBSERVE",
        trigger="gradual-performance FIRING",
        latency_s=_creep,
    ),
    "bot-dip": Scenario(
        told="10 % of the bots' conversations fail, for nine minutes",
        verdict="ROLLBACK",
        trigger="jorge-bot-failure FIRING",
        bot_failure_ratio=between(-540, math.inf, 0.10, 0.005),
    ),
    "gap": Scenario(
        told="9 % are errors on both sides of two minutes without samples, 90 s each",
        verdict="HOLD",
        trigger="critical-error-rate PENDING",
        error_ratio=between(-330, math.inf, 0.09, 0.002),
        exists=lambda at: not -240 <= at < -105,
    ),
    "restart": Scenario(
        told="every counter began again from zero, six minutes ago",
        verdict="PROCEED",
        restarted_at=-360.0,
    ),
    "no-data": Scenario(told="there is no series", verdict="HOLD", exists=lambda _: False),
    "first-control-failure": Scenario(
        told="a security control failed once, two minutes ago, and began the counter of them",
        verdict="HOLD",
        first_control_failure_at=-120.0,
    ),
    "bad-before": Scenario(
        told="9 % were errors, 10 % of the bots' conversations and a security control failed, all "
        "of it until the deployment",
        verdict="PROCEED",
        error_ratio=between(-600, -FRESH_S, 0.09, 0.002),
        bot_failure_ratio=between(-600, -FRESH_S, 0.10, 0.005),
        control_failures_per_s=between(-FRESH_S - 60, -FRESH_S, 0.1, 0.0),
        deployed_ago_s=FRESH_S,
    ),
    "slow-before": Scenario(
        told="the 95th percentile was five times as high in the old release's last minutes",
        verdict="PROCEED",
        latency_s=between(-900, -FRESH_S, 0.6, 0.12),
        deployed_ago_s=FRESH_S,
    ),
}


def table() -> str:
    """Return the scenarios as the table of the documentation."""
    rows = [
        f"| {name} | {each.told} | {each.verdict} | {each.trigger or '-'} |"
        for name, each in SCENARIOS.items()
    ]
    head = ["| scenario | history | verdict | trigger |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows])


def openmetrics(now_s: float) -> str:
    """Write the histories of all scenarios, from before the deployment to some minutes ahead."""
    first_s, last_s = now_s - DEPLOYED_AGO_S - 2700, now_s + 900
    times = [first_s + STEP_S * n for n in range(int((last_s - first_s) / STEP_S) + 1)]
    return "\n".join([*_families(times, now_s), "# EOF\n"])


def _families(times: list[float], now_s: float) -> Iterator[str]:
    yield "# TYPE container_memory_working_set_bytes gauge"
    for name, each in SCENARIOS.items():
        labels = f'scenario="{name}",pod="jorge-revenue-api-1",container="api"'
        for at in times:
            if each.exists(at - now_s):
                value = each.memory_bytes(at - now_s)
                yield f"container_memory_working_set_bytes{{{labels}}} {value} {at:.3f}"
    good: Callable[[Scenario, float], float] = lambda s, at: 1 - s.error_ratio(at)  # noqa: E731
    bad: Callable[[Scenario, float], float] = lambda s, at: s.error_ratio(at)  # noqa: E731
    yield "# TYPE http_requests counter"
    for name, each in SCENARIOS.items():
        for code, share in (("200", good), ("503", bad)):
            labels = f'http_requests_total{{scenario="{name}",status_code="{code}"}}'
            yield from _counter(labels, each, times, now_s, _REQUESTS_PER_S, share)
    yield "# TYPE jorge_seller_bot_interactions counter"
    for name, each in SCENARIOS.items():
        labels = f'jorge_seller_bot_interactions_total{{scenario="{name}"}}'
        yield from _counter(labels, each, times, now_s, _BOTS_PER_S, lambda _, __: 1.0)
    yield "# TYPE jorge_seller_bot_failures counter"
    for name, each in SCENARIOS.items():
        labels = f'jorge_seller_bot_failures_total{{scenario="{name}"}}'
        yield from _counter(
            labels, each, times, now_s, _BOTS_PER_S, lambda s, at: s.bot_failure_ratio(at)
        )
    yield "# TYPE security_events counter"
    kinds: dict[str, Callable[[Scenario, float], float]] = {
        "login_failed": lambda _, __: 0.1,
        "control_failure": lambda s, at: s.control_failures_per_s(at),
    }
    for name, each in SCENARIOS.items():
        for kind, share in kinds.items():
            labels = f'security_events_total{{scenario="{name}",event_type="{kind}"}}'
            first_s = each.first_control_failure_at if kind == "control_failure" else -math.inf
            seen = [at_s for at_s in times if at_s - now_s >= first_s]
            yield from _counter(labels, each, seen, now_s, 1.0, share)
    yield "# TYPE http_request_duration_seconds histogram"
    for name, each in SCENARIOS.items():
        yield from _histogram(name, each, times, now_s)


def _histogram(name: str, scenario: Scenario, times: list[float], now_s: float) -> Iterator[str]:
    """Write buckets in which 95 % lie within the 95th percentile, evenly spread below it."""
    metric = "http_request_duration_seconds"
    for edge in (*_EDGES_S, math.inf):
        label = "+Inf" if math.isinf(edge) else str(edge)

        def share(each: Scenario, at: float, edge: float = edge) -> float:
            scale_s = each.latency_s(at) / -math.log(0.05)
            return 1.0 if math.isinf(edge) else 1 - math.exp(-edge / scale_s)

        labels = f'{metric}_bucket{{scenario="{name}",le="{label}"}}'
        yield from _counter(labels, scenario, times, now_s, _REQUESTS_PER_S, share)
    for part in ("count", "sum"):
        labels = f'{metric}_{part}{{scenario="{name}"}}'
        yield from _counter(labels, scenario, times, now_s, _REQUESTS_PER_S, lambda _, __: 1.0)


def _counter(
    labels: str,
    scenario: Scenario,
    times: list[float],
    now_s: float,
    per_s: float,
    share: Callable[[Scenario, float], float],
) -> Iterator[str]:
    total, reset = 1000.0, scenario.restarted_at
    for at in times:
        if reset is not None and at - now_s >= reset:
            total, reset = 0.0, None
        total += per_s * STEP_S * share(scenario, at - now_s)
        if scenario.exists(at - now_s):
            yield f"{labels} {total} {at:.3f}"
