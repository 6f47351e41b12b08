"""What an environment names, and how to see that it is there: in a fixed order, without a verdict.

A probe returns what it has found. That a subject is unwell is a finding like any other: only what
is silent, refuses us, or has nothing of the name that the environment says is a problem.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import string
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

from pytest_deploycheck.cli.instruments import Place
from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.endpoints import Endpoints
from pytest_deploycheck.clients.http import READS
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.clients.monitoring_selectors import Selector, selectors_of
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import (
    ConfigError,
    DeploycheckError,
    InstrumentError,
    SubjectError,
)

_SEEN_S: Final = 30 * 86_400.0
"""How long ago a series that a query asks for may have been seen."""
#: Labels that say where a series comes from; the others may have texts that only trouble brings.
_PLACES: Final = ("job", "instance", "namespace", "pod", "container", "service", "node")
#: Nothing is served there; it answers that it is elsewhere, or that it takes no such question.
_NOT_THERE: Final = (301, 302, 303, 307, 308, 404, 405, 410)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Probe:
    """One thing that checks or commands need."""

    name: str
    """As the fixtures and commands call it."""
    table: str
    """Of the environment file, dotted; empty: it is in none."""
    ask: Callable[[], str] | None
    """Returns what was found. None: the environment does not name it.

    Raises ConfigError with what the environment must say otherwise, or as clients do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seen:
    """What became of a probe."""

    found: str = ""
    problems: tuple[str, ...] = ()


def asked(probe: Probe) -> Seen:
    """Ask once; whatever a subject answers, it is there."""
    if probe.ask is None:
        return Seen(found=f"the environment has no [{probe.table}]: whoever asks it gets no answer")
    with evidence.recording() as heard:
        try:
            return Seen(found=probe.ask())
        except ConfigError as error:
            return Seen(problems=error.problems)
        except SubjectError as error:
            if heard.answered:
                return Seen(found=f"answers; how well is not for the doctor: {error}")
            return Seen(problems=(f"{error}; expected an answer, unless the platform is down",))
        except DeploycheckError as error:
            return Seen(problems=(str(error),))


def probes(place: Place, *, reports: Path) -> Iterator[Probe]:
    """Yield everything that the environment can name, always in the same order.

    Args:
        place: The environment.
        reports: Where the record and its archive are kept.
    """
    here, agent = place.environment, place.environment.user_agent

    def probe(name: str, table: str, settings: object, ask: Callable[..., str]) -> Probe:
        bound = functools.partial(ask, settings, here) if settings else None
        return Probe(name=name, table=table, ask=bound)

    yield probe("api", "api", here.api, _api)
    yield probe("frontend", "frontend", here.frontend_or_none, _frontend)
    yield probe("cluster", "cluster", here.cluster_or_none, _cluster)
    yield probe("metrics", "prometheus", here.prometheus_or_none, _ready)
    yield probe("alerts", "alertmanager", here.alertmanager, _alerts)
    yield probe("dashboards", "grafana", here.grafana, _dashboards)
    yield probe("database", "database", here.database_or_none, _database)
    yield probe("cache", "cache", here.cache_or_none, _cache)
    for name, settings in sorted(here.integrations.items()):
        yield Probe(
            name=name,
            table=f"integrations.{name}",
            ask=functools.partial(_integration, settings, agent, name),
        )
    yield probe("mail", "mail", here.mail, _mail)
    yield probe("repository", "repository", here.repository, _repository)
    yield probe("artifacts", "artifacts", here.artifacts, _artifacts)
    yield probe("backups", "backups", here.backups, _backups)
    yield probe("calendar", "change", here.change, _calendar)
    yield probe(
        "notifications", "notifications.channels", here.notifications.channels, _notifications
    )
    yield Probe(name="rollback", table="rollback", ask=functools.partial(_rollback, here))
    yield Probe(name="archive", table="", ask=functools.partial(_archive, reports))


def metrics_of(here: environment.Environment) -> Metrics:
    """Return a client of Prometheus that knows of no deployment."""
    return Metrics(here.prometheus, user_agent=here.user_agent, deployed_at_s=0.0)


def unseen(here: environment.Environment) -> list[str]:
    """Return a line for each expression of the environment that asks Prometheus for nothing.

    Of a selector its name, the labels that it demands, and the texts of those that say where a
    series comes from must be those of some series of the last 30 days; and a query has one answer.
    """
    if here.prometheus_or_none is None:
        return []
    problems: list[str] = []
    with contextlib.closing(metrics_of(here)) as metrics:
        missing = functools.cache(functools.partial(_missing, metrics, time.time() - _SEEN_S))
        for place, expression in _expressions(here):
            try:
                lines = [line for one in selectors_of(expression) if (line := missing(one))]
                if not lines and (count := metrics.series_count(expression)) > 1:
                    lines = [f"found {count} series, expected 1: sum them, or name one"]
            except InstrumentError as error:
                problems.append(f"{place}: {error}")
                continue
            problems += [f"{place}: {line}" for line in dict.fromkeys(lines)]
    return problems


