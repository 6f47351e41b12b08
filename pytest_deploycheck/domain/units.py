"""Numbers and times as people write and read them: ratios as percentages, durations, UTC."""

from __future__ import annotations

import datetime
import functools
import math

import durationpy


def unix_seconds(text: str) -> float:
    """Read an ISO 8601 time with a zone.

    Raises:
        ValueError: It is none, or has no zone: 14:00 is not a time everywhere.
    """
    try:
        when = datetime.datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"expected ISO 8601, for example 2026-01-31T14:05:00Z ({error})") from None
    if when.tzinfo is None:
        raise ValueError("expected a zone, for example 2026-01-31T14:05:00Z")
    return when.timestamp()


def duration_s(text: str) -> float:
    """Read a duration such as `30m` or `1m30s` as seconds.

    Raises:
        ValueError: It is none, or not above zero.
    """
    try:
        seconds: float = durationpy.from_str(text).total_seconds()
    except durationpy.DurationError:
        raise ValueError("expected a duration, for example 30m or 1m30s") from None
    if seconds <= 0:
        raise ValueError("expected a duration above zero")
    return seconds


def spoken(value: float, unit: str) -> str:
    """Write *value* for a person; *unit* is `ratio`, `s`, `bytes`, `1`, `count`, or a word."""
    if unit == "ratio":
        return f"{_short(value * 100)} %"
    if unit == "s":
        return spoken_duration(value)
    if unit == "bytes":
        return _spoken_bytes(value)
    number = f"{value:.0f}" if abs(value) >= 1e6 else f"{value:.6g}"
    return number if unit in ("", "1", "count") else f"{number} {unit}"


def spoken_duration(seconds: float) -> str:
    """Write a duration: `183 ms`, `2.4 s`, `4m 10s`, `26h 3m`, `89d 23h`."""
    if seconds <= -120:
        return f"-{spoken_duration(-seconds)}"
    if seconds == 0:
        return "0 s"
    if abs(seconds) < 1:
        return f"{_short(seconds * 1000)} ms"
    if seconds < 120:
        return f"{seconds:.4g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes}m {rest}s" if rest else f"{minutes}m"
    hours, minutes = divmod(minutes, 60)
    if hours < 72:
        return f"{hours}h {minutes}m" if minutes else f"{hours}h"
    days, hours = divmod(hours, 24)
    return f"{days}d {hours}h" if hours else f"{days}d"


def spoken_time(at_s: float) -> str:
    """Write Unix seconds as `2026-01-31 12:03:10Z`."""
    return _spoken_second(math.floor(round(at_s, 6)))


@functools.lru_cache(maxsize=1024)  # of a thousand checks most end in the same few seconds
def _spoken_second(at_s: int) -> str:
    return f"{datetime.datetime.fromtimestamp(at_s, datetime.UTC):%Y-%m-%d %H:%M:%S}Z"


def spoken_day(at_s: float) -> str:
    """Write the day of Unix seconds, in UTC: `2026-01-31`."""
    return f"{datetime.datetime.fromtimestamp(at_s, datetime.UTC):%Y-%m-%d}"


def _short(value: float) -> str:
    """Write four digits of *value*, never with an exponent; nearly nothing is `~0`."""
    if 0 < abs(value) < 1e-4:
        return "~0"
    return f"{value:.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def _spoken_bytes(value: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(value) < 1024:
            return f"{value:.4g} {unit}"
        value /= 1024
    return f"{value:.4g} TiB"
