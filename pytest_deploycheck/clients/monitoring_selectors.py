"""Which series a PromQL expression looks at; nothing of it is evaluated."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Final

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.fixed import GROUPING

_TOKEN: Final = re.compile(
    r"""(?:\s|\#[^\n]*)*(?:
      (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
    | (?P<number>\.?\d[\w.]*(?:(?<=e)[+-]\d+)?)
    | (?P<name>[a-zA-Z_:][\w:]*)
    | (?P<step>\[[^\]]*\])
    | (?P<symbol>==|!=|>=|<=|=~|!~|[-+*/%^<>=(){}\[\],:@])
    | (?P<end>\Z)
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_WORDS: Final = frozenset(
    ("and", "or", "unless", "atan2", "bool", "offset", "inf", "nan", "start", "end")
)
_AGGREGATIONS: Final = frozenset(
    (
        *("sum", "min", "max", "avg", "group", "stddev", "stdvar", "count", "count_values"),
        *("bottomk", "topk", "quantile", "limitk", "limit_ratio"),
    )
)
_ABSENCE: Final = frozenset(("absent", "absent_over_time"))
_COMPARISONS: Final = ("=", "!=", "=~", "!~")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Selector:
    """One vector selector: a metric's name, and what its labels must be."""

    name: str
    """Empty: any name."""
    labels: tuple[tuple[str, str, str], ...] = ()
    """Label, comparison (`=`, `!=`, `=~`, `!~`), text."""

    def __str__(self) -> str:
        """Return it as PromQL."""
        labels = ",".join(f'{label}{test}"{text}"' for label, test, text in self.labels)
        return f"{self.name}{{{labels}}}"

    @property
    def present(self) -> tuple[str, ...]:
        """The labels that a series must have to be selected at all."""
        return tuple(
            dict.fromkeys(
                label
                for label, test, text in self.labels
                if not _matches(test, text, "") and label != "__name__"
            )
        )

    @property
    def exact(self) -> dict[str, str]:
        """The labels that must have one certain text."""
        return {label: text for label, test, text in self.labels if test == "=" and text}


def selectors_of(expression: str) -> tuple[Selector, ...]:
    """Return every selector of *expression*, each once; what is in `absent()` is left out.

    Raises:
        InstrumentError: It is no PromQL.
    """
    return tuple(dict.fromkeys(_selectors(_words(expression), expression)))


def is_constant(expression: str) -> bool:
    """Say whether *expression* looks at no series, nor whether one is missing: `vector(0) > 1`.

    Raises:
        InstrumentError: It is no PromQL.
    """
    words = _words(expression)
    return not selectors_of(expression) and not any(word in _ABSENCE for _, word in words)


def _words(expression: str) -> list[tuple[str, str]]:
    words: list[tuple[str, str]] = []
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup is None:
            raise InstrumentError(f"no PromQL at {expression[at : at + 20]!r}: {expression}")
        if match.lastgroup != "end":
            words.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return [*words, ("end", "")]


def _selectors(words: list[tuple[str, str]], expression: str) -> Iterator[Selector]:
    place = 0
    while words[place][0] != "end":
        kind, word = words[place]
        place += 1
        following = words[place][1]
        if word == "{":
            labels, place = _labels(words, place, expression)
            yield _selector("", labels)
        elif kind != "name" or word.lower() in _WORDS:
            continue
        elif word.lower() in GROUPING or word in _ABSENCE:
            place = _after_group(words, place) if following == "(" else place
        elif following == "(" or (word.lower() in _AGGREGATIONS and following != "{"):
            continue
        elif following == "{":
            labels, place = _labels(words, place + 1, expression)
            yield _selector(word, labels)
        else:
            yield Selector(name=word)


def _after_group(words: list[tuple[str, str]], place: int) -> int:
    """Return the place after the parenthesis that opens at *place*."""
    depth = 0
    while words[place][0] != "end":
        depth += {"(": 1, ")": -1}.get(words[place][1], 0)
        place += 1
        if depth == 0:
            break
    return place


def _labels(
    words: list[tuple[str, str]], place: int, expression: str
) -> tuple[tuple[tuple[str, str, str], ...], int]:
    """Read the matchers from *place* to the closing brace."""
    found: list[tuple[str, str, str]] = []
    while words[place][1] != "}":
        kind, word = words[place]
        if word == ",":
            place += 1
        elif kind == "string" and words[place + 1][1] in (",", "}"):
            found.append(("__name__", "=", word[1:-1]))
            place += 1
        elif words[place + 1][1] in _COMPARISONS and words[place + 2][0] == "string":
            label = word[1:-1] if kind == "string" else word
            found.append((label, words[place + 1][1], words[place + 2][1][1:-1]))
            place += 3
        else:
            raise InstrumentError(f"no PromQL at {word!r}: {expression}")
    return tuple(found), place + 1


def _selector(name: str, labels: tuple[tuple[str, str, str], ...]) -> Selector:
    named = next((text for label, test, text in labels if (label, test) == ("__name__", "=")), "")
    rest = tuple(one for one in labels if one[:2] != ("__name__", "="))
    return Selector(name=name or named, labels=rest)


def _matches(test: str, text: str, value: str) -> bool:
    if "~" not in test:
        return (value == text) == (test == "=")
    try:
        found = re.fullmatch(text.replace("\\\\", "\\"), value) is not None
    except re.error:  # what only Go's expressions know
        found = False
    return found == (test == "=~")
