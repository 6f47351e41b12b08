"""What a limit holds against a value."""

from __future__ import annotations

import pytest

from pytest_deploycheck.domain.policy import Limit, Worse


@pytest.mark.parametrize(
    ("worse", "value", "is_bad"),
    [
        ("above", 4.99, False),
        ("above", 5.0, False),
        ("above", 5.01, True),
        ("below", 4.99, True),
        ("below", 5.0, False),
        ("below", 5.01, False),
    ],
)
def test_a_value_at_the_limit_is_still_good(worse: Worse, value: float, is_bad: bool) -> None:
    """On either side: the checklist says `below 5 %` and `at least 80 %`."""
    assert Limit(5.0, worse=worse).is_bad(value) is is_bad
