"""Whether we ourselves have kept time: a machine that is too busy measures itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol, Self

_BEAT_S: Final = 0.01
PAUSE_S: Final = 0.05
"""A beat that comes so much too late is a pause."""


class Pauses(Protocol):
    """What knows when we ourselves stood still, while its block lasts."""

    def __enter__(self) -> Self:
        """Begin to listen."""

    def __exit__(self, *_: object) -> None:
        """Stop."""

    @property
    def spans_s(self) -> tuple[tuple[float, float], ...]:
        """Begin and end of each pause, in Unix seconds, in order."""


class Pulse:
    """Beats in a thread of its own, and notes each beat that came too late.

    Args:
        clock: Unix seconds.
        sleep: Waits for that many seconds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._spans_s: list[tuple[float, float]] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Self:
        """Begin to beat."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, after the beat that is under way: it may be the one that is late."""
        self._over.set()
        self._thread.join()

    @property
    def spans_s(self) -> tuple[tuple[float, float], ...]:
        """Begin and end of each pause, in Unix seconds, in order."""
        return tuple(self._spans_s)

    def _beat(self) -> None:
        last_s = self._clock()
        while not self._over.is_set():
            self._sleep(_BEAT_S)
            now_s = self._clock()
            if now_s - last_s > _BEAT_S + PAUSE_S:
                self._spans_s.append((last_s, now_s))
            last_s = now_s
