"""A certificate authority for one sandbox, and the certificates its servers show."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import ssl

import trustme

HOSTS = ("localhost", "127.0.0.1")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Certificate:
    """What a server shows about itself."""

    days_left: float = 90.0
    """Negative: expired."""
    hosts: tuple[str, ...] = HOSTS
    trusted: bool = True
    """Signed by the authority that clients were told of."""


class Authority:
    """Signs certificates; *pem* is what clients trust."""

    def __init__(self) -> None:
        self._ours = trustme.CA()
        self.pem = self._ours.cert_pem.bytes()
        self.context = functools.lru_cache(self._context)

    def _context(self, certificate: Certificate) -> ssl.SSLContext:
        """Return the context of a server that shows *certificate*."""
        signer = self._ours if certificate.trusted else trustme.CA()
        now = datetime.datetime.now(datetime.UTC)
        signed = signer.issue_cert(
            *certificate.hosts,
            not_before=now - datetime.timedelta(days=300),
            not_after=now + datetime.timedelta(days=certificate.days_left),
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        signed.configure_cert(context)
        return context
