"""The arithmetic of a return on investment: every sum and ratio worked out again from its parts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Final

from pytest_deploycheck.domain.errors import SubjectError

_RELATIVE_ERROR: Final = 0.001
"""A report rounds."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Roi:
    """What a return on investment comes to, in one currency, over some months."""

    total_before: float
    """What everything cost until now."""
    total_after: float
    total_benefits: float
    net_savings: float
    """The benefits, and what costs less than before."""
    roi_percentage: float
    """Net savings of each hundred that it cost until now."""
    payback_months: float
    """Until the savings have paid what costs more; below 0: it costs less from the beginning."""
    cost_reduction_percentage: float

    def differences(self, expected: Roi) -> tuple[str, ...]:
        """Return a line for each number that is not the *expected* one, but for rounding."""
        return tuple(
            f"{name}: found {found:g}, expected {wanted:g} by its parts"
            for name, wanted in dataclasses.asdict(expected).items()
            for found in (getattr(self, name),)
            if not math.isclose(found, wanted, rel_tol=_RELATIVE_ERROR, abs_tol=0.01)
        )


def worked_out(
    *,
    before: Sequence[float],
    after: Sequence[float],
    benefits: Sequence[float],
    months: float,
) -> Roi:
    """Return what the parts come to.

    Args:
        before: What each thing costs until now, over *months*.
        after: The same afterwards.
        benefits: What each of them is worth.
        months: How long that is.

    Raises:
        SubjectError: The costs, the benefits or the months are not above 0, or nothing is saved:
            then there is no ratio of them.
    """
    totals = {"costs before": sum(before), "costs after": sum(after), "benefits": sum(benefits)}
    for name, value in {**totals, "months": months}.items():
        if not value > 0:
            raise SubjectError(f"{name}: found {value:g} in all, expected more than 0")
    was, is_now, worth = totals.values()
    net = worth - (is_now - was)
    if net == 0:
        raise SubjectError("found nothing saved, expected some: no payback can be told")
    return Roi(
        total_before=was,
        total_after=is_now,
        total_benefits=worth,
        net_savings=net,
        roi_percentage=net / was * 100,
        payback_months=(is_now - was) / (net / months),
        cost_reduction_percentage=(was - is_now) / was * 100,
    )
