"""The change calendar: when the platform may be changed, and on which days not at all."""

from __future__ import annotations

import dataclasses
import datetime as dt
import tomllib
import zoneinfo
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.shapes import Shape, read
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Window(Shape):
    """Hours in which the platform may be changed; `until` is not one of them."""

    days: list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] = Field(min_length=1)
    """On which it begins."""
    from_: str = Field(alias="from", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    until: str = Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")
    """Before `from`: it ends on the next day."""

    def holds(self, when: dt.datetime) -> bool:
        """Say whether the local time *when* lies in it."""
        clock, today = f"{when:%H:%M}", _DAYS[when.weekday()]
        yesterday = _DAYS[when.weekday() - 1]
        if self.from_ < self.until:
            return today in self.days and self.from_ <= clock < self.until
        return (today in self.days and clock >= self.from_) or (
            yesterday in self.days and clock < self.until
        )


class Freeze(Shape):
    """Days without changes, both included."""

    from_: dt.date = Field(alias="from")
    until: dt.date
    reason: str


class _File(Shape):
    time_zone: str
    windows: list[Window] = Field(min_length=1)
    freeze: list[Freeze] = Field(default_factory=list)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Day:
    """What the calendar says of one moment."""

    local: str
    """The moment, as the calendar's time zone has it."""
    in_window: bool
    windows: str
    """All windows, for a message."""
    frozen_for: str
    """Why nothing may change on that day; empty: it may."""


class Calendar:
    """Reads the change calendar anew each time: a freeze may be declared at any moment.

    Args:
        settings: The environment's `[change]`.
        deployed_at_s: When the rollout begins or began, Unix seconds.
    """

    def __init__(self, settings: environment.Change, *, deployed_at_s: float) -> None:
        self._path = Path(settings.calendar)
        self._deployed_at_s = deployed_at_s

    def deployment_day(self) -> Day:
        """Return what the calendar says of the moment at which the rollout begins.

        Raises:
            InstrumentError: There is no calendar, it is none, or it names an unknown time zone.
        """
        found = self._read()
        try:
            zone = zoneinfo.ZoneInfo(found.time_zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
            raise InstrumentError(
                f"{self._path.name}: found the time zone {found.time_zone!r}, expected one such as "
                "America/New_York (is tzdata installed?)"
            ) from error
        local = dt.datetime.fromtimestamp(self._deployed_at_s, zone)
        frozen = [one for one in found.freeze if one.from_ <= local.date() <= one.until]
        windows = "; ".join(
            f"{', '.join(one.days)} {one.from_} to {one.until}" for one in found.windows
        )
        day = Day(
            local=f"{local:%a %Y-%m-%d %H:%M} {found.time_zone}",
            in_window=any(window.holds(local) for window in found.windows),
            windows=windows,
            frozen_for=frozen[0].reason if frozen else "",
        )
        evidence.note("calendar", f"read {self._path}", str(day))
        return day

    def _read(self) -> _File:
        name = self._path.name
        try:
            value = tomllib.loads(self._path.read_text())
        except OSError as error:
            raise InstrumentError(f"{self._path}: cannot be read ({error.strerror})") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InstrumentError(f"{name}: expected TOML, found {error}") from error
        return read(_File, value, where=name, what="a change calendar")
