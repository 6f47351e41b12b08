"""What we measure with, and our own credentials: no fault of the platform, so never a rollback."""

from __future__ import annotations

import math

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox.certificates import Certificate
from pytest_deploycheck.sandbox.faults.fault import (
    BALANCER,
    BOT_POINT,
    CACHE,
    DATABASE,
    DATABASE_POINT,
    ENDPOINTS,
    ERROR_POINT,
    FRONTEND,
    HEALTH_POINT,
    LATENCY_POINT,
    PODS,
    SECURITY_POINT,
    SERVICES,
    fault,
)
from pytest_deploycheck.sandbox.faults.groups import (
    ABOUT_PROMETHEUS,
    API_CALLERS,
    CLUSTER_AFTER,
    CLUSTER_BEFORE,
    COLLECTED,
    DATABASE_CLIENTS,
    LONG,
    MEASURED,
    PANELS,
    USERS,
    WATCHED,
)
from pytest_deploycheck.sandbox.platform import Manner, Platform

_HOLD = Verdict.HOLD
_MEASURED = (
    HEALTH_POINT,
    ERROR_POINT,
    LATENCY_POINT,
    BOT_POINT,
    DATABASE_POINT,
    SECURITY_POINT,
    DATABASE,
    CACHE,
    *MEASURED,
)
#: Who gets no answer from Prometheus at all.
_UNANSWERED = (*_MEASURED, *WATCHED, *LONG, *COLLECTED, *ABOUT_PROMETHEUS)
_CLUSTERED = (PODS, SERVICES, BALANCER, HEALTH_POINT, SECURITY_POINT)
#: Who asks the cluster for anything at all.
_UNREACHED = (*_CLUSTERED, DATABASE)
_CALLERS = (
    SERVICES,
    BALANCER,
    ENDPOINTS,
    DATABASE,
    CACHE,
    HEALTH_POINT,
    DATABASE_POINT,
    SECURITY_POINT,
    *API_CALLERS,
)
_PAGE = "<!DOCTYPE html><title>Sign in</title>"


@fault(*_UNANSWERED, verdict=_HOLD)
def prometheus_down(platform: Platform) -> None:
    """Nothing listens where Prometheus should be."""
    platform.servers["prometheus"].refuses = True


@fault(*_UNANSWERED, verdict=_HOLD)
def prometheus_is_html(platform: Platform) -> None:
    """A sign-in page answers for Prometheus."""
    platform.servers["prometheus"] = Manner(status=200, body=_PAGE, media_type="text/html")


@fault(
    *(*_MEASURED, *WATCHED, *LONG, *COLLECTED, *PANELS),
    *("monitoring/alert-rules", "monitoring/notification-channels"),
    verdict=_HOLD,
)
def prometheus_empty(platform: Platform) -> None:
    """Prometheus has never scraped anything: every answer is empty."""
    platform.metrics.forget()


@fault(
    *(*_MEASURED, *WATCHED, *COLLECTED, *PANELS, "monitoring/notification-channels"),
    verdict=_HOLD,
)
def prometheus_stale(platform: Platform) -> None:
    """Prometheus stopped scraping seven minutes ago."""
    platform.metrics.stop(ago_s=420)


@fault(*_UNANSWERED, verdict=_HOLD)
def prometheus_partial(platform: Platform) -> None:
    """Prometheus warns that its answers are partial."""
    platform.prometheus_warnings.append("fetching series from store-2: context deadline exceeded")


@fault(*_UNANSWERED, verdict=_HOLD)
def prometheus_failing(platform: Platform) -> None:
    """Prometheus answers with status 503."""
    platform.servers["prometheus"] = Manner(status=503, body="Service Unavailable")


@fault(DATABASE, DATABASE_POINT, verdict=_HOLD)
def prometheus_nan(platform: Platform) -> None:
    """A value in Prometheus is not a number."""
    platform.metrics.hold("pg_up", math.nan, ago_s=600)


