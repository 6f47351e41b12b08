"""How a running sandbox is told to change: new rollouts, faults, and the way back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.sandbox import foundations
from pytest_deploycheck.sandbox.platform import PREVIOUS_RELEASE, RELEASE, Platform
from pytest_deploycheck.sandbox.web import Request, Response


class Controlled(Protocol):
    """What can be told to change."""

    @property
    def platform(self) -> Platform:
        """Its state."""

    def switch(self, faults: Sequence[str]) -> None:
        """Become a platform just deployed with these faults."""

    def roll_back(self) -> None:
        """Become a platform that went back to the release before."""


def answer(sandbox: Controlled, stop: Callable[[], None], request: Request) -> Response:
    """Answer `POST /switch`, `POST /rollback` and `POST /stop`; it listens on loopback only."""
    body = request.json()
    asked: dict[str, Any] = body if isinstance(body, dict) else {}
    match request.method, request.path:
        case "POST", "/switch":
            try:
                sandbox.switch([str(name) for name in asked.get("faults", [])])
            except ConfigError as error:
                return Response.of({"detail": str(error)}, status=400)
        case "POST", "/rollback":
            trouble = _refusal(sandbox.platform, asked.get("revision"))
            if trouble:
                return Response.of({"detail": trouble}, status=400)
            if not asked.get("dry_run"):
                sandbox.roll_back()
        case "POST", "/stop":
            stop()
        case _:
            return Response.of({"detail": "Not Found"}, status=404)
    return Response.of(deployed(sandbox.platform))


def deployed(platform: Platform) -> dict[str, object]:
    """Return what runs, and since when (whole Unix seconds, as the cluster has it)."""
    return {"release": _release(platform), "deployed_at_s": int(platform.deployed_at_s)}


def went_back(platform: Platform) -> None:
    """Make a healthy *platform* one that runs the release before, as Helm's next revision."""
    swapped = {RELEASE: PREVIOUS_RELEASE, PREVIOUS_RELEASE: RELEASE}
    secrets = [
        foundations.helm(6, PREVIOUS_RELEASE, "superseded"),
        foundations.helm(7, RELEASE, "superseded"),
        foundations.helm(8, PREVIOUS_RELEASE, "deployed"),
    ]
    pattern = re.compile("|".join(map(re.escape, swapped)))
    text = pattern.sub(lambda found: swapped[found[0]], json.dumps(platform.objects))
    platform.objects = json.loads(text)
    platform.objects["secrets"] = secrets
    platform.release = PREVIOUS_RELEASE


def _refusal(platform: Platform, revision: object) -> str:
    """Say why there is no way back to *revision*, as helm does."""
    known = {
        one["metadata"]["labels"]["version"]: one["metadata"]["labels"]["status"]
        for one in platform.objects["secrets"]
        if one.get("type") == "helm.sh/release.v1"
    }
    if str(revision) not in known:
        return f"release has no {revision} version"
    return ""


def _release(platform: Platform) -> str:
    return str(
        platform.one("deployments", "jorge-revenue-api")["metadata"]["labels"].get(
            "app.kubernetes.io/version", ""
        )
    )
