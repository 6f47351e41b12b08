"""The dashboards of a healthy Grafana, and the series that only they and the alert rules show."""

from __future__ import annotations

from typing import Final

from pytest_deploycheck.sandbox.metrics import Metrics
from pytest_deploycheck.sandbox.watching import JOBS, Boards, Json

SOURCE: Final = "prometheus"
OPERATIONS, BOTS, ROI, PERFORMANCE, SECURITY = (
    *("operations-center", "jorge-bots", "business-intelligence"),
    *("business-operations", "security-monitoring"),
)
_ERRORS: Final = (
    '(sum(rate(http_requests_total{status_code=~"5.."}[5m])) or 0 * sum(rate('
    "http_requests_total[5m]))) / sum(rate(http_requests_total[5m]))"
)
_BOT: Final = (
    "1 - sum(rate(jorge_seller_bot_failures_total[5m])) / "
    "sum(rate(jorge_seller_bot_interactions_total[5m]))"
)
#: uid → title, and the panels' titles with what they ask.
_BOARDS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    OPERATIONS: (
        "Jorge's Real Estate AI Platform - Operations Center",
        {
            "Overall Platform Health": 'sum(up{job=~"jorge-.*"})',
            "99.99% SLA Uptime": 'avg(up{job="jorge-revenue-api"})',
            "Active Leads": "sum(active_leads_total)",
            "Daily Revenue": "sum(increase(revenue_total_dollars[1h]))",
            "ML Prediction Accuracy": "min(ml_model_accuracy_percentage)",
            "Seller Bot Success Rate": _BOT,
            "Error Rates": _ERRORS,
        },
    ),
    BOTS: (
        "Jorge Bot Intelligence - Revenue Impact Dashboard",
        {
            "Bot Performance Overview": _BOT,
            "Lead Temperature Distribution": "sum by (temperature) (jorge_lead_temperature)",
            "ML Performance": (
                "histogram_quantile(0.95, sum by (le) "
                "(rate(ml_prediction_duration_seconds_bucket[$__rate_interval])))"
            ),
        },
    ),
    ROI: (
        "Jorge's BI Dashboard - Production Overview",
        {
            "Commission Pipeline": "sum(increase(commission_revenue_dollars_total[1h]))",
            "Hot Leads": "sum(increase(leads_qualified_total[1h]))",
            "Bot Success Rate": _BOT,
        },
    ),
    PERFORMANCE: (
        "Jorge's Revenue Platform - Business & Operations Dashboard",
        {
            "Average Revenue Per User": "max(average_revenue_per_user)",
            "Conversion Rate": (
                "sum(rate(leads_converted_total[1h])) / sum(rate(leads_created_total[1h]))"
            ),
            "Pricing Calculations": "sum(rate(pricing_calculations_total[5m]))",
        },
    ),
    SECURITY: (
        "Jorge BI Security Monitoring",
        {
            "Failed Login Attempts": (
                'sum(increase(security_events_total{event_type="login_failed"}[5m]))'
            ),
            "Security Scan Results": "max(security_scan_findings)",
        },
    ),
}
_COUNTERS: Final = {
    "pricing_calculations_total": 0.6,
    "pricing_calculation_errors_total": 0.003,
    "roi_calculation_failures_total": 0.0,
    "leads_created_total": 0.2,
    "leads_qualified_total": 0.06,
    "leads_converted_total": 0.02,
    "revenue_total_dollars": 3.1,
    "commission_revenue_dollars_total": 0.9,
    "redis_connection_errors_total": 0.0,
    "rate_limit_exceeded_total": 0.02,
}
_GAUGES: Final = {
    "average_revenue_per_user": 412.0,
    "active_leads_total": 184.0,
    "database_connections_active": 38.0,
    "database_connections_max": 100.0,
    "redis_memory_used_bytes": 3.1e8,
    "redis_memory_max_bytes": 2.1e9,
    "kubelet_volume_stats_available_bytes": 6.1e10,
    "kubelet_volume_stats_capacity_bytes": 1.0e11,
    "ghl_api_rate_limit_remaining": 187_412.0,
    "conversation_analysis_queue_length": 3.0,
    "property_alert_processing_delay_seconds": 12.0,
    "security_scan_findings": 0.0,
}
INTEGRATIONS: Final = ("slack", "pagerduty", "email", "webhook")


def healthy() -> Boards:
    """Return the dashboards that the checklist names."""
    boards: list[Json] = [
        {
            "uid": uid,
            "title": title,
            "panels": [
                {
                    "title": panel,
                    "type": "timeseries",
                    "targets": [{"refId": "A", "expr": expression}],
                }
                for panel, expression in panels.items()
            ],
        }
        for uid, (title, panels) in _BOARDS.items()
    ]
    return Boards(dashboards=boards)


def expose(metrics: Metrics) -> None:
    """Add the series."""
    for job, count in JOBS.items():
        if job != "jorge-revenue-api":
            for index in range(count):
                metrics.gauge("up", 1.0, job=job, instance=f"{job}-{index}:8000")
    for name, per_s in _COUNTERS.items():
        metrics.counter(name, per_s)
    for name, value in _GAUGES.items():
        metrics.gauge(name, value, noise_ratio=0.02 if value not in (0.0, 100.0) else 0.0)
    for temperature, leads in (("hot", 12.0), ("warm", 51.0), ("cold", 121.0)):
        metrics.gauge("jorge_lead_temperature", leads, temperature=temperature)
    metrics.counter("kube_pod_container_status_restarts_total", 0.0, container="api")
    for kind in INTEGRATIONS:
        metrics.counter("alertmanager_notifications_total", 0.004, integration=kind)
        metrics.counter("alertmanager_notifications_failed_total", 0.0, integration=kind)
