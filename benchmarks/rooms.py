"""The judge and the page, fed with a thousand items that have a hundred samples each."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence

from pytest_deploycheck.domain.events import (
    CheckEnded,
    CheckSample,
    Event,
    PlannedCheck,
    RunStarted,
)
from pytest_deploycheck.domain.items import Checklist, Item
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.policy import Policy, Trigger
from pytest_deploycheck.domain.words import Outcome, Severity
from pytest_deploycheck.report.html import report_page

ITEMS, SAMPLES = 1000, 100
PHASE = "post_5min"


def rooms(runs: int, table: Callable[[Sequence[str], Sequence[Sequence[str]]], str]) -> str:
    """Measure both; every third item fails and has a trigger whose hold it has reached."""
    items = tuple(
        Item(
            id=f"{PHASE}/item-{n}", title=f"Item {n}", expectation="it is well", phases=(PHASE,),
            section=f"Section {n // 50}",
        )
        for n in range(ITEMS)
    )  # fmt: skip
    trigger = Trigger(
        id="errors", title="Errors", sentence="any for 10 minutes", severity=Severity.ROLLBACK,
        hold_s=600.0, min_bad=3, max_gap_s=60.0,
    )  # fmt: skip
    checks = [ended(n) for n in range(ITEMS)]
    started = RunStarted(
        run="run", at_s=0.0, environment="bench", release="1", deployed_at_s=0.0, phases=(PHASE,),
        planned=tuple(
            PlannedCheck(nodeid=check.nodeid, item=check.item, trigger=check.trigger)
            for check in checks
        ),
    )  # fmt: skip
    checklist = Checklist(items=items, sha256="0" * 64)
    policy = Policy(
        triggers={"errors": trigger}, phases={}, limits={}, interval_s=10.0, settle_s=30.0
    )
    events: list[Event] = [started, *checks]
    judged, rendered = [], []
    for _ in range(runs):
        began_s = time.process_time()
        decision = judge(checklist, policy, events, 2000.0)
        judged.append(time.process_time() - began_s)
        began_s = time.process_time()
        page = report_page(decision, events, policy)
        rendered.append(time.process_time() - began_s)
    size_mb = len(page.encode()) / 1e6
    return (
        f"## A verdict of {ITEMS} items with {SAMPLES} samples each\n\n"
        + table(
            ["what", "CPU"],
            [
                ["judge", f"{statistics.median(judged):.2f} s"],
                ["report.html", f"{statistics.median(rendered):.2f} s"],
            ],
        )
        + f"The page has {size_mb:.2f} MB.\n\n"
    )


def ended(number: int) -> CheckEnded:
    """A check with a sample every 10 s."""
    outcome = Outcome.PASSED if number % 3 else Outcome.FAILED
    message = "" if number % 3 else "found 7, expected at most 5"
    return CheckEnded(
        run="run",
        at_s=10.0 * SAMPLES,
        started_at_s=10.0,
        nodeid=f"suites/test_bench.py::test_item[{number}]",
        item=f"{PHASE}/item-{number}",
        outcome=outcome,
        message=message,
        trigger=None if number % 3 else "errors",
        samples=tuple(
            CheckSample(at_s=10.0 + 10.0 * n, outcome=outcome, message=message)
            for n in range(SAMPLES)
        ),
    )
