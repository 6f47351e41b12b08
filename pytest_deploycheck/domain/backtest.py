"""What a trigger would have done over recorded history, so that limits are tuned before use."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence

from pytest_deploycheck.domain.events import Measurement
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.policy import Trigger
from pytest_deploycheck.domain.timelines import Span, timeline_of, worst_of
from pytest_deploycheck.domain.words import TriggerState


@dataclasses.dataclass(frozen=True, kw_only=True)
class Episode:
    """One time that a trigger was breached (Unix seconds)."""

    pending_s: float
    """When the first bad sample was taken."""
    fired_s: float | None
    """When it would have fired, None: it ended, or the data did, before its hold."""
    until_s: float
    """When it ended: at the first good sample, or where the data has a hole or its end."""
    told: bool
    """It ended by a good sample: nothing about its length is guessed."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Backtest:
    """A trigger over recorded history."""

    trigger: Trigger
    spans: tuple[Span, ...]
    episodes: tuple[Episode, ...]

    @property
    def fired(self) -> tuple[Episode, ...]:
        """Those episodes in which the trigger would have fired."""
        return tuple(episode for episode in self.episodes if episode.fired_s is not None)

    @property
    def unknown_s(self) -> float:
        """For how long nobody would have known."""
        return sum(span.until_s - span.from_s for span in self.spans if span.state is None)

    @property
    def empty(self) -> bool:
        """There was no sample at all: that shows nothing, least of all a calm trigger."""
        return not self.spans


def backtest(trigger: Trigger, measurements: Iterable[Measurement]) -> Backtest:
    """Run *trigger* over the histories of *measurements*, each with its own limit.

    The state is the one that `judge` would have told after each sample; of several histories the
    worst counts.
    """
    lines = [
        timeline_of(history.at_s, measurement.marks(history.value), trigger)
        for measurement in measurements
        for history in [measurement.history or History(at_s=(), value=())]
    ]
    spans = worst_of(lines)
    return Backtest(trigger=trigger, spans=spans, episodes=tuple(_episodes(spans)))


def _episodes(spans: Sequence[Span]) -> Iterator[Episode]:
    active = (TriggerState.PENDING, TriggerState.FIRING)
    place = 0
    for is_active, group in itertools.groupby(spans, key=lambda span: span.state in active):
        found = list(group)
        place += len(found)
        if is_active:
            fired = [span.from_s for span in found if span.state is TriggerState.FIRING]
            yield Episode(
                pending_s=found[0].from_s,
                fired_s=fired[0] if fired else None,
                until_s=found[-1].until_s,
                told=[span.state for span in spans[place : place + 1]] == [TriggerState.INACTIVE],
            )
