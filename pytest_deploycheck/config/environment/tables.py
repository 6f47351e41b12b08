"""How a table of the environment file is read: durations, times, URLs, and no unknown key."""

from __future__ import annotations

import re
from typing import Annotated, Final

import durationpy
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)
from pydantic_core import PydanticCustomError

from pytest_deploycheck.domain.units import unix_seconds

URL: Final = r"^https?://"
OWNED: Final = r"^[\w.-]+/[\w.-]+$"
PATTERNS: Final = {URL: "an http:// or https:// URL", OWNED: "`owner/repository`"}
"""What a text that must match a pattern is called."""

CREDENTIALS: Final = "credentials"
"""The type of the error about a URL that has them: its message is all that may be said."""


def seconds_of(value: object) -> object:
    """Read `5m` as 300.0; leave the refusal of anything else to pydantic."""
    if not isinstance(value, str):
        raise ValueError('expected a duration in quotes, for example "5m" or "1m30s"')
    try:
        return durationpy.from_str(value).total_seconds()
    except durationpy.DurationError as error:
        raise ValueError('expected a duration, for example "5m" or "1m30s"') from error


def _instant(value: object) -> object:
    """Read `2026-01-31T12:00:00Z` as Unix seconds."""
    return unix_seconds(value) if isinstance(value, str) else value


def _without_credentials(url: str) -> str:
    """Refuse `https://user:password@host`, without saying what it is: it is printed."""
    if re.match(r"[^/]*//[^/?#]*@", url):
        found = "found a user or password in the URL"
        names = "name variables in username_env and password_env"
        raise PydanticCustomError(CREDENTIALS, f"{found}; expected none: {names}")
    return url


Url = Annotated[str, Field(pattern=URL), AfterValidator(_without_credentials)]
"""Of http or https, without a user or a password."""
Seconds = Annotated[float, BeforeValidator(seconds_of), Field(gt=0)]
"""Written as a duration (`"5m"`), kept in seconds."""
HoldSeconds = Annotated[float, BeforeValidator(seconds_of), Field(ge=0)]
"""As Seconds, and `"0s"` is allowed: at once."""
Instant = Annotated[float, BeforeValidator(_instant)]
"""Written in ISO 8601 with a zone, kept in Unix seconds."""
Bound = Annotated[float, Field(allow_inf_nan=False, strict=True)]
"""A number as TOML writes it: a text in its place has been compared with nothing."""


class Table(BaseModel):
    """A TOML table: unknown keys are errors, and a rejected value is never printed."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        defer_build=True,
    )
