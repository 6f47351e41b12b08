"""The environment file: where things are, what they are called, what to ask. Never a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self, TypeVar

import durationpy
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.policy import Worse
from pytest_deploycheck.domain.units import unix_seconds
from pytest_deploycheck.domain.words import Severity, Verdict

URL: Final = r"^https?://"
OWNED: Final = r"^[\w.-]+/[\w.-]+$"
PATTERNS: Final = {URL: "an http:// or https:// URL", OWNED: "`owner/repository`"}
"""What a text that must match a pattern is called."""
_T = TypeVar("_T")

CREDENTIALS: Final = "credentials"
"""The type of the error about a URL that has them: its message is all that may be said."""


def seconds_of(value: object) -> object:
    """Read `5m` as 300.0; leave the refusal of anything else to pydantic."""
    if not isinstance(value, str):
        raise ValueError('expected a duration in quotes, for example "5m" or "1m30s"')
    try:
        return durationpy.from_str(value).total_seconds()
    except durationpy.DurationError as error:
        raise ValueError('expected a duration, for example "5m" or "1m30s"') from error


def _instant(value: object) -> object:
    """Read `2026-01-31T12:00:00Z` as Unix seconds."""
    return unix_seconds(value) if isinstance(value, str) else value


def _without_credentials(url: str) -> str:
    """Refuse `https://user:password@host`, without saying what it is: it is printed."""
    if re.match(r"[^/]*//[^/?#]*@", url):
        found = "found a user or password in the URL"
        names = "name variables in username_env and password_env"
        raise PydanticCustomError(CREDENTIALS, f"{found}; expected none: {names}")
    return url


Url = Annotated[str, Field(pattern=URL), AfterValidator(_without_credentials)]
"""Of http or https, without a user or a password."""
Seconds = Annotated[float, BeforeValidator(seconds_of), Field(gt=0)]
"""Written as a duration (`"5m"`), kept in seconds."""
HoldSeconds = Annotated[float, BeforeValidator(seconds_of), Field(ge=0)]
"""As Seconds, and `"0s"` is allowed: at once."""
Instant = Annotated[float, BeforeValidator(_instant)]
"""Written in ISO 8601 with a zone, kept in Unix seconds."""


class Table(BaseModel):
    """A TOML table: unknown keys are errors, and a rejected value is never printed."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        defer_build=True,
    )


class Endpoint(Table):
    """One thing to ask over HTTP, by the name the suites use."""

    path: str
    """`{name}` is replaced where a check asks for one thing of many."""
    method: Literal["GET", "POST", "PUT", "DELETE", "HEAD"] = "GET"
    auth: Literal["none", "user", "admin", "wrong_password", "expired"] = "none"
    """Whose credentials go with it; the last two must be refused."""
    headers: dict[str, str] = {}
    body: dict[str, Any] | None = None
    """Sent as JSON."""
    expect_status: tuple[int, ...] = Field(default=(200,), min_length=1)
    expect_type: str = "application/json"
    """The media type the answer must have."""
    expect: dict[str, Any] = {}
    """Dotted key path in the JSON answer → the value it must have; `"{name}"` is of `values`."""
    healthy: tuple[str, ...] = ()
    """Words for `status` that mean healthy; with *components*, it is a health report."""
    components: tuple[str, ...] = ()
    """Every component that must be reported, and be healthy."""
    contains: tuple[str, ...] = ()
    """Texts that must occur in an HTML answer."""
    keys: dict[str, str] = {}
    """Meaning → dotted key path: `inference_time_ms = "result.inference_time_ms"`."""
    max_age_s: Seconds | None = Field(default=None, alias="max_age")
    """How old the answer's own timestamp may be."""

    @model_validator(mode="after")
    def _judged(self) -> Self:
        if self.components and not self.healthy:
            raise ValueError("expected `healthy` beside `components`, or nobody looks at them")
        return self


