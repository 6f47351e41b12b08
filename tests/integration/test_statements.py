"""The shipped statements against a real PostgreSQL, asked by a role that is no superuser."""

from __future__ import annotations

import contextlib
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest

from pytest_deploycheck.clients.database import Database
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError
from tests.integration import servers

BASE: Final = Path(__file__).parents[2] / "suites/environments/base.toml"
STATEMENTS: Final[dict[str, str]] = tomllib.loads(BASE.read_text())["database"]["statements"]
PASSWORD: Final = "the-right-password"
SCHEMA: Final = """
CREATE TABLE alembic_version (version_num text);
INSERT INTO alembic_version VALUES ('9f3c2a71b0d4');
CREATE TABLE lead (id int);
INSERT INTO lead SELECT generate_series(1, 1000);
CREATE ROLE plain LOGIN PASSWORD 'the-right-password';
GRANT SELECT ON alembic_version TO plain
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[servers.Postgres]:
    """A PostgreSQL with migrations, a table, and a role without any right of its own."""
    with servers.postgres(password=PASSWORD, schema=SCHEMA) as server:
        yield server


@pytest.fixture
def database(postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch) -> Database:
    """The client as the checks have it, of a deployment a minute ago."""
    return opened(postgres.dsn(), monkeypatch, deployed_at_s=time.time() - 60)


def opened(
    dsn: str, monkeypatch: pytest.MonkeyPatch, *, deployed_at_s: float | None = None
) -> Database:
    """Open a client on *dsn* with the shipped statements."""
    monkeypatch.setenv("DSN", dsn)
    settings = environment.Database(dsn_env="DSN", statements=STATEMENTS)
    return Database(settings, deployed_at_s=deployed_at_s)


@contextlib.contextmanager
def owner(server: servers.Postgres, name: str = "postgres") -> Iterator[psycopg.Connection]:
    """A connection that may do everything, each statement by itself."""
    dsn = server.dsn(user="owner", name=name)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def until(connection: psycopg.Connection, question: bytes) -> None:
    """Wait until *question* has a row."""
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        if connection.execute(question).fetchone():
            return
    pytest.fail(f"no row within 30 s: {question!r}")


def cancelled(connection: psycopg.Connection, statement: bytes) -> None:
    """Run what somebody else will cancel."""
    with contextlib.suppress(psycopg.errors.QueryCanceled):
        connection.execute(statement)


def test_a_healthy_database_gives_good_answers(database: Database) -> None:
    """Beside `alive` a good answer is 0, and the shares and times are small."""
    assert database.text("migration_head") == "9f3c2a71b0d4"
    found = {name: database.value(name) for name in STATEMENTS if name != "migration_head"}
    assert found.pop("alive") == 1
    assert 0 < found.pop("connections_ratio") < 0.8
    assert 0 <= found.pop("longest_query_s") < 5
    assert set(found.values()) == {0}


def test_who_may_not_see_what_others_do_has_no_evidence(
    postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL shows them as doing nothing: a transaction that idles for hours would be 0."""
    plain = opened(postgres.dsn(user="plain"), monkeypatch)
    for name in ("invalid_indexes", "idle_in_transaction", "longest_query_s"):
        with pytest.raises(InstrumentError, match="expected a number"):
            plain.value(name)
    assert plain.value("migration_heads") == 0


def test_the_longest_query_of_others_is_seen(
    postgres: servers.Postgres, database: Database
) -> None:
    """By the checker's role, which did not send it."""
    with owner(postgres) as first, owner(postgres) as watching:
        asking = threading.Thread(target=cancelled, args=(first, b"SELECT pg_sleep(60)"))
        asking.start()
        until(
            watching,
            b"SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' "
            b"AND query_start < now() - interval '200 ms'",
        )
        found_s = database.value("longest_query_s")
        first.cancel_safe()
        asking.join()
    assert 0.2 <= found_s < 60


def test_an_index_is_invalid_once_nobody_builds_it_any_more(
    postgres: servers.Postgres, database: Database
) -> None:
    """CREATE INDEX CONCURRENTLY has it so while it works, and leaves it so when it is cut off."""
    with owner(postgres) as building, owner(postgres) as watching:
        with psycopg.connect(postgres.dsn(user="owner")) as busy:  # it waits for this transaction
            busy.execute("UPDATE lead SET id = id WHERE id = 1")
            statement = b"CREATE INDEX CONCURRENTLY lead_id ON lead (id)"
            builder = threading.Thread(target=cancelled, args=(building, statement))
            builder.start()
            until(watching, b"SELECT 1 FROM pg_index WHERE NOT indisvalid")
            at_work = database.value("invalid_indexes")
            building.cancel_safe()
            builder.join()
        cut_off = database.value("invalid_indexes")
        watching.execute("DROP INDEX lead_id")
    assert (at_work, cut_off) == (0, 1)


def test_a_corrupt_page_counts_when_it_was_found_since_the_deployment(
    postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server's own counter goes back to the last reset, perhaps by years."""
    with owner(postgres, "template1") as connection:
        # As files, so that no page of it is in memory.
        connection.execute("CREATE DATABASE torn TEMPLATE postgres STRATEGY file_copy")
    with owner(postgres, "torn") as connection:
        row = connection.execute("SELECT pg_relation_filepath('lead')").fetchone()
        assert row is not None
        file = postgres.data / row[0]
        content = file.read_bytes()
        file.write_bytes(content[:4000] + b"torn" + content[4004:])
        with pytest.raises(psycopg.errors.DataCorrupted):
            connection.execute("SELECT count(*) FROM lead")
        connection.execute("CREATE TABLE later (n int)")
    now_s = time.time()
    before = opened(postgres.dsn(), monkeypatch, deployed_at_s=now_s - 60)
    after = opened(postgres.dsn(), monkeypatch, deployed_at_s=now_s + 1)
    assert (before.value("checksum_failures"), after.value("checksum_failures")) == (1, 0)
    with owner(postgres) as connection:
        connection.execute("DROP DATABASE torn")
