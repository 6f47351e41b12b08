"""JSON of others read as what it must be; another shape is no evidence, and says what differs."""

from __future__ import annotations

import collections
import datetime as dt
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from pytest_deploycheck.clients.evidence import shown
from pytest_deploycheck.domain.errors import InstrumentError

_MOST_TOLD: Final = 3
_S = TypeVar("_S")


class Shape(BaseModel):
    """What we need of a JSON object; what else it has is not ours, and nothing is converted."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        populate_by_name=True,
    )


def told_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object, for `object_pairs_hook`: of a key's two values, which one is meant?

    Raises:
        ValueError: A key stands in it twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = collections.Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"found the key {shown(twice)} twice in one object")
    return found


def read(shape: type[_S], value: object, *, where: str, what: str) -> _S:
    """Return *value* as *shape*.

    Args:
        shape: A Shape, or a list of them.
        value: The decoded JSON.
        where: The file or request that it comes from.
        what: What it should be, for the message: `a Bandit report`.

    Raises:
        InstrumentError: It is something else.
    """
    try:
        return TypeAdapter(shape).validate_python(value)
    except ValidationError as error:
        told = [
            f"{'.'.join(map(str, one['loc'])) or 'the whole'}: {one['msg']}"
            for one in error.errors(include_input=False, include_url=False)
        ]
        more = f" and {len(told) - _MOST_TOLD} more" if len(told) > _MOST_TOLD else ""
        raise InstrumentError(
            f"{where}: expected {what}, found another shape: {'; '.join(told[:_MOST_TOLD])}{more}"
        ) from None


def time_s(text: str, *, where: str) -> float:
    """Read an ISO 8601 time with a zone as Unix seconds.

    Raises:
        InstrumentError: It is no such time.
    """
    try:
        when = dt.datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise InstrumentError(
            f"{where}: found {shown(text)}, expected an ISO 8601 time with a zone"
        )
    return when.timestamp()


def named(names: object) -> str:
    """Return a list of names for a message; none: `none`."""
    return ", ".join(map(str, names)) if isinstance(names, (list, tuple)) and names else "none"