class Http(Table):
    """Something that is reached over HTTP."""

    url: Url
    timeout_s: Seconds = Field(default=5.0, alias="timeout")
    ca_file: str | None = None
    """PEM; None: the system's certificates."""
    rate_per_s: float = Field(default=4.0, gt=0)
    """The cap for its host, over all threads (the platform blocks above 50 requests in 10 s)."""
    username_env: str | None = None
    """Environment variable with the user: for basic authentication, or for the login."""
    password_env: str | None = None
    """The same with the password."""
    token_env: str | None = None
    """Environment variable with a bearer token."""


class Load(Table):
    """Requests at planned times, for a percentile of how long they take."""

    endpoints: tuple[str, ...] = Field(min_length=1)
    samples: int = Field(ge=20)
    """Requests to each endpoint; a 95th percentile needs 20."""
    rate_per_s: float = Field(gt=0)
    """Below the cap of the host: else our own waiting would be measured."""
    connections: int = Field(default=4, ge=1)
    """Each is warmed up by a request that does not count."""


class Turn(Table):
    """One message of a scripted conversation, and what must come of it."""

    say: str
    expect: dict[str, Any] = {}
    """Dotted key path in the answer → the value it must have."""


class Conversation(Table):
    """A conversation with a bot, under a contact of its own."""

    endpoint: str
    """Takes `contact_id` and `message`; its keys: `response`, `turn`, `progress`."""
    end: str
    """Forgets the contact: `{contact_id}` in its path."""
    turns: tuple[Turn, ...] = Field(min_length=2)


class Lead(Table):
    """A lead whose score is known."""

    body: dict[str, Any]
    """As the endpoint of scores takes it."""
    lowest: float = Field(ge=0)
    """The least that the score may be."""
    highest: float
    """The most."""


class Reading(Table):
    """A number that moves while the platform is used."""

    endpoint: str
    """Its key `counter` is a number that never falls, and grows with every request."""
    pause_s: Seconds = Field(alias="pause")
    """Between two readings."""


class Api(Http):
    """The platform's HTTP API, or that of a service which it needs: a subject."""

    admin_key_env: str | None = None
    """Environment variable with the key of `auth = "admin"`."""
    key_header: str = "X-Admin-Key"
    """The header that the admin key is sent in."""
    expired_token_env: str | None = None
    """Environment variable with a token (JWT) that this API once gave out, and that has expired."""
    login: str | None = None
    """Name of the endpoint that turns user and password into a token (key `token`)."""
    endpoints: dict[str, Endpoint]
    values: dict[str, str] = {}
    """What is put for `{name}` in any path, unless the check says what."""
    loads: dict[str, Load] = {}
    conversations: dict[str, Conversation] = {}
    leads: dict[str, Lead] = {}
    intents: dict[str, str] = {}
    """Id of a lead whose conversation the platform keeps → the temperature to be decoded."""
    readings: dict[str, Reading] = {}
    scenarios: tuple[str, ...] = ()
    """Of the demonstrations."""


class Mail(Table):
    """A mailbox for tests, and the server that mail to it is handed to."""

    server: str
    """`host:port`."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: str | None = None
    """PEM; None: the system's certificates."""
    username_env: str | None = None
    password_env: str | None = None
    sender: str
    recipient: str
    timeout_s: Seconds = Field(default=10.0, alias="timeout")
    within_s: Seconds = Field(default=60.0, alias="within")
    """How long a mail may take to arrive."""
    sink: Api
    """Where it is seen, by Mailpit's API: endpoints `search` (key `messages`) and `remove`, both
    with `{id}` in the path. An instrument."""


class Frontend(Http):
    """The platform's user interface: a subject."""

    endpoints: dict[str, Endpoint]


