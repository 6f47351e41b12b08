"""Every check can fail: each fault changes exactly the items it lists, with the right verdict."""

from __future__ import annotations

import concurrent.futures
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
#: It looks at the runs of all faults, whichever are selected.
ALL = "test_every_check_is_made_to_fail"
Futures = dict[str, concurrent.futures.Future[matrix.Ran]]


#: One of each kind of service, and of control, that the first phase sees.
SERVICES = (
    "bot-failed", "cache-refuses", "frontend-down", "ingress-controller-down", "pod-crash-looping",
    "expired-token-accepted", "account-is-admin", "network-policies-gone",
)  # fmt: skip


def phases_of(fault: sandbox.Fault) -> list[str]:
    """Return the first phase of each item of *fault*, in the order of the checklist."""
    first = {CHECKLIST.by_id[item].phases[0] for item in fault.items}
    return [phase for phase in PHASES if phase in first]


@pytest.fixture(scope="module")
def runs(runner: concurrent.futures.Executor, request: pytest.FixtureRequest) -> Futures:
    """A run for each fault that a selected test asks for, all under way."""
    asks = {item.name for item in request.session.items if item.path == request.path}
    wanted = FAULTS if ALL in asks else matrix.wanted(request, "name")
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


@pytest.mark.timeout(3600)
def test_every_check_is_made_to_fail(runs: Futures, capsys: pytest.CaptureFixture[str]) -> None:
    """Each finds what is wrong under some fault, with each of its parameters.

    INCONCLUSIVE does not count: without an answer, any check is.
    """
    checks = [check for run in runs.values() for check in run.result().verdict["checks"]]
    failed = {check["nodeid"]: check["item"] for check in checks if check["outcome"] == "FAILED"}
    items, every = CHECKLIST.by_id, {check["nodeid"] for check in checks}
    count = f"items {len(items)}, with a fault that fails them {len(set(failed.values()))}; "
    count += f"checks {len(every)}, with a fault that fails them {len(failed)}"
    with capsys.disabled():
        print(f" {count} ")  # noqa: T201 - a count
    assert sorted(every - set(failed)) == []
    assert set(failed.values()) == set(items)


@pytest.mark.timeout(900)  # behind the other runs
@pytest.mark.parametrize("name", SERVICES)
def test_what_fails_later_is_seen(runner: concurrent.futures.Executor, name: str) -> None:
    """The decision points of the half hour see what the first five minutes see."""
    phases = ["observe_30min"]
    ran = runner.submit(matrix.run, [name], phases).result()
    assert not differences_of(FAULTS[name], ran, phases)


def test_an_unknown_fault_runs_nothing(runner: concurrent.futures.Executor) -> None:
    """A mistyped fault must not be a healthy rehearsal."""
    ran = runner.submit(matrix.run, ["pod-crash-loping"], ["post_5min"]).result()
    assert (ran.exit_code, ran.verdict) == (4, {})
    assert "'pod-crash-loping'" in ran.text
    assert "did you mean pod-crash-looping" in ran.text


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
    reasons = ran.verdict["reasons"]
    silent = listed - {reason["item"] for reason in reasons}
    found += [f"{item} changed, and no reason names it" for item in sorted(silent)]
    states = {trigger["id"]: trigger["state"] for trigger in ran.verdict["triggers"]}
    reacting = {name for name, state in states.items() if state != "INACTIVE"}
    covered = {item.rpartition("/")[2] for item in listed if item.startswith("rollback/")}
    found += [f"{name} reacts, and is not listed" for name in reacting - covered - {fault.trigger}]
    if fault.trigger is not None:
        quiet = fault.trigger not in reacting and fault.verdict is not Verdict.OBSERVE
        if quiet or fault.trigger not in {reason["trigger"] for reason in reasons}:
            found.append(f"{fault.trigger} is {states[fault.trigger]}, and listed as reacting")
    elif covered & reacting:
        found.append(f"{', '.join(covered & reacting)} reacts, and no trigger is listed")
    return found + [reason["text"] for reason in reasons] if found else []
