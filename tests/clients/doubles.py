"""Settings and doubles for the tests of the clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import hypothesis

from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.http import HttpClient
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import DeploycheckError, SubjectError

USER_AGENT = "deploycheck-tests/1"
NOW_S = 1_800_000_000.0

#: How long an example takes is the machine's matter, and its neighbours'.
STEADY = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])

Handler = Callable[[httpx.Request], httpx.Response]


def http_client(
    handler: Handler | None = None,
    *,
    url: str = "https://api.test",
    blame: type[DeploycheckError] = SubjectError,
    slept: list[float] | None = None,
    **settings: Any,  # noqa: ANN401 - as the model takes them
) -> HttpClient:
    """Return a client whose wire is *handler*, or the real one."""
    return HttpClient(
        environment.Http(url=url, **{"rate_per_s": 10_000.0} | settings),
        user_agent=USER_AGENT,
        source="api",
        blame=blame,
        transport=None if handler is None else httpx.MockTransport(handler),
        sleep=(slept if slept is not None else []).append,
    )


def answer(body: object, *, media_type: str = "application/json", **fields: Any) -> Answer:  # noqa: ANN401
    """Return an answer with *body*: text as it is, anything else as JSON."""
    known: Mapping[str, Any] = {
        "method": "GET",
        "url": "https://api.test/path",
        "status": 200,
        "headers": {"content-type": media_type},
        "text": body if isinstance(body, str) else json.dumps(body),
        "at_s": NOW_S,
        "duration_s": 0.01,
        "tls_expires_at_s": None,
        "blame": SubjectError,
    }
    return Answer(**{**known, **fields})
