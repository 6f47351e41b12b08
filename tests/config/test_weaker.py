"""What an environment lets pass that its base or the policy does not is allowed, and seen."""

from __future__ import annotations

import os

import pytest

from pytest_deploycheck.config import load_project, weaker
from pytest_deploycheck.config.environment import Environment
from pytest_deploycheck.config.problems import keys_at
from pytest_deploycheck.config.weaker import _RULES
from tests.config.scratch import Scratch
from tests.config.test_shipped import SUITES

LIVE = "environments/live.toml"
BASE = """\
[api.endpoints.health]
path = "/health"
healthy = ["healthy"]
components = ["database", "cache"]
max_age = "90s"
expect = { ready = true }
[frontend.endpoints.page]
path = "/"
contains = ["<title>"]
[monitoring]
jobs = ["api", "db"]
alerts = ["Down"]
application_series = ["a"]
business_series = ["b"]
counted = "c"
counts = "health"
[attestations.items]
"post_5min/pod-status" = { roles = ["Ops"], needs_evidence = true, distinct = "x" }
[api.conversations.talk]
endpoint = "login"
end = "login"
turns = [{ say = "a" }, { say = "b" }, { say = "c" }]
"""


def told(scratch: Scratch, text: str, **variables: str) -> list[str]:
    """What is said of an environment that adds *text*."""
    scratch.add("environments/base.toml", BASE)
    scratch.add(LIVE, text)
    project = load_project(scratch.root)
    return weaker(project.draft("live"), project.policy, variables)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "endpoints.health.expect_status = [200, 202]\n",
            "endpoints.health.expect_status: adds 202",
        ),
        ("endpoints.health.healthy = ['degraded']\n", "endpoints.health.healthy: adds degraded"),
        (
            "endpoints.health.healthy = []\n",
            "endpoints.health.healthy: is empty: nobody looks at it",
        ),
        (
            "endpoints.health.components = []\n",
            "endpoints.health.components: lacks database, cache",
        ),
        ("endpoints.health.max_age = '99h'\n", "endpoints.health.max_age: found 99h, above 90s"),
        (
            "endpoints.health.expect = { ready = false }\n",
            "endpoints.health.expect: lacks ready, or has another value",
        ),
        ("endpoints.login.auth = 'user'\n", "endpoints.login.auth: is another one"),
        ("conversations.talk.turns = [{ say = 'a' }, { say = 'b' }]\n", "found 2 of 3"),
        ("[frontend.endpoints.page]\ncontains = []\n", "endpoints.page.contains: lacks <title>"),
        ("[cluster]\nmax_restarts = 9\n", "cluster.max_restarts: found 9, above 0"),
        (
            "[cluster]\nworkloads = [{ name = 'api' }]\n",
            "cluster.workloads: lacks db, or asks less of it",
        ),
        (
            "[prometheus.queries.error_ratio]\nwindow = '1m'\n",
            "prometheus.queries.error_ratio.window: found 1m, below 10m",
        ),
        (
            "[prometheus.queries.error_ratio]\nstep = '5m'\n",
            "prometheus.queries.error_ratio.step: found 5m, above 15s",
        ),
        (
            "[[cluster.permissions]]\nresources = ['pods']\nverbs = ['get']\n",
            "cluster.permissions: adds {'resources': ['pods'], 'verbs': ['get']}",
        ),
        ("[monitoring]\nmay_be_down = ['db']\n", "monitoring.may_be_down: adds db"),
        (
            "[monitoring]\nmax_scrapes_missed = 1e6\n",
            "monitoring.max_scrapes_missed: found 1000000.0, above 2.0",
        ),
        (
            "[prometheus.queries.error_ratio]\nquery = 'other'\n",
            "prometheus.queries.error_ratio.query: is another one",
        ),
        (
            "[prometheus.queries.error_ratio]\nmax_age = '${AGE}'\n",
            "prometheus.queries.error_ratio.max_age: found 9m, above 2m",
        ),
        (
            "[attestations.items]\n'post_5min/pod-status' = { needs_evidence = false }\n",
            "needs_evidence: found false in the place of true",
        ),
        (
            "[attestations.items]\n'post_5min/pod-status' = { distinct = '' }\n",
            "distinct: is another one",
        ),
        (
            "[triggers.critical-error-rate]\nseverity = 'observe'\n",
            "triggers.critical-error-rate.severity: found observe in the place of rollback",
        ),
        (
            "[triggers.critical-error-rate]\nhold = '9m'\n",
            "triggers.critical-error-rate.hold: found 9m, above 120s",
        ),
        (
            "[triggers.critical-error-rate]\nmax_gap = '10m'\n",
            "triggers.critical-error-rate.max_gap: found 10m, above 60s",
        ),
    ],
)
def test_what_is_weaker_is_told(scratch: Scratch, text: str, expected: str) -> None:
    """With key, found, and what it differs from."""
    (line,) = told(scratch, text, AGE="9m")
    assert expected in line
    assert line.endswith((" (differs from base)", " (differs from the policy)"))


