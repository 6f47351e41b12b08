"""How much a value has changed since before, with the uncertainty of saying so."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Final

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import BaselineValue

#: MAD → standard deviation of a normal distribution, times standard error of a median over a mean.
_ERROR_OF_MEDIAN: Final = 1.4826 * math.sqrt(math.pi / 2)
#: 19 of 20 intervals of this many standard errors hold the truth.
_STANDARD_ERRORS: Final = 1.96
_FEWEST: Final = 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Level:
    """Where the values of a window lie: robust against single outliers."""

    median: float
    mad: float
    """Median absolute deviation from the median, same unit."""
    samples: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Level:
        """Sum *values* up.

        Raises:
            InstrumentError: There are none.
        """
        if not values:
            raise InstrumentError("no values to compare: no data, not zero")
        median = statistics.median(values)
        mad = statistics.median([abs(value - median) for value in values])
        return cls(median=median, mad=mad, samples=len(values))

    @classmethod
    def of_baseline(cls, value: BaselineValue) -> Level:
        """Take the level that was recorded before the deployment."""
        return cls(median=value.value, mad=value.spread, samples=value.samples)

    @property
    def error(self) -> float:
        """The standard error of the median, same unit; neighbours are taken as independent."""
        return _ERROR_OF_MEDIAN * self.mad / math.sqrt(self.samples)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """A relative change: 0.25 is 25 % more than before."""

    ratio: float
    low_ratio: float
    high_ratio: float
    """The true change lies between low and high in 19 of 20 cases."""

    def __str__(self) -> str:
        """Say it as people do: `+25.0 % (+21.3 % to +28.7 % in 19 of 20 cases)`."""
        sure = f"{self.low_ratio:+.1%} to {self.high_ratio:+.1%} in 19 of 20 cases"
        return f"{self.ratio:+.1%} ({sure})".replace("%", " %")


def change(now: Level, before: Level) -> Change:
    """Compare *now* with *before*.

    Raises:
        InstrumentError: Either has fewer than five samples, or there was nothing (or less) before:
            no ratio can be told, and a missing earlier value is no improvement.
    """
    for level, word in ((now, "now"), (before, "before")):
        if level.samples < _FEWEST:
            raise InstrumentError(
                f"found {level.samples} samples {word}; expected at least {_FEWEST} to compare"
            )
    if not before.median > 0:
        raise InstrumentError(f"the level before is {before.median:g}; expected more than 0")
    ratio = now.median / before.median
    error = math.hypot(now.error, ratio * before.error) / before.median
    return Change(
        ratio=ratio - 1,
        low_ratio=ratio - 1 - _STANDARD_ERRORS * error,
        high_ratio=ratio - 1 + _STANDARD_ERRORS * error,
    )
