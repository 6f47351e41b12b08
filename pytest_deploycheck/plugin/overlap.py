"""Checks side by side: bodies that only wait for a network run on a pool of daemon threads."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator

from pytest_deploycheck.plugin.execution import Execution, GivenUpError

_GLANCE_S = 0.05
"""How often the pool looks for samples beyond their deadline."""
_GROWTH_S = 0.002
"""How often it looks whether more threads would help, while samples wait for one."""
_BUSY = 0.7
"""The share of a processor's time from which on Python's threads only stand in each other's way."""


class Pool:
    """Runs executions as their next sample falls due; one that waits for it holds no thread.

    Daemon threads, not a ThreadPoolExecutor: that one keeps the process alive behind a hung body.
    """

    def __init__(self, threads: int, clock: Callable[[], float] = time.time) -> None:
        """Start nothing yet; *threads* is the most that run side by side."""
        self._most = threads
        self._clock = clock
        self._due: list[tuple[float, int, Execution]] = []
        self._order = itertools.count()
        self._change = threading.Condition()
        """Guards all that follows, and tells of every change of it."""
        self._threads = 0
        self._idle = 0
        self._taken = 0
        self._running: set[Execution] = set()
        self._held = False
        self._closed = False

    @property
    def running(self) -> tuple[Execution, ...]:
        """Whose sample is being taken."""
        with self._change:
            return tuple(self._running)

    @property
    def waiting(self) -> tuple[Execution, ...]:
        """Whose next sample is not due yet, or finds no thread yet."""
        with self._change:
            return tuple(execution for _, _, execution in self._due)

    def add(self, *executions: Execution, due_s: float = 0.0) -> None:
        """Have *executions* sampled at *due_s* (Unix seconds), at once by default."""
        with self._change:
            for execution in executions:
                heapq.heappush(self._due, (due_s, next(self._order), execution))
            if self._threads == 0:
                self._start(self._watch)
                self._grow(1)
            self._change.notify(len(executions))

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Begin when no sample is being taken, and let none begin until the block ends."""
        try:
            self._hold()
            yield
        finally:
            with self._change:
                self._held = False
                self._change.notify_all()

    @contextlib.contextmanager
    def ajar(self) -> Iterator[None]:
        """Inside of `alone`: let the others go on until the block ends."""
        with self._change:
            self._held = False
            self._change.notify_all()
        yield
        self._hold()  # not for whoever ends the run: one of the others may hang

    def hurry(self) -> None:
        """Let everything that waits for its next sample be sampled at once."""
        with self._change:
            self._due = [(0.0, order, execution) for _, order, execution in self._due]
            heapq.heapify(self._due)
            self._change.notify_all()

    def close(self) -> None:
        """Take no more samples; a body that hangs is left to the end of the process."""
        with self._change:
            self._closed = True
            self._due.clear()
            self._change.notify_all()

    def _hold(self) -> None:
        with self._change:
            self._held = True
            while self._running:
                self._change.wait()

    def _work(self) -> None:
        while (execution := self._next()) is not None:
            try:
                with execution.output.collecting():
                    due_s = execution.step()
            except GivenUpError:
                return  # another thread has taken this one's place
            self._ended(execution, due_s)

    def _next(self) -> Execution | None:
        """Wait for the next execution that falls due; None: there will be none."""
        with self._change:
            while not self._closed:
                wait_s = None
                if self._due and not self._held:
                    wait_s = self._due[0][0] - self._clock()
                    if wait_s <= 0:
                        execution = heapq.heappop(self._due)[2]
                        self._running.add(execution)
                        self._taken += 1
                        return execution
                self._idle += 1
                self._change.wait(wait_s)
                self._idle -= 1
            return None

    def _ended(self, execution: Execution, due_s: float | None) -> None:
        with self._change:
            self._running.discard(execution)
            if self._held:
                self._change.notify_all()
        if due_s is not None:
            self.add(execution, due_s=due_s)

    def _watch(self) -> None:
        """Start threads as long as they help, and give up samples beyond their deadline."""
        glanced_s, taken = 0.0, 0
        while not self._closed:
            began_s, used_s = time.monotonic(), time.process_time()
            time.sleep(_GROWTH_S if self._short_of_threads() else _GLANCE_S)
            now_s = time.monotonic()
            # Twice as many while all of them only wait; one more when none of them gets on.
            if time.process_time() - used_s < _BUSY * (now_s - began_s):
                self._grow(self._threads)
            if now_s - glanced_s < _GLANCE_S:
                continue
            if self._taken == taken:
                self._grow(1)
            glanced_s, taken = now_s, self._taken
            for execution in self.running:
                if execution.overdue():
                    self._give_up(execution)

    def _short_of_threads(self) -> bool:
        """Say whether a sample is due, and no thread is left for it."""
        with self._change:
            return (
                self._threads < self._most
                and not self._idle
                and not self._held
                and bool(self._due)
                and self._due[0][0] <= self._clock()
            )

    def _grow(self, most: int) -> None:
        """Start up to *most* threads, where samples are short of them."""
        for _ in range(most):
            if not self._short_of_threads():
                return
            with self._change:
                self._threads += 1
                self._start(self._work)

    def _give_up(self, execution: Execution) -> None:
        """End a sample that hangs, and replace the thread that it holds."""
        try:
            due_s = execution.give_up()
        except GivenUpError:
            return
        with self._change:
            self._start(self._work)
        self._ended(execution, due_s)

    @staticmethod
    def _start(work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="deploycheck", daemon=True).start()
