"""What the sandbox's Prometheus has scraped: series as functions of time, so nothing is stored."""

from __future__ import annotations

import bisect
import dataclasses
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Mapping

SCRAPE_INTERVAL_S = 15.0
MOST_SAMPLES = 40
"""Of one window: ten minutes of scrapes."""
RETENTION_S = 45 * 86400.0

Labels = frozenset[tuple[str, str]]


@dataclasses.dataclass(kw_only=True)
class Series:
    """One time series."""

    labels: Labels
    at: Callable[[float], float]
    """The value at a Unix time."""
    until_s: float = math.inf
    """No sample was taken from then on."""
    from_s: float = -math.inf
    """No sample was taken before."""
    unseen_s: tuple[float, float] = (math.inf, math.inf)
    """No sample was taken from the one time to the other."""

    def samples(self, after_s: float, until_s: float) -> list[tuple[float, float]]:
        """Return time and value of each scrape in the window, which is open at its beginning."""
        after_s, end_s = max(after_s, self.from_s), min(until_s, self.until_s)
        if end_s < after_s:
            return []
        first = math.floor(after_s / SCRAPE_INTERVAL_S) + 1
        last = math.floor(end_s / SCRAPE_INTERVAL_S)
        # Of a long window every n-th one will do: nothing happens here between two scrapes.
        stride = max(1, (last - first) // MOST_SAMPLES)
        times = (index * SCRAPE_INTERVAL_S for index in range(last, first - 1, -stride))
        begin_s, over_s = self.unseen_s
        return [(at_s, self.at(at_s)) for at_s in sorted(times) if not begin_s <= at_s < over_s]

    def newest(self, after_s: float, until_s: float) -> float | None:
        """Return the value of the newest scrape in the window, None when there was none."""
        newest = self.samples(max(after_s, until_s - 2 * SCRAPE_INTERVAL_S), until_s)
        samples = newest or self.samples(after_s, until_s)
        return samples[-1][1] if samples else None


@dataclasses.dataclass(kw_only=True)
class Counted(Series):
    """A counter of what happens here and now; its newest sample is as new as the question."""

    times_s: list[float]

    def samples(self, after_s: float, until_s: float) -> list[tuple[float, float]]:
        """Return what each scrape found, and one scrape more just before the question."""
        now_s = min(until_s, self.until_s)
        scraped = super().samples(after_s, until_s)
        if now_s <= after_s or (scraped and scraped[-1][0] >= now_s):
            return scraped
        return [*scraped, (now_s, self.at(now_s))]


class Metrics:
    """Series by the name of their metric; faults change how they go on."""

    def __init__(self) -> None:
        self._series: dict[str, list[Series]] = {}

    def __getitem__(self, name: str) -> list[Series]:
        """Return the series of a metric, none when nobody has ever exposed it."""
        return self._series.get(name, [])

    def gauge(self, name: str, value: float, *, noise_ratio: float = 0.0, **labels: str) -> None:
        """Add a series that stays within *noise_ratio* of *value*."""
        wave = _wave(name + str(labels))
        self._add(name, labels, lambda at_s: value * (1 + noise_ratio * wave(at_s)))

    def counter(self, name: str, per_s: float, **labels: str) -> None:
        """Add a series that grows by *per_s*, give or take 3 %."""
        # The buckets of one histogram waver together, else they would contradict each other.
        wave = _wave(name + str(sorted(set(labels.items()) - {("le", labels.get("le"))})))
        # A swing of 0.3 s worth of events, over tens of seconds, moves a rate by 3 % or less.
        self._add(name, labels, lambda at_s: per_s * (at_s + 0.3 * wave(at_s)))

    def counted(self, name: str, **labels: str) -> list[float]:
        """Add a counter, and return the list to which the time of each event is appended."""
        times_s: list[float] = []
        self._series.setdefault(name, []).append(
            Counted(
                labels=frozenset(labels.items()),
                at=lambda at_s: 4000.0 + bisect.bisect_right(times_s, at_s),
                times_s=times_s,
            )
        )
        return times_s

    def names(self) -> list[str]:
        """Return the names of all metrics."""
        return list(self._series)

    def _add(self, name: str, labels: Mapping[str, str], at: Callable[[float], float]) -> None:
        self._series.setdefault(name, []).append(Series(labels=frozenset(labels.items()), at=at))

    def find(self, name: str, **labels: str) -> Iterator[Series]:
        """Yield the series of a metric that carry *labels*.

        Raises:
            KeyError: There is none: the fault that asks would break nothing.
        """
        found = [one for one in self[name] if frozenset(labels.items()) <= one.labels]
        if not found:
            raise KeyError(f"the sandbox has no series {name} {labels}")
        yield from found

    def hold(self, name: str, value: float, *, ago_s: float, **labels: str) -> None:
        """Let gauges be *value* since *ago_s* before now."""
        since_s = time.time() - ago_s
        for one in self.find(name, **labels):
            one.at = _switched(one.at, since_s, lambda _: value)

    def grow(self, name: str, per_s: float, *, ago_s: float, **labels: str) -> None:
        """Let counters grow by *per_s* since *ago_s* before now."""
        since_s = time.time() - ago_s
        for one in self.find(name, **labels):
            one.at = _grown(one.at, since_s, per_s)

    def forget(self) -> None:
        """Have scraped nothing, ever."""
        self._series.clear()

    def begin(self, *, ago_s: float) -> None:
        """Have scraped nothing before *ago_s* ago."""
        for series in self._series.values():
            for one in series:
                one.from_s = time.time() - ago_s

    def stop(self, *, ago_s: float) -> None:
        """Let the newest sample of everything be *ago_s* old."""
        for series in self._series.values():
            for one in series:
                one.until_s = time.time() - ago_s


def _switched(
    before: Callable[[float], float], since_s: float, after: Callable[[float], float]
) -> Callable[[float], float]:
    return lambda at_s: before(at_s) if at_s < since_s else after(at_s)


def _grown(
    before: Callable[[float], float], since_s: float, per_s: float
) -> Callable[[float], float]:
    start = before(since_s)
    return _switched(before, since_s, lambda at_s: start + per_s * (at_s - since_s))


def _wave(seed: str) -> Callable[[float], float]:
    """Return a function of time within -1 and 1 that looks restless: no dice, the same each run."""
    phase = hashlib.sha256(seed.encode()).digest()[0]
    return lambda at_s: 0.6 * math.sin(at_s / 41 + phase) + 0.4 * math.sin(at_s / 13 + 2 * phase)
