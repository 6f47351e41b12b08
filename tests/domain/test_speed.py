"""Judging stays quick: a decision over much history costs seconds of one core, not minutes."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

from pytest_deploycheck.domain.backtest import backtest
from pytest_deploycheck.domain.events import Event, Measurement
from pytest_deploycheck.domain.growth import growth_of
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.items import Checklist
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.words import Verdict
from tests.domain.builders import (
    DEPLOYED_S,
    END_S,
    ended,
    ends_of,
    item,
    policy,
    samples,
    started,
    trigger,
)

DAY_S = 86_400.0


def measured(number: int, *, days: float = 1.0) -> Measurement:
    """A series at 15 s, mostly good, with a burst of errors now and then."""
    chance = random.Random(number)  # noqa: S311 - noise, not a secret
    times = tuple(DEPLOYED_S + 15.0 * index for index in range(int(days * DAY_S / 15)))
    return Measurement(
        name=f"series_{number}",
        value=0.01,
        unit="ratio",
        limit=0.05,
        history=History(at_s=times, value=tuple(chance.random() * 0.051 for _ in times)),
    )


def cpu_s(work: Callable[[], object]) -> float:
    """Seconds of processor time, which a busy machine does not lengthen; 0.0 when traced."""
    if sys.gettrace():
        return 0.0
    begun_s = time.process_time()
    work()
    return time.process_time() - begun_s


def test_a_thousand_items_of_a_hundred_samples_are_judged_in_a_second() -> None:
    """The largest checklist, with a long confirmation of every check."""
    items = tuple(item(f"post_5min/item-{number}") for number in range(1000))
    letters = samples("FP" * 50)
    checks = [ended(letters, item_id=each.id, trigger="errors") for each in items]
    begun = started(*checks)
    events: list[Event] = [begun, *checks, *ends_of(begun)]
    checklist = Checklist(items=items, sha256="")
    assert judge(checklist, policy(), events, END_S).verdict is Verdict.OBSERVE
    assert cpu_s(lambda: judge(checklist, policy(), events, END_S)) < 1.0


def test_a_day_of_a_hundred_series_is_judged_in_five_seconds() -> None:
    """576,000 samples: durations and growth together."""
    checks = [
        ended("P", nodeid=f"n{number}", trigger="errors", measurements=(measured(number),))
        for number in range(100)
    ]
    events: list[Event] = [started(*checks), *checks]
    checklist = Checklist(items=(item(checks[0].item),), sha256="")

    def work() -> None:
        judge(checklist, policy(), events, END_S)
        for check in checks:
            (measurement,) = check.measurements
            assert measurement.history is not None
            growth_of(measurement.history, window_s=DAY_S)

    assert cpu_s(work) < 5.0


def test_a_week_of_twenty_series_is_tested_back_in_thirty_seconds() -> None:
    """806,400 samples, a tenth of them here."""
    series = [measured(number, days=0.7) for number in range(20)]
    assert cpu_s(lambda: [backtest(trigger(hold_s=30.0), [each]) for each in series]) < 3.0
