"""What a comparison with before would have said at every moment of recorded history.

At each moment a release is imagined that was deployed one window ago: its samples are those of the
window since, and what they are compared with is the window before that.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Iterator

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.growth import growth_of
from pytest_deploycheck.domain.histories import History, Sample

_FEWEST = 5


def increases(history: History, *, window_s: float) -> History:
    """Return by which ratio each sample exceeds the median of the window that ended one before.

    A moment whose window before has fewer than five samples, or a median of nothing, is left out.
    """
    return History.of(_increases(history, window_s))


def _increases(history: History, window_s: float) -> Iterator[Sample]:
    before: list[float] = []  # ascending, so that its middle is its median
    first = last = 0
    for at_s, value in zip(history.at_s, history.value, strict=True):
        while history.at_s[last] <= at_s - window_s:
            bisect.insort(before, history.value[last])
            last += 1
        while history.at_s[first] < at_s - 2 * window_s:
            del before[bisect.bisect_left(before, history.value[first])]
            first += 1
        if len(before) >= _FEWEST:
            half = len(before) // 2
            middle = (before[half] + before[~half]) / 2
            if middle > 0:
                yield Sample(at_s=at_s, value=value / middle - 1)


def growths(history: History, *, window_s: float, step_s: float) -> History:
    """Return the sustained growth over the window before each moment, every *step_s*.

    A moment whose window is not covered is left out.
    """
    return History.of(_growths(history, window_s, step_s))


def _growths(history: History, window_s: float, step_s: float) -> Iterator[Sample]:
    if not history.at_s:
        return
    for number in itertools.count():
        end_s = history.at_s[0] + window_s + number * step_s
        if end_s > history.at_s[-1]:
            return
        first = bisect.bisect_left(history.at_s, end_s - window_s)
        last = bisect.bisect_right(history.at_s, end_s)
        part = History(at_s=history.at_s[first:last], value=history.value[first:last])
        try:
            grown_ratio = growth_of(part, window_s=window_s).sustained_ratio
        except InstrumentError:  # a hole, which the timeline shows as such
            continue
        yield Sample(at_s=end_s, value=grown_ratio)
