"""Prometheus and its queries, what must be monitored, Alertmanager, Grafana."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, model_validator

from pytest_deploycheck.config.environment.http import Http
from pytest_deploycheck.config.environment.tables import Seconds, Table
from pytest_deploycheck.domain.policy import Worse


class Query(Table):
    """One PromQL query, by the name the suites use."""

    query: str
    """Instant vector expression with exactly one series; asked over a range with *step*."""
    unit: str
    worse: Worse
    """On which side of its limit a value is bad."""
    window_s: Seconds = Field(alias="window")
    """How far back it is asked; what was before `deployed_at` does not speak for the release."""
    step_s: Seconds = Field(default=15.0, alias="step")
    min_samples: int = Field(default=1, ge=1)
    max_age_s: Seconds = Field(default=120.0, alias="max_age")
    """How old the newest sample may be."""
    traffic: str | None = None
    """For a ratio: PromQL of how many events it is a ratio of, over its window."""
    min_traffic: float | None = Field(default=None, gt=0)
    """How many of them are evidence."""
    triggers: dict[str, str] = {}
    """Trigger → the limit that it is judged by: whose duration this query's history tells."""
    increases: dict[str, str] = {}
    """The same, where it is the increase over the baseline that is judged."""
    growths: dict[str, str] = {}
    """The same, where it is the sustained growth over the window."""

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if (self.traffic is None) != (self.min_traffic is None):
            raise ValueError("expected both of `traffic` and `min_traffic`, or neither")
        return self


class Prometheus(Http):
    """An instrument."""

    queries: dict[str, Query]
    compare_with: Literal["recorded", "before", "previous_day", "previous_week"] = "recorded"
    """What is "before": the recorded baseline, and without one the window before the deployment;
    only that window; the same hour of the newest day, or week, that lies before the deployment."""


class Monitoring(Table):
    """What Prometheus must collect, and which rules must be able to fire."""

    jobs: tuple[str, ...] = Field(min_length=1)
    """Scrape jobs; each must have a target."""
    may_be_down: tuple[str, ...] = ()
    """Jobs whose targets are allowed to be down."""
    alerts: tuple[str, ...] = Field(min_length=1)
    """Alert rules, by name."""
    alertmanagers: tuple[re.Pattern[str], ...] = Field(min_length=1)
    """Where Prometheus sends its alerts, as it calls the addresses itself: each expression must fit
    one whole."""
    max_scrapes_missed: float = Field(default=2.0, gt=0)
    """How old the newest scrape may be, in intervals of its target."""
    max_evaluations_missed: float = Field(default=3.0, gt=0)
    """The same for the evaluation of a rule, in intervals of its group."""
    series_age_s: Seconds = Field(default=3600.0, alias="series_age")
    """How long ago the series of a rule may have been seen."""
    application_series: tuple[str, ...] = Field(min_length=1)
    """Metrics that must exist now, as Prometheus selects them: `name{label="value"}`."""
    business_series: tuple[str, ...] = Field(min_length=1)
    """The same, of the business."""
    counted: str
    """PromQL of a counter that counts a request to the endpoint *counts*."""
    counts: str
    """Name of one of `[api.endpoints]`."""
    counted_within_s: Seconds = Field(default=45.0, alias="counted_within")
    """How long it may take until Prometheus has seen it: two scrapes and a bit."""
    poll_s: Seconds = Field(default=5.0, alias="poll")


class Route(Table):
    """An alert as it might be sent, and who must get it."""

    labels: dict[str, str] = Field(min_length=1)
    receivers: tuple[str, ...] = Field(min_length=1)


class AlertSink(Http):
    """Where notifications of the test alert can be seen: an instrument."""

    path: str
    """`{id}` is replaced by the alert's."""
    found: str
    """Dotted key path of a list in the JSON answer that holds what arrived."""


class TestAlert(Table):
    """An alert that is sent to see it arrive; it ends by itself."""

    __test__ = False
    labels: dict[str, str] = Field(min_length=1)
    """By which it is routed; a unique id is added."""
    receiver: str
    integration: str
    """Of the receiver, as Alertmanager's counters call it: `webhook`."""
    life_s: Seconds = Field(default=120.0, alias="life")
    within_s: Seconds = Field(default=90.0, alias="within")
    """How long the notification may take: longer than the route's group_wait."""
    poll_s: Seconds = Field(default=3.0, alias="poll")
    sink: AlertSink | None = None
    """None: Alertmanager's own counters must tell that it left, apart from all other alerts."""


class Alertmanager(Http):
    """Alertmanager, by its API of version 2."""

    receivers: dict[str, tuple[str, ...]] = Field(min_length=1)
    """Name → the integrations it must have: `slack`, `pagerduty`, `email`, `webhook`."""
    routes: tuple[Route, ...] = Field(min_length=1)
    test: TestAlert


class Dashboard(Table):
    """One dashboard, and what of it must show data."""

    title: str
    uid: str | None = None
    """None: it is found by its title."""
    panels: tuple[str, ...] = Field(min_length=1)
    """Titles of panels, each of which must answer fresh data."""


class Grafana(Http):
    """Grafana, by its HTTP API."""

    datasource: str
    """The uid of its Prometheus, for panels that name none."""
    dashboards: dict[str, Dashboard] = Field(min_length=1)
    """By the name that the suites use."""
    variables: dict[str, str] = {}
    """What is put for the variables of dashboards: `environment = "production"`."""
    window_s: Seconds = Field(default=1800.0, alias="window")
    """How far back panels are asked."""
    max_age_s: Seconds = Field(default=60.0, alias="max_age")
    """How old the newest value of a panel may be; Prometheus itself repeats one for 5 minutes."""
