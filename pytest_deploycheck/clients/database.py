"""PostgreSQL, asked directly and read-only: an instrument, unless a check is about it."""

from __future__ import annotations

import copy
import math
import time
from typing import Final

import psycopg
import psycopg.conninfo

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.endpoints import unknown
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError, SubjectError

#: Classes of SQLSTATE with which a reachable server says that it cannot serve: the subject's fault.
_UNABLE: Final = ("08", "53", "57P", "58", "XX")
#: The same where there is no code, because libpq could not connect. Anything else may be our fault.
_UNABLE_WORDS: Final = (
    "connection refused",
    "timeout expired",
    "closed the connection",
    "connection reset",
    "too many",
    "remaining connection slots",
    "starting up",
    "shutting down",
    "recovery mode",
)

#: How a server begins to say why it takes nobody in; libpq passes its words on, without the code.
_REFUSAL: Final = "FATAL:"

#: What stands in a statement for the time of the deployment.
_DEPLOYED: Final = "{deployed_at_s}"


class Database:
    """Runs the environment's statements, each over a connection of its own.

    To connect is half of what is asked, and nothing is shared between threads.

    Args:
        settings: The environment's `[database]`.
        deployed_at_s: What a statement's `{deployed_at_s}` stands for, in Unix seconds; None: no
            statement asks for it.
    """

    def __init__(
        self,
        settings: environment.Database,
        *,
        deployed_at_s: float | None = None,
    ) -> None:
        self._settings = settings
        self._deployed_at_s = deployed_at_s
        self._blame: type[DeploycheckError] = InstrumentError

    def as_subject(self) -> Database:
        """Return the same database as what is judged: its silence is its own fault.

        A wrong password is always ours.
        """
        subject = copy.copy(self)
        subject._blame = SubjectError
        return subject

    def value(self, name: str) -> float:
        """Run the statement *name*, and return the one number that it answers.

        Raises:
            SubjectError: The database is silent or unable, and the subject.
            InstrumentError: The same, and an instrument; our fault; not one row with one number.
        """
        found = self._one(name)
        try:
            number = float(found)  # type: ignore[arg-type] # whatever PostgreSQL has sent
        except (TypeError, ValueError) as error:
            raise InstrumentError(
                f"{name}: found {evidence.shown(found)}, expected a number"
            ) from error
        if not math.isfinite(number):
            raise InstrumentError(f"{name}: found {number}, expected a number")
        return number

    def text(self, name: str) -> str:
        """Run the statement *name*, and return the one text that it answers.

        Raises:
            SubjectError: The database is silent or unable, and the subject.
            InstrumentError: The same, and an instrument; our fault; not one row with one text, or
                an empty one.
        """
        found = self._one(name)
        if not isinstance(found, str) or not found:
            raise InstrumentError(f"{name}: found {evidence.shown(found)}, expected a text")
        return found

    def close(self) -> None:
        """Nothing is kept open."""

    def _one(self, name: str) -> object:
        """Run the statement *name*, and return the one value of its one row."""
        statement = self._statement(name)
        dsn = evidence.secret_from(self._settings.dsn_env)
        host = _host(dsn)
        started_s = time.monotonic()
        try:
            with self._connect(dsn) as connection:
                # The statement is the environment file's, which who runs us has written.
                rows = connection.execute(statement.encode()).fetchmany(2)
        except psycopg.Error as error:
            evidence.note("database", statement, f"{type(error).__name__}: {error}")
            if error.sqlstate is None and _REFUSAL not in str(error):
                evidence.silent(host)
            else:
                evidence.answered(host)
            whose = self._blame if _is_its_own_fault(error) else InstrumentError
            raise whose(f"database {host}, {name}: {_reason(error)}") from error
        evidence.answered(host)
        evidence.note("database", statement, repr(rows), time.monotonic() - started_s)
        if len(rows) != 1 or len(rows[0]) != 1:
            raise InstrumentError(
                f"{name}: found {evidence.shown(rows)}, expected one row with one value"
            )
        return rows[0][0]

    def _statement(self, name: str) -> str:
        """Return the statement *name*, with the time of the deployment where it asks for that."""
        try:
            statement = self._settings.statements[name]
        except KeyError:
            raise unknown("database.statements", name, self._settings.statements) from None
        if _DEPLOYED not in statement:
            return statement
        if self._deployed_at_s is None:
            raise InstrumentError(f"{name}: asks for {_DEPLOYED}, and nobody knows when that was")
        return statement.replace(_DEPLOYED, f"{self._deployed_at_s:.3f}")

    def _connect(self, dsn: str) -> psycopg.Connection:
        """Connect, read-only and for no longer than the environment allows."""
        return psycopg.connect(
            dsn,
            autocommit=True,  # no transaction is left open on a server we only look at
            connect_timeout=max(2, math.ceil(self._settings.timeout_s)),  # libpq's least is 2
            application_name="deploycheck",
            options=(
                "-c default_transaction_read_only=on "
                f"-c statement_timeout={self._settings.timeout_s * 1000:.0f}"
            ),
        )


def _host(dsn: str) -> str:
    """Return `host:port` of a connection string, and keep its password out of everything.

    Raises:
        InstrumentError: It is no connection string.
    """
    try:
        parts = psycopg.conninfo.conninfo_to_dict(dsn)
    except psycopg.ProgrammingError as error:
        raise InstrumentError("the database's connection string cannot be read") from error
    evidence.register_secret(str(parts.get("password") or ""))
    return f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}"


def _is_its_own_fault(error: psycopg.Error) -> bool:
    """Say whether the database, not our access to it, is to blame.

    libpq gives no code when it could not connect: then its words have to tell.
    """
    if error.sqlstate is not None:
        return error.sqlstate.startswith(_UNABLE)
    text = str(error).lower()
    return any(words in text for words in _UNABLE_WORDS)


def _reason(error: psycopg.Error) -> str:
    text = " ".join(str(error).split())
    told = error.sqlstate or ("refused" if _REFUSAL in text else "no answer")
    return evidence.redact(f"{text or type(error).__name__} ({told})")
