"""PostgreSQL's wire protocol 3.0, as far as a read-only client with single-value queries needs it.

No embeddable server exists for it: this speaks start-up, password, simple and extended queries.
"""

from __future__ import annotations

import dataclasses
import re
import socket
import struct
import time
from collections.abc import Iterator
from typing import BinaryIO

from pytest_deploycheck.sandbox.platform import Platform

_SSL_REQUEST, _GSS_REQUEST, _CANCEL_REQUEST = 80877103, 80877104, 80877102
_PARAMETERS = {
    "server_version": "15.8",
    "server_encoding": "UTF8",
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "TimeZone": "UTC",
    "integer_datetimes": "on",
    "standard_conforming_strings": "on",
}
#: Type of a value → PostgreSQL's type: oid and size.
_TYPES = {int: (20, 8), float: (701, 8), str: (25, -1), type(None): (20, 8)}
_CONTROL = re.compile(r"(BEGIN|START TRANSACTION|COMMIT|ROLLBACK|SET|DEALLOCATE|DISCARD)\b", re.I)
_WRITE = re.compile(r"(INSERT|UPDATE|DELETE|TRUNCATE|CREATE|DROP|ALTER|GRANT|COPY)\b", re.I)

Value = float | str | None


class _Error(Exception):
    """An answer that is an error: SQLSTATE and message."""


@dataclasses.dataclass(frozen=True)
class _Result:
    tag: str
    values: tuple[Value, ...] = ()
    """The one row, or after `SELECT 0` only its columns; empty: no rows are to be expected."""


def serve(platform: Platform, connection: socket.socket) -> None:
    """Talk to one client until it leaves."""
    with connection.makefile("rb") as reader:
        parameters = _start_up(reader, connection)
        if parameters is None:
            return
        try:
            _let_in(platform, parameters, reader, connection)
        except _Error as error:
            connection.sendall(_error(*error.args, severity="FATAL"))
            return
        _Session(platform, reader, connection).run()


def _start_up(reader: BinaryIO, connection: socket.socket) -> dict[str, str] | None:
    """Return the client's parameters, None when it leaves without a session."""
    while True:
        head = reader.read(8)
        if len(head) < 8:
            return None
        size, code = struct.unpack("!II", head)
        body = reader.read(size - 8)
        if code in (_SSL_REQUEST, _GSS_REQUEST):
            connection.sendall(b"N")
        elif code == _CANCEL_REQUEST:
            return None
        else:
            words = [word.decode() for word in body.rstrip(b"\0").split(b"\0")]
            return dict(zip(words[::2], words[1::2], strict=False))


def _let_in(
    platform: Platform, parameters: dict[str, str], reader: BinaryIO, connection: socket.socket
) -> None:
    if platform.database.refusal is not None:
        raise _Error(*platform.database.refusal)
    connection.sendall(_message(b"R", struct.pack("!I", 3)))
    kind, body = _read(reader)
    ours = platform.credentials
    sent = (parameters.get("user"), body.rstrip(b"\0").decode())
    if kind != b"p" or sent != (ours.username, ours.database_password):
        raise _Error("28P01", f'password authentication failed for user "{sent[0]}"')
    settings = (_message(b"S", _text(name, value)) for name, value in _PARAMETERS.items())
    connection.sendall(
        _message(b"R", struct.pack("!I", 0))
        + b"".join(settings)
        + _message(b"K", struct.pack("!II", 1, 1))
        + _message(b"Z", b"I")
    )


