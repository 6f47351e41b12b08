"""Redis's protocol, spoken with redis-py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from pytest_deploycheck.sandbox import Sandbox


@pytest.fixture(params=[2, 3], ids=["RESP2", "RESP3"])
def cache(variables: dict[str, str], request: pytest.FixtureRequest) -> Iterator[redis.Redis]:
    """A client of the sandbox's cache."""
    client = redis.Redis.from_url(variables["CACHE_URL"], protocol=request.param)
    with client:
        yield client


def test_what_is_written_is_read_back_and_dropped(cache: redis.Redis) -> None:
    """The cache is a cache."""
    assert cache.set("deploycheck:a", "1", ex=30)
    assert cache.get("deploycheck:a") == b"1"
    assert 0 < int(cache.ttl("deploycheck:a")) <= 30
    assert cache.delete("deploycheck:a") == 1
    assert cache.get("deploycheck:a") is None


def test_it_may_return_what_nobody_wrote(sandbox: Sandbox, cache: redis.Redis) -> None:
    """A proxy that mixes up its answers."""
    sandbox.platform.cache.returns = b"null"
    assert cache.set("deploycheck:a", "1", ex=30)
    assert cache.get("deploycheck:a") == b"null"


def test_it_tells_about_itself(cache: redis.Redis) -> None:
    """INFO has the keys that a check of the cache reads."""
    info = cache.info()
    assert info["role"] == "master"
    assert info["loading"] == 0


def test_a_wrong_password_is_refused(variables: dict[str, str]) -> None:
    """Without the password nothing is answered."""
    with (
        redis.Redis.from_url(variables["CACHE_URL"].replace("password", "wrong")) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_an_unknown_command_is_an_error(cache: redis.Redis) -> None:
    """What the sandbox does not know it does not answer with OK."""
    with pytest.raises(redis.ResponseError, match="unknown command"):
        cache.flushall()


def test_a_cache_that_forgets_acknowledges_and_loses(sandbox: Sandbox, cache: redis.Redis) -> None:
    """A check that trusts the acknowledgement, and does not read back, would be green."""
    sandbox.switch(["cache-forgets"])
    assert cache.set("deploycheck:b", "1")
    assert cache.get("deploycheck:b") is None


def test_a_cache_that_is_loading_says_so(sandbox: Sandbox, cache: redis.Redis) -> None:
    """A fault in the state is what every command then gets."""
    sandbox.switch(["cache-loading"])
    with pytest.raises(redis.exceptions.BusyLoadingError):
        cache.ping()
