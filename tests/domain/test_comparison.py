"""Relative change with its uncertainty."""

from __future__ import annotations

import random

import pytest

from pytest_deploycheck.domain.comparison import Change, Level, change
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import BaselineValue


def level(median: float, *, mad: float = 0.0, samples: int = 100) -> Level:
    """A level of a hundred samples."""
    return Level(median=median, mad=mad, samples=samples)


def test_a_level_is_robust() -> None:
    """One slow request among five does not move it."""
    assert Level.of([1.0, 2.0, 3.0, 4.0, 1000.0]) == Level(median=3.0, mad=1.0, samples=5)


def test_without_values_nothing_is_compared() -> None:
    """A missing earlier value is never an improvement."""
    with pytest.raises(InstrumentError, match="no values to compare"):
        Level.of([])


def test_a_recorded_baseline_keeps_its_spread() -> None:
    """It is compared as surely as it was measured."""
    recorded = BaselineValue(name="latency", value=0.1, unit="s", samples=50, spread=0.01)
    assert Level.of_baseline(recorded) == Level(median=0.1, mad=0.01, samples=50)


@pytest.mark.parametrize(
    ("now", "before", "message"),
    [
        (level(1.0, samples=4), level(1.0), "4 samples now; expected at least 5"),
        (level(1.0), level(1.0, samples=4), "4 samples before"),
        (level(1.0), level(0.0), "level before is 0; expected more than 0"),
        (level(1.0), level(-1.0), "expected more than 0"),
    ],
)
def test_what_cannot_be_compared_is_said(now: Level, before: Level, message: str) -> None:
    """Too few samples, or nothing before, give no ratio."""
    assert change(level(2.0, samples=5), level(1.0, samples=5)).ratio == 1.0
    with pytest.raises(InstrumentError, match=message):
        change(now, before)


def test_a_change_is_relative_to_before() -> None:
    """From 200 ms to 300 ms is 50 % more; without spread it is certain."""
    found = change(level(0.3), level(0.2))
    assert (found.ratio, found.low_ratio, found.high_ratio) == pytest.approx((0.5, 0.5, 0.5))


def test_spread_and_few_samples_make_it_uncertain() -> None:
    """The interval shrinks with the root of the number of samples."""
    wide = change(level(0.3, mad=0.05, samples=25), level(0.2))
    narrow = change(level(0.3, mad=0.05, samples=2500), level(0.2))
    assert wide.high_ratio - wide.ratio == pytest.approx(10 * (narrow.high_ratio - narrow.ratio))


def test_a_change_is_spoken_with_its_interval() -> None:
    """For evidence: how much, and how surely."""
    found = Change(ratio=0.25, low_ratio=-0.0125, high_ratio=0.5125)
    assert str(found) == "+25.0 % (-1.2 % to +51.2 % in 19 of 20 cases)"


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Nineteen times of twenty for independent samples."""
    chance = random.Random(1)  # noqa: S311 - noise, not a secret
    held = 0
    for _ in range(300):
        before = Level.of([chance.gauss(1.0, 0.1) for _ in range(60)])
        now = Level.of([chance.gauss(1.25, 0.1) for _ in range(60)])
        found = change(now, before)
        held += found.low_ratio <= 0.25 <= found.high_ratio
    assert 0.90 <= held / 300 <= 0.99
