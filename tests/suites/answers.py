"""Answers that are no evidence: what becomes of a healthy sandbox's own, whoever asks it."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_deploycheck.domain.events import Attested, BaselineRecorded, Event, Revoked
from pytest_deploycheck.sandbox import artifacts
from pytest_deploycheck.sandbox.platform import Platform
from pytest_deploycheck.sandbox.web import Response

Alteration = Callable[[Response], Response]

#: What comes before any question, by server: who we are.
_WAYS: Final = {
    "api": "/api/auth/login",
    "cluster": "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    "repository": "/token",
}
#: The same, and the answers that lead to the next question: a commit by its tag, a board by its
#: title.
_LONG_WAYS: Final = {
    **_WAYS,
    "grafana": "/api/(search|dashboards/.*)",
    "repository": r"/token|/repos/.*/(commits/tags/|compare/).*",
}
#: What belongs to the form of an answer, not to what it says.
_FORM: Final = frozenset({"status", "kind", "apiVersion", "resultType", "resourceVersion"})
_TIMES: Final = frozenset({"timestamp", "checked_at", "last_updated", "calculation_timestamp"})
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_NUMBER: Final = re.compile(r"\b1[789]\d{8}(?:\d{3})?\b")
_OLDER_S: Final = 400 * 86_400
_STOPPED_S: Final = 3 * 3_600
_NOBODY: Final = Revoked(at_s=1.0, id="none", by="nobody", reason="none")


def says(body: str, media_type: str = "application/json") -> Callable[[Platform], None]:
    """Have every question answered with *body*: HTTP, SQL, Redis and the pipeline's reports."""
    values: Mapping[str, float | str | None] = {"null": None, "NaN": float("nan")}

    def alter(platform: Platform) -> None:
        _answer(platform, lambda _: Response(body=body, media_type=media_type), _WAYS)
        platform.database.has_rows = bool(body)
        _values(platform, values.get(body, body))
        platform.cache.returns = body.encode()

    return alter


def nan(platform: Platform) -> None:
    """Have it all be NaN; in Prometheus, which does say NaN, each value of a proper answer."""
    says("NaN")(platform)
    platform.servers["prometheus"].alters = _without_numbers


def hollow(platform: Platform) -> None:
    """Keep the form of each answer, with nothing in it: no row, no item, no value."""
    _answer(platform, _hollowed, _LONG_WAYS)
    _values(platform, None)
    platform.cache.forgets = True


def partial(platform: Platform) -> None:
    """End each answer in its middle."""
    _answer(platform, _halved, _LONG_WAYS)
    platform.database.errors = dict.fromkeys(
        platform.database.values, ("57P01", "terminating connection due to administrator command")
    )
    platform.cache.returns = b"half"


def stale(platform: Platform) -> None:
    """Let everything that bears a date be more than a year old, and Prometheus scrape no more."""
    said = platform.record
    _answer(platform, _aged, _WAYS)
    for name in ("cluster", "repository"):  # what they say is so now, whenever it became so
        platform.servers[name].alters = None
    for report in platform.reports.files:
        entry = platform.reports.entries.setdefault(report, {})
        entry["made_at"] = artifacts.ago(_OLDER_S)
    platform.metrics.stop(ago_s=_STOPPED_S)
    platform.record = [
        _before(event) if isinstance(event, Attested | BaselineRecorded) else event
        for event in said
    ]


def _answer(platform: Platform, alters: Alteration, spares: Mapping[str, str]) -> None:
    """Alter every answer over HTTP and every report; nobody has said or recorded anything."""
    for name, manner in platform.servers.items():
        manner.alters, manner.spares = alters, spares.get(name, "")
    reports = platform.reports
    for name, content in reports.files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        reports.files[name] = _text(alters(Response(body=text)))
    reports.calendar = _text(alters(Response(body=reports.calendar)))
    platform.record = [_NOBODY]


def _text(response: Response) -> str:
    body = response.body
    return body if isinstance(body, str) else body.decode(errors="replace")


def _values(platform: Platform, value: float | str | None) -> None:
    platform.database.values = dict.fromkeys(platform.database.values, value)


def _json(response: Response, change: Callable[[Any], Any]) -> Response:
    return dataclasses.replace(response, body=json.dumps(change(json.loads(response.body))))


def _without_numbers(response: Response) -> Response:
    try:
        changed = _json(response, _no_numbers)
    except ValueError:
        changed = response
    # What Prometheus tells of itself has no values.
    return changed if changed.body != response.body else Response(body="NaN")


def _no_numbers(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return what Prometheus says with each value NaN, and its time as it was."""
    match value:
        case dict():
            return {key: _no_numbers(one) for key, one in value.items()}
        case [int() | float() as at_s, str()]:
            return [at_s, "NaN"]
        case list():
            return [_no_numbers(one) for one in value]
    return value


def _hollowed(response: Response) -> Response:
    try:
        return _json(response, _emptied)
    except ValueError:
        root = re.match(r"\s*(?:<[?!][^>]*>\s*)*<(\w+)", _text(response))
        body = f"<{root[1]}></{root[1]}>" if root else ""
        return dataclasses.replace(response, body=body)


def _emptied(value: Any, key: str = "") -> Any:  # noqa: ANN401 - any JSON
    match value:
        case dict():
            return {name: _emptied(one, name) for name, one in value.items()}
        case list():
            return []
    return value if key in _FORM | _TIMES else None


def _halved(response: Response) -> Response:
    """Promise all of the body, send half of it, and hang up."""
    body = _text(response).encode()
    about = {"Content-Length": str(len(body)), "Connection": "close"}
    return dataclasses.replace(
        response, body=body[: len(body) // 2], headers={**response.headers, **about}
    )


def _aged(response: Response) -> Response:
    def older(found: re.Match[str]) -> str:
        when = datetime.datetime.fromisoformat(found[0]) - datetime.timedelta(seconds=_OLDER_S)
        return when.isoformat()

    def smaller(found: re.Match[str]) -> str:
        unit = 1 if len(found[0]) == len("1700000000") else 1000
        return str(int(found[0]) - _OLDER_S * unit)

    body = _NUMBER.sub(smaller, _ISO.sub(older, _text(response)))
    return dataclasses.replace(response, body=body)


def _before(event: Attested | BaselineRecorded) -> Event:
    if isinstance(event, Attested):
        return dataclasses.replace(event, at_s=event.at_s - _OLDER_S)
    return dataclasses.replace(
        event, from_s=event.from_s - _OLDER_S, until_s=event.until_s - _OLDER_S
    )
