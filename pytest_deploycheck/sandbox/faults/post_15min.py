"""What is wrong with how fast the platform is, and with what it uses."""

from __future__ import annotations

from typing import Final

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import healthy, services, usage
from pytest_deploycheck.sandbox.faults.day import LEVELS
from pytest_deploycheck.sandbox.faults.fault import fault
from pytest_deploycheck.sandbox.platform import Platform, Reply

API: Final = "post_15min/api-response-time"
BOTS: Final = "post_15min/jorge-bot-response"
INFERENCE: Final = "post_15min/ml-inference"
MEMORY: Final = "post_15min/memory-usage"
CPU: Final = "post_15min/cpu-usage"
CONNECTIONS: Final = "post_15min/database-connections"
HITS: Final = "post_15min/cache-hit-rate"

STAGING_BOTS: Final = "staging/jorge-bot-functionality"
STAGING_SPEED: Final = "staging/response-time"
STAGING_INFERENCE: Final = "staging/ml-inference"
STAGING_RESOURCES: Final = "staging/resource-consumption"
ANALYTICS: Final = "post_30min/ml-analytics"
SELLER: Final = "post_30min/jorge-seller-bot"

_HOLD = Verdict.HOLD
#: A little more than two minutes, over which rates are taken, and less than since the deployment.
_AGO_S = 300.0
#: So long ago that the baseline has it too.
_BEFORE_S = 4 * 3600.0
_SCORE = "POST /api/v1/ml/score"
_CPU = "container_cpu_usage_seconds_total"


@fault(API, STAGING_SPEED, verdict=_HOLD)
def api_slow(platform: Platform) -> None:
    """Every answer of the API takes a quarter of a second longer."""
    platform.servers["api"].delay_s = 0.25


@fault(API, STAGING_SPEED, verdict=_HOLD)
def api_stalls(platform: Platform) -> None:
    """Behind every twentieth score everybody waits for a second; one after the other, few would."""
    platform.business.stall_s = 1.0


@fault(API, LEVELS, verdict=_HOLD)
def users_wait(platform: Platform) -> None:
    """For hours, and before the deployment too, users have waited longer than promised."""
    for edge, share in healthy.latency_buckets(p95_s=0.32):
        per_s = healthy.REQUESTS_PER_S * share
        platform.metrics.grow(f"{healthy.LATENCY}_bucket", per_s, ago_s=_BEFORE_S, le=edge)


@fault(BOTS, verdict=_HOLD)
def bot_slow(platform: Platform) -> None:
    """For five minutes 5 % of the bots' answers have taken more than four seconds."""
    name = "jorge_seller_bot_response_time_seconds"
    usage.slow(platform.metrics, name, 4.2, ago_s=_AGO_S)


@fault(BOTS, verdict=_HOLD)
def bot_hesitates(platform: Platform) -> None:
    """The seller bot takes more than three seconds for its first answer of a conversation."""
    platform.business.hesitates_s = 3.1


@fault(BOTS, SELLER, STAGING_BOTS, verdict=_HOLD)
def bot_repeats_itself(platform: Platform) -> None:
    """The seller bot gives the same answer to everything, quickly and with status 200."""
    platform.business.says = "Thanks, we will be in touch."


@fault(INFERENCE, STAGING_INFERENCE, verdict=_HOLD)
def inference_slow(platform: Platform) -> None:
    """Inference takes 60 ms."""
    platform.business.inference_ms = lambda index: 60.0 + index % 5
    platform.business.working_s = 0.07


@fault(INFERENCE, STAGING_INFERENCE, verdict=_HOLD)
def inference_made_up(platform: Platform) -> None:
    """The platform reports 42.3 ms for every inference, whatever it took."""
    platform.business.inference_ms = lambda _: 42.3
    platform.business.working_s = 0.05


@fault(INFERENCE, LEVELS, verdict=_HOLD)
def inference_slow_for_users(platform: Platform) -> None:
    """For five minutes 5 % of the predictions have taken more than 80 ms."""
    usage.slow(platform.metrics, "ml_prediction_duration_seconds", 0.08, ago_s=_AGO_S)


