"""The platform's alert rules, as they are meant: every one looks at series that exist."""

from __future__ import annotations

from typing import Final

from pytest_deploycheck.sandbox.watching import Rule

_API: Final = 'pod=~"jorge-revenue-api.*",container="api"'
_ALL: Final = "sum(rate(http_requests_total[5m]))"


def _share(part: str, whole: str, range_: str = "5m") -> str:
    return f"sum(rate({part}[{range_}])) / sum(rate({whole}[{range_}]))"


def _p95(histogram: str, quantile: float = 0.95) -> str:
    return f"histogram_quantile({quantile}, sum by (le) (rate({histogram}_bucket[5m])))"


#: Group and interval in seconds → name, expression, hold in seconds, severity.
_GROUPS: Final[dict[tuple[str, float], tuple[tuple[str, str, float, str], ...]]] = {
    ("application_health", 30): (
        (
            "HighErrorRate",
            _share('http_requests_total{status_code=~"5.."}', "http_requests_total") + " > 0.01",
            300,
            "critical",
        ),
        ("HighResponseTime", _p95("http_request_duration_seconds") + " > 1", 300, "warning"),
        ("ServiceDown", 'up{job="jorge-revenue-api"} == 0', 60, "critical"),
        (
            "HighMemoryUsage",
            (
                f"container_memory_working_set_bytes{{{_API}}} / "
                f"container_spec_memory_limit_bytes{{{_API}}} > 0.85"
            ),
            300,
            "warning",
        ),
        (
            "HighCPUUsage",
            (
                f"rate(container_cpu_usage_seconds_total{{{_API}}}[5m]) / "
                f"(container_spec_cpu_quota{{{_API}}} / container_spec_cpu_period{{{_API}}}) > 0.8"
            ),
            300,
            "warning",
        ),
    ),
    ("business_metrics", 60): (
        ("LowPricingCalculationRate", "rate(pricing_calculations_total[5m]) < 0.1", 600, "warning"),
        (
            "HighPricingErrorRate",
            _share("pricing_calculation_errors_total", "pricing_calculations_total") + " > 0.05",
            300,
            "critical",
        ),
        (
            "ROICalculationFailures",
            "increase(roi_calculation_failures_total[5m]) > 5",
            300,
            "warning",
        ),
        (
            "LowConversionRate",
            _share("leads_converted_total", "leads_created_total", "1h") + " < 0.05",
            3600,
            "info",
        ),
        (
            "AbnormalARPU",
            (
                "abs(avg_over_time(average_revenue_per_user[1h]) / "
                "avg_over_time(average_revenue_per_user[24h]) - 1) > 0.3"
            ),
            1800,
            "warning",
        ),
    ),
    ("infrastructure", 30): (
        (
            "DatabaseConnectionPoolExhausted",
            "database_connections_active / database_connections_max > 0.9",
            300,
            "critical",
        ),
        (
            "RedisHighMemoryUsage",
            "redis_memory_used_bytes / redis_memory_max_bytes > 0.85",
            300,
            "warning",
        ),
        (
            "RedisConnectionFailures",
            "increase(redis_connection_errors_total[5m]) > 5",
            300,
            "critical",
        ),
        (
            "PodCrashLooping",
            "rate(kube_pod_container_status_restarts_total[15m]) > 0",
            300,
            "critical",
        ),
        (
            "PersistentVolumeSpaceLow",
            "kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes < 0.15",
            300,
            "warning",
        ),
    ),
    ("rate_limiting", 30): (
        ("HighRateLimitHits", "rate(rate_limit_exceeded_total[5m]) > 10", 300, "warning"),
        ("GHLAPIRateLimitNearLimit", "ghl_api_rate_limit_remaining < 100", 60, "warning"),
    ),
    ("security", 60): (
        (
            "UnauthorizedAccessAttempts",
            'sum(increase(http_requests_total{status_code="401"}[5m])) > 50',
            300,
            "warning",
        ),
        (
            "SuspiciousActivityPattern",
            'sum(increase(http_requests_total{status_code="403"}[5m])) > 20',
            300,
            "warning",
        ),
    ),
    ("jorge_bot_ecosystem", 30): (
        (
            "JorgeSellerBotFailureRate",
            _share("jorge_seller_bot_failures_total", "jorge_seller_bot_interactions_total")
            + " > 0.05",
            300,
            "critical",
        ),
        (
            "JorgeSellerBotResponseTimeSlow",
            _p95("jorge_seller_bot_response_time_seconds") + " > 3",
            300,
            "warning",
        ),
        (
            "LeadBotLifecycleStalled",
            "increase(lead_bot_stalled_conversations_total[15m]) > 5",
            900,
            "warning",
        ),
        (
            "IntentDecoderAccuracyDrop",
            "intent_decoder_accuracy_percentage < 90",
            600,
            "critical",
        ),
    ),
    ("ml_pipeline_performance", 30): (
        (
            "MLPredictionLatencyHigh",
            _p95("ml_prediction_duration_seconds") + " > 0.1",
            300,
            "warning",
        ),
        ("MLModelAccuracyDegraded", "ml_model_accuracy_percentage < 92", 600, "critical"),
        ("MLFeatureDriftDetected", "ml_feature_drift_score > 0.3", 900, "warning"),
    ),
    ("conversation_intelligence", 60): (
        ("ConversationAnalysisBacklog", "conversation_analysis_queue_length > 100", 300, "warning"),
        (
            "ConversationIntelligenceServiceDown",
            'up{job="claude-conversation-intelligence"} == 0',
            120,
            "critical",
        ),
    ),
    ("external_api_dependencies", 60): (
        (
            "ClaudeAPIHighLatency",
            _p95("claude_api_request_duration_seconds") + " > 5",
            300,
            "warning",
        ),
        ("GHLAPIRateLimitApproaching", "ghl_api_rate_limit_remaining < 200", 300, "warning"),
        (
            "ExternalAPIErrorRateHigh",
            (
                "sum by (api) (rate(external_api_errors_total[5m])) / "
                "sum by (api) (rate(external_api_requests_total[5m])) > 0.1"
            ),
            300,
            "critical",
        ),
    ),
    ("property_alerts", 60): (
        (
            "PropertyAlertProcessingDelay",
            "property_alert_processing_delay_seconds > 300",
            600,
            "warning",
        ),
        ("PropertyAlertEngineDown", 'up{job="property-alert-engine"} == 0', 120, "critical"),
    ),
    ("sla_compliance", 60): (
        (
            "SLAViolation99_9Uptime",
            f'sum(rate(http_requests_total{{status_code!~"5.."}}[5m])) / {_ALL} < 0.999',
            900,
            "critical",
        ),
        (
            "SLAViolationResponseTime",
            _p95("http_request_duration_seconds", 0.99) + " > 2",
            900,
            "warning",
        ),
        (
            "JorgeBotEcosystemSLABreach",
            "1 - "
            + _share("jorge_seller_bot_failures_total", "jorge_seller_bot_interactions_total")
            + " < 0.985",
            600,
            "critical",
        ),
    ),
}


def healthy() -> list[Rule]:
    """Return every rule, evaluated in time and not firing."""
    return [
        Rule(
            group=group,
            interval_s=float(interval_s),
            name=name,
            expression=expression,
            hold_s=float(hold_s),
            severity=severity,
        )
        for (group, interval_s), rules in _GROUPS.items()
        for name, expression, hold_s, severity in rules
    ]
