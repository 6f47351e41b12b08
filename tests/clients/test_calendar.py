"""The change calendar at its edges: hours, days, nights, freezes and time zones."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from pathlib import Path

import pytest

from pytest_deploycheck.clients.calendar import Calendar, Day
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError

SATURDAYS = """
time_zone = "America/New_York"
[[windows]]
days = ["sat"]
from = "02:00"
until = "04:00"
[[freeze]]
from = 2026-12-19
until = 2027-01-03
reason = "end of the year"
"""
NIGHTS = """
time_zone = "UTC"
[[windows]]
days = ["fri"]
from = "22:00"
until = "02:00"
"""


def day(folder: Path, text: str, when: str, zone: str) -> Day:
    """What the calendar says of a local time."""
    path = folder / "calendar.toml"
    path.write_text(text)
    at = dt.datetime.fromisoformat(when).replace(tzinfo=zoneinfo.ZoneInfo(zone))
    settings = environment.Change(calendar=str(path))
    return Calendar(settings, deployed_at_s=at.timestamp()).deployment_day()


@pytest.mark.parametrize(
    ("when", "zone", "inside"),
    [
        ("2026-11-28T01:59:59", "America/New_York", False),
        ("2026-11-28T02:00:00", "America/New_York", True),
        ("2026-11-28T03:59:59", "America/New_York", True),
        ("2026-11-28T04:00:00", "America/New_York", False),
        ("2026-11-27T02:30:00", "America/New_York", False),
        ("2026-11-28T07:30:00", "UTC", True),
        ("2026-07-04T06:30:00", "UTC", True),  # summer time: New York is an hour nearer
        ("2026-11-28T02:30:00", "UTC", False),
    ],
)
def test_window_is_of_the_calendars_clock(
    tmp_path: Path, when: str, zone: str, inside: bool
) -> None:
    """Its first minute belongs to it, its last does not, whatever clock we have."""
    assert day(tmp_path, SATURDAYS, when, zone).in_window is inside


@pytest.mark.parametrize(
    ("when", "inside"),
    [
        ("2026-11-27T21:59:00", False),
        ("2026-11-27T22:00:00", True),
        ("2026-11-28T01:59:00", True),
        ("2026-11-28T02:00:00", False),
        ("2026-11-28T22:30:00", False),
    ],
)
def test_window_over_midnight_belongs_to_the_day_it_begins(
    tmp_path: Path, when: str, inside: bool
) -> None:
    """Friday night ends on Saturday."""
    assert day(tmp_path, NIGHTS, when, "UTC").in_window is inside


@pytest.mark.parametrize(
    ("when", "frozen"),
    [
        ("2026-12-18T23:59:00", ""),
        ("2026-12-19T00:00:00", "end of the year"),
        ("2027-01-03T23:59:00", "end of the year"),
        ("2027-01-04T00:00:00", ""),
    ],
)
def test_both_ends_of_a_freeze_belong_to_it(tmp_path: Path, when: str, frozen: str) -> None:
    """Until Sunday means until Sunday night."""
    assert day(tmp_path, SATURDAYS, when, "America/New_York").frozen_for == frozen


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected a change calendar, found another shape: time_zone"),
        ("<html>", "expected TOML"),
        (NIGHTS.replace('"UTC"', '"Mars/Olympus"'), "found the time zone 'Mars/Olympus'"),
        (NIGHTS.replace('"fri"', '"friday"'), "another shape: windows.0.days.0"),
        (NIGHTS.replace('"22:00"', '"10 pm"'), "another shape: windows.0.from"),
        ('time_zone = "UTC"\nwindows = []', "another shape: windows"),
    ],
)
def test_bad_calendar_is_no_evidence(tmp_path: Path, text: str, said: str) -> None:
    """Without a calendar, no moment is the right one."""
    with pytest.raises(InstrumentError, match=said):
        day(tmp_path, text, "2026-11-28T01:00:00", "UTC")
    nowhere = Calendar(environment.Change(calendar=str(tmp_path / "none.toml")), deployed_at_s=0.0)
    with pytest.raises(InstrumentError, match="cannot be read"):
        nowhere.deployment_day()
