"""The ranges inside of a PromQL expression: how far back a value of one instant looks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_UNITS_S: Final = {
    "": 1.0, "ms": 0.001, "s": 1.0,
    "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0, "y": 31_536_000.0,
}  # fmt: skip
#: A text is skipped as a whole: a label's may look like a range.
_RANGE: Final = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    | \[ \s* (?P<range>(?:\d+(?:ms|[smhdwy]|))+) \s* (?P<end>[\]:])""",
    re.VERBOSE,
)
_PART: Final = re.compile(r"(\d+)(ms|[smhdwy]|)")


def longest_range_s(expression: str) -> float | None:
    """Return the longest range of a PromQL expression: 300.0 of `rate(x[1m]) / rate(y[5m])`.

    A subquery (`[5m:15s]`) counts as one. None: it looks at instants.
    """
    return max((range_s for range_s, _ in _ranges(expression)), default=None)


def reach_s(expression: str) -> tuple[float, float]:
    """Return how far back an expression looks: its longest range, and its longest subquery.

    Both are 0.0 where there is none. Where there are both, one may be inside of the other, so they
    are added to be sure. What `offset` says is not in it: who writes it wants to look there.
    """
    ranges = [*_ranges(expression)]
    return (
        max((range_s for range_s, subquery in ranges if not subquery), default=0.0),
        max((range_s for range_s, subquery in ranges if subquery), default=0.0),
    )


def with_ranges_within(expression: str, most_s: float) -> str:
    """Return the expression with each longer range cut to *most_s*: `[30m]` becomes `[90s]`.

    Subqueries stay as they are.
    """

    def cut(match: re.Match[str]) -> str:
        within = match["text"] or match["end"] == ":" or _seconds(match["range"]) <= most_s
        return match[0] if within else f"[{int(most_s)}s]"

    return _RANGE.sub(cut, expression)


def _ranges(expression: str) -> Iterator[tuple[float, bool]]:
    """Yield each range in seconds, and whether it is that of a subquery."""
    for match in _RANGE.finditer(expression):
        if match["range"]:
            yield _seconds(match["range"]), match["end"] == ":"


def _seconds(text: str) -> float:
    return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(text))
