"""What is wrong with those who watch: nothing of the platform, so never a rollback."""

from __future__ import annotations

import time
from typing import Final

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import boards
from pytest_deploycheck.sandbox.faults.fault import fault
from pytest_deploycheck.sandbox.platform import Manner, Platform
from pytest_deploycheck.sandbox.watching import TEST_RECEIVER

PROMETHEUS: Final = "monitoring/prometheus"
GRAFANA: Final = "monitoring/grafana-dashboards"
APPLICATION: Final = "monitoring/application-metrics"
BUSINESS: Final = "monitoring/business-metrics"
RULES: Final = "monitoring/alert-rules"
ALERTMANAGER: Final = "monitoring/alertmanager"
CHANNELS: Final = "monitoring/notification-channels"
TEST: Final = "monitoring/test-alert"
OPERATIONS: Final = "monitoring/operations-center"
BOTS: Final = "monitoring/jorge-bot-dashboard"
BI: Final = "monitoring/business-intelligence"
SECURITY: Final = "monitoring/security-dashboard"
DEPLOY: Final = "deploy/monitoring-systems"

_HOLD = Verdict.HOLD
_DASHBOARDS = (OPERATIONS, BOTS, BI, SECURITY)


@fault(PROMETHEUS, DEPLOY, verdict=_HOLD)
def scrape_job_missing(platform: Platform) -> None:
    """Prometheus has no target of the lead bot, so none that could be down."""
    targets = platform.watching.targets
    targets[:] = [one for one in targets if one.job != "jorge-lead-bot"]


@fault(PROMETHEUS, DEPLOY, verdict=_HOLD)
def target_down(platform: Platform) -> None:
    """Prometheus does not reach the exporter of the database."""
    for target in platform.watching.targets:
        target.up = target.job != "postgres-exporter"


@fault(PROMETHEUS, verdict=_HOLD)
def scrape_late(platform: Platform) -> None:
    """A target that is called up was scraped two minutes ago, at an interval of 15 s."""
    platform.watching.targets[0].since_scrape_s = 120.0


@fault(PROMETHEUS, DEPLOY, verdict=_HOLD)
def configuration_refused(platform: Platform) -> None:
    """Prometheus refused its new configuration, and goes on with the old one."""
    platform.watching.reloaded = False


@fault(RULES, verdict=_HOLD)
def alert_rule_missing(platform: Platform) -> None:
    """The rules for the bots are not loaded: their file has another name than the pattern."""
    rules = platform.watching.rules
    rules[:] = [rule for rule in rules if rule.group != "jorge_bot_ecosystem"]


@fault(RULES, verdict=_HOLD)
def alert_rule_failing(platform: Platform) -> None:
    """A rule ends in an error whenever it is evaluated."""
    rule = platform.watching.rule("HighMemoryUsage")
    rule.health, rule.error = "err", "many-to-many matching not allowed"


@fault(RULES, verdict=_HOLD)
def alert_rules_not_evaluated(platform: Platform) -> None:
    """No rule has been evaluated for ten minutes."""
    for rule in platform.watching.rules:
        rule.age_s = 600.0


@fault(RULES, verdict=_HOLD)
def alert_rule_blind(platform: Platform) -> None:
    """The rule on errors asks for the label status, and the platform says status_code."""
    rule = platform.watching.rule("HighErrorRate")
    rule.expression = rule.expression.replace("status_code", "status")


@fault(RULES, verdict=_HOLD)
def alert_rule_of_no_metric(platform: Platform) -> None:
    """A rule is about a metric that nobody exposes."""
    platform.watching.rule("RedisHighMemoryUsage").expression = "redis_memory_ratio > 0.85"


@fault(RULES, verdict=_HOLD)
def alert_rule_of_no_job(platform: Platform) -> None:
    """The rule on a service that is down names a job that is called otherwise."""
    platform.watching.rule("ServiceDown").expression = 'up{job="jorge-api"} == 0'


@fault(RULES, verdict=_HOLD)
def alert_rule_of_nothing(platform: Platform) -> None:
    """A rule compares two numbers that never change."""
    platform.watching.rule("HighCPUUsage").expression = "vector(0) > 1"


@fault(ALERTMANAGER, CHANNELS, TEST, DEPLOY, verdict=_HOLD)
def alertmanager_down(platform: Platform) -> None:
    """Nothing listens where Alertmanager should be."""
    platform.servers["alertmanager"].refuses = True


