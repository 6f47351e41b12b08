"""The fixtures of a check: plain nouns, opened without I/O, one of each for the whole run."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Protocol, get_args

import pytest

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import Measurement
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.near import meant
from pytest_deploycheck.domain.policy import Limit, Worse
from pytest_deploycheck.plugin.deployment import DEPLOYMENT
from pytest_deploycheck.plugin.staging import Staging, integration
from pytest_deploycheck.report import journal

if TYPE_CHECKING:  # each client is imported where it is used: kubernetes alone takes 0.2 s
    from pytest_deploycheck.clients.alerts import Alerts
    from pytest_deploycheck.clients.api import Api
    from pytest_deploycheck.clients.artifacts import Artifacts
    from pytest_deploycheck.clients.attestations import Attestations
    from pytest_deploycheck.clients.backups import Backups
    from pytest_deploycheck.clients.baselines import Baseline
    from pytest_deploycheck.clients.cache import Cache
    from pytest_deploycheck.clients.calendar import Calendar
    from pytest_deploycheck.clients.cluster import Cluster
    from pytest_deploycheck.clients.dashboards import Dashboards
    from pytest_deploycheck.clients.database import Database
    from pytest_deploycheck.clients.frontend import Frontend
    from pytest_deploycheck.clients.histories import MeasuredHistory
    from pytest_deploycheck.clients.mail import Mail
    from pytest_deploycheck.clients.metrics import Metrics
    from pytest_deploycheck.clients.notifications import Notifications
    from pytest_deploycheck.clients.record import Record as DeploymentRecord
    from pytest_deploycheck.clients.repository import Repository
    from pytest_deploycheck.config import Environment


class Limits:
    """The numbers not to cross, as attributes: `limits.error_ratio_critical`."""

    def __init__(self, values: Mapping[str, Limit]) -> None:
        """Keep *values*, by name; each name ends in its unit."""
        self._values = values

    def __repr__(self) -> str:
        """Return the fixture's name: pytest writes it into the message of a failed assertion."""
        return "limits"

    def __getattr__(self, name: str) -> Limit:
        """Return the limit *name*.

        Raises:
            AttributeError: The policy has no such limit; the message lists the near misses.
        """
        values: Mapping[str, Limit] = self.__dict__.get("_values", {})
        if name in values:
            return values[name]
        raise AttributeError(f"the policy has no limit {name!r}{meant(name, values)}")


class Measure(Protocol):
    """Notes a named measurement of the check that runs."""

    def __call__(
        self,
        name: str,
        value: float | MeasuredHistory | History,
        *,
        limit: float | None = None,
        unit: str | None = None,
        worse: Worse | None = None,
    ) -> None:
        """Note that *name* is *value*, and *limit* a number not to cross.

        A limit of the policy and a history know on which side it is bad; else it is above, unless
        *worse* says otherwise. They know the unit, too.
        """


def measure(
    name: str,
    value: float | MeasuredHistory | History,
    *,
    limit: float | None = None,
    unit: str | None = None,
    worse: Worse | None = None,
) -> None:
    """Note a measurement, as `Measure` says.

    Raises:
        InstrumentError: No value, one that is not a finite number, another unit than the limit
            has by its name, no answer that we know or two to the question on which side it is bad,
            a name or a unit that is no text; nobody keeps it.
    """
    if evidence.current() is None:
        raise InstrumentError(
            f"{name}: measured outside of a check's body, or in a body that another plugin runs, "
            "where nobody judges it; expected it in a plain test function"
        )
    for given in (name, "" if unit is None else unit):
        if not isinstance(given, str):
            raise InstrumentError(f"measure: found {given!r}; expected a word")
    if worse not in (None, *get_args(Worse)):
        expected = " or ".join(get_args(Worse))
        raise InstrumentError(f"{name}: found worse {worse!r}; expected {expected}")
    query = ""
    history: History | None = None
    sides = {side for side in (worse, _side_of(value), _side_of(limit)) if side}
    if len(sides) > 1:
        raise InstrumentError(f"{name}: found it bad below and above its limit; expected one side")
    if isinstance(value, History):
        history = value
    elif not isinstance(value, (int, float)):
        history, query = value.history, value.query
        unit = unit or value.unit
    known = limit.unit if isinstance(limit, Limit) else ""
    unit = unit or known or "1"
    if known and unit != known and (known, unit) != ("ratio", "1"):
        raise InstrumentError(f"{name}: found unit {unit}; expected {known}, that of its limit")
    number = history.latest if history is not None else value
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise InstrumentError(f"{name}: found {number!r}; expected a number")
    evidence.measured(
        Measurement(
            name=name,
            value=float(number),
            unit=unit,
            limit=None if limit is None else float(limit),
            clear=limit.clear if isinstance(limit, Limit) else None,
            worse=sides.pop() if sides else "above",
            history=history,
            query=query,
        )
    )


