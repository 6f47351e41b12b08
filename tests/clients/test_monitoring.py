"""What Prometheus tells of itself, and what is never taken for good news."""

from __future__ import annotations

import datetime as dt
import email.utils
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pytest_deploycheck.clients.monitoring import Monitoring
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError, SubjectError
from tests.clients.doubles import NOW_S, USER_AGENT

TARGET = {
    "labels": {"job": "api", "instance": "a:80"},
    "scrapeUrl": "http://a:80/metrics",
    "health": "up",
    "lastError": "",
    "lastScrape": dt.datetime.fromtimestamp(NOW_S - 4, dt.UTC).isoformat(),
    "scrapeInterval": "1m30s",
}
RULE = {
    "type": "alerting",
    "name": "Errors",
    "query": 'rate(errors_total{code=~"5..",job="api"}[5m]) > 1',
    "health": "ok",
    "lastEvaluation": dt.datetime.fromtimestamp(NOW_S - 7, dt.UTC).isoformat(),
    "state": "inactive",
}


class Prometheus:
    """Answers each path below /api/v1 with what `data` has for it."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.extra: dict[str, Any] = {}
        self.raw: Callable[[], httpx.Response] | None = None

    def client(self, expected: environment.Monitoring | None = None) -> Monitoring:
        """Return a client of it."""
        settings = environment.Prometheus(url="https://p.test", rate_per_s=10_000, queries={})
        return Monitoring(
            settings,
            expected or EXPECTED,
            user_agent=USER_AGENT,
            clock=lambda: NOW_S,
            transport=httpx.MockTransport(self._answer),
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.raw is not None:
            return self.raw()
        if request.url.path == "/-/ready":
            return httpx.Response(200, text="Prometheus Server is Ready.")
        path = request.url.path.removeprefix("/api/v1/")
        metric = request.url.params.get("match[]")
        known = self.data[f"{path} {metric}" if metric else path]
        return httpx.Response(200, json={"status": "success", "data": known} | self.extra)


EXPECTED = environment.Monitoring.model_validate(
    {
        "jobs": ["api"],
        "alerts": ["Errors"],
        "alertmanagers": ["http://am:9093/.*"],
        "application_series": ["up"],
        "business_series": ["up"],
        "counted": "up",
        "counts": "health",
    }
)


@pytest.fixture
def prometheus() -> Prometheus:
    """A Prometheus that knows one metric with two labels."""
    made = Prometheus()
    made.data = {
        "targets": {"activeTargets": [TARGET]},
        "rules": {"groups": [{"name": "g", "interval": 30, "rules": [RULE]}]},
        "label/__name__/values": ["errors_total", "up"],
        "labels errors_total": ["__name__", "code", "job"],
        "label/job/values errors_total": ["api"],
        "alertmanagers": {"activeAlertmanagers": [{"url": "http://am:9093/api/v2/alerts"}]},
        "status/runtimeinfo": {"reloadConfigSuccess": True},
        "query": {"resultType": "vector", "result": [{"metric": {}, "value": [NOW_S, "1"]}]},
    }
    return made


def test_targets_and_rules_are_told_with_their_ages(prometheus: Prometheus) -> None:
    """Ages and intervals are seconds; what is down says why."""
    client = prometheus.client()
    (target,), (rule,) = client.targets(), client.rules()
    assert (target.up, target.age_s, target.interval_s) == (True, 4.0, 90.0)
    assert (rule.health, rule.age_s, rule.interval_s, rule.firing) == ("ok", 7.0, 30.0, False)
    assert client.ready()
    assert client.alertmanagers() == ("http://am:9093/api/v2/alerts",)


@pytest.mark.parametrize(
    ("expression", "lacks"),
    [
        ('rate(errors_total{code=~"5..",job="api"}[5m]) > 1', None),
        ('rate(errors_total{status=~"5.."}[5m]) > 1', "label status"),
        ('rate(errors_total{job="web"}[5m]) > 1', 'errors_total{job="web"}'),
        ("rate(faults_total[5m]) > 1", "no series faults_total"),
        ('errors_total{code!="200"}', None),
        ('errors_total{path=""}', None),
        ("absent(faults_total)", None),
        ("vector(0) > 1", "no series at all in vector(0) > 1"),
    ],
)
def test_a_rule_is_blind_where_no_series_has_what_it_asks_for(
    prometheus: Prometheus, expression: str, lacks: str | None
) -> None:
    """Its metric, each label it needs, and the job it names; not the text of other labels."""
    prometheus.data["rules"]["groups"][0]["rules"] = [RULE | {"query": expression}]
    client = prometheus.client()
    found = client.blind(client.rules())
    assert len(found) == (0 if lacks is None else 1)
    assert lacks is None or lacks in found[0]


def test_a_rule_that_fires_all_the_time_is_a_watchdog(prometheus: Prometheus) -> None:
    """It looks at nothing on purpose: its silence tells that no alert gets through."""
    watchdog = RULE | {"query": "vector(1)", "state": "firing"}
    prometheus.data["rules"]["groups"][0]["rules"] = [watchdog]
    client = prometheus.client()
    assert client.blind(client.rules()) == ()


@pytest.mark.parametrize(
    ("result", "missing"),
    [([{"value": [NOW_S, "3"]}], ()), ([], ("x",)), ([{"value": [NOW_S, "NaN"]}], ("x",))],
    ids=["there", "nothing", "nan"],
)
def test_a_series_without_a_number_is_absent(
    prometheus: Prometheus, result: list[object], missing: tuple[str, ...]
) -> None:
    """Nothing, and not a number, are no values."""
    prometheus.data["query"]["result"] = result
    assert prometheus.client().absent(["x"]) == missing


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        ("targets", {"activeTargets": []}, SubjectError),
        ("rules", {"groups": []}, SubjectError),
        ("targets", {}, InstrumentError),
        ("rules", [], InstrumentError),
        ("targets", {"activeTargets": [TARGET | {"lastScrape": "soon"}]}, InstrumentError),
    ],
)
def test_no_target_and_no_rule_is_no_good_news(
    prometheus: Prometheus, path: str, value: object, error: type[DeploycheckError]
) -> None:
    """Nothing that could be down is not everything up."""
    prometheus.data[path] = value
    with pytest.raises(error):
        prometheus.client().targets() if path == "targets" else prometheus.client().rules()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(200, html="<title>Sign in</title>"), SubjectError),
        (httpx.Response(503, text="unavailable"), SubjectError),
        (httpx.Response(401, text="who?"), InstrumentError),
        (httpx.Response(200, text="null"), InstrumentError),
        (httpx.Response(200, json={"status": "error", "error": "x", "data": {}}), InstrumentError),
    ],
    ids=["html", "unavailable", "refused", "null", "error"],
)
def test_what_is_no_answer_is_told_as_such(
    prometheus: Prometheus, answer: httpx.Response, error: type[DeploycheckError]
) -> None:
    """Its own silence is a failure here; refused credentials are ours."""
    prometheus.raw = lambda: answer
    with pytest.raises(error):
        prometheus.client().targets()


def test_a_partial_answer_is_none(prometheus: Prometheus) -> None:
    """Targets of a store that did not answer are not there to be down."""
    prometheus.extra = {"warnings": ["store-2: deadline exceeded"]}
    with pytest.raises(InstrumentError, match="store-2"):
        prometheus.client().targets()


def test_without_expectations_nothing_can_be_missing() -> None:
    """An environment without [monitoring] gives no evidence."""
    settings = environment.Prometheus(url="https://p.test", queries={})
    client = Monitoring(settings, None, user_agent=USER_AGENT)
    with pytest.raises(InstrumentError, match=r"\[monitoring\]"):
        _ = client.expected


@pytest.mark.parametrize(("ahead_s", "told"), [(-3600, True), (3600, True), (3, False)])
def test_nobody_is_fresh_by_a_wrong_clock(
    prometheus: Prometheus, ahead_s: float, *, told: bool
) -> None:
    """By a slow clock of ours a Prometheus that hangs has scraped everything just now."""
    body = {"status": "success", "data": {"activeTargets": [TARGET]}}
    date = email.utils.formatdate(time.time() + ahead_s, usegmt=True)
    prometheus.raw = lambda: httpx.Response(200, json=body, headers={"Date": date})
    if told:
        with pytest.raises(InstrumentError, match="found its clock"):
            prometheus.client().targets()
    else:
        assert prometheus.client().targets()
