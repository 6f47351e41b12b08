"""What a history must have before it speaks."""

from __future__ import annotations

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.units import spoken_duration, spoken_time


def require_samples(history: History, minimum: int, *, since_s: float) -> None:
    """Refuse a history of fewer than *minimum* samples *since_s*, Unix seconds.

    Raises:
        InstrumentError: There are fewer: too little to judge by, which is not health.
    """
    if len(history) < minimum:
        raise InstrumentError(
            f"found {len(history)} samples since {spoken_time(since_s)}, "
            f"expected at least {minimum}"
        )


def require_fresh(history: History, *, at_s: float, max_age_s: float) -> None:
    """Refuse a history whose newest sample is older than *max_age_s* at *at_s*.

    Raises:
        InstrumentError: It is stale, or empty.
    """
    require_samples(history, 1, since_s=at_s - max_age_s)
    age_s = at_s - history.at_s[-1]
    if not age_s <= max_age_s:
        raise InstrumentError(
            f"the newest sample was {spoken_duration(age_s)} old at {spoken_time(at_s)}, "
            f"expected at most {spoken_duration(max_age_s)}"
        )


def require_traffic(events: float, minimum: float, *, of: str) -> None:
    """Refuse a ratio of fewer than *minimum* events, counted by the query *of*.

    Raises:
        InstrumentError: There were fewer: one error among two requests is no error rate.
    """
    if not events >= minimum:
        raise InstrumentError(f"found {events:g} events ({of}), expected at least {minimum:g}")
