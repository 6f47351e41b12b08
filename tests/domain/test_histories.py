"""Samples over time, and their breaches."""

from __future__ import annotations

import math

import pytest

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.histories import Breach, History, Sample, breaches, not_after


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_a_sample_refuses_what_is_no_number(number: float) -> None:
    """NaN is no data, not zero, and never gets as far as a comparison."""
    with pytest.raises(InstrumentError, match="no data, not zero"):
        Sample(at_s=1.0, value=number)
    with pytest.raises(InstrumentError, match="no data, not zero"):
        Sample(at_s=number, value=1.0)


@pytest.mark.parametrize(
    ("at_s", "value", "message"),
    [
        ((1.0,), (), "1 times for 0 values"),
        ((1.0,), (math.nan,), "NaN"),
        ((math.inf,), (1.0,), "infinity"),
        ((2.0, 1.0), (0.0, 0.0), "not ascending"),
    ],
)
def test_columns_that_are_no_history_are_refused(
    at_s: tuple[float, ...], value: tuple[float, ...], message: str
) -> None:
    """A duration is only told from samples that have an order."""
    with pytest.raises(InstrumentError, match=message):
        History(at_s=at_s, value=value)


def test_a_history_is_built_from_samples_in_any_order() -> None:
    """Whoever collects samples need not sort them."""
    history = History.of([Sample(at_s=2.0, value=20.0), Sample(at_s=1.0, value=10.0)])
    assert (history.at_s, history.value, len(history)) == ((1.0, 2.0), (10.0, 20.0), 2)
    assert history.latest == 20.0


def test_an_empty_history_has_no_latest_value() -> None:
    """An absent series is not a healthy one."""
    with pytest.raises(InstrumentError, match="empty"):
        _ = History(at_s=(), value=()).latest


@pytest.mark.parametrize(("since_s", "left"), [(0.0, 3), (1.0, 3), (1.1, 2), (3.0, 1), (3.1, 0)])
def test_since_keeps_the_sample_at_its_bound(since_s: float, left: int) -> None:
    """What was sampled before the deployment does not speak for it; what was at it does."""
    assert len(History(at_s=(1.0, 2.0, 3.0), value=(0.0, 0.0, 0.0)).since(since_s)) == left


def breach(since_s: float, until_s: float, samples: int, marks: str = "") -> Breach:
    """A breach; *marks* holds `o` for open, `g` for after a gap."""
    return Breach(
        since_s=since_s,
        until_s=until_s,
        samples=samples,
        open="o" in marks,
        after_gap="g" in marks,
    )


@pytest.mark.parametrize(
    ("at_s", "letters", "expected"),
    [
        ([], "", []),
        ([0, 10], "PP", []),
        ([0], "F", [breach(0, 0, 1, "o")]),
        ([0, 10, 20], "FFP", [breach(0, 10, 2)]),
        ([0, 10, 20], "PFF", [breach(10, 20, 2, "o")]),
        ([0, 10, 20], "FPF", [breach(0, 0, 1), breach(20, 20, 1, "o")]),
        ([0, 60], "FF", [breach(0, 60, 2, "o")]),
        ([0, 60.1], "FF", [breach(0, 0, 1), breach(60.1, 60.1, 1, "og")]),
        ([0, 70, 130, 140], "FFFP", [breach(0, 0, 1), breach(70, 130, 2, "g")]),
        ([0, 0, 10], "FFF", [breach(0, 10, 3, "o")]),
    ],
    ids=str,
)
def test_a_breach_is_an_unbroken_run_of_bad_samples(
    at_s: list[float], letters: str, expected: list[Breach]
) -> None:
    """A good sample ends it, a hole longer than 60 s splits it and leaves a mark."""
    bad = [letter == "F" for letter in letters]
    assert list(breaches(at_s, bad, max_gap_s=60.0)) == expected


def test_a_breach_has_lasted_from_its_first_to_its_newest_bad_sample() -> None:
    """What is proven counts, not what is likely."""
    assert breach(10.0, 45.0, 3).held_s == 35.0


def test_times_and_marks_must_be_as_many() -> None:
    """A sample without a judgement is not passed over."""
    with pytest.raises(ValueError, match="2 times, 1 marks"):
        breaches([0.0, 1.0], [True], max_gap_s=60.0)


@pytest.mark.parametrize("hold_s", [0.1, 0.3, 6.0, 120.0])
def test_a_sample_clamped_to_the_end_of_the_hold_reaches_it(hold_s: float) -> None:
    """Unix times are good to a quarter of a microsecond: rounding must not cost a firing."""
    first_s = 1_750_000_000.123456
    assert not_after(hold_s, (first_s + hold_s) - first_s)
    assert not not_after(hold_s, hold_s - 0.001)
