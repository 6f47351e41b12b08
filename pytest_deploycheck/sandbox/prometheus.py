"""The HTTP API of Prometheus: instant and range queries over what the sandbox has scraped."""

from __future__ import annotations

import datetime
import math
import time
from collections.abc import Sequence

from pytest_deploycheck.sandbox import about, promql
from pytest_deploycheck.sandbox.metrics import RETENTION_S, Labels
from pytest_deploycheck.sandbox.platform import Platform
from pytest_deploycheck.sandbox.web import Request, Response

_MAX_POINTS = 11_000


def answer(platform: Platform, request: Request) -> Response:
    """Answer one request."""
    match request.path:
        case "/-/ready" | "/-/healthy":
            return Response(body="Prometheus Server is Ready.\n", media_type="text/plain")
        case "/api/v1/status/buildinfo":
            return _success({"version": "2.53.3"}, ())
        case "/api/v1/query" | "/api/v1/query_range":
            return _query(platform, request)
    data = about.data(platform, request)
    if data is not None:
        return _success(data, platform.prometheus_warnings)
    return Response(status=404, body="404 page not found\n", media_type="text/plain")


def _query(platform: Platform, request: Request) -> Response:
    in_range = request.path.endswith("_range")
    now_s = time.time()
    try:
        if in_range:
            start_s, end_s = _time(request.query["start"]), _time(request.query["end"])
            step_s = float(request.query["step"].removesuffix("s"))
        else:
            start_s = end_s = _time(request.query.get("time", str(now_s)))
            step_s = 1.0
    except (KeyError, ValueError):
        return _failure("start, end, step and time must be times and seconds")
    if step_s <= 0 or end_s < start_s:
        return _failure("step must be positive, and end not before start")
    if (end_s - start_s) / step_s > _MAX_POINTS:
        return _failure("exceeded maximum resolution of 11,000 points per timeseries")
    try:
        node = promql.parse(request.query.get("query", ""), platform.metrics)
        platform.asked("prometheus query")
        times = [start_s + i * step_s for i in range(math.floor((end_s - start_s) / step_s) + 1)]
        values = [(at_s, node(min(at_s, now_s))) for at_s in times if at_s > now_s - RETENTION_S]
    except promql.PromqlError as error:
        return _failure(f'invalid parameter "query": {error}')
    return _success(_result(values, in_range=in_range), platform.prometheus_warnings)


def _result(values: list[tuple[float, promql.Value]], *, in_range: bool) -> object:
    series: dict[Labels, list[tuple[float, str]]] = {}
    for at_s, value in values:
        if isinstance(value, float):
            if not in_range:
                return {"resultType": "scalar", "result": [at_s, _text(value)]}
            value = {frozenset(): value}
        for labels, one in value.items():
            series.setdefault(labels, []).append((at_s, _text(one)))
    if in_range:
        matrix = [{"metric": dict(labels), "values": points} for labels, points in series.items()]
        return {"resultType": "matrix", "result": matrix}
    vector = [{"metric": dict(labels), "value": points[-1]} for labels, points in series.items()]
    return {"resultType": "vector", "result": vector}


def _time(text: str) -> float:
    """Read Unix seconds, or ISO 8601 with its zone."""
    try:
        return float(text)
    except ValueError:
        return datetime.datetime.fromisoformat(text).timestamp()


def _text(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(value)


def _success(data: object, warnings: Sequence[str]) -> Response:
    return Response.of(
        {"status": "success", "data": data} | ({"warnings": list(warnings)} if warnings else {})
    )


def _failure(message: str) -> Response:
    return Response.of({"status": "error", "errorType": "bad_data", "error": message}, status=400)
