"""Whether the cluster has room for a rollout and for more load; pure functions."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from pytest_deploycheck.clients.evidence import shown
from pytest_deploycheck.clients.objects import Json
from pytest_deploycheck.domain.errors import InstrumentError

RESOURCES: Final = ("cpu", "memory")
#: The suffixes of Kubernetes; its own library also reads `NaN`, `2 Gi` and `5mi`.
_FACTORS: Final = {
    "": 1.0,
    **{unit: 1000.0**-power for power, unit in enumerate("mun", 1)},
    **{unit: 1000.0**power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)},
}
_QUANTITY: Final = re.compile(rf"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)({'|'.join(_FACTORS)})")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scaling:
    """What the autoscaler of a workload can still do."""

    now: int
    """Pods that it runs."""
    most: int
    """Pods that it may run."""
    trouble: str
    """Why it cannot scale; empty: it can."""

    @property
    def headroom_ratio(self) -> float:
        """How many pods it may add, as a ratio of those that it runs."""
        return self.most / self.now - 1 if self.now else 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Room:
    """A workload, and how many more of its pods would fit."""

    workload: str
    unbounded: tuple[str, ...]
    """`container: limits.memory` and so on, that its containers leave open."""
    scaled: bool
    """An autoscaler must be able to add pods, says the environment."""
    scaling: Scaling | None
    """None: nothing scales it."""
    rollout_needs: int
    """Pods that a rollout runs beyond the desired ones."""
    nodes_hold: int
    """How many more pods fit on the nodes, by what they have not promised yet."""
    quota_holds: int | None
    """How many more pods the namespace's quotas allow; None: it has none."""

    @property
    def fits(self) -> int:
        """How many more pods there is room for."""
        holds = (
            (self.nodes_hold,) if self.quota_holds is None else (self.nodes_hold, self.quota_holds)
        )
        return min(holds)


def quantity(text: object) -> float:
    """Read a Kubernetes quantity: `500m` is 0.5, `2Gi` is 2147483648.0.

    Raises:
        InstrumentError: It is none.
    """
    match = _QUANTITY.fullmatch(str(text))
    found = float(match[1]) * _FACTORS[match[2]] if match else math.nan
    if not math.isfinite(found):
        raise InstrumentError(f"found {shown(text)}, expected a quantity such as 500m or 2Gi")
    return found


def requests_of(pod_spec: Json) -> dict[str, float]:
    """Return what a pod asks for: its containers together, or an init container that wants more.

    An init container that is restarted always is a sidecar: it stays beside all that come after it.
    """
    return _together(pod_spec, _request)


def limits_of(pod_spec: Json) -> dict[str, float]:
    """Return the limits of a pod, counted as its requests are; a quota may bound them too."""
    return _together(pod_spec, _limit)


def unbounded(pod_spec: Json) -> tuple[str, ...]:
    """Return each request and limit that a container leaves open, one that starts a pod too."""
    return tuple(
        f"{container['name']}: {kind}.{resource}"
        for part in ("containers", "initContainers")
        for container in pod_spec.get(part) or ()
        for kind in ("requests", "limits")
        for resource in RESOURCES
        if resource not in ((container.get("resources") or {}).get(kind) or {})
    )


def scaling(name: str, autoscalers: Iterable[Json]) -> Scaling | None:
    """Return what the autoscaler of the workload *name* can do; None: there is none."""
    for found in autoscalers:
        spec, status = found.get("spec") or {}, found.get("status") or {}
        if (spec.get("scaleTargetRef") or {}).get("name") != name:
            continue
        conditions = {c["type"]: c for c in status.get("conditions") or ()}
        troubles = [
            f"{kind} is {conditions.get(kind, {}).get('status', 'missing')}"
            f" ({conditions.get(kind, {}).get('reason', 'no reason')})"
            for kind in ("AbleToScale", "ScalingActive")
            if conditions.get(kind, {}).get("status") != "True"
        ]
        return Scaling(
            now=int(status.get("currentReplicas") or 0),
            most=int(spec.get("maxReplicas") or 0),
            trouble="; ".join(troubles),
        )
    return None


def surge(deployment: Json) -> int:
    """Return how many pods a rollout runs beyond the desired ones."""
    spec = deployment.get("spec") or {}
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":  # old ones end first
        return 0
    rolling = strategy.get("rollingUpdate") or {}
    found = rolling.get("maxSurge", "25%")
    if isinstance(found, str) and found.endswith("%"):
        return math.ceil(int(spec.get("replicas", 1)) * float(found[:-1]) / 100)
    return int(found)


