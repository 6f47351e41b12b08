"""Redis's wire protocol, RESP 2 and 3: the handshake, strings that expire, and INFO.

No embeddable server exists for it that would not bring its own database along.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from typing import BinaryIO

from pytest_deploycheck.sandbox.platform import Cache, Platform

_OK = b"+OK\r\n"
#: What a client may say before it has given the password.
_HANDSHAKE = frozenset({"HELLO", "AUTH", "QUIT"})


class _Error(Exception):
    """An answer that is an error."""


def serve(platform: Platform, connection: socket.socket) -> None:
    """Talk to one client until it leaves."""
    session = _Session(platform)
    with connection.makefile("rb") as reader:
        while words := _read(reader):
            time.sleep(platform.servers["cache"].delay_s)
            try:
                out = session.answer(words[0].decode().upper(), words[1:])
            except _Error as error:
                out = f"-{error}\r\n".encode()
            connection.sendall(out)
            if words[0].upper() == b"QUIT":
                return


class _Session:
    """One client, and whether it has given the password."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._cache: Cache = platform.cache
        self._let_in = False
        self._protocol = 2
        self._commands: Mapping[str, Callable[[list[bytes]], bytes]] = {
            "HELLO": self._hello,
            "AUTH": self._auth,
            "QUIT": lambda _: _OK,
            "SELECT": lambda _: _OK,
            "CLIENT": self._client,
            "PING": lambda words: _bulk(words[0]) if words else b"+PONG\r\n",
            "ECHO": lambda words: _bulk(words[0]),
            "INFO": lambda _: _bulk(_info(self._cache)),
            "DBSIZE": lambda _: _number(len(self._cache.data)),
            "GET": lambda words: self._bulk_or_null(self._cache.get(words[0])),
            "SET": self._set,
            "DEL": lambda words: _number(sum(self._cache.drop(word) for word in words)),
            "EXISTS": lambda words: _number(
                sum(self._cache.get(word) is not None for word in words)
            ),
            "TTL": self._ttl,
        }

    def answer(self, command: str, words: list[bytes]) -> bytes:
        """Return the bytes that answer a command."""
        if not self._let_in and command not in _HANDSHAKE:
            raise _Error("NOAUTH Authentication required.")
        error = self._cache.errors.get(command, self._cache.refusal)
        if error is not None and command not in (*_HANDSHAKE, "CLIENT"):
            raise _Error(error)
        if command not in self._commands:
            raise _Error(f"ERR unknown command '{command}'")
        self._platform.asked(f"cache {command}")
        try:
            return self._commands[command](words)
        except (IndexError, ValueError) as wrong:
            raise _Error(f"ERR wrong arguments for '{command.lower()}' command") from wrong

    def _hello(self, words: list[bytes]) -> bytes:
        protocol = int(words[0]) if words else self._protocol
        options = [word.upper() for word in words[1:]]
        if b"AUTH" in options:
            at = options.index(b"AUTH") + 1
            self._auth(words[1:][at + 1 : at + 2])
        if not self._let_in:
            raise _Error("NOAUTH HELLO must be called with the client already authenticated")
        self._protocol = protocol
        about = {"server": "redis", "version": "7.2.5", "mode": "standalone", "role": "master"}
        pairs = b"".join(_bulk(k.encode()) + _bulk(v.encode()) for k, v in about.items())
        pairs += _bulk(b"proto") + _number(protocol) + _bulk(b"id") + _number(1)
        size = len(about) + 2
        return (b"%%%d\r\n" % size if protocol == 3 else b"*%d\r\n" % (2 * size)) + pairs

    def _auth(self, words: list[bytes]) -> bytes:
        if not words or words[-1].decode() != self._platform.credentials.cache_password:
            raise _Error("WRONGPASS invalid username-password pair or user is disabled.")
        self._let_in = True
        return _OK

    def _client(self, words: list[bytes]) -> bytes:
        if words[0].upper() in (b"SETINFO", b"SETNAME"):
            return _OK
        raise _Error(f"ERR unknown subcommand '{words[0].decode()}'")

    def _set(self, words: list[bytes]) -> bytes:
        key, value, *options = words
        upper = [option.upper() for option in options]
        if b"NX" in upper and self._cache.get(key) is not None:
            return self._bulk_or_null(None)
        life_s = None
        for unit, per_s in ((b"EX", 1.0), (b"PX", 1000.0)):
            if unit in upper:
                life_s = int(options[upper.index(unit) + 1]) / per_s
        self._cache.put(key, value, life_s)
        return _OK

    def _ttl(self, words: list[bytes]) -> bytes:
        if self._cache.get(words[0]) is None:
            return _number(-2)
        until_s = self._cache.data[words[0]][1]
        return _number(-1 if until_s is None else round(until_s - time.time()))

    def _bulk_or_null(self, value: bytes | None) -> bytes:
        if value is None:
            return b"_\r\n" if self._protocol == 3 else b"$-1\r\n"
        return _bulk(value)


def _read(reader: BinaryIO) -> list[bytes]:
    """Return the words of the next command; none when the client has left."""
    head = reader.readline()
    if not head.startswith(b"*"):
        return head.split()  # typed by hand
    words = []
    for _ in range(int(head[1:])):
        size = int(reader.readline()[1:])
        words.append(reader.read(size + 2)[:-2])
    return words


def _bulk(value: bytes) -> bytes:
    return b"$%d\r\n%s\r\n" % (len(value), value)


def _number(value: int) -> bytes:
    return b":%d\r\n" % value


def _info(cache: Cache) -> bytes:
    lines = [f"{name}:{value}" for name, value in cache.info.items()]
    return "\r\n".join(["# Sandbox", *lines, ""]).encode()
