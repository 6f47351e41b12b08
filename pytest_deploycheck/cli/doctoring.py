"""`deploycheck doctor`: whether every check of an environment can fail, and be answered at all."""

from __future__ import annotations

import argparse
import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterator

from pytest_deploycheck.cli.command import Command, say_line
from pytest_deploycheck.cli.deployments import add_environment
from pytest_deploycheck.cli.instruments import Place, place_of
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.clients.monitoring_selectors import selectors_of
from pytest_deploycheck.config import planned_limits, planned_queries, weaker
from pytest_deploycheck.config.environment import Alertmanager, Grafana
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError
from pytest_deploycheck.domain.lint import problems_of
from pytest_deploycheck.plugin.inventory import inventory

_PROBLEMS = 1
_SEEN_S = 30 * 86_400.0
"""How long ago the series of a query may have been seen."""


def _doctor(given: argparse.Namespace) -> int:
    problems: list[str] = []
    with place_of(given) as place:
        for name, ask in _instruments(place):
            try:
                found = ask()
            except DeploycheckError as error:
                problems.append(f"{name}: {error}")
            else:
                say_line(f"{name}: {found}")
        if place.environment.no_way_back:
            say_line(f"rollback: {place.environment.no_way_back}")
        draft = place.project.draft(given.env)
        for line in weaker(draft, place.project.policy, os.environ):
            say_line(f"weaker: {line}")
        existing = _existing(place, problems)
        problems += problems_of(
            place.policy,
            named={check.trigger for check in inventory(place.project) if check.trigger},
            queries=planned_queries(place.environment, existing=existing),
            limits=planned_limits(place.policy),
        )
    for problem in problems:
        say_line(f"problem: {problem}")
    count = len(problems)
    print(f"found {count} problem{'' if count == 1 else 's'} in {place.environment.name}")
    return _PROBLEMS if problems else 0


def _existing(place: Place, problems: list[str]) -> dict[str, bool]:
    """Return of each query whether each metric in it has ever been seen; note what cannot tell."""
    found: dict[str, bool] = {}
    if not place.environment.queries:
        return found
    since_s = time.time() - _SEEN_S
    with contextlib.closing(_metrics(place)) as metrics:
        seen: dict[str, bool] = {}
        for name, query in place.environment.queries.items():
            try:
                for metric in {one.name for one in selectors_of(query.query) if one.name}:
                    if metric not in seen:
                        seen[metric] = metrics.ever_existed(metric, since_s=since_s)
                    if not seen[metric]:
                        problems.append(f"queries.{name}: {metric} never existed in Prometheus")
                    found[name] = found.get(name, True) and seen[metric]
            except InstrumentError as error:
                problems.append(f"queries.{name}: {error}")
    return found


def _instruments(place: Place) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield everything that checks ask, and how to see that it answers."""
    here, agent = place.environment, place.environment.user_agent

    def cluster() -> str:
        from pytest_deploycheck.clients.cluster import Cluster

        with contextlib.closing(Cluster(here.cluster, user_agent=agent)) as client:
            return f"runs release {client.release()}"

    def prometheus() -> str:
        with contextlib.closing(_metrics(place)) as client:
            ready = client.monitoring.ready()
            return "is ready" if ready else "is ready, and did not take its newest configuration"

    def database() -> str:
        from pytest_deploycheck.clients.database import Database

        with contextlib.closing(Database(here.database)) as client:
            return f"answers, alive is {client.value('alive'):g}"

    def cache() -> str:
        from pytest_deploycheck.clients.cache import Cache

        with contextlib.closing(Cache(here.cache)) as client:
            return "answers" if client.ping() else "does not answer PING"

    def api() -> str:
        from pytest_deploycheck.clients.api import Api

        with contextlib.closing(Api(here.api, user_agent=agent)) as client:
            client.call("health_detailed")
            return "answers"

    def frontend() -> str:
        from pytest_deploycheck.clients.frontend import Frontend

        with contextlib.closing(Frontend(here.frontend, user_agent=agent)) as client:
            client.call("root")
            return "answers"

    def alertmanager(settings: Alertmanager) -> str:
        from pytest_deploycheck.clients.alerts import Alerts

        with contextlib.closing(Alerts(settings, user_agent=agent)) as client:
            return f"is {client.ready()}"

    def grafana(settings: Grafana) -> str:
        from pytest_deploycheck.clients.dashboards import Dashboards

        with contextlib.closing(Dashboards(settings, user_agent=agent)) as client:
            return f"is {client.health()}"

    yield "api", api
    optional = (
        (here.cluster_or_none, "cluster", cluster),
        (here.prometheus_or_none, "prometheus", prometheus),
        (here.database_or_none, "database", database),
        (here.cache_or_none, "cache", cache),
        (here.frontend_or_none, "frontend", frontend),
    )
    yield from ((name, ask) for table, name, ask in optional if table is not None)
    if here.alertmanager is not None:
        yield "alertmanager", functools.partial(alertmanager, here.alertmanager)
    if here.grafana is not None:
        yield "grafana", functools.partial(grafana, here.grafana)


def _metrics(place: Place) -> Metrics:
    return Metrics(
        place.environment.prometheus,
        user_agent=place.environment.user_agent,
        deployed_at_s=0.0,
    )


COMMANDS = (
    Command(
        name="doctor",
        help="find what can never fail or never be answered: policy, queries, instruments",
        define=add_environment,
        run=_doctor,
    ),
)