def takes(node: Json, pod_spec: Json) -> bool:
    """Say whether a pod may run on *node*, by its taints and labels; affinities are not read."""
    labels = node["metadata"].get("labels") or {}
    tolerations = pod_spec.get("tolerations") or ()
    return (pod_spec.get("nodeSelector") or {}).items() <= labels.items() and all(
        any(_tolerates(one, taint) for one in tolerations)
        for taint in (node.get("spec") or {}).get("taints") or ()
        if taint["effect"] != "PreferNoSchedule"
    )


def nodes_hold(pod: Mapping[str, float], nodes: Iterable[Json], pods: Iterable[Json]) -> int:
    """Return how many pods that ask for *pod* fit on the nodes besides *pods*, of all namespaces.

    Raises:
        InstrumentError: There is no node.
    """
    free: dict[str, dict[str, float]] = {}
    for node in nodes:
        conditions = {
            c["type"]: c["status"] for c in (node.get("status") or {}).get("conditions") or ()
        }
        if conditions.get("Ready") == "True" and not (node.get("spec") or {}).get("unschedulable"):
            allocatable = (node.get("status") or {}).get("allocatable") or {}
            wanted = (*RESOURCES, "pods")
            free[node["metadata"]["name"]] = {r: quantity(allocatable.get(r, 0)) for r in wanted}
    if not free:
        raise InstrumentError("found no node that is ready and takes pods")
    for found in pods:
        spec = found.get("spec") or {}
        room = free.get(spec.get("nodeName", ""))
        if room is None or (found.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
            continue
        for resource, value in (requests_of(spec) | {"pods": 1.0}).items():
            room[resource] -= value
    return sum(_times(dict(pod) | {"pods": 1.0}, room) for room in free.values())


def quota_holds(
    pod: Mapping[str, float], quotas: Iterable[Json], *, limits: Mapping[str, float]
) -> int | None:
    """Return how many pods with these *limits* that ask for *pod* quotas allow; None: no quota."""
    wanted = {
        **dict.fromkeys(("pods", "count/pods"), 1.0),
        **pod,
        **{f"requests.{name}": value for name, value in pod.items()},
        **{f"limits.{name}": value for name, value in limits.items()},
    }
    holds: list[int] = []
    for found in quotas:
        status = found.get("status") or {}
        hard, used = status.get("hard") or {}, status.get("used") or {}
        left = {
            name: quantity(hard[name]) - quantity(used.get(name, 0))
            for name in wanted
            if name in hard
        }
        if left:
            holds.append(_times({name: wanted[name] for name in left}, left))
    return min(holds, default=None)


def _tolerates(toleration: Json, taint: Json) -> bool:
    """Say whether *toleration* is of *taint*; one without an effect or a key is of each."""
    return (
        toleration.get("effect") in (None, "", taint["effect"])
        and toleration.get("key") in (None, "", taint["key"])
        and (
            toleration.get("operator") == "Exists"
            or (toleration.get("value") or "") == (taint.get("value") or "")
        )
    )


def _together(pod_spec: Json, of: Callable[[Json, str], float]) -> dict[str, float]:
    """Return the most of each resource that the containers of a pod have at one time."""
    found = {}
    for resource in RESOURCES:
        sidecars = most = 0.0
        for one in pod_spec.get("initContainers") or ():
            most = max(most, sidecars + of(one, resource))
            if one.get("restartPolicy") == "Always":
                sidecars += of(one, resource)
        together = sum(of(one, resource) for one in pod_spec.get("containers") or ())
        overhead = quantity((pod_spec.get("overhead") or {}).get(resource, 0))
        found[resource] = overhead + max(most, sidecars + together)
    return found


def _request(container: Json, resource: str) -> float:
    """Return what a container asks for; without a request, Kubernetes takes its limit."""
    resources = container.get("resources") or {}
    asked = (resources.get("requests") or {}).get(resource)
    if asked is None:
        asked = (resources.get("limits") or {}).get(resource, 0)
    return quantity(asked)


def _limit(container: Json, resource: str) -> float:
    return quantity(((container.get("resources") or {}).get("limits") or {}).get(resource, 0))


def _times(wanted: Mapping[str, float], room: Mapping[str, float]) -> int:
    """Return how often *wanted* fits into *room*."""
    return max(0, min(int(room[name] // value) for name, value in wanted.items() if value > 0))
