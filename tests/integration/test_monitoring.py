"""What watches the platform, as real Prometheus and Alertmanager tell of themselves."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from pytest_deploycheck.clients.alerts import Alerts
from pytest_deploycheck.clients.monitoring import Monitoring
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import SubjectError
from tests.integration import servers

_T = TypeVar("_T")
_PATIENCE_S: Final = 30.0
USER_AGENT: Final = "deploycheck-tests/1"
ROUTES: Final = """\
route:
  receiver: everybody
  group_by: [alertname]
  group_wait: 100ms
  group_interval: 1s
  repeat_interval: 1h
  routes:
    - receiver: deploycheck-test
      matchers: [alertname="DeploycheckTest"]
    - receiver: auditors
      match: {team: security}
      continue: true
    - matchers: ['severity =~ "critical|page"', team!="product"]
      receiver: on-call
      routes:
        - match_re: {alertname: "Database.*"}
          receiver: database
        - matchers: [area = ""]
    - matchers: [severity=critical]
      receiver: product
"""
LABELS: Final = (
    {"alertname": "Anything"},
    {"alertname": "DeploycheckTest", "severity": "critical"},
    {"alertname": "A", "team": "security"},
    {"alertname": "B", "team": "security", "severity": "critical"},
    {"alertname": "DatabaseDown", "severity": "page", "team": "engineering"},
    {"alertname": "NoDatabase", "severity": "page", "area": "north"},
    {"alertname": "C", "severity": "critical", "team": "product"},
    {"alertname": "D", "severity": "critically"},
)


class Sink:
    """A webhook that keeps what arrives, and tells it."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("")
        self.status = 200
        self.arrived: list[dict[str, Any]] = []
        server.expect_request("/hook", method="POST").respond_with_handler(self._take)
        server.expect_request("/arrived").respond_with_handler(self._tell)

    def _take(self, request: Request) -> Response:
        if self.status == 200:
            self.arrived.append(json.loads(request.data))
        return Response(status=self.status)

    def _tell(self, request: Request) -> Response:
        found = [one for one in self.arrived if request.args["id"] in json.dumps(one)]
        return Response(json.dumps({"messages": found}), content_type="application/json")


@pytest.fixture
def sink(httpserver: HTTPServer) -> Sink:
    """A webhook on a free port."""
    return Sink(httpserver)


@pytest.fixture
def alertmanager(tmp_path: Path, sink: Sink) -> Iterator[str]:
    """A real Alertmanager whose receiver for tests is the webhook."""
    others = "".join(
        f"  - name: {name}\n"
        for name in ("everybody", "auditors", "on-call", "database", "product")
    )
    test = f"  - name: deploycheck-test\n    webhook_configs: [{{url: '{sink.url}/hook'}}]\n"
    with servers.alertmanager(tmp_path, f"{ROUTES}receivers:\n{others}{test}") as url:
        yield url


def alerts(url: str, sink: Sink | None, *, within: str = "20s") -> Alerts:
    """Return a client whose test alert goes to *sink*; None: the counters must tell."""
    seen = None
    if sink is not None:
        seen = {"url": sink.url, "path": "/arrived?id={id}", "found": "messages", "rate_per_s": 100}
    settings = environment.Alertmanager.model_validate(
        {
            "url": url,
            "rate_per_s": 100,
            "receivers": {"deploycheck-test": ["webhook"]},
            "routes": [{"labels": {"a": "b"}, "receivers": ["everybody"]}],
            "test": {
                "labels": {"alertname": "DeploycheckTest"},
                "receiver": "deploycheck-test",
                "integration": "webhook",
                "within": within,
                "poll": "100ms",
                "sink": seen,
            },
        }
    )
    return Alerts(settings, user_agent=USER_AGENT)


@pytest.mark.parametrize("seen", [True, False], ids=["by-the-sink", "by-the-counters"])
def test_a_test_alert_is_delivered(alertmanager: str, sink: Sink, *, seen: bool) -> None:
    """It is routed to its receiver, arrives there, and is ended."""
    with contextlib.closing(alerts(alertmanager, sink if seen else None)) as client:
        assert client.ready() == "disabled"
        delivery = client.send_test()
        assert delivery.arrived, f"{delivery}"
        assert (delivery.state, delivery.receivers) == ("active", ("deploycheck-test",))
        assert delivery.id in json.dumps(sink.arrived)
        wait_for(lambda: not client.firing({"alertname": "DeploycheckTest"}))