class _Session:
    """One client that has been let in."""

    def __init__(self, platform: Platform, reader: BinaryIO, connection: socket.socket) -> None:
        self._platform = platform
        self._reader = reader
        self._connection = connection
        self._status = b"I"
        self._prepared: dict[bytes, str] = {}
        self._portals: dict[bytes, str] = {}

    def run(self) -> None:
        """Answer message by message; after an error in the extended protocol, skip to its end."""
        skipping = False
        while True:
            kind, body = _read(self._reader)
            if kind in (b"", b"X"):
                return
            if kind == b"S":
                skipping = False
            if skipping:
                continue
            try:
                out = b"".join(self._answer(kind, body))
            except _Error as error:
                out = _error(*error.args)
                skipping = kind != b"Q"
                self._status = b"I" if self._status == b"I" else b"E"
                out += b"" if skipping else _message(b"Z", self._status)
            self._connection.sendall(out)

    def _answer(self, kind: bytes, body: bytes) -> Iterator[bytes]:
        match kind:
            case b"Q":
                for statement in filter(None, body.rstrip(b"\0").decode().split(";")):
                    result = self._execute(statement)
                    yield _described(result) if result.values else b""
                    yield _rows(result)
                yield _message(b"Z", self._status)
            case b"P":
                name, text, _ = body.split(b"\0", 2)
                self._prepared[name] = text.decode()
                yield _message(b"1", b"")
            case b"B":
                portal, name, _ = body.split(b"\0", 2)
                self._portals[portal] = self._prepared[name]
                yield _message(b"2", b"")
            case b"D":
                known = self._prepared if body[:1] == b"S" else self._portals
                result = self._result(known[body[1:-1]])
                yield _message(b"t", struct.pack("!H", 0)) if body[:1] == b"S" else b""
                yield _described(result) if result.values else _message(b"n", b"")
            case b"E":
                yield _rows(self._execute(self._portals[body.split(b"\0", 1)[0]]))
            case b"S":
                yield _message(b"Z", self._status)
            case b"C":
                yield _message(b"3", b"")

    def _execute(self, statement: str) -> _Result:
        result = self._result(statement)
        if result.tag in ("BEGIN", "START TRANSACTION"):
            self._status = b"T"
        elif result.tag in ("COMMIT", "ROLLBACK"):
            self._status = b"I"
        elif result.values:
            time.sleep(self._platform.database.delay_s)
        return result

    def _result(self, statement: str) -> _Result:
        text = " ".join(statement.split())
        if control := _CONTROL.match(text):
            return _Result(control[0].upper())
        if self._status == b"E":
            raise _Error("25P02", "current transaction is aborted, commands ignored until its end")
        database = self._platform.database
        name = next((key for key in database.values if key in text), None)
        if name is None or _WRITE.match(text):
            if write := _WRITE.match(text):
                verb = write[0].upper()
                raise _Error("25006", f"cannot execute {verb} in a read-only transaction")
            raise _Error("0A000", f"the sandbox does not know this statement: {text}")
        self._platform.asked(f"database {name}")
        if name in database.errors:
            raise _Error(*database.errors[name])
        tag = "SELECT 1" if database.has_rows else "SELECT 0"
        return _Result(tag, (database.values[name],))


def _read(reader: BinaryIO) -> tuple[bytes, bytes]:
    """Return the next message's kind and content; both empty when the client has left."""
    head = reader.read(5)
    if len(head) < 5:
        return b"", b""
    return head[:1], reader.read(struct.unpack("!I", head[1:])[0] - 4)


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _text(*words: str) -> bytes:
    return b"".join(word.encode() + b"\0" for word in words)


def _error(sqlstate: str, message: str, *, severity: str = "ERROR") -> bytes:
    return _message(
        b"E", _text(f"S{severity}", f"V{severity}", f"C{sqlstate}", f"M{message}") + b"\0"
    )


def _described(result: _Result) -> bytes:
    columns = b""
    for value in result.values:
        oid, size = _TYPES[type(value)]
        columns += _text("value") + struct.pack("!IHIhiH", 0, 0, oid, size, -1, 0)
    return _message(b"T", struct.pack("!H", len(result.values)) + columns)


def _rows(result: _Result) -> bytes:
    """Return the row, if there is one, and the end of the command."""
    row = struct.pack("!H", len(result.values))
    for value in result.values:
        text = b"" if value is None else str(value).encode()
        row += struct.pack("!i", -1 if value is None else len(text)) + text
    end = _message(b"C", _text(result.tag))
    return _message(b"D", row) + end if result.tag == "SELECT 1" else end
