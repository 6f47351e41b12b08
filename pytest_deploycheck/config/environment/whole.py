"""One environment, everything merged and checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import Field

from pytest_deploycheck.config.environment.cluster import Cluster
from pytest_deploycheck.config.environment.http import Api, Frontend, Mail
from pytest_deploycheck.config.environment.monitoring import (
    Alertmanager,
    Grafana,
    Monitoring,
    Prometheus,
    Query,
)
from pytest_deploycheck.config.environment.overrides import PhaseTimes, TriggerOverride
from pytest_deploycheck.config.environment.people import Attestations, Notifications, Rollback
from pytest_deploycheck.config.environment.release import Artifacts, Backups, Change, Repository
from pytest_deploycheck.config.environment.stores import Cache, Database
from pytest_deploycheck.config.environment.tables import Bound, Instant, Seconds, Table
from pytest_deploycheck.domain.errors import InstrumentError

_T = TypeVar("_T")


class Environment(Table):
    """One environment, everything merged and checked.

    A table that is None: the checks that ask it are INCONCLUSIVE.
    """

    name: str
    sandbox: bool = Field(default=False, strict=True)
    """The plugin starts the embedded platform before it reads the rest."""
    demonstration_file: str | None = None
    """In a sandbox: events that stand for what people would have done, one JSON object a line.
    Empty or None: people speak for themselves."""
    release: str | None = None
    """What is deployed, where no option says so and the cluster cannot be asked."""
    deployed_at_s: Instant | None = Field(default=None, alias="deployed_at")
    """Since when, in the same way."""
    user_agent: str
    api: Api
    frontend_or_none: Frontend | None = Field(default=None, alias="frontend")
    cluster_or_none: Cluster | None = Field(default=None, alias="cluster")
    prometheus_or_none: Prometheus | None = Field(default=None, alias="prometheus")
    database_or_none: Database | None = Field(default=None, alias="database")
    cache_or_none: Cache | None = Field(default=None, alias="cache")
    staging: str | None = None
    """Name of the environment that the staging phase asks; `itself`: this one is staging."""
    monitoring: Monitoring | None = None
    alertmanager: Alertmanager | None = None
    grafana: Grafana | None = None
    integrations: dict[str, Api] = {}
    """Services that the platform needs (`crm`, `claude`), asked directly."""
    mail: Mail | None = None
    baseline: tuple[str, ...] = ()
    """Names of the values that the baseline before a deployment must have."""
    baseline_release: str | None = None
    """The release to compare with, whatever was recorded since; None: the newest baseline."""
    artifacts: Artifacts | None = None
    repository: Repository | None = None
    backups: Backups | None = None
    change: Change | None = None
    attestations: Attestations = Attestations()
    notifications: Notifications = Notifications()
    rollback: Rollback | None = None
    """None: no command can be named that brings the previous release back."""
    phases: dict[str, PhaseTimes] = {}
    """Only where the environment is a sandbox."""
    triggers: dict[str, TriggerOverride] = {}
    limits: dict[str, Bound] = {}
    """Stricter (never looser) than the policy's."""
    interval_s: Seconds | None = Field(default=None, alias="interval")
    """How often a failing check is sampled again; None: as the policy says."""
    settle_s: Seconds | None = Field(default=None, alias="settle")
    """How long it must have been good to count as recovered; None: as the policy says."""
    allow_writes: tuple[str, ...] = ()
    """Ids of items whose checks may write here."""

    @property
    def frontend(self) -> Frontend:
        """The user interface.

        Raises:
            InstrumentError: It is not in the environment, as of each of these.
        """
        return _present(self.frontend_or_none, "frontend")

    @property
    def cluster(self) -> Cluster:
        """The Kubernetes API."""
        return _present(self.cluster_or_none, "cluster")

    @property
    def prometheus(self) -> Prometheus:
        """Prometheus."""
        return _present(self.prometheus_or_none, "prometheus")

    @property
    def database(self) -> Database:
        """PostgreSQL."""
        return _present(self.database_or_none, "database")

    @property
    def cache(self) -> Cache:
        """Redis."""
        return _present(self.cache_or_none, "cache")

    @property
    def no_way_back(self) -> str:
        """What a rollback lacks here, for whoever has to do it by hand; empty: nothing."""
        if self.rollback is not None:
            return ""
        where = f"[rollback] in {self.name}.toml, and helm_release in its [cluster]"
        return f"no way back is configured: {where}"

    @property
    def queries(self) -> Mapping[str, Query]:
        """What Prometheus is asked, by name; nothing where there is none."""
        return self.prometheus_or_none.queries if self.prometheus_or_none is not None else {}


def _present(table: _T | None, name: str) -> _T:
    if table is None:
        raise InstrumentError(f"[{name}] is not in the environment")
    return table
