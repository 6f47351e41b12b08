"""The HTTP API of Grafana: health, data source, dashboards, and the queries of their panels."""

from __future__ import annotations

import math
import re
import time
from typing import Any, Final

from pytest_deploycheck.sandbox import promql
from pytest_deploycheck.sandbox.boards import SOURCE
from pytest_deploycheck.sandbox.metrics import Labels
from pytest_deploycheck.sandbox.platform import Platform
from pytest_deploycheck.sandbox.watching import Json
from pytest_deploycheck.sandbox.web import Request, Response

_BOARD: Final = re.compile(r"/api/dashboards/uid/([\w-]+)")


def answer(platform: Platform, request: Request) -> Response:
    """Answer one request."""
    boards = platform.watching.boards
    if request.path == "/api/health":
        return Response.of({"commit": "0", "database": boards.database, "version": "11.2.0"})
    if request.headers.get("authorization") != f"Bearer {platform.credentials.grafana_token}":
        return Response.of({"message": "Invalid API key"}, status=401)
    if request.path == f"/api/datasources/uid/{SOURCE}/health":
        return Response.of({"status": boards.source, "message": "Queried the Prometheus API."})
    if request.path == "/api/search":
        wanted = request.query.get("query", "").lower()
        found = [{"uid": b["uid"], "title": b["title"]} for b in boards.dashboards]
        return Response.of([one for one in found if wanted in one["title"].lower()])
    if request.path == "/api/ds/query" and request.method == "POST":
        return _query(platform, request.json())
    if match := _BOARD.fullmatch(request.path):
        try:
            return Response.of({"dashboard": boards.of(match[1]), "meta": {}})
        except KeyError:
            return Response.of({"message": "Dashboard not found"}, status=404)
    return Response.of({"message": "Not found"}, status=404)


def _query(platform: Platform, body: object) -> Response:
    if not isinstance(body, dict):
        return Response.of({"message": "bad request data"}, status=400)
    start_s, end_s = (int(body[key]) / 1000 for key in ("from", "to"))
    results: Json = {}
    for asked in body["queries"]:
        if platform.watching.boards.source != "OK" or asked["datasource"]["uid"] != SOURCE:
            results[asked["refId"]] = {"error": "connection refused", "status": 502}
            continue
        try:
            node = promql.parse(asked["expr"], platform.metrics)
            step_s = asked["intervalMs"] / 1000
            count = int((end_s - start_s) / step_s)
            times = [end_s - step_s * (count - index) for index in range(count + 1)]
            frames = _frames([(at_s, node(min(at_s, time.time()))) for at_s in times])
            results[asked["refId"]] = {"status": 200, "frames": frames}
        except promql.PromqlError as error:
            results[asked["refId"]] = {"error": str(error), "status": 400}
    return Response.of({"results": results})


def _frames(values: list[tuple[float, promql.Value]]) -> list[Json]:
    series: dict[Labels, tuple[list[int], list[Any]]] = {}
    for at_s, value in values:
        vector = {frozenset(): value} if isinstance(value, float) else value
        for labels, one in vector.items():
            times, numbers = series.setdefault(labels, ([], []))
            times.append(round(at_s * 1000))
            numbers.append(None if math.isnan(one) else one)
    return [
        {
            "schema": {
                "fields": [
                    {"name": "Time", "type": "time"},
                    {"name": "A", "type": "number", "labels": dict(labels)},
                ]
            },
            "data": {"values": [times, numbers]},
        }
        for labels, (times, numbers) in series.items()
    ]
