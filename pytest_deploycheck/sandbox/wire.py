"""A loopback port that can be open or refused, with a thread for each connection."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable

HOST = "127.0.0.1"


class Listener:
    """One server's port: reserved for life, listening only between `open` and `close`.

    A second socket stays bound to the port and never listens, so that a closed listener refuses
    connections as a stopped server does, and no other process can take its port meanwhile.

    Args:
        serve: Talks to one client until it hangs up.
        tls: The context for the next connection; None: plain TCP.
    """

    def __init__(
        self,
        serve: Callable[[socket.socket], None],
        *,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        self._serve = serve
        self._tls = tls
        self._reserved = self._bound(0)
        self.port: int = self._reserved.getsockname()[1]
        self._listening: socket.socket | None = None
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    @staticmethod
    def _bound(port: int) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((HOST, port))
        return bound

    def open(self) -> None:
        """Listen, if it does not already."""
        if self._listening is None:
            self._listening = self._bound(self.port)
            self._listening.listen(128)
            threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def close(self) -> None:
        """Refuse new connections and hang up on the present ones."""
        if self._listening is not None:
            _hang_up(self._listening)
            self._listening = None
        self.hang_up()

    def hang_up(self) -> None:
        """End every connection: what a client kept alive must not outlive a change."""
        with self._lock:
            for connection in self._connections:
                # The thread that serves it sees the end and closes it.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def release(self) -> None:
        """Close, and give the port back."""
        self.close()
        self._reserved.close()

    def _accept(self, listening: socket.socket) -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:  # it was closed
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self._tls is not None:
                connection = self._tls().wrap_socket(connection, server_side=True)
            with self._lock:
                self._connections.add(connection)
            self._serve(connection)
        except OSError:  # the client left, or would not accept the certificate
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            _hang_up(connection)


def _hang_up(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
