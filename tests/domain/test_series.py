"""What a history must have before it speaks."""

from __future__ import annotations

import math

import pytest

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.series import require_fresh, require_samples, require_traffic


def history(*pairs: tuple[float, float]) -> History:
    """A history of (time, value)."""
    return History(at_s=tuple(at for at, _ in pairs), value=tuple(value for _, value in pairs))


STEADY = history((0, 1), (10, 2), (20, 3))


def test_too_few_samples_are_refused() -> None:
    """Two samples say little, and little is not health."""
    require_samples(STEADY, 3, since_s=0.0)
    with pytest.raises(InstrumentError, match=r"3 samples since 1970-01-01 00:00:00Z, .* 4$"):
        require_samples(STEADY, 4, since_s=0.0)


def test_a_stale_history_is_refused() -> None:
    """The newest sample may be as old as the query says, and no older."""
    require_fresh(STEADY, at_s=80.0, max_age_s=60.0)
    with pytest.raises(InstrumentError, match=r"60.1 s old at .*, expected at most 60 s"):
        require_fresh(STEADY, at_s=80.1, max_age_s=60.0)
    with pytest.raises(InstrumentError, match="found 0 samples since 1970-01-01 00:00:30Z"):
        require_fresh(history(), at_s=90.0, max_age_s=60.0)


@pytest.mark.parametrize("events", [99.9, 0.0, math.nan])
def test_a_ratio_of_few_events_is_refused(events: float) -> None:
    """One error among two requests at night is no error rate of 50 %."""
    require_traffic(100.0, 100.0, of="requests")
    with pytest.raises(InstrumentError, match=r"events \(requests\), expected at least 100"):
        require_traffic(events, 100.0, of="requests")
