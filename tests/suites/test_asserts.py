"""A failed check says what it found: in its message, or in a measurement against a limit."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from tests.suites.test_limits import SUITES, compares_with_a_limit

MEASURED: Final = """
def test_memory(limits, measure):
    measure("memory_ratio", found, limit=limits.memory_ratio)
    assert found <= limits.memory_ratio
"""
SILENT: Final = """
def test_hot_is_above_cold(found):
    assert found["hot"] > found["cold"]
"""
UNMEASURED: Final = """
def test_memory(limits):
    assert found <= limits.memory_ratio
"""


def silent_asserts(source: str) -> Iterator[int]:
    """Yield the line of each assertion whose failure would not say what was found.

    One that only tells mypy that there is something says nothing, and needs not: the fixture has
    raised already.
    """
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        called = {ast.unparse(n.func) for n in ast.walk(function) if isinstance(n, ast.Call)}
        for node in ast.walk(function):
            if isinstance(node, ast.Assert) and node.msg is None:
                compared = [n for n in ast.walk(node.test) if isinstance(n, ast.Compare)]
                measured = "measure" in called and any(map(compares_with_a_limit, compared))
                narrows = any(isinstance(op, ast.IsNot) for n in compared for op in n.ops)
                if not (measured or narrows):
                    yield node.lineno


@pytest.mark.parametrize(("source", "lines"), [(MEASURED, []), (SILENT, [3]), (UNMEASURED, [3])])
def test_a_silent_assertion_is_found(source: str, lines: list[int]) -> None:
    """Neither a message nor a measurement: `assert 0.3 > 0.7` is all that there would be."""
    assert list(silent_asserts(source)) == lines


def test_no_check_fails_in_silence() -> None:
    """Who reads the report at three in the morning does not have the source at hand."""
    files = sorted(SUITES.glob("*/test_*.py"))
    assert len(files) > 20
    silent = [
        f"{file.relative_to(SUITES)}:{line}"
        for file in files
        for line in silent_asserts(file.read_text(encoding="utf-8"))
    ]
    assert not silent
