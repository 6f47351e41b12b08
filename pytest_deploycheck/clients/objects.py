"""Kubernetes objects as a deployment is judged by them, read from plain JSON; pure functions."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import SubjectError

REVISIONS_BEFORE: Final = "deployment.kubernetes.io/revision-history"
"""The annotation of a revision that a rollback took up again."""
_REVISION: Final = "deployment.kubernetes.io/revision"

Json = Mapping[str, Any]
"""An object as the Kubernetes API answers it."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pod:
    """One pod."""

    name: str
    phase: str
    """`Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`."""
    ready: bool
    """Its Ready condition is True, and it is not being deleted."""
    restarts: int
    """Container restarts since the deployment, as far as the pod tells."""
    reason: str
    """Why it is not running: `CrashLoopBackOff`, `ImagePullBackOff`; or empty."""
    image: str
    """Of its first container, or of the one that carries the release."""
    build: str
    """Digest of what that container runs, as its node tells; empty before it has started."""
    revision: str
    """Hash of the revision that it was made from, or empty."""
    of_job: bool
    replaced: bool
    """Its ReplicaSet counts on it no more and has made another: it is being deleted, or failed."""
    gone_at_s: float | None
    """By when it is to be gone, grace included; None: nobody deletes it."""
    created_at_s: float
    ended_at_s: float | None
    """When its last container ended, None while it runs."""
    labels: Mapping[str, str]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """One Job, as its own conditions tell: its pods may fail and be tried again."""

    name: str
    owner: str
    """The CronJob that made it, or itself."""
    ended_at_s: float | None
    """When it was complete or given up, None while it is at work."""
    failure: str
    """Why it was given up; empty: it was not."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Workload:
    """A Deployment or StatefulSet with its pods."""

    name: str
    kind: str
    min_ready: int
    """What the environment expects at least."""
    desired: int
    updated: int
    ready: int
    total: int
    observed: bool
    """The controller has seen the newest specification."""
    released: bool
    """It carries the release, says the environment."""
    release: str
    """From the release label, else the image's tag or digest."""
    image: str
    pods: tuple[Pod, ...]
    """Of the newest revision."""
    old_pods: tuple[Pod, ...]
    """Of any other revision."""

    @property
    def up(self) -> bool:
        """Enough pods are desired, and just these are there, ready and of the newest revision."""
        return self.updated == self.ready == self.total == self.desired >= self.min_ready

    def __str__(self) -> str:
        """Say how many of its pods are what they should be."""
        return (
            f"{self.kind} {self.name}: {self.desired} desired (at least {self.min_ready}), "
            f"{self.updated} updated, {self.ready} ready, {self.total} in all"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class ServiceEndpoints:
    """How many addresses stand behind a service."""

    name: str
    ready: int
    not_ready: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ingress:
    """Where an ingress is reached, and what for."""

    name: str
    host: str
    """That the environment expects."""
    addresses: tuple[str, ...]
    """IP addresses and host names that its controller was given."""
    leads_to: tuple[str, ...]
    """Where its host must lead: there, or to what the environment says stands before it."""
    hosts: tuple[str, ...]
    """That its rules serve."""
    tls_hosts: tuple[str, ...]
    tls: bool
    """The environment expects a certificate."""


def workload(
    settings: environment.Workload,
    found: Json,
    pods: Iterable[Json],
    sets: Iterable[Json],
    since_s: float,
    release_label: str,
) -> Workload:
    """Read one workload.

    Args:
        settings: What the environment says of it.
        found: The Deployment or StatefulSet.
        pods: Of its namespace.
        sets: The ReplicaSets of its namespace.
        since_s: Restarts after this count.
        release_label: The label that names the release.
    """
    spec, status = found["spec"], found.get("status") or {}
    template = spec["template"]
    if settings.kind == "Deployment":
        newest = newest_set(found, sets)
        revision = labels_of(newest).get("pod-template-hash", "") if newest else ""
    else:
        revision = status.get("updateRevision") or ""
    selector = (spec.get("selector") or {}).get("matchLabels") or {}
    mine = [
        pod(one, settings.container, since_s)
        for one in pods
        if selector and selector.items() <= labels_of(one).items()
    ]
    image = image_of(template["spec"], settings.container)
    return Workload(
        name=settings.name,
        kind=settings.kind,
        min_ready=settings.min_ready,
        desired=spec.get("replicas", 1),
        updated=status.get("updatedReplicas", 0),
        ready=status.get("readyReplicas", 0),
        total=status.get("replicas", 0),
        observed=status.get("observedGeneration", -1) >= found["metadata"].get("generation", 0),
        released=settings.released,
        release=release_of(found, settings.container, release_label),
        image=image,
        pods=tuple(one for one in mine if one.revision == revision and revision),
        old_pods=tuple(
            one
            for one in mine
            if one.revision != revision and one.ended_at_s is None and not one.replaced
        ),
    )


def release_of(found: Json, container: str | None, release_label: str) -> str:
    """Return the release of a workload or ReplicaSet: its label's, else the image's tag."""
    template = found["spec"]["template"]
    label = labels_of(template).get(release_label) or labels_of(found).get(release_label)
    return label or tag_of(image_of(template["spec"], container))


def labels_of(found: Json) -> Mapping[str, str]:
    """Return the labels of an object; none: an empty table."""
    return (found.get("metadata") or {}).get("labels") or {}


def newest_set(deployment: Json, sets: Iterable[Json]) -> Json | None:
    """Return the ReplicaSet of the Deployment's current revision, None when it has none yet."""
    return max(sets_of(deployment, sets), key=revision_of, default=None)


def sets_of(deployment: Json, sets: Iterable[Json]) -> list[Json]:
    """Return the ReplicaSets that are the Deployment's."""
    uid, name = deployment["metadata"].get("uid"), deployment["metadata"]["name"]
    return [
        found
        for found in sets
        for owner in found["metadata"].get("ownerReferences") or ()
        if owner.get("kind") == "Deployment"
        and (owner.get("uid"), owner.get("name")) == (uid, name)
    ]


def revision_of(found: Json) -> int:
    """Return the number of the revision that a ReplicaSet stands for, 0 when it has none."""
    return int((found["metadata"].get("annotations") or {}).get(_REVISION, 0))


def image_of(pod_spec: Json, container: str | None) -> str:
    """Return the image of *container*, of the first one when it is None."""
    for found in pod_spec.get("containers") or ():
        if container in (None, found["name"]):
            return str(found.get("image", ""))
    return ""


def tag_of(image: str) -> str:
    """Return the tag, or the digest, of an image reference; empty when it has neither."""
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return tag or digest


def time_of(text: str | None) -> float | None:
    """Read a Kubernetes time as Unix seconds."""
    return None if not text else dt.datetime.fromisoformat(text).timestamp()


def pod(found: Json, container: str | None, since_s: float) -> Pod:
    """Read one pod; restarts are counted since *since_s*."""
    metadata, status = found["metadata"], found.get("status") or {}
    created_at_s = time_of(metadata.get("creationTimestamp")) or 0.0
    statuses = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    conditions = {c["type"]: c["status"] for c in status.get("conditions") or ()}
    phase = status.get("phase", "Unknown")
    labels = labels_of(found)
    ends = [_ended(s.get("state") or {}) for s in status.get("containerStatuses") or ()]
    over = phase in ("Succeeded", "Failed")
    gone_at_s = time_of(metadata.get("deletionTimestamp"))
    makers = {owner.get("kind") for owner in metadata.get("ownerReferences") or ()}
    return Pod(
        name=metadata["name"],
        phase=phase,
        ready=conditions.get("Ready") == "True" and gone_at_s is None,
        restarts=sum(_restarts(one, created_at_s, since_s) for one in statuses),
        reason=_reason(status, statuses),
        image=image_of(found.get("spec") or {}, container),
        build=_build(status, container),
        revision=labels.get("pod-template-hash") or labels.get("controller-revision-hash") or "",
        of_job="Job" in makers,
        replaced="ReplicaSet" in makers and (phase == "Failed" or gone_at_s is not None),
        gone_at_s=gone_at_s,
        created_at_s=created_at_s,
        ended_at_s=max((end for end in ends if end is not None), default=created_at_s)
        if over
        else None,
        labels=labels,
    )


def job(found: Json) -> Job:
    """Read one Job."""
    metadata, status = found["metadata"], found.get("status") or {}
    ends = {
        c["type"]: c
        for c in status.get("conditions") or ()
        if c["type"] in ("Complete", "Failed") and c["status"] == "True"
    }
    failed = ends.get("Failed")
    makers = [o["name"] for o in metadata.get("ownerReferences") or () if o["kind"] == "CronJob"]
    return Job(
        name=metadata["name"],
        owner=makers[0] if makers else metadata["name"],
        ended_at_s=max(
            (time_of(end.get("lastTransitionTime")) or 0.0 for end in ends.values()), default=None
        ),
        failure=str(failed.get("reason") or "no reason told") if failed else "",
    )


def _ended(state: Mapping[str, Any]) -> float | None:
    """Return when a container state ended, None when it did not."""
    return time_of((state.get("terminated") or {}).get("finishedAt"))


def _restarts(container: Json, created_at_s: float, since_s: float) -> int:
    """Count restarts since *since_s*; of an older pod only the newest one can be dated."""
    count = int(container.get("restartCount", 0))
    if count == 0 or created_at_s >= since_s:
        return count
    last_s = _ended(container.get("lastState") or {})
    return 1 if last_s is not None and last_s >= since_s else 0


def _build(status: Json, container: str | None) -> str:
    """Return the digest of what *container* runs, of the first one when it is None."""
    for found in status.get("containerStatuses") or ():
        if container in (None, found.get("name")):
            return str(found.get("imageID") or "").rpartition("@")[2]
    return ""


def _reason(status: Json, containers: Iterable[Json]) -> str:
    """Say why the pod, or the first of its containers that waits, does not run."""
    for container in containers:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason"):
            return str(waiting["reason"])
    return str(status.get("reason") or "")


def ingress(have: Mapping[str, Json], wanted: environment.Ingress) -> Ingress:
    """Read the ingress *wanted* from those that the namespace has, by name.

    Raises:
        SubjectError: It is not among them.
    """
    found = have.get(wanted.name)
    if found is None:
        names = ", ".join(have) or "none"
        raise SubjectError(f"found no Ingress {wanted.name}; the namespace has {names}")
    spec = found.get("spec") or {}
    balancer = (found.get("status") or {}).get("loadBalancer") or {}
    addresses = [
        address.get("ip") or address.get("hostname") for address in balancer.get("ingress") or ()
    ]
    return Ingress(
        name=wanted.name,
        host=wanted.host,
        addresses=tuple(address for address in addresses if address),
        leads_to=wanted.behind or tuple(address for address in addresses if address),
        hosts=tuple(rule.get("host", "*") for rule in spec.get("rules") or ()),
        tls_hosts=tuple(host for tls in spec.get("tls") or () for host in tls.get("hosts") or ()),
        tls=wanted.tls,
    )
