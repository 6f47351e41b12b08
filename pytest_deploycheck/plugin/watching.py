"""The observation: every check with a trigger is sampled on an interval, until the time is over."""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Mapping, Sequence

from pytest_deploycheck.domain.durations import Timing, timing_of
from pytest_deploycheck.domain.events import CheckEnded
from pytest_deploycheck.domain.histories import not_after
from pytest_deploycheck.domain.policy import Trigger
from pytest_deploycheck.domain.reasons import found, spoken_hold
from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.domain.words import Outcome, Severity, TriggerState, worst_trigger_state


class Watch:
    """When a watched check is sampled again; a rollback trigger that fires ends it for all."""

    def __init__(
        self,
        *,
        for_s: float,
        interval_s: float,
        deployed_at_s: float,
        earlier: Mapping[str, Sequence[CheckEnded]],
        begun_s: float | None = None,
    ) -> None:
        """Begin with the first sample that is taken, unless it goes on with an earlier watch.

        Args:
            for_s: From the first sample of any check to the last of each.
            interval_s: From sample to sample of one check.
            deployed_at_s: Samples before it do not speak for the deployment.
            earlier: By node id, what earlier runs of this deployment found: a watch that was cut
                off goes on as if it had not been.
            begun_s: When the watch that was cut off began (Unix seconds); None: there is none.
        """
        self.until_s: float | None = None if begun_s is None else begun_s + for_s
        """When the last samples are taken (Unix seconds); None before the first."""
        self.over = threading.Event()
        self.on_over: Callable[[], None] = lambda: None
        """Called once, when a rollback trigger fires: whoever waits need not."""
        self._for_s = for_s
        self._interval_s = interval_s
        self._deployed_at_s = deployed_at_s
        self._earlier = earlier

    def timing(self, check: CheckEnded, trigger: Trigger) -> Timing:
        """Judge *check*, its newest sample included."""
        return timing_of(
            check, self._earlier.get(check.nodeid, ()), trigger, deployed_at_s=self._deployed_at_s
        )

    def next_sample_s(self, check: CheckEnded, trigger: Trigger) -> float | None:
        """Return when to sample *check* again (Unix seconds), None when the watch is over."""
        if self.until_s is None:
            self.until_s = check.samples[0].at_s + self._for_s
        if (
            trigger.severity is Severity.ROLLBACK
            and self.timing(check, trigger).state is TriggerState.FIRING
            and not self.over.is_set()
        ):
            self.over.set()
            self.on_over()
        at_s = check.samples[-1].at_s
        if self.over.is_set() or not_after(self.until_s, at_s):
            return None
        return min(at_s + self._interval_s, self.until_s)


class News:
    """What the triggers do while a run goes on, a line whenever one of them changes."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._lock = threading.Lock()
        self._timings: dict[str, dict[str, tuple[Trigger, Timing]]] = collections.defaultdict(dict)
        self._lines: list[str] = []

    def told(self, check: CheckEnded, trigger: Trigger, timing: Timing) -> None:
        """Take what the newest sample of *check* says of *trigger*."""
        with self._lock:
            known = self._timings[trigger.id]
            before = self._state(trigger.id)
            known[check.nodeid] = (trigger, timing)
            after = self._state(trigger.id)
            if after is not before:
                looked = check.outcome is not Outcome.INCONCLUSIVE
                quiet = f"{trigger.id} {after.value if looked else 'unknown'}"
                line = self._line(trigger.id) or quiet
                self._lines.append(f"{line}: {found(check) or check.outcome.value}")

    def lines(self) -> list[str]:
        """Return the lines that nobody has taken yet."""
        with self._lock:
            taken, self._lines = self._lines, []
            return taken

    def active(self) -> str:
        """Return which triggers are PENDING or FIRING now, and since when."""
        with self._lock:
            return ", ".join(filter(None, map(self._line, sorted(self._timings))))

    def _state(self, name: str) -> TriggerState:
        return worst_trigger_state(timing.state for _, timing in self._timings[name].values())

    def _line(self, name: str) -> str:
        active = [
            (trigger, timing)
            for trigger, timing in self._timings[name].values()
            if timing.since_s is not None and timing.state is self._state(name)
        ]
        if not active:
            return ""
        trigger, timing = max(active, key=lambda held: held[1].held_s)
        return (
            f"{name} {timing.state.value} since {spoken_time(timing.since_s or 0.0)}, "
            f"{spoken_hold(timing.held_s, trigger.hold_s)}"
        )
