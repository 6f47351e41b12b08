"""Percentiles of a sample, and how many values one needs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pytest_deploycheck.domain.errors import InstrumentError


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of *values* that at least *share* of them do not exceed (nearest rank).

    Nothing is interpolated: the answer is a value that was measured.

    Args:
        values: In any order.
        share: Between 0 and 1, both excluded: 0.95 for the 95th percentile.

    Raises:
        InstrumentError: There are too few values to have any beyond that percentile (for the 95th,
            fewer than 20), or one is not a finite number.
    """
    fewest = math.ceil(1 / (1 - share) - 1e-9)
    if len(values) < fewest:
        raise InstrumentError(
            f"found {len(values)} values; expected at least {fewest} for percentile {share:g}"
        )
    if not all(map(math.isfinite, values)):
        raise InstrumentError("one of the values is not a finite number: no data, not zero")
    return sorted(values)[math.ceil(share * len(values) - 1e-9) - 1]
