"""What a history must have before it speaks."""

from __future__ import annotations

import math

import pytest

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.series import (
    increase,
    rates,
    require_cover,
    require_fresh,
    require_samples,
    require_traffic,
)


def history(*pairs: tuple[float, float]) -> History:
    """A history of (time, value)."""
    return History(at_s=tuple(at for at, _ in pairs), value=tuple(value for _, value in pairs))


STEADY = history((0, 1), (10, 2), (20, 3))


def test_too_few_samples_are_refused() -> None:
    """Two samples say little, and little is not health."""
    require_samples("errors", STEADY, 3)
    with pytest.raises(InstrumentError, match="errors: found 3 samples; expected at least 4"):
        require_samples("errors", STEADY, 4)


def test_a_stale_history_is_refused() -> None:
    """The newest sample may be as old as the query says, and no older."""
    require_fresh("errors", STEADY, at_s=80.0, max_age_s=60.0)
    with pytest.raises(InstrumentError, match=r"60.1 s old; expected at most 60 s"):
        require_fresh("errors", STEADY, at_s=80.1, max_age_s=60.0)
    with pytest.raises(InstrumentError, match="found 0 samples"):
        require_fresh("errors", history(), at_s=0.0, max_age_s=60.0)


@pytest.mark.parametrize(
    ("from_s", "until_s", "hole"),
    [(0, 20, None), (-10, 30, None), (-11, 20, "11 s, 0 s"), (0, 35, "15 s, 20 s")],
)
def test_a_hole_is_refused_wherever_it_is(from_s: float, until_s: float, hole: str | None) -> None:
    """At the beginning, in the middle or at the end of the window: a hole is not health."""
    if hole is None:
        require_cover("errors", STEADY, from_s=from_s, until_s=until_s, max_gap_s=10.0)
        return
    with pytest.raises(InstrumentError, match=f"found no sample for {hole} into the window"):
        require_cover("errors", STEADY, from_s=from_s, until_s=until_s, max_gap_s=10.0)


@pytest.mark.parametrize("events", [99.9, 0.0, math.nan])
def test_a_ratio_of_few_events_is_refused(events: float) -> None:
    """One error among two requests at night is no error rate of 50 %."""
    require_traffic("errors", 100.0, 100.0)
    with pytest.raises(InstrumentError, match="expected at least 100"):
        require_traffic("errors", events, 100.0)


def test_a_counter_goes_on_after_a_reset() -> None:
    """A restarted process counts from zero: its count is growth, not a loss."""
    counter = history((0, 100), (10, 130), (20, 5), (30, 5), (40, 25))
    assert increase(counter) == 30 + 5 + 0 + 20
    assert rates(counter).value == (3.0, 0.5, 0.0, 2.0)
    assert rates(counter).at_s == (10, 20, 30, 40)


def test_two_samples_at_one_time_make_no_rate() -> None:
    """Growth over no time is left out, never infinite."""
    assert rates(history((0, 0), (0, 5), (10, 15))).value == (1.0,)


def test_one_sample_tells_no_growth() -> None:
    """A counter that was seen once has not "not grown"."""
    with pytest.raises(InstrumentError, match="found 1 samples"):
        increase(history((0, 100)))
    with pytest.raises(InstrumentError, match="found 1 samples"):
        rates(history((0, 100)))