class Workload(Table):
    """A Deployment or StatefulSet that must be up."""

    name: str
    kind: Literal["Deployment", "StatefulSet"] = "Deployment"
    min_ready: int = Field(default=1, ge=1)
    container: str | None = None
    """Whose image is the release; None: the first."""
    released: bool = False
    """It carries the release: its image tag (or label) must be the release's."""
    service_account: str | None = None
    """The account that its pods must run under; None: the check of access controls cannot tell."""
    autoscaled: bool = False
    """A HorizontalPodAutoscaler must be able to add pods to it."""
    isolated: bool = False
    """NetworkPolicies must keep strangers from its pods."""


class Ingress(Table):
    """An Ingress that must have an address and serve its host."""

    name: str
    host: str
    tls: bool = True
    behind: tuple[str, ...] = ()
    """Names or addresses of what stands before it, where the host leads; empty: nothing does."""


class Permission(Table):
    """What a workload's service account may do; anything beyond all of them is too much."""

    groups: tuple[str, ...] = ("",)
    """API groups; the empty one is the core's."""
    resources: tuple[str, ...] = Field(min_length=1)
    verbs: tuple[str, ...] = Field(min_length=1)
    names: tuple[str, ...] = ()
    """Of single objects; empty: all of the resource."""


class Cluster(Table):
    """The Kubernetes API: an instrument."""

    namespace: str
    server: Url | None = None
    """None: from the kubeconfig, or the pod's own service account."""
    kubeconfig: str | None = None
    context: str | None = None
    token_env: str | None = None
    ca_file: str | None = None
    timeout_s: Seconds = Field(default=5.0, alias="timeout")
    rate_per_s: float = Field(default=20.0, gt=0)
    workloads: tuple[Workload, ...] = Field(min_length=1)
    services: tuple[str, ...] = ()
    ingresses: tuple[Ingress, ...] = ()
    ingress_controller: Workload | None = None
    ingress_controller_namespace: str | None = None
    max_restarts: int = Field(default=0, ge=0)
    """Container restarts since `deployed_at` that are still fine."""
    release_label: str = "app.kubernetes.io/version"
    """Where the release is read from when no option names it, before the image tag."""
    permissions: tuple[Permission, ...] = ()
    """All that the service accounts of the workloads may do."""
    default_roles: tuple[str, ...] = ()
    """Cluster roles that Kubernetes itself gives to every account."""
    secret_variables: str = ""
    """Regular expression for the names of variables and options whose value must come from a
    Secret; `--database-password` is looked for as `DATABASE_PASSWORD`."""
    secret_values: str = ""
    """The same for values that are secrets, whatever they are called; empty: none are known."""
    migration_head_annotation: str = ""
    """Annotation, of a workload that carries the release, with the head that its migrations lead
    to; empty: the database's head is compared with nothing."""
    helm_release: str | None = None
    """The Helm release whose history tells what to go back to; None: the ReplicaSets tell."""


class Query(Table):
    """One PromQL query, by the name the suites use."""

    query: str
    """Instant vector expression with exactly one series; asked over a range with *step*."""
    unit: str
    worse: Worse
    """On which side of its limit a value is bad."""
    window_s: Seconds = Field(alias="window")
    """How far back it is asked; what was before `deployed_at` does not speak for the release."""
    step_s: Seconds = Field(default=15.0, alias="step")
    min_samples: int = Field(default=1, ge=1)
    max_age_s: Seconds = Field(default=120.0, alias="max_age")
    """How old the newest sample may be."""
    traffic: str | None = None
    """For a ratio: PromQL of how many events it is a ratio of, over its window."""
    min_traffic: float | None = Field(default=None, gt=0)
    """How many of them are evidence."""
    triggers: dict[str, str] = {}
    """Trigger → the limit that it is judged by: whose duration this query's history tells."""
    increases: dict[str, str] = {}
    """The same, where it is the increase over the baseline that is judged."""
    growths: dict[str, str] = {}
    """The same, where it is the sustained growth over the window."""

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if (self.traffic is None) != (self.min_traffic is None):
            raise ValueError("expected both of `traffic` and `min_traffic`, or neither")
        return self


