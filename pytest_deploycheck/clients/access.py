"""What the workloads may do in the cluster, and where their secrets come from; pure functions."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pytest_deploycheck.clients.objects import Json
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError

WILDCARD: Final = "*"
_REFERENCE: Final = re.compile(r"\$[({]?\w+[)}]?|[a-z][\w+.-]*://[^/\s:@]*:\$[({]?\w+[)}]?@\S*")
"""A value, or a password in a URL, that is another variable's."""
_FILE: Final = re.compile(r"_(FILE|PATH|DIR)$")
"""The name of what tells where a secret lies."""
_OPTION: Final = re.compile(
    r"(?<!\S)(?P<name>--?[A-Za-z][\w-]*(?=[=\s])|[A-Za-z]\w*(?==))[=\s]\s*(?=(?P<value>\S+))"
)
"""`--name=value`, `--name value`, `NAME=value`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Grant:
    """One rule of a role, given to an account."""

    role: str
    groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...]
    """Of single objects; empty: all of the resource."""

    def __str__(self) -> str:
        """Say what may be done to what."""
        names = f" named {', '.join(self.names)}" if self.names else ""
        return f"{', '.join(self.verbs)} {', '.join(self.resources)}{names} (by {self.role})"

    @property
    def wild(self) -> bool:
        """It has a wildcard: what it allows grows with every new resource."""
        return WILDCARD in (*self.groups, *self.resources, *self.verbs)

    def within(self, allowed: Iterable[environment.Permission]) -> bool:
        """Say whether one of the allowed permissions covers all of it."""
        return not self.wild and any(
            set(self.groups) <= set(one.groups)
            and set(self.resources) <= set(one.resources)
            and set(self.verbs) <= set(one.verbs)
            and (not one.names or (bool(self.names) and set(self.names) <= set(one.names)))
            for one in allowed
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Account:
    """The service account of a workload, with everything it was given."""

    workload: str
    expected: str | None
    """The account that the environment expects; None: it does not say."""
    name: str
    mounts_token: bool
    """Its pods get a token of the account, so that whoever takes over a pod may do all this."""
    admin_by: tuple[str, ...]
    """Bindings that make it cluster-admin."""
    grants: tuple[Grant, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class SecretPlace:
    """Where a container gets a secret from, or what looks like one."""

    container: str
    name: str
    """`DATABASE_PASSWORD`, `--database-password`, `ConfigMap c, STRIPE_KEY`."""
    literal: str | None = dataclasses.field(repr=False)
    """What stands there, in the manifest or a ConfigMap; None: it comes from a Secret."""

    @property
    def by_reference(self) -> bool:
        """Who may read the workload cannot read the secret."""
        return self.literal is None

    def __str__(self) -> str:
        """Name the place; never what it holds."""
        return f"{self.container}: {self.name}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ExternalSecret:
    """A Secret that the External Secrets operator fetches from a vault."""

    name: str
    trouble: str
    """Why it is not up to date; empty: it is."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rbac:
    """All that hands out permissions."""

    roles: Mapping[tuple[str, str, str], Json]
    """As `key_of` has them → Role or ClusterRole, of all namespaces."""
    bindings: tuple[Json, ...]
    """RoleBindings of all namespaces and ClusterRoleBindings."""
    accounts: Mapping[str, Json]
    """Service accounts of the workloads' namespace by name."""


def account(
    settings: environment.Workload,
    template: Json,
    rbac: Rbac,
    *,
    namespace: str,
    default_roles: Iterable[str],
) -> Account:
    """Return the account of the workload whose pod template is *template*.

    Args:
        settings: What the environment says of the workload.
        template: Its pod template.
        rbac: All that hands out permissions.
        namespace: The workload's.
        default_roles: Cluster roles that Kubernetes gives to every account: not counted.

    Raises:
        InstrumentError: A binding names a role that cannot be read.
    """
    spec = template.get("spec") or {}
    name = spec.get("serviceAccountName") or "default"
    mounts = spec.get("automountServiceAccountToken")
    if mounts is None:
        mounts = (rbac.accounts.get(name) or {}).get("automountServiceAccountToken")
    ignored = set(default_roles)
    mine = [
        binding
        for binding in rbac.bindings
        if any(_is(subject, name, namespace) for subject in binding.get("subjects") or ())
        and binding["roleRef"]["name"] not in ignored
    ]
    return Account(
        workload=settings.name,
        expected=settings.service_account,
        name=name,
        mounts_token=mounts is not False,  # left out means yes, says the API
        admin_by=tuple(
            _named(binding) for binding in mine if binding["roleRef"]["name"] == "cluster-admin"
        ),
        grants=tuple(grant for binding in mine for grant in _grants(binding, rbac)),
    )


def containers_of(pod_spec: Json) -> tuple[Json, ...]:
    """Return the containers of a pod, those that initialize it first."""
    return (*(pod_spec.get("initContainers") or ()), *(pod_spec.get("containers") or ()))


def config_maps_of(pod_spec: Json) -> frozenset[str]:
    """Return the names of the ConfigMaps that a pod's containers take variables from."""
    found = set()
    for container in containers_of(pod_spec):
        for variable in container.get("env") or ():
            found.add(((variable.get("valueFrom") or {}).get("configMapKeyRef") or {}).get("name"))
        for source in container.get("envFrom") or ():
            found.add((source.get("configMapRef") or {}).get("name"))
    return frozenset(name for name in found if name)


