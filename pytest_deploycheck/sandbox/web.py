"""HTTP/1.1 for every protocol that is JSON over HTTP.

The standard library's request handler does it in one screen, keeps connections alive and costs no
dependency; the servers differ only in the function from request to response.
"""

from __future__ import annotations

import dataclasses
import http.server
import json
import re
import socket
import socketserver
import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_deploycheck.sandbox.platform import Manner


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """What a client asked."""

    method: str
    path: str
    query: Mapping[str, str]
    """The parameters of the URL and of a form body; of a repeated one, the last."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> object:
        """Return the body's JSON value, None for anything that is not JSON."""
        try:
            value: object = json.loads(self.body)
        except ValueError:
            return None
        return value


@dataclasses.dataclass(frozen=True, kw_only=True)
class Response:
    """What the server answers."""

    status: int = 200
    body: str | bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def of(cls, value: object, *, status: int = 200) -> Response:
        """Answer with *value* as JSON."""
        return cls(status=status, body=json.dumps(value))


def speaker(
    answer: Callable[[Request], Response], manner: Callable[[], Manner]
) -> Callable[[socket.socket], None]:
    """Return what talks HTTP to one client: *answer*, unless the server's *manner* overrules it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "sandbox"
        sys_version = ""
        wbufsize = -1  # head and body leave in one packet

        def _answer(self) -> None:
            request = self._request()
            behaviour = manner()
            time.sleep(behaviour.delay_s)
            if re.fullmatch(behaviour.spares, request.path):
                response = answer(request)
            else:
                response = _overruled(answer, request, behaviour)
            self._send(response)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _answer  # noqa: N815 - names of http.server

        def _request(self) -> Request:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            pairs = parse_qsl(url.query, keep_blank_values=True)
            if self.headers.get_content_type() == "application/x-www-form-urlencoded":
                pairs += parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
            return Request(
                method=self.command,
                path=unquote(url.path),
                query=dict(pairs),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=body,
            )

        def _send(self, response: Response) -> None:
            body = response.body
            if isinstance(body, str):
                body = body.encode()
            about = {"Content-Type": response.media_type, "Content-Length": str(len(body))}
            self.send_response(response.status)
            for name, value in {**about, **response.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet: the run's own output is the user's."""

    # The handler wants a server only to keep a reference to it.
    server = socketserver.BaseServer(("", 0), Handler)

    def talk(connection: socket.socket) -> None:
        Handler(connection, ("", 0), server)

    return talk


def _overruled(
    answer: Callable[[Request], Response], request: Request, behaviour: Manner
) -> Response:
    """Return what a server with that *behaviour* makes of *answer*."""
    if behaviour.status is None:
        response = answer(request)
    else:
        response = Response(
            status=behaviour.status,
            body=behaviour.body,
            media_type=behaviour.media_type,
            headers=behaviour.headers,
        )
    return response if behaviour.alters is None else behaviour.alters(response)
