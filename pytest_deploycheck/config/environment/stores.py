"""PostgreSQL and Redis."""

from __future__ import annotations

from pydantic import Field

from pytest_deploycheck.config.environment.tables import Seconds, Table


class Database(Table):
    """PostgreSQL, asked directly and read-only: an instrument."""

    dsn_env: str
    """Environment variable with the libpq connection string."""
    timeout_s: Seconds = Field(default=5.0, alias="timeout")
    statements: dict[str, str] = {}
    """Name → SQL that answers one row with one value; 0 is good unless the check says else.
    `{deployed_at_s}` in it is when the deployment began, in Unix seconds."""


class Cache(Table):
    """Redis, asked directly: an instrument."""

    url_env: str
    """Environment variable with the redis:// URL."""
    timeout_s: Seconds = Field(default=5.0, alias="timeout")
