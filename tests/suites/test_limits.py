"""A limit itself is good, wherever it is compared with."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

SUITES: Final = Path(__file__).parents[2] / "suites"
#: The local names that checks give a limit.
NAMES: Final = ("limit", "bound", "least", "needs", "samples")


def compares_with_a_limit(comparison: ast.Compare) -> bool:
    """Say whether one of the sides is a limit of the policy."""
    return any(
        (isinstance(side, ast.Attribute) and getattr(side.value, "id", "") == "limits")
        or (isinstance(side, ast.Name) and side.id in NAMES)
        for side in (comparison.left, *comparison.comparators)
    )


def test_no_check_asks_for_less_than_its_limit() -> None:
    """What passes before the deployment passes after it, and the report says `at most`."""
    seen, wrong = 0, []
    for file in sorted(SUITES.glob("*/test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and compares_with_a_limit(node):
                seen += 1
                if any(isinstance(operator, ast.Lt | ast.Gt) for operator in node.ops):
                    wrong.append(f"{file}:{node.lineno}")
    assert not wrong
    assert seen > 60
