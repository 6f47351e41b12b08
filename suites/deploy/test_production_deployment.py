"""Production Deployment: the right moment, approved and announced."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.alerts import Alerts
from pytest_deploycheck.clients.attestations import Attestations
from pytest_deploycheck.clients.calendar import Calendar
from pytest_deploycheck.clients.dashboards import Dashboards
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.clients.notifications import Notifications
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.deploy


@pytest.mark.check("deployment-window")
def test_rollout_begins_in_a_window(calendar: Calendar) -> None:
    """When few are using it, by the clock of the calendar's time zone."""
    day = calendar.deployment_day()
    assert day.in_window, f"found {day.local}, expected one of {day.windows}"


@pytest.mark.check("deployment-window")
def test_day_is_open_for_changes(calendar: Calendar) -> None:
    """A freeze closes the windows too."""
    day = calendar.deployment_day()
    assert not day.frozen_for, f"found {day.local}, which is frozen: {day.frozen_for}"


@pytest.mark.check("change-advisory-board")
def test_change_is_approved(attestations: Attestations) -> None:
    """The board approved the change ticket, or says that none is required, with the reason."""
    attestations.require("deploy/change-advisory-board")


@pytest.mark.check("stakeholder-notification")
def test_stakeholders_were_told_in_time(
    notifications: Notifications, limits: Limits, measure: Measure
) -> None:
    """The announcement has a receipt of every channel, long enough before the rollout."""
    told = notifications.require("scheduled")
    measure("notice", told.ahead_s, limit=limits.notice_s, unit="s")
    assert told.ahead_s >= limits.notice_s


@pytest.mark.check("monitoring-systems")
def test_prometheus_collects_everything(metrics: Metrics) -> None:
    """Each expected job has a target, and each target that matters was reached."""
    monitoring = metrics.monitoring
    assert monitoring.ready(), "found its last reload failed, expected it to have succeeded"
    targets = monitoring.targets()
    missing = set(monitoring.expected.jobs) - {target.job for target in targets}
    assert not missing, f"found no target of {', '.join(sorted(missing))}"
    for target in targets:
        assert target.up or target.job in monitoring.expected.may_be_down, f"{target}"


@pytest.mark.check("monitoring-systems")
def test_alertmanager_works_and_no_critical_alert_fires(alerts: Alerts) -> None:
    """A platform in trouble is not changed, and its alerts would hide those of the deployment."""
    state = alerts.ready()
    assert state in ("ready", "disabled"), f"found its cluster {state!r}, expected 'ready'"
    firing = alerts.firing({"severity": "critical"})
    assert not firing, f"found firing: {', '.join(firing)}"


@pytest.mark.check("monitoring-systems")
def test_grafana_works(dashboards: Dashboards) -> None:
    """Whoever deploys must be able to look."""
    database, source = dashboards.health(), dashboards.datasource_health()
    assert database == "ok", f"found Grafana's database {database!r}, expected 'ok'"
    assert source == "OK", f"found its data source {source!r}, expected 'OK'"
