"""Alert Validation: what goes wrong is noticed, and somebody is told."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.alerts import Alerts
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.monitoring


@pytest.mark.check("alert-rules")
def test_every_expected_rule_is_loaded(metrics: Metrics) -> None:
    """By name: a file that the configuration's pattern misses is no error to Prometheus."""
    loaded = {rule.name for rule in metrics.monitoring.rules()}
    missing = [name for name in metrics.monitoring.expected.alerts if name not in loaded]
    assert not missing, f"found no alert rule {', '.join(missing)}"


@pytest.mark.check("alert-rules")
def test_every_rule_is_healthy_and_evaluated(metrics: Metrics) -> None:
    """A rule that ends in an error never fires, however bad things are."""
    missed = metrics.monitoring.expected.max_evaluations_missed
    for rule in metrics.monitoring.rules():
        assert rule.health == "ok", f"{rule}"
        assert rule.age_s <= missed * rule.interval_s, (
            f"{rule}, expected at most {missed * rule.interval_s:.0f} s ago"
        )


@pytest.mark.check("alert-rules")
def test_every_rule_looks_at_series_that_exist(metrics: Metrics) -> None:
    """A rule on a metric, label or job that nobody exposes is loaded, healthy, and blind."""
    blind = metrics.monitoring.blind(metrics.monitoring.rules())
    assert not blind, "found rules that can never fire: " + "; ".join(blind)


@pytest.mark.check("alertmanager")
def test_alertmanager_is_ready(alerts: Alerts) -> None:
    """Alone, or settled with its peers."""
    state = alerts.ready()
    assert state in ("ready", "disabled"), f"found its cluster {state!r}, expected 'ready'"


@pytest.mark.check("alertmanager")
def test_prometheus_sends_its_alerts_here(metrics: Metrics) -> None:
    """An Alertmanager that Prometheus does not know never hears of anything, well as it may be."""
    known = metrics.monitoring.alertmanagers()
    for wanted in metrics.monitoring.expected.alertmanagers:
        assert any(wanted.fullmatch(url) for url in known), (
            f"found alerts sent to {', '.join(known) or 'nobody'}, expected {wanted.pattern}"
        )


@pytest.mark.check("alertmanager")
def test_sample_alerts_are_routed_to_the_right_receivers(alerts: Alerts) -> None:
    """Through the routes that are loaded; a typing error in a label sends a page to a mailbox."""
    configuration = alerts.configuration()
    for route in alerts.expected.routes:
        found = configuration.root.receivers(route.labels)
        assert found == route.receivers, f"{route.labels}: found {found}, not {route.receivers}"


@pytest.mark.check("alertmanager")
def test_no_alert_is_silenced(metrics: Metrics, alerts: Alerts) -> None:
    """Who deploys silences the noise, and may forget to end that: routed well, told nobody."""
    silences, monitoring = alerts.silences(), metrics.monitoring
    expected = monitoring.expected
    rules = [rule for rule in monitoring.rules() if rule.name in expected.alerts]
    jobs = [{}, *({"job": job} for job in expected.jobs if job not in expected.may_be_down)]
    samples = [{**job, **rule.labels, "alertname": rule.name} for rule in rules for job in jobs]
    for labels in [*samples, *(route.labels for route in alerts.expected.routes)]:
        hidden = "; ".join(str(silence) for silence in silences if silence.hides(labels))
        assert not hidden, f"{labels}: found {hidden}; end it, or wait until it has ended"


@pytest.mark.check("notification-channels")
def test_every_receiver_has_its_integrations(alerts: Alerts) -> None:
    """A receiver without any takes an alert, and tells nobody."""
    receivers = alerts.configuration().receivers
    for name, wanted in alerts.expected.receivers.items():
        missing = [kind for kind in wanted if kind not in receivers.get(name, ())]
        assert not missing, f"receiver {name}: found {receivers.get(name)}, without {missing}"


@pytest.mark.check("notification-channels")
def test_no_notification_failed(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """Of any integration, within an hour."""
    history = metrics.history("notifications_failed")
    measure("notifications_failed", history, limit=limits.notification_failure_count)
    assert history.latest <= limits.notification_failure_count


@pytest.mark.check("test-alert")
@pytest.mark.writes(
    "one alert, which ends by itself; its notification stays where those of tests go"
)
def test_alert_reaches_its_receiver(alerts: Alerts, measure: Measure) -> None:
    """Its own notification is seen or counted apart; that one wakes somebody, a person must say."""
    delivery, test = alerts.send_test(), alerts.expected.test
    assert test.receiver in delivery.receivers, f"{delivery}, expected {test.receiver}"
    assert delivery.arrived, f"{delivery}"
    measure("delivery_s", delivery.took_s, limit=test.within_s, unit="s")
