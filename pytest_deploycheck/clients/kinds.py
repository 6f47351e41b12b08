"""What an object of each kind that the Kubernetes API answers must look like, as far as it is read.

Whoever reads one relies on it: another shape is found where it arrives, and nowhere else.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from pytest_deploycheck.clients import shapes
from pytest_deploycheck.clients.objects import Json
from pytest_deploycheck.clients.shapes import Shape


def _told(text: str) -> str:
    dt.datetime.fromisoformat(text)
    return text


Texts = dict[str, str] | None
Things = dict[str, Any] | None
Time = Annotated[str, AfterValidator(_told)]


class _Owner(Shape):
    kind: str
    name: str


class _Annotations(Shape):
    revision: str = Field(default="0", alias="deployment.kubernetes.io/revision", pattern=r"^\d+$")


class _Metadata(Shape):
    name: str
    labels: Texts = None
    annotations: _Annotations | None = None
    owners: list[_Owner] | None = Field(default=None, alias="ownerReferences")
    created_at: Time | None = Field(default=None, alias="creationTimestamp")
    gone_at: Time | None = Field(default=None, alias="deletionTimestamp")
    generation: int = 0


class _Object(Shape):
    metadata: _Metadata


class _Condition(Shape):
    type: str
    status: str
    changed_at: Time | None = Field(default=None, alias="lastTransitionTime")


class _Key(Shape):
    name: str
    key: str


class _Source(Shape):
    of_map: _Key | None = Field(default=None, alias="configMapKeyRef")


class _Variable(Shape):
    name: str
    value: str | None = None
    value_from: _Source | None = Field(default=None, alias="valueFrom")


class _Name(Shape):
    name: str


class _Variables(Shape):
    of_map: _Name | None = Field(default=None, alias="configMapRef")
    prefix: str | None = None


class _Resources(Shape):
    requests: Things = None
    limits: Things = None


class _Container(Shape):
    name: str
    image: str = ""
    env: list[_Variable] | None = None
    env_from: list[_Variables] | None = Field(default=None, alias="envFrom")
    command: list[str] | None = None
    args: list[str] | None = None
    resources: _Resources | None = None


class _PodSpec(Shape):
    containers: list[_Container] = Field(min_length=1)
    before: list[_Container] | None = Field(default=None, alias="initContainers")
    account: str | None = Field(default=None, alias="serviceAccountName")
    node: str | None = Field(default=None, alias="nodeName")


class _TemplateMetadata(Shape):
    labels: Texts = None


class _Template(Shape):
    metadata: _TemplateMetadata | None = None
    spec: _PodSpec


class _Selector(Shape):
    labels: Texts = Field(default=None, alias="matchLabels")


class _Surge(Shape):
    most: Annotated[str, Field(pattern=r"^\d+%?$")] | int = Field(default="25%", alias="maxSurge")


class _Strategy(Shape):
    rolling: _Surge | None = Field(default=None, alias="rollingUpdate")


class _WorkloadSpec(Shape):
    replicas: int = 1
    template: _Template
    selector: _Selector | None = None
    strategy: _Strategy | None = None


class _WorkloadStatus(Shape):
    observed: int = Field(default=-1, alias="observedGeneration")
    total: int = Field(default=0, alias="replicas")
    updated: int = Field(default=0, alias="updatedReplicas")
    ready: int = Field(default=0, alias="readyReplicas")
    revision: str | None = Field(default=None, alias="updateRevision")


class _Workload(_Object):
    spec: _WorkloadSpec
    status: _WorkloadStatus | None = None


class _Ended(Shape):
    at: Time | None = Field(default=None, alias="finishedAt")


class _State(Shape):
    waiting: Things = None
    terminated: _Ended | None = None


class _ContainerStatus(Shape):
    build: str = Field(default="", alias="imageID")
    restarts: int = Field(default=0, alias="restartCount")
    state: _State | None = None
    before: _State | None = Field(default=None, alias="lastState")


class _PodStatus(Shape):
    phase: str = "Unknown"
    conditions: list[_Condition] | None = None
    containers: list[_ContainerStatus] | None = Field(default=None, alias="containerStatuses")
    before: list[_ContainerStatus] | None = Field(default=None, alias="initContainerStatuses")


class _Pod(_Object):
    spec: _PodSpec | None = None
    status: _PodStatus | None = None


class _Endpoint(Shape):
    conditions: Things = None
    addresses: list[str] | None = None


class _EndpointSlice(_Object):
    endpoints: list[_Endpoint] | None = None


class _Rule(Shape):
    host: str = "*"


class _Tls(Shape):
    hosts: list[str] | None = None


class _IngressSpec(Shape):
    rules: list[_Rule] | None = None
    tls: list[_Tls] | None = None


class _Address(Shape):
    ip: str | None = None
    hostname: str | None = None


class _Balancer(Shape):
    ingress: list[_Address] | None = None


class _IngressStatus(Shape):
    balancer: _Balancer | None = Field(default=None, alias="loadBalancer")


class _Ingress(_Object):
    spec: _IngressSpec | None = None
    status: _IngressStatus | None = None


class _Permissions(Shape):
    groups: list[str] | None = Field(default=None, alias="apiGroups")
    resources: list[str] | None = None
    urls: list[str] | None = Field(default=None, alias="nonResourceURLs")
    verbs: list[str] | None = None
    names: list[str] | None = Field(default=None, alias="resourceNames")


class _Role(_Object):
    rules: list[_Permissions] | None = None


class _Binding(_Object):
    role: _Owner = Field(alias="roleRef")
    subjects: list[dict[str, Any]] | None = None


class _NodeStatus(Shape):
    conditions: list[_Condition] | None = None
    allocatable: Things = None


class _Node(_Object):
    spec: Things = None
    status: _NodeStatus | None = None


class _QuotaStatus(Shape):
    hard: Things = None
    used: Things = None


class _Quota(_Object):
    status: _QuotaStatus | None = None


class _ScalerSpec(Shape):
    target: Things = Field(default=None, alias="scaleTargetRef")
    most: int | None = Field(default=None, alias="maxReplicas")


class _ScalerStatus(Shape):
    now: int | None = Field(default=None, alias="currentReplicas")
    conditions: list[_Condition] | None = None


class _Scaler(_Object):
    spec: _ScalerSpec | None = None
    status: _ScalerStatus | None = None


class _Data(_Object):
    """A Secret or a ConfigMap."""

    data: Texts = None


class _Conditions(Shape):
    conditions: list[_Condition] | None = None


class _Conditional(_Object):
    """A Job or an ExternalSecret."""

    status: _Conditions | None = None


class _Version(Shape):
    version: str


class _Group(Shape):
    preferred: _Version = Field(alias="preferredVersion")


_SHAPES: Final[Mapping[str, type[Shape]]] = {
    "apis": _Group,
    "clusterrolebindings": _Binding,
    "clusterroles": _Role,
    "configmaps": _Data,
    "controllerrevisions": _Object,
    "deployments": _Workload,
    "endpointslices": _EndpointSlice,
    "externalsecrets": _Conditional,
    "horizontalpodautoscalers": _Scaler,
    "ingresses": _Ingress,
    "jobs": _Conditional,
    "nodes": _Node,
    "pods": _Pod,
    "replicasets": _Workload,
    "resourcequotas": _Quota,
    "rolebindings": _Binding,
    "roles": _Role,
    "secrets": _Data,
    "serviceaccounts": _Object,
    "statefulsets": _Workload,
}


class _Reviewed(Shape):
    user: Things = Field(default=None, alias="userInfo")


class _Review(Shape):
    status: _Reviewed | None = None


class _PageMetadata(Shape):
    token: str | None = Field(default=None, alias="continue")


class _Page(Shape):
    kind: str = Field(pattern="List$")
    metadata: _PageMetadata | None = None
    items: list[Any] | None  # an empty list may be null, and is there


def one(plural: str, found: Json, *, where: str) -> Json:
    """Return *found*, which looks as an object of its kind must, as far as the kind is known.

    Args:
        plural: As the API names the kind: `deployments`.
        found: The decoded JSON.
        where: The request that it answers.

    Raises:
        InstrumentError: It has another shape; with found and expected.
    """
    if plural in _SHAPES:
        shapes.read(_SHAPES[plural], found, where=where, what=f"one of the {plural}")
    return found


def page(plural: str, found: Json, *, where: str) -> tuple[list[Json], str]:
    """Return the objects of one page of a list, and what asks for the next page, if there is one.

    Args:
        plural: As the API names the kind; objects of an unknown one must have a name.
        found: The decoded JSON.
        where: The request that it answers.

    Raises:
        InstrumentError: The page, or an object on it, has another shape.
    """
    head = shapes.read(_Page, found, where=where, what=f"a list of {plural}")
    shape = _SHAPES.get(plural, _Object)
    items = head.items or []
    shapes.read(list[shape], items, where=where, what=f"a list of {plural}")  # type: ignore[valid-type]  # known at run time
    return items, (head.metadata and head.metadata.token) or ""


def account(review: Json, *, where: str) -> str:
    """Return who the API server takes us for; empty: it does not say.

    Raises:
        InstrumentError: The answer has another shape.
    """
    told = shapes.read(_Review, review, where=where, what="a SelfSubjectReview").status
    return str((told.user if told and told.user else {}).get("username") or "")
