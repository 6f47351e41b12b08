"""The pool: executions overlap, take turns by due time, and never wait for one that hangs."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pytest_deploycheck.domain.confirmation import Pace
from pytest_deploycheck.domain.events import CheckEnded, PlannedCheck
from pytest_deploycheck.domain.policy import Trigger
from pytest_deploycheck.domain.words import Outcome, Severity
from pytest_deploycheck.plugin.execution import Execution, Ground
from pytest_deploycheck.plugin.overlap import Pool

PATIENCE_S = 20.0
"""Far more than anything here takes: a test that would wait for ever fails instead."""
GROUND = Ground(run="run", deployed_at_s=0.0, pace=Pace(interval_s=0.05, settle_s=0.1))


@pytest.fixture
def pool_of() -> Iterator[Callable[[int], Pool]]:
    """Make pools, and close them."""
    made: list[Pool] = []

    def make(threads: int) -> Pool:
        made.append(Pool(threads))
        return made[-1]

    yield make
    for pool in made:
        pool.close()


def trigger(hold_s: float) -> Trigger:
    """A rollback trigger."""
    return Trigger(
        id="errors", title="errors", sentence="any error", severity=Severity.ROLLBACK,
        hold_s=hold_s, min_bad=2, max_gap_s=60.0,
    )  # fmt: skip


def execution(
    body: Callable[[], object], *, hold_s: float | None = None, deadline_s: float | None = None
) -> Execution:
    """A check that does *body*."""
    return Execution(
        PlannedCheck(nodeid="test_it.py::test_it", item="post_5min/it", trigger="errors"),
        body,
        None if hold_s is None else trigger(hold_s),
        GROUND,
        file=__file__,
        deadline_s=deadline_s,
    )


def ended(check: Execution) -> CheckEnded:
    """How *check* ended."""
    assert check.ended is not None
    return check.ended


def fail() -> None:
    """What a failing check does."""
    raise AssertionError("found bad, expected good")


@pytest.mark.parametrize("end", [KeyboardInterrupt(), pytest.exit.Exception("SIGTERM", 143)])
def test_who_ends_the_run_in_a_body_is_not_kept_waiting(end: BaseException) -> None:
    """A check that has failed is not sampled on: what ends the run goes on to pytest."""
    errors = iter([AssertionError("found bad, expected good"), end])

    def body() -> None:
        raise next(errors)

    check = execution(body, hold_s=60.0)
    assert check.step() is not None
    assert check.step() is None
    assert (check.error, check.done.is_set()) == (end, True)


def test_who_ends_the_run_between_samples_waits_for_nobody(
    pool_of: Callable[[int], Pool],
) -> None:
    """A check that runs alone lets others go on until its next sample; one of them may hang."""
    begun, release = threading.Event(), threading.Event()

    def body() -> None:
        begun.set()
        release.wait(PATIENCE_S)

    pool, check = pool_of(1), execution(body)
    with contextlib.suppress(KeyboardInterrupt), pool.alone(), pool.ajar():
        pool.add(check)
        assert begun.wait(PATIENCE_S)
        raise KeyboardInterrupt
    assert not check.done.is_set()
    release.set()


def test_bodies_overlap(pool_of: Callable[[int], Pool]) -> None:
    """Eight bodies that wait for each other all get through on eight threads."""
    everyone = threading.Barrier(8, timeout=PATIENCE_S)

    def body() -> None:
        everyone.wait()

    checks = [execution(body) for _ in range(8)]
    pool = pool_of(8)
    for check in checks:
        pool.add(check)
    assert all(check.done.wait(PATIENCE_S) for check in checks)
    assert {ended(check).outcome for check in checks} == {Outcome.PASSED}


def test_no_more_threads_than_allowed(pool_of: Callable[[int], Pool]) -> None:
    """Concurrency is a promise to the platform too."""
    lock, now, most = threading.Lock(), 0, 0
    side_by_side = threading.Barrier(3, timeout=60)  # nobody goes on before three are in

    def body() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        side_by_side.wait()
        with lock:
            now -= 1

    pool = pool_of(3)
    checks = [execution(body) for _ in range(201)]
    for check in checks:
        pool.add(check)
    assert all(check.done.wait(PATIENCE_S) for check in checks)
    assert most <= 3


def test_waiting_for_the_next_sample_holds_no_thread(pool_of: Callable[[int], Pool]) -> None:
    """On a single thread, a check that fails for hours does not keep another from its answer."""
    pool = pool_of(1)
    failing, quick = execution(fail, hold_s=3600.0), execution(lambda: None)
    pool.add(failing)
    pool.add(quick)
    assert quick.done.wait(PATIENCE_S)
    assert not failing.done.is_set()


def test_many_failing_checks_are_confirmed_side_by_side(pool_of: Callable[[int], Pool]) -> None:
    """Sixty checks that fail for their hold are all decided after about one hold, on 8 threads.

    One after the other they would need sixty.
    """
    pool, hold_s = pool_of(8), 1.0
    checks = [execution(fail, hold_s=hold_s) for _ in range(60)]
    started_s = time.monotonic()
    for check in checks:
        pool.add(check)
    assert all(check.done.wait(PATIENCE_S) for check in checks)
    assert time.monotonic() - started_s < 15 * hold_s
    for check in checks:
        samples = ended(check).samples
        assert {sample.outcome for sample in samples} == {Outcome.FAILED}
        assert samples[-1].at_s - samples[0].at_s >= hold_s


def test_a_hung_body_is_inconclusive_and_its_thread_replaced(
    pool_of: Callable[[int], Pool],
) -> None:
    """The check says on which of its own lines it hangs; the next one runs."""
    forever = threading.Event()

    def body() -> None:
        forever.wait()  # the line it hangs on

    pool = pool_of(1)
    hung, after = execution(body, deadline_s=0.1), execution(lambda: None)
    pool.add(hung)
    pool.add(after)
    assert after.done.wait(PATIENCE_S)
    found = ended(hung)
    forever.set()
    assert found.outcome is Outcome.INCONCLUSIVE
    line = body.__code__.co_firstlineno + 1
    assert f"no answer within 0.1 s: hangs at {__file__}:{line} in body" in found.message
    assert "threading.py" in found.message


def test_an_answer_after_the_deadline_changes_nothing(pool_of: Callable[[int], Pool]) -> None:
    """A thread that was given up may come back: it finds its sample taken and goes."""
    gate, back = threading.Event(), threading.Event()

    def body() -> None:
        gate.wait()
        back.set()

    pool = pool_of(1)
    hung = execution(body, deadline_s=0.1)
    pool.add(hung)
    assert hung.done.wait(PATIENCE_S)
    gate.set()
    assert back.wait(PATIENCE_S)
    after = execution(lambda: None)
    pool.add(after)
    assert after.done.wait(PATIENCE_S)
    assert [sample.outcome for sample in ended(hung).samples] == [Outcome.INCONCLUSIVE]


def test_the_deadline_counts_from_the_start_of_the_body(pool_of: Callable[[int], Pool]) -> None:
    """A check that was queued behind slow ones for longer than its deadline is not blamed."""
    pool = pool_of(1)
    gate = threading.Event()

    def body() -> None:
        gate.wait()

    slow, queued = execution(body), execution(lambda: None, deadline_s=0.01)
    pool.add(slow)
    pool.add(queued)
    deadline_s = time.monotonic() + 0.2
    while time.monotonic() < deadline_s:  # more than ten of its deadlines
        assert not queued.done.wait(0.02)
    gate.set()
    assert queued.done.wait(PATIENCE_S)
    assert ended(queued).outcome is Outcome.PASSED


def test_alone_waits_for_all_and_lets_none_begin(pool_of: Callable[[int], Pool]) -> None:
    """A timing check is neither slowed down by the others' bodies nor joined by new ones."""
    pool = pool_of(2)
    begun, gate = threading.Event(), threading.Event()

    def body() -> None:
        begun.set()
        gate.wait(PATIENCE_S)

    before, during = execution(body), execution(lambda: None)
    pool.add(before)
    assert begun.wait(PATIENCE_S)
    threading.Timer(0.05, gate.set).start()
    with pool.alone():
        assert before.done.is_set()
        pool.add(during)
        assert not during.done.wait(0.05)
        with pool.ajar():
            assert during.done.wait(PATIENCE_S)
    last = execution(lambda: None)
    pool.add(last)
    assert last.done.wait(PATIENCE_S)


def test_alone_lets_the_others_go_on_after_an_error(pool_of: Callable[[int], Pool]) -> None:
    """An exclusive check that fails does not stop the run."""
    pool = pool_of(1)
    with pytest.raises(ZeroDivisionError), pool.alone():
        _ = 1 / 0
    check = execution(lambda: None)
    pool.add(check)
    assert check.done.wait(PATIENCE_S)


def test_a_closed_pool_takes_no_samples(pool_of: Callable[[int], Pool]) -> None:
    """After the last test nothing asks the platform any more."""
    pool = pool_of(1)
    failing = execution(fail, hold_s=3600.0)
    pool.add(failing)
    while not pool.waiting:
        assert not failing.done.wait(0.001)
    pool.close()
    assert pool.waiting == ()
