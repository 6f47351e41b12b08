"""The environment file: where things are, what they are called, what to ask. Never a secret."""

from __future__ import annotations

from pytest_deploycheck.config.environment.cluster import (
    Cluster,
    Ingress,
    Permission,
    Workload,
)
from pytest_deploycheck.config.environment.http import (
    Api,
    Conversation,
    Endpoint,
    Frontend,
    Http,
    Lead,
    Load,
    Mail,
    Reading,
    Turn,
)
from pytest_deploycheck.config.environment.monitoring import (
    Alertmanager,
    AlertSink,
    Dashboard,
    Grafana,
    Monitoring,
    Prometheus,
    Query,
    Route,
    TestAlert,
)
from pytest_deploycheck.config.environment.overrides import (
    Phases,
    PhaseTimes,
    TriggerOverride,
)
from pytest_deploycheck.config.environment.people import (
    Attestations,
    Channel,
    Notifications,
    Rollback,
    Word,
)
from pytest_deploycheck.config.environment.release import (
    Artifact,
    Artifacts,
    Backups,
    Change,
    Registry,
    Repository,
)
from pytest_deploycheck.config.environment.stores import (
    Cache,
    Database,
)
from pytest_deploycheck.config.environment.tables import (
    CREDENTIALS,
    OWNED,
    PATTERNS,
    URL,
    Bound,
    HoldSeconds,
    Instant,
    Seconds,
    Table,
    Url,
    seconds_of,
)
from pytest_deploycheck.config.environment.whole import (
    Environment,
)

__all__ = [
    "CREDENTIALS",
    "OWNED",
    "PATTERNS",
    "URL",
    "AlertSink",
    "Alertmanager",
    "Api",
    "Artifact",
    "Artifacts",
    "Attestations",
    "Backups",
    "Bound",
    "Cache",
    "Change",
    "Channel",
    "Cluster",
    "Conversation",
    "Dashboard",
    "Database",
    "Endpoint",
    "Environment",
    "Frontend",
    "Grafana",
    "HoldSeconds",
    "Http",
    "Ingress",
    "Instant",
    "Lead",
    "Load",
    "Mail",
    "Monitoring",
    "Notifications",
    "Permission",
    "PhaseTimes",
    "Phases",
    "Prometheus",
    "Query",
    "Reading",
    "Registry",
    "Repository",
    "Rollback",
    "Route",
    "Seconds",
    "Table",
    "TestAlert",
    "TriggerOverride",
    "Turn",
    "Url",
    "Word",
    "Workload",
    "seconds_of",
]
