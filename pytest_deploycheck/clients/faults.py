"""Whose fault a silence is: what went wrong below the protocol, in words, and who is to blame."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from typing import Final

from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError

#: OpenSSL's verify codes that speak of the certificate itself; any other may be our missing CA.
_BAD_CERTIFICATE: Final = {
    9: "its certificate is not valid yet",
    10: "its certificate has expired",
    23: "its certificate is revoked",
    62: "its certificate is for another host name",
    64: "its certificate is for another address",
}

#: Those of them that our own clock decides.
_BY_THE_CLOCK: Final = {9, 10}

_OURS: Final = {
    errno.EACCES,
    errno.EADDRNOTAVAIL,
    errno.EMFILE,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.ENFILE,
    errno.EPERM,
}
"""Our machine could not even try."""


def fault(
    error: BaseException, blame: type[DeploycheckError]
) -> tuple[type[DeploycheckError], str]:
    """Say who is to blame for *error*, and why, in a few words.

    Args:
        error: What the library below raised.
        blame: Who is to blame unless the fault may be ours: our DNS, our CA, our network.
    """
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            known = _BAD_CERTIFICATE.get(cause.verify_code)
            if known is not None:
                return blame, known
            return InstrumentError, (
                f"its certificate cannot be verified ({cause.verify_message}): "
                "is the right ca_file set?"
            )
        if isinstance(cause, socket.gaierror):
            return InstrumentError, f"its name cannot be resolved ({cause.strerror})"
        if isinstance(cause, OSError) and cause.errno in _OURS:
            return InstrumentError, f"our network refuses ({cause.strerror})"
        if isinstance(cause, ConnectionRefusedError):
            return blame, "connection refused"
    return blame, f"{type(error).__name__}: {error}".rstrip(": ")


def bad_certificate(error: BaseException) -> str:
    """Say what is wrong with the certificate for which *error* was raised; empty: nothing is.

    One that cannot be verified is not among it: our CA may be missing.
    """
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _BAD_CERTIFICATE.get(cause.verify_code, "")
    return ""


def by_the_clock(error: BaseException) -> bool:
    """Say whether *error* is about the dates of a certificate, which our clock is held against."""
    return any(
        isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in _BY_THE_CLOCK
        for cause in _chain(error)
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield *error* and everything it comes from, nearest first, each once."""
    waiting, seen = [error], set[int]()
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        inner = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
        waiting += [cause for cause in inner if isinstance(cause, BaseException)]
