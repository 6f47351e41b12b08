"""What counts as before a deployment, and what as after, to the second."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, Final

import pytest

from pytest_deploycheck.domain.baselines import (
    all_before,
    compared_with,
    is_before,
    newest_after,
    window_end_s,
)
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import BaselineRecorded, Event, RunEnded

DEPLOYED_S = 1_000_000.0
DAY_S, WEEK_S = 86_400.0, 604_800.0
OF_RELEASE: Final[dict[str, Any]] = {
    "deployed_at_s": DEPLOYED_S,
    "environment": "production",
    "release": "2.0",
}


def recorded(release: str, *, until_s: float) -> BaselineRecorded:
    """A baseline over five minutes, *until_s* from the deployment."""
    until_s += DEPLOYED_S
    return BaselineRecorded(
        at_s=until_s,
        environment="production",
        release=release,
        from_s=until_s - 300,
        until_s=until_s,
        values=(),
    )


OLD = recorded("1.0", until_s=-90_000)
NEW = recorded("1.1", until_s=-60)
OWN = recorded("2.0", until_s=-30)
AFTER = recorded("1.2", until_s=1)
LATE_NOTE = dataclasses.replace(OLD, at_s=DEPLOYED_S - 1)


@pytest.mark.parametrize(
    ("until_s", "before", "after"),
    [(-0.001, True, False), (0, True, False), (0.001, False, False), (299.999, False, False),
     (300, False, True)],
)  # fmt: skip
def test_a_window_is_before_or_after_or_neither(until_s: float, before: bool, after: bool) -> None:
    """One that the rollout began in speaks for neither release."""
    window = recorded("2.0", until_s=until_s)
    assert is_before(window, deployed_at_s=DEPLOYED_S) is before
    found = newest_after([window], **OF_RELEASE)
    assert (found is window) is after


def test_the_order_is_that_of_the_measurements() -> None:
    """Not that in which they were written down or read, and other events are none."""
    events: list[Event] = [OWN, RunEnded(run="r", at_s=DEPLOYED_S - 1), LATE_NOTE, AFTER, NEW]
    for order in itertools.permutations(events):
        assert all_before(order, deployed_at_s=DEPLOYED_S, environment="production") == [
            LATE_NOTE,
            NEW,
            OWN,
        ]


@pytest.mark.parametrize(
    ("events", "more", "release"),
    [
        ([], {}, None),
        ([OLD, NEW, OWN, AFTER], {}, "1.1"),
        ([NEW, LATE_NOTE], {}, "1.1"),
        ([OLD, NEW], {"pinned": "1.0"}, "1.0"),
        ([OLD, recorded("1.0", until_s=5), NEW], {"pinned": "1.0"}, "1.0"),
        ([OLD], {"max_age_s": 90_000.0}, "1.0"),
        ([OLD], {"max_age_s": 89_999.0}, None),
        ([OLD], {"max_age_s": 60.0, "pinned": "1.0"}, "1.0"),
        ([OWN, AFTER], {}, None),
        ([OLD, dataclasses.replace(NEW, environment="staging")], {}, "1.0"),
    ],
    ids=["none", "newest", "written down late", "pinned", "pinned, before", "just in time",
         "too old", "pinned may be old", "own or later", "elsewhere"],
)  # fmt: skip
def test_a_deployment_is_compared_with_the_newest_of_another_release_from_before(
    events: list[BaselineRecorded], more: dict[str, Any], release: str | None
) -> None:
    """Its own values are no reference for a release, and what came after the rollout is none."""
    found = compared_with(events, **OF_RELEASE, **more)
    assert (found.release if found else None) == release
    assert found is None or found.until_s <= DEPLOYED_S


def test_a_pinned_release_that_was_measured_too_late_has_no_baseline() -> None:
    """Another one would silently take its place."""
    with pytest.raises(
        InstrumentError, match=r"no baseline of the pinned release 1\.2 from before"
    ):
        compared_with([NEW, AFTER], **OF_RELEASE, pinned="1.2")


def test_after_the_deployment_only_its_own_release_counts() -> None:
    """In its own environment, the newest of them, by when it was measured."""
    first, second = (recorded("2.0", until_s=until_s) for until_s in (300, 900))
    events = [second, dataclasses.replace(first, at_s=DEPLOYED_S + 9_000), AFTER]
    other = recorded("1.2", until_s=1_200)
    assert newest_after([*events, other], **OF_RELEASE) is second
    assert newest_after([other], **OF_RELEASE) is None
    elsewhere = dataclasses.replace(second, environment="staging")
    assert newest_after([elsewhere], **OF_RELEASE) is None


@pytest.mark.parametrize(
    ("compare_with", "now_s", "end_s"),
    [
        ("before", DAY_S, 0.0),
        ("recorded", 3 * DAY_S, 0.0),
        ("previous_day", 0.0, -DAY_S),
        ("previous_day", 1.0, 1.0 - DAY_S),
        ("previous_day", DAY_S, 0.0),
        ("previous_day", DAY_S + 1, 1.0 - DAY_S),
        ("previous_day", -60.0, -60.0 - DAY_S),
        ("previous_week", DAY_S, DAY_S - WEEK_S),
        ("previous_week", WEEK_S, 0.0),
        ("previous_week", WEEK_S + 1, 1.0 - WEEK_S),
    ],
)
def test_the_window_before_ends_by_the_deployment(
    compare_with: str, now_s: float, end_s: float
) -> None:
    """At this hour of the newest day or week of which nothing is from after the rollout."""
    found = window_end_s(compare_with, deployed_at_s=DEPLOYED_S, now_s=DEPLOYED_S + now_s)
    assert found - DEPLOYED_S == end_s <= 0
