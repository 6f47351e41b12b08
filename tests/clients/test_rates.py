"""The rate cap holds over all threads, and over all clients of a host."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.clients import rates
from pytest_deploycheck.clients.rates import RateCap
from tests.clients.doubles import STEADY


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        """Read it."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Move it."""
        self.now_s += seconds


@STEADY
@given(
    st.floats(0.5, 100),
    st.lists(st.floats(0, 5), min_size=1, max_size=60),
    st.floats(0.5, 20),
)
def test_no_window_holds_more_turns_than_rate_and_burst(
    rate_per_s: float, pauses_s: list[float], window_s: float
) -> None:
    """The platform blocks whoever asks too often in any ten seconds, not on average."""
    clock = Clock()
    cap = RateCap(rate_per_s, clock=clock, sleep=clock.sleep)
    turns = []
    for pause_s in pauses_s:
        clock.sleep(pause_s)
        cap.wait()
        turns.append(clock())
    most = max(sum(start <= at < start + window_s for at in turns) for start in turns)
    assert most <= rate_per_s * window_s + max(1.0, rate_per_s) + 1


def test_four_a_second_stay_below_fifty_in_ten_seconds() -> None:
    """The limit that gets an address blocked, with the rate that the environments set."""
    clock = Clock()
    cap = RateCap(4.0, clock=clock, sleep=clock.sleep)
    turns = []
    for _ in range(200):
        cap.wait()
        turns.append(clock())
    assert max(sum(start <= at < start + 10 for at in turns) for start in turns) < 50
    assert turns[-1] == pytest.approx(49.0)  # and nobody waits longer than the cap asks


def test_32_threads_share_one_cap() -> None:
    """Each turn is given once, whoever asks."""
    clock = Clock()
    delays_s: list[float] = []
    cap = RateCap(10.0, burst=1, clock=clock, sleep=delays_s.append)
    threads = [threading.Thread(target=cap.wait) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = [round(turn / 10, 6) for turn in range(1, 32)]
    assert sorted(round(delay_s, 6) for delay_s in delays_s) == expected


def test_two_clients_of_one_host_obey_the_lower_cap() -> None:
    """The platform counts addresses, not our clients."""
    first = rates.cap_of("shared.test:443", 8.0)
    assert rates.cap_of("shared.test:443", 2.0) is first
    assert rates.cap_of("shared.test:443", 8.0).rate_per_s == 2.0


def test_processes_share_a_cap() -> None:
    """Two workers of xdist ask from one address."""
    rates.share(2)
    try:
        assert rates.cap_of("divided.test:443", 8.0).rate_per_s == 4.0
    finally:
        rates.share(1)
