"""How often a host may be asked: one cap for each host, over all threads and all clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class RateCap:
    """A token bucket: over any T seconds at most `rate_per_s * T + burst` turns are given.

    Args:
        rate_per_s: Turns per second.
        burst: How many turns may come at once after a rest; by default those of one second.
        clock: Seconds that never go back.
        sleep: Waits for that many seconds.
    """

    def __init__(
        self,
        rate_per_s: float,
        *,
        burst: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._burst = burst
        self._due_s = float("-inf")
        """When the bucket will be full again, on the clock."""
        self.rate_per_s = rate_per_s

    def wait(self) -> float:
        """Take the next turn, and return how many seconds that took."""
        with self._lock:
            burst = max(1.0, self.rate_per_s if self._burst is None else self._burst)
            now_s = self._clock()
            self._due_s = max(self._due_s, now_s) + 1.0 / self.rate_per_s
            delay_s = self._due_s - now_s - burst / self.rate_per_s
        if delay_s <= 0:
            return 0.0
        self._sleep(delay_s)
        return delay_s

    def slow_to(self, rate_per_s: float) -> None:
        """Lower the cap to *rate_per_s*; a higher one changes nothing."""
        with self._lock:
            self.rate_per_s = min(self.rate_per_s, rate_per_s)


_caps: dict[str, RateCap] = {}
_caps_lock = threading.Lock()
_processes = 1


def share(processes: int) -> None:
    """Divide every cap made from now on by the number of processes that ask side by side."""
    global _processes
    _processes = max(1, processes)


def cap_of(host: str, rate_per_s: float) -> RateCap:
    """Return the cap of *host* (`host:port`); of two clients' caps the lower one counts."""
    with _caps_lock:
        cap = _caps.setdefault(host, RateCap(rate_per_s / _processes))
    cap.slow_to(rate_per_s / _processes)
    return cap