def _side_of(known: object) -> Worse | None:
    """Return on which side it is bad where *known* says so: a limit of the policy, a history."""
    side: Worse | None = getattr(known, "worse", None)
    return side


@pytest.fixture(scope="session")
def environment(pytestconfig: pytest.Config) -> Environment:
    """The environment file, checked."""
    return pytestconfig.stash[DEPLOYMENT].environment


@pytest.fixture(scope="session")
def limits(pytestconfig: pytest.Config) -> Limits:
    """The policy's numbers, stricter where the environment says so."""
    return Limits(pytestconfig.stash[DEPLOYMENT].policy.limits)


@pytest.fixture(scope="session", name="measure")
def measure_fixture() -> Measure:
    """`measure(name, value, limit=…, unit=…)` notes a value for report and judge."""
    return measure


@pytest.fixture(scope="session")
def api(environment: Environment) -> Iterator[Api]:
    """The platform's HTTP API, a subject: its silence is a failure."""
    from pytest_deploycheck.clients.api import Api

    with contextlib.closing(Api(environment.api, user_agent=environment.user_agent)) as client:
        yield client


@pytest.fixture(scope="session")
def frontend(environment: Environment) -> Iterator[Frontend]:
    """The user interface, a subject."""
    from pytest_deploycheck.clients.frontend import Frontend

    with contextlib.closing(
        Frontend(environment.frontend, user_agent=environment.user_agent)
    ) as client:
        yield client


@pytest.fixture(scope="session")
def cluster(environment: Environment, pytestconfig: pytest.Config) -> Iterator[Cluster]:
    """Kubernetes, an instrument: its silence makes a check INCONCLUSIVE, not failed."""
    from pytest_deploycheck.clients.cluster import Cluster

    settled = pytestconfig.stash[DEPLOYMENT]
    client = Cluster(
        environment.cluster,
        user_agent=environment.user_agent,
        release=settled.release,
        deployed_at_s=settled.deployed_at_s,
    )
    with contextlib.closing(client):
        yield client


@pytest.fixture(scope="session")
def baseline(environment: Environment, pytestconfig: pytest.Config) -> Baseline:
    """The values that were recorded before the deployment; `metrics.before` goes by them."""
    from pytest_deploycheck.clients.baselines import Baseline

    settled = pytestconfig.stash[DEPLOYMENT]
    return Baseline(
        functools.partial(journal.read_people, settled.folder),
        deployed_at_s=settled.deployed_at_s,
        environment=environment.name,
        release=settled.release,
        max_age_s=settled.policy.limits.get("baseline_age_s"),
        pinned=environment.baseline_release,
    )


@pytest.fixture(scope="session")
def metrics(
    environment: Environment, baseline: Baseline, pytestconfig: pytest.Config
) -> Iterator[Metrics]:
    """Prometheus, an instrument; its windows begin with the deployment."""
    from pytest_deploycheck.clients.metrics import Metrics

    client = Metrics(
        environment.prometheus,
        deployed_at_s=pytestconfig.stash[DEPLOYMENT].deployed_at_s,
        monitoring=environment.monitoring,
        baseline=baseline,
        user_agent=environment.user_agent,
    )
    with contextlib.closing(client):
        yield client


@pytest.fixture(scope="session")
def alerts(environment: Environment) -> Iterator[Alerts]:
    """Alertmanager, the subject of the checks that are about it."""
    from pytest_deploycheck.clients.alerts import Alerts

    if environment.alertmanager is None:
        raise InstrumentError("the environment has no [alertmanager]")
    client = Alerts(environment.alertmanager, user_agent=environment.user_agent)
    with contextlib.closing(client):
        yield client


@pytest.fixture(scope="session")
def dashboards(environment: Environment) -> Iterator[Dashboards]:
    """Grafana, the subject of the checks that are about it."""
    from pytest_deploycheck.clients.dashboards import Dashboards

    if environment.grafana is None:
        raise InstrumentError("the environment has no [grafana]")
    client = Dashboards(environment.grafana, user_agent=environment.user_agent)
    with contextlib.closing(client):
        yield client


@pytest.fixture(scope="session")
def database(environment: Environment, pytestconfig: pytest.Config) -> Iterator[Database]:
    """PostgreSQL asked directly and read-only, an instrument."""
    from pytest_deploycheck.clients.database import Database

    deployed_at_s = pytestconfig.stash[DEPLOYMENT].deployed_at_s
    client = Database(environment.database, deployed_at_s=deployed_at_s)
    with contextlib.closing(client):
        yield client


@pytest.fixture(scope="session")
def cache(environment: Environment) -> Iterator[Cache]:
    """Redis asked directly, an instrument."""
    from pytest_deploycheck.clients.cache import Cache

    with contextlib.closing(Cache(environment.cache)) as client:
        yield client


