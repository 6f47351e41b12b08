"""PostgreSQL's protocol, spoken with psycopg."""

from __future__ import annotations

import pathlib
import time
import tomllib

import psycopg
import pytest

from pytest_deploycheck.sandbox import Sandbox
from pytest_deploycheck.sandbox.foundations import MIGRATION_HEAD

BASE = pathlib.Path(__file__).parents[2] / "suites" / "environments" / "base.toml"
STATEMENTS: dict[str, str] = tomllib.loads(BASE.read_text())["database"]["statements"]


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("prepare", [False, True], ids=["simple", "extended"])
def test_every_statement_of_the_environments_has_a_good_answer(
    variables: dict[str, str], name: str, *, prepare: bool
) -> None:
    """Each statement answers one row with one value, in both of the protocol's ways to ask."""
    with psycopg.connect(variables["DATABASE_DSN"]) as connection:
        connection.read_only = True
        rows = connection.execute(STATEMENTS[name].encode(), prepare=prepare).fetchall()
    good: dict[str, float | str] = {"alive": 1, "connections_ratio": 0.38, "longest_query_s": 0.2}
    good["migration_head"] = MIGRATION_HEAD
    assert rows == [(good.get(name, 0),)]


def test_writing_is_refused_and_ends_the_transaction(variables: dict[str, str]) -> None:
    """The sandbox's database is read-only, and errors abort a transaction as in the real one."""
    with psycopg.connect(variables["DATABASE_DSN"]) as connection:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM leads")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("prepare", [False, True], ids=["simple", "extended"])
def test_a_statement_may_find_no_row(
    sandbox: Sandbox, variables: dict[str, str], *, prepare: bool
) -> None:
    """That is an answer with a column and nothing in it, not an error."""
    sandbox.platform.database.has_rows = False
    with psycopg.connect(variables["DATABASE_DSN"]) as connection:
        assert connection.execute(b"SELECT 1", prepare=prepare).fetchall() == []


def test_a_wrong_password_is_refused(variables: dict[str, str]) -> None:
    """Who may not connect is told so, with the words of the real server."""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(variables["DATABASE_DSN"], password="wrong")


def test_a_database_that_is_down_refuses_connections(
    sandbox: Sandbox, variables: dict[str, str]
) -> None:
    """A stopped server is not one that answers with errors."""
    sandbox.switch(["database-refuses"])
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(variables["DATABASE_DSN"])


def test_corruption_is_counted(sandbox: Sandbox, variables: dict[str, str]) -> None:
    """A fault in the state is what the statement then answers."""
    sandbox.switch(["database-checksum-failures"])
    with psycopg.connect(variables["DATABASE_DSN"]) as connection:
        found = connection.execute(STATEMENTS["checksum_failures"].encode()).fetchone()
    assert found == (1,)


def test_an_unknown_statement_is_an_error(variables: dict[str, str]) -> None:
    """Nothing that was not thought of is answered as if it had been."""
    with (
        psycopg.connect(variables["DATABASE_DSN"], connect_timeout=2) as connection,
        pytest.raises(psycopg.errors.FeatureNotSupported, match="pg_stat_activity"),
    ):
        connection.execute("SELECT count(*) FROM pg_stat_activity")


def test_connecting_is_quick(variables: dict[str, str]) -> None:
    """No message of the start-up is left waiting for another."""
    began = time.monotonic()
    psycopg.connect(variables["DATABASE_DSN"]).close()
    assert time.monotonic() - began < 1.0
