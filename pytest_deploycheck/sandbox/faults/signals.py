"""What only the history in Prometheus tells."""

from __future__ import annotations

import time

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import healthy
from pytest_deploycheck.sandbox.faults.day import ERRORS as TREND
from pytest_deploycheck.sandbox.faults.day import LEVELS
from pytest_deploycheck.sandbox.faults.fault import (
    BOT,
    BOT_POINT,
    ERROR_POINT,
    ERRORS,
    HEALTH,
    HEALTH_POINT,
    LATENCY,
    LATENCY_POINT,
    SECURITY,
    SECURITY_POINT,
    fault,
)
from pytest_deploycheck.sandbox.platform import DEPLOYED_AGO_S, Platform

#: Of 30 requests a second: 12 %.
_BURST_PER_S = 3.6


@fault(HEALTH_POINT, trigger=HEALTH)
def instance_down(platform: Platform) -> None:
    """For three minutes Prometheus has not reached one of the API's instances."""
    platform.metrics.hold("up", 0.0, ago_s=180, instance="api-b:8000")


@fault(HEALTH_POINT, trigger=HEALTH)
def bot_not_scraped(platform: Platform) -> None:
    """For three minutes Prometheus has not reached the Lead Bot."""
    platform.metrics.hold("up", 0.0, ago_s=180, job="jorge-lead-bot")


@fault(HEALTH_POINT, verdict=Verdict.HOLD)
def service_not_discovered(platform: Platform) -> None:
    """For seven minutes Prometheus has not known where the property alerts' engine is."""
    for series in platform.metrics.find("up", job="property-alert-engine"):
        series.until_s = time.time() - 420


@fault(ERROR_POINT, TREND, LEVELS, "rollback/error-rate", trigger=ERRORS)
def error_burst(platform: Platform) -> None:
    """For more than three minutes 12 % of the requests have failed."""
    _fail(platform, ago_s=210)


@fault(ERROR_POINT, TREND, LEVELS, verdict=Verdict.HOLD)
def error_burst_ended(platform: Platform) -> None:
    """For more than three minutes 12 % of the requests failed; it ended a minute ago."""
    _fail(platform, ago_s=330)
    platform.metrics.grow("http_requests_total", 0.06, ago_s=120, status_code="500")


@fault(
    *(LATENCY_POINT, "post_15min/api-response-time", "rollback/gradual-performance"),
    "post_24h/performance-stability",
    trigger=LATENCY,
)
def latency_step(platform: Platform) -> None:
    """For two minutes the response time has been twice what it was before the deployment."""
    for edge, share in healthy.latency_buckets(p95_s=0.2):
        platform.metrics.grow(
            f"{healthy.LATENCY}_bucket", healthy.REQUESTS_PER_S * share, ago_s=120, le=edge
        )


@fault(BOT_POINT, "post_24h/business-metrics", trigger=BOT)
def bot_dip(platform: Platform) -> None:
    """Since the deployment 10 % of the seller bot's interactions have failed."""
    platform.metrics.grow("jorge_seller_bot_failures_total", 0.2, ago_s=DEPLOYED_AGO_S + 60)


@fault(SECURITY_POINT, trigger=SECURITY)
def control_failure(platform: Platform) -> None:
    """The platform itself tells of security controls that failed."""
    platform.metrics.grow("security_events_total", 0.2, ago_s=90, event_type="control_failure")


@fault(SECURITY_POINT, verdict=Verdict.HOLD)
def control_failure_is_the_first(platform: Platform) -> None:
    """A security control has failed once, and its counter has been there only since."""
    series = {"name": "security_events_total", "event_type": "control_failure"}
    platform.metrics.hold(**series, value=1.0, ago_s=3600)
    for one in platform.metrics.find(**series):
        one.from_s = time.time() - 90


def _fail(platform: Platform, *, ago_s: float) -> None:
    platform.metrics.grow("http_requests_total", _BURST_PER_S, ago_s=ago_s, status_code="500")
