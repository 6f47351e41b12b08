"""Percentiles are values that were measured."""

from __future__ import annotations

import math

import pytest

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.percentiles import percentile


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50.0), (0.95, 95.0), (0.951, 96.0), (0.99, 99.0)]
)
def test_a_percentile_is_the_smallest_value_that_the_share_does_not_exceed(
    share: float, expected: float
) -> None:
    """Nothing is interpolated, and the order of the values does not matter."""
    assert percentile([float(value) for value in range(100, 0, -1)], share) == expected


def test_too_few_values_have_no_percentile() -> None:
    """Nineteen requests have nothing beyond their 95th percentile."""
    assert percentile([1.0] * 20, 0.95) == 1.0
    with pytest.raises(InstrumentError, match="found 19 values; expected at least 20"):
        percentile([1.0] * 19, 0.95)


def test_a_value_that_is_no_number_is_refused() -> None:
    """NaN sorts anywhere, so it would hide the slow ones."""
    with pytest.raises(InstrumentError, match="not a finite number"):
        percentile([1.0] * 20 + [math.nan], 0.95)
