"""A message is filled whole, or does not leave."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.report.message import Fact, Message, message_of

FACTS: dict[str, Fact] = {"release": "2.0", "at_s": 1_767_225_600.0, "changes": ["one"]}


def filled(folder: Path, text: str | None, *, time_zone: str = "UTC") -> Message:
    """The message of a template; None: there is none."""
    if text is not None:
        (folder / "scheduled.txt.j2").write_text(text)
    return message_of(folder, "scheduled", FACTS, occasion="2.0", time_zone=time_zone)


def test_a_template_is_filled_with_facts(tmp_path: Path) -> None:
    """Times in the zone that is asked for."""
    text = "Subject: {{ release }}\n\n{{ at_s | moment }}, {{ at_s | date }}, {{ at_s | time }}\n\n"
    assert filled(tmp_path, text, time_zone="America/New_York") == Message(
        kind="scheduled",
        id="scheduled/2.0",
        subject="2.0",
        body="2025-12-31 19:00 EST, Wednesday, 31 December 2025, 19:00 EST\n",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "found nothing; expected a template"),
        ("Subject: {{ relaese }}", "cannot be filled: 'relaese' is undefined"),
        ("Subject: {{ release", "cannot be filled: "),
        ("Subject: {{ release | moment }}", "cannot be filled: "),
        ("Subject: {{ 1e30 | moment }}", "cannot be filled: "),
        ("Subject: {{ ''.__class__.__mro__ }}", "cannot be filled: "),
        ("{{ release }}", "found '2.0'; expected 'Subject: ' as its first line"),
    ],
    ids=["none", "unknown", "torn", "text as time", "no time", "escape", "no subject"],
)
def test_a_template_that_cannot_be_filled_is_named(
    tmp_path: Path, text: str | None, message: str
) -> None:
    """A gap in a message to everybody would be noticed by everybody."""
    with pytest.raises(ConfigError) as raised:
        filled(tmp_path, text)
    assert f"{tmp_path / 'scheduled.txt.j2'}: {message}" in str(raised.value)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../UTC"])
def test_an_unknown_time_zone_is_refused(tmp_path: Path, zone: str) -> None:
    """A time in another zone is a wrong time."""
    with pytest.raises(ConfigError, match=r"notifications\.time_zone: found"):
        filled(tmp_path, "Subject: x", time_zone=zone)
