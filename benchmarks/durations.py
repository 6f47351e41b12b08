"""What judging durations costs: the numbers of docs/time.md, each in a process of its own.

Run it by `python -m benchmarks.durations`, on a machine that does nothing else.
"""

from __future__ import annotations

import multiprocessing
import random
import resource
import sys
import time
from collections.abc import Callable
from typing import Final

from pytest_deploycheck.domain.backtest import backtest
from pytest_deploycheck.domain.confirmation import Pace
from pytest_deploycheck.domain.events import (
    CheckEnded,
    Event,
    Measurement,
    PlannedCheck,
    RunStarted,
)
from pytest_deploycheck.domain.growth import growth_of
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.items import Checklist, Item, Kind
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.policy import Policy, Trigger
from pytest_deploycheck.domain.words import Outcome, Severity

START_S: Final = 1_750_000_000.0
STEP_S: Final = 15.0
DAY_S: Final = 86_400.0
TRIGGER: Final = Trigger(
    id="errors",
    title="errors",
    sentence="errors",
    severity=Severity.ROLLBACK,
    hold_s=120.0,
    min_bad=2,
    max_gap_s=60.0,
)


def measured(number: int, days: float) -> Measurement:
    """A series at 15 s, mostly good, with a bad sample now and then."""
    chance = random.Random(number)  # noqa: S311 - noise, not a secret
    times = tuple(START_S + STEP_S * n for n in range(int(days * DAY_S / STEP_S)))
    return Measurement(
        name=f"series_{number}",
        value=0.01,
        unit="ratio",
        limit=0.05,
        history=History(at_s=times, value=tuple(chance.random() * 0.051 for _ in times)),
    )


def a_day_of_a_hundred_series() -> str:
    """Durations and growth of 576,000 samples, in processor time."""
    checks = [
        CheckEnded(
            run="r", at_s=START_S + DAY_S, started_at_s=START_S + DAY_S, nodeid=f"n{number}",
            item="post_24h/errors", outcome=Outcome.PASSED, trigger="errors",
            measurements=(measured(number, 1.0),),
        )
        for number in range(100)
    ]  # fmt: skip
    planned = tuple(
        PlannedCheck(nodeid=check.nodeid, item=check.item, trigger="errors") for check in checks
    )
    events: list[Event] = [
        RunStarted(
            run="r", at_s=START_S + DAY_S, environment="production", release="2",
            deployed_at_s=START_S, phases=("post_24h",), planned=planned,
        ),
        *checks,
    ]  # fmt: skip
    item = Item(
        id="post_24h/errors", title="", expectation="", phases=("post_24h",), section="",
        kind=Kind.BOX,
    )  # fmt: skip
    policy = Policy(
        triggers={"errors": TRIGGER}, phases={}, limits={}, interval_s=10.0, settle_s=30.0
    )
    begun_s = time.process_time()
    judge(Checklist(items=(item,), sha256=""), policy, events, START_S + 2 * DAY_S)
    for check in checks:
        history = check.measurements[0].history
        if history is not None:
            growth_of(history, window_s=DAY_S)
    return f"{time.process_time() - begun_s:.1f} s"


def a_week_of_twenty_series() -> str:
    """A backtest of 806,400 samples, in processor time."""
    series = [measured(number, 7.0) for number in range(20)]
    begun_s = time.process_time()
    for each in series:
        backtest(TRIGGER, [each])
    return f"{time.process_time() - begun_s:.1f} s"


def sixty_failing_checks() -> str:
    """Confirmed side by side on 8 threads, under a hold of 6 s; each sample waits 50 ms."""
    from pytest_deploycheck.plugin.execution import Execution, Ground
    from pytest_deploycheck.plugin.overlap import Pool

    hold = Trigger(**{**vars(TRIGGER), "hold_s": 6.0})
    ground = Ground(run="r", deployed_at_s=0.0, pace=Pace(interval_s=1.0, settle_s=1.0))

    def fail() -> None:
        time.sleep(0.05)
        raise AssertionError

    checks = [
        Execution(PlannedCheck(nodeid=f"n{n}", item="i", trigger="errors"), fail, hold, ground)
        for n in range(60)
    ]
    pool = Pool(8)
    begun_s = time.monotonic()
    for check in checks:
        pool.add(check)
    for check in checks:
        check.done.wait()
    pool.close()
    return f"{time.monotonic() - begun_s:.1f} s"


def _apart(work: Callable[[], str]) -> str:
    """Run *work* in a process of its own, and add how much memory it took."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measured, (work,))


def _measured(work: Callable[[], str]) -> str:
    took = work()
    return f"{took}, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"


def main() -> None:
    """Print a line for each."""
    for what, work in (
        ("60 checks failing under a hold of 6 s, 8 threads", sixty_failing_checks),
        ("24 h of 100 series at 15 s, judged", a_day_of_a_hundred_series),
        ("7 days of 20 series at 15 s, tested back", a_week_of_twenty_series),
    ):
        sys.stdout.write(f"{what:<52}{_apart(work)}\n")


if __name__ == "__main__":
    main()
