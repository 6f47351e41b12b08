"""What a check saw, kept for it while it runs, and the one place where secrets are taken out.

Clients call `note`, `answered` and `silent`; the plugin opens a `recording` around each sample of a
check and reads the `Recorder` afterwards. It travels in a context variable, so checks that
run side by side never see each other's evidence.
"""

from __future__ import annotations

import base64
import contextlib
import contextvars
import functools
import html
import json
import os
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, ParamSpec, TypeVar

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import Evidence, Measurement

EXCERPT_BYTES: Final = 4096
"""The most of one answer, and of one request, that is kept."""
MAX_NOTES: Final = 200
"""The most evidence one sample of a check keeps."""
REDACTED: Final = "[redacted]"

_MARGIN: Final = 8192
"""Characters beyond what is kept that are redacted with it, and in which a cut may divide a secret:
more than any credential in a URL or a header has."""
_SHOWN_CHARACTERS: Final = 80
_SHORT: Final = 4
"""A secret this short is only taken out where it stands alone: "a" would blacken every report."""

_P = ParamSpec("_P")
_T = TypeVar("_T")

#: What gives away a secret by its place, whether it was registered or not.
_PLACES: Final = (
    (re.compile(r"\b(Basic|Bearer)(\s+)(?!realm=)[A-Za-z0-9+/._~=-]{4,}", re.IGNORECASE), r"\1\2"),
    (re.compile(r"(?<=://)[^/@\s\"'<>]+(?=@)"), ""),
    (
        re.compile(
            r'("(?:[a-z_-]*(?:token|password|passwd|secret|api_?key))"\s*:\s*")(?:[^"\\]|\\.)*',
            re.IGNORECASE,
        ),
        r"\1",
    ),
    (re.compile(r"(\bpassword\s*=\s*)(?:'[^']*'|[^\s'&]+)", re.IGNORECASE), r"\1"),
)

_DSN_PASSWORD: Final = re.compile(r"\bpassword\s*=\s*('(?:[^'\\]|\\.)*'|[^\s']+)")
_SHORTEST_TOKEN: Final = 8
"""Shorter parts of a URL's path are words such as `hook`, not tokens."""

_secrets: set[str] = set()
_secrets_lock = threading.Lock()


def register_secret(value: str) -> None:
    """Take *value* out of everything that is kept from now on, however it is spelled.

    Known spellings: raw, URL-encoded, base64, JSON-escaped, HTML-escaped, and as Python shows it.
    """
    if not value:
        return
    raw = value.encode("utf-8", "surrogateescape")
    spellings = {
        value,
        urllib.parse.quote(raw),
        urllib.parse.quote(raw, safe=""),
        urllib.parse.quote_plus(raw),
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(value)[1:-1],
        html.escape(value),
    }
    for encoded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        spellings |= {encoded.decode(), encoded.decode().rstrip("=")}
    with _secrets_lock:
        if not spellings <= _secrets:
            _secrets.update(spellings)
            _pattern.cache_clear()


def register_address(value: str) -> None:
    """Register a secret, and where it is an address, every part of it that is one by itself.

    Known addresses: URLs (the password; parts of the path as long as a token; a host without a
    dot, as in `slack://TOKEN/…`), and libpq's connection strings.
    """
    register_secret(value)
    for found in _DSN_PASSWORD.findall(value):
        register_secret(found.strip("'"))
    if "://" not in value:
        return
    try:
        parts = urllib.parse.urlsplit(value)
    except ValueError:  # no address after all
        return
    tokens = [part for part in parts.path.split("/") if len(part) >= _SHORTEST_TOKEN]
    host = parts.netloc.rpartition("@")[2]
    if "." not in host and ":" not in host and len(host) >= _SHORTEST_TOKEN:
        tokens.append(host)
    for token in (parts.password or "", *tokens):
        register_secret(token)
        register_secret(urllib.parse.unquote(token))


def register_secrets(names: Iterable[str], variables: Mapping[str, str]) -> None:
    """Register what the *variables* of these *names* hold; one that is not set holds nothing."""
    for name in names:
        register_address(variables.get(name, ""))


@functools.cache
def _pattern() -> re.Pattern[str] | None:
    """Match every spelling of every secret, the longest first."""
    if not _secrets:
        return None
    return re.compile(
        "|".join(
            rf"(?<!\w){re.escape(text)}(?!\w)" if len(text) < _SHORT else re.escape(text)
            for text in sorted(_secrets, key=len, reverse=True)
        )
    )


def redact(text: str) -> str:
    """Return *text* without secrets, credentials in headers, and user names in URLs."""
    with _secrets_lock:
        pattern = _pattern()
    if pattern is not None:
        text = pattern.sub(REDACTED, text)
    for place, kept in _PLACES:
        text = place.sub(kept + REDACTED, text)
    return text


def shortened(text: str, longest: int) -> str:
    """Return the beginning of *text* without secrets: at most *longest* characters.

    It is the only way to cut what others have written: cut first and redacted afterwards, a secret
    that the cut divides would leave its first half.
    """
    return _beginning(text, longest)[0]


def shown(value: object) -> str:
    """Return *value* as Python writes it, for a message: without secrets, at most 80 characters."""
    return shortened(repr(value), _SHOWN_CHARACTERS)


