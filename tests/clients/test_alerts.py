"""Alertmanager's answers: routes, receivers, and whether a test alert arrives."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped] # its stubs are a package of their own

from pytest_deploycheck.clients.alerts import ID, Alerts
from pytest_deploycheck.clients.alerts_routing import configuration_of
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError
from tests.clients.doubles import NOW_S, USER_AGENT

CONFIGURATION = {
    "route": {
        "receiver": "everybody",
        "routes": [
            {"receiver": "audit", "match": {"team": "security"}, "continue": True},
            {
                "receiver": "on-call",
                "matchers": ['severity=~"critical|page"', "team != product"],
                "routes": [{"matchers": '{area="north",wing=~"a.*"}', "receiver": "north"}, {}],
            },
        ],
    },
    "receivers": [
        {"name": "everybody", "slack_configs": [{"api_url": "<secret>"}], "email_configs": []},
        {"name": "on-call", "pagerduty_configs": [{}], "webhook_configs": [{"url": "<secret>"}]},
        {"name": "audit"},
    ],
}


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({}, ("everybody",)),
        ({"team": "security"}, ("audit",)),
        ({"team": "security", "severity": "page"}, ("audit", "on-call")),
        ({"severity": "critical", "team": "product"}, ("everybody",)),
        ({"severity": "critically"}, ("everybody",)),
        ({"severity": "page", "area": "north", "wing": "annex"}, ("north",)),
        ({"severity": "page", "area": "south"}, ("on-call",)),
    ],
)
def test_an_alert_takes_the_routes_that_fit(
    labels: dict[str, str], receivers: tuple[str, ...]
) -> None:
    """The deepest one that fits, and its siblings where it says so; a receiver is inherited."""
    configuration = configuration_of(yaml.safe_dump(CONFIGURATION))
    assert configuration.root.receivers(labels) == receivers


def test_a_receiver_has_the_integrations_that_are_configured() -> None:
    """An empty list of them is none."""
    receivers = configuration_of(yaml.safe_dump(CONFIGURATION)).receivers
    assert receivers == {"everybody": ("slack",), "on-call": ("pagerduty", "webhook"), "audit": ()}


@pytest.mark.parametrize(
    "text", ["", "route: [", "{}", "route: {receiver: a}", "a: b", "route: {matchers: [x]}"]
)
def test_what_is_no_configuration_is_refused(text: str) -> None:
    """No route known is no route taken."""
    with pytest.raises(InstrumentError):
        configuration_of(text)


class Alertmanager:
    """Keeps what is posted; its sink sees it after some questions."""

    def __init__(self) -> None:
        self.now_s = NOW_S
        self.posted: list[dict[str, Any]] = []
        self.arrives_after: float | None = 2.0
        """Seconds; None: never."""
        self.receivers = ["test"]
        self.configured: list[dict[str, Any]] = [{"name": "test", "webhook_configs": [{}]}]
        self.counters = 'alertmanager_notification_requests_total{integration="webhook"} 3\n'
        self.grows = 'alertmanager_notification_requests_total{integration="webhook",x="y"} 1\n'
        """What is counted besides once the alert has arrived."""

    def client(self, *, sink: bool = True) -> Alerts:
        """Return a client of it, with the sink or with its counters only."""
        seen = {"url": "https://s.test", "path": "/?id={id}", "found": "messages"}
        settings = environment.Alertmanager.model_validate(
            {
                "url": "https://a.test",
                "rate_per_s": 10_000,
                "receivers": {"test": ["webhook"]},
                "routes": [{"labels": {"a": "b"}, "receivers": ["test"]}],
                "test": {
                    "labels": {"alertname": "Test"},
                    "receiver": "test",
                    "integration": "webhook",
                    "within": "30s",
                    "poll": "1s",
                    "sink": (seen | {"rate_per_s": 10_000}) if sink else None,
                },
            }
        )
        return Alerts(
            settings,
            user_agent=USER_AGENT,
            clock=lambda: self.now_s,
            sleep=self._sleep,
            transport=httpx.MockTransport(self._answer),
        )

    def _sleep(self, pause_s: float) -> None:
        self.now_s += pause_s

    @property
    def _arrived(self) -> bool:
        return self.arrives_after is not None and self.now_s - NOW_S >= self.arrives_after

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.host == "s.test":
            found = [one["labels"] for one in self.posted] if self._arrived else []
            return httpx.Response(200, json={"messages": found})
        if request.url.path == "/metrics":
            return httpx.Response(200, text=self.counters + (self.grows if self._arrived else ""))
        if request.url.path == "/api/v2/status":
            loaded = {"route": {"receiver": "test"}, "receivers": self.configured}
            config = {"original": yaml.safe_dump(loaded)}
            return httpx.Response(200, json={"cluster": {"status": "ready"}, "config": config})
        if request.method == "POST":
            self.posted += json.loads(request.content)
            return httpx.Response(200)
        named = [{"name": name} for name in self.receivers]
        found = [
            {"labels": self.posted[0]["labels"], "receivers": named, "status": {"state": "active"}}
        ]
        return httpx.Response(200, json=found)


@pytest.mark.parametrize("sink", [True, False], ids=["sink", "counters"])
def test_an_alert_that_arrives_is_told_with_its_time_and_ended(*, sink: bool) -> None:
    """It ends at once, and would end by itself if we were killed."""
    server = Alertmanager()
    delivery = server.client(sink=sink).send_test()
    assert (delivery.arrived, delivery.took_s, delivery.receivers) == (True, 2.0, ("test",))
    first, last = server.posted
    assert first["labels"] == last["labels"] == {"alertname": "Test", ID: delivery.id}
    assert first["startsAt"] < last["endsAt"] < first["endsAt"]


@pytest.mark.parametrize("sink", [True, False], ids=["sink", "counters"])
def test_an_alert_that_does_not_arrive_is_given_up_in_time_and_ended(*, sink: bool) -> None:
    """Whatever its receivers are: what counts is that it arrived."""
    server = Alertmanager()
    server.arrives_after = None
    delivery = server.client(sink=sink).send_test()
    assert (delivery.arrived, delivery.took_s) == (False, 30.0)
    assert len(server.posted) == 2


def test_a_failed_try_has_not_arrived() -> None:
    """Tries that failed are counted with the others, and once more as failed."""
    server = Alertmanager()
    server.arrives_after = None
    client = server.client(sink=False)
    failed = 'alertmanager_notification_requests_failed_total{integration="webhook"} '
    server.counters += failed + "3\n"
    assert not client.send_test().arrived


def test_an_integration_that_nobody_counts_is_no_evidence() -> None:
    """No counter is not a counter at zero."""
    server = Alertmanager()
    server.counters = "<title>Sign in</title>"
    with pytest.raises(SubjectError, match='counts no notifications of integration="webhook"'):
        server.client(sink=False).send_test()
    assert server.posted == []


def test_a_notification_that_may_be_another_alerts_is_no_evidence() -> None:
    """A real alert that leaves at the same moment would be counted as well."""
    server = Alertmanager()
    server.configured.append({"name": "teams", "webhook_configs": [{}]})
    with pytest.raises(InstrumentError, match="notifications by webhook of teams counted with"):
        server.client(sink=False).send_test()
    assert server.client(sink=True).send_test().arrived


def test_counters_by_receiver_tell_the_tests_own_notification() -> None:
    """Alertmanager counts so when it is asked to; then others may use the same integration."""
    server = Alertmanager()
    server.configured.append({"name": "teams", "webhook_configs": [{}]})
    total = 'alertmanager_notification_requests_total{integration="webhook",receiver_name="'
    server.counters = f'{total}teams"}} 8\n{total}test"}} 3\n'
    client = server.client(sink=False)
    assert not client.send_test().arrived  # what leaves is not the test's
    server.now_s = NOW_S
    server.grows = f'{total}test"}} 1\n'
    assert client.send_test().arrived