@fault(API, INFERENCE, ANALYTICS, STAGING_SPEED, STAGING_INFERENCE, verdict=_HOLD)
def score_canned(platform: Platform) -> None:
    """The model fails, and the platform answers 200 with a canned score."""
    platform.api[_SCORE] = Reply(body=services.canned_score, auth="user")


@fault(MEMORY, STAGING_RESOURCES, verdict=_HOLD)
def memory_high(platform: Platform) -> None:
    """One pod uses 86 % of its memory limit; the average hides it."""
    value = 0.86 * usage.MEMORY_LIMIT_BYTES
    platform.metrics.hold(usage.MEMORY, value, ago_s=60, pod=usage.PODS[1], container="api")


@fault(MEMORY, STAGING_RESOURCES, verdict=_HOLD)
def memory_above_baseline(platform: Platform) -> None:
    """Since the deployment every pod uses 40 % more memory than before, within its limit."""
    value = 1.4 * usage.MEMORY_BYTES
    platform.metrics.hold(usage.MEMORY, value, ago_s=platform.deployed_ago_s, container="api")


@fault(MEMORY, STAGING_RESOURCES, verdict=_HOLD)
def memory_unlimited(platform: Platform) -> None:
    """The containers have no memory limit any more, so nobody can say how near it they are."""
    platform.metrics.hold("container_spec_memory_limit_bytes", 0.0, ago_s=_BEFORE_S)


@fault(CPU, STAGING_RESOURCES, verdict=_HOLD)
def cpu_high(platform: Platform) -> None:
    """For five minutes every pod has used 80 % of the cores that it may use."""
    platform.metrics.grow(_CPU, 1.6, ago_s=_AGO_S)


@fault(CPU, verdict=_HOLD)
def cpu_uneven(platform: Platform) -> None:
    """For five minutes one pod has done three times the work of each other."""
    platform.metrics.grow(_CPU, 0.4, ago_s=_AGO_S)
    platform.metrics.grow(_CPU, 1.2, ago_s=_AGO_S, pod=usage.PODS[0])


@fault(CONNECTIONS, verdict=_HOLD)
def connections_running_out(platform: Platform) -> None:
    """87 of the database's 100 connections are in use."""
    platform.metrics.hold("pg_stat_database_numbackends", 87.0, ago_s=120)
    platform.database.values["max_connections"] = 0.87


@fault(CONNECTIONS, verdict=_HOLD)
def connections_unseen(platform: Platform) -> None:
    """The database's connections run out by clients that its exporter does not count."""
    platform.database.values["max_connections"] = 0.91


@fault(CONNECTIONS, verdict=_HOLD)
def transactions_idle(platform: Platform) -> None:
    """Four connections have waited inside a transaction for more than a minute."""
    platform.database.values["idle in transaction"] = 4


@fault(HITS, verdict=_HOLD)
def cache_misses(platform: Platform) -> None:
    """For five minutes the cache has known only every second thing that it was asked for."""
    _hits(platform, 0.5)


@fault(HITS, verdict=_HOLD)
def cache_hits_fewer(platform: Platform) -> None:
    """Since the deployment the hit rate has been 78 % instead of 92 %: still above its target."""
    _hits(platform, 0.78)


@fault(HITS, verdict=_HOLD)
def cache_unused(platform: Platform) -> None:
    """Nobody has asked the cache for anything in five minutes: a rate of nothing."""
    for name in ("redis_keyspace_hits_total", "redis_keyspace_misses_total"):
        platform.metrics.grow(name, 0.0, ago_s=_AGO_S)


def _hits(platform: Platform, ratio: float) -> None:
    platform.metrics.grow("redis_keyspace_hits_total", 100 * ratio, ago_s=_AGO_S)
    platform.metrics.grow("redis_keyspace_misses_total", 100 * (1 - ratio), ago_s=_AGO_S)