def _expressions(here: environment.Environment) -> Iterator[tuple[str, str]]:
    """Yield all PromQL of the environment with where it stands, each with one series at most."""
    for name, query in here.queries.items():
        yield f"queries.{name}", query.query
        if query.traffic is not None:
            yield f"queries.{name}.traffic", query.traffic
    if here.monitoring is not None:
        yield "monitoring.counted", here.monitoring.counted
        for job in here.monitoring.jobs:
            yield "monitoring.jobs", f'max(up{{job="{job}"}})'
        for key in ("application_series", "business_series"):
            for series in getattr(here.monitoring, key):
                yield f"monitoring.{key}", f"count({series})"


def _missing(metrics: Metrics, since_s: float, selector: Selector) -> str:
    """Say what of *selector* no series has had since then; empty: nothing."""
    if selector.name and not metrics.ever_existed(selector.name, since_s=since_s):
        return f"{selector.name} never existed in Prometheus; expected a metric of the last 30 days"
    exact = {label: text for label, text in selector.exact.items() if label in _PLACES}
    demanded = [(label, "=", text) for label, text in exact.items()]
    demanded += [(label, "!=", "") for label in selector.present if label not in exact]
    wanted = str(Selector(name=selector.name, labels=tuple(demanded)))
    if demanded and not metrics.ever_existed(wanted, since_s=since_s):
        return f"{wanted} never existed in Prometheus; expected labels that its series have"
    return ""


def _api(settings: environment.Api, here: environment.Environment) -> str:
    return _integration(settings, here.user_agent, "api")


def _integration(settings: environment.Api, agent: str, name: str) -> str:
    from pytest_deploycheck.clients.api import Api  # each client is imported where it is used

    with contextlib.closing(Api(settings, user_agent=agent, source=name)) as client:
        return _answers(client, settings.endpoints, settings.values)


def _frontend(settings: environment.Frontend, here: environment.Environment) -> str:
    from pytest_deploycheck.clients.frontend import Frontend

    with contextlib.closing(Frontend(settings, user_agent=here.user_agent)) as client:
        return _answers(client, settings.endpoints, ())


def _answers(
    client: Endpoints, endpoints: dict[str, environment.Endpoint], values: Collection[str]
) -> str:
    """Ask each endpoint that only reads, and whose path needs nothing of a check."""
    asked_for, wrong, silences = 0, list[str](), list[SubjectError]()
    for name, endpoint in endpoints.items():
        fields = {field for _, field, _, _ in string.Formatter().parse(endpoint.path) if field}
        if endpoint.method not in READS or not fields <= set(values):
            continue
        if endpoint.auth in ("wrong_password", "expired"):
            continue
        asked_for += 1
        try:
            answer = client.ask(name)
        except SubjectError as error:
            silences.append(error)
            continue
        except InstrumentError as error:
            wrong.append(str(error))
            continue
        asked = f"{answer.method} {answer.url}: found"
        expected = " or ".join(map(str, endpoint.expect_status))
        if answer.status in _NOT_THERE and answer.status not in endpoint.expect_status:
            wrong.append(f"{asked} {answer.status}, expected {expected}: endpoints.{name}.path")
        elif answer.status in endpoint.expect_status and answer.media_type != endpoint.expect_type:
            kind = answer.media_type or "no media type"
            wrong.append(f"{asked} {kind}, expected {endpoint.expect_type}: endpoints.{name}")
    if wrong:
        raise ConfigError(list(dict.fromkeys(wrong)))
    if silences:
        raise silences[0]
    if not asked_for:
        return "not asked: no endpoint only reads, and needs nothing of a check"
    return f"answers at {asked_for} endpoint{'' if asked_for == 1 else 's'}"


def _cluster(settings: environment.Cluster, here: environment.Environment) -> str:
    from pytest_deploycheck.clients.cluster import Cluster

    with contextlib.closing(Cluster(settings, user_agent=here.user_agent)) as client:
        release = _named(client.release)  # before all else: it is what everything is about
        wrong = [*_unless_named(client.workloads)]
        if settings.services:
            wrong += [
                f"found no endpoint of service {one.name} in namespace {settings.namespace}; "
                "expected the name of a service whose selector matches pods: services"
                for one in client.services()
                if one.ready + one.not_ready == 0
            ]
        if settings.ingresses:
            wrong += _unless_named(client.ingresses)
        if settings.ingress_controller is not None:
            wrong += _unless_named(client.ingress_controller)
    if wrong:
        raise ConfigError(wrong)
    return f"runs release {release}"


def _named(ask: Callable[[], str]) -> str:
    """Ask for what the environment has a name of: that nothing has it is the environment's."""
    try:
        return ask()
    except SubjectError as error:
        raise InstrumentError(str(error)) from error


def _unless_named(ask: Callable[[], object]) -> Iterable[str]:
    try:
        ask()
    except SubjectError as error:
        return [f"{error}; expected the name of one that is there"]
    return []


