"""One check's life in a run: its body is sampled until the check is decided."""

from __future__ import annotations

import dataclasses
import re
import sys
import threading
import time
import types
from collections.abc import Callable
from typing import Final

import pytest

from pytest_deploycheck.clients.evidence import Recorder, recording, redact
from pytest_deploycheck.domain.confirmation import Pace, next_sample_s
from pytest_deploycheck.domain.durations import timing_of
from pytest_deploycheck.domain.errors import (
    AwaitingError,
    DeploycheckError,
    InstrumentError,
    outcome_of,
)
from pytest_deploycheck.domain.events import CheckEnded, CheckSample, CheckSampled, PlannedCheck
from pytest_deploycheck.domain.policy import Trigger
from pytest_deploycheck.domain.reasons import found_against_limit
from pytest_deploycheck.domain.words import Outcome
from pytest_deploycheck.plugin.output import Output
from pytest_deploycheck.plugin.watching import News, Watch

_LONGEST_MESSAGE = 2000
#: As pytest's rewritten asserts explain a value: ` +  where 0.1 = history.latest`.
_WHERE: Final = re.compile(r"\n \+ +(?:where |and   ).*")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ground:
    """What is the same for all checks of a run."""

    run: str
    deployed_at_s: float
    pace: Pace | None
    """None: a failing check is not sampled again."""
    clock: Callable[[], float] = time.time
    watch: Watch | None = None
    """Every check with a trigger is sampled until its end, whatever it finds."""
    news: News = dataclasses.field(default_factory=News)
    sampled: Callable[[CheckSampled], None] = lambda _: None
    """Told of each sample after which the check goes on."""


class GivenUpError(Exception):
    """The sample came after the check's deadline; somebody else has answered for it."""


@dataclasses.dataclass(frozen=True)
class _Attempt:
    """A sample that is being taken."""

    begun_s: float
    timer_s: float
    """When it began, on a clock that nobody sets back."""
    thread: int
    recorder: Recorder


