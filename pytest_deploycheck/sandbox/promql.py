"""The part of PromQL that the environments' queries are written in.

Real expressions are evaluated rather than looked up by their text, so that a wrong label has an
empty answer here too, and a query may be edited without telling the sandbox.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import durationpy

from pytest_deploycheck.sandbox.metrics import Labels, Metrics, Series

LOOKBACK_S: Final = 300.0

Vector = dict[Labels, float]
Value = float | Vector
Node = Callable[[float], Value]
"""The value of an expression at a Unix time."""
_Window = tuple[list[Series], float]
"""Series, and the length of the range before each time."""

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?![\w.])
    | (?P<name>[a-zA-Z_:][\w:]*)
    | (?P<string>"[^"]*"|'[^']*')
    | (?P<range>\[\d+[smhdw]\])
    | (?P<duration>\d+[smhdw])\b
    | (?P<symbol>==|!=|>=|<=|=~|!~|[-+*/<>=(){},])
    )""",
    re.VERBOSE | re.IGNORECASE,
)


def _ratio(left: float, right: float) -> float:
    """Divide as floats do, and Python does not."""
    if right:
        return left / right
    return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)


_ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _ratio,
}
_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_BINDING: Final = (
    {"or": 1, "and": 2, "unless": 2}
    | dict.fromkeys(_COMPARISONS, 3)
    | {"+": 4, "-": 4, "*": 5, "/": 5}
)
_AGGREGATIONS: Final[Mapping[str, Callable[[list[float]], float]]] = {
    "sum": math.fsum,
    "min": min,
    "max": max,
    "avg": lambda values: math.fsum(values) / len(values),
    "count": lambda values: float(len(values)),
}
_OVER_TIME: Final = {f"{name}_over_time": _AGGREGATIONS[name] for name in ("count", "max", "min")}


class PromqlError(Exception):
    """The expression is not one, or not one that the sandbox understands."""


def parse(text: str, metrics: Metrics) -> Node:
    """Read an expression over *metrics*.

    Raises:
        PromqlError: It cannot be read; the message says at which word.
    """
    parser = _Parser(text, metrics)
    node = parser.expression(0)
    parser.expect("")
    return node


def selected(text: str, metrics: Metrics) -> Iterator[tuple[str, Series]]:
    """Yield the series of the selector *text*, `up{job="api"}`, each with its metric's name.

    Raises:
        PromqlError: It is no selector with a name.
    """
    yield from _Parser(text, metrics).selector()


class _Parser:
    def __init__(self, text: str, metrics: Metrics) -> None:
        self._metrics = metrics
        self._words: list[tuple[str, str]] = []
        at = 0
        text = text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise PromqlError(f"parse error at {text[at : at + 20]!r}")
            self._words.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self._words.append(("end", ""))

    def expression(self, binding: int) -> Node:
        left = self._unary()
        while True:
            word = self._words[0][1].lower()
            if _BINDING.get(word, 0) <= binding:
                return left
            self._take()
            left = _binary(word, left, self.expression(_BINDING[word]))

    def selector(self) -> Iterator[tuple[str, Series]]:
        kind, name = self._take()
        if kind != "name":
            raise PromqlError(f"parse error: expected a metric, found {name or 'end'!r}")
        found = self._selected(name)
        self.expect("")
        return ((name, one) for one in found)

    def expect(self, word: str) -> None:
        _, found = self._take()
        if found != word:
            raise PromqlError(
                f"parse error: unexpected {found or 'end'!r}, expected {word or 'end'!r}"
            )

    def _take(self) -> tuple[str, str]:
        return self._words.pop(0) if len(self._words) > 1 else self._words[0]

    def _unary(self) -> Node:
        kind, word = self._take()
        if word == "-":
            return _binary("-", lambda _: 0.0, self._unary())
        if word == "(":
            inside = self.expression(0)
            self.expect(")")
            return inside
        if kind == "number":
            return lambda _: float(word)
        if kind != "name":
            raise PromqlError(f"parse error: unexpected {word or 'end'!r}")
        if word in _AGGREGATIONS:
            return self._aggregation(word)
        if word in _OVER_TIME:
            self.expect("(")
            over = _over_time(self._window(*self._take()), _OVER_TIME[word])
            self.expect(")")
            return over
        if word in ("rate", "increase"):
            self.expect("(")
            window = self._window(*self._take())
            back_s = self._offset()
            self.expect(")")
            grown = _growth(window, per_second=word == "rate")
            return lambda at_s: grown(at_s - back_s)
        if word == "histogram_quantile":
            self.expect("(")
            quantile = self.expression(0)
            self.expect(",")
            buckets = self.expression(0)
            self.expect(")")
            return _histogram_quantile(quantile, buckets)
        if self._words[0][1] == "(":
            raise PromqlError(f"parse error: the sandbox knows no function {word!r}")
        newest, back_s = _newest(self._selected(word)), self._offset()
        return lambda at_s: newest(at_s - back_s)

    def _aggregation(self, name: str) -> Node:
        by = self._grouping()
        self.expect("(")
        inside = self.expression(0)
        self.expect(")")
        by = by or self._grouping()

        def at(at_s: float) -> Vector:
            groups: dict[Labels, list[float]] = {}
            for labels, value in _vector(inside(at_s)).items():
                kept = frozenset(pair for pair in labels if pair[0] in by)
                groups.setdefault(kept, []).append(value)
            return {labels: _AGGREGATIONS[name](values) for labels, values in groups.items()}

        return at

    def _grouping(self) -> set[str]:
        """Read `by (a, b)`, if it stands here."""
        if self._words[0][1] != "by":
            return set()
        self._take()
        self.expect("(")
        names = set()
        while (word := self._take()[1]) != ")":
            names |= {word} - {","}
            if not word:
                raise PromqlError("parse error: unexpected end of the labels after by")
        return names

    def _window(self, _: str, name: str) -> _Window:
        series = self._selected(name)
        kind, word = self._take()
        if kind != "range":
            raise PromqlError(f"parse error: expected a range vector, found {word or 'end'!r}")
        return series, durationpy.from_str(word.strip("[]").lower()).total_seconds()

    def _offset(self) -> float:
        """Read `offset 1w` as seconds, if it stands here."""
        if self._words[0][1] != "offset":
            return 0.0
        self._take()
        kind, word = self._take()
        if kind != "duration":
            raise PromqlError(f"parse error: expected a duration, found {word or 'end'!r}")
        return durationpy.from_str(word).total_seconds()

    def _selected(self, name: str) -> list[Series]:
        """Return the series of a metric that the matchers after it, if any, let through."""
        series = self._metrics[name]
        if self._words[0][1] != "{":
            return series
        self._take()
        while (label := self._take()[1]) != "}":
            if label == ",":
                continue
            test, (kind, text) = self._take()[1], self._take()
            if kind != "string" or test not in ("=", "!=", "=~", "!~"):
                raise PromqlError(f"parse error in the matchers of {name} at {label!r}")
            pattern = text[1:-1] if "~" in test else re.escape(text[1:-1])
            series = [
                one
                for one in series
                if (re.fullmatch(pattern, dict(one.labels).get(label, "")) is None)
                == test.startswith("!")
            ]
        return series


