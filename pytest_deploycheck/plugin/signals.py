"""SIGTERM and SIGHUP end a run as Ctrl-C does: with everything that was found written down."""

from __future__ import annotations

import functools
import signal
import threading
import types
from collections.abc import Generator
from typing import Final

import pytest

#: A CI system that cancels, Kubernetes that stops a pod; a terminal that is closed.
_ENDING: Final = (signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Registered in the controlling process."""

    def __init__(self, config: pytest.Config) -> None:
        """Handle those signals that nobody else does, until *config* is done with."""
        self._ending: signal.Signals | None = None
        self._writing = False
        if threading.current_thread() is not threading.main_thread():
            return  # Python handles signals on the main thread only
        for number in _ENDING:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._end)
                config.add_cleanup(functools.partial(_leave, number))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Generator[None, object, object]:
        """Do not let a second signal tear the reports."""
        self._writing = True
        return (yield)

    def insist(self) -> None:
        """End the run when a signal asked for it and nothing has come of it.

        pytest's way to end is an exception, and whatever the main thread was at when the signal
        came may have swallowed it: an import that tries something, a destructor.
        """
        if self._ending is not None and not self._writing:
            pytest.exit(self._ending.name, returncode=128 + self._ending)

    def _end(self, number: int, frame: types.FrameType | None) -> None:  # noqa: ARG002 # signal's
        if self._ending is None:
            self._ending = signal.Signals(number)
            self.insist()


def _leave(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_DFL)
