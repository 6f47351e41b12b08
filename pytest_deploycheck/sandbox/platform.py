"""The state of the embedded platform: what is true in it, whatever protocol asks."""

from __future__ import annotations

import base64
import collections
import dataclasses
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pytest_deploycheck.domain.events import Event
from pytest_deploycheck.sandbox.business import Business
from pytest_deploycheck.sandbox.certificates import Certificate
from pytest_deploycheck.sandbox.metrics import Metrics
from pytest_deploycheck.sandbox.watching import Watching

if TYPE_CHECKING:  # they speak by web.py, which needs this module
    from pytest_deploycheck.sandbox.artifacts import Reports
    from pytest_deploycheck.sandbox.aws import Vault
    from pytest_deploycheck.sandbox.github import CodeHost
    from pytest_deploycheck.sandbox.web import Response

Auth = Literal["none", "login", "user", "admin"]
"""Of `user`, an expired token gets nothing unless the platform has forgotten to look."""

DEPLOYED_AGO_S = 390.0
"""How long ago the rollout started: the longest hold of the first phase (5 min) fits in since then,
and the phase's first sample is not too late (10 min)."""
RELEASE = "1.4.2"
PREVIOUS_RELEASE = "1.4.1"


def jwt(claims: Mapping[str, object]) -> str:
    """Return a token of the usual form; nobody here verifies its signature."""
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    texts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts)
    return ".".join([*(text.rstrip("=") for text in texts), "c2FuZGJveA"])


@dataclasses.dataclass(kw_only=True)
class Credentials:
    """What the sandbox's servers accept. They guard nothing: every one listens on loopback only."""

    username: str = "deploycheck"
    password: str = "sandbox-password"  # noqa: S105 - known to everyone
    user_token: str = "sandbox-user-token"  # noqa: S105 - as above
    admin_key: str = "sandbox-admin-key"
    cluster_token: str = "sandbox-cluster-token"  # noqa: S105 - as above
    repository_token: str = "sandbox-repository-token"  # noqa: S105 - as above
    aws_access_key: str = "SANDBOXACCESSKEY"
    aws_secret_key: str = "sandbox-aws-secret-key"  # noqa: S105 - as above
    database_password: str = "sandbox-database-password"  # noqa: S105 - as above
    cache_password: str = "sandbox-cache-password"  # noqa: S105 - as above
    crm_token: str = "sandbox-crm-token"  # noqa: S105 - as above
    claude_key: str = "sandbox-claude-key"
    mail_password: str = "sandbox-mail-password"  # noqa: S105 - as above
    grafana_token: str = "sandbox-grafana-token"  # noqa: S105 - as above
    expired_token: str = jwt({"sub": "deploycheck", "exp": 1_700_000_000})
    """It was good until November 2023."""


@dataclasses.dataclass(kw_only=True)
class Manner:
    """How a server treats every request, before it looks at it."""

    refuses: bool = False
    """Nothing listens on its port."""
    delay_s: float = 0.0
    status: int | None = None
    """HTTP: every request is answered with this and *body*; None: as it should be."""
    body: str = ""
    media_type: str = "application/json"
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    alters: Callable[[Response], Response] | None = None
    """HTTP: what becomes of each answer; None: nothing."""
    spares: str = ""
    """HTTP: a pattern of the paths that are answered as they should be all the same."""


@dataclasses.dataclass(kw_only=True)
class Reply:
    """What one endpoint of the platform answers."""

    body: Callable[[], object]
    """JSON value, or bytes as they are; asked anew each time."""
    status: int = 200
    media_type: str = "application/json"
    auth: Auth = "none"
    """Whose credentials it demands; `login`: user name and password in the body."""


@dataclasses.dataclass(kw_only=True)
class Component:
    """A part of the platform, as its detailed health reports it."""

    status: str = "healthy"
    response_time_ms: float = 4.0


@dataclasses.dataclass(kw_only=True)
class Database:
    """PostgreSQL's side of the platform."""

    values: dict[str, float | str | None]
    """What a statement contains (its table, its function) → its one value; None: NULL."""
    errors: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)
    """The same → SQLSTATE and message of the error that it gets instead."""
    refusal: tuple[str, str] | None = None
    """SQLSTATE and message for every client that connects."""
    has_rows: bool = True
    """A statement finds its one row; else it finds none."""
    delay_s: float = 0.0
    """Before every answer to a statement."""