class Prometheus(Http):
    """An instrument."""

    queries: dict[str, Query]
    compare_with: Literal["recorded", "before", "previous_day", "previous_week"] = "recorded"
    """What is "before": the recorded baseline, and without one the window before the deployment;
    only that window; the same hour of the newest day, or week, that lies before the deployment."""


class Monitoring(Table):
    """What Prometheus must collect, and which rules must be able to fire."""

    jobs: tuple[str, ...] = Field(min_length=1)
    """Scrape jobs; each must have a target."""
    may_be_down: tuple[str, ...] = ()
    """Jobs whose targets are allowed to be down."""
    alerts: tuple[str, ...] = Field(min_length=1)
    """Alert rules, by name."""
    alertmanagers: tuple[re.Pattern[str], ...] = Field(min_length=1)
    """Where Prometheus sends its alerts, as it calls the addresses itself: each expression must fit
    one whole."""
    max_scrapes_missed: float = Field(default=2.0, gt=0)
    """How old the newest scrape may be, in intervals of its target."""
    max_evaluations_missed: float = Field(default=3.0, gt=0)
    """The same for the evaluation of a rule, in intervals of its group."""
    series_age_s: Seconds = Field(default=3600.0, alias="series_age")
    """How long ago the series of a rule may have been seen."""
    application_series: tuple[str, ...] = Field(min_length=1)
    """Metrics that must exist now, as Prometheus selects them: `name{label="value"}`."""
    business_series: tuple[str, ...] = Field(min_length=1)
    """The same, of the business."""
    counted: str
    """PromQL of a counter that counts a request to the endpoint *counts*."""
    counts: str
    """Name of one of `[api.endpoints]`."""
    counted_within_s: Seconds = Field(default=45.0, alias="counted_within")
    """How long it may take until Prometheus has seen it: two scrapes and a bit."""
    poll_s: Seconds = Field(default=5.0, alias="poll")


class Route(Table):
    """An alert as it might be sent, and who must get it."""

    labels: dict[str, str] = Field(min_length=1)
    receivers: tuple[str, ...] = Field(min_length=1)


class AlertSink(Http):
    """Where notifications of the test alert can be seen: an instrument."""

    path: str
    """`{id}` is replaced by the alert's."""
    found: str
    """Dotted key path of a list in the JSON answer that holds what arrived."""


class TestAlert(Table):
    """An alert that is sent to see it arrive; it ends by itself."""

    __test__ = False
    labels: dict[str, str] = Field(min_length=1)
    """By which it is routed; a unique id is added."""
    receiver: str
    integration: str
    """Of the receiver, as Alertmanager's counters call it: `webhook`."""
    life_s: Seconds = Field(default=120.0, alias="life")
    within_s: Seconds = Field(default=90.0, alias="within")
    """How long the notification may take: longer than the route's group_wait."""
    poll_s: Seconds = Field(default=3.0, alias="poll")
    sink: AlertSink | None = None
    """None: Alertmanager's own counters must tell that it left, apart from all other alerts."""


class Alertmanager(Http):
    """Alertmanager, by its API of version 2."""

    receivers: dict[str, tuple[str, ...]] = Field(min_length=1)
    """Name → the integrations it must have: `slack`, `pagerduty`, `email`, `webhook`."""
    routes: tuple[Route, ...] = Field(min_length=1)
    test: TestAlert


class Dashboard(Table):
    """One dashboard, and what of it must show data."""

    title: str
    uid: str | None = None
    """None: it is found by its title."""
    panels: tuple[str, ...] = Field(min_length=1)
    """Titles of panels, each of which must answer fresh data."""


class Grafana(Http):
    """Grafana, by its HTTP API."""

    datasource: str
    """The uid of its Prometheus, for panels that name none."""
    dashboards: dict[str, Dashboard] = Field(min_length=1)
    """By the name that the suites use."""
    variables: dict[str, str] = {}
    """What is put for the variables of dashboards: `environment = "production"`."""
    window_s: Seconds = Field(default=1800.0, alias="window")
    """How far back panels are asked."""
    max_age_s: Seconds = Field(default=60.0, alias="max_age")
    """How old the newest value of a panel may be; Prometheus itself repeats one for 5 minutes."""


