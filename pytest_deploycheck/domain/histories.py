"""Samples over time, and how long they have been bad."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Final, Self

from pytest_deploycheck.domain.errors import InstrumentError

_CLOCK_ERROR_S: Final = 1e-6


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """One value at one time: *at_s* in Unix seconds, *value* in the unit the query names."""

    at_s: float
    value: float

    def __post_init__(self) -> None:
        """Refuse what cannot be compared.

        Raises:
            InstrumentError: The time or value is NaN or infinite: NaN > limit is False, so it
                would pass every upper limit.
        """
        if not (math.isfinite(self.at_s) and math.isfinite(self.value)):
            raise InstrumentError(f"sample at {self.at_s} is {self.value}: no data, not zero")


@dataclasses.dataclass(frozen=True, kw_only=True)
class History:
    """Many samples, oldest first, as two columns of equal length: a million objects are slow."""

    at_s: tuple[float, ...]
    value: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse columns that are not a history.

        Raises:
            InstrumentError: The lengths differ, the times are not ascending, or a number is NaN
                or infinite.
        """
        if len(self.at_s) != len(self.value):
            raise InstrumentError(f"{len(self.at_s)} times for {len(self.value)} values")
        if not all(map(math.isfinite, itertools.chain(self.at_s, self.value))):
            raise InstrumentError("the history holds NaN or infinity: no data, not zero")
        if any(later < earlier for earlier, later in itertools.pairwise(self.at_s)):
            raise InstrumentError("the history's times are not ascending")

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> Self:
        """Build a history from samples in any order."""
        ordered = sorted(samples, key=lambda sample: sample.at_s)
        return cls(at_s=tuple(s.at_s for s in ordered), value=tuple(s.value for s in ordered))

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self.at_s)

    @property
    def latest(self) -> float:
        """The newest value.

        Raises:
            InstrumentError: The history is empty: an absent series is not a healthy one.
        """
        if not self.value:
            raise InstrumentError("the history is empty: no data, not zero")
        return self.value[-1]

    def since(self, at_s: float) -> History:
        """Return the samples taken at or after *at_s*."""
        start = bisect.bisect_left(self.at_s, at_s)
        if start == 0:
            return self
        return History(at_s=self.at_s[start:], value=self.value[start:])

    def after(self, older: History) -> History:
        """Return this history, led by what *older* knows from before its first sample."""
        end = bisect.bisect_left(older.at_s, self.at_s[0]) if self.at_s else len(older)
        return History(at_s=older.at_s[:end] + self.at_s, value=older.value[:end] + self.value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Breach:
    """An unbroken run of bad samples."""

    since_s: float
    """When its first bad sample was taken (Unix seconds)."""
    until_s: float
    """When its newest bad sample was taken."""
    samples: int
    """How many bad samples it has, at least 1."""
    open: bool
    """No good sample has come after it, and no hole."""
    after_gap: bool
    """The sample before it was bad too, but too long ago: it may have begun earlier."""

    @property
    def held_s(self) -> float:
        """Seconds from its first to its newest bad sample: what is proven, not what is likely."""
        return self.until_s - self.since_s


def breaches(
    at_s: Sequence[float],
    bad: Sequence[bool],
    *,
    max_gap_s: float,
) -> tuple[Breach, ...]:
    """Return every unbroken run of bad samples, oldest first.

    Two neighbouring bad samples belong together only when at most *max_gap_s* apart: a longer hole
    is neither health nor sickness, so the later run is marked `after_gap`.

    Args:
        at_s: Unix seconds, ascending.
        bad: As long as *at_s*.
        max_gap_s: The longest distance over which two bad samples are one breach.

    Raises:
        ValueError: The lengths differ.
    """
    if len(at_s) != len(bad):
        raise ValueError(f"{len(at_s)} times, {len(bad)} marks; expected as many")
    edges: list[tuple[int, int]] = []
    for index, is_bad in enumerate(bad):
        if not is_bad:
            continue
        first, last = edges[-1] if edges else (index, -1)
        if last == index - 1 >= 0 and not_after(at_s[index] - at_s[last], max_gap_s):
            edges[-1] = (first, index)
        else:
            edges.append((index, index))
    return tuple(
        Breach(
            since_s=at_s[first],
            until_s=at_s[last],
            samples=last - first + 1,
            open=last == len(bad) - 1,
            after_gap=first > 0 and bad[first - 1],
        )
        for first, last in edges
    )


def not_after(found_s: float, bound_s: float) -> bool:
    """Say whether *found_s* is at most *bound_s*, to the microsecond that Unix times are good for.

    A sample clamped to first failure + hold may otherwise miss the hold by a rounding error.
    """
    return found_s <= bound_s + _CLOCK_ERROR_S