@dataclasses.dataclass(kw_only=True)
class Cache:
    """Redis's side of the platform."""

    info: dict[str, str | int]
    """What INFO tells."""
    data: dict[bytes, tuple[bytes, float | None]] = dataclasses.field(default_factory=dict)
    """Key → value, and the Unix time at which it expires; None: never."""
    forgets: bool = False
    """What is written is acknowledged and lost."""
    returns: bytes | None = None
    """What every key has, whatever was written to it; None: what was written."""
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    """Command → the error that it gets."""
    refusal: str | None = None
    """The error that every command gets, for example `LOADING …`."""

    def get(self, key: bytes) -> bytes | None:
        """Return the value, None when there is none or it has expired."""
        if self.returns is not None:
            return self.returns
        value, until_s = self.data.get(key, (None, None))
        return None if until_s is not None and until_s <= time.time() else value

    def put(self, key: bytes, value: bytes, life_s: float | None) -> None:
        """Keep a value for *life_s*, None: until it is dropped."""
        if not self.forgets:
            self.data[key] = (value, None if life_s is None else time.time() + life_s)

    def drop(self, key: bytes) -> bool:
        """Forget a value, and say whether it was there."""
        there = self.get(key) is not None
        self.data.pop(key, None)
        return there


@dataclasses.dataclass
class _Recovery:
    """A change that comes some seconds after something was first asked for."""

    asked_for: str
    after_s: float
    change: Callable[[], None]
    first_asked_s: float | None = None


@dataclasses.dataclass(kw_only=True)
class Platform:
    """Everything that is true of the platform; faults change it."""

    deployed_at_s: float
    credentials: Credentials
    components: dict[str, Component]
    release: str = RELEASE
    """What the platform calls itself."""
    health_age_s: float = 0.0
    """How old the timestamp in the health report is."""
    api: dict[str, Reply]
    """`METHOD /path` → what the platform's API answers."""
    frontend: dict[str, Reply]
    objects: dict[str, list[dict[str, Any]]]
    """Plural (`pods`) → Kubernetes objects, as the API server renders them."""
    metrics: Metrics
    """What Prometheus has scraped."""
    watching: Watching
    counted: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    """`METHOD /path` → when it was asked, for the metric that counts it."""
    prometheus_warnings: list[str] = dataclasses.field(default_factory=list)
    """What Prometheus adds to every answer that it knows to be partial."""
    database: Database
    cache: Cache
    certificates: dict[str, Certificate] = dataclasses.field(
        default_factory=lambda: collections.defaultdict(Certificate)
    )
    """Server → what it shows, where that is not a good one."""
    forbidden: set[str] = dataclasses.field(default_factory=set)
    """Plurals of the Kubernetes objects that our account may not read."""
    servers: dict[str, Manner]
    business: Business = dataclasses.field(default_factory=Business)
    accepts_expired: bool = False
    """The API lets an expired token in."""
    accepts_any_password: bool = False
    record: list[Event] = dataclasses.field(default_factory=list)
    """What people would have done around the deployment."""
    code_host: CodeHost
    vault: Vault
    reports: Reports
    recoveries: list[_Recovery] = dataclasses.field(default_factory=list)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    @property
    def deployed_ago_s(self) -> float:
        """How long ago the rollout started."""
        return time.time() - self.deployed_at_s

    def one(self, plural: str, name: str) -> dict[str, Any]:
        """Return the object of that kind whose name is, or starts with, *name*."""
        for found in self.objects[plural]:
            if found["metadata"]["name"].startswith(name):
                return found
        raise KeyError(f"no {plural} named {name}; the sandbox has {self.names(plural)}")

    def names(self, plural: str) -> list[str]:
        """Return the names of all objects of that kind."""
        return [found["metadata"]["name"] for found in self.objects[plural]]

    def pods(self, workload: str) -> Iterator[dict[str, Any]]:
        """Yield the pods of a workload."""
        for pod in self.objects["pods"]:
            if pod["metadata"]["labels"].get("app") == workload:
                yield pod

    def pod_spec(self, deployment: str) -> dict[str, Any]:
        """Return what the pods of a Deployment are made from."""
        spec: dict[str, Any] = self.one("deployments", deployment)["spec"]["template"]["spec"]
        return spec

    def unsay(self, item: str) -> None:
        """Forget everything that people have said or done about *item*."""
        self.record = [event for event in self.record if getattr(event, "item", "") != item]

    def recover(self, asked_for: str, *, after_s: float, change: Callable[[], None]) -> None:
        """Apply *change* that long after something (`cluster pods`) was first asked for."""
        self.recoveries.append(_Recovery(asked_for, after_s, change))

    def asked(self, what: str) -> None:
        """Take note that a client asks for *what*: recoveries count from the first time."""
        now_s = time.time()
        with self.lock:
            if what in self.counted:
                self.counted[what].append(now_s)
            for recovery in [r for r in self.recoveries if r.asked_for == what]:
                if recovery.first_asked_s is None:
                    recovery.first_asked_s = now_s
                elif now_s - recovery.first_asked_s >= recovery.after_s:
                    self.recoveries.remove(recovery)
                    recovery.change()
