"""What only half an hour of watching tells: a reason to keep watching, not yet to roll back."""

from __future__ import annotations

import time
from typing import Final

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import healthy, usage
from pytest_deploycheck.sandbox.faults.day import BUSINESS, ERRORS, LEVELS, STABILITY, USAGE
from pytest_deploycheck.sandbox.faults.fault import fault
from pytest_deploycheck.sandbox.platform import Platform

LEAKS: Final = "rollback/memory-leaks"
GRADUAL: Final = "rollback/gradual-performance"
ELEVATED: Final = "rollback/error-rate"
EXTERNAL: Final = "rollback/external-api-issues"


@fault(LEAKS, USAGE, verdict=Verdict.HOLD, trigger="memory-leaks")
def one_pod_leaks(platform: Platform) -> None:
    """Since the deployment the memory of one pod has grown steadily, which no average shows."""
    usage.leak(
        platform.metrics,
        ratio=0.16,
        ago_s=platform.deployed_ago_s,
        pod=usage.PODS[1],
    )


@fault(
    *(LEAKS, USAGE, "post_15min/memory-usage", "staging/memory-usage"),
    "staging/resource-consumption",
    verdict=Verdict.HOLD,
)
def memory_unknown(platform: Platform) -> None:
    """Nothing tells how much memory the pods use."""
    for one in platform.metrics.find(usage.MEMORY):
        one.until_s = time.time() - 3000


@fault(GRADUAL, STABILITY, verdict=Verdict.HOLD, trigger="gradual-performance")
def latency_creeps(platform: Platform) -> None:
    """Since shortly before the deployment the response time has been a third longer."""
    _slow(platform, p95_s=0.11)


@fault(GRADUAL, STABILITY, verdict=Verdict.HOLD, trigger="gradual-performance")
def latency_creeps_further(platform: Platform) -> None:
    """Since shortly before the deployment the response time has been two fifths longer."""
    _slow(platform, p95_s=0.112)


@fault(ELEVATED, ERRORS, LEVELS, verdict=Verdict.HOLD, trigger="error-rate")
def errors_elevated(platform: Platform) -> None:
    """For five minutes 2.5 % of the requests have failed: too many, and too few to roll back."""
    platform.metrics.grow("http_requests_total", 0.75, ago_s=300, status_code="500")


@fault(ELEVATED, ERRORS, verdict=Verdict.HOLD, trigger="error-rate")
def errors_double(platform: Platform) -> None:
    """For four minutes 1.3 % of the requests have failed, and of the whole day less than 1 %."""
    platform.metrics.grow("http_requests_total", 0.39, ago_s=240, status_code="500")


@fault(EXTERNAL, verdict=Verdict.OBSERVE, trigger="external-api-issues")
def external_service_flaps(platform: Platform) -> None:
    """For a minute 40 % of the calls of the AI service failed; it is well again."""
    name = "external_api_errors_total"
    platform.metrics.grow(name, 0.6, ago_s=300, api="claude")
    platform.metrics.grow(name, 0.01, ago_s=240, api="claude")


@fault(EXTERNAL, verdict=Verdict.OBSERVE, trigger="external-api-issues")
def crm_flaps(platform: Platform) -> None:
    """For a minute every third call of the CRM failed; it is well again."""
    name = "external_api_errors_total"
    platform.metrics.grow(name, 0.7, ago_s=330, api="ghl")
    platform.metrics.grow(name, 0.02, ago_s=260, api="ghl")


@fault(
    *(GRADUAL, STABILITY, BUSINESS, "rollback/performance-degradation", "pre_deploy/sla-targets"),
    *("post_15min/memory-usage", "post_15min/cache-hit-rate", "staging/resource-consumption"),
    verdict=Verdict.HOLD,
)
def prometheus_is_new(platform: Platform) -> None:
    """Prometheus has no sample from before the deployment, so nothing can be compared."""
    platform.metrics.begin(ago_s=platform.deployed_ago_s)


def _slow(platform: Platform, *, p95_s: float) -> None:
    """Change the response time, too late for its baseline and early enough to have lasted."""
    ago_s = platform.deployed_ago_s + 100.0
    for edge, share in healthy.latency_buckets(p95_s=p95_s):
        per_s = healthy.REQUESTS_PER_S * share
        platform.metrics.grow(f"{healthy.LATENCY}_bucket", per_s, ago_s=ago_s, le=edge)
