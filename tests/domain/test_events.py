"""What an event refuses to hold."""

from __future__ import annotations

import math
from typing import Literal

import pytest

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import Measurement
from tests.domain.builders import ended


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_measurement_refuses_what_cannot_be_compared(number: float) -> None:
    """NaN > limit is False, so it would pass every upper limit."""
    with pytest.raises(InstrumentError, match="errors is"):
        Measurement(name="errors", unit="1", value=number)
    with pytest.raises(InstrumentError, match="errors is"):
        Measurement(name="errors", unit="1", value=1.0, limit=number)


@pytest.mark.parametrize(
    ("worse", "value", "bad"),
    [
        ("above", 0.05, False),
        ("above", 0.0500001, True),
        ("below", 0.05, False),
        ("below", 0.0499999, True),
    ],
)
def test_the_limit_itself_is_good(
    worse: Literal["above", "below"], value: float, bad: bool
) -> None:
    """A limit is a number not to cross, on the side that the check names."""
    measured = Measurement(name="m", value=value, unit="ratio", limit=0.05, worse=worse)
    assert measured.bad is bad


def test_without_a_limit_nothing_is_bad() -> None:
    """A value that is only shown does not judge."""
    assert not Measurement(name="m", value=1e9, unit="1").bad


@pytest.mark.parametrize(("letters", "recovered"), [("FP", True), ("IP", False), ("FF", False)])
def test_recovered_means_failed_before_it_passed(letters: str, recovered: bool) -> None:
    """A check that failed in this run and passes now is marked."""
    assert ended(letters).recovered is recovered


@pytest.mark.parametrize(
    ("worse", "values", "marks"),
    [
        ("above", [4.5, 5.5, 4.5, 4.1, 4.0, 4.5], "PFFFPP"),
        ("below", [5.5, 4.5, 5.5, 5.9, 6.0, 5.5], "PFFFPP"),
    ],
)
def test_with_hysteresis_a_breach_ends_only_at_the_clearing_limit(
    worse: Literal["above", "below"], values: list[float], marks: str
) -> None:
    """A value that flickers around its limit is one breach, not many."""
    clear = 4.0 if worse == "above" else 6.0
    measured = Measurement(name="m", value=5.0, unit="1", limit=5.0, worse=worse, clear=clear)
    assert measured.marks(values) == [letter == "F" for letter in marks]


@pytest.mark.parametrize(("limit", "clear"), [(5.0, 5.1), (None, 4.0)])
def test_a_clearing_limit_lies_on_the_good_side(limit: float | None, clear: float) -> None:
    """A breach that ends while it is bad would hide itself."""
    with pytest.raises(ValueError, match=r"clears at .*; expected it on the good side"):
        Measurement(name="m", value=1.0, unit="1", limit=limit, clear=clear)
