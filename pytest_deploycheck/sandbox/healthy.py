"""The platform as it should be: what every fault starts from."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator

from pytest_deploycheck.sandbox import (
    artifacts,
    aws,
    boards,
    foundations,
    github,
    objects,
    people,
    rules,
    usage,
    watching,
)
from pytest_deploycheck.sandbox.certificates import HOSTS
from pytest_deploycheck.sandbox.metrics import Metrics
from pytest_deploycheck.sandbox.platform import (
    PREVIOUS_RELEASE,
    RELEASE,
    Cache,
    Component,
    Credentials,
    Database,
    Manner,
    Platform,
    Reply,
)

SERVERS = (
    *("api", "frontend", "cluster", "prometheus", "database", "cache", "repository", "aws"),
    *("crm", "claude", "mail", "mailbox", "alertmanager", "alertsink", "grafana"),
)
COMPONENTS = ("database", "redis_cache", "claude_ai", "ghl_api", "jorge_bots", "ml_pipeline")
LATENCY = "http_request_duration_seconds"
REQUESTS_PER_S = 30.0
_COUNTED = "/api/v1/bots/health"
BOTS = ("jorge-seller-bot", "lead-bot", "intent-decoder")

#: The buckets of the platform's histogram: it has no edge at the limit of 0.2 s.
_LATENCY_EDGES_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_PAGE = b"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Jorge's Real Estate AI</title></head>
<body><div id="__next"><main><h1>Real Estate AI</h1></main></div>
<script src="/_next/static/main.js"></script></body></html>
"""
_ICON = bytes.fromhex("00000100010001010000010018003000000016000000") + bytes(48)


def platform(*, deployed_ago_s: float) -> Platform:
    """Return a healthy platform.

    Args:
        deployed_ago_s: When the rollout started, in seconds before now.
    """
    deployed_at_s = time.time() - deployed_ago_s
    built = Platform(
        deployed_at_s=deployed_at_s,
        credentials=Credentials(),
        components={name: Component() for name in COMPONENTS},
        api={},
        frontend=_frontend(),
        objects=objects.healthy(deployed_at_s, HOSTS[0]),
        metrics=_metrics(),
        watching=watching.Watching(
            targets=watching.targets(),
            rules=rules.healthy(),
            alerting=watching.alerting(),
            boards=boards.healthy(),
        ),
        database=Database(
            values={
                "pg_is_in_recovery()": 0,
                "string_agg(version_num": foundations.MIGRATION_HEAD,
                "alembic_version": 0,
                "pg_index": 0,
                "checksum_last_failure": 0,
                "SELECT 1": 1,
                "max_connections": 0.38,
                "idle in transaction": 0,
                "query_start": 0.2,
            }
        ),
        cache=Cache(info=_CACHE_INFO),
        servers={name: Manner() for name in SERVERS},
        code_host=github.healthy(
            deployed_at_s,
            token=Credentials().repository_token,
            release=RELEASE,
            previous=PREVIOUS_RELEASE,
        ),
        vault=aws.healthy(Credentials().aws_access_key),
        reports=artifacts.healthy(RELEASE),
        record=people.healthy(deployed_at_s),
    )
    built.api |= _api(built)
    built.counted[f"GET {_COUNTED}"] = built.metrics.counted(
        "http_requests_total", method="GET", endpoint=_COUNTED, status_code="200"
    )
    foundations.furnish(built.objects, release=RELEASE, previous=PREVIOUS_RELEASE)
    return built


def timestamp(age_s: float = 0.0) -> str:
    """Return the time *age_s* ago, as the platform writes it."""
    now = datetime.datetime.now(datetime.UTC)
    return (now - datetime.timedelta(seconds=age_s)).isoformat()


_CACHE_INFO: dict[str, str | int] = {
    "redis_version": "7.2.5",
    "redis_mode": "standalone",
    "role": "master",
    "uptime_in_seconds": 1728000,
    "connected_clients": 12,
    "used_memory": 314572800,
    "maxmemory": 2147483648,
    "maxmemory_policy": "allkeys-lru",
    "loading": 0,
    "rdb_last_bgsave_status": "ok",
    "aof_enabled": 0,
    "keyspace_hits": 964211,
    "keyspace_misses": 81544,
}


