"""The environment file as a page: every table and key, made from the models that read it."""

from __future__ import annotations

import ast
import enum
import inspect
import json
import re
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo

from pytest_deploycheck.config import environment as tables

_TITLE: Final = """\
# The environment file

Made by `deploycheck explain --environment` from the models that read the file; do not edit it.

An environment is `suites/environments/NAME.toml`, or a file anywhere (`--env=path/to/NAME.toml`);
its name is that of the file. `extends = "base"` puts it on top of another file: tables are merged,
everything else, lists too, replaces what was there. `${NAME}` in a text is replaced by an
environment variable. A key that ends in `_env` holds the *name* of a variable with a secret; the
file never holds one, not in a URL either.

Whatever is missing, misspelt, or could make no check fail is told at the start, all at once, with
exit code 4; `deploycheck doctor` lists what is weaker than the base or the policy.

A duration is a text such as `"5m"` or `"1m30s"`; None is a key that is not there. A table that is
not required and not there makes the checks that ask it INCONCLUSIVE, which is never a pass.
"""
_HEAD: Final = ("| key | takes | default | meaning |", "| --- | --- | --- | --- |")
#: What a key takes, where the type alone does not say it.
_SPOKEN: Final[tuple[tuple[object, str], ...]] = (
    (tables.Seconds, "duration"),
    (tables.HoldSeconds, 'duration, also `"0s"`'),
    (tables.Instant, "time, ISO 8601 with a zone"),
    (tables.Url, "http(s) URL"),
    (str, "text"),
    (re.Pattern[str], "regular expression"),
    (bool, "`true` or `false`"),
    (int, "whole number"),
    (float, "number"),
    (Any, "anything"),
)
_BOUNDS: Final = (("gt", "above"), ("ge", "at least"), ("min_length", "entries: at least"))


def page() -> str:
    """Return the page in Markdown."""
    seen: dict[type[tables.Table], str] = {}
    return _TITLE + "\n".join(_section(tables.Environment, "", seen))


def _section(
    model: type[tables.Table], path: str, seen: dict[type[tables.Table], str]
) -> Iterator[str]:
    """Yield the lines about a table and about those in it; each kind of table is told of once."""
    seen[model] = path
    meanings = _meanings(model)
    hints = typing.get_type_hints(model, include_extras=True)
    yield f"\n## {_heading(path)}\n" if path else "\n## At the top\n"
    yield f"{_cell(inspect.getdoc(model) or '')}\n"
    rows, below = [], []
    for name, field in model.model_fields.items():
        if not path and name == "name":
            continue  # the file's own
        key = field.alias or name
        inner = _table_in(hints[name])
        if inner is None:
            rows.append(_row(key, _takes(hints[name]), field, meanings.get(name, "")))
            continue
        at = f"{path}.{key}".removeprefix(".") + _suffix(hints[name])
        known = seen.get(inner)
        where = _heading(at) if known is None else f"{_heading(at)}, as {_heading(known)}"
        rows.append(_row(key, where, field, meanings.get(name, "")))
        if known is None:
            below.append((inner, at))
            seen[inner] = at
    yield from (*_HEAD, *rows)
    for inner, at in below:
        yield from _section(inner, at, seen)


def _row(key: str, takes: str, field: FieldInfo, meaning: str) -> str:
    bounds = [
        f"{word} {getattr(rule, name):g}"
        for rule in field.metadata
        for name, word in _BOUNDS
        if getattr(rule, name, None) is not None
    ]
    told = ", ".join([takes, *(bounds if takes in ("number", "whole number") else bounds[-1:])])
    if takes.startswith("duration"):
        told = takes
    return f"| `{key}` | {_cell(told)} | {_cell(_default(field))} | {_cell(meaning)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or isinstance(value, tables.Table):
        return ""
    if any(getattr(rule, "func", None) is tables.seconds_of for rule in field.metadata):
        value = _written(value)
    elif isinstance(value, tuple):
        value = list(value)
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _written(seconds: float) -> str:
    """Write a duration as people do: `24h`, `30m`, `90s`."""
    for unit, length_s in (("h", 3600), ("m", 60)):
        if seconds >= 2 * length_s and seconds % length_s == 0:
            return f"{seconds / length_s:g}{unit}"
    return f"{seconds:g}s"


def _takes(hint: object) -> str:
    """Say what a key takes that is no table of ours."""
    for known, words in _SPOKEN:
        if hint == known:
            return words
    origin, inner = typing.get_origin(hint), [*typing.get_args(hint)]
    if origin in (types.UnionType, typing.Union):
        return _takes(next(one for one in inner if one is not type(None)))
    if origin is typing.Literal:
        return "one of " + ", ".join(f'`"{one}"`' for one in inner)
    if origin is tuple:
        return f"list of: {_takes(inner[0])}"
    if origin is dict:
        return f"table of: {_takes(inner[1])}"
    if origin is typing.Annotated:
        return _takes(inner[0])
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return "one of " + ", ".join(f'`"{one.value}"`' for one in hint)
    raise TypeError(f"no words for {hint}")


def _table_in(hint: object) -> type[tables.Table] | None:
    """Return the table that a key holds, alone, in a list or by name; None: it holds none."""
    if isinstance(hint, type) and issubclass(hint, tables.Table):
        return hint
    return next(filter(None, map(_table_in, typing.get_args(hint))), None)


def _suffix(hint: object) -> str:
    """Return `.NAME` for tables by name, `[]` for a list of tables."""
    origin = typing.get_origin(hint)
    return ".NAME" if origin is dict else "[]" if origin is tuple else ""


def _heading(path: str) -> str:
    """Write *path* as TOML does: `[api]`, `[api.endpoints.NAME]`, `[[cluster.workloads]]`."""
    return f"`[[{path[:-2]}]]`" if path.endswith("[]") else f"`[{path}]`"


def _meanings(model: type[tables.Table]) -> Mapping[str, str]:
    """Return the docstring below each field of *model*, in one line, those it inherits too."""
    found: dict[str, str] = {}
    for one in reversed(model.__mro__[: model.__mro__.index(tables.Table)]):
        (source,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        name = ""
        for node in typing.cast("ast.ClassDef", source).body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                name = node.target.id
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and name:
                found[name] = " ".join(str(node.value.value).split())
                name = ""
    return found


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
