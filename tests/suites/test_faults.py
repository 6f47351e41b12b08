"""Every check can fail: each fault changes exactly the items it lists, with the right verdict."""

from __future__ import annotations

import concurrent.futures
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from pytest_deploycheck import sandbox
from pytest_deploycheck.config import load_project
from pytest_deploycheck.domain.items import PHASES
from pytest_deploycheck.domain.words import Verdict
from tests.suites import matrix

FAULTS = {fault.name: fault for fault in sandbox.faults()}
CHECKLIST = load_project(Path(__file__).parents[2] / "suites").checklist
Futures = dict[str, concurrent.futures.Future[matrix.Ran]]


#: One of each kind of service, and of control, that the first phase sees.
SERVICES = (
    "bot-failed", "cache-refuses", "frontend-down", "ingress-controller-down", "pod-crash-looping",
    "expired-token-accepted", "account-is-admin", "network-policies-gone",
)  # fmt: skip
#: Set, each fault is tried in every phase that it reaches: most of an hour.
WHOLE = "DEPLOYCHECK_WHOLE_MATRIX"


def _tried() -> dict[str, set[str]]:
    """Return the phases to run for each fault: its own, and what else is not tried otherwise."""
    first = {item.id: item.phases[0] for item in CHECKLIST.items}
    if os.environ.get(WHOLE):
        return {fault.name: {first[item] for item in fault.items} for fault in FAULTS.values()}
    tried = {}
    for fault in FAULTS.values():
        module = fault.break_.__module__.rpartition(".")[2]
        tried[fault.name] = {module if module in PHASES else first[fault.items[0]]}
        if module == "security" or (fault.trigger and fault.verdict is Verdict.HOLD):
            # A control is asked on both sides of the rollout; or its trigger only observes, and
            # what holds is an item of another phase.
            tried[fault.name] |= {first[item] for item in fault.items}
    for item in CHECKLIST.items:
        reaching = [fault.name for fault in FAULTS.values() if item.id in fault.items]
        if not any(tried[name] & set(item.phases) for name in reaching):
            for name in reaching[:2]:
                tried[name].add(item.phases[0])
    return tried


TRIED = _tried()


def phases_of(fault: sandbox.Fault) -> list[str]:
    """Return the phases to run for *fault*, in the order of the checklist."""
    return [phase for phase in PHASES if phase in TRIED[fault.name]]


def test_every_item_is_made_to_fail(capsys: pytest.CaptureFixture[str]) -> None:
    """No item is without a fault that one of the runs below tries in a phase of the item."""
    tried = {
        item
        for fault in FAULTS.values()
        for item in fault.items
        if not set(phases_of(fault)).isdisjoint(CHECKLIST.by_id[item].phases)
    }
    with capsys.disabled():
        print(f" items {len(CHECKLIST.items)}, with a fault {len(tried)} ")  # noqa: T201 - a count
    assert tried == set(CHECKLIST.by_id)


@pytest.fixture(scope="module")
def runs(runner: concurrent.futures.Executor, request: pytest.FixtureRequest) -> Futures:
    """A run for each fault that a selected test asks for, all under way."""
    wanted = matrix.wanted(request, "name")
    return {
        name: runner.submit(matrix.run, [name], phases_of(FAULTS[name]))
        for name in FAULTS
        if name in wanted
    }


@pytest.mark.timeout(3600)  # of all runs together: each waits for its place among them
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_changes_exactly_its_items(
    runs: Futures, runner: concurrent.futures.Executor, name: str
) -> None:
    """Items, trigger, verdict and exit code are those that `deploycheck faults` lists."""
    fault = FAULTS[name]
    phases = phases_of(fault)
    differences = differences_of(fault, runs[name].result(), phases)
    if differences:
        # Limits of time are broken by a run's neighbours too: what differs is run again, alone.
        concurrent.futures.wait(runs.values())
        ran = runner.submit(matrix.run, [name], phases).result()
        differences = differences_of(fault, ran, phases)
    assert not differences


@pytest.mark.timeout(900)  # behind the other runs
@pytest.mark.parametrize("name", SERVICES)
def test_what_fails_later_is_seen(runner: concurrent.futures.Executor, name: str) -> None:
    """The decision points of the half hour see what the first five minutes see."""
    phases = ["observe_30min"]
    ran = runner.submit(matrix.run, [name], phases).result()
    assert not differences_of(FAULTS[name], ran, phases)


def differences_of(fault: sandbox.Fault, ran: matrix.Ran, phases: Sequence[str]) -> list[str]:
    """Say what of a run of *phases* is not as the fault lists it."""
    if not ran.verdict:
        return [ran.text]
    judged = {item.id for item in CHECKLIST.of(phases)}
    listed = set(fault.items) & judged
    found = [f"{item} changed, and is not listed" for item in sorted(ran.changed - listed)]
    found += [f"{item} is listed, and did not change" for item in sorted(listed - ran.changed)]
    if ran.verdict["verdict"] != fault.verdict:
        found.append(f"found {ran.verdict['verdict']}, listed {fault.verdict}")
    if ran.exit_code != Verdict(fault.verdict).exit_code:
        found.append(f"found exit {ran.exit_code} for {fault.verdict}")
    if fault.trigger is not None:
        states = {trigger["id"]: trigger["state"] for trigger in ran.verdict["triggers"]}
        named = {reason["trigger"] for reason in ran.verdict["reasons"]}
        quiet = states[fault.trigger] == "INACTIVE" and fault.verdict is not Verdict.OBSERVE
        if fault.trigger not in named or quiet:
            found.append(f"{fault.trigger} is {states[fault.trigger]}, and listed as reacting")
    return found + [reason["text"] for reason in ran.verdict["reasons"]] if found else []
