"""The image registry, by the OCI distribution API: does an image exist, and which one is it?"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import httpx
from pydantic import AliasChoices, Field

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.http import HttpClient
from pytest_deploycheck.clients.shapes import Shape, read
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError

_MANIFESTS: Final = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


class _Token(Shape):
    token: str = Field(validation_alias=AliasChoices("token", "access_token"))
    """Registries use either name, or both for the same."""


class Registry:
    """Asks a registry for digests; opened without I/O.

    Args:
        settings: The environment's `[repository.registry]`.
        user_agent: Who we say we are.
        transport: Replaces the wire, in tests; None: the wire.
    """

    def __init__(
        self,
        settings: environment.Registry,
        *,
        user_agent: str,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self._settings = settings
        self._http = HttpClient(
            settings,
            user_agent=user_agent,
            source="registry",
            blame=InstrumentError,
            transport=transport,
        )

    def digest(self, reference: str) -> str | None:
        """Return the digest of the image *reference*, None when there is none of that name.

        Raises:
            InstrumentError: No usable answer; another registry holds it.
        """
        name, tag = self._parts(reference)
        path = f"v2/{name}/manifests/{tag}"
        answer = self._http.send("HEAD", path, headers={"Accept": _MANIFESTS})
        if answer.status == httpx.codes.UNAUTHORIZED:
            bearer = {"Accept": _MANIFESTS, "Authorization": f"Bearer {self._token(answer)}"}
            answer = self._http.send("HEAD", path, headers=bearer)
        if answer.status == httpx.codes.NOT_FOUND:
            return None
        digest = answer.headers.get("docker-content-digest", "")
        if answer.status != httpx.codes.OK or not digest.startswith("sha256:"):
            raise InstrumentError(
                f"HEAD {answer.url}: found status {answer.status} and digest "
                f"{evidence.shown(digest)}, expected 200 and a digest"
            )
        return digest

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def _parts(self, reference: str) -> tuple[str, str]:
        """Split an image reference into its name in the registry, and its tag or digest."""
        host, _, rest = reference.partition("/")
        if host not in self._settings.hosts:
            raise InstrumentError(
                f"image {reference}: expected it in {' or '.join(self._settings.hosts)}"
            )
        if "@" in rest:
            name, _, tag = rest.partition("@")
            return name.partition(":")[0], tag
        name, _, tag = rest.partition(":")
        return name, tag or "latest"

    def _token(self, refusal: Answer) -> str:
        """Ask for a token where the registry's refusal sends us."""
        asked = dict(re.findall(r'(\w+)="([^"]*)"', refusal.headers.get("www-authenticate", "")))
        realm = asked.pop("realm", "")
        if httpx.URL(realm).netloc != httpx.URL(self._settings.url).netloc:
            raise InstrumentError(
                f"HEAD {refusal.url}: found 401 and realm {evidence.shown(realm)}, "
                "expected one at its host"
            )
        answer = self._http.send("GET", f"{realm}?{urlencode(asked)}", headers=self._login())
        if answer.status != httpx.codes.OK:
            raise InstrumentError(f"GET {answer.url}: found {answer.status}, expected a token")
        token = read(_Token, answer.json, where=f"GET {answer.url}", what="a token").token
        evidence.register_secret(token)
        return token

    def _login(self) -> Mapping[str, str]:
        settings = self._settings
        if settings.token_env is None:
            return {}
        user = evidence.variable_from(settings.username_env) if settings.username_env else "token"
        pair = f"{user}:{evidence.secret_from(settings.token_env)}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
