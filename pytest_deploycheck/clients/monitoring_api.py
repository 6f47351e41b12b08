"""JSON over HTTP as monitoring systems speak it, with the environment's credentials."""

from __future__ import annotations

import base64
import http
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import httpx

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.clocks import MAX_SKEW_S
from pytest_deploycheck.clients.http import REFUSED, HttpClient
from pytest_deploycheck.clients.shapes import read
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError, SubjectError

_S = TypeVar("_S")


class JsonApi:
    """Asks one monitoring system; opened without I/O, safe to use from many threads.

    Args:
        settings: Where it is, and how we prove who we are.
        source: The fixture's name, for the evidence.
        user_agent: Who we say we are.
        blame: Who is to blame for a silence; in the checks that are about it, it is the subject.
        transport: Replaces the wire, in tests; None: the wire.
    """

    def __init__(
        self,
        settings: environment.Http,
        *,
        source: str,
        user_agent: str,
        blame: type[DeploycheckError] = SubjectError,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self._settings = settings
        self._blame = blame
        self._http = HttpClient(
            settings, user_agent=user_agent, source=source, blame=blame, transport=transport
        )

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: Mapping[str, Any] | Sequence[Any] | None = None,
    ) -> Answer:
        """Ask, and return an answer of status 200.

        Raises:
            DeploycheckError: Silence, or another status: the blamed one.
            InstrumentError: It refuses our credentials, or asks us to slow down; its clock is not
                ours, by which nobody can tell how old anything is that it says.
        """
        headers = _authorization(self._settings)
        answer = self._http.send(method, path, headers=headers, body=body)
        asked = f"{answer.method} {answer.url}: found {answer.status}"
        if answer.status in REFUSED:
            raise InstrumentError(f"{asked}, it refuses our credentials")
        if answer.status != http.HTTPStatus.OK:
            raise self._blame(f"{asked} {evidence.shown(answer.text)}, expected 200")
        if abs(answer.skew_s) > MAX_SKEW_S:
            raise InstrumentError(
                f"{answer.method} {answer.url}: found its clock {answer.skew_s:+.0f} s from ours, "
                f"expected at most {MAX_SKEW_S:g} s; set the clock that is wrong"
            )
        return answer

    def read(
        self,
        path: str,
        shape: type[_S],
        what: str,
        *,
        method: str = "GET",
        body: Mapping[str, Any] | Sequence[Any] | None = None,
    ) -> _S:
        """Ask for JSON and return it as *shape*.

        Raises:
            DeploycheckError: As `ask`, or no JSON: the blamed one.
            InstrumentError: As `ask`, or JSON of another shape.
        """
        answer = self.ask(path, method=method, body=body)
        return read(shape, answer.json, where=f"{answer.method} {answer.url}", what=what)

    def close(self) -> None:
        """Close every connection."""
        self._http.close()


def _authorization(settings: environment.Http) -> dict[str, str]:
    """Return the header that proves who we are; none where the environment names nothing."""
    if settings.token_env is not None:
        return {"Authorization": f"Bearer {evidence.secret_from(settings.token_env)}"}
    if settings.username_env is not None and settings.password_env is not None:
        user = evidence.variable_from(settings.username_env)
        word = evidence.secret_from(settings.password_env)
        pair = base64.b64encode(f"{user}:{word}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {}
