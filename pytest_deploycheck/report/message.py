"""The messages to stakeholders: the project's templates, filled with facts of the record."""

from __future__ import annotations

import dataclasses
import datetime
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import jinja2
import jinja2.sandbox

from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.report.text import neutral, one_line

_SUBJECT: Final = "Subject: "

Fact = str | float | list[str]
"""A text, a time in Unix seconds, or a list of texts."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Message:
    """A message, ready to leave."""

    kind: str
    id: str
    """Of its occasion: it leaves once for each."""
    subject: str
    body: str


def message_of(
    folder: Path, kind: str, facts: Mapping[str, Fact], *, occasion: str, time_zone: str
) -> Message:
    """Fill the template of *kind*.

    Args:
        folder: Where `<kind>.txt.j2` is.
        kind: `scheduled`, `completed`, `rolled-back`, `update` or `verdict`.
        facts: What the template may name; a name that is not here is an error, never a gap.
        occasion: What the message is about; it leaves once for each.
        time_zone: Of the times, as the system's database names it.

    Raises:
        ConfigError: There is no such template or time zone, or it cannot be filled.
    """
    zone = _zone(time_zone)
    environment = jinja2.sandbox.SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # plain text for mail and chat, made neutral below
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "date": lambda at_s: f"{_local(at_s, zone):%A, %d %B %Y}",
        "time": lambda at_s: f"{_local(at_s, zone):%H:%M %Z}",
        "moment": lambda at_s: f"{_local(at_s, zone):%Y-%m-%d %H:%M %Z}",
    }
    name = f"{kind}.txt.j2"
    try:
        text = environment.get_template(name).render(dict(facts))
    except jinja2.TemplateNotFound as error:
        raise ConfigError([f"{folder / name}: found nothing; expected a template"]) from error
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        # The latter three are a template's own: a filter or an operator on what it is not for.
        raise ConfigError([f"{folder / name}: cannot be filled: {error}"]) from error
    first, _, body = text.partition("\n")
    if not first.startswith(_SUBJECT):
        raise ConfigError(
            [f"{folder / name}: found {first[:40]!r}; expected {_SUBJECT!r} as its first line"]
        )
    return Message(
        kind=kind,
        id=f"{kind}/{occasion}",
        subject=one_line(first.removeprefix(_SUBJECT)),
        body=neutral(body).strip() + "\n",
    )


def _local(at_s: float, zone: datetime.tzinfo) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at_s, zone)


def _zone(name: str) -> datetime.tzinfo:
    if name == "UTC":  # also where no database of zones is installed
        return datetime.UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigError(
            [f"notifications.time_zone: found {name!r}; expected a zone such as America/New_York"]
        ) from error
