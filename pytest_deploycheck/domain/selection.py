"""Which phases a `-m` expression selects: those it can be true for, as the only phase marker."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Collection, Mapping

from pytest_deploycheck.domain.items import PHASES
from pytest_deploycheck.domain.near import meant

_MOST_FREE = 12


def selected_phases(expression: str, markers: Collection[str]) -> tuple[str, ...]:
    """Return the phases that *expression* selects, in the order of the checklist.

    A phase is selected when the expression can be true with it as the only phase marker, whatever
    other markers a check has: `post_5min and not slow` selects post_5min, `not slow` selects all.

    Args:
        expression: As it is given to `-m`.
        markers: Names of all markers that there are besides the phases.

    Raises:
        ValueError: It is no marker expression, or it names what is no marker and almost a phase.
    """
    if not expression.strip():
        return PHASES
    try:
        tree = ast.parse(expression.strip(), mode="eval").body
    except SyntaxError as error:
        hint = meant(expression, PHASES)
        raise ValueError(f"-m {expression!r} is no marker expression: {error.msg}{hint}") from error
    free = sorted({leaf for leaf in _leaves(tree) if leaf not in PHASES})
    for name in free:
        if name not in markers and (hint := meant(name, PHASES)):
            raise ValueError(f"-m {expression!r}: found no phase and no marker {name!r}{hint}")
    if len(free) > _MOST_FREE:
        raise ValueError(
            f"-m names {len(free)} markers that are no phases; expected at most {_MOST_FREE}"
        )
    return tuple(
        phase
        for phase in PHASES
        if any(
            _true(tree, {phase: True, **dict(zip(free, values, strict=True))})
            for values in itertools.product((False, True), repeat=len(free))
        )
    )


def _leaves(node: ast.expr) -> list[str]:
    match node:
        case ast.BoolOp(values=values):
            return [leaf for value in values for leaf in _leaves(value)]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _leaves(operand)
        case ast.Constant(value=bool()):
            return []
    return [ast.unparse(node)]


def _true(node: ast.expr, values: Mapping[str, bool]) -> bool:
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return all(_true(part, values) for part in parts)
        case ast.BoolOp(values=parts):
            return any(_true(part, values) for part in parts)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _true(operand, values)
        case ast.Constant(value=bool() as value):
            return value
    return values.get(ast.unparse(node), False)
