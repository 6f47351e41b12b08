"""The Kubernetes API: lists with labels and paging, single objects, who am I, and Status errors.

kmock was tried first. It costs 1.1 s of CPU to import, needs an event loop, and has neither a
resourceVersion nor limit/continue in its lists; these few paths over the platform's objects do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pytest_deploycheck.sandbox.platform import Platform
from pytest_deploycheck.sandbox.web import Request, Response

KINDS: Mapping[str, tuple[str, str]] = {
    "configmaps": ("v1", "ConfigMap"),
    "endpoints": ("v1", "Endpoints"),
    "events": ("v1", "Event"),
    "namespaces": ("v1", "Namespace"),
    "pods": ("v1", "Pod"),
    "services": ("v1", "Service"),
    "deployments": ("apps/v1", "Deployment"),
    "replicasets": ("apps/v1", "ReplicaSet"),
    "statefulsets": ("apps/v1", "StatefulSet"),
    "jobs": ("batch/v1", "Job"),
    "nodes": ("v1", "Node"),
    "resourcequotas": ("v1", "ResourceQuota"),
    "secrets": ("v1", "Secret"),
    "serviceaccounts": ("v1", "ServiceAccount"),
    "horizontalpodautoscalers": ("autoscaling/v2", "HorizontalPodAutoscaler"),
    "clusterroles": ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    "clusterrolebindings": ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    "roles": ("rbac.authorization.k8s.io/v1", "Role"),
    "rolebindings": ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice"),
    "externalsecrets": ("external-secrets.io/v1", "ExternalSecret"),
    "ingresses": ("networking.k8s.io/v1", "Ingress"),
    "networkpolicies": ("networking.k8s.io/v1", "NetworkPolicy"),
}

_PATH = re.compile(
    r"/(?:api|apis)/(?P<version>v1|[^/]+/v[12])"
    r"(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?"
)
_REVIEW = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_EXTERNAL = "/apis/external-secrets.io"
_REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound"}
_RESOURCE_VERSION = "184467"


def answer(platform: Platform, request: Request) -> Response:
    """Answer as an API server whose one user may read everything."""
    if request.headers.get("authorization") != f"Bearer {platform.credentials.cluster_token}":
        return status(401, "Unauthorized")
    if request.path == "/version":
        return Response.of({"major": "1", "minor": "31", "gitVersion": "v1.31.4"})
    if (request.method, request.path) == ("POST", _REVIEW):
        user = {"username": "system:serviceaccount:deploycheck:reader", "groups": []}
        return Response.of(
            {
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "SelfSubjectReview",
                "metadata": {},
                "status": {"userInfo": user},
            },
            status=201,
        )
    if request.method != "GET":
        return status(403, f"the sandbox's user may only read, not {request.method}")
    if request.path == _EXTERNAL and "externalsecrets" in platform.objects:
        group = {"kind": "APIGroup", "apiVersion": "v1", "name": "external-secrets.io"}
        return Response.of(group | {"preferredVersion": {"version": "v1"}})
    match = _PATH.fullmatch(request.path)
    if match is None or KINDS.get(match["plural"], ("", ""))[0] != match["version"]:
        return status(404, "the server could not find the requested resource")
    platform.asked(f"cluster {match['plural']}")
    if match["plural"] in platform.forbidden:
        return status(403, f"{match['plural']} is forbidden: our account cannot list them")
    found = [
        one
        for one in platform.objects.get(match["plural"], [])
        if match["namespace"] in (None, one["metadata"].get("namespace"))
    ]
    if match["name"] is not None:
        return _one(match["plural"], match["name"], found)
    return _list(match["plural"], found, request.query)


def status(code: int, message: str) -> Response:
    """Return an error as Kubernetes says it."""
    return Response.of(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": _REASONS[code],
            "code": code,
        },
        status=code,
    )


def _one(plural: str, name: str, found: list[dict[str, Any]]) -> Response:
    version, kind = KINDS[plural]
    for one in found:
        if one["metadata"]["name"] == name:
            return Response.of({"apiVersion": version, "kind": kind} | one)
    return status(404, f'{plural} "{name}" not found')


def _list(plural: str, found: list[dict[str, Any]], query: Mapping[str, str]) -> Response:
    selected = [
        one
        for one in found
        if _selects(query.get("labelSelector", ""), one["metadata"].get("labels", {}))
        and _selects(query.get("fieldSelector", ""), _fields(one))
    ]
    try:
        start, limit = int(query.get("continue") or 0), int(query.get("limit") or 0)
    except ValueError:
        return status(400, f"continue and limit must be numbers: {dict(query)}")
    end = start + limit if limit else len(selected)
    metadata: dict[str, object] = {"resourceVersion": _RESOURCE_VERSION}
    if end < len(selected):
        metadata |= {"continue": str(end), "remainingItemCount": len(selected) - end}
    version, kind = KINDS[plural]
    return Response.of(
        {
            "apiVersion": version,
            "kind": f"{kind}List",
            "metadata": metadata,
            "items": selected[start:end],
        }
    )


def _fields(one: Mapping[str, Any]) -> dict[str, str]:
    return {
        "metadata.name": one["metadata"]["name"],
        "metadata.namespace": one["metadata"].get("namespace", ""),
        "status.phase": one.get("status", {}).get("phase", ""),
    }


def _selects(selector: str, labels: Mapping[str, str]) -> bool:
    """Say whether *labels* meet a selector of `a=b`, `a!=b`, `a in (b,c)`, `a` and `!a`."""
    for term in filter(None, re.split(r",(?![^(]*\))", selector)):
        match = re.fullmatch(r"\s*([^\s=!]+)\s*(==?|!=|\s(?:not)?in\s)\s*(.*)", term)
        if match is None:
            wanted = not term.startswith("!")
            if (term.strip("! ") in labels) != wanted:
                return False
            continue
        name, operator, value = match.groups()
        values = {part.strip() for part in value.strip("() ").split(",")}
        if (labels.get(name) in values) != (operator.strip() not in ("!=", "notin")):
            return False
    return True
