"""The Kubernetes objects of a healthy platform, rolled out once."""

from __future__ import annotations

import datetime
import zlib
from typing import Any

from pytest_deploycheck.sandbox.platform import PREVIOUS_RELEASE, RELEASE

NAMESPACE = "jorge-revenue-platform"
CONTROLLER_NAMESPACE = "ingress-nginx"
CONTROLLER = "ingress-nginx-controller"
ADDRESS = "127.0.0.1"

#: Deployment → container, image without tag, replicas.
DEPLOYMENTS = {
    "jorge-revenue-api": ("api", "ghcr.io/jorge-salas/revenue-platform", 3),
    CONTROLLER: ("controller", "registry.k8s.io/ingress-nginx/controller", 2),
}
#: What is not of the platform: workload → its namespace, and its own release.
NAMESPACES = {CONTROLLER: CONTROLLER_NAMESPACE}
OTHER_RELEASES = {CONTROLLER: "v1.11.3"}
#: StatefulSet → image.
STATEFUL_SETS = {"postgres": "postgres:15-alpine", "redis": "redis:7-alpine"}
#: Service → the workload behind it, and its port.
SERVICES = {
    "jorge-revenue-api-svc": ("jorge-revenue-api", 8000),
    "postgres": ("postgres", 5432),
    "redis": ("redis", 6379),
}
#: A Job of the CronJob that backs up the database.
BACKUP = "postgresql-backup-29387520"
#: Ingress → the service behind it.
INGRESSES = {"jorge-revenue-api-ingress": "jorge-revenue-api-svc"}

Object = dict[str, Any]


def healthy(deployed_at_s: float, host: str) -> dict[str, list[Object]]:
    """Return every object by its plural, with the rollout finished seconds after *deployed_at_s*.

    Args:
        deployed_at_s: When the rollout started, in Unix seconds.
        host: The name that the ingresses serve.
    """
    objects: dict[str, list[Object]] = {"events": [], "configmaps": []}

    def add(plural: str, one: Object) -> None:
        objects.setdefault(plural, []).append(one)

    started, before = _time(deployed_at_s), _time(deployed_at_s - 20 * 86400)
    for name, (container, image, replicas) in DEPLOYMENTS.items():
        release = OTHER_RELEASES.get(name, RELEASE)
        rolled_out = before if name in OTHER_RELEASES else started
        add("deployments", _deployment(name, container, f"{image}:{release}", replicas, before))
        add("replicasets", _replica_set(name, "6", PREVIOUS_RELEASE, 0, image, before))
        add("replicasets", _replica_set(name, "7", release, replicas, image, rolled_out))
        for index in range(replicas):
            pod = f"{_hashed(name, release)}-{'abcdefg'[index]}{index}x7k"
            born = before if name in OTHER_RELEASES else _time(deployed_at_s + 12 * index)
            add("pods", running(name, pod, container, f"{image}:{release}", born))
    for name, image in STATEFUL_SETS.items():
        add("statefulsets", _stateful_set(name, image, before))
        add("pods", running(name, f"{name}-0", name, image, before))
    add("pods", _completed(f"{BACKUP}-xv2lq", started))
    add("jobs", _job(BACKUP, started))
    for name, (workload, port) in SERVICES.items():
        add("services", _service(name, workload, port, before))
        add("endpointslices", _slice(name, workload, port, objects["pods"], before))
    for name, service in INGRESSES.items():
        add("ingresses", _ingress(name, service, host, before))
    add("networkpolicies", _network_policy("jorge-revenue-api-netpol", before))
    for namespace in (NAMESPACE, CONTROLLER_NAMESPACE):
        add("namespaces", {"metadata": {"name": namespace}, "status": {"phase": "Active"}})
    return objects


def running(workload: str, name: str, container: str, image: str, born: str) -> Object:
    """Return a pod that is running and ready."""
    labels = {"app": workload}
    release = image.rpartition(":")[2]
    if workload in DEPLOYMENTS:
        owner = _owner("apps/v1", "ReplicaSet", _hashed(workload, release))
        labels["app.kubernetes.io/version"] = release
        labels["pod-template-hash"] = owner["name"].rpartition("-")[2]
    elif workload in STATEFUL_SETS:
        owner = _owner("apps/v1", "StatefulSet", workload)
        labels["controller-revision-hash"] = _revision(workload)
    else:
        owner = _owner("batch/v1", "Job", name.rpartition("-")[0])
    conditions = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    return {
        "metadata": _metadata(name, born, labels) | {"ownerReferences": [owner]},
        "spec": {"containers": [{"name": container, "image": image}], "nodeName": "node-1"},
        "status": {
            "phase": "Running",
            "podIP": "10.0.0.7",
            "startTime": born,
            "conditions": [
                {"type": kind, "status": "True", "lastTransitionTime": born} for kind in conditions
            ],
            "containerStatuses": [
                {
                    "name": container,
                    "image": image,
                    "imageID": f"{image.rpartition(':')[0]}@sha256:{'0' * 64}",
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": born}},
                    "lastState": {},
                }
            ],
        },
    }


def _time(at_s: float) -> str:
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _hashed(workload: str, release: str) -> str:
    """Return the name of a release's ReplicaSet."""
    return f"{workload}-{'5b8f7d6c94' if release == PREVIOUS_RELEASE else '7d9c6b5f48'}"


def _revision(stateful_set: str) -> str:
    return f"{stateful_set}-6c8d7f5b9"


