"""One problem, one line: where it is, what was found, what would be right, what was meant."""

from __future__ import annotations

import codecs
import datetime
import enum
import os
import re
import tomllib
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pytest_deploycheck.config.environment import CREDENTIALS, PATTERNS, Table, seconds_of
from pytest_deploycheck.domain.near import meant

Loc = tuple[str | int, ...]
"""The way to a value in a TOML document: `("api", "endpoints", "root", "path")`."""

#: Errors about numbers, durations and closed vocabularies: what was found is no secret.
_PRINTABLE: Final = re.compile(
    r"literal_error|enum|value_error|finite_number|greater_|less_|(float|int|bool)_"
)


def shown(path: Path) -> str:
    """Write *path* as short as it stays clear: relative to where we are, when it is below."""
    return os.path.relpath(path) if path.absolute().is_relative_to(Path.cwd()) else str(path)


def dotted(loc: Iterable[str | int]) -> str:
    """Write *loc* as TOML would: `api.endpoints.root.path`, `cluster.workloads[0].name`."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc).removeprefix(".")


def unknown(found: str, known: Iterable[str], *, what: str) -> str:
    """Say that *found* is none of *known*, with the near misses, or all of a short list."""
    names = sorted(known)
    choice = f"one of {', '.join(names)}" if len(names) <= 12 else f"one of {len(names)} known ones"
    return f'found "{found}"; expected {what}, {choice}{meant(found, names)}'


def read_bytes(path: Path) -> tuple[bytes, list[str]]:
    """Read *path* as UTF-8; when that cannot be done, return nothing and the problem."""
    try:
        data = path.read_bytes()
        data.decode()
    except OSError as error:
        return b"", [f"{shown(path)}: found nothing to read: {error.strerror}; expected a file"]
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return b"", [f"{shown(path)}:{line}: found bytes that are no UTF-8; expected UTF-8"]
    if data.startswith(codecs.BOM_UTF8):  # nobody sees it, and no first line means what it says
        return b"", [f"{shown(path)}:1: found a byte order mark; expected UTF-8 without one"]
    return data, []


def read_toml(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read *path*; when that cannot be done, return an empty table and the problem."""
    data, problems = read_bytes(path)
    try:
        return tomllib.loads(data.decode()), problems
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        place = int(line[1]) if line else data.count(b"\n") + 1  # "at end of document"
        return {}, [f"{shown(path)}:{place}: found broken TOML: {error}; expected valid TOML"]


def problems_of(
    error: ValidationError,
    *,
    model: type[BaseModel],
    raw: object,
    place: Callable[[Loc], str],
    skip: Collection[Loc] = (),
) -> list[str]:
    """Write each of pydantic's errors as one line, in the words of the TOML document.

    Args:
        error: As raised by *model*.
        model: What the document should have been.
        raw: The document as it is written, before any variable was put in.
        place: From the location of an error to the file that it is in.
        skip: Where a problem is known already.
    """
    return [
        f"{place(detail['loc'])}: {dotted(detail['loc'])}: {_described(detail, model, raw)}"
        for detail in error.errors(include_input=False, include_url=False)
        if detail["loc"] not in skip
    ]


def _described(detail: ErrorDetails, model: type[BaseModel], raw: object) -> str:
    kind, loc = detail["type"], detail["loc"]
    if kind == "extra_forbidden":
        known = keys_at(model, loc[:-1])
        return (
            f"found an unknown key; expected one of {', '.join(known)}{meant(str(loc[-1]), known)}"
        )
    if kind == CREDENTIALS:
        return detail["msg"]
    found = lookup(raw, loc)
    words = f"found {spoken(found, printable=_PRINTABLE.match(kind) is not None)}"
    if kind in {"dataclass_type", "model_type"}:
        return f"{words}; expected a table of {', '.join(keys_at(model, loc))}"
    choices = re.findall(r"'([^']+)'", str(detail.get("ctx", {}).get("expected", "")))
    expected = _wanted(model, loc) if kind == "missing" else _expected(detail)
    return f"{words}; expected {expected}{meant(str(found), choices)}"


def _wanted(model: type[BaseModel], loc: Loc) -> str:
    """Say what the key at *loc*, which is not there, would hold."""
    fields = _table_at(model, loc[:-1]).model_fields
    field = next(field for name, field in fields.items() if loc[-1] in (name, field.alias))
    if any(getattr(rule, "func", None) is seconds_of for rule in field.metadata):
        return 'a duration, for example "5m" or "1m30s"'
    kind = field.annotation
    words = get_args(kind) if get_origin(kind) is Literal else ()
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        words = tuple(one.value for one in kind)
    return " or ".join(f'"{word}"' for word in words) or "a value"


def _expected(detail: ErrorDetails) -> str:
    """Turn pydantic's `Input should be a valid string` into `a valid string`."""
    if detail["type"] == "string_pattern_mismatch":
        return PATTERNS[detail["ctx"]["pattern"]]
    message = detail["msg"].removeprefix("Value error, ").removeprefix("expected ")
    wanted = message.rpartition(" should ")[2].removeprefix("be ").partition(", unable")[0]
    return (
        wanted.replace("have", "to have", 1).replace("tuple", "list").replace("dictionary", "table")
    )


def lookup(raw: object, loc: Sequence[str | int]) -> object:
    """Return what stands at *loc*, None when nothing does."""
    for part in loc:
        try:
            raw = raw[part]  # type: ignore[index]  # a scalar is not, and says so
        except (KeyError, IndexError, TypeError):
            return None
    return raw


def standing_at(
    raw: object, place: Sequence[str | int], loc: Loc = ()
) -> Iterator[tuple[Loc, object]]:
    """Yield everything that stands at *place*, and where exactly."""
    if not place:
        yield loc, raw
        return
    step, rest = place[0], place[1:]
    inner: Mapping[str | int, object] = {}
    if isinstance(raw, dict):
        inner = raw
    elif isinstance(raw, list):
        inner = dict(enumerate(raw))
    for key in inner if step == "*" else [step] if step in inner else []:
        yield from standing_at(inner[key], rest, (*loc, key))


def names_at(raw: Mapping[str, object], key: str) -> list[str]:
    """Return the names that *key* holds, as keys of a table or as texts of a list."""
    held = raw.get(key)
    return [name for name in held if isinstance(name, str)] if isinstance(held, dict | list) else []


def spoken(found: object, *, printable: bool = False) -> str:
    """Write what was found; its value only when that cannot be a secret."""
    match found:
        case None:
            return "nothing"
        case dict():
            return "a table"
        case list():
            return "a list"
        case str():
            return f'"{found}"' if printable else "a text"
        case bool():
            return str(found).lower() if printable else "true or false"
        case datetime.date() | datetime.time():
            return "a date or time"
        case _:
            return str(found) if printable else "a number"


def keys_at(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys that the table at *loc* may have, as TOML writes them."""
    fields = _table_at(model, loc).model_fields
    return [field.alias or name for name, field in fields.items()]


def _table_at(model: type[BaseModel], loc: Loc) -> type[Table]:
    """Return the table that belongs at *loc*."""
    annotation: Any = model if _is_table(model) else model.model_fields["root"].annotation
    for part in loc:
        if not _is_table(annotation):  # a table or list of tables: *part* is a name or an index
            annotation = next(filter(_is_table, get_args(annotation)))
            continue
        annotation = next(
            field.annotation
            for name, field in annotation.model_fields.items()
            if part in (name, field.alias)
        )
        if isinstance(annotation, types.UnionType):
            annotation = next(filter(_is_table, get_args(annotation)))
    table: type[Table] = annotation
    return table


def _is_table(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Table)
