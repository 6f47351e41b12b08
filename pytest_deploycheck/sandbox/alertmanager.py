"""The API of Alertmanager, version 2, and the sink that notifications of test alerts go to."""

from __future__ import annotations

import datetime
import re
import time

import yaml  # type: ignore[import-untyped] # its stubs are a package of their own

from pytest_deploycheck.sandbox.boards import INTEGRATIONS
from pytest_deploycheck.sandbox.platform import Platform
from pytest_deploycheck.sandbox.watching import Alerting, Json
from pytest_deploycheck.sandbox.web import Request, Response


def answer(platform: Platform, request: Request) -> Response:
    """Answer as Alertmanager."""
    alerting = platform.watching.alerting
    match request.method, request.path:
        case "GET", "/-/ready" | "/-/healthy":
            return Response(body="OK", media_type="text/plain")
        case "GET", "/metrics":
            return Response(body=_counters(alerting), media_type="text/plain; version=0.0.4")
        case "GET", "/api/v2/status":
            return Response.of(_status(alerting))
        case "GET", "/api/v2/receivers":
            return Response.of([{"name": name} for name in alerting.receivers])
        case "GET", "/api/v2/alerts":
            return Response.of(_alerts(alerting, request.query.get("filter", "")))
        case "GET", "/api/v2/silences":
            return Response.of(alerting.silences)
        case "POST", "/api/v2/alerts":
            return _post(alerting, request)
    return Response(status=404, body='"path was not found"')


def answer_sink(platform: Platform, request: Request) -> Response:
    """Tell which notifications have arrived."""
    wanted = request.query.get("id", "")
    arrived = [one["labels"] for one in platform.watching.alerting.arrived()]
    return Response.of({"notifications": [one for one in arrived if wanted in one.values()]})


def _status(alerting: Alerting) -> Json:
    return {
        "cluster": {"name": "sandbox", "status": alerting.cluster, "peers": []},
        "config": {"original": yaml.safe_dump(alerting.document(), sort_keys=False)},
        "uptime": _iso(time.time() - 86_400),
        "versionInfo": {"version": "0.27.0"},
    }


def _alerts(alerting: Alerting, wanted: str) -> list[Json]:
    match = re.fullmatch(r'(\w+)="([^"]*)"', wanted)
    now_s = time.time()
    return [
        {
            "labels": alert["labels"],
            "annotations": alert.get("annotations", {}),
            "startsAt": alert["startsAt"],
            "endsAt": alert["endsAt"],
            "receivers": [{"name": alerting.receiver_of(alert["labels"])}],
            "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
        }
        for alert in alerting.alerts
        if datetime.datetime.fromisoformat(alert["endsAt"]).timestamp() > now_s
        and (match is None or alert["labels"].get(match[1]) == match[2])
    ]


def _post(alerting: Alerting, request: Request) -> Response:
    posted = request.json()
    if not isinstance(posted, list) or not all(isinstance(one, dict) for one in posted):
        return Response.of({"code": 400, "message": "parsing alerts body failed"}, status=400)
    for alert in posted:
        known = [one for one in alerting.alerts if one["labels"] == alert["labels"]]
        began_s = known[0]["posted_s"] if known else time.time()
        for one in known:
            alerting.alerts.remove(one)
        alerting.alerts.append({**alert, "posted_s": began_s})
    return Response(body="")


def _counters(alerting: Alerting) -> str:
    arrived = len(alerting.arrived())
    lines = ["# TYPE alertmanager_notification_requests_total counter"]
    for kind in INTEGRATIONS:
        sent = 41 + (arrived if kind == "webhook" else 0)
        lines.append(f'alertmanager_notification_requests_total{{integration="{kind}"}} {sent}')
    lines.append("# TYPE alertmanager_notification_requests_failed_total counter")
    lines += [
        f'alertmanager_notification_requests_failed_total{{integration="{k}"}} 0'
        for k in INTEGRATIONS
    ]
    return "\n".join([*lines, ""])


def _iso(at_s: float) -> str:
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).isoformat()