def _vector(value: Value) -> Vector:
    if isinstance(value, float):
        raise PromqlError("parse error: expected type instant vector, got scalar")
    return value


def _newest(series: list[Series]) -> Node:
    def at(at_s: float) -> Vector:
        seen = {one.labels: one.newest(at_s - LOOKBACK_S, at_s) for one in series}
        return {labels: value for labels, value in seen.items() if value is not None}

    return at


def _growth(window: _Window, *, per_second: bool) -> Node:
    series, range_s = window

    def at(at_s: float) -> Vector:
        grown: Vector = {}
        for one in series:
            samples = one.samples(at_s - range_s, at_s)
            if len(samples) > 1:
                (first_s, first), (last_s, last) = samples[0], samples[-1]
                grown[one.labels] = (last - first) / (last_s - first_s)
                grown[one.labels] *= 1.0 if per_second else range_s
        return grown

    return at


def _over_time(window: _Window, summed_up: Callable[[list[float]], float]) -> Node:
    series, range_s = window

    def at(at_s: float) -> Vector:
        seen = {one.labels: one.samples(at_s - range_s, at_s) for one in series}
        return {
            labels: summed_up([value for _, value in samples])
            for labels, samples in seen.items()
            if samples
        }

    return at


def _histogram_quantile(quantile: Node, buckets: Node) -> Node:
    def at(at_s: float) -> Vector:
        share = quantile(at_s)
        groups: dict[Labels, list[tuple[float, float]]] = {}
        for labels, value in _vector(buckets(at_s)).items():
            edge = float(dict(labels).get("le", "nan"))
            rest = frozenset(pair for pair in labels if pair[0] != "le")
            groups.setdefault(rest, []).append((edge, value))
        if not isinstance(share, float):
            raise PromqlError("parse error: expected type scalar in histogram_quantile")
        return {labels: _quantile(share, sorted(group)) for labels, group in groups.items()}

    return at


def _quantile(share: float, buckets: list[tuple[float, float]]) -> float:
    """Interpolate within the bucket that the rank falls into; NaN when nothing was counted."""
    total = buckets[-1][1]
    if not total > 0 or not math.isinf(buckets[-1][0]):
        return math.nan
    lower, below = 0.0, 0.0
    for edge, count in buckets[:-1]:
        if count >= share * total:
            return lower + (edge - lower) * _ratio(share * total - below, count - below)
        lower, below = edge, count
    return lower


def _binary(word: str, left: Node, right: Node) -> Node:
    if word in ("or", "and", "unless"):
        return lambda at_s: _set(word, _vector(left(at_s)), _vector(right(at_s)))
    return lambda at_s: _joined(word, left(at_s), right(at_s))


def _set(word: str, left: Vector, right: Vector) -> Vector:
    if word == "or":
        return right | left
    return {labels: v for labels, v in left.items() if (labels in right) == (word == "and")}


def _joined(word: str, left: Value, right: Value) -> Value:
    """Join by equal labels, or each with the scalar; a comparison keeps what it is true of."""
    if isinstance(left, float) and isinstance(right, float):
        return (
            float(_COMPARISONS[word](left, right))
            if word in _COMPARISONS
            else _ARITHMETIC[word](left, right)
        )
    if isinstance(left, float):
        pairs = {labels: (left, value) for labels, value in _vector(right).items()}
    elif isinstance(right, float):
        pairs = {labels: (value, right) for labels, value in left.items()}
    else:
        pairs = {
            labels: (value, right[labels]) for labels, value in left.items() if labels in right
        }
    if word in _COMPARISONS:
        kept = _COMPARISONS[word]
        return {labels: a for labels, (a, b) in pairs.items() if kept(a, b)}
    return {labels: _ARITHMETIC[word](a, b) for labels, (a, b) in pairs.items()}
