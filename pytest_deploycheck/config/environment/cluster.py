"""Kubernetes: what runs there, by which names, and who may do what."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pytest_deploycheck.config.environment.tables import Seconds, Table, Url


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
