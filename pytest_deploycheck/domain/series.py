"""What a history must have before it speaks, and how counters become rates."""

from __future__ import annotations

import itertools

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.histories import History, not_after
from pytest_deploycheck.domain.units import spoken_duration


def require_samples(name: str, history: History, minimum: int) -> None:
    """Refuse a history of fewer than *minimum* samples.

    Raises:
        InstrumentError: There are fewer: too little to judge by, which is not health.
    """
    if len(history) < minimum:
        raise InstrumentError(f"{name}: found {len(history)} samples; expected at least {minimum}")


def require_fresh(name: str, history: History, *, at_s: float, max_age_s: float) -> None:
    """Refuse a history whose newest sample is older than *max_age_s* at *at_s*.

    Raises:
        InstrumentError: It is stale, or empty.
    """
    require_samples(name, history, 1)
    age_s = at_s - history.at_s[-1]
    if not not_after(age_s, max_age_s):
        raise InstrumentError(
            f"{name}: the newest sample is {spoken_duration(age_s)} old; "
            f"expected at most {spoken_duration(max_age_s)}"
        )


def require_cover(
    name: str, history: History, *, from_s: float, until_s: float, max_gap_s: float
) -> None:
    """Refuse a history with a hole longer than *max_gap_s* between *from_s* and *until_s*.

    Raises:
        InstrumentError: There is one: a hole in the data is not health.
    """
    times = [from_s, *(at_s for at_s in history.at_s if from_s <= at_s <= until_s), until_s]
    gap_s, since_s = max((late - early, early) for early, late in itertools.pairwise(times))
    if not not_after(gap_s, max_gap_s):
        raise InstrumentError(
            f"{name}: found no sample for {spoken_duration(gap_s)}, "
            f"{spoken_duration(since_s - from_s)} into the window; "
            f"expected holes of at most {spoken_duration(max_gap_s)}"
        )


def require_traffic(name: str, events: float, minimum: float) -> None:
    """Refuse a ratio of fewer than *minimum* events.

    Raises:
        InstrumentError: There were fewer: one error among two requests is no error rate.
    """
    if not events >= minimum:
        raise InstrumentError(f"{name}: found {events:g} events; expected at least {minimum:g}")


def increase(counter: History) -> float:
    """Return by how much *counter* grew; after a reset it counts from zero again.

    Raises:
        InstrumentError: There are fewer than two samples.
    """
    require_samples("the counter", counter, 2)
    return sum(_step(early, late) for early, late in itertools.pairwise(counter.value))


def rates(counter: History) -> History:
    """Return the growth of *counter* per second between neighbours, at the later one's time.

    Of two samples at one time the later is left out: it has no duration to grow over.

    Raises:
        InstrumentError: There are fewer than two samples.
    """
    require_samples("the counter", counter, 2)
    pairs = itertools.pairwise(zip(counter.at_s, counter.value, strict=True))
    found = [
        (late_s, _step(early, late) / (late_s - early_s))
        for (early_s, early), (late_s, late) in pairs
        if late_s > early_s
    ]
    return History(at_s=tuple(at_s for at_s, _ in found), value=tuple(v for _, v in found))


def _step(early: float, late: float) -> float:
    return late - early if late >= early else late