@pytest.mark.parametrize(
    ("asks", "less", "expected"),
    [
        ("released = true", "released = false", "lacks api, or asks less of it"),
        ("autoscaled = true", "", "lacks api, or asks less of it"),
        ("isolated = true", "", "lacks api, or asks less of it"),
        ("service_account = 'api'", "service_account = 'all'", "lacks api, or asks less of it"),
        ("min_ready = 2", "min_ready = 3", None),
    ],
)
def test_what_is_asked_of_a_workload(
    scratch: Scratch, asks: str, less: str, expected: str | None
) -> None:
    """What its pods run and stand behind is looked at only where the environment says so."""
    written = [f"name = 'api'{', ' if said else ''}{said}" for said in (asks, less)]
    scratch.replace("environments/base.toml", 'name = "api"', written[0])
    db = "{ name = 'db', kind = 'StatefulSet' }"
    lines = told(scratch, f"[cluster]\nworkloads = [{{ {written[1]} }}, {db}]\n")
    assert lines == ([f"cluster.workloads: {expected} (differs from base)"] if expected else [])


def test_a_migration_that_nobody_compares_is_told(scratch: Scratch) -> None:
    """Without the annotation's name, any head is as good as that of the release."""
    key = "migration_head_annotation"
    scratch.replace("environments/base.toml", "[cluster]", f'[cluster]\n{key} = "head"')
    (line,) = told(scratch, f"[cluster]\n{key} = ''\n")
    assert line == f"cluster.{key}: is another one (differs from base)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('interval = "20s"\n', ["interval: found 20s, above 10s (differs from the policy)"]),
        ('settle = "1s"\n', ["settle: found 1s, below 30s (differs from the policy)"]),
        ('sandbox = true\ninterval = "20s"\n', []),
    ],
)
def test_how_often_and_how_long_is_looked(scratch: Scratch, text: str, expected: list[str]) -> None:
    """Seldom and short is weaker; a rehearsal counts for nothing else, so nothing is told of it."""
    scratch.write(LIVE, text + (scratch.root / LIVE).read_text())
    assert told(scratch, "") == expected


@pytest.mark.parametrize(
    "text",
    [
        "endpoints.health.expect_status = [200]\n",
        "endpoints.health.components = ['database', 'cache', 'queue']\n",
        "endpoints.health.max_age = '30s'\n",
        "endpoints.new.path = '/new'\nendpoints.new.healthy = ['degraded']\n",
        "[cluster]\nworkloads = [{ name = 'api', min_ready = 3 }, { name = 'db' }]\n",
        "[triggers.critical-error-rate]\nhold = '1m'\nmin_bad = 1\nseverity = 'rollback'\n",
    ],
)
def test_what_is_stricter_or_new_is_not(scratch: Scratch, text: str) -> None:
    """An environment may ask for more, and for what its base does not know."""
    assert told(scratch, text) == []


def test_a_file_that_extends_none_has_only_the_policy_beside_it(scratch: Scratch) -> None:
    """There is nothing else that it could differ from."""
    scratch.write("environments/alone.toml", 'settle = "1s"\n[cluster]\nmax_restarts = 5\n')
    project = load_project(scratch.root)
    assert weaker(project.draft("alone"), project.policy, {}) == [
        "settle: found 1s, below 30s (differs from the policy)"
    ]


def test_a_variable_in_the_base_hides_nothing(scratch: Scratch) -> None:
    """Nobody knows what it was, so it is told."""
    scratch.add("environments/base.toml", "[grafana]\nmax_age = '${AGE}'\n")
    (line,) = told(scratch, "[grafana]\nmax_age = '9h'\n")
    assert "grafana.max_age: found 9h, above ${AGE}" in line


@pytest.mark.parametrize("name", ["production", "staging", "sandbox"])
def test_the_shipped_environments_are_as_strict_as_their_base(name: str) -> None:
    """Whoever weakens one changes this test."""
    project = load_project(SUITES)
    assert weaker(project.draft(name), project.policy, os.environ) == []


def test_every_rule_is_about_a_key_that_there_is() -> None:
    """A key that was renamed would be compared no more, and nobody would notice."""
    for place, _, _ in _RULES:
        loc = tuple("x" if step == "*" else step for step in place.split("."))
        if loc[-1] == "x":
            loc = loc[:-1]
        assert loc[-1] in keys_at(Environment, loc[:-1]), place
