"""The arithmetic of a return on investment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_deploycheck.domain.errors import SubjectError
from pytest_deploycheck.domain.roi import Roi, worked_out

#: Costs 240 before and 40 after, benefits 100 + 50, so 350 are saved within a year.
PARTS: Mapping[str, Any] = {
    "before": (200, 40),
    "after": (40,),
    "benefits": (100, 30, 20),
    "months": 12,
}
ROI = Roi(
    total_before=240,
    total_after=40,
    total_benefits=150,
    net_savings=350,
    roi_percentage=145.83,
    payback_months=-6.857,
    cost_reduction_percentage=83.33,
)


def test_numbers_that_add_up_do_not_differ() -> None:
    """Sums, and ratios within what rounding explains."""
    assert ROI.differences(worked_out(**PARTS)) == ()


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Roi)])
def test_each_number_is_worked_out_again(name: str) -> None:
    """Off by one percent is wrong, and by its sign too."""
    right = getattr(ROI, name)
    for wrong in (right * 1.01, -right, 0, -999):
        (line,) = dataclasses.replace(ROI, **{name: wrong}).differences(worked_out(**PARTS))
        assert line.startswith(f"{name}: found {wrong:g}, expected")


def test_what_costs_more_is_paid_back_by_what_it_saves() -> None:
    """60 more than before, and 40 a month saved net of it: paid back after a month and a half."""
    found = worked_out(before=(100,), after=(160,), benefits=(540,), months=12)
    assert (found.net_savings, found.payback_months) == (480, 1.5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"before": ()}, "costs before: found 0 in all"),
        ({"after": (5, -5)}, "costs after: found 0 in all"),
        ({"benefits": (-1,)}, "benefits: found -1 in all"),
        ({"months": 0}, "months: found 0 in all"),
        ({"after": (390,)}, "found nothing saved"),
    ],
)
def test_of_nothing_there_is_no_ratio(change: dict[str, Any], said: str) -> None:
    """A report of zeros contradicts itself nowhere, and says nothing."""
    with pytest.raises(SubjectError, match=said):
        worked_out(**{**PARTS, **change})
