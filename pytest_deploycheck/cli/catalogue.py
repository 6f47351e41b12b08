"""The items with their checks, limits, triggers and faults as one page, made from the code."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from pytest_deploycheck.config import Project
from pytest_deploycheck.domain.events import PlannedCheck
from pytest_deploycheck.domain.items import PHASES, Item, Kind
from pytest_deploycheck.domain.policy import Policy

_TITLE: Final = """\
# Items

Made by `deploycheck items --markdown` from the checklist, the suites, the policy and the sandbox's
faults; do not edit it. {count}

What a check asks is its docstring. A limit without unit in its name is a number; `s` is seconds, a
`ratio` is 0 to 1. A fault is switched on by `--deploycheck-fault=NAME` in the sandbox.
"""
_POINTS: Final = "Rollback Decision Points"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Function:
    """What the source of a check says."""

    doc: str
    """Its docstring in one line."""
    limits: tuple[str, ...]
    """Names of the policy's limits that it uses."""


def page(
    project: Project, checks: Iterable[PlannedCheck], faults: Mapping[str, Iterable[str]]
) -> str:
    """Return the page in Markdown.

    Args:
        project: Whose checklist and policy.
        checks: All of its suites.
        faults: Id of an item → the names of the faults that it reacts to.
    """
    items = project.checklist.items
    by_item: dict[str, list[PlannedCheck]] = {item.id: [] for item in items}
    for check in checks:
        by_item[check.item].append(check)
    functions = _functions(project.folder, project.policy)
    answered = sum(bool(by_item[item.id]) for item in items)
    broken = sum(bool(faults.get(item.id)) for item in items)
    count = f"Items: {len(items)}, with a check: {answered}, with a fault: {broken}."
    parts = [_TITLE.format(count=count)]
    for heading, members in _chapters(project, items):
        parts.append(f"\n## {heading}\n")
        parts += [_item(item, by_item[item.id], functions, project, faults) for item in members]
    return "\n".join(parts)


def _chapters(project: Project, items: Iterable[Item]) -> Iterator[tuple[str, list[Item]]]:
    """Yield the title of each phase with its boxes, and then the decision points."""
    boxes = [item for item in items if item.kind is not Kind.DECISION_POINT]
    for phase in PHASES:
        members = [item for item in boxes if item.phases[0] == phase]
        if members:
            yield f"{project.policy.phases[phase].title} (`{phase}`)", members
    yield _POINTS, [item for item in items if item.kind is Kind.DECISION_POINT]


def _item(
    item: Item,
    checks: Iterable[PlannedCheck],
    functions: Mapping[tuple[str, str], Function],
    project: Project,
    faults: Mapping[str, Iterable[str]],
) -> str:
    lines = [f"### {item.title}\n", f"`{item.id}`: {_cell(item.expectation)}\n"]
    rows = []
    for check in checks:
        file, _, name = check.nodeid.partition("::")
        name = name.partition("[")[0]
        function = functions.get((Path(file).name + Path(file).parent.name, name))
        asked, limits = (function.doc, function.limits) if function else ("", ())
        told = ", ".join(f"{one} {project.policy.limits[one]:g}" for one in limits)
        row = f"| `{name}` | {_cell(asked)} | {told} | {check.trigger or ''} |"
        rows.append(row)
    if rows:
        lines += ["| check | what is asked | limits | trigger |", "| --- | --- | --- | --- |"]
        lines += dict.fromkeys(rows)  # the cases of one function are one row
    else:
        lines.append("No check answers it.")
    names = ", ".join(f"`{name}`" for name in faults.get(item.id, ())) or "none"
    lines.append(f"\nFaults: {names}\n")
    return "\n".join(lines)


def _functions(folder: Path, policy: Policy) -> Mapping[tuple[str, str], Function]:
    """Read every check of the suites: file with its folder, and name → what its source says."""
    found = {}
    for file in sorted(folder.glob("*/test_*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found[file.name + file.parent.name, node.name] = Function(
                    doc=" ".join((ast.get_docstring(node) or "").split()),
                    limits=tuple(dict.fromkeys(_limits(node, policy))),
                )
    return found


def _limits(node: ast.FunctionDef, policy: Policy) -> Iterator[str]:
    """Yield the limits that a check names: as `limits.NAME`, or as a text in its parameters."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and getattr(inner.value, "id", "") == "limits":
            if inner.attr in policy.limits:
                yield inner.attr
        elif isinstance(inner, ast.Constant) and inner.value in policy.limits:
            yield str(inner.value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
