"""Asks a local server over httpx and nothing else: no plugin that uses it can be faster.

Arguments: the server's port, how many requests, its delay in milliseconds, how many threads. Each
thread has a transport of its own and all share a TLS context, as in the suites' client.
"""

from __future__ import annotations

import concurrent.futures
import json
import ssl
import sys
import threading
import time

import httpx

here = threading.local()
tls = ssl.create_default_context()


def ask(url: str, delay_ms: int) -> None:
    """Ask once, and look at the answer as the checks do."""
    if not hasattr(here, "wire"):
        here.wire = httpx.HTTPTransport(verify=tls, trust_env=False)
    begun_s = time.monotonic()
    answer = here.wire.handle_request(httpx.Request("GET", url))
    body = json.loads(answer.read())
    took_s = time.monotonic() - begun_s
    assert answer.status_code == 200  # noqa: S101
    assert body["status"] == "healthy"  # noqa: S101
    assert took_s < delay_ms / 1000 + 1.0  # noqa: S101


def main() -> None:
    """Ask, side by side."""
    port, count, delay_ms, threads = map(int, sys.argv[1:])
    url = f"http://127.0.0.1:{port}/{delay_ms}"
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for asked in [pool.submit(ask, url, delay_ms) for _ in range(count)]:
            asked.result()


if __name__ == "__main__":
    main()
