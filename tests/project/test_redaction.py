"""Secrets are taken out before anything is cut: no place does it the other way round."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Where what others have written comes in; `evidence` has the function that cuts it.
FILES = [
    *sorted((ROOT / "pytest_deploycheck/clients").glob("*.py")),
    ROOT / "pytest_deploycheck/domain/roi.py",
    *sorted((ROOT / "suites").rglob("*.py")),
]
#: A commit's beginning is no text of theirs, and too short for half a secret to be worth anything.
LONGEST_ID = 12


def cuts(source: str) -> Iterator[str]:
    """Yield what in *source* cuts a text: `text[:80]`, `{text:.80}`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            if re.fullmatch(r"f'\.\d+'", ast.unparse(node.format_spec)):
                yield f"line {node.lineno}: {ast.unparse(node.value)}"
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            match node.slice.upper:
                case ast.Constant(value=int(most)) if most > LONGEST_ID:
                    yield f"line {node.lineno}: {ast.unparse(node)}"
                case ast.Name(id=name) if "LONGEST" in name:
                    yield f"line {node.lineno}: {ast.unparse(node)}"


def test_nothing_of_others_is_cut_before_it_is_redacted() -> None:
    """Half a secret is none that anybody knows; `shortened`, `shown` and `excerpt` cut instead."""
    problems = {
        str(file.relative_to(ROOT)): found
        for file in FILES
        if (found := [*cuts(file.read_text(encoding="utf-8"))])
    }
    assert problems == {}


@pytest.mark.parametrize(
    "source",
    [
        "redact(text[:80])",
        "f'found {text[:200]!r}'",
        "f'found {found!r:.80}'",
        "f'found {found:.200}'",
        "redact(text)[:_LONGEST_DETAIL]",
    ],
)
def test_each_way_to_cut_is_found(source: str) -> None:
    """The test above can fail."""
    assert len([*cuts(source)]) == 1


@pytest.mark.parametrize(
    "source", ["sha[:12]", "names[:_MOST]", "f'{number:.80f} {number:g} {number:.1f}'", "x[1:]"]
)
def test_what_cuts_no_text_is_left_alone(source: str) -> None:
    """Numbers and short lists are written as before."""
    assert [*cuts(source)] == []
