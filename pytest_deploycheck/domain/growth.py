"""Sustained growth: a trend and a net growth that both say so, so that a sawtooth is no leak."""

from __future__ import annotations

import bisect
import collections
import dataclasses
import math
import statistics
from collections.abc import Sequence
from typing import Final

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.units import spoken_duration

#: Pairs grow with the square of it: 300 are 44,850 pairs.
MOST_BUCKETS: Final = 300
_COARSE: Final = 30
_FEWEST: Final = 20
_COVERED: Final = 0.9
#: One window in a hundred without a trend seems to have one.
_SIGNIFICANT: Final = 0.01


@dataclasses.dataclass(frozen=True, kw_only=True)
class Growth:
    """What a window of samples says about growth, in the samples' own unit over the window."""

    level: float
    """Where it began."""
    trend_change: float
    """Theil-Sen: the median slope between any two buckets, over the window."""
    net_change: float
    """What is left of the growth: end against begin, or trough against trough of a sawtooth."""
    chance: float
    """Mann-Kendall: how often so rising an order comes up without any trend, 0 to 1."""

    @property
    def sustained(self) -> float:
        """The growth that trend and net growth agree on; at most 0.0 without a trend."""
        agreed = min(self.trend_change, self.net_change)
        return agreed if self.chance < _SIGNIFICANT else min(agreed, 0.0)

    @property
    def sustained_ratio(self) -> float:
        """The sustained growth as a ratio of the level at the beginning.

        Raises:
            InstrumentError: It began at nothing or less, so there is no ratio.
        """
        if not self.level > 0:
            raise InstrumentError(f"the level at the beginning is {self.level:g}; expected above 0")
        return self.sustained / self.level


def growth_of(history: History, *, window_s: float) -> Growth:
    """Judge the growth over *history*, which must cover *window_s*.

    Raises:
        InstrumentError: It has fewer than 20 samples, or covers less than 90 % of the window.
    """
    if len(history) < _FEWEST:
        raise InstrumentError(f"found {len(history)} samples; expected at least {_FEWEST}")
    span_s = history.at_s[-1] - history.at_s[0]
    if span_s < _COVERED * window_s:
        raise InstrumentError(
            f"the samples cover {spoken_duration(span_s)}; "
            f"expected at least {spoken_duration(_COVERED * window_s)} to tell growth"
        )
    at_s, value = bucket_medians(history, most=MOST_BUCKETS)
    places = list(zip(at_s, value, strict=True))
    slopes: list[float] = []
    for place, (begun_s, begun) in enumerate(places):
        slopes += [(each - begun) / (when_s - begun_s) for when_s, each in places[place + 1 :]]
    slopes.sort()
    return Growth(
        level=statistics.median(_begin(value)),
        trend_change=statistics.median(slopes) * span_s,
        net_change=_net_change(history),
        chance=_chance_of(slopes, value),
    )


def bucket_medians(history: History, *, most: int) -> tuple[list[float], list[float]]:
    """Return times and values of *most* buckets of equal length, or fewer: no empty ones."""
    start_s, span_s = history.at_s[0], history.at_s[-1] - history.at_s[0]
    count = min(most, len(history))
    buckets: dict[int, list[float]] = collections.defaultdict(list)
    for at_s, value in zip(history.at_s, history.value, strict=True):
        buckets[min(count - 1, int((at_s - start_s) / span_s * count))].append(value)
    middle_s = span_s / count
    return (
        [start_s + (index + 0.5) * middle_s for index in buckets],
        [statistics.median(values) for values in buckets.values()],
    )


def _chance_of(slopes: Sequence[float], value: Sequence[float]) -> float:
    """Return the one-sided chance of the Mann-Kendall test, corrected for ties.

    Args:
        slopes: Between any two buckets, ascending.
        value: Of the buckets.
    """
    score = len(slopes) - bisect.bisect_right(slopes, 0.0) - bisect.bisect_left(slopes, 0.0)
    ties = collections.Counter(value).values()
    variance = sum(
        sign * n * (n - 1) * (2 * n + 5) for sign, n in [(1, len(value)), *((-1, t) for t in ties)]
    )
    if score <= 0:
        return 1.0
    return 0.5 * math.erfc((score - 1) / math.sqrt(variance / 18) / math.sqrt(2))


def _net_change(history: History) -> float:
    """Return the growth that was not given back, over the whole window.

    Where the values fall by more than half of their range, memory is being given back: then only
    the troughs tell what is kept.
    """
    # Coarse, so that noise does not look like teeth; finer teeth are levelled by the medians.
    at_s, value = bucket_medians(history, most=_COARSE)
    span_s = at_s[-1] - at_s[0]
    troughs = _troughs(value)
    if troughs and at_s[troughs[-1]] - at_s[0] <= span_s / 5:
        # One fall at the beginning, a restart or a warm-up: the rest is the window.
        value = value[troughs[-1] :]
    elif troughs:
        first = troughs[0] if len(troughs) > 1 else value.index(min(value[: troughs[0]]))
        apart = (at_s[troughs[-1]] - at_s[first]) / span_s
        # Troughs close to each other say nothing about the rest of the window.
        return (value[troughs[-1]] - value[first]) / max(apart, 0.5)
    ended = statistics.median(_begin(value[::-1]))
    # The middles of the first and the last tenth are nine tenths of the window apart.
    return (ended - statistics.median(_begin(value))) / 0.9


def _begin(value: Sequence[float]) -> Sequence[float]:
    return value[: max(1, len(value) // 10)]


def _troughs(value: Sequence[float]) -> list[int]:
    """Return the lowest place after each fall by more than half of the range."""
    depth = (max(value) - min(value)) / 2
    found: list[int] = []
    lowest, highest, falling = 0, 0, False
    for place, each in enumerate(value):
        if falling:
            if each < value[lowest]:
                lowest = place
            elif each > value[lowest] + depth:
                found.append(lowest)
                falling, highest = False, place
        elif each > value[highest]:
            highest = place
        elif each < value[highest] - depth:
            falling, lowest = True, place
    return [*found, lowest] if falling else found