class Execution:
    """Runs a check's body, again while it fails and its trigger's hold has not been reached."""

    def __init__(
        self,
        planned: PlannedCheck,
        body: Callable[[], object],
        trigger: Trigger | None,
        ground: Ground,
        *,
        file: str = "",
        deadline_s: float | None = None,
    ) -> None:
        """Nothing runs yet.

        Args:
            planned: What the check answers.
            body: The test function with its arguments.
            trigger: What its failure means; None: it is not sampled again.
            ground: The run's.
            file: Where the body stands, to say on which of its lines it hangs.
            deadline_s: How long one sample may take; None: for ever. Only `overdue` and `give_up`
                know of it, and only a sample off the main thread can be given up.
        """
        self.planned = planned
        self.done = threading.Event()
        self.output = Output()
        """What the body printed and logged off the main thread."""
        self.error: BaseException | None = None
        """What the newest sample raised."""
        self._body = body
        self._trigger = trigger
        self._ground = ground
        self._file = file
        self._deadline_s = deadline_s
        self._samples: list[CheckSample] = []
        self._started_s = 0.0
        self._recorder = Recorder()
        self._ended: CheckEnded | None = None
        self._attempt: _Attempt | None = None
        self._lock = threading.Lock()

    def step(self) -> float | None:
        """Take one sample; return when to take the next (Unix seconds), None when decided.

        Raises:
            GivenUpError: It took too long, and the check went on without it.
        """
        begun_s = self._ground.clock()
        self._started_s = self._started_s or begun_s
        error: BaseException | None = None
        with recording() as recorder:
            attempt = _Attempt(begun_s, time.monotonic(), threading.get_ident(), recorder)
            self._attempt = attempt
            try:
                _refuse_answer(self._body())
                _refuse_silent_breach(recorder)
            # Skips, exits and groups are not Exceptions; pytest gets to see them all afterwards.
            except BaseException as caught:  # noqa: BLE001
                error = caught
        if not self._end(attempt, error):
            raise GivenUpError(self.planned.nodeid)
        return self._next_s()

    def overdue(self) -> bool:
        """Say whether the sample that is being taken has taken too long."""
        attempt = self._attempt
        return (
            attempt is not None
            and self._deadline_s is not None
            and time.monotonic() - attempt.timer_s >= self._deadline_s
        )

    def give_up(self) -> float | None:
        """End the sample that hangs, without its thread; return what `step` would.

        Raises:
            GivenUpError: It has just ended by itself.
        """
        attempt = self._attempt
        if attempt is None or not self._end(attempt, self._hangs(attempt.thread)):
            raise GivenUpError(self.planned.nodeid)
        return self._next_s()

    @property
    def running_s(self) -> float | None:
        """How long the sample that is being taken has run; None: there is none."""
        attempt = self._attempt
        return None if attempt is None else time.monotonic() - attempt.timer_s

    @property
    def failing_s(self) -> float | None:
        """For how long its samples have been bad; None: the newest is not, or there is none."""
        first_s = None
        for sample in reversed(self._samples):
            if sample.outcome is not Outcome.FAILED:
                break
            first_s = sample.at_s
        return None if first_s is None else self._ground.clock() - first_s

    @property
    def ended(self) -> CheckEnded | None:
        """The check as its newest sample left it; None before the first has ended."""
        return self._ended

    def _as_it_stands(self) -> CheckEnded:
        last = self._samples[-1]
        recorder = self._recorder
        return CheckEnded(
            run=self._ground.run,
            at_s=self._ground.clock(),
            started_at_s=self._started_s,
            nodeid=self.planned.nodeid,
            item=self.planned.item,
            outcome=last.outcome,
            message=last.message,
            trigger=self.planned.trigger,
            samples=tuple(self._samples),
            measurements=recorder.measurements,
            evidence=recorder.evidence,
            awaiting=recorder.awaiting or isinstance(self.error, AwaitingError),
            answered=recorder.answered,
            silent=recorder.silent,
        )

    def _end(self, attempt: _Attempt, error: BaseException | None) -> bool:
        """Take the sample's answer, unless one was taken already."""
        with self._lock:
            if self._attempt is not attempt:
                return False
            self._attempt = None
        self.error = error
        self._recorder = attempt.recorder
        self._samples.append(
            CheckSample(at_s=attempt.begun_s, outcome=outcome_of(error), message=message(error))
        )
        return True

    def _next_s(self) -> float | None:
        ended = self._ended = self._as_it_stands()
        ground, trigger, due_s = self._ground, self._trigger, None
        if trigger is not None:
            self._tell_news(ended, trigger)
        if isinstance(self.error, KeyboardInterrupt | pytest.exit.Exception):
            pass  # somebody ends the run: pytest hears of it now, not after the hold
        elif trigger is not None and ground.watch is not None:
            due_s = ground.watch.next_sample_s(ended, trigger)
        elif ground.pace is not None:
            due_s = next_sample_s(ended, trigger, ground.pace, deployed_at_s=ground.deployed_at_s)
        if due_s is None:
            self.done.set()
        else:
            ground.sampled(_sampled(ended))
        return due_s

    def _tell_news(self, ended: CheckEnded, trigger: Trigger) -> None:
        watch, deployed_at_s = self._ground.watch, self._ground.deployed_at_s
        timing = (
            timing_of(ended, [], trigger, deployed_at_s=deployed_at_s)
            if watch is None
            else watch.timing(ended, trigger)
        )
        self._ground.news.told(ended, trigger, timing)

    def _hangs(self, thread: int) -> InstrumentError:
        """Say where *thread* stands, with that as traceback: the check's own line is in it."""
        traceback = None
        own = inner = ""
        frame = sys._current_frames().get(thread)  # documented; the only way into another thread
        while frame is not None:
            traceback = types.TracebackType(traceback, frame, frame.f_lasti, frame.f_lineno)
            place = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
            inner = inner or place
            if not own and frame.f_code.co_filename == self._file:
                own = place
            frame = frame.f_back
        error = InstrumentError(
            f"no answer within {self._deadline_s:g} s: hangs at {own or 'an unknown line'}"
            + (f", which waits at {inner}" if inner != own else "")
        )
        return error.with_traceback(traceback)


def message(error: BaseException | None) -> str:
    """Return what *error* says, redacted, with its class where it is not one of ours.

    Where the values of an assert came from is Python's to know, and can be a screen of it.
    """
    if error is None:
        return ""
    if isinstance(error, pytest.FixtureLookupError):
        return error.formatrepr().errorstring.partition("\n")[0]  # below it are all there are
    text = _WHERE.sub("", str(error))
    ours = isinstance(error, AssertionError | DeploycheckError)
    if not ours or not text:
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return redact(text)[:_LONGEST_MESSAGE]


def _sampled(ended: CheckEnded) -> CheckSampled:
    """Return the newest sample of a check that goes on."""
    last = ended.samples[-1]
    return CheckSampled(
        run=ended.run,
        at_s=last.at_s,
        nodeid=ended.nodeid,
        item=ended.item,
        outcome=last.outcome,
        message=last.message,
        trigger=ended.trigger,
        answered=ended.answered,
        silent=ended.silent,
    )


def _refuse_answer(answer: object) -> None:
    """Refuse `return answer.ok`: it asserts nothing, so it would pass whatever it found."""
    if answer is not None:
        raise InstrumentError(
            f"the check returned {type(answer).__name__}; expected None: a check speaks in asserts"
        )


def _refuse_silent_breach(recorder: Recorder) -> None:
    """Fail a check that measured something beyond its limit and asserted nothing of it."""
    for measurement in recorder.measurements:
        if measurement.bad:
            raise AssertionError(found_against_limit(measurement))
