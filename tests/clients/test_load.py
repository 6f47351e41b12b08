"""Requests at planned times."""

from __future__ import annotations

import threading
from typing import Self

import httpx
import pytest

from pytest_deploycheck.clients import evidence, rates
from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.load import Request, repeated, timed, under_load, undisturbed
from pytest_deploycheck.clients.pulse import Pulse
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError
from tests.clients.doubles import USER_AGENT, answer


class World:
    """A clock that only waiting and answering move."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.now_s = 0.0
        self.asked = 0

    def clock(self) -> float:
        """Return the time."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds

    def answering(self, took_s: float, waited_s: float = 0.0) -> Answer:
        """Return an answer that took so long."""
        at_s = self.now_s
        self.now_s += took_s
        self.asked += 1
        return answer({}, at_s=at_s, duration_s=took_s, waited_s=waited_s)


class Still:
    """Knows of these pauses of our own."""

    def __init__(self, *spans_s: tuple[float, float]) -> None:
        """None, unless given."""
        self.spans_s = spans_s

    def __enter__(self) -> Self:
        """Listen."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""


def load(**settings: object) -> environment.Load:
    """Return a load of ten requests per second over one connection."""
    known = {"endpoints": ("a",), "samples": 20, "rate_per_s": 10, "connections": 1}
    return environment.Load.model_validate(known | settings)


@pytest.fixture
def api() -> Api:
    """An API that is asked by nobody: only its rate cap is read."""
    settings = environment.Api(url="https://load.test", rate_per_s=10_000, endpoints={})
    return Api(settings, user_agent=USER_AGENT)


@pytest.fixture
def world() -> World:
    """A clock of its own."""
    return World()


def test_requests_leave_when_they_are_due(api: Api, world: World) -> None:
    """Evenly spaced, and the one that warms the connection up does not count."""
    found = timed(
        api,
        load(),
        lambda _: world.answering(0.02),
        clock=world.clock,
        sleep=world.sleep,
        pulse=Still,
    )
    gaps = {round(b.at_s - a.at_s, 6) for a, b in zip(found.answers, found.answers[1:])}  # noqa: B905
    assert gaps == {0.1}
    assert (world.asked, len(found.answers)) == (21, 20)
    assert found.p95_s == pytest.approx(0.02)


def test_a_stall_counts_for_every_request_that_it_delays(api: Api, world: World) -> None:
    """A client that waits would have measured one slow answer among twenty: a p95 of 20 ms."""

    def ask(index: int) -> Answer:
        return world.answering(1.0 if index == 5 else 0.02)

    found = timed(api, load(), ask, clock=world.clock, sleep=world.sleep, pulse=Still)
    assert sorted(a.duration_s for a in found.answers)[18] == 0.02
    assert found.durations_s[5:9] == pytest.approx((1.0, 0.92, 0.84, 0.76))
    assert found.p95_s == pytest.approx(0.92)


def test_the_host_is_asked_below_its_cap(world: World) -> None:
    """Whatever the load says: above the limiter's rate our own waiting would be measured."""
    settings = environment.Api(url="https://capped.test", rate_per_s=4, endpoints={})
    api = Api(settings, user_agent=USER_AGENT)
    found = timed(
        api,
        load(rate_per_s=100),
        lambda _: world.answering(0.0),
        clock=world.clock,
        sleep=world.sleep,
        pulse=Still,
    )
    assert found.answers[19].at_s - found.answers[0].at_s == pytest.approx(19 / 3.6)


def test_our_own_waiting_is_nobodys_response_time(api: Api, world: World) -> None:
    """When the cap holds us back, nobody knows how long an answer takes."""

    def ask(index: int) -> Answer:
        return world.answering(0.02, waited_s=0.3 if index == 7 else 0.0)

    with pytest.raises(InstrumentError, match=r"held a request back for 0\.30 s"):
        timed(api, load(), ask, clock=world.clock, sleep=world.sleep, pulse=Still)


@pytest.mark.parametrize("broken", [0, 7, 19])
@pytest.mark.parametrize("connections", [1, 4])
def test_a_wrong_answer_ends_the_load(
    api: Api, world: World, broken: int, connections: int
) -> None:
    """Nothing wrong is timed, be it while warming up or in the middle."""

    def ask(index: int) -> Answer:
        if index == broken:
            raise SubjectError("found 500")
        return world.answering(0.0)

    with pytest.raises(SubjectError, match="found 500"):
        timed(
            api,
            load(connections=connections),
            ask,
            clock=world.clock,
            sleep=world.sleep,
            pulse=Still,
        )


