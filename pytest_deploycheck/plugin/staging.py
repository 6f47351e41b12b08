"""Staging, as seen from the environment that is deployed to: the gate's checks ask it, not that."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from pytest_deploycheck.config import Environment, Project, load_environment
from pytest_deploycheck.domain.errors import InstrumentError

if TYPE_CHECKING:  # each client is imported where it is used
    from pytest_deploycheck.clients.api import Api
    from pytest_deploycheck.clients.database import Database
    from pytest_deploycheck.clients.metrics import Metrics

ITSELF: Final = "itself"


class Staging:
    """The clients of the staging environment, by the names of the fixtures.

    Args:
        here: The environment of the run; its `staging` names another one, or is `itself`.
        project: Where that other one is.
        deployed_at_s: When the environment of the run was deployed to.
        variables: The environment variables.

    Raises:
        InstrumentError: The environment does not say what staging is: to ask production instead
            would prove nothing, and put a load on it.
        ConfigError: The environment of staging cannot be used.
    """

    def __init__(
        self,
        here: Environment,
        project: Project,
        *,
        deployed_at_s: float,
        variables: Mapping[str, str] = os.environ,
    ) -> None:
        if here.staging is None:
            raise InstrumentError(
                f'environment {here.name} says nothing about staging: set `staging = "NAME"`, or '
                f'`staging = "{ITSELF}"` where it is staging'
            )
        self._deployed_at_s = deployed_at_s if here.staging == ITSELF else None
        self.environment: Environment = (
            here if here.staging == ITSELF else load_environment(here.staging, project, variables)
        )
        self._open = contextlib.ExitStack()
        self._lock = threading.RLock()

    @functools.cached_property
    def api(self) -> Api:
        """Its HTTP API, a subject."""
        from pytest_deploycheck.clients.api import Api

        with self._lock:
            client = Api(self.environment.api, user_agent=self.environment.user_agent)
            return self._open.enter_context(contextlib.closing(client))

    @functools.cached_property
    def crm(self) -> Api:
        """Its CRM, a subject."""
        return self._integration("crm")

    @functools.cached_property
    def claude(self) -> Api:
        """Its AI service, a subject."""
        return self._integration("claude")

    @functools.cached_property
    def metrics(self) -> Metrics:
        """Its Prometheus, an instrument; the windows begin with its own deployment."""
        from pytest_deploycheck.clients.metrics import Metrics

        with self._lock:
            client = Metrics(
                self.environment.prometheus,
                deployed_at_s=self._rollout_s(),
                user_agent=self.environment.user_agent,
            )
            return self._open.enter_context(contextlib.closing(client))

    @functools.cached_property
    def database(self) -> Database:
        """Its PostgreSQL asked directly, an instrument."""
        from pytest_deploycheck.clients.database import Database

        with self._lock:
            return self._open.enter_context(contextlib.closing(Database(self.environment.database)))

    def close(self) -> None:
        """Close every client."""
        self._open.close()

    def _integration(self, name: str) -> Api:
        with self._lock:
            return self._open.enter_context(contextlib.closing(integration(self.environment, name)))

    def _rollout_s(self) -> float:
        """Return when staging was deployed; the run knows only when its own environment was."""
        if self._deployed_at_s is None:
            from pytest_deploycheck.clients.cluster import Cluster

            cluster = Cluster(self.environment.cluster, user_agent=self.environment.user_agent)
            with contextlib.closing(cluster):
                self._deployed_at_s = cluster.deployed_at_s()
        return self._deployed_at_s


def integration(environment: Environment, name: str) -> Api:
    """Return the client of a service that the platform needs.

    Raises:
        InstrumentError: The environment does not name it.
    """
    from pytest_deploycheck.clients.api import Api

    settings = environment.integrations.get(name)
    if settings is None:
        raise InstrumentError(f"the environment has no [integrations.{name}]")
    return Api(settings, user_agent=environment.user_agent, source=name)
