"""A server with known delays: `GET /MILLISECONDS` answers a little JSON after that long.

Run in a process of its own, it prints its port. It speaks as little HTTP as keep-alive clients
need, so that what is measured is the client.
"""

from __future__ import annotations

import asyncio
import sys

BODY = b'{"status": "healthy", "components": {"database": "up", "cache": "up"}}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
    len(BODY),
    BODY,
)


class Exchange(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to answer."""
        self.transport = transport
        self.received = b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request after its delay."""
        self.received += data
        while b"\r\n\r\n" in self.received:
            head, _, self.received = self.received.partition(b"\r\n\r\n")
            delay_s = int(head.split(b" ", 2)[1].lstrip(b"/") or 0) / 1000
            asyncio.get_running_loop().call_later(delay_s, self.answer)

    def answer(self) -> None:
        """Send the same answer as always."""
        if isinstance(self.transport, asyncio.WriteTransport) and not self.transport.is_closing():
            self.transport.write(ANSWER)


async def serve() -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Exchange, "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
