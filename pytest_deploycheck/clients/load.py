"""Requests at planned times: how long each took counts from when it was due, not from when it left.

A client that waits for one answer before it sends the next request asks a stalled server once, and
measures one slow answer; people who keep coming would all have waited. Here every request that a
stall delays is as late as it would have been for them.

A stall of our own machine is another matter: requests that met one say nothing about the platform.
They are left out and asked again.
"""

from __future__ import annotations

import dataclasses
import functools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.endpoints import unknown
from pytest_deploycheck.clients.pulse import Pauses, Pulse
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError
from pytest_deploycheck.domain.percentiles import percentile

_HEADROOM: Final = 0.9
"""Of the cap of a host: at the cap itself our own waiting would be part of every answer."""
_WAITED_S: Final = 0.05
_ON_TIME_S: Final = 0.02
_ROUNDS: Final = 6

Ask = Callable[[int], Answer]
"""Asks for the sample of that number, from 0, and raises when the answer is not what it must be."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """One of them."""

    due_s: float
    """When it was to leave, in Unix seconds."""
    answer: Answer

    @property
    def late_s(self) -> float:
        """How much later it left than it was due; never negative."""
        return max(0.0, self.answer.at_s - self.due_s)

    @property
    def duration_s(self) -> float:
        """From when it was due to the last byte of its answer."""
        return self.late_s + self.answer.duration_s

    @property
    def ended_s(self) -> float:
        """When the last byte of its answer had come, in Unix seconds."""
        return self.due_s + self.duration_s


@dataclasses.dataclass(frozen=True, kw_only=True)
class Timings:
    """What a load had for answer, in the order of its plan."""

    answers: tuple[Answer, ...]
    durations_s: tuple[float, ...]
    """From when each request was due to the last byte of its answer."""

    @property
    def p95_s(self) -> float:
        """95 % of the answers had come after so many seconds.

        Raises:
            InstrumentError: There are fewer than 20.
        """
        return percentile(self.durations_s, 0.95)


def under_load(api: Api, name: str) -> dict[str, Timings]:
    """Ask each endpoint of the load *name* in turn, and return the timings of each.

    Raises:
        SubjectError: An answer is not what the endpoint map demands: nothing wrong is timed.
        InstrumentError: The fault may be ours; the environment has no such load.
    """
    settings = load_of(api, name)
    return {each: timed(api, settings, _calls(api, each)) for each in settings.endpoints}


def repeated(api: Api, name: str) -> tuple[Answer, ...]:
    """Ask each endpoint of the load *name* in turn; return the answers, however long they took.

    Who asks once is answered by luck where something fails now and then.

    Raises:
        SubjectError: An answer is not what the endpoint map demands; it says which of how many.
        InstrumentError: The fault may be ours; the environment has no such load.
    """
    settings = load_of(api, name)

    def asked(endpoint: str, index: int) -> Answer:
        try:
            return api.call(endpoint)
        except SubjectError as error:
            raise SubjectError(f"ask {index + 1} of {settings.samples}: {error}") from error

    return tuple(
        answer
        for endpoint in settings.endpoints
        for answer in spaced(api, settings, functools.partial(asked, endpoint))
    )


def load_of(api: Api, name: str) -> environment.Load:
    """Return the settings of the load *name*.

    Raises:
        InstrumentError: The environment has none.
    """
    try:
        return api.settings.loads[name]
    except KeyError:
        raise unknown(f"{api.source}.loads", name, api.settings.loads) from None


def timed(
    api: Api,
    settings: environment.Load,
    ask: Ask,
    *,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
    pulse: Callable[[], Pauses] = Pulse,
) -> Timings:
    """Call *ask* as often as the load says, evenly spaced, and more often where we stood still.

    Raises:
        InstrumentError: Our own rate cap or machine held too many requests back, so that nobody
            knows how long they took.
    """
    found: list[Request] = []
    pauses: list[tuple[float, float]] = []
    for _ in range(_ROUNDS):
        missing = settings.samples - len(found)
        with pulse() as beating:
            requests = _asked(api, settings, missing, ask, clock, sleep)
        pauses += beating.spans_s
        found += undisturbed(requests, beating.spans_s)
        if len(found) == settings.samples:
            _refuse_own_waits(found)
            return Timings(
                answers=tuple(one.answer for one in found),
                durations_s=tuple(one.duration_s for one in found),
            )
    longest_s = max((end_s - begin_s for begin_s, end_s in pauses), default=0.0)
    raise InstrumentError(
        f"found {len(found)} answers that our own machine did not delay, expected "
        f"{settings.samples}: it stood still {len(pauses)} times, for up to {longest_s:.2f} s"
    )


def spaced(api: Api, settings: environment.Load, ask: Ask) -> tuple[Answer, ...]:
    """Call *ask* as often as the load says, evenly spaced, where what counts is in the answers."""
    requests = _asked(api, settings, settings.samples, ask, time.time, time.sleep)
    return tuple(one.answer for one in requests)


def _asked(
    api: Api,
    settings: environment.Load,
    samples: int,
    ask: Ask,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> list[Request]:
    """Ask *samples* times, below the cap of the host."""
    rate_per_s = min(settings.rate_per_s, _HEADROOM * api.rate_per_s)
    connections = min(settings.connections, samples)
    return _Run(samples, connections, rate_per_s, ask, clock, sleep).requests()


def undisturbed(
    requests: Sequence[Request], pauses: Sequence[tuple[float, float]]
) -> list[Request]:
    """Return the requests that no pause of our own delayed.

    Those are left out that were due or under way during one, and those after it that left late
    because of them.

    Args:
        requests: In the order of their plan.
        pauses: Begin and end of each.
    """
    kept: list[Request] = []
    behind = False
    for one in requests:
        met = any(one.due_s < end_s and begin_s < one.ended_s for begin_s, end_s in pauses)
        behind = met or (behind and one.late_s > _ON_TIME_S)
        if not behind:
            kept.append(one)
    return kept


def _calls(api: Api, name: str) -> Ask:
    return lambda _: api.call(name)


class _Run:
    """One round of a load; each thread keeps a connection."""

    def __init__(
        self,
        samples: int,
        connections: int,
        rate_per_s: float,
        ask: Ask,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self._samples = samples
        self._connections = connections
        self._rate_per_s = rate_per_s
        self._ask = ask
        self._clock = clock
        self._sleep = sleep
        self._turn = threading.Lock()
        """Held by who sends next: the others have been idle for less long."""
        self._warm = threading.Barrier(connections, self._begin)
        self._started_s = 0.0
        self._next = 0
        self._found: dict[int, Request] = {}
        self._error: BaseException | None = None

    def requests(self) -> list[Request]:
        """Ask, and return what came back, in the order of the plan."""
        work = evidence.in_this_check(self._work)
        threads = [threading.Thread(target=work, daemon=True) for _ in range(self._connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._error is not None:
            raise self._error
        return [self._found[index] for index in sorted(self._found)]

    def _work(self) -> None:
        """Warm this thread's connection up, then take requests until none is left."""
        try:
            with self._turn:
                self._ask(0)
                self._sleep(1 / self._rate_per_s)
            self._warm.wait()
            while (index := self._due()) is not None:
                self._found[index] = Request(due_s=self._due_s(index), answer=self._ask(index))
        except threading.BrokenBarrierError:
            return
        except BaseException as error:  # noqa: BLE001 - raised again by `requests`, in the check
            self._error = self._error or error
            self._warm.abort()

    def _begin(self) -> None:
        self._started_s = self._clock()

    def _due(self) -> int | None:
        """Wait for the next request to be due, and return its number; None: there is none left."""
        with self._turn:
            index = self._next
            if index >= self._samples or self._error is not None:
                return None
            self._next += 1
            self._sleep(max(0.0, self._due_s(index) - self._clock()))
            return index

    def _due_s(self, index: int) -> float:
        return self._started_s + index / self._rate_per_s


def _refuse_own_waits(requests: Sequence[Request]) -> None:
    longest_s = max(one.answer.waited_s for one in requests)
    if longest_s > _WAITED_S:
        raise InstrumentError(
            f"our own rate cap held a request back for {longest_s:.2f} s, expected at most "
            f"{_WAITED_S:g} s: does something else ask the same host?"
        )
