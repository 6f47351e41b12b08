"""Redis, asked directly: an instrument, unless a check is about it."""

from __future__ import annotations

import contextlib
import copy
import secrets
import threading
import time
from collections.abc import Iterator
from typing import Final

import redis
import redis.backoff
import redis.retry

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.faults import fault
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError, SubjectError

SCRATCH_LIFE_S: Final = 10
"""How long a key of ours lives at most."""
THREADS: Final = 32
"""Connections kept."""


class Cache:
    """Asks Redis; opened without I/O, safe to use from many threads.

    Args:
        settings: The environment's `[cache]`.
    """

    def __init__(self, settings: environment.Cache) -> None:
        self._settings = settings
        self._blame: type[DeploycheckError] = InstrumentError
        self._lock = threading.Lock()
        self._client: redis.Redis | None = None

    def as_subject(self) -> Cache:
        """Return the same cache as what is judged: its silence is its own fault.

        A wrong password is always ours.
        """
        self._connected()
        subject = copy.copy(self)
        subject._blame = SubjectError
        return subject

    def ping(self) -> bool:
        """Say whether it answers a PING with PONG.

        Raises:
            SubjectError: It is silent or unable, and the subject.
            InstrumentError: The same, and an instrument; or the fault may be ours.
        """
        with self._noting("PING") as answers:
            answers.append(bool(self._connected().ping()))
        return answers[-1] is True

    def info(self, section: str) -> dict[str, object]:
        """Return a section of INFO, such as `persistence`.

        Raises:
            SubjectError: It is silent or unable, and the subject.
            InstrumentError: The same, and an instrument; or the fault may be ours.
        """
        found: dict[str, object] = {}
        with self._noting(f"INFO {section}") as answers:
            found.update(self._connected().info(section))
            answers.append(found)
        return found

    def echo(self) -> tuple[str, str]:
        """Write a key of our own, read it, delete it: return what was written and what was read.

        This writes: the key is new, lives SCRATCH_LIFE_S at most, and is deleted at once.

        Raises:
            SubjectError: It is silent or unable, and the subject.
            InstrumentError: The same, and an instrument; or the fault may be ours.
        """
        key, written = f"deploycheck:{secrets.token_hex(8)}", secrets.token_hex(8)
        client = self._connected()
        try:
            with self._noting(f"SET {key} {written} EX {SCRATCH_LIFE_S} NX") as answers:
                answers.append(client.set(key, written, ex=SCRATCH_LIFE_S, nx=True))
            with self._noting(f"GET {key}") as answers:
                answers.append(client.get(key))
            read = answers[-1]
        finally:
            with contextlib.suppress(redis.RedisError):  # it ends by itself
                client.delete(key)
        return written, read.decode("utf-8", "replace") if isinstance(read, bytes) else ""

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self) -> redis.Redis:
        """Return the client, made when first asked for."""
        with self._lock:
            if self._client is None:
                timeout_s = self._settings.timeout_s
                try:
                    self._client = redis.Redis.from_url(
                        evidence.secret_from(self._settings.url_env),
                        socket_timeout=timeout_s,
                        socket_connect_timeout=timeout_s,
                        max_connections=THREADS * 2,
                        retry=redis.retry.Retry(redis.backoff.NoBackoff(), 0),
                        client_name="deploycheck",
                    )
                except ValueError as error:
                    raise InstrumentError(f"{self._settings.url_env}: {error}") from error
                known = self._client.get_connection_kwargs().get("password")
                evidence.register_secret(str(known or ""))
            return self._client

    @contextlib.contextmanager
    def _noting(self, command: str) -> Iterator[list[object]]:
        """Note *command* and the answer put into the list; say whose fault a silence is."""
        known = self._connected().get_connection_kwargs()
        host = f"{known.get('host', 'localhost')}:{known.get('port', 6379)}"
        answers: list[object] = []
        started_s = time.monotonic()
        try:
            yield answers
        except redis.RedisError as error:
            evidence.note("cache", command, f"{type(error).__name__}: {error}")
            ours = redis.AuthenticationError | redis.exceptions.NoPermissionError
            refused = isinstance(error, ours) or "NOAUTH" in str(error)
            spoken = refused or isinstance(error, redis.exceptions.BusyLoadingError)
            silent = isinstance(error, redis.ConnectionError | redis.TimeoutError) and not spoken
            (evidence.silent if silent else evidence.answered)(host)
            blame, reason = fault(error, InstrumentError if refused else self._blame)
            raise blame(f"cache {host}, {command.split()[0]}: {evidence.redact(reason)}") from error
        evidence.answered(host)
        evidence.note("cache", command, repr(answers), time.monotonic() - started_s)