@fault(ALERTMANAGER, CHANNELS, TEST, DEPLOY, verdict=_HOLD)
def alertmanager_is_html(platform: Platform) -> None:
    """A sign-in page answers for Alertmanager."""
    page = "<!DOCTYPE html><title>Sign in</title>"
    platform.servers["alertmanager"] = Manner(status=200, body=page, media_type="text/html")


@fault(ALERTMANAGER, verdict=_HOLD)
def alertmanager_unknown(platform: Platform) -> None:
    """Prometheus knows no Alertmanager, so nobody hears of its alerts."""
    platform.watching.alertmanagers.clear()


@fault(ALERTMANAGER, verdict=_HOLD)
def alertmanager_of_others(platform: Platform) -> None:
    """Prometheus sends its alerts to an Alertmanager that is not ours."""
    platform.watching.alertmanagers[:] = ["http://alertmanager.old:9093/api/v2/alerts"]


@fault(ALERTMANAGER, verdict=_HOLD)
def alert_routed_wrongly(platform: Platform) -> None:
    """The route of critical alerts asks for a severity that no alert has."""
    for route in platform.watching.alerting.routes:
        if route["receiver"] == "critical-alerts":
            route["matchers"] = ['severity="page"']


@fault(ALERTMANAGER, verdict=_HOLD)
def alerts_silenced(platform: Platform) -> None:
    """Whoever deployed has silenced the critical alerts for a day, and gone home."""
    _silence(platform, {"name": "severity", "value": "critical|page", "isRegex": True})


@fault(ALERTMANAGER, verdict=_HOLD)
def job_silenced(platform: Platform) -> None:
    """Whatever concerns the API is silenced, by the name of its scrape job."""
    _silence(platform, {"name": "job", "value": "jorge-revenue-api", "isRegex": False})


def _silence(platform: Platform, matcher: dict[str, object]) -> None:
    platform.watching.alerting.silences.append(
        {
            "id": "3b2c1d0e-5f6a-4b7c-8d9e-0f1a2b3c4d5e",
            "status": {"state": "active"},
            "matchers": [matcher | {"isEqual": True}],
            "startsAt": "2026-01-01T00:00:00.000Z",
            "endsAt": "2099-01-01T00:00:00.000Z",
            "createdBy": "ann",
            "comment": "deployment",
        }
    )


@fault(CHANNELS, verdict=_HOLD)
def pager_not_configured(platform: Platform) -> None:
    """The receiver of critical alerts has lost its PagerDuty integration."""
    platform.watching.alerting.receivers["critical-alerts"] = ("slack", "email")


@fault(CHANNELS, verdict=_HOLD)
def notifications_fail(platform: Platform) -> None:
    """For ten minutes every notification to Slack has failed."""
    name = "alertmanager_notifications_failed_total"
    platform.metrics.grow(name, 0.01, ago_s=600, integration="slack")


@fault(TEST, verdict=_HOLD)
def test_alert_lost(platform: Platform) -> None:
    """Alertmanager takes every alert, and no notification arrives."""
    platform.watching.alerting.loses = True


@fault(TEST, verdict=_HOLD)
def test_alert_goes_elsewhere(platform: Platform) -> None:
    """Alerts of the test take the route of all others: the one of their own is gone."""
    routes = platform.watching.alerting.routes
    routes[:] = [route for route in routes if route["receiver"] != TEST_RECEIVER]


@fault(TEST, verdict=_HOLD)
def alert_sink_down(platform: Platform) -> None:
    """Where notifications of test alerts can be seen, nothing answers."""
    platform.servers["alertsink"].refuses = True


@fault(GRAFANA, *_DASHBOARDS, DEPLOY, verdict=_HOLD)
def grafana_down(platform: Platform) -> None:
    """Nothing listens where Grafana should be."""
    platform.servers["grafana"].refuses = True


@fault(GRAFANA, *_DASHBOARDS, DEPLOY, verdict=_HOLD)
def grafana_refuses_us(platform: Platform) -> None:
    """Grafana does not know our token."""
    platform.credentials.grafana_token = "of another Grafana"  # noqa: S105 - it opens nothing


@fault(GRAFANA, DEPLOY, verdict=_HOLD)
def grafana_database_failing(platform: Platform) -> None:
    """Grafana serves its pages and does not reach its own database."""
    platform.watching.boards.database = "failing"


@fault(GRAFANA, *_DASHBOARDS, DEPLOY, verdict=_HOLD)
def data_source_broken(platform: Platform) -> None:
    """Grafana does not reach Prometheus, so every panel is empty."""
    platform.watching.boards.source = "ERROR"