def secret_places(
    name: str,
    pod_spec: Json,
    config_maps: Mapping[str, Mapping[str, str]],
    *,
    names: str,
    values: str,
) -> Iterator[SecretPlace]:
    """Yield the places in a workload's containers that hold a secret.

    Args:
        name: Of the workload.
        pod_spec: Of its pods.
        config_maps: By name, the content of those that `config_maps_of` names.
        names: Regular expression for the names of what holds a secret.
        values: The same for values that are one, whatever they are called; empty: none are known.
    """
    wanted = re.compile(names)
    looks = re.compile(values) if values else None
    for container in containers_of(pod_spec):
        for place, key, value in (
            *_variables(container, config_maps),
            *_arguments((*(container.get("command") or ()), *(container.get("args") or ()))),
        ):
            named = wanted.search(key) and not _FILE.search(key)
            if named or (value is not None and looks is not None and looks.search(value)):
                literal = None if value is not None and _REFERENCE.fullmatch(value) else value
                yield SecretPlace(
                    container=f"{name}/{container['name']}", name=place, literal=literal
                )


def _variables(
    container: Json, config_maps: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, str, str | None]]:
    """Yield of each variable where it stands, its name, and its value unless it is a Secret's."""
    for variable in container.get("env") or ():
        name, source = variable["name"], variable.get("valueFrom") or {}
        if "configMapKeyRef" in source:
            held = source["configMapKeyRef"]
            value = config_maps.get(held["name"], {}).get(held["key"], "")
            yield f"{name} of ConfigMap {held['name']}", name, value
        elif "secretKeyRef" in source:
            yield name, name, None
        else:
            yield name, name, str(variable.get("value") or "")
    for source in container.get("envFrom") or ():
        held = str((source.get("configMapRef") or {}).get("name"))
        for key, value in config_maps.get(held, {}).items():
            yield f"{key} of ConfigMap {held}", f"{source.get('prefix') or ''}{key}", value


def _arguments(words: Iterable[str]) -> Iterator[tuple[str, str, str | None]]:
    """Yield the same of each option of a command; of any other word only where it stands."""
    text = "\n".join(words)
    for option in _OPTION.finditer(text):
        name, value = option["name"], option["value"].strip("\"'")
        if not value.startswith("-"):  # else it is the next option
            yield f"argument {name}", name.lstrip("-").replace("-", "_").upper(), value
    for word in text.split():
        yield "an argument", "", word


def external_secret(found: Json) -> ExternalSecret:
    """Read one ExternalSecret by its Ready condition."""
    conditions = {c["type"]: c for c in (found.get("status") or {}).get("conditions") or ()}
    ready = conditions.get("Ready") or {"status": "missing"}
    trouble = f"Ready is {ready['status']} ({ready.get('reason', 'no reason')})"
    return ExternalSecret(
        name=found["metadata"]["name"], trouble="" if ready["status"] == "True" else trouble
    )


def key_of(kind: str, metadata: Json) -> tuple[str, str, str]:
    """Return by what a role is found: kind, namespace (empty: of the cluster) and name."""
    return kind, metadata.get("namespace") or "", metadata["name"]


def _named(binding: Json) -> str:
    """Name a binding, with its namespace where it has one."""
    namespace = binding["metadata"].get("namespace")
    name: str = binding["metadata"]["name"]
    return f"{namespace}/{name}" if namespace else name


def is_isolated(template: Json, policies: Iterable[Json]) -> bool:
    """Say whether NetworkPolicies of its namespace keep strangers from a pod of that template.

    A pod that no policy selects is reached by everybody, and so is one of which any policy allows
    everything from everywhere.
    """
    labels = (template.get("metadata") or {}).get("labels") or {}
    mine = [
        spec
        for spec in (found.get("spec") or {} for found in policies)
        if "Ingress" in (spec.get("policyTypes") or ("Ingress",))
        and _selects(spec.get("podSelector") or {}, labels)
    ]
    rules = [rule for spec in mine for rule in spec.get("ingress") or ()]
    return bool(mine) and all(rule.get("from") or rule.get("ports") for rule in rules)


def _selects(selector: Json, labels: Mapping[str, str]) -> bool:
    """Say whether a label selector selects *labels*; an empty one selects everything."""
    for term in selector.get("matchExpressions") or ():
        value, values = labels.get(term["key"]), term.get("values") or ()
        selected = {
            "In": value in values,
            "NotIn": value not in values,
            "Exists": value is not None,
            "DoesNotExist": value is None,
        }
        if not selected.get(term["operator"], False):
            return False
    wanted: Mapping[str, str] = selector.get("matchLabels") or {}
    return wanted.items() <= labels.items()


def _is(subject: Json, name: str, namespace: str) -> bool:
    """Say whether a binding's subject is the account, or a group that it belongs to."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
    match subject.get("kind"):
        case "ServiceAccount":
            return (subject.get("name"), subject.get("namespace")) == (name, namespace)
        case "Group":
            return subject.get("name") in (*groups, "system:authenticated")
        case "User":
            return bool(subject.get("name") == f"system:serviceaccount:{namespace}:{name}")
        case _:
            return False


def _grants(binding: Json, rbac: Rbac) -> Iterator[Grant]:
    reference = binding["roleRef"]
    namespace = binding["metadata"].get("namespace") if reference["kind"] == "Role" else None
    role = rbac.roles.get(key_of(reference["kind"], {**reference, "namespace": namespace}))
    if role is None:
        raise InstrumentError(
            f"{_named(binding)} gives {reference['kind']} {reference['name']}, "
            "which cannot be read: what it allows is unknown"
        )
    for rule in role.get("rules") or ():
        yield Grant(
            role=f"{reference['kind']} {reference['name']}",
            groups=tuple(rule.get("apiGroups") or ()),
            resources=(*(rule.get("resources") or ()), *(rule.get("nonResourceURLs") or ())),
            verbs=tuple(rule.get("verbs") or ()),
            names=tuple(rule.get("resourceNames") or ()),
        )
