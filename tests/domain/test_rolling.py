"""A comparison with before, at every moment of a history."""

from __future__ import annotations

import pytest

from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.rolling import growths, increases


def history(values: list[float], *, step_s: float = 10.0) -> History:
    """Samples *step_s* apart from 0."""
    return History(at_s=tuple(step_s * n for n in range(len(values))), value=tuple(values))


def test_a_step_is_an_increase_until_it_is_what_was_before() -> None:
    """A release is imagined one window ago: after two windows the new level is its baseline."""
    found = increases(history([1.0] * 30 + [1.5] * 40), window_s=100.0)
    by_time = dict(zip(found.at_s, found.value, strict=True))
    assert by_time[290.0] == 0.0
    assert by_time[300.0] == by_time[400.0] == 0.5
    assert by_time[690.0] == 0.0


def test_a_moment_without_a_before_is_left_out() -> None:
    """The first window has none, one after a hole too few samples, and nothing has no ratio."""
    assert increases(history([1.0] * 15), window_s=100.0).at_s == (140.0,)
    holed = History(at_s=(0.0, 10.0, 300.0), value=(1.0, 1.0, 2.0))
    assert len(increases(holed, window_s=100.0)) == 0
    assert len(increases(history([0.0] * 40), window_s=100.0)) == 0


def test_growth_is_told_for_each_window_that_is_covered() -> None:
    """A steady rise is growth in every window; a hole leaves its windows out."""
    rising = history([100.0 + n for n in range(120)])
    found = growths(rising, window_s=400.0, step_s=200.0)
    assert found.at_s == (400.0, 600.0, 800.0, 1000.0)
    assert found.value[0] == pytest.approx(0.4, rel=0.1)
    just_covered = history([100.0 + n for n in range(41)])
    assert growths(just_covered, window_s=400.0, step_s=200.0).at_s == (400.0,)
    holed = History(at_s=rising.at_s[:50] + rising.at_s[90:], value=rising.value[:80])
    assert growths(holed, window_s=400.0, step_s=200.0).at_s == (400.0,)
    assert len(growths(history([]), window_s=400.0, step_s=200.0)) == 0
