"""HTTP as every check asks it: politely, without cookies or redirects, noting what came back.

A connection pool per thread, because a shared one is three times slower; one TLS context for all of
them, and one rate cap for each host. httpx's transport without its client, which doubles the price
of a request with what is not wanted here: cookies, redirects, logins. Proxies and other settings
in the process environment are not obeyed: a check judges the way that the environment file names,
and `.netrc` would send credentials that nobody listed.
"""

from __future__ import annotations

import codecs
import contextlib
import functools
import http
import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import httpx
import stamina.instrumentation

from pytest_deploycheck.clients import evidence, rates
from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.clocks import MAX_SKEW_S, served_at_s
from pytest_deploycheck.clients.faults import by_the_clock, fault
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError
from pytest_deploycheck.domain.units import spoken_time

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""The most that is read of one answer."""
IDLE_S: Final = 3.0
"""How long a connection is kept; less than common servers do, so that none closes under us."""
READS: Final = frozenset({"GET", "HEAD"})
REFUSED: Final = frozenset({http.HTTPStatus.UNAUTHORIZED, http.HTTPStatus.FORBIDDEN})
"""Who asks is not known, or may not."""
_UNWELCOME: Final = ("bot", "crawler", "spider", "curl", "wget", "python-requests", "postman")

# Each attempt is noted as evidence; a log line `stamina.retry_scheduled` would tell nobody more.
stamina.instrumentation.set_on_retry_hooks([])


class HttpClient:
    """Asks one host; safe to use from many threads, and opened without I/O.

    Args:
        settings: Where it is and how patient and polite to be.
        user_agent: Who we say we are.
        source: The fixture's name, for the evidence.
        blame: Who is to blame for a silence: SubjectError for what is judged, else InstrumentError.
        transport: Replaces the wire, in tests.
        sleep: Waits for that many seconds.

    Raises:
        InstrumentError: The User-Agent is one that the platform's limiter treats as a robot.
    """

    def __init__(
        self,
        settings: environment.Http,
        *,
        user_agent: str,
        source: str,
        blame: type[DeploycheckError],
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        unwelcome = [word for word in _UNWELCOME if word in user_agent.lower()]
        if unwelcome or not user_agent.strip():
            raise InstrumentError(
                f"user_agent: found {user_agent!r}, expected a name without "
                f"{', '.join(_UNWELCOME)}: the platform slows those down"
            )
        _load()
        self.settings = settings
        self.source = source
        self.blame = blame
        self._headers = httpx.Headers(
            {
                "User-Agent": user_agent,
                "Accept": "*/*",
                "Accept-Encoding": "gzip, deflate",
                "Connection": "keep-alive",
            }
        )
        self._extensions = {"timeout": httpx.Timeout(settings.timeout_s).as_dict()}
        self._transport = transport
        self._sleep = sleep
        url = httpx.URL(settings.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        self.host = f"{url.host}:{port}"
        self._local = threading.local()
        self._lock = threading.Lock()
        self._wires: list[httpx.BaseTransport] = []

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | Sequence[Any] | None = None,
    ) -> Answer:
        """Ask once and return the answer, whatever its status, except when the fault is ours.

        A read that could not connect is tried once more. A 429 is obeyed once.

        Args:
            method: `GET`, `POST` and so on.
            path: Below the URL of the settings, or a whole URL of the same host.
            headers: Sent besides our own.
            body: Sent as JSON.

        Raises:
            DeploycheckError: Silence, a broken answer: *blame*.
            InstrumentError: We were asked to slow down, or did not get through to the host.
        """
        ask = functools.partial(self._connected, method, self._url(path), headers or {}, body)
        answer = ask()
        pause_s = _retry_after_s(answer)
        if pause_s is not None and method in READS and pause_s <= self.settings.timeout_s:
            self._sleep(pause_s)
            answer = ask()
        if answer.status == http.HTTPStatus.TOO_MANY_REQUESTS:
            raise InstrumentError(f"{method} {answer.url}: 429, we ask too often for {self.host}")
        if answer.status in (
            http.HTTPStatus.PROXY_AUTHENTICATION_REQUIRED,
            http.HTTPStatus.NETWORK_AUTHENTICATION_REQUIRED,
        ):
            raise InstrumentError(
                f"{method} {answer.url}: {answer.status}, a proxy stands between us and the host"
            )
        return answer

    def close(self) -> None:
        """Close every thread's connections."""
        with self._lock:
            wires, self._wires = self._wires, []
            self._local = threading.local()
        for wire in wires:
            wire.close()

    def _url(self, path: str) -> str:
        if path.startswith(("http://", "https://")):
            if httpx.URL(path).netloc != httpx.URL(self.settings.url).netloc:
                raise ValueError(f"{path} is not on {self.host}")
            return path
        return f"{self.settings.url.rstrip('/')}/{path.lstrip('/')}"

    def _connected(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | Sequence[Any] | None,
    ) -> Answer:
        """Ask; when it is a read, try a failed connection once more."""
        try:
            for attempt in stamina.retry_context(
                on=lambda error: method in READS and _is_passing(error),
                attempts=2,
                timeout=self.settings.timeout_s,
                wait_initial=0.1,
                wait_jitter=0.1,
            ):
                with attempt:
                    return self._exchange(method, url, headers, body)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            blame, reason = fault(error, self.blame)
            skew_s = self._skew_s() if by_the_clock(error) else 0.0
            if abs(skew_s) > MAX_SKEW_S:
                blame = InstrumentError
                reason += (
                    f" by our clock, from which its own is {skew_s:+.0f} s, expected at most "
                    f"{MAX_SKEW_S:g} s; set the clock that is wrong"
                )
            raise blame(f"{method} {url}: no answer, {reason}") from error
        raise AssertionError("stamina either returns or raises")

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | Sequence[Any] | None,
    ) -> Answer:
        """Ask once and note it."""
        waited_s = rates.cap_of(self.host, self.settings.rate_per_s).wait()
        request = f"{method} {url}" + ("" if body is None else f"\n{json.dumps(body)}")
        # Before the clock starts: a thread's first request does not pay for its set-up.
        wire = self._wire()
        at_s, started_s = time.time(), time.monotonic()
        try:
            asked = httpx.Request(
                method,
                _parsed(url),
                headers=self._with(headers),
                json=body,
                extensions=self._extensions,
            )
            with contextlib.closing(wire.handle_request(asked)) as response:
                response.request = asked
                data = self._read(response, started_s)
                expires_at_s = _tls_expiry(response)
        except httpx.HTTPError as error:
            evidence.silent(self.host)
            answer = f"no answer: {type(error).__name__}: {error}"
            evidence.note(self.source, request, answer, time.monotonic() - started_s)
            raise
        duration_s = time.monotonic() - started_s
        found = Answer(
            method=method,
            url=url,
            status=response.status_code,
            headers=dict(response.headers.items()),
            text=data.decode(_known(response.charset_encoding), "replace"),
            at_s=at_s,
            duration_s=duration_s,
            tls_expires_at_s=expires_at_s,
            blame=self.blame,
            waited_s=waited_s,
        )
        evidence.answered(self.host)
        head = f"{found.status} {response.reason_phrase} ({found.media_type or 'no media type'})"
        evidence.note(self.source, request, f"{head}\n{found.text}", duration_s)
        return found

    def _skew_s(self) -> float:
        """Return how far the server's clock is ahead of ours; 0.0: it does not say.

        It is asked without a look at its certificate: nothing of ours goes there, and nothing but
        the time is read.
        """
        rates.cap_of(self.host, self.settings.rate_per_s).wait()
        asked = httpx.Request(
            "HEAD", self.settings.url, headers=self._headers, extensions=self._extensions
        )
        wire = self._transport or httpx.HTTPTransport(verify=False, trust_env=False)
        try:
            with contextlib.closing(wire.handle_request(asked)) as response:
                served_s = served_at_s(response.headers)
        except httpx.HTTPError:
            return 0.0
        finally:
            if wire is not self._transport:
                wire.close()
        said = "no time" if served_s is None else spoken_time(served_s)
        evidence.note(self.source, f"HEAD {self.settings.url}", f"{said}, by its own clock")
        return 0.0 if served_s is None else served_s - time.time()

    def _read(self, response: httpx.Response, started_s: float) -> bytes:
        """Read the body; a server that drips or floods is cut off."""
        data = bytearray()
        for chunk in response.iter_bytes():
            data += chunk
            if len(data) > MAX_BODY_BYTES:
                raise httpx.ReadError(f"more than {MAX_BODY_BYTES} bytes", request=response.request)
            if time.monotonic() - started_s > self.settings.timeout_s:
                raise httpx.ReadTimeout(
                    f"not complete after {self.settings.timeout_s:g} s", request=response.request
                )
        return bytes(data)

    def _with(self, headers: Mapping[str, str]) -> httpx.Headers:
        """Return our own headers with *headers*, whatever the case of their names."""
        if not headers:
            return self._headers
        merged = self._headers.copy()
        merged.update(headers)
        return merged

    def _wire(self) -> httpx.BaseTransport:
        """Return this thread's connections."""
        wire: httpx.BaseTransport | None = getattr(self._local, "wire", None)
        if wire is None:
            wire = self._local.wire = self._transport or self._new_wire()
            with self._lock:
                self._wires.append(wire)
        return wire

    def _new_wire(self) -> httpx.HTTPTransport:
        """Make connections of this thread's own."""
        with _tls_lock:
            tls = _tls(self.settings.ca_file)
        limits = httpx.Limits(max_connections=4, keepalive_expiry=IDLE_S)
        return httpx.HTTPTransport(verify=tls, trust_env=False, limits=limits)


