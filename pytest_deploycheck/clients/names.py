"""Where host names lead, by our own resolver: an instrument."""

from __future__ import annotations

import socket

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.domain.errors import InstrumentError


def addresses_of(name: str) -> frozenset[str]:
    """Return the IP addresses that *name* leads to; of an address that is itself.

    Raises:
        InstrumentError: Our resolver knows none, which may be its own fault.
    """
    request = f"resolve {name}"
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:  # the latter: it is no name at all
        evidence.note("names", request, f"no answer: {error}")
        raise InstrumentError(f"{name} cannot be resolved ({error}); is it our DNS?") from error
    addresses = frozenset(str(place[0]) for *_, place in found)
    evidence.note("names", request, ", ".join(sorted(addresses)))
    return addresses
