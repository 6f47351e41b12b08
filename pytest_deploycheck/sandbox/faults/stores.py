"""The database and the cache."""

from __future__ import annotations

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox.faults.fault import (
    CACHE,
    DATABASE,
    DATABASE_ISSUES,
    DATABASE_POINT,
    ENDPOINTS,
    HEALTH,
    HEALTH_POINT,
    SERVICES,
    fault,
)
from pytest_deploycheck.sandbox.faults.groups import DATABASE_CLIENTS, HEALTH_READERS
from pytest_deploycheck.sandbox.healthy import amended
from pytest_deploycheck.sandbox.platform import Platform


@fault(
    SERVICES,
    ENDPOINTS,
    DATABASE,
    HEALTH_POINT,
    DATABASE_POINT,
    *HEALTH_READERS,
    *DATABASE_CLIENTS,
    trigger=DATABASE_ISSUES,
)
def database_down(platform: Platform) -> None:
    """The database is gone, and everybody who needs it says so."""
    platform.servers["database"].refuses = True
    platform.components["database"].status = "unhealthy"
    ml = platform.api["POST /api/v1/ml/health"]
    ml.body = amended(ml, database_status="unavailable")
    platform.metrics.hold("pg_up", 0.0, ago_s=60)
    platform.metrics.hold("pg_exporter_last_scrape_error", 1.0, ago_s=60)


@fault(DATABASE, DATABASE_POINT, *DATABASE_CLIENTS, trigger=DATABASE_ISSUES)
def database_refuses(platform: Platform) -> None:
    """The database refuses connections, while those that the platform keeps still work."""
    platform.servers["database"].refuses = True


@fault(DATABASE, DATABASE_POINT, *DATABASE_CLIENTS, trigger=DATABASE_ISSUES)
def database_out_of_connections(platform: Platform) -> None:
    """Every connection of the database is taken."""
    platform.database.refusal = ("53300", "sorry, too many clients already")


@fault(SERVICES, DATABASE, HEALTH_POINT, DATABASE_POINT, *HEALTH_READERS, trigger=DATABASE_ISSUES)
def platform_loses_database(platform: Platform) -> None:
    """The database answers us, and the platform cannot reach it."""
    platform.components["database"].status = "unhealthy"


@fault(DATABASE, verdict=Verdict.HOLD)
def database_is_replica(platform: Platform) -> None:
    """The platform was connected to a replica, which refuses writes."""
    platform.database.values["pg_is_in_recovery()"] = 1


@fault(DATABASE, verdict=Verdict.HOLD)
def migration_half_done(platform: Platform) -> None:
    """The migrations have two heads."""
    platform.database.values["alembic_version"] = 1


@fault(DATABASE, verdict=Verdict.HOLD)
def migration_not_run(platform: Platform) -> None:
    """The database has the migrations of a release long ago."""
    platform.database.values["string_agg(version_num"] = "0a1b2c3d4e5f"


@fault(DATABASE, verdict=Verdict.HOLD)
def migration_unknown(platform: Platform) -> None:
    """The chart does not say which migrations belong to the release."""
    platform.one("deployments", "jorge-revenue-api")["metadata"]["annotations"].clear()


@fault(DATABASE_POINT, trigger=DATABASE_ISSUES)
def database_checksum_failures(platform: Platform) -> None:
    """A page of the database was found corrupt since the deployment."""
    platform.database.values["checksum_last_failure"] = 1


@fault(DATABASE, verdict=Verdict.HOLD)
def index_invalid(platform: Platform) -> None:
    """A migration left an index half built, and nobody builds it any more."""
    platform.database.values["pg_index"] = 1


@fault(DATABASE, DATABASE_POINT, trigger=DATABASE_ISSUES)
def exporter_loses_database(platform: Platform) -> None:
    """For a minute the exporter has not been able to connect to the database."""
    platform.metrics.hold("pg_up", 0.0, ago_s=60)


@fault(DATABASE_POINT, trigger=DATABASE_ISSUES)
def database_answers_with_errors(platform: Platform) -> None:
    """For a minute the database has refused the exporter's queries."""
    platform.metrics.hold("pg_exporter_last_scrape_error", 1.0, ago_s=60)


@fault(CACHE, HEALTH_POINT, trigger=HEALTH)
def cache_refuses(platform: Platform) -> None:
    """Nothing listens where the cache should be."""
    platform.servers["cache"].refuses = True


@fault(CACHE, trigger=HEALTH)
def cache_forgets(platform: Platform) -> None:
    """The cache acknowledges what is written, and loses it."""
    platform.cache.forgets = True


@fault(CACHE, trigger=HEALTH)
def cache_read_only(platform: Platform) -> None:
    """The cache has become a replica, which cannot be written."""
    platform.cache.errors["SET"] = "READONLY You can't write against a read only replica."


@fault(CACHE, trigger=HEALTH)
def cache_full(platform: Platform) -> None:
    """The cache is full, and evicts nothing."""
    platform.cache.errors["SET"] = "OOM command not allowed when used memory > 'maxmemory'."


@fault(CACHE, HEALTH_POINT, trigger=HEALTH)
def cache_loading(platform: Platform) -> None:
    """The cache was restarted, and loads its data."""
    platform.cache.refusal = "LOADING Redis is loading the dataset in memory"


@fault(CACHE, HEALTH_POINT, trigger=HEALTH)
def exporter_loses_cache(platform: Platform) -> None:
    """For a minute the exporter has not been able to connect to the cache."""
    platform.metrics.hold("redis_up", 0.0, ago_s=60)


@fault(SERVICES, CACHE, HEALTH_POINT, *HEALTH_READERS, trigger=HEALTH)
def platform_loses_cache(platform: Platform) -> None:
    """The cache answers us, and the platform cannot reach it."""
    platform.components["redis_cache"].status = "unhealthy"
