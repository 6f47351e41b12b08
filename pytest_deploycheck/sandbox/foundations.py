"""What the workloads of a healthy platform stand on: accounts, limits, room, and a way back."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any, Final

from pytest_deploycheck.sandbox.objects import DEPLOYMENTS, NAMESPACE, STATEFUL_SETS

Object = dict[str, Any]
ACCOUNT: Final = "jorge-platform-service-account"
SECRET: Final = "jorge-app-secrets"  # noqa: S105 - its name
MIGRATION_HEAD: Final = "9f3c2a71b0d4"
CONFIG: Final = "jorge-app-config"
ROLE: Final = "jorge-platform-role"
HELM_RELEASE: Final = "jorge-revenue-platform"
_API: Final = "jorge-revenue-api"
_RBAC: Final = "rbac.authorization.k8s.io"
_SECRET_VARIABLES: Final = {
    _API: ("DATABASE_PASSWORD", "JWT_SECRET", "ANTHROPIC_API_KEY"),
    "postgres": ("POSTGRES_PASSWORD",),
    "redis": ("REDIS_PASSWORD",),
}


def account_of(workload: str) -> str:
    """Return the service account of a workload."""
    return ACCOUNT if workload == _API else workload


def furnish(objects: dict[str, list[Object]], *, release: str, previous: str) -> None:
    """Add to a healthy platform's objects what they stand on."""
    names = {NAMESPACE: {*DEPLOYMENTS, *STATEFUL_SETS}}
    for plural in ("deployments", "statefulsets", "replicasets"):
        for found in objects[plural]:
            spec = found["spec"]["template"]["spec"]
            _furnish(spec, found["metadata"]["labels"].get("app", ""))
    for pod in objects["pods"]:
        if pod["metadata"]["labels"].get("app") in names[NAMESPACE]:
            _furnish(pod["spec"], pod["metadata"]["labels"]["app"])
    for found in objects["deployments"]:
        found["spec"]["strategy"] = {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
        }
        if found["metadata"]["name"] == _API:
            found["metadata"]["annotations"]["deploycheck/migration-head"] = MIGRATION_HEAD
    objects["serviceaccounts"] = [
        {"metadata": _named(name), "automountServiceAccountToken": False}
        for name in ("default", *map(account_of, _SECRET_VARIABLES))
    ]
    objects["roles"] = [
        {
            "metadata": _named(ROLE),
            "rules": [
                _rule(["configmaps"], ["get", "list"]),
                _rule(["secrets"], ["get"], [SECRET]),
            ],
        }
    ]
    objects["rolebindings"] = [
        _binding(f"{ROLE}-binding", "Role", ROLE, ACCOUNT) | {"metadata": _named(f"{ROLE}-binding")}
    ]
    objects["clusterroles"] = [
        {"metadata": {"name": "cluster-admin"}, "rules": [_rule(["*"], ["*"], groups=["*"])]},
        {"metadata": {"name": "system:discovery"}, "rules": []},
    ]
    everyone = {"kind": "Group", "name": "system:authenticated", "apiGroup": _RBAC}
    discovery = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "system:discovery"}
    admins = {"kind": "Group", "name": "system:masters", "apiGroup": _RBAC}
    objects["clusterrolebindings"] = [
        {
            "metadata": {"name": "system:discovery"},
            "subjects": [everyone],
            "roleRef": discovery,
        },
        {
            "metadata": {"name": "cluster-admin"},
            "subjects": [admins],
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
        },
    ]
    objects["nodes"] = [_node(f"node-{index}") for index in (1, 2)]
    objects["resourcequotas"] = [
        {
            "metadata": _named("platform"),
            "status": {
                "hard": {"requests.cpu": "16", "requests.memory": "32Gi", "pods": "40"},
                "used": {"requests.cpu": "2500m", "requests.memory": "3Gi", "pods": "6"},
            },
        }
    ]
    objects["horizontalpodautoscalers"] = [_autoscaler()]
    objects["externalsecrets"] = [
        {
            "metadata": _named(SECRET),
            "status": {
                "conditions": [{"type": "Ready", "status": "True", "reason": "SecretSynced"}]
            },
        }
    ]
    objects["configmaps"].append(
        {"metadata": _named(CONFIG), "data": {"LOG_LEVEL": "info", "CURRENCY": "USD"}}
    )
    objects["secrets"] = [
        helm(6, previous, "superseded"),
        helm(7, release, "deployed"),
    ]


def admin_binding(account: str) -> Object:
    """Return what makes an account of the platform cluster-admin."""
    return _binding(f"{account}-admin", "ClusterRole", "cluster-admin", account)


def _furnish(spec: Object, workload: str) -> None:
    spec["serviceAccountName"] = account_of(workload)
    for container in spec["containers"]:
        container["resources"] = {
            "requests": {"cpu": "500m", "memory": "512Mi"},
            "limits": {"cpu": "2", "memory": "2Gi"},
        }
        container["env"] = [
            {"name": "ENVIRONMENT", "value": "production"},
            *(
                {"name": name, "valueFrom": {"secretKeyRef": {"name": SECRET, "key": name}}}
                for name in _SECRET_VARIABLES.get(workload, ())
            ),
        ]
        if workload == _API:
            container["envFrom"] = [{"configMapRef": {"name": CONFIG}}]
            url = {"name": "EVENTS_URL", "value": "amqp://app:$(DATABASE_PASSWORD)@events:5672"}
            container["env"].append(url)
            container["args"] = ["serve", "--workers=4", "--jwt-secret=$(JWT_SECRET)"]


def _named(name: str) -> Object:
    return {"name": name, "namespace": NAMESPACE, "labels": {}}


def _rule(
    resources: list[str],
    verbs: list[str],
    names: list[str] | None = None,
    groups: list[str] | None = None,
) -> Object:
    rule: Object = {"apiGroups": groups or [""], "resources": resources, "verbs": verbs}
    return rule | ({"resourceNames": names} if names else {})


def _binding(name: str, kind: str, role: str, account: str) -> Object:
    return {
        "metadata": {"name": name},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}],
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": role},
    }


def _node(name: str) -> Object:
    return {
        "metadata": {"name": name, "labels": {}},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "7910m", "memory": "30Gi", "pods": "58"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def _autoscaler() -> Object:
    kinds = ("AbleToScale", "ScalingActive")
    return {
        "metadata": _named(f"{_API}-hpa"),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": _API},
            "minReplicas": 3,
            "maxReplicas": 20,
        },
        "status": {
            "currentReplicas": 3,
            "desiredReplicas": 3,
            "conditions": [{"type": kind, "status": "True", "reason": "Ready"} for kind in kinds],
        },
    }


def helm(number: int, release: str, status: str) -> Object:
    """Return a release as Helm keeps it."""
    image = f"{DEPLOYMENTS[_API][1]}:{release}"
    content = {
        "name": HELM_RELEASE,
        "version": number,
        "info": {"status": status},
        "chart": {"metadata": {"name": HELM_RELEASE, "version": "1.0.0", "appVersion": "1.0.0"}},
        "manifest": f"kind: Deployment\nspec:\n  containers:\n  - name: api\n    image: {image}\n",
    }
    packed = base64.b64encode(gzip.compress(json.dumps(content).encode()))
    labels = {"owner": "helm", "name": HELM_RELEASE, "status": status, "version": str(number)}
    metadata = _named(f"sh.helm.release.v1.{HELM_RELEASE}.v{number}") | {"labels": labels}
    return {
        "metadata": metadata,
        "type": "helm.sh/release.v1",
        "data": {"release": base64.b64encode(packed).decode()},
    }