@pytest.mark.parametrize("seen", [True, False], ids=["by-the-sink", "by-the-counters"])
def test_a_notification_that_fails_has_not_arrived(
    alertmanager: str, sink: Sink, *, seen: bool
) -> None:
    """Alertmanager tries again and again, and counts every try."""
    sink.status = 500
    with contextlib.closing(alerts(alertmanager, sink if seen else None, within="3s")) as client:
        assert not client.send_test().arrived


def test_routes_are_those_that_alertmanager_takes(alertmanager: str) -> None:
    """What is read from the configuration is what becomes of real alerts."""
    now = dt.datetime.now(dt.UTC).isoformat()
    posted = [{"labels": labels, "startsAt": now} for labels in LABELS]
    httpx.post(f"{alertmanager}/api/v2/alerts", json=posted, trust_env=False).raise_for_status()
    told = wait_for(lambda: _receivers(alertmanager, len(LABELS)))
    with contextlib.closing(alerts(alertmanager, None)) as client:
        root = client.configuration().root
    assert {
        name: sorted(root.receivers(labels)) for labels in LABELS for name in [_key(labels)]
    } == told


@pytest.mark.parametrize(
    ("matcher", "hidden"),
    [
        ({"name": "severity", "value": "critical|page", "isRegex": True}, True),
        ({"name": "severity", "value": "crit", "isRegex": True}, False),
        ({"name": "severity", "value": "info", "isRegex": False, "isEqual": False}, True),
        ({"name": "instance", "value": "node-1", "isRegex": False}, False),
    ],
)
def test_a_silence_hides_what_alertmanager_hides(
    alertmanager: str, matcher: dict[str, Any], *, hidden: bool
) -> None:
    """One that is in force, by its matchers; what has ended hides nothing any more."""
    labels = {"alertname": "HighErrorRate", "severity": "critical"}
    now = dt.datetime.now(dt.UTC)
    silence = {
        "matchers": [matcher],
        "startsAt": now.isoformat(),
        "endsAt": (now + dt.timedelta(hours=1)).isoformat(),
        "createdBy": "ann",
        "comment": "deployment",
    }
    made = httpx.post(f"{alertmanager}/api/v2/silences", json=silence).raise_for_status().json()
    client = alerts(alertmanager, None)
    assert [one.hides(labels) for one in client.silences()] == [hidden]
    httpx.post(f"{alertmanager}/api/v2/alerts", json=[{"labels": labels}]).raise_for_status()
    assert client.firing({"alertname": "HighErrorRate"}) == (() if hidden else ("HighErrorRate",))
    httpx.delete(f"{alertmanager}/api/v2/silence/{made['silenceID']}").raise_for_status()
    assert client.silences() == ()
    client.close()


def test_the_configuration_names_receivers_and_their_integrations(alertmanager: str) -> None:
    """A receiver without any integration is there, and tells nobody."""
    with contextlib.closing(alerts(alertmanager, None)) as client:
        found = client.configuration().receivers
    assert (found["deploycheck-test"], found["on-call"]) == (("webhook",), ())


RULES: Final = """\
groups:
  - name: good
    interval: 1s
    rules:
      - {alert: Down, expr: 'up{job="self"} == 0'}
      - {alert: Errors, expr: 'sum(rate(prometheus_http_requests_total{code=~"5.."}[1m])) > 0'}
      - {alert: Gone, expr: 'absent(up{job="nobody"})'}
      - {alert: Many, expr: 'count({__name__=~"go_.*"}) > 9000'}
  - name: blind
    interval: 1s
    rules:
      - {alert: NoMetric, expr: 'redis_memory_used_bytes / redis_memory_max_bytes > 0.85'}
      - {alert: NoLabel, expr: 'rate(prometheus_http_requests_total{status=~"5.."}[5m]) > 0.01'}
      - {alert: NoJob, expr: 'up{job="jorge-revenue-api"} == 0'}
      - {alert: Nothing, expr: 'vector(0) > 1'}
      - {alert: NoName, expr: 'count({__name__=~"jorge_.*"}) > 9'}
"""


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port that refuses everybody."""
    with servers.refusing_port() as port:
        yield port


@pytest.fixture
def prometheus(tmp_path: Path, alertmanager: str, nobody: int) -> Iterator[Monitoring]:
    """A real Prometheus that scrapes itself and something that is not there."""
    (tmp_path / "rules.yml").write_text(RULES)
    configuration = f"""\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{alertmanager[7:]}']}}]}}]}}
