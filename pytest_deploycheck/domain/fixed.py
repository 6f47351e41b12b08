"""Questions whose answer stands before they are asked: whoever judges it judges nothing."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Final

_TOKEN: Final = re.compile(
    r"""\#[^\n]*|("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`
    |\.?\d[\w.]*|[a-zA-Z_:][\w:]*|[=!<>]=|[=!]~|\S)""",
    re.VERBOSE,
)
GROUPING: Final = frozenset(("by", "without", "on", "ignoring", "group_left", "group_right"))
"""After these words PromQL names labels, not series."""
_WORDS: Final = frozenset(("bool", "offset", "inf", "nan", "start", "end", *GROUPING))
_LOOSE: Final = frozenset(
    ("+", "-", "%", "^", "==", "!=", "<", ">", "<=", ">=", "and", "or", "unless", "atan2", ",")
)
"""Operators beside which no factor decides alone; a comma stands between arguments."""
_FACTORS: Final = frozenset(("*", "/"))
_CONSTANT: Final = re.compile(
    r"\s*select\s+\(?\s*[-+]?[\d.]+\s*\)?(\s*::\s*\w+)?(\s+as\s+\w+)?\s*;?\s*", re.IGNORECASE
)


def fixed_query(expression: str) -> str:
    """Say why the value of a PromQL expression never moves; empty: it may.

    What it knows: no metric in it (`vector(0.1)`), a factor of zero (`0 * sum(up)`), and a thing
    divided by or subtracted from itself, all of them also inside of one function.
    """
    words = [word for word in _TOKEN.findall(expression) if word]
    return _fixed(words) if _names_a_metric(words) else "it names no metric"


def fixed_statement(sql: str) -> bool:
    """Say whether an SQL statement answers the number that is written in it."""
    return _CONSTANT.fullmatch(sql) is not None


def _names_a_metric(words: Sequence[str]) -> bool:
    depth_of_labels = 0
    for index, word in enumerate(words):
        if words[index - 1] in GROUPING and word == "(":
            depth_of_labels = 1
        elif word == ")":
            depth_of_labels = 0
        elif word == "{":
            return True
        elif not depth_of_labels and re.match(r"[a-zA-Z_:]", word):
            called = words[index + 1 : index + 2] in (["("], ["by"], ["without"])
            if not called and word.lower() not in _WORDS | _LOOSE:
                return True
    return False


def _fixed(words: Sequence[str]) -> str:
    inner = _argument(words)
    if inner is not None:
        return _fixed(inner)
    operators = list(_operators(words))
    if len(operators) == 1 and words[operators[0]] in ("/", "-"):
        left, right = words[: operators[0]], words[operators[0] + 1 :]
        if _bare(left) == _bare(right):
            return "both sides of it are the same"
    if not operators or any(words[place] in _LOOSE for place in operators):
        return ""
    bounds = [-1, *operators, len(words)]
    for before, after in itertools.pairwise(bounds):
        divides = before >= 0 and words[before] == "/"
        if not divides and _is_zero(_bare(words[before + 1 : after])):
            return "a factor of it is 0"
    return ""


def _argument(words: Sequence[str]) -> Sequence[str] | None:
    """Return what stands in the parentheses that all of *words* are; None: they are more."""
    closing = _closing(words)
    start = 0
    if words and re.match(r"[a-zA-Z_]", words[0]):
        start = 1
        if words[1:2] in (["by"], ["without"]):
            start = closing.get(2, 0) + 1
    if words[start : start + 1] != ["("] or closing.get(start) != len(words) - 1:
        return None
    return words[start + 1 : -1]


def _bare(words: Sequence[str]) -> list[str]:
    """Return *words* without parentheses around all of them."""
    while words[:1] == ["("] and _closing(words).get(0) == len(words) - 1:
        words = words[1:-1]
    return [*words]


def _operators(words: Sequence[str]) -> Iterator[int]:
    """Yield where the operators stand that are in no parentheses, braces or brackets."""
    depth = 0
    for place, word in enumerate(words):
        depth += (word in "([{") - (word in ")]}")
        # In front of an operand it is a sign.
        if depth == 0 and place > 0 and word.lower() in _FACTORS | _LOOSE:
            yield place


def _closing(words: Sequence[str]) -> dict[int, int]:
    """Return the place of each opening parenthesis → that of its closing one."""
    opened: list[int] = []
    pairs = {}
    for place, word in enumerate(words):
        if word == "(":
            opened.append(place)
        elif word == ")" and opened:
            pairs[opened.pop()] = place
    return pairs


def _is_zero(words: Sequence[str]) -> bool:
    return len(words) == 1 and re.fullmatch(r"0*\.?0*", words[0]) is not None
