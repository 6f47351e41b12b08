"""The wire to Prometheus: what prometheus-api-client and requests lack between them."""

from __future__ import annotations

import datetime as dt
import email.utils
import io
import itertools
import threading
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import requests
import urllib3
import urllib3.exceptions
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException

from pytest_deploycheck.clients import bodies, evidence, rates
from pytest_deploycheck.clients.clocks import MAX_SKEW_S
from pytest_deploycheck.clients.faults import fault
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.units import spoken_time


class Answers:
    """Turns what the libraries raise into an InstrumentError about *query*."""

    def __init__(self, query: str) -> None:
        self._query = query

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        """Translate.

        Raises:
            InstrumentError: No usable answer.
        """
        if isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError):
            _, reason = fault(error, InstrumentError)
            raise InstrumentError(f"Prometheus: no answer, {reason}: {self._query}") from error
        if isinstance(error, PrometheusApiClientException | KeyError | TypeError | ValueError):
            text = evidence.shortened(str(error), 300)
            raise InstrumentError(
                f"Prometheus: no usable answer ({text}): {self._query}"
            ) from error


class Session(requests.Session):
    """What prometheus-api-client lacks: a timeout, a look at warnings, manners, and notes."""

    def __init__(
        self,
        settings: environment.Prometheus,
        user_agent: str,
        clock: Callable[[], float],
    ) -> None:
        super().__init__()
        self.trust_env = False  # as in http.py: no proxy, no .netrc
        self.headers["User-Agent"] = user_agent
        self.verify = settings.ca_file or True
        self._settings = settings
        self._clock = clock
        if settings.token_env is not None:
            self.headers["Authorization"] = f"Bearer {evidence.secret_from(settings.token_env)}"
        elif settings.username_env is not None and settings.password_env is not None:
            self.auth = (
                evidence.variable_from(settings.username_env),
                evidence.secret_from(settings.password_env),
            )

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401
        """Send, and refuse anything but a whole answer.

        Raises:
            InstrumentError: A refusal, a page of HTML, an error or a warning of Prometheus's.
        """
        timeout_s = self._settings.timeout_s
        options |= {"timeout": timeout_s, "allow_redirects": False, "stream": True}
        url = request.url or ""
        parts = urllib.parse.urlsplit(url)
        host = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        rates.cap_of(host, self._settings.rate_per_s).wait()
        asked = f"{request.method} {urllib.parse.unquote_plus(url)}"
        started_s = time.monotonic()
        try:
            response = super().send(request, **options)
            body = bodies.whole(response.raw, started_s=started_s, timeout_s=timeout_s)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            evidence.silent(host)
            evidence.note("metrics", asked, f"no answer: {type(error).__name__}: {error}")
            raise
        response.raw = io.BytesIO(body)
        self.cookies.clear()
        evidence.answered(host)
        text = body.decode("utf-8", "replace")
        evidence.note(
            "metrics", asked, f"{response.status_code}\n{text}", time.monotonic() - started_s
        )
        self._refuse_unless_whole(asked, response, text)
        return response

    def _refuse_unless_whole(self, asked: str, response: requests.Response, text: str) -> None:
        try:
            found = response.json()
        except requests.JSONDecodeError as error:
            raise InstrumentError(
                f"{asked}: found {response.status_code} {evidence.shown(text)}, expected JSON"
            ) from error
        if not isinstance(found, dict) or found.get("status") != "success":
            reason = found.get("error", "") if isinstance(found, dict) else ""
            reason = evidence.shortened(str(reason), 300) or evidence.shown(text)
            raise InstrumentError(
                f"{asked}: found {response.status_code} {reason}, expected success"
            )
        doubts = [*(found.get("warnings") or ()), *(found.get("infos") or ())]
        if found.get("isPartial"):  # VictoriaMetrics, where a storage node is down
            doubts.append("isPartial")
        if doubts:
            raise InstrumentError(f"{asked}: Prometheus doubts its answer: {'; '.join(doubts)}")
        self._refuse_skew(response.headers.get("Date"))

    def _refuse_skew(self, date: str | None) -> None:
        if date is None:
            return
        skew_s = email.utils.parsedate_to_datetime(date).timestamp() - self._clock()
        if abs(skew_s) > MAX_SKEW_S:
            raise InstrumentError(
                f"Prometheus's clock is {skew_s:+.0f} s from ours, expected at most "
                f"{MAX_SKEW_S:g} s: its samples cannot be told from those before the deployment"
            )


class Prometheus:
    """Asks Prometheus in PromQL; opened without I/O, safe to use from many threads.

    Args:
        settings: The environment's `[prometheus]`.
        user_agent: Who we say we are.
        clock: Unix seconds.
    """

    def __init__(
        self, settings: environment.Prometheus, *, user_agent: str, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._user_agent = user_agent
        self._clock = clock
        self._local = threading.local()
        self._lock = threading.Lock()
        self._sessions: list[Session] = []

    def range(self, query: environment.Query, start_s: float, end_s: float) -> Any:  # noqa: ANN401
        """Ask for a range, and refuse samples that were not asked for.

        Some round a range to whole steps, so that it may begin or end a step further out.

        Raises:
            InstrumentError: No usable answer, or samples of other times.
        """
        with Answers(query.query):
            series = self._connected().custom_query_range(
                query.query,
                dt.datetime.fromtimestamp(start_s, dt.UTC),
                dt.datetime.fromtimestamp(end_s, dt.UTC),
                f"{query.step_s:g}",
            )
            columns = [[float(at_s) for at_s, _ in one["values"]] for one in series]
        first_s, last_s = start_s - query.step_s, end_s + query.step_s
        for times in columns:
            in_range = all(first_s <= at_s <= last_s for at_s in times)
            if not in_range or any(b <= a for a, b in itertools.pairwise(times)):
                raise InstrumentError(
                    f"found samples of other times than asked for, {spoken_time(start_s)} to "
                    f"{spoken_time(end_s)}, or one of them twice: {query.query}"
                )
        return series

    def instant(self, query: str, at_s: float) -> Any:  # noqa: ANN401 - an untyped library's JSON
        """Ask what *query* is at that time.

        Raises:
            InstrumentError: No usable answer.
        """
        with Answers(query):
            return self._connected().custom_query(query, {"time": f"{at_s:.0f}"})

    def series(self, selector: str, start_s: float, end_s: float) -> Any:  # noqa: ANN401
        """Ask which series of *selector* there were in that time.

        Raises:
            InstrumentError: No usable answer.
        """
        start, end = (dt.datetime.fromtimestamp(at_s, dt.UTC) for at_s in (start_s, end_s))
        with Answers(selector):
            return self._connected().get_series(start, end, {"match[]": selector})

    def close(self) -> None:
        """Close every thread's connections."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
            self._local = threading.local()
        for session in sessions:
            session.close()

    def _connected(self) -> PrometheusConnect:
        """Return this thread's client: a requests session is not for sharing."""
        known: PrometheusConnect | None = getattr(self._local, "prometheus", None)
        if known is not None:
            return known
        session = Session(self._settings, self._user_agent, self._clock)
        with self._lock:
            self._sessions.append(session)
        client = PrometheusConnect(
            self._settings.url.rstrip("/"), session=session, retry=urllib3.Retry(0, redirect=False)
        )
        self._local.prometheus = client
        return client