@fault(
    *(ERROR_POINT, LATENCY_POINT, BOT_POINT, "rollback/error-rate"),
    *("post_15min/api-response-time", "monitoring/application-metrics"),
    *("post_24h/error-rate-trending", "post_24h/performance-stability"),
    "post_24h/business-metrics",
    verdict=_HOLD,
)
def no_traffic(platform: Platform) -> None:
    """Nobody has used the platform for four minutes, so its ratios are nothing of nothing."""
    for name in (
        "http_requests_total",
        "http_request_duration_seconds_bucket",
        "http_request_duration_seconds_count",
        "jorge_seller_bot_interactions_total",
        "jorge_seller_bot_failures_total",
    ):
        platform.metrics.grow(name, 0.0, ago_s=240)


@fault(*_CLUSTERED, *CLUSTER_BEFORE, verdict=_HOLD)
def cluster_forbidden(platform: Platform) -> None:
    """Our account may not list StatefulSets, EndpointSlices and Ingresses."""
    platform.forbidden |= {"statefulsets", "endpointslices", "ingresses"}


@fault(*_UNREACHED, *CLUSTER_BEFORE, *CLUSTER_AFTER, verdict=_HOLD)
def cluster_unauthorized(platform: Platform) -> None:
    """The cluster does not know our token (name the release and its time: it tells neither)."""
    platform.credentials.cluster_token = "of another cluster"  # noqa: S105 - it opens nothing


@fault(*_UNREACHED, *CLUSTER_BEFORE, *CLUSTER_AFTER, verdict=_HOLD)
def cluster_down(platform: Platform) -> None:
    """Nothing listens where the cluster's API should be (name the release and its time)."""
    platform.servers["cluster"].refuses = True


@fault(*_CALLERS, verdict=_HOLD)
def api_rate_limited(platform: Platform) -> None:
    """The API's limiter has blocked us: 429 to everything."""
    platform.servers["api"] = Manner(
        status=429, body='{"detail": "Too Many Requests"}', headers={"Retry-After": "60"}
    )


@fault(*_CALLERS, verdict=_HOLD)
def authority_unknown(platform: Platform) -> None:
    """The API's certificate is signed by an authority that we were not told of."""
    platform.certificates["api"] = Certificate(trusted=False)


@fault(ENDPOINTS, HEALTH_POINT, *USERS, verdict=_HOLD)
def password_wrong(platform: Platform) -> None:
    """The API refuses our user name and password."""
    platform.credentials.password = "changed yesterday"  # noqa: S105 - it opens nothing


@fault(DATABASE, DATABASE_POINT, *DATABASE_CLIENTS, verdict=_HOLD)
def database_password_wrong(platform: Platform) -> None:
    """The database refuses our password."""
    platform.credentials.database_password = "changed yesterday"  # noqa: S105 - it opens nothing


@fault(DATABASE, *DATABASE_CLIENTS, verdict=_HOLD)
def database_hides_others(platform: Platform) -> None:
    """Our role may not see what others do in the database."""
    for name in ("pg_index", "idle in transaction", "query_start"):
        platform.database.values[name] = None


@fault(CACHE, HEALTH_POINT, verdict=_HOLD)
def cache_password_wrong(platform: Platform) -> None:
    """The cache refuses our password."""
    platform.credentials.cache_password = "changed yesterday"  # noqa: S105 - it opens nothing


@fault(
    *_CALLERS,
    *_CLUSTERED[:1],
    *_MEASURED[1:4],
    *(*MEASURED, *WATCHED, *LONG, *COLLECTED, *PANELS, *ABOUT_PROMETHEUS),
    *(*CLUSTER_BEFORE, *CLUSTER_AFTER, FRONTEND),
    *("post_30min/email-systems", "monitoring/test-alert", "deploy/code-review"),
    *("deploy/ci-cd-pipeline", "deploy/manual-approval", "deploy/staging-validation"),
    *("pre_deploy/configuration-backup", "pre_deploy/database-backup"),
    *("pre_deploy/recovery-procedures", "pre_deploy/integration-tests"),
    "post_24h/regression-testing",
    verdict=_HOLD,
)
def everything_silent(platform: Platform) -> None:
    """Nothing at all answers, so the fault is likely ours (name the release and its time)."""
    for manner in platform.servers.values():
        manner.refuses = True