class Database(Table):
    """PostgreSQL, asked directly and read-only: an instrument."""

    dsn_env: str
    """Environment variable with the libpq connection string."""
    timeout_s: Seconds = Field(default=5.0, alias="timeout")
    statements: dict[str, str] = {}
    """Name → SQL that answers one row with one value; 0 is good unless the check says else.
    `{deployed_at_s}` in it is when the deployment began, in Unix seconds."""


class Cache(Table):
    """Redis, asked directly: an instrument."""

    url_env: str
    """Environment variable with the redis:// URL."""
    timeout_s: Seconds = Field(default=5.0, alias="timeout")


class Artifact(Table):
    """One report that the pipeline left."""

    path: str
    """Below the folder."""
    format: Literal[
        "bandit", "benchmark", "cobertura", "detect-secrets", "drill", "junit", "k6", "locust",
        "pip-audit", "restore", "safety", "sarif", "semgrep", "trivy",
    ]  # fmt: skip
    max_age_s: Seconds | None = Field(default=None, alias="max_age")
    """Where it may be older than the others."""
    expect: tuple[str, ...] = ()
    """Of tests: parts of names; a passed test must have each of them in its name."""
    of_release: bool = True
    """It is about this release's commit or image; False: about procedures, as a drill is."""


class Artifacts(Table):
    """The reports of the pipeline, in a folder: an instrument."""

    folder: str
    manifest: str = "manifest.json"
    """Names release, commit, digest, and each report's checksum."""
    max_age_s: Seconds = Field(default=86_400.0, alias="max_age")
    """How long ago the tool may have run."""
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    """The largest report that is read."""
    files: dict[str, Artifact]
    """By the name that the suites use."""


class Registry(Http):
    """The image registry, asked by the OCI distribution API."""

    hosts: tuple[str, ...] = Field(min_length=1)
    """How image references begin that it holds, for example `ghcr.io`."""


class Repository(Http):
    """The code host, by GitHub's REST API: an instrument."""

    name: str = Field(pattern=OWNED)
    """`owner/repository`."""
    branch: str = "main"
    tag: str = "v{release}"
    """How a release's commit is found: `{release}` is put in."""
    workflow: str
    """File name of the pipeline, for example `deploy.yml`."""
    required_jobs: tuple[str, ...] = Field(min_length=1)
    staging: str = "staging"
    """Name of the code host's environment for it."""
    production: str = "production"
    """The same."""
    digest_key: str = "digest"
    """Where the payload of a deployment has the image's digest."""
    approvers: tuple[str, ...] = Field(min_length=1)
    """Logins of who may approve a production deployment."""
    registry: Registry | None = None


class Backups(Table):
    """AWS: an instrument."""

    region: str
    endpoint_url: Url | None = None
    """None: Amazon's."""
    access_key_env: str | None = None
    """Environment variable; None: boto3's usual chain, for example the pod's role."""
    secret_key_env: str | None = None
    """The same."""
    ca_file: str | None = None
    timeout_s: Seconds = Field(default=10.0, alias="timeout")
    database: str
    """Identifier of the RDS instance, or of the Aurora cluster."""
    kind: Literal["instance", "cluster"] = "instance"
    bucket: str
    prefix: str = ""
    """Where the backups of the configuration lie."""
    kinds: tuple[str, ...] = Field(min_length=1)
    """Every kind of object that a backup of the configuration must hold."""
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    """The largest backup of the configuration that is read, packed and unpacked."""


class Change(Table):
    """When the platform may be changed."""

    calendar: str
    """Path of the file with the windows and the days without changes."""