scrape_configs:
  - {{job_name: gone, static_configs: [{{targets: ['127.0.0.1:{nobody}']}}]}}
  - {{job_name: self, static_configs: [{{targets: ['PROMETHEUS']}}]}}
"""
    with servers.prometheus(tmp_path, configuration=configuration) as url:
        expected = environment.Monitoring.model_validate(
            {
                "jobs": ["self"],
                "alerts": ["Down"],
                "alertmanagers": ["http://am:9093/.*"],
                "application_series": ["up"],
                "business_series": ["up"],
                "counted": "up",
                "counts": "health",
            }
        )
        settings = environment.Prometheus(url=url, rate_per_s=100, queries={})
        with contextlib.closing(Monitoring(settings, expected, user_agent=USER_AGENT)) as client:
            # Both have been scraped, and every rule evaluated.
            wait_for(lambda: {one.health for one in client.rules()} == {"ok"})
            wait_for(lambda: min(one.age_s for one in client.targets()) < 60)
            wait_for(lambda: not client.absent(["prometheus_http_requests_total"]))
            yield client


def test_targets_are_told_with_their_state_and_age(prometheus: Monitoring) -> None:
    """One is up and was just scraped, the other is down, and why."""
    assert prometheus.ready()
    wait_for(lambda: all(one.age_s < 60 for one in prometheus.targets()))
    targets = {one.job: one for one in prometheus.targets()}
    assert targets["self"].up
    assert targets["self"].interval_s == 1.0
    assert -1 <= targets["self"].age_s < 10
    assert not targets["gone"].up
    assert "refused" in targets["gone"].error


def test_rules_that_can_never_fire_are_found(prometheus: Monitoring) -> None:
    """No metric, no such label, no such job: each loaded and healthy, and blind."""
    rules = prometheus.rules()
    assert {rule.name: rule.group for rule in rules}["NoLabel"] == "blind"
    assert all(-1 <= rule.age_s < 10 for rule in rules)
    blind = prometheus.blind(rules)
    assert sorted({line.partition(":")[0] for line in blind}) == [
        "NoJob",
        "NoLabel",
        "NoMetric",
        "NoName",
        "Nothing",
    ]


def test_series_and_alertmanagers_are_those_of_now(
    prometheus: Monitoring, alertmanager: str
) -> None:
    """What was never scraped is absent; alerts go to the Alertmanager that is configured."""
    wanted = ['up{job="self"}', 'up{job="nobody"}', "no_such_metric"]
    assert prometheus.absent(wanted) == tuple(wanted[1:])
    (known,) = wait_for(prometheus.alertmanagers)
    assert known.startswith(alertmanager)


def _receivers(url: str, count: int) -> dict[str, list[str]] | None:
    found = httpx.get(f"{url}/api/v2/alerts", trust_env=False).json()
    if len(found) < count:
        return None
    return {
        _key(one["labels"]): sorted(receiver["name"] for receiver in one["receivers"])
        for one in found
    }


def _key(labels: dict[str, str]) -> str:
    return json.dumps(labels, sort_keys=True)


def wait_for(found: Callable[[], _T]) -> _T:
    """Ask until the answer is true."""
    until_s = time.monotonic() + _PATIENCE_S
    while True:
        with contextlib.suppress(SubjectError):  # it has only just started
            if answer := found():
                return answer
        if time.monotonic() > until_s:
            pytest.fail(f"no answer for {_PATIENCE_S:g} s")
        time.sleep(0.1)
