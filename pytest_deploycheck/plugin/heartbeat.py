"""Says what a run is waiting for, when it has said nothing for a while."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Generator
from typing import Final

import pytest

from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.plugin.execution import Ground
from pytest_deploycheck.plugin.overlap import Pool
from pytest_deploycheck.plugin.watching import News
from pytest_deploycheck.report.text import log_line

QUIET_ON_TERMINAL_S: Final = 10.0
QUIET_IN_LOG_S: Final = 30.0
_GLANCE_S: Final = 0.5
"""How often it looks for news of a trigger, which are told at once."""
_NAMED: Final = 3
"""So many of a kind are named, the longest first."""


class Heartbeat:
    """Registered in the process that prints."""

    def __init__(
        self,
        pool: Pool | None,
        ground: Ground | None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Say nothing yet.

        Args:
            pool: Where checks overlap; None: they do not.
            ground: Whose news are told as they come, and whose watch is spoken of; None: neither.
            clock: In seconds.
        """
        self._pool = pool
        self._news = News() if ground is None else ground.news
        self._watch = None if ground is None else ground.watch
        self._clock = clock
        self._turns: dict[str, float] = {}
        """Whose turn it is, and since when; under xdist there are several."""
        self._left = 0
        self._said_s = clock()
        self._over = threading.Event()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count what is to run; under xdist each worker does so for itself."""
        self._left = len(session.items)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note whose turn it is."""
        self._turns[nodeid] = self._said_s = self._clock()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Note that its turn is over."""
        self._turns.pop(nodeid, None)
        self._left = max(0, self._left - 1)
        self._said_s = self._clock()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Beat while tests run, where there is something to print to."""
        try:
            # A copy of what is standard output now: while a test runs, pytest puts a file there.
            output = os.dup(sys.stdout.fileno())
        except (OSError, ValueError):  # closed, or no file at all
            return (yield)
        quiet_s = QUIET_ON_TERMINAL_S if os.isatty(output) else QUIET_IN_LOG_S
        thread = threading.Thread(
            target=self._beat, args=(output, quiet_s), name="deploycheck", daemon=True
        )
        thread.start()
        try:
            return (yield)
        finally:
            self._over.set()
            thread.join()
            os.close(output)

    def line(self) -> str:
        """Return what there is to say."""
        now_s = self._clock()
        turns = self._turns.copy()  # the main thread goes on
        running = {nodeid: now_s - since_s for nodeid, since_s in turns.items()}
        failing: dict[str, float] = {}
        if self._pool is not None:
            waiting = self._pool.waiting
            for execution in waiting:
                running.pop(execution.planned.nodeid, None)
            for execution in (*waiting, *self._pool.running):
                if execution.running_s is not None:
                    running[execution.planned.nodeid] = execution.running_s
                if execution.failing_s is not None:
                    failing[execution.planned.nodeid] = execution.failing_s
        parts = [_told("running", running), _told("failing", failing)]
        if self._left:
            parts.append(f"{self._left} left")
        parts.append(self._news.active())
        if self._watch is not None and self._watch.until_s is not None:
            parts.append(f"watching until {spoken_time(self._watch.until_s)}")
        return log_line("deploycheck: " + "; ".join(part for part in parts if part))

    def _beat(self, output: int, quiet_s: float) -> None:
        while not self._over.wait(min(_GLANCE_S, quiet_s)):
            lines = [log_line(f"deploycheck: {line}") for line in self._news.lines()]
            if not lines and self._clock() >= self._said_s + quiet_s:
                lines = [self.line()]
            if lines:
                self._said_s = self._clock()
                # The line before may be one of pytest's dots, so begin a new one.
                with contextlib.suppress(OSError):
                    os.write(output, "\n{}\n".format("\n".join(lines)).encode())


def _told(what: str, seconds: dict[str, float]) -> str:
    """Return `2 running: a for 12 s, b for 3 s`, and nothing of nobody."""
    longest = sorted(seconds.items(), key=lambda item: -item[1])
    named = ", ".join(f"{nodeid} for {since_s:.0f} s" for nodeid, since_s in longest[:_NAMED])
    more = f", {len(longest) - _NAMED} more" if len(longest) > _NAMED else ""
    return f"{len(longest)} {what}: {named}{more}" if longest else ""