class Word(Table):
    """An item that a person answers."""

    roles: tuple[str, ...] = Field(min_length=1)
    """Any of them may speak."""
    after_deployment: bool = False
    """A word from before the rollout says nothing about it, nor one from before its phase began."""
    needs_evidence: bool = False
    """It must name where what it says can be read."""
    max_age_s: Seconds | None = Field(default=None, alias="max_age")
    """None: it stays valid for its release."""
    distinct: str = ""
    """Items that share this word need different people."""


class Attestations(Table):
    """Who may attest what."""

    items: dict[str, Word] = {}
    """By the id of the item; for an item that is not here nobody may speak."""
    roles: dict[str, tuple[str, ...]] = {}
    """The people of each role, as they sign; a role without any stays silent."""
    approvers: tuple[str, ...] = ()
    """Roles whose people may approve a waiver; none: no waiver counts here."""


class Channel(Table):
    """Where messages go, by apprise."""

    url_env: str
    """Environment variable with apprise's URL, which is a secret: `mailtos://…`, `slack://…`."""
    messages: tuple[Literal["scheduled", "completed", "rolled-back", "update", "verdict"], ...] = (
        "scheduled", "completed", "rolled-back", "update",
    )  # fmt: skip
    pages: bool = False
    """It wakes somebody: nothing that is well is sent there."""


class Notifications(Table):
    """The checklist's messages."""

    channels: dict[str, Channel] = {}
    verdicts: tuple[Verdict, ...] = ()
    """After a run with one of these, a message `verdict` is sent."""
    expected_s: Seconds = Field(default=1800.0, alias="expected")
    """How long a deployment is announced to take."""
    validation_s: Seconds = Field(default=86_400.0, alias="validation")
    """How long it is announced to be validated afterwards."""
    update_s: Seconds = Field(default=7200.0, alias="update")
    """When news are promised after a rollback."""
    time_zone: str = "UTC"
    """Of the times in messages, for example `America/New_York`."""
    timeout_s: Seconds = Field(default=20.0, alias="timeout")
    """For all channels of one message."""


class Rollback(Table):
    """How the previous release is brought back."""

    revision: int | None = Field(default=None, ge=1)
    """The last good one; None: the cluster says."""
    helm: str = "helm"
    """The program, found on PATH."""
    kubeconfig_env: str | None = None
    """Environment variable with the path of a kubeconfig that may change the cluster."""
    context: str | None = None
    timeout_s: Seconds = Field(default=600.0, alias="timeout")
    """How long helm waits for the pods."""
    fresh_s: Seconds = Field(default=900.0, alias="fresh")
    """How old the verdict may be that asks for the rollback."""
    verify_after_s: HoldSeconds = Field(default=120.0, alias="verify_after")
    """How long after the rollback its verification begins: instruments need samples."""
    irreversible: dict[str, str] = {}
    """Release → why there is no way back from it, for example a migration."""
    irreversible_annotation: str = "deploycheck/irreversible"
    """Of the Deployment that carries the release: the same, set by its chart."""


class TriggerOverride(Table):
    """What this environment sets otherwise; the verdict shows what was used."""

    hold_s: HoldSeconds | None = Field(default=None, alias="hold")
    min_bad: int | None = Field(default=None, ge=1)
    max_gap_s: Seconds | None = Field(default=None, alias="max_gap")
    severity: Severity | None = None


class PhaseTimes(Table):
    """When a phase belongs here, where that is not as the policy says; a rehearsal is shorter."""

    earliest_s: HoldSeconds | None = Field(default=None, alias="earliest")
    due_s: HoldSeconds | None = Field(default=None, alias="due")
    late_s: HoldSeconds | None = Field(default=None, alias="late")
    watch_s: HoldSeconds | None = Field(default=None, alias="watch")


class Phases(RootModel[dict[str, PhaseTimes]]):
    """The times of all phases, for a command that reads no more of an environment."""

    root: dict[str, PhaseTimes] = {}


class Environment(Table):
    """One environment, everything merged and checked.

    A table that is None: the checks that ask it are INCONCLUSIVE.
    """

    name: str
    sandbox: bool = False
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
    limits: dict[str, float] = {}
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