def _metrics() -> Metrics:
    """Return what a healthy platform exposes: 0.2 % of its requests fail."""
    metrics = Metrics()
    for pod in "abc":
        metrics.gauge("up", 1.0, job="jorge-revenue-api", instance=f"api-{pod}:8000")
    metrics.gauge("pg_up", 1.0, job="postgres-exporter")
    metrics.gauge("redis_up", 1.0, job="redis-exporter")
    metrics.gauge("pg_exporter_last_scrape_error", 0.0, job="postgres-exporter")
    for code, per_s in (("200", 28.9), ("404", 1.04), ("500", 0.06)):
        metrics.counter("http_requests_total", per_s, method="GET", status_code=code)
    for edge, share in latency_buckets(p95_s=0.1):
        metrics.counter(f"{LATENCY}_bucket", REQUESTS_PER_S * share, le=edge, method="GET")
    metrics.counter(f"{LATENCY}_count", REQUESTS_PER_S, method="GET")
    metrics.counter("jorge_seller_bot_interactions_total", 2.0)
    metrics.counter("jorge_seller_bot_failures_total", 0.016)
    for kind, per_s in (("login_failed", 0.1), ("control_failure", 0.0)):
        metrics.counter("security_events_total", per_s, event_type=kind)
    usage.expose(metrics)
    boards.expose(metrics)
    return metrics


def latency_buckets(p95_s: float) -> Iterator[tuple[str, float]]:
    """Yield `le` and the share of answers below it when 95 % take less than *p95_s*."""
    for edge in _LATENCY_EDGES_S:
        yield f"{edge:g}", 1 - 0.05 ** (edge / p95_s)
    yield "+Inf", 1.0


def _api(state: Platform) -> dict[str, Reply]:
    def health() -> object:
        worst = "healthy" if all(c.status == "healthy" for c in state.components.values()) else ""
        return {
            "status": worst or "degraded",
            "timestamp": timestamp(state.health_age_s),
            "version": state.release,
            "environment": "sandbox",
            "components": [
                {
                    "name": name,
                    "status": component.status,
                    "response_time_ms": component.response_time_ms,
                    "last_check": timestamp(state.health_age_s),
                }
                for name, component in state.components.items()
            ],
        }

    def bots() -> object:
        return {
            "status": "healthy",
            "timestamp": timestamp(),
            "bots": dict.fromkeys(BOTS, "initialized"),
            "services": {"cache": "available", "event_publisher": "available"},
        }

    def learning() -> object:
        return {
            "status": "healthy",
            "ml_model_status": "available",
            "cache_status": "available",
            "database_status": "available",
            "average_response_time_ms": 42.3,
            "checked_at": timestamp(),
            "version": state.release,
        }

    token = {"access_token": state.credentials.user_token, "token_type": "bearer"}
    return {
        "GET /health/detailed": Reply(body=health),
        "POST /api/auth/login": Reply(body=lambda: token | {"expires_in": 1800}, auth="login"),
        "POST /api/v1/auth/test": Reply(body=lambda: {"authenticated": True}, auth="user"),
        "GET /api/v1/bots/health": Reply(body=bots),
        "POST /api/v1/ml/health": Reply(body=learning),
    }


def _frontend() -> dict[str, Reply]:
    services = ("database", "redis", "websocket", "backend_api")

    def health() -> object:
        return {
            "status": "healthy",
            "timestamp": timestamp(),
            "version": RELEASE,
            "services": dict.fromkeys(services, "healthy"),
        }

    return {
        "GET /": Reply(body=lambda: _PAGE, media_type="text/html; charset=utf-8"),
        "GET /_next/static/main.js": Reply(
            body=lambda: b"window.__NEXT_P=[];", media_type="text/javascript"
        ),
        "GET /favicon.ico": Reply(body=lambda: _ICON, media_type="image/x-icon"),
        "GET /api/health": Reply(body=health),
    }


def amended(reply: Reply, **changes: object) -> Callable[[], object]:
    """Return a body like that of *reply* with some keys changed, and left out if None."""
    before = reply.body

    def body() -> object:
        value = before()
        if not isinstance(value, dict):
            raise TypeError(f"only a JSON object can be amended, not {type(value).__name__}")
        return {key: one for key, one in (value | changes).items() if one is not None}

    return body
