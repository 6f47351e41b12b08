"""The faults themselves: what each says of itself, and that it can be switched on and off."""

from __future__ import annotations

import datetime
import pathlib
from collections import Counter

import pytest
import time_machine

from pytest_deploycheck import sandbox as embedded
from pytest_deploycheck.config import load_project
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.items import Kind
from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import healthy

PROJECT = load_project(pathlib.Path(__file__).parents[2] / "suites")
ITEMS = [item.id for item in PROJECT.checklist.of(["post_5min"])]
LATER = [item.id for item in PROJECT.checklist.items if item.id not in ITEMS]


def test_names_are_unique() -> None:
    """A name given twice would silently be one fault."""
    assert max(Counter(fault.name for fault in embedded.faults()).values()) == 1


@pytest.mark.parametrize("fault", embedded.faults(), ids=lambda fault: fault.name)
def test_a_fault_names_items_and_triggers_that_exist(fault: embedded.Fault) -> None:
    """What `deploycheck faults` prints can be looked up in checklist and policy."""
    assert fault.items
    assert set(fault.items) <= set(PROJECT.checklist.by_id)
    assert fault.trigger is None or fault.trigger in PROJECT.policy.triggers
    assert fault.verdict is not Verdict.PROCEED
    assert fault.summary.endswith((".", ")."))


@pytest.mark.parametrize("item", ITEMS)
def test_every_item_has_faults_of_its_own(item: str) -> None:
    """A check that no fault can make fail might be one that cannot fail."""
    failing = [f for f in embedded.faults() if item in f.items and f.trigger is not None]
    least = 1 if PROJECT.checklist.by_id[item].kind is Kind.DECISION_POINT else 3
    assert len(failing) >= least


@pytest.mark.parametrize("item", LATER)
def test_every_other_item_has_two_faults(item: str) -> None:
    """No trigger is about most of them: a person has to act, so they hold."""
    assert sum(item in fault.items for fault in embedded.faults()) >= 2


@pytest.mark.parametrize("item", [one for one in ITEMS if one.startswith("rollback/")])
def test_every_immediate_trigger_has_a_fault_that_fires_it(item: str) -> None:
    """Each decision point of the first minutes can be rehearsed to its end."""
    slug = item.partition("/")[2]
    fires = [f for f in embedded.faults() if f.trigger == slug and f.verdict is Verdict.ROLLBACK]
    assert fires


@pytest.mark.parametrize("fault", embedded.faults(), ids=lambda fault: fault.name)
def test_a_fault_can_be_switched_on(sandbox: embedded.Sandbox, fault: embedded.Fault) -> None:
    """Each finds in the healthy platform what it breaks."""
    sandbox.switch([fault.name])


def test_faults_can_be_combined(sandbox: embedded.Sandbox) -> None:
    """A game day may break more than one thing."""
    sandbox.switch(["component-missing", "cache-forgets"])
    assert "claude_ai" not in sandbox.platform.components
    assert sandbox.platform.cache.forgets


def test_switching_back_heals(sandbox: embedded.Sandbox) -> None:
    """Nothing of a fault outlives it."""
    sandbox.switch(["database-down"])
    sandbox.switch([])
    assert not sandbox.platform.servers["database"].refuses
    assert sandbox.platform.components["database"].status == "healthy"


def test_an_unknown_fault_is_refused_with_its_near_misses(sandbox: embedded.Sandbox) -> None:
    """A mistyped fault must not be a healthy rehearsal; every wrong name is told at once."""
    before = sandbox.platform
    with pytest.raises(ConfigError) as caught:
        sandbox.switch(["pod-crash-loping", "cache-forgets", "zzz"])
    assert len(caught.value.problems) == 2
    assert "did you mean pod-crash-looping" in caught.value.problems[0]
    assert "deploycheck faults" in caught.value.problems[1]
    assert sandbox.platform is before


def test_a_late_pod_is_mended_some_time_after_the_first_look() -> None:
    """However late a run begins, its first check sees the pod unready, and a later one ready."""
    platform = healthy.platform(deployed_ago_s=390)
    fault = next(f for f in embedded.faults() if f.name == "pod-ready-late")
    fault.break_(platform)
    began = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)

    def ready_after(seconds: float) -> int:
        with time_machine.travel(began + datetime.timedelta(seconds=seconds), tick=False):
            platform.asked("cluster statefulsets")
        status = platform.one("deployments", "jorge-revenue-api")["status"]
        assert isinstance(status["readyReplicas"], int)
        return status["readyReplicas"]

    assert [ready_after(seconds) for seconds in (0.0, 1.1, 1.2)] == [2, 2, 3]


def test_stopping_twice_is_fine_and_leaves_no_file() -> None:
    """Whoever ends a run need not know who ended it before."""
    started = embedded.start()
    authority = pathlib.Path(started.variables["DEPLOYCHECK_SANDBOX_CA_FILE"])
    assert authority.exists()
    started.stop()
    started.stop()
    assert not authority.exists()
