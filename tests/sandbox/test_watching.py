"""Alertmanager, Grafana and Prometheus's own matters, as the sandbox speaks them."""

from __future__ import annotations

import datetime
import time
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped] # its stubs are a package of their own

from pytest_deploycheck.clients.monitoring_selectors import selectors_of
from pytest_deploycheck.sandbox import Sandbox


class Wire:
    """Asks the servers for JSON."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.headers = {"Authorization": f"Bearer {variables['GRAFANA_TOKEN']}"}

    def ask(self, server: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
        """Ask one of the servers, by a POST when there is a body."""
        url = f"{self.variables[f'{server}_URL']}{path}"
        method = "POST" if "json" in options else "GET"
        return httpx.request(method, url, headers=self.headers, trust_env=False, **options)


@pytest.fixture
def wire(variables: dict[str, str]) -> Wire:
    """The servers of a healthy sandbox."""
    return Wire(variables)


def test_every_rule_looks_at_series_that_the_sandbox_has(wire: Wire) -> None:
    """Else a healthy rehearsal would find rules that can never fire."""
    names = wire.ask("PROMETHEUS", "/api/v1/label/__name__/values").json()["data"]
    groups = wire.ask("PROMETHEUS", "/api/v1/rules?type=alert").json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == 36
    for rule in rules:
        assert {one.name for one in selectors_of(rule["query"])} <= set(names), rule["name"]


def test_labels_are_those_of_the_series_asked_for(wire: Wire) -> None:
    """Of one metric, or of all."""
    of_one = "/api/v1/labels?match[]=pg_up"
    assert wire.ask("PROMETHEUS", of_one).json()["data"] == ["__name__", "job"]
    jobs = wire.ask("PROMETHEUS", "/api/v1/label/job/values?match[]=pg_up").json()["data"]
    assert jobs == ["postgres-exporter"]


def test_an_alert_is_seen_arrives_and_ends(wire: Wire) -> None:
    """It is active until its end, and is told to the sink after a moment."""
    labels = {"alertname": "DeploycheckTest", "id": "x1"}
    alert = {"labels": labels, "startsAt": _iso(0), "endsAt": _iso(60)}
    assert wire.ask("ALERTMANAGER", "/api/v2/alerts", json=[alert]).status_code == 200
    path = '/api/v2/alerts?filter=id="x1"'
    (found,) = wire.ask("ALERTMANAGER", path).json()
    assert found["receivers"] == [{"name": "deploycheck-test"}]
    until_s = time.monotonic() + 10
    while not wire.ask("ALERT_SINK", "/notifications?id=x1").json()["notifications"]:
        assert time.monotonic() < until_s
    assert wire.ask("ALERT_SINK", "/notifications?id=x2").json()["notifications"] == []
    wire.ask("ALERTMANAGER", "/api/v2/alerts", json=[alert | {"endsAt": _iso(-1)}])
    assert wire.ask("ALERTMANAGER", path).json() == []


def test_the_configuration_is_yaml_with_routes_and_receivers(wire: Wire) -> None:
    """As Alertmanager tells it, without secrets."""
    told = wire.ask("ALERTMANAGER", "/api/v2/status").json()["config"]["original"]
    document = yaml.safe_load(told)
    names = {one["name"] for one in document["receivers"]}
    assert {route["receiver"] for route in document["route"]["routes"]} <= names
    assert wire.ask("ALERTMANAGER", "/-/ready").text == "OK"


def test_every_panel_answers_with_numbers(sandbox: Sandbox, wire: Wire) -> None:
    """Each query of each dashboard, by Grafana's own way to ask it."""
    now_ms = int(time.time() * 1000)
    for board in sandbox.platform.watching.boards.dashboards:
        model = wire.ask("GRAFANA", f"/api/dashboards/uid/{board['uid']}").json()["dashboard"]
        for panel in model["panels"]:
            asked = {
                "refId": "A",
                "datasource": {"uid": "prometheus"},
                "expr": panel["targets"][0]["expr"].replace("$__rate_interval", "5m"),
                "intervalMs": 60_000,
            }
            body = {"from": str(now_ms - 600_000), "to": str(now_ms), "queries": [asked]}
            answer = wire.ask("GRAFANA", "/api/ds/query", json=body).json()["results"]["A"]
            assert answer["frames"][0]["data"]["values"][1][-1] is not None, panel["title"]


def test_grafana_tells_its_health_to_everybody_and_the_rest_to_whom_it_knows(wire: Wire) -> None:
    """Its health needs no token."""
    wire.headers = {"Authorization": "Bearer nobody"}
    assert wire.ask("GRAFANA", "/api/health").json()["database"] == "ok"
    assert wire.ask("GRAFANA", "/api/search?query=jorge").status_code == 401


def _iso(in_s: float) -> str:
    when = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=in_s)
    return when.isoformat()