def test_connections_are_warmed_up_and_then_used_side_by_side(api: Api) -> None:
    """Four at once, each by a thread of its own that notes for the check."""
    together = threading.Barrier(4, timeout=5)
    threads: set[int] = set()

    def ask(index: int) -> Answer:
        if 0 < index < 5:
            together.wait()
        threads.add(threading.get_ident())
        evidence.note("load", "asked", "answered")
        return answer({}, at_s=0.0, duration_s=0.01)

    with evidence.recording() as recorder:
        timed(api, load(connections=4, rate_per_s=9000), ask, sleep=lambda _: None, pulse=Still)
    assert len(threads) == 4
    assert len(recorder.evidence) == 24


def test_each_endpoint_of_a_load_is_timed_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fast endpoint does not make up for a slow one."""
    monkeypatch.setattr("pytest_deploycheck.clients.pulse.PAUSE_S", 60.0)
    settings = environment.Api(
        url="https://each.test",
        rate_per_s=10_000,
        endpoints={name: environment.Endpoint(path=f"/{name}") for name in ("a", "b")},
        loads={"both": load(endpoints=("a", "b"), rate_per_s=9000)},
    )
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    api = Api(settings, user_agent=USER_AGENT, transport=transport)
    found = under_load(api, "both")
    assert {name: len(timings.answers) for name, timings in found.items()} == {"a": 20, "b": 20}
    with pytest.raises(InstrumentError, match="did you mean both"):
        under_load(api, "bot")
    assert rates.cap_of("each.test:443", 10_000).rate_per_s == 10_000


def test_what_fails_now_and_then_is_seen_when_it_is_asked_again_and_again() -> None:
    """The twelfth answer is as much evidence as the first; it says which it was."""
    settings = environment.Api(
        url="https://again.test",
        rate_per_s=10_000,
        endpoints={"a": environment.Endpoint(path="/a")},
        loads={"repeated": load(endpoints=("a",), rate_per_s=9000, connections=1)},
    )
    asked: list[int] = []

    def handler(_: httpx.Request) -> httpx.Response:
        asked.append(1)
        return httpx.Response(503 if len(asked) == bad else 200, json={})

    bad = 0
    api = Api(settings, user_agent=USER_AGENT, transport=httpx.MockTransport(handler))
    assert len(repeated(api, "repeated")) == 20
    bad = len(asked) + 13  # one more warms the connection up
    with pytest.raises(SubjectError, match=r"ask 12 of 20: GET .*/a: found status 503"):
        repeated(api, "repeated")


def test_what_our_own_machine_delayed_is_asked_again(api: Api, world: World) -> None:
    """A busy machine is no slow platform: the stall is left out, and as many are asked anew."""
    pulses = iter([Still((0.55, 1.7)), Still()])

    def ask(index: int) -> Answer:
        return world.answering(1.0 if index == 5 and world.asked < 20 else 0.02)

    found = timed(
        api, load(), ask, clock=world.clock, sleep=world.sleep, pulse=lambda: next(pulses)
    )
    assert len(found.durations_s) == 20
    assert max(found.durations_s) == pytest.approx(0.02)


def test_a_machine_that_keeps_standing_still_measures_nothing(api: Api, world: World) -> None:
    """After some rounds: too few answers are no evidence, and no failure of the platform."""
    with pytest.raises(InstrumentError, match="found 0 answers that our own machine did not delay"):
        timed(
            api,
            load(),
            lambda _: world.answering(0.02),
            clock=world.clock,
            sleep=world.sleep,
            pulse=lambda: Still((0.0, 1000.0)),
        )


def request(due_s: float, left_s: float, took_s: float) -> Request:
    """Return a request of these times."""
    return Request(due_s=due_s, answer=answer({}, at_s=left_s, duration_s=took_s))


def test_requests_are_left_out_while_a_pause_delays_them() -> None:
    """Those due or under way during it, and those that leave late behind them; not the next."""
    requests = [
        request(0.0, 0.0, 0.1),
        request(1.0, 1.0, 0.9),  # under way when it begins
        request(2.0, 2.6, 0.1),  # due during it
        request(2.7, 2.8, 0.1),  # late behind it
        request(3.0, 3.0, 0.1),
        request(4.0, 4.5, 0.1),  # late, but by the platform
    ]
    kept = undisturbed(requests, [(1.5, 2.5)])
    assert [one.due_s for one in kept] == [0.0, 3.0, 4.0]
    assert kept[2].duration_s == pytest.approx(0.6)


def test_a_late_beat_is_a_pause() -> None:
    """What delays a thread that only sleeps is our own doing."""
    world, beats = World(), iter([0.0, 0.01, 0.02, 0.5, 0.01])
    over = threading.Event()

    def sleep(_: float) -> None:
        late_s = next(beats, None)
        if late_s is None:
            over.set()
            threading.Event().wait(0.001)
        else:
            world.now_s += 0.01 + late_s

    with Pulse(world.clock, sleep) as pulse:
        assert over.wait(5)
    (span_s,) = pulse.spans_s
    assert span_s == pytest.approx((0.06, 0.57))
