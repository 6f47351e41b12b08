"""Each thing that can happen to a platform, in a real Prometheus, gives the verdict it should."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import re
import time
import tomllib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_deploycheck.clients import metrics as metrics_module
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.config import environment, load_project
from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.events import CheckEnded, Event, PlannedCheck, RunEnded, RunStarted
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.words import TriggerState
from pytest_deploycheck.plugin.execution import Execution, Ground
from pytest_deploycheck.plugin.fixtures import Limits, measure
from tests.integration import servers
from tests.integration.scenarios import FRESH_S, SCENARIOS, Scenario, openmetrics, table

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = load_project(ROOT / "suites")
CHECKS: Final = {
    "test_immediate": (
        "test_error_ratio_stays_below_its_limit",
        "test_response_time_stays_near_its_baseline",
        "test_bots_succeed_often_enough",
        "test_no_security_control_failed",
        "test_no_security_control_failed_for_the_first_time",
    ),
    "test_observation": (
        "test_memory_does_not_grow_steadily",
        "test_response_time_does_not_creep_up",
        "test_error_rate_is_not_elevated",
    ),
}
PHASES_OF: Final = {
    "test_immediate": ("post_5min", "observe_30min"),
    "test_observation": ("observe_30min",),
}
METRIC: Final = re.compile(
    r"\b(http_requests_total|http_request_duration_seconds_(?:bucket|count)"
    r"|jorge_seller_bot_(?:interactions|failures)_total|container_memory_working_set_bytes"
    r"|security_events_total)\b"
    r"(\{)?"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """A Prometheus with the histories of all scenarios."""

    url: str
    now_s: float

    def metrics(self, scenario: str) -> Metrics:
        """The shipped queries, each kept to one scenario."""
        base = tomllib.loads((ROOT / "suites/environments/base.toml").read_text())
        queries: dict[str, Any] = base["prometheus"]["queries"]
        for query in queries.values():
            for key in {"query", "traffic"} & set(query):
                query[key] = METRIC.sub(functools.partial(_kept, scenario), query[key])
        settings = environment.Prometheus(url=self.url, rate_per_s=10_000, queries=queries)
        return Metrics(
            settings,
            user_agent="deploycheck (tests)",
            deployed_at_s=self.now_s - SCENARIOS[scenario].deployed_ago_s,
            clock=lambda: self.now_s,
        )


def _kept(scenario: str, match: re.Match[str]) -> str:
    return f'{match[1]}{{scenario="{scenario}"{"," if match[2] else "}"}'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One server for all: it takes seconds to start."""
    now_s = float(int(time.time()))
    folder = tmp_path_factory.mktemp("scenarios")
    with servers.prometheus(folder, openmetrics(now_s)) as url:
        yield World(url=url, now_s=now_s)


def suite(name: str) -> types.ModuleType:
    """The shipped suite of that name."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"suites/rollback/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def phase_of(scenario: Scenario) -> str:
    """The one that is due at the time of *scenario*."""
    return "post_5min" if scenario.deployed_ago_s == FRESH_S else "observe_30min"


def checked(metrics: Metrics, now_s: float, scenario: Scenario) -> list[CheckEnded]:
    """Run the shipped checks once, as the plugin does."""
    deployed_at_s = now_s - scenario.deployed_ago_s
    ground = Ground(run="r", deployed_at_s=deployed_at_s, pace=None, clock=lambda: now_s)
    found = []
    for file, names in CHECKS.items():
        if phase_of(scenario) not in PHASES_OF[file]:
            continue
        module = suite(file)
        for name in names:
            function = getattr(module, name)
            (mark,) = [mark for mark in function.pytestmark if mark.name == "check"]
            slug, trigger = mark.args[0], mark.kwargs.get("trigger")
            body = functools.partial(
                function, metrics, Limits(dict(PROJECT.policy.limits)), measure
            )
            planned = PlannedCheck(nodeid=name, item=f"rollback/{slug}", trigger=trigger)
            execution = Execution(planned, body, PROJECT.policy.triggers.get(trigger), ground)
            execution.step()
            assert execution.ended is not None
            found.append(execution.ended)
    return found


def decided(checks: list[CheckEnded], now_s: float, scenario: Scenario) -> Decision:
    """Judge them as a run of the scenario's phase, which here may look once."""
    phases = (phase_of(scenario),)
    looking_once = {
        name: dataclasses.replace(phase, watch_s=0.0)
        for name, phase in PROJECT.policy.phases.items()
    }
    policy = dataclasses.replace(PROJECT.policy, phases=looking_once)
    items = {check.item for check in checks}
    checklist = dataclasses.replace(
        PROJECT.checklist, items=tuple(i for i in PROJECT.checklist.items if i.id in items)
    )
    planned = tuple(
        PlannedCheck(nodeid=check.nodeid, item=check.item, trigger=check.trigger)
        for check in checks
    )
    events: list[Event] = [
        RunStarted(
            run="r", at_s=now_s, environment="production", release="2", planned=planned,
            deployed_at_s=now_s - scenario.deployed_ago_s, phases=phases,
        ),
        *checks,
        RunEnded(run="r", at_s=now_s),
    ]  # fmt: skip
    return judge(checklist, policy, events, now_s + 60, phases=phases)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_gives_its_verdict(world: World, name: str) -> None:
    """By the shipped checks, queries and policy, on real answers."""
    metrics, expected = world.metrics(name), SCENARIOS[name]
    decision = decided(checked(metrics, world.now_s, expected), world.now_s, expected)
    metrics.close()
    reasons = "\n".join(reason.text for reason in decision.reasons)
    assert decision.verdict == expected.verdict, reasons
    active = {
        f"{trigger.id} {trigger.state.value}"
        for trigger in decision.triggers
        if trigger.state is not TriggerState.INACTIVE
    }
    assert expected.trigger in active if expected.trigger else not active, reasons


def test_a_long_history_comes_in_pieces(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prometheus refuses more than 11,000 points of a series: the pieces are the whole."""
    metrics = world.metrics("error-burst")
    whole = metrics.past("error_ratio", world.now_s - 3600, world.now_s)
    monkeypatch.setattr(metrics_module, "_MOST_POINTS", 50)
    pieces = metrics.past("error_ratio", world.now_s - 3600, world.now_s)
    nothing = world.metrics("no-data").past("error_ratio", world.now_s - 3600, world.now_s)
    metrics.close()
    assert pieces == whole
    assert len(whole.history) == 241
    assert len(nothing.history) == 0


def test_the_table_of_the_documentation_is_this_one() -> None:
    """Who changes a scenario changes the page."""
    assert table() in (ROOT / "docs" / "time.md").read_text(encoding="utf-8")
