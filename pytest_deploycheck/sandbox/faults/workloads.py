"""Pods and rollouts that went wrong."""

from __future__ import annotations

import copy
from typing import Any

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import objects
from pytest_deploycheck.sandbox.faults.fault import (
    HEALTH,
    HEALTH_POINT,
    PODS,
    SECURITY_POINT,
    fault,
)
from pytest_deploycheck.sandbox.platform import PREVIOUS_RELEASE, Platform

_API = "jorge-revenue-api"
#: The run itself reads Deployments before its first check; only checks ask for StatefulSets.
_FIRST_CHECK = "cluster statefulsets"


@fault(PODS, HEALTH_POINT, "post_24h/memory-cpu-usage", trigger=HEALTH)
def pod_crash_looping(platform: Platform) -> None:
    """A pod of the API crashes again and again."""
    _unready(platform, waiting="CrashLoopBackOff", restarts=5)


@fault(PODS, HEALTH_POINT, trigger=HEALTH)
def image_pull_fails(platform: Platform) -> None:
    """A pod of the API is pending, because its image cannot be pulled."""
    _unready(platform, waiting="ImagePullBackOff", phase="Pending")


@fault(PODS, HEALTH_POINT, trigger=HEALTH)
def pod_not_ready(platform: Platform) -> None:
    """A pod of the API is Running and never becomes ready."""
    _unready(platform)


@fault(PODS, "post_24h/memory-cpu-usage", trigger=HEALTH)
def pod_restarted(platform: Platform) -> None:
    """A pod of the API is ready, and has been restarted three times since the deployment."""
    _container(next(platform.pods(_API)))["restartCount"] = 3


@fault(PODS, HEALTH_POINT, trigger=HEALTH)
def old_pods_remain(platform: Platform) -> None:
    """A pod of the previous release runs on beside the new ones."""
    _add_old_pod(platform)
    platform.one("deployments", _API)["status"]["replicas"] += 1


@fault(PODS, HEALTH_POINT, trigger=HEALTH)
def rollout_stuck(platform: Platform) -> None:
    """The rollout stopped half-way: one pod is still of the previous release."""
    platform.objects["pods"].remove(next(platform.pods(_API)))
    _add_old_pod(platform)
    platform.one("deployments", _API)["status"]["updatedReplicas"] -= 1


@fault(PODS, trigger=HEALTH)
def rollout_unseen(platform: Platform) -> None:
    """The controller has not seen the newest specification of the API."""
    platform.one("deployments", _API)["status"]["observedGeneration"] -= 1


@fault(PODS, trigger=HEALTH)
def pod_with_another_image(platform: Platform) -> None:
    """A pod of the new revision runs an image other than the release's."""
    pod = next(platform.pods(_API))
    pod["spec"]["containers"][0]["image"] += "-debug"


@fault(PODS, verdict=Verdict.HOLD)
def tag_pushed_again(platform: Platform) -> None:
    """The tag of the release was pushed again between two pods: one runs another build."""
    container = _container(next(platform.pods(_API)))
    container["imageID"] = f"{container['imageID'].rpartition('@')[0]}@sha256:{'1' * 64}"


@fault(PODS, HEALTH_POINT, trigger=HEALTH)
def too_few_replicas(platform: Platform) -> None:
    """The API was scaled down to two pods; at least three are expected."""
    deployment = platform.one("deployments", _API)
    platform.objects["pods"].remove(next(platform.pods(_API)))
    deployment["spec"]["replicas"] = 2
    for count in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"):
        deployment["status"][count] = 2


@fault(PODS, HEALTH_POINT, SECURITY_POINT, trigger=HEALTH)
def workload_missing(platform: Platform) -> None:
    """The StatefulSet of the cache is gone, while its pod still runs."""
    platform.objects["statefulsets"].remove(platform.one("statefulsets", "redis"))


@fault(PODS, verdict=Verdict.HOLD)
def pod_evicted(platform: Platform) -> None:
    """A node was short of memory and evicted a pod of the API, which another has replaced."""
    pod = _add_another(platform)
    pod["status"] = {"phase": "Failed", "reason": "Evicted"}


@fault(PODS, verdict=Verdict.HOLD)
def pod_never_ends(platform: Platform) -> None:
    """A pod of the API was to be gone long ago: its node is lost, and another has replaced it."""
    pod = _add_another(platform)
    pod["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z"


@fault(PODS, verdict=Verdict.HOLD)
def job_failed(platform: Platform) -> None:
    """A job has failed since the deployment as often as it may be tried."""
    platform.one("pods", objects.BACKUP)["status"]["phase"] = "Failed"
    (condition,) = platform.one("jobs", objects.BACKUP)["status"]["conditions"]
    condition |= {"type": "Failed", "reason": "BackoffLimitExceeded"}


@fault(PODS, HEALTH_POINT, verdict=Verdict.OBSERVE)
def pod_ready_late(platform: Platform) -> None:
    """A pod of the API becomes ready about a second after the first check has looked."""
    healthy = copy.deepcopy([next(platform.pods(_API)), platform.one("deployments", _API)])
    broken = [next(platform.pods(_API)), platform.one("deployments", _API)]
    _unready(platform)

    def mend() -> None:
        for before, after in zip(broken, healthy, strict=True):
            before |= after

    platform.recover(_FIRST_CHECK, after_s=1.2, change=mend)


def _unready(
    platform: Platform, *, phase: str = "Running", waiting: str | None = None, restarts: int = 0
) -> None:
    """Let the API's first pod not be ready, and its Deployment count it so."""
    pod = next(platform.pods(_API))
    pod["status"]["phase"] = phase
    for condition in pod["status"]["conditions"]:
        if condition["type"] in ("ContainersReady", "Ready"):
            condition |= {"status": "False", "reason": "ContainersNotReady"}
    container = _container(pod)
    container |= {"ready": False, "restartCount": restarts}
    if waiting is not None:
        container["state"] = {"waiting": {"reason": waiting}}
    status = platform.one("deployments", _API)["status"]
    status["readyReplicas"] -= 1
    status["availableReplicas"] -= 1


def _container(pod: dict[str, Any]) -> dict[str, Any]:
    status: dict[str, Any] = pod["status"]["containerStatuses"][0]
    return status


def _add_another(platform: Platform) -> dict[str, Any]:
    """Add a pod of the API that its Deployment does not count, and return it."""
    pod = copy.deepcopy(next(platform.pods(_API)))
    pod["metadata"]["name"] += "-left"
    platform.objects["pods"].append(pod)
    return pod


def _add_old_pod(platform: Platform) -> None:
    container, image, _ = objects.DEPLOYMENTS[_API]
    born = platform.one("deployments", _API)["metadata"]["creationTimestamp"]
    name = f"{_API}-5b8f7d6c94-old4z"
    platform.objects["pods"].append(
        objects.running(_API, name, container, f"{image}:{PREVIOUS_RELEASE}", born)
    )
