"""What the suites compare with before is what a baseline must have."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

SUITES: Final = Path(__file__).parents[2] / "suites"
#: These phases ask about a month, which no baseline of a moment tells.
LONG: Final = {"pre_deploy"}


def compared(function: ast.FunctionDef) -> Iterator[str]:
    """Yield the names of the queries that a check compares with before."""
    texts = {
        name.id: value.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        for name, value in zip(
            getattr(target, "elts", [target]),
            getattr(node.value, "elts", [node.value]),
            strict=False,
        )
        if isinstance(name, ast.Name) and isinstance(value, ast.Constant)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "before":
            (asked,) = node.args
            yield str(asked.value if isinstance(asked, ast.Constant) else texts[ast.unparse(asked)])


def test_a_baseline_must_have_every_value_that_is_compared_later() -> None:
    """Else a deployment begins, and nobody knows afterwards what was before it."""
    base = tomllib.loads((SUITES / "environments/base.toml").read_text(encoding="utf-8"))
    wanted = {
        query
        for file in sorted(SUITES.glob("*/test_*.py"))
        if file.parent.name not in LONG
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and "metrics" in ast.unparse(node)
        for query in compared(node)
    }
    assert len(wanted) >= 5
    assert wanted <= set(base["baseline"])
