"""The body of an answer, as far as urllib3 brings it: its own timeout is for each piece alone."""

from __future__ import annotations

import time
from typing import Final

import urllib3
import urllib3.exceptions

MAX_BYTES: Final = 64 * 1024 * 1024
"""The most that is read of one answer: a page of large objects, a day of many series."""
_PIECE: Final = 65_536


def whole(response: urllib3.BaseHTTPResponse, *, started_s: float, timeout_s: float) -> bytes:
    """Return the unpacked body of a *response* that is not loaded yet; what drips is cut off.

    Args:
        response: As it comes without `preload_content`.
        started_s: When it was asked, on the monotonic clock.
        timeout_s: How long the whole answer may take.

    Raises:
        urllib3.exceptions.HTTPError: It is not complete, not in time, or too large.
    """
    data = bytearray()
    try:
        while piece := response.read1(_PIECE, decode_content=True):
            data += piece
            if len(data) > MAX_BYTES:
                raise urllib3.exceptions.HTTPError(f"more than {MAX_BYTES} bytes")
            if time.monotonic() - started_s > timeout_s:
                raise urllib3.exceptions.HTTPError(f"not complete after {timeout_s:g} s")
    finally:
        response.close()  # what was read to its end has given its connection back already
    return bytes(data)