@functools.cache
def _load() -> None:
    """Load what httpx and socket load with a first connection: all threads would wait for it."""
    "host".encode("idna")
    httpx.HTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False).close()


_tls_lock = threading.Lock()


@functools.cache
def _tls(ca_file: str | None) -> ssl.SSLContext:
    """Return what all clients trust: to read the authorities costs more than fifty requests.

    Raises:
        InstrumentError: They cannot be read.
    """
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise InstrumentError(f"ca_file {ca_file!r}: {error}") from error


@functools.lru_cache(maxsize=256)
def _parsed(url: str) -> httpx.URL:
    return httpx.URL(url)


def _is_passing(error: Exception) -> bool:
    """Say whether a second try may connect: a bad certificate stays bad."""
    return isinstance(error, httpx.ConnectError) and not any(
        isinstance(cause, ssl.SSLError) for cause in (error.__cause__, error.__context__)
    )


def _known(encoding: str | None) -> str:
    """Return *encoding* when Python knows it as a text encoding, else UTF-8."""
    try:
        return codecs.lookup(encoding or "utf-8").name
    except LookupError:
        return "utf-8"


def _retry_after_s(answer: Answer) -> float | None:
    """Read how long a 429 asks us to wait; None: not a 429, or it does not say in seconds."""
    seconds = answer.headers.get("retry-after", "")
    if answer.status != http.HTTPStatus.TOO_MANY_REQUESTS or not seconds.isdecimal():
        return None
    return float(seconds)


def _tls_expiry(response: httpx.Response) -> float | None:
    """Read when the server's certificate ends, in Unix seconds; None without TLS."""
    stream = response.extensions.get("network_stream")
    tls = stream.get_extra_info("ssl_object") if stream is not None else None
    ends = (tls.getpeercert() or {}).get("notAfter") if tls is not None else None
    return None if ends is None else float(ssl.cert_time_to_seconds(ends))
