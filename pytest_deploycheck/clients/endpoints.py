"""Asks what the environment's endpoint map names, and holds the answer against it."""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import httpx

from pytest_deploycheck.clients import health, rates
from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.clocks import MAX_SKEW_S, skew_s
from pytest_deploycheck.clients.evidence import shown
from pytest_deploycheck.clients.http import HttpClient
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError
from pytest_deploycheck.domain.near import meant
from pytest_deploycheck.domain.units import spoken_time


class Endpoints:
    """A subject with an endpoint map; opened without I/O, safe to use from many threads.

    Args:
        settings: Where it is, and its endpoints.
        user_agent: Who we say we are.
        source: The fixture's name, for the evidence.
        transport: Replaces the wire, in tests.
        clock: Unix seconds.
    """

    def __init__(
        self,
        settings: environment.Api | environment.Frontend,
        *,
        user_agent: str,
        source: str,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._http = HttpClient(
            settings,
            user_agent=user_agent,
            source=source,
            blame=SubjectError,
            transport=transport,
        )
        self._endpoints = settings.endpoints
        self._values = settings.values if isinstance(settings, environment.Api) else {}
        self._clock = clock
        self.source = source

    def call(
        self,
        name: str,
        *,
        body: Mapping[str, Any] | None = None,
        at: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask the endpoint *name*, and return its answer once it is all that the map demands.

        That is: status, media type, the values under `expect`, the texts under `contains`; of a
        health report also that it is fresh, names every component, and calls each one healthy.

        Args:
            name: As the endpoint map calls it.
            body: Sent as JSON, besides the map's own.
            at: What to put for each `{name}` in the path.

        Raises:
            SubjectError: Silence, or an answer that is not as demanded; it names each difference.
            InstrumentError: The fault may be ours; or all is well but for clocks that differ.
        """
        endpoint = self._endpoint(name)
        answer = self.ask(name, body=body, at=at)
        now_s = self._clock()
        self._demand(answer, _basics(answer, endpoint))
        found = list(_differences(answer, self._filled_in(endpoint)))
        if not found:
            _demand_one_clock(answer, endpoint, now_s)
        self._demand(answer, [*found, *_too_old(answer, endpoint, now_s)])
        return answer

    def health(self, name: str) -> health.HealthReport:
        """Return what the health report *name* says, for questions about parts of it.

        Only the status, the form and the age are judged here; what it says is for the check.

        Raises:
            SubjectError: Silence, no health report, or an old one.
            InstrumentError: The fault may be ours, or our clock differs from the server's.
        """
        endpoint = self._endpoint(name)
        answer = self.ask(name)
        now_s = self._clock()
        self._demand(answer, _basics(answer, endpoint))
        _demand_one_clock(answer, endpoint, now_s)
        self._demand(answer, _too_old(answer, endpoint, now_s))
        return _report(answer, endpoint)

    def ask(
        self,
        name: str,
        *,
        body: Mapping[str, Any] | None = None,
        at: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask the endpoint *name* and return whatever comes back; arguments as in `call`.

        Raises:
            SubjectError: Silence.
            InstrumentError: The fault may be ours: refused credentials, too many requests.
        """
        return self._send(self._endpoint(name), body=body, at=at)

    def key(self, name: str, meaning: str) -> str:
        """Return where the answer of the endpoint *name* has what the suites call *meaning*.

        Raises:
            InstrumentError: The endpoint map does not say.
        """
        keys = self._endpoint(name).keys
        try:
            return keys[meaning]
        except KeyError:
            raise unknown(f"{self.source}.endpoints.{name}.keys", meaning, keys) from None

    @property
    def rate_per_s(self) -> float:
        """How often it may be asked, over all threads."""
        return rates.cap_of(self._http.host, self._http.settings.rate_per_s).rate_per_s

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def _endpoint(self, name: str) -> environment.Endpoint:
        try:
            return self._endpoints[name]
        except KeyError:
            raise unknown(f"{self.source}.endpoints", name, self._endpoints) from None

    def _filled_in(self, endpoint: environment.Endpoint) -> environment.Endpoint:
        """Return *endpoint* with our values in what it expects, as they are in its path."""
        expect = {
            path: self._values.get(wanted[1:-1], wanted)
            if isinstance(wanted, str) and wanted[:1] + wanted[-1:] == "{}"
            else wanted
            for path, wanted in endpoint.expect.items()
        }
        return endpoint.model_copy(update={"expect": expect})

    def _send(
        self,
        endpoint: environment.Endpoint,
        *,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        at: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send what the endpoint map and the caller say; *headers* go besides the map's."""
        return self._http.send(
            endpoint.method,
            _filled(endpoint.path, {**self._values, **(at or {})}),
            headers={**endpoint.headers, **(headers or {})},
            body=endpoint.body if body is None else {**(endpoint.body or {}), **body},
        )

    def _demand(self, answer: Answer, problems: Iterable[str]) -> None:
        found = list(problems)
        if found:
            raise SubjectError(f"{answer.method} {answer.url}: {'; '.join(found)}")


def _filled(path: str, at: Mapping[str, str]) -> str:
    """Put values into a path; they may come from a target, so none of them gets out of its place.

    Raises:
        InstrumentError: The path wants another value than there is.
    """
    quoted = {name: urllib.parse.quote(value, safe="") for name, value in at.items()}
    try:
        return path.format_map(quoted)
    except (KeyError, ValueError, IndexError) as error:
        raise InstrumentError(f"path {path!r} takes other values than {sorted(at)}") from error


def unknown(table: str, name: str, have: Collection[str]) -> InstrumentError:
    """Say that the environment's *table* has no *name*, and what comes near."""
    hint = meant(name, have) or f"; it has {', '.join(have) or 'none'}"
    return InstrumentError(f"[{table}] has no {name!r}{hint}")


def _basics(answer: Answer, endpoint: environment.Endpoint) -> Iterator[str]:
    """Yield what is wrong before anybody reads the body."""
    if answer.status not in endpoint.expect_status:
        wanted = " or ".join(map(str, endpoint.expect_status))
        goes = f" to {answer.headers['location']}" if "location" in answer.headers else ""
        yield f"found status {answer.status}{goes}, expected {wanted}"
    elif answer.media_type != endpoint.expect_type and endpoint.method != "HEAD":
        found = answer.media_type or "no media type"
        yield f"found {found}, expected {endpoint.expect_type}"


def _differences(answer: Answer, endpoint: environment.Endpoint) -> Iterator[str]:
    """Yield what the body lacks."""
    for path, wanted in endpoint.expect.items():
        found = answer.value(path)
        if not same(found, wanted):
            yield f"{path}: found {shown(found)}, expected {wanted!r}"
    for text in endpoint.contains:
        if text not in answer.text:
            yield f"expected the text {text!r}, found none in {len(answer.text)} characters"
    if endpoint.healthy:
        yield from _report(answer, endpoint).problems(endpoint.components)


def same(found: object, wanted: Any) -> bool:  # noqa: ANN401 - any value of TOML
    """Compare without Python's belief that 1 is True."""
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


def _demand_one_clock(answer: Answer, endpoint: environment.Endpoint, now_s: float) -> None:
    """Refuse to tell an answer's age where the server's clock and ours, *now_s*, differ.

    The report of a platform that hangs would be fresh by a clock that is slow.

    Raises:
        InstrumentError: They do, by the `Date` that it sends; one of the two must be set.
    """
    served_s = answer.served_at_s
    if endpoint.max_age_s is None or served_s is None:
        return
    ahead_s = skew_s(served_s, from_s=now_s - answer.duration_s, until_s=now_s)
    if abs(ahead_s) > MAX_SKEW_S:
        raise InstrumentError(
            f"{answer.method} {answer.url}: found Date {shown(answer.headers['date'])}, "
            f"{ahead_s:+.0f} s from {spoken_time(now_s)} by our clock, expected at most "
            f"{MAX_SKEW_S:g} s: how old its report is cannot be told; set the clock that is wrong"
        )


def _too_old(answer: Answer, endpoint: environment.Endpoint, now_s: float) -> Iterator[str]:
    """Yield when the answer's own time is missing, old, or in the future."""
    if endpoint.max_age_s is None:
        return
    at_s = health.written_at_s(answer.json, endpoint.keys.get("timestamp"))
    if at_s is None:
        yield f"expected a timestamp of the last {endpoint.max_age_s:g} s, found none"
    elif not abs(now_s - at_s) <= endpoint.max_age_s:
        age_s = now_s - at_s
        yield f"found a timestamp {age_s:.0f} s old, expected at most {endpoint.max_age_s:g} s"


def _report(answer: Answer, endpoint: environment.Endpoint) -> health.HealthReport:
    keys: Mapping[str, str] = endpoint.keys
    try:
        return health.parse(answer.json, healthy=endpoint.healthy, keys=keys)
    except ValueError as error:
        raise SubjectError(f"{answer.method} {answer.url}: {error}") from error
