"""Where host names lead, by our own resolver: an instrument."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable

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


def strangers(found: Iterable[str], expected: Iterable[str]) -> tuple[str, ...]:
    """Return the addresses *found* that are none of *expected*, where these are addresses, too.

    None where one is a name: what a cloud's balancer is called leads elsewhere from time to time.
    Nor one of another version: what has an address for IPv6, too, need not tell it.
    """
    try:
        known = set(map(ipaddress.ip_address, expected))
    except ValueError:
        return ()
    versions = {address.version for address in known}
    return tuple(
        sorted(
            text
            for text in found
            for address in [ipaddress.ip_address(text.partition("%")[0])]
            if address not in known and address.version in versions
        )
    )
