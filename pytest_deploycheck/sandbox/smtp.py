"""SMTP (RFC 5321) as far as a client that hands over a mail needs it."""

from __future__ import annotations

import base64
import binascii
import socket
from typing import BinaryIO

from pytest_deploycheck.sandbox.platform import Platform


def serve(platform: Platform, connection: socket.socket) -> None:
    """Talk to one client until it leaves."""
    with connection.makefile("rb") as reader:
        _Session(platform, reader, connection).run()


class _Session:
    def __init__(self, platform: Platform, reader: BinaryIO, connection: socket.socket) -> None:
        self._platform = platform
        self._reader = reader
        self._connection = connection
        self._let_in = False

    def run(self) -> None:
        self._say("220 sandbox ESMTP")
        while line := self._reader.readline():
            verb, _, rest = line.decode(errors="replace").strip().partition(" ")
            match verb.upper():
                case "EHLO":
                    self._say("250-sandbox", "250 AUTH PLAIN")
                case "HELO" | "RSET" | "NOOP":
                    self._say("250 sandbox")
                case "AUTH":
                    self._let_in = self._knows(rest)
                    self._say("235 2.7.0 ok" if self._let_in else "535 5.7.8 bad credentials")
                case "MAIL" | "RCPT" | "DATA" if not self._let_in:
                    self._say("530 5.7.0 authentication required")
                case "RCPT" if self._platform.business.refuses_mail:
                    self._say("550 5.1.1 mailbox unavailable")
                case "MAIL" | "RCPT":
                    self._say("250 2.1.0 ok")
                case "DATA":
                    self._say("354 go ahead")
                    self._keep()
                    self._say("250 2.0.0 queued")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("502 5.5.2 unknown command")

    def _keep(self) -> None:
        lines: list[str] = []
        while (line := self._reader.readline()) not in (b".\r\n", b""):
            lines.append(line.decode(errors="replace").removeprefix("."))
        if not self._platform.business.loses_mail:
            self._platform.business.mails.append("".join(lines))

    def _knows(self, rest: str) -> bool:
        mechanism, _, sent = rest.partition(" ")
        ours = self._platform.credentials
        try:
            words = base64.b64decode(sent, validate=True).decode().split("\0")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return mechanism.upper() == "PLAIN" and words[1:] == [ours.username, ours.mail_password]

    def _say(self, *lines: str) -> None:
        self._connection.sendall("".join(f"{line}\r\n" for line in lines).encode())
