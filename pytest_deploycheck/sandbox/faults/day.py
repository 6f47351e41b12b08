"""What only shows after a day. In the sandbox the day is the time since the deployment."""

from __future__ import annotations

import time
from typing import Final

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import artifacts, healthy, usage
from pytest_deploycheck.sandbox.faults.fault import HEALTH_POINT, fault
from pytest_deploycheck.sandbox.platform import Platform

ERRORS: Final = "post_24h/error-rate-trending"
STABILITY: Final = "post_24h/performance-stability"
USAGE: Final = "post_24h/memory-cpu-usage"
BUSINESS: Final = "post_24h/business-metrics"
LEVELS: Final = "post_24h/sla-compliance"
REGRESSION: Final = "post_24h/regression-testing"
_HOLD = Verdict.HOLD
_REGRESSION = "junit-regression.xml"


@fault(ERRORS, verdict=_HOLD)
def errors_rise(platform: Platform) -> None:
    """Errors become more and more: 0.2 % at first, 0.9 % in the end, and never too many."""
    for minutes, per_s in ((6, 0.12), (5, 0.16), (4, 0.2), (3, 0.24), (2, 0.28)):
        platform.metrics.grow("http_requests_total", per_s, ago_s=minutes * 60, status_code="500")


@fault(USAGE, verdict=_HOLD)
def cpu_grows(platform: Platform) -> None:
    """The busiest pod uses more and more of its CPU, by four tenths in the end."""
    name = "container_cpu_usage_seconds_total"
    for minutes in range(6, 0, -1):
        per_s = usage.CPU_CORES * (1 + 0.08 * (7 - minutes))
        platform.metrics.grow(name, per_s, ago_s=minutes * 60)


@fault(BUSINESS, verdict=_HOLD)
def bots_fail_a_little(platform: Platform) -> None:
    """For an hour 3 % of the seller bot's interactions have failed, too few to roll back."""
    platform.metrics.grow("jorge_seller_bot_failures_total", 0.06, ago_s=3_600)


@fault(BUSINESS, verdict=_HOLD)
def bots_unused(platform: Platform) -> None:
    """For two hours a quarter of the usual interactions has reached the seller bot."""
    platform.metrics.grow("jorge_seller_bot_interactions_total", 0.5, ago_s=7_200)
    platform.metrics.grow("jorge_seller_bot_failures_total", 0.004, ago_s=7_200)


@fault(HEALTH_POINT, LEVELS, verdict=_HOLD)
def api_down_for_a_moment(platform: Platform) -> None:
    """For half a minute no instance of the API answered; all have been well for minutes."""
    for up, ago_s in ((0.0, 240), (1.0, 210)):
        platform.metrics.hold("up", up, ago_s=ago_s, job="jorge-revenue-api")


@fault(LEVELS, verdict=_HOLD)
def uptime_unseen(platform: Platform) -> None:
    """For a minute and a half nobody has looked whether the API is up: it may not have been."""
    now_s = time.time()
    for series in platform.metrics.find("up", job="jorge-revenue-api"):
        series.unseen_s = now_s - 180, now_s - 90


@fault(LEVELS, verdict=_HOLD)
def slow_by_day(platform: Platform) -> None:
    """For most of the day one in seven predictions took too long; it is well again."""
    name = "ml_prediction_duration_seconds"
    usage.slow(platform.metrics, name, 0.08, ago_s=platform.deployed_ago_s)
    usage.slow(platform.metrics, name, 0.028, ago_s=150)


@fault(LEVELS, ERRORS, verdict=_HOLD)
def errors_by_day(platform: Platform) -> None:
    """For less than a minute 15 % of the requests failed: more than the whole day may have."""
    platform.metrics.grow("http_requests_total", 4.5, ago_s=240, status_code="500")
    platform.metrics.grow("http_requests_total", 0.06, ago_s=200, status_code="500")


@fault(LEVELS, HEALTH_POINT, verdict=_HOLD)
def outage_by_day(platform: Platform) -> None:
    """For half a minute no instance of the API answered; they do again, and nobody has acted."""
    until_s = time.time() - 200
    for series in platform.metrics.find("up", job="jorge-revenue-api"):
        series.at = lambda at_s: 0.0 if until_s - 30 <= at_s < until_s else 1.0


@fault(STABILITY, verdict=_HOLD)
def slow_for_a_while(platform: Platform) -> None:
    """After the deployment the response time was two fifths longer; it is well again."""
    _slow(platform, p95_s=0.112, ago_s=platform.deployed_ago_s + 200)
    _slow(platform, p95_s=0.1, ago_s=260)


@fault(REGRESSION, verdict=_HOLD)
def regression(platform: Platform) -> None:
    """Two tests fail that did not fail for the release before."""
    platform.reports.files[_REGRESSION] = artifacts.junit("regression", 118, failing=2)


@fault(REGRESSION, verdict=_HOLD)
def regression_tests_gone(platform: Platform) -> None:
    """Twelve tests that passed for the release before are not run any more; all others pass."""
    platform.reports.files[_REGRESSION] = artifacts.junit("regression", 100)


@fault(REGRESSION, verdict=_HOLD)
def regression_against_itself(platform: Platform) -> None:
    """Thirty tests fail, and the run that they are compared with is of this very release."""
    files, report = platform.reports.files, artifacts.junit("regression", 118, failing=30)
    files[_REGRESSION] = files[artifacts.REGRESSION_BEFORE] = report
    del platform.reports.entries[artifacts.REGRESSION_BEFORE]


@fault(REGRESSION, verdict=_HOLD)
def regression_tests_not_run(platform: Platform) -> None:
    """The pipeline left no report of the regression tests."""
    del platform.reports.files[_REGRESSION]


def _slow(platform: Platform, *, p95_s: float, ago_s: float) -> None:
    for edge, share in healthy.latency_buckets(p95_s=p95_s):
        per_s = healthy.REQUESTS_PER_S * share
        platform.metrics.grow(f"{healthy.LATENCY}_bucket", per_s, ago_s=ago_s, le=edge)