@pytest.fixture(scope="session")
def crm(environment: Environment) -> Iterator[Api]:
    """The CRM that the platform writes to, asked directly, a subject."""
    with contextlib.closing(integration(environment, "crm")) as client:
        yield client


@pytest.fixture(scope="session")
def claude(environment: Environment) -> Iterator[Api]:
    """The AI service that the bots think with, asked directly, a subject."""
    with contextlib.closing(integration(environment, "claude")) as client:
        yield client


@pytest.fixture(scope="session")
def mail(environment: Environment) -> Iterator[Mail]:
    """The mail server, a subject, and the mailbox for tests, an instrument."""
    from pytest_deploycheck.clients.mail import Mail

    with contextlib.closing(Mail(environment.mail, user_agent=environment.user_agent)) as client:
        yield client


@pytest.fixture(scope="session")
def staging(pytestconfig: pytest.Config) -> Iterator[Staging]:
    """The clients of staging: the environment that the one of this run names, or itself."""
    settled = pytestconfig.stash[DEPLOYMENT]
    clients = Staging(settled.environment, settled.project, deployed_at_s=settled.deployed_at_s)
    with contextlib.closing(clients):
        yield clients


@pytest.fixture(scope="session")
def attestations(pytestconfig: pytest.Config) -> Attestations:
    """What people have said of this release: a missing word leaves an item AWAITING."""
    from pytest_deploycheck.clients.attestations import Attestations

    settled = pytestconfig.stash[DEPLOYMENT]
    return Attestations(
        functools.partial(journal.read_people, settled.folder),
        policy=settled.policy,
        environment=settled.environment.name,
        release=settled.release,
        deployed_at_s=settled.deployed_at_s,
        invocation=settled.options.invocation,
    )


@pytest.fixture(scope="session")
def notifications(pytestconfig: pytest.Config) -> Notifications:
    """The receipts of the messages that have left."""
    from pytest_deploycheck.clients.notifications import Notifications

    settled = pytestconfig.stash[DEPLOYMENT]
    return Notifications(
        functools.partial(journal.read_people, settled.folder),
        channels={
            kind: tuple(
                name
                for name, channel in settled.environment.notifications.channels.items()
                if kind in channel.messages
            )
            for kind in ("scheduled", "completed", "rolled-back")
        },
        environment=settled.environment.name,
        deployed_at_s=settled.deployed_at_s,
        invocation=settled.options.invocation,
        rehearsal=settled.policy.accepts_demonstrations,
    )


@pytest.fixture(scope="session")
def record(pytestconfig: pytest.Config) -> DeploymentRecord:
    """The journals of this deployment: its runs and its baselines."""
    from pytest_deploycheck.clients.record import Record

    settled = pytestconfig.stash[DEPLOYMENT]
    return Record(
        functools.partial(journal.read_record, settled.folder),
        deployed_at_s=settled.deployed_at_s,
        environment=settled.environment.name,
        release=settled.release,
        checklist=settled.project.checklist,
        policy=settled.policy,
        selected=settled.phases,
        pinned=settled.environment.baseline_release,
    )


@pytest.fixture(scope="session")
def artifacts(environment: Environment, pytestconfig: pytest.Config) -> Artifacts:
    """The reports that the pipeline left for this release, an instrument."""
    from pytest_deploycheck.clients.artifacts import Artifacts

    if environment.artifacts is None:
        raise InstrumentError("the environment has no [artifacts]")
    return Artifacts(environment.artifacts, release=pytestconfig.stash[DEPLOYMENT].release)


@pytest.fixture(scope="session")
def repository(environment: Environment, pytestconfig: pytest.Config) -> Iterator[Repository]:
    """The code host and its image registry, an instrument."""
    from pytest_deploycheck.clients.repository import Repository

    if environment.repository is None:
        raise InstrumentError("the environment has no [repository]")
    settled = pytestconfig.stash[DEPLOYMENT]
    client = Repository(
        environment.repository,
        user_agent=environment.user_agent,
        release=settled.release,
        deployed_at_s=settled.deployed_at_s,
    )
    with contextlib.closing(client):
        yield client


@pytest.fixture(scope="session")
def backups(environment: Environment) -> Iterator[Backups]:
    """AWS's backups of database and configuration, an instrument."""
    from pytest_deploycheck.clients.backups import Backups

    if environment.backups is None:
        raise InstrumentError("the environment has no [backups]")
    with contextlib.closing(
        Backups(environment.backups, user_agent=environment.user_agent)
    ) as client:
        yield client


@pytest.fixture(scope="session")
def calendar(environment: Environment, pytestconfig: pytest.Config) -> Calendar:
    """When the platform may be changed, an instrument."""
    from pytest_deploycheck.clients.calendar import Calendar

    if environment.change is None:
        raise InstrumentError("the environment has no [change]")
    return Calendar(environment.change, deployed_at_s=pytestconfig.stash[DEPLOYMENT].deployed_at_s)