@fault(GRAFANA, OPERATIONS, verdict=_HOLD)
def dashboard_missing(platform: Platform) -> None:
    """The main dashboard has been deleted."""
    found = platform.watching.boards.dashboards
    found[:] = [board for board in found if board["uid"] != boards.OPERATIONS]


@fault(GRAFANA, OPERATIONS, verdict=_HOLD)
def panel_missing(platform: Platform) -> None:
    """The main dashboard shows no error rates any more."""
    panels = platform.watching.boards.of(boards.OPERATIONS)["panels"]
    panels[:] = [panel for panel in panels if panel["title"] != "Error Rates"]


@fault(GRAFANA, BOTS, verdict=_HOLD)
def panel_empty(platform: Platform) -> None:
    """A panel of the bots asks for a metric that nobody exposes."""
    _ask(platform, boards.BOTS, "Bot Performance Overview", "jorge_bot_success_rate")


@fault(GRAFANA, BOTS, verdict=_HOLD)
def panel_half_empty(platform: Platform) -> None:
    """For a quarter of an hour nothing has told of the hot leads; of all others it goes on."""
    for one in platform.metrics.find("jorge_lead_temperature", temperature="hot"):
        one.until_s = time.time() - 900


@fault(GRAFANA, BOTS, verdict=_HOLD)
def panel_query_broken(platform: Platform) -> None:
    """The query of a panel of the bots cannot be read."""
    _ask(platform, boards.BOTS, "ML Performance", "histogram_quantile(0.95, sum by (le) (rate(")


@fault(GRAFANA, BI, verdict=_HOLD)
def panel_is_nothing_of_nothing(platform: Platform) -> None:
    """A panel of the business divides nothing by nothing."""
    _ask(platform, boards.PERFORMANCE, "Conversion Rate", "0 * sum(up) / (0 * sum(up))")


@fault(GRAFANA, BI, verdict=_HOLD)
def roi_dashboard_renamed(platform: Platform) -> None:
    """The dashboard of the business has another title."""
    platform.watching.boards.of(boards.ROI)["title"] = "BI (old)"


@fault(GRAFANA, SECURITY, verdict=_HOLD)
def security_scan_results_old(platform: Platform) -> None:
    """The results of the last security scan in the picture are 20 minutes old."""
    for one in platform.metrics.find("security_scan_findings"):
        one.until_s = time.time() - 20 * 60


@fault(GRAFANA, SECURITY, verdict=_HOLD)
def security_panel_of_another_source(platform: Platform) -> None:
    """A panel of the security dashboard asks a data source that is not there any more."""
    panel = platform.watching.boards.panel(boards.SECURITY, "Failed Login Attempts")
    panel["datasource"] = {"uid": "removed", "type": "prometheus"}


@fault(APPLICATION, verdict=_HOLD)
def requests_not_counted(platform: Platform) -> None:
    """A counter of requests exists and stands still."""
    platform.counted.clear()


@fault(APPLICATION, BUSINESS, "post_30min/intent-decoder", verdict=_HOLD)
def application_metric_gone(platform: Platform) -> None:
    """For an hour nothing has told how many predictions the intent decoder makes."""
    for one in platform.metrics.find("intent_decoder_predictions_total"):
        one.until_s = time.time() - 3000


@fault(BUSINESS, verdict=_HOLD)
def business_metric_gone(platform: Platform) -> None:
    """For ten minutes nothing has told of the revenue."""
    for one in platform.metrics.find("revenue_total_dollars"):
        one.until_s = time.time() - 600


@fault(
    BUSINESS,
    GRAFANA,
    OPERATIONS,
    BOTS,
    BI,
    "post_30min/lead-bot",
    "post_30min/intent-decoder",
    "post_24h/business-metrics",
    "rollback/jorge-bot-failure",
    verdict=_HOLD,
)
def bot_metrics_stand_still(platform: Platform) -> None:
    """For an hour each bot has told of the same number of things that it did."""
    for name in (
        "jorge_seller_bot_interactions_total",
        "lead_bot_day3_followup_total",
        "intent_decoder_predictions_total",
    ):
        platform.metrics.grow(name, 0.0, ago_s=3_600)


@fault(BUSINESS, GRAFANA, OPERATIONS, verdict=_HOLD)
def business_metric_nan(platform: Platform) -> None:
    """The number of active leads is not a number."""
    platform.metrics.hold("active_leads_total", float("nan"), ago_s=600)


def _ask(platform: Platform, uid: str, title: str, expression: str) -> None:
    panel = platform.watching.boards.panel(uid, title)
    panel["targets"] = [{"refId": "A", "expr": expression}]
