"""What watches the platform, as state: scraping, rules, Alertmanager and Grafana."""

from __future__ import annotations

import dataclasses
import time
from typing import Any, Final

Json = dict[str, Any]

JOBS: Final = {
    "jorge-revenue-api": 3,
    "business-metrics": 1,
    "kubernetes-nodes": 1,
    "kubernetes-pods": 5,
    "jorge-seller-bot": 1,
    "jorge-lead-bot": 1,
    "jorge-intent-decoder": 1,
    "jorge-ml-pipeline": 1,
    "claude-conversation-intelligence": 1,
    "property-alert-engine": 1,
    "health-checks": 1,
    "ghl-api-performance": 1,
    "claude-api-performance": 1,
    "postgres-exporter": 1,
    "redis-exporter": 1,
    "alertmanager": 1,
}
"""Scrape job → how many targets it has."""
TEST_ALERT: Final = "DeploycheckTest"
TEST_RECEIVER: Final = "deploycheck-test"
_SLACK: Final = ("slack",)


@dataclasses.dataclass(kw_only=True)
class Target:
    """One thing that is scraped."""

    job: str
    url: str
    up: bool = True
    since_scrape_s: float = 0.0
    """How much longer ago than the newest tick it was scraped."""


@dataclasses.dataclass(kw_only=True)
class Rule:
    """One alert rule, which does not fire."""

    group: str
    interval_s: float
    name: str
    expression: str
    hold_s: float
    severity: str
    health: str = "ok"
    error: str = ""
    age_s: float = 0.0
    """How much longer ago than the newest tick it was evaluated."""


@dataclasses.dataclass(kw_only=True)
class Alerting:
    """Alertmanager's side."""

    receivers: dict[str, tuple[str, ...]]
    """Name → its integrations."""
    routes: list[Json]
    """Below the root, which goes to the first receiver."""
    cluster: str = "ready"
    alerts: list[Json] = dataclasses.field(default_factory=list)
    """As they were posted, with `posted_s`."""
    silences: list[Json] = dataclasses.field(default_factory=list)
    """As Alertmanager lists them."""
    delay_s: float = 0.1
    """From an alert to its notification."""
    loses: bool = False
    """Nothing that is sent arrives."""

    def document(self) -> Json:
        """Return the configuration."""
        config: Json = {"api_url": "<secret>", "send_resolved": True}
        return {
            "global": {"resolve_timeout": "5m"},
            "route": {
                "receiver": next(iter(self.receivers)),
                "group_by": ["alertname", "severity", "team"],
                "routes": self.routes,
            },
            "receivers": [
                {"name": name} | {f"{kind}_configs": [config] for kind in kinds}
                for name, kinds in self.receivers.items()
            ],
        }

    def receiver_of(self, labels: dict[str, str]) -> str:
        """Return who gets a test alert: real alerts are not sent here."""
        for route in self.routes:
            if f'alertname="{labels.get("alertname")}"' in route.get("matchers", ()):
                return str(route["receiver"])
        return next(iter(self.receivers))

    def arrived(self) -> list[Json]:
        """Return the alerts that have reached the receiver for tests."""
        now_s = time.time()
        return [
            alert
            for alert in self.alerts
            if not self.loses
            and self.receiver_of(alert["labels"]) == TEST_RECEIVER
            and now_s - alert["posted_s"] >= self.delay_s
        ]


@dataclasses.dataclass(kw_only=True)
class Boards:
    """Grafana's side."""

    dashboards: list[Json]
    """Models with `uid`, `title` and `panels`."""
    database: str = "ok"
    source: str = "OK"
    """The health of the data source."""

    def of(self, uid: str) -> Json:
        """Return a dashboard.

        Raises:
            KeyError: There is none.
        """
        for board in self.dashboards:
            if board["uid"] == uid:
                return board
        raise KeyError(uid)

    def panel(self, uid: str, title: str) -> Json:
        """Return a panel.

        Raises:
            KeyError: There is none.
        """
        for panel in self.of(uid)["panels"]:
            if panel["title"] == title:
                found: Json = panel
                return found
        raise KeyError(title)


@dataclasses.dataclass(kw_only=True)
class Watching:
    """Everything that watches the platform; faults change it."""

    targets: list[Target]
    rules: list[Rule]
    alerting: Alerting
    boards: Boards
    reloaded: bool = True
    """Prometheus took its configuration when it was last told to."""
    alertmanagers: list[str] = dataclasses.field(
        default_factory=lambda: ["http://alertmanager:9093/api/v2/alerts"]
    )

    def rule(self, name: str) -> Rule:
        """Return the rule *name*.

        Raises:
            KeyError: There is none.
        """
        for rule in self.rules:
            if rule.name == name:
                return rule
        raise KeyError(name)


def alerting() -> Alerting:
    """Return a complete configuration."""

    def route(receiver: str, *matchers: str, routes: tuple[Json, ...] = ()) -> Json:
        below = {"routes": list(routes)} if routes else {}
        return {"receiver": receiver, "matchers": list(matchers)} | below

    critical = (
        route(
            "engineering-critical",
            'alertname=~"ServiceDown|DatabaseConnectionPoolExhausted|SLAViolation99_9Uptime"',
        ),
        route(
            "product-critical",
            'alertname=~"JorgeSellerBotFailureRate|IntentDecoderAccuracyDrop|MLModel.*"',
        ),
        route("security-critical", 'team="security"'),
    )
    warning = (
        route("performance-team", 'alertname=~".*ResponseTime.*|MLPredictionLatencyHigh"'),
        route("infrastructure-team", 'alertname=~"High(Memory|CPU)Usage|RedisHighMemoryUsage"'),
        route("product-team", 'team="product"'),
    )
    return Alerting(
        receivers={
            "default-notifications": _SLACK,
            "critical-alerts": ("pagerduty", "slack", "email"),
            "product-critical": ("slack", "webhook"),
            "engineering-critical": ("pagerduty", "slack"),
            "security-critical": ("slack", "email"),
            "warning-alerts": _SLACK,
            "performance-team": _SLACK,
            "infrastructure-team": _SLACK,
            "product-team": _SLACK,
            "business-intelligence": _SLACK,
            TEST_RECEIVER: ("webhook",),
        },
        routes=[
            route(TEST_RECEIVER, f'alertname="{TEST_ALERT}"'),
            route("critical-alerts", 'severity="critical"', routes=critical),
            route("warning-alerts", 'severity="warning"', routes=warning),
            route("business-intelligence", 'severity="info"'),
        ],
    )


def targets() -> list[Target]:
    """Return every job's targets, all of them up."""
    return [
        Target(job=job, url=f"http://{job}-{index}:8000/metrics")
        for job, count in JOBS.items()
        for index in range(count)
    ]
