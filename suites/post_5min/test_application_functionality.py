"""Application Functionality: what people use answers, and so does what it stands on."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.cache import Cache
from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.clients.database import Database
from pytest_deploycheck.clients.frontend import Frontend
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.post_5min


@pytest.mark.check("api-endpoints", trigger="health-check-failure")
def test_the_right_user_is_let_in(api: Api) -> None:
    """A login gives a token, and the token opens a protected endpoint."""
    api.call("auth_test")


# The wrong password is tried here only: an account that is asked for again and again is locked.
@pytest.mark.parametrize("door", ["auth_test_anonymous", "auth_login_wrong", "auth_test_expired"])
@pytest.mark.check("api-endpoints", trigger="security-issues")
def test_nobody_else_is_let_in(api: Api, door: str) -> None:
    """No token, a wrong password, a token that was good once: each positive test passes anyway."""
    assert api.turns_away(door), f"{door}: found an answer, expected a refusal"


@pytest.mark.check("api-endpoints", trigger="health-check-failure")
def test_bots_call_themselves_healthy(api: Api) -> None:
    """Every bot is named and ready, in a fresh report."""
    api.call("bots_health")


@pytest.mark.check("api-endpoints", trigger="health-check-failure")
def test_ml_service_calls_itself_healthy(api: Api) -> None:
    """The model and what it needs are available, in a fresh report."""
    api.call("ml_health")


@pytest.mark.check("frontend-application", trigger="health-check-failure")
def test_page_is_the_application_and_loads_what_it_names(frontend: Frontend) -> None:
    """An error page is 200 and HTML too, and a page whose scripts are gone stays white."""
    page = frontend.call("root")
    frontend.load(page)


@pytest.mark.check("frontend-application", trigger="health-check-failure")
def test_static_asset_loads(frontend: Frontend) -> None:
    """Static files are often served by something else than the page, and by then may be empty."""
    asset = frontend.call("asset")
    assert asset.text, f"{asset.url}: found 0 bytes, expected a file"


@pytest.mark.check("frontend-application", trigger="health-check-failure")
def test_frontend_calls_itself_healthy(frontend: Frontend) -> None:
    """The user interface reaches what it needs."""
    frontend.call("health")


@pytest.mark.check("database-connectivity", trigger="database-issues")
def test_database_answers_a_query(database: Database) -> None:
    """Asked directly; here the database is what is judged, so its silence is a failure."""
    found = database.as_subject().value("alive")
    assert found == 1, f"found {found:g}, expected 1"


@pytest.mark.check("database-connectivity", trigger="database-issues")
def test_platform_reaches_its_database(api: Api) -> None:
    """That we reach it does not mean that the platform does."""
    trouble = api.health("health_detailed").trouble_with("database")
    assert not trouble, trouble


@pytest.mark.check("database-connectivity", trigger="database-issues")
def test_exporter_reaches_the_database(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """From within the cluster, and also while we did not look."""
    history = metrics.history("database_up")
    measure("database_up", history, limit=limits.database_up_ratio)
    assert history.latest >= limits.database_up_ratio


@pytest.mark.check("database-connectivity")
def test_database_is_the_migrated_primary(database: Database) -> None:
    """A replica refuses writes, and two migration heads mean a half-done migration."""
    assert database.value("not_primary") == 0, "found a replica, expected the primary"
    more = database.value("migration_heads")
    assert more == 0, f"found {more + 1:g} migration heads, expected 1"


@pytest.mark.check("database-connectivity")
def test_database_has_the_migrations_of_the_release(database: Database, cluster: Cluster) -> None:
    """A head of long ago is one head too: which it must be, the release's chart says."""
    found, expected = database.text("migration_head"), cluster.migration_head()
    assert expected in (None, found), f"found migration head {found}, expected {expected}"


@pytest.mark.check("database-connectivity")
def test_no_index_is_left_half_built(database: Database, limits: Limits, measure: Measure) -> None:
    """No query uses it, and its constraint holds nothing; a person builds it anew."""
    found = database.value("invalid_indexes")
    measure("invalid_indexes", found, limit=limits.invalid_index_count, unit="count")
    assert found <= limits.invalid_index_count


@pytest.mark.check("redis-cache", trigger="health-check-failure")
@pytest.mark.writes("one key of its own, which is deleted at once and lives seconds at most")
def test_value_written_to_the_cache_is_read_back(cache: Cache) -> None:
    """A cache that is full, read-only or loading still answers a PING."""
    written, read = cache.as_subject().echo()
    assert read == written, f"found {read!r}, expected {written!r}"


@pytest.mark.check("redis-cache", trigger="health-check-failure")
def test_exporter_reaches_the_cache(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """From within the cluster, and also while we did not look."""
    history = metrics.history("cache_up")
    measure("cache_up", history, limit=limits.cache_up_ratio)
    assert history.latest >= limits.cache_up_ratio


@pytest.mark.check("redis-cache", trigger="health-check-failure")
def test_platform_reaches_its_cache(api: Api) -> None:
    """That we reach it does not mean that the platform does."""
    trouble = api.health("health_detailed").trouble_with("cache")
    assert not trouble, trouble
