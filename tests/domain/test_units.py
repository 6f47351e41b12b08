"""Numbers as people read them."""

from __future__ import annotations

import pytest

from pytest_deploycheck.domain.units import spoken, spoken_duration, spoken_time


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.061, "ratio", "6.1 %"),
        (0.0, "ratio", "0 %"),
        (8.582e-9, "ratio", "~0 %"),
        (-8.582e-9, "ratio", "~0 %"),
        (123.4567, "ratio", "12346 %"),
        (0.183, "s", "183 ms"),
        (250.0, "s", "4m 10s"),
        (3.0, "1", "3"),
        (3.0, "", "3"),
        (3.0, "count", "3"),
        (12_345_678.0, "1", "12345678"),
        (12.5, "pods", "12.5 pods"),
        (1023.0, "bytes", "1023 B"),
        (1536.0, "bytes", "1.5 KiB"),
        (-2.0 * 1024**3, "bytes", "-2 GiB"),
        (5.0 * 1024**4, "bytes", "5 TiB"),
    ],
)
def test_a_value_is_told_with_its_unit(value: float, unit: str, text: str) -> None:
    """No number leaves without what it counts, and none with an exponent."""
    assert spoken(value, unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0 s"),
        (4.771e-9, "~0 ms"),
        (2.4, "2.4 s"),
        (119.9, "119.9 s"),
        (120.0, "2m"),
        (7199.0, "119m 59s"),
        (7200.0, "2h"),
        (93_780.0, "26h 3m"),
        (-93_780.0, "-26h 3m"),
        (259_199.0, "71h 59m"),
        (259_200.0, "3d"),
        (7_775_760.0, "89d 23h"),
    ],
)
def test_a_duration_is_told_in_the_unit_that_fits(seconds: float, text: str) -> None:
    """The side of a hold on which a duration lies stays readable."""
    assert spoken_duration(seconds) == text


def test_a_time_is_told_in_utc() -> None:
    """Everybody who reads the report reads the same clock."""
    assert spoken_time(0.0) == "1970-01-01 00:00:00Z"
