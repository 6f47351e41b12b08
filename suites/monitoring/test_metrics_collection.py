"""Metrics Collection: what is to be watched is collected, and can be looked at."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.dashboards import Dashboards
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.monitoring


@pytest.mark.check("prometheus")
def test_prometheus_is_ready_with_its_configuration(metrics: Metrics) -> None:
    """After a bad reload it goes on with yesterday's jobs and rules, and says so only here."""
    assert metrics.monitoring.ready(), "found its last reload failed, expected it to have succeeded"


@pytest.mark.check("prometheus")
def test_every_expected_job_has_a_target(metrics: Metrics) -> None:
    """A job whose discovery finds nothing has no target that could be down."""
    have = {target.job for target in metrics.monitoring.targets()}
    missing = [job for job in metrics.monitoring.expected.jobs if job not in have]
    assert not missing, f"found no target of {', '.join(missing)}; Prometheus has {sorted(have)}"


@pytest.mark.check("prometheus")
def test_every_target_is_up_and_was_scraped_lately(metrics: Metrics) -> None:
    """Of all jobs, expected or not; health alone may be that of a scrape long ago."""
    expected = metrics.monitoring.expected
    for target in metrics.monitoring.targets():
        if target.job not in expected.may_be_down:
            assert target.up, f"{target}"
            oldest_s = expected.max_scrapes_missed * target.interval_s
            assert target.age_s <= oldest_s, f"{target}, expected at most {oldest_s:.0f} s ago"


@pytest.mark.check("grafana-dashboards")
def test_grafana_is_healthy(dashboards: Dashboards) -> None:
    """It serves its pages without its database too, and has no dashboard then."""
    state = dashboards.health()
    assert state == "ok", f"found Grafana's database {state!r}, expected 'ok'"


@pytest.mark.check("grafana-dashboards")
def test_grafana_reaches_its_data_source(dashboards: Dashboards) -> None:
    """Asked from Grafana: that we reach Prometheus does not mean that Grafana does."""
    state = dashboards.datasource_health()
    assert state == "OK", f"found the data source {state!r}, expected 'OK'"


@pytest.mark.check("grafana-dashboards")
def test_every_dashboard_shows_fresh_data(dashboards: Dashboards) -> None:
    """Each required panel's own query, as Grafana answers it: an empty panel looks calm."""
    for name in dashboards.expected.dashboards:
        for panel in dashboards.panels(name):
            assert panel.fresh, f"{panel}"


@pytest.mark.check("application-metrics")
def test_application_metrics_exist_now(metrics: Metrics) -> None:
    """With a number that is at most five minutes old: a metric that was renamed is just gone."""
    missing = metrics.monitoring.absent(metrics.monitoring.expected.application_series)
    assert not missing, f"found no current value of {', '.join(missing)}"


@pytest.mark.check("application-metrics")
def test_a_request_is_counted(api: Api, metrics: Metrics) -> None:
    """A counter that stands still is as present as one that counts: we ask, and it must move."""
    expected = metrics.monitoring.expected
    before = metrics.now(expected.counted)
    api.call(expected.counts)
    after = metrics.risen(expected.counted, before)
    assert after > before, f"found {expected.counted} at {after:g} before and after a request"


@pytest.mark.check("business-metrics")
def test_bot_and_business_metrics_exist_now(metrics: Metrics) -> None:
    """With a number that is at most five minutes old."""
    missing = metrics.monitoring.absent(metrics.monitoring.expected.business_series)
    assert not missing, f"found no current value of {', '.join(missing)}"


@pytest.mark.parametrize("query", ["seller_bot_flow", "lead_bot_day3", "intent_decoder_flow"])
@pytest.mark.check("business-metrics")
def test_each_bot_is_counted(
    metrics: Metrics, limits: Limits, measure: Measure, query: str
) -> None:
    """What each bot has done in half an hour: a counter that stands still is as present."""
    history = metrics.history(query)
    measure(query, history, limit=limits.bot_event_count)
    assert history.latest >= limits.bot_event_count
