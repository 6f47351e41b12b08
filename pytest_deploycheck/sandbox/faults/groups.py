"""Items that share a cause: who asks the API, Prometheus, the database, of the later phases."""

from __future__ import annotations

from typing import Final

#: They read the detailed health report.
HEALTH_READERS: Final = ("staging/health-endpoints",)
#: It asks for the report on the bots, to see the request counted.
COUNTED: Final = "monitoring/application-metrics"
#: They log in, so that a login or a token that does not work leaves them without an answer.
USERS: Final = (
    "staging/authentication",
    "staging/client-demo-environment",
    "staging/response-time",
    "staging/ml-inference",
    "post_15min/api-response-time",
    "post_15min/ml-inference",
    "post_30min/lead-bot",
    "post_30min/ml-analytics",
    "post_30min/demo-environment",
    "post_30min/roi-calculations",
    "post_30min/performance-metrics",
    "post_30min/claude-api",
)
#: They ask the API for anything at all.
API_CALLERS: Final = (
    *USERS,
    "staging/health-endpoints",
    "staging/jorge-bot-functionality",
    "post_15min/jorge-bot-response",
    "post_30min/jorge-seller-bot",
    "post_30min/intent-decoder",
    COUNTED,
)
#: They send many requests to a protected endpoint, and to the report on the bots.
LOADS: Final = ("staging/response-time", "post_15min/api-response-time")
#: They ask the database itself.
DATABASE_CLIENTS: Final = ("staging/database-performance", "post_15min/database-connections")
#: They ask Prometheus.
MEASURED: Final = (
    "staging/external-integrations",
    "staging/database-performance",
    "staging/memory-usage",
    "staging/resource-consumption",
    "post_15min/api-response-time",
    "post_15min/jorge-bot-response",
    "post_15min/ml-inference",
    "post_15min/memory-usage",
    "post_15min/cpu-usage",
    "post_15min/database-connections",
    "post_15min/cache-hit-rate",
    "post_30min/lead-bot",
    "post_30min/intent-decoder",
    "post_30min/ml-analytics",
    "post_30min/gohighlevel",
    "post_30min/claude-api",
)

#: Who asks Prometheus about the half hour and the day.
WATCHED: Final = (
    *("rollback/memory-leaks", "rollback/gradual-performance", "rollback/error-rate"),
    *("rollback/external-api-issues", "post_24h/error-rate-trending"),
    *("post_24h/performance-stability", "post_24h/memory-cpu-usage", "post_24h/sla-compliance"),
    "post_24h/business-metrics",
)
#: Who asks it over so long that some minutes more or less do not show.
LONG: Final = ("pre_deploy/sla-targets",)
#: Who asks whether something is collected now.
COLLECTED: Final = ("monitoring/application-metrics", "monitoring/business-metrics")
#: Who looks at panels.
PANELS: Final = (
    *("monitoring/grafana-dashboards", "monitoring/operations-center"),
    *("monitoring/jorge-bot-dashboard", "monitoring/business-intelligence"),
    "monitoring/security-dashboard",
)
#: Who asks Prometheus about itself.
ABOUT_PROMETHEUS: Final = (
    *("deploy/monitoring-systems", "monitoring/prometheus", "monitoring/alert-rules"),
    *("monitoring/alertmanager", "monitoring/notification-channels"),
)
#: Who asks the cluster before the deployment, and a day after it.
CLUSTER_BEFORE: Final = (
    *("pre_deploy/access-controls", "pre_deploy/capacity-planning", "pre_deploy/rollback-plan"),
    "pre_deploy/secrets-management",
)
CLUSTER_AFTER: Final = ("post_24h/memory-cpu-usage", "post_24h/performance-baseline")
