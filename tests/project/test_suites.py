"""The suites are short, and what differs between environments is not in them."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

SUITES: Final = Path(__file__).parents[2] / "suites"
FILES: Final = {
    f"{file.parent.name}/{file.name}": file.read_text(encoding="utf-8")
    for file in sorted(SUITES.glob("*/test_*.py"))
}
MOST_LINES: Final = 12
PLACES: Final = {
    "host or address": re.compile(
        r"://|\blocalhost\b|\b\d+\.\d+\.\d+|\.(?:ai|com|dev|io|local|net|org|svc)\b"
    ),
    "path": re.compile(r"(?:^|[\s'\"])/[\w{]"),
    "query": re.compile(
        r"\b(?:avg|count|increase|max|min|rate|sum|histogram_quantile)\s*(?:by\s*)?\("
        r"|\w\{\w+!?=|\bselect\b.+\bfrom\b",
        re.IGNORECASE,
    ),
}
#: What is in a number's place and no limit: none at all, and a single one.
NONE_AND_ONE: Final = (0, 1)
#: File → other numbers in it, which are names.
NAMES: Final[Mapping[str, tuple[int, ...]]] = {
    # The checklist calls the steps of the sequence so: the 3-7-30 day automation.
    "post_30min/test_jorge_bot_ecosystem.py": (3, 7, 30),
}


def checks(source: str) -> Iterator[ast.FunctionDef]:
    """Yield the check functions of a suite."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def literals(source: str) -> Iterator[tuple[int, str | float]]:
    """Yield line and value of each text and number that is no docstring and no place in a list."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    spared = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Subscript):
            spared |= {id(part) for part in ast.walk(node.slice)}
    for node in nodes:
        if isinstance(node, ast.Constant) and id(node) not in spared:
            value = node.value
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                yield node.lineno, value


def misplaced(source: str, names: tuple[int, ...] = ()) -> list[str]:
    """Say which literals belong into the environment or the policy."""
    found = []
    for line, value in literals(source):
        if isinstance(value, str):
            kinds = [kind for kind, pattern in PLACES.items() if pattern.search(value)]
        else:
            kinds = [] if value in (*NONE_AND_ONE, *names) else ["number"]
        found += [f"line {line}: {kind} {value!r}" for kind in kinds]
    return found


def test_checks_are_short() -> None:
    """From its decorators to its end, the median check; the longest is no exception either."""
    lines = [
        (node.end_lineno or 0) - node.decorator_list[0].lineno + 1
        for source in FILES.values()
        for node in checks(source)
    ]
    assert len(lines) > 200
    assert statistics.median(lines) <= MOST_LINES
    assert max(lines) <= 2 * MOST_LINES


@pytest.mark.parametrize("file", FILES)
def test_nothing_of_an_environment_or_of_the_policy_is_in_a_suite(file: str) -> None:
    """Hosts, paths and queries are the environment's, numbers the policy's."""
    assert misplaced(FILES[file], NAMES.get(file, ())) == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('api.get("https://x")', "host or address 'https://x'"),
        ('api.get("api.example.com")', "host or address 'api.example.com'"),
        ('api.get("10.0.0.7")', "host or address '10.0.0.7'"),
        ('api.call("/health/detailed")', "path '/health/detailed'"),
        ('api.call(f"/api/{name}")', "path '/api/'"),
        ("metrics.ask('up{job=\"api\"}')", "query 'up{job=\"api\"}'"),
        ('metrics.ask("sum(rate(errors[5m]))")', "query 'sum(rate(errors[5m]))'"),
        ('database.ask("SELECT 1 FROM t")', "query 'SELECT 1 FROM t'"),
        ("assert value <= 0.05", "number 0.05"),
    ],
)
def test_what_is_misplaced_is_found(code: str, expected: str) -> None:
    """The test above can fail, in each of its ways."""
    assert misplaced(f'"""Docs of /health at 0.05."""\n{code}\n') == [f"line 2: {expected}"]