def _uid(name: str) -> str:
    return f"00000000-0000-4000-8000-{zlib.crc32(name.encode()):012d}"


def _owner(version: str, kind: str, name: str) -> Object:
    return {
        "apiVersion": version,
        "kind": kind,
        "name": name,
        "uid": _uid(name),
        "controller": True,
    }


def _metadata(name: str, born: str, labels: dict[str, str]) -> Object:
    return {
        "name": name,
        "namespace": NAMESPACES.get(labels.get("app", ""), NAMESPACE),
        "labels": labels,
        "annotations": {},
        "creationTimestamp": born,
        "resourceVersion": "184000",
        "uid": _uid(name),
        "generation": 7,
    }


def _template(name: str, container: str, image: str, release: str) -> Object:
    return {
        "metadata": {"labels": {"app": name, "app.kubernetes.io/version": release}},
        "spec": {"containers": [{"name": container, "image": image}]},
    }


def _deployment(name: str, container: str, image: str, replicas: int, born: str) -> Object:
    release = image.rpartition(":")[2]
    labels = {"app": name, "app.kubernetes.io/version": release}
    counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    return {
        "metadata": _metadata(name, born, labels)
        | {"annotations": {"deployment.kubernetes.io/revision": "7"}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": _template(name, container, image, release),
        },
        "status": dict.fromkeys(counts, replicas)
        | {
            "observedGeneration": 7,
            "conditions": [
                {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"},
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
            ],
        },
    }


def _replica_set(
    name: str, revision: str, release: str, replicas: int, image: str, born: str
) -> Object:
    container = DEPLOYMENTS[name][0]
    hashed = _hashed(name, release)
    labels = {
        "app": name,
        "app.kubernetes.io/version": release,
        "pod-template-hash": hashed.rpartition("-")[2],
    }
    owner = _owner("apps/v1", "Deployment", name)
    counts = ("replicas", "readyReplicas", "availableReplicas", "fullyLabeledReplicas")
    return {
        "metadata": _metadata(hashed, born, labels)
        | {
            "annotations": {"deployment.kubernetes.io/revision": revision},
            "ownerReferences": [owner],
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": _template(name, container, f"{image}:{release}", release),
        },
        "status": dict.fromkeys(counts, replicas) | {"observedGeneration": 7},
    }


def _stateful_set(name: str, image: str, born: str) -> Object:
    counts = ("replicas", "currentReplicas", "updatedReplicas", "readyReplicas")
    return {
        "metadata": _metadata(name, born, {"app": name}),
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": name, "image": image}]},
            },
        },
        "status": dict.fromkeys((*counts, "availableReplicas"), 1)
        | {
            "observedGeneration": 7,
            "currentRevision": _revision(name),
            "updateRevision": _revision(name),
        },
    }


def _completed(name: str, born: str) -> Object:
    """Return a pod of a finished job: neither running nor ready, and fine."""
    pod = running("postgresql-backup", name, "backup", "postgres:15-alpine", born)
    status = pod["status"]
    status["phase"] = "Succeeded"
    for condition in status["conditions"]:
        if condition["type"] in ("ContainersReady", "Ready"):
            condition |= {"status": "False", "reason": "PodCompleted"}
    state = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": born}}
    status["containerStatuses"][0] |= {"ready": False, "started": False, "state": state}
    return pod


def _job(name: str, born: str) -> Object:
    """Return a job that has ended well."""
    owner = _owner("batch/v1", "CronJob", name.rpartition("-")[0])
    return {
        "metadata": _metadata(name, born, {}) | {"ownerReferences": [owner]},
        "spec": {"backoffLimit": 6},
        "status": {
            "succeeded": 1,
            "conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": born}],
        },
    }


def _service(name: str, workload: str, port: int, born: str) -> Object:
    return {
        "metadata": _metadata(name, born, {"app": workload}),
        "spec": {
            "type": "ClusterIP",
            "clusterIP": "10.96.0.10",
            "selector": {"app": workload},
            "ports": [{"name": "http", "port": port, "targetPort": port, "protocol": "TCP"}],
        },
        "status": {"loadBalancer": {}},
    }


def _slice(name: str, workload: str, port: int, pods: list[Object], born: str) -> Object:
    endpoints = [
        {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "targetRef": {
                "kind": "Pod",
                "name": pod["metadata"]["name"],
                "namespace": NAMESPACE,
            },
        }
        for pod in pods
        if pod["metadata"]["labels"]["app"] == workload
    ]
    return {
        "metadata": _metadata(f"{name}-x8k2p", born, {"kubernetes.io/service-name": name}),
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
        "endpoints": endpoints,
    }


def _ingress(name: str, service: str, host: str, born: str) -> Object:
    backend = {"service": {"name": service, "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    return {
        "metadata": _metadata(name, born, {"app": SERVICES[service][0]}),
        "spec": {
            "ingressClassName": "nginx",
            "rules": [{"host": host, "http": {"paths": [path]}}],
            "tls": [{"hosts": [host], "secretName": f"{name}-tls"}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": ADDRESS}]}},
    }


def _network_policy(name: str, born: str) -> Object:
    return {
        "metadata": _metadata(name, born, {"app": "jorge-revenue-api"}),
        "spec": {
            "podSelector": {"matchLabels": {"app": "jorge-revenue-api"}},
            "policyTypes": ["Ingress"],
            "ingress": [{"from": [{"namespaceSelector": {}}], "ports": [{"port": 8000}]}],
        },
    }