def excerpt(text: str) -> str:
    """Return the redacted beginning of *text*: at most EXCERPT_BYTES, valid UTF-8."""
    kept, whole = _beginning(text, EXCERPT_BYTES)
    data = kept.encode("utf-8", "replace")
    if whole and len(data) <= EXCERPT_BYTES:
        return data.decode()
    tail = f" … ({len(text)} characters)"
    return data[: EXCERPT_BYTES - len(tail.encode())].decode("utf-8", "ignore") + tail


def _beginning(text: str, longest: int) -> tuple[str, bool]:
    """Return the redacted beginning of *text*, and whether that is all of it."""
    with _secrets_lock:
        margin = max(_MARGIN, *map(len, _secrets), 0)
    redacted = redact(text[: longest + margin])
    if len(text) > longest + margin:
        # Half of a secret may stand at the end of it: longer than the margin it cannot be.
        return redacted[:-margin][:longest], False
    return redacted[:longest], len(redacted) <= longest


def variable_from(name: str) -> str:
    """Read the environment variable that the configuration names.

    Raises:
        InstrumentError: It is unset or empty.
    """
    value = os.environ.get(name, "")
    if not value:
        raise InstrumentError(f"environment variable {name} is not set; the environment needs it")
    return value


def secret_from(name: str) -> str:
    """Read a secret from the environment variable that the configuration names, and register it.

    Raises:
        InstrumentError: It is unset or empty.
    """
    value = variable_from(name)
    register_secret(value)
    return value


class Recorder:
    """What one sample of a check saw and measured; threads of the check may share it."""

    def __init__(self) -> None:
        self.awaiting = False
        """A person's word was asked for."""
        self._lock = threading.Lock()
        self._notes: list[Evidence] = []
        self._left_out = 0
        self._measurements: list[Measurement] = []
        self._answered: set[str] = set()
        self._silent: set[str] = set()

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What was asked and answered, in order, redacted and capped.

        Redaction happens here, not when the note is taken: a token that an answer brought is known
        only afterwards.
        """
        with self._lock:
            notes, left_out = tuple(self._notes), self._left_out
        kept = [
            Evidence(
                at_s=note.at_s,
                source=note.source,
                request=excerpt(note.request),
                answer=excerpt(note.answer),
                duration_s=note.duration_s,
            )
            for note in notes
        ]
        if left_out:
            kept.append(
                Evidence(
                    at_s=notes[-1].at_s,
                    source="evidence",
                    request=f"{left_out} more requests",
                    answer=f"not kept: a sample keeps {MAX_NOTES}",
                )
            )
        return tuple(kept)

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """What was measured, in order."""
        with self._lock:
            return tuple(self._measurements)

    @property
    def answered(self) -> tuple[str, ...]:
        """`host:port` of everything that answered anything."""
        with self._lock:
            return tuple(sorted(self._answered))

    @property
    def silent(self) -> tuple[str, ...]:
        """`host:port` of everything that was asked and never answered."""
        with self._lock:
            return tuple(sorted(self._silent - self._answered))

    def add(self, note: Evidence) -> None:
        """Keep *note*, unless the sample has too many already."""
        with self._lock:
            if len(self._notes) < MAX_NOTES:
                self._notes.append(note)
            else:
                self._left_out += 1

    def measure(self, measurement: Measurement) -> None:
        """Keep *measurement*."""
        with self._lock:
            self._measurements.append(measurement)

    def heard(self, host: str) -> None:
        """*host* answered something, if only a refusal to serve us."""
        with self._lock:
            self._answered.add(host)

    def missed(self, host: str) -> None:
        """*host* was asked and gave nothing."""
        with self._lock:
            self._silent.add(host)


_current: contextvars.ContextVar[Recorder | None] = contextvars.ContextVar(
    "deploycheck_recorder", default=None
)


def current() -> Recorder | None:
    """Return the recorder of the check that runs here, None outside of checks."""
    return _current.get()


@contextlib.contextmanager
def recording() -> Iterator[Recorder]:
    """Collect what clients note in this context, until the block ends."""
    recorder = Recorder()
    token = _current.set(recorder)
    try:
        yield recorder
    finally:
        _current.reset(token)


def in_this_check(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Bind *function* to the check that runs here, for a thread that the check starts.

    Context variables do not enter new threads, so an unbound function would note to nobody, and
    what it prints and logs would be another check's.
    """
    context = contextvars.copy_context()

    @functools.wraps(function)
    def bound(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        # A context can be entered by one thread at a time, a copy of it by each.
        return context.copy().run(function, *args, **kwargs)

    return bound


def note(source: str, request: str, answer: str, duration_s: float = 0.0) -> None:
    """Keep what *source* was asked and what came back; outside of a check it goes nowhere."""
    recorder = _current.get()
    if recorder is not None:
        recorder.add(
            Evidence(
                at_s=time.time() - duration_s,
                source=source,
                request=request,
                answer=answer,
                duration_s=duration_s,
            )
        )


def measured(measurement: Measurement) -> None:
    """Keep a measurement of the check that runs here."""
    recorder = _current.get()
    if recorder is not None:
        recorder.measure(measurement)


def awaiting() -> None:
    """Say that the check that runs here asks for a person's word."""
    recorder = _current.get()
    if recorder is not None:
        recorder.awaiting = True


def answered(host: str) -> None:
    """Say that *host* (`host:port`) answered something."""
    recorder = _current.get()
    if recorder is not None:
        recorder.heard(host)


def silent(host: str) -> None:
    """Say that *host* (`host:port`) was asked and gave nothing."""
    recorder = _current.get()
    if recorder is not None:
        recorder.missed(host)