def _ready(settings: environment.Prometheus, here: environment.Environment) -> str:
    del settings
    with contextlib.closing(metrics_of(here)) as client:
        ready = client.monitoring.ready()
    return "is ready" if ready else "is ready, and did not take its newest configuration"


def _alerts(settings: environment.Alertmanager, here: environment.Environment) -> str:
    from pytest_deploycheck.clients.alerts import Alerts

    with contextlib.closing(Alerts(settings, user_agent=here.user_agent)) as client:
        return f"is {client.ready()}"


def _dashboards(settings: environment.Grafana, here: environment.Environment) -> str:
    from pytest_deploycheck.clients.dashboards import Dashboards

    with contextlib.closing(Dashboards(settings, user_agent=here.user_agent)) as client:
        # The health is told to anybody; the data source only to whom the token lets in.
        return f"is {client.health()}, its data source {client.datasource_health()}"


def _database(settings: environment.Database, here: environment.Environment) -> str:
    del here
    from pytest_deploycheck.clients.database import Database

    wrong = []
    with contextlib.closing(Database(settings, deployed_at_s=time.time()).as_subject()) as client:
        for name in settings.statements:
            try:
                client.value(name)
            except InstrumentError as error:
                try:
                    client.text(name)  # a statement may answer a text
                except InstrumentError:
                    wrong.append(f"statements.{error}")
    if wrong:
        raise ConfigError(wrong)
    return f"answers {len(settings.statements)} statements"


def _cache(settings: environment.Cache, here: environment.Environment) -> str:
    del here
    from pytest_deploycheck.clients.cache import Cache

    with contextlib.closing(Cache(settings).as_subject()) as client:
        return "answers" if client.ping() else "answers something else to PING"


def _mail(settings: environment.Mail, here: environment.Environment) -> str:
    from pytest_deploycheck.clients.mail import Mail

    with contextlib.closing(Mail(settings, user_agent=here.user_agent)) as client:
        client.greet()
    return "the server takes us, and the mailbox answers; nothing was sent"


def _repository(settings: environment.Repository, here: environment.Environment) -> str:
    from pytest_deploycheck.clients.repository import Repository

    client = Repository(
        settings, user_agent=here.user_agent, release=here.release or "", deployed_at_s=0.0
    )
    with contextlib.closing(client):
        waits_for = client.reviewers()
    return f"answers; {settings.production} waits for {', '.join(waits_for) or 'nobody'}"


def _artifacts(settings: environment.Artifacts, here: environment.Environment) -> str:
    from pytest_deploycheck.clients.artifacts import Artifacts

    manifest = Artifacts(settings, release=here.release or "").listed()
    return f"the manifest lists {len(manifest.files)} reports of release {manifest.release}"


def _backups(settings: environment.Backups, here: environment.Environment) -> str:
    from pytest_deploycheck.clients.backups import Backups

    with contextlib.closing(Backups(settings, user_agent=here.user_agent)) as client:
        wrong = [*_unless_named(client.snapshots), *_unless_named(client.configuration)]
    if wrong:
        raise ConfigError(wrong)
    return "answers, and has backups of database and configuration"


def _calendar(settings: environment.Change, here: environment.Environment) -> str:
    del here
    from pytest_deploycheck.clients.calendar import Calendar

    day = Calendar(settings, deployed_at_s=time.time()).deployment_day()
    return f"is there; changes belong to {day.windows}"


def _notifications(channels: dict[str, environment.Channel], here: environment.Environment) -> str:
    del here
    from pytest_deploycheck.clients.channels import trouble

    with warnings.catch_warnings():  # of the libraries that apprise loads
        warnings.simplefilter("ignore")
        told = {name: trouble(channel) for name, channel in channels.items()}
    wrong = [f"{name}: {line}" for name, line in told.items() if line]
    if wrong:
        raise ConfigError(wrong)
    return f"knows how to reach {', '.join(channels)}; nothing was sent"


def _rollback(here: environment.Environment) -> str:
    from pytest_deploycheck.clients.helm import Helm

    settings = here.rollback
    if settings is None:
        return here.no_way_back
    if here.cluster_or_none is None or here.cluster.helm_release is None:
        return "Helm keeps nothing here; a person goes back by the command of the verdict"
    helm = Helm(settings, here.cluster)
    helm.command(1)  # it raises where nothing names the cluster
    if not helm.is_there:
        raise ConfigError(
            [f"helm: found no program {settings.helm} on PATH; expected it, or its path"]
        )
    kubeconfig = os.environ.get(settings.kubeconfig_env or "", "")
    if settings.kubeconfig_env is not None and not Path(kubeconfig).is_file():
        raise ConfigError(
            [f"kubeconfig_env: found no file in {settings.kubeconfig_env}; expected a kubeconfig"]
        )
    return f"{settings.helm} is there; nothing was tried"


def _archive(reports: Path) -> str:
    there = next(one for one in (reports, *reports.resolve().parents) if one.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ConfigError(
            [f"found {there}, where we may not write; expected a folder for the record: --reports"]
        )
    return f"the record can be kept in {reports}"
