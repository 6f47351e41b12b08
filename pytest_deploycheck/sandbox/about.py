"""What Prometheus tells of itself: targets, rules, names and labels of series, Alertmanagers."""

from __future__ import annotations

import datetime
import math
import re
import time

from pytest_deploycheck.sandbox import promql
from pytest_deploycheck.sandbox.metrics import SCRAPE_INTERVAL_S, Series
from pytest_deploycheck.sandbox.platform import Platform
from pytest_deploycheck.sandbox.watching import Json, Rule, Target
from pytest_deploycheck.sandbox.web import Request

_VALUES = re.compile(r"/api/v1/label/(\w+)/values")


def data(platform: Platform, request: Request) -> object | None:
    """Return the data of an answer; None: the path is not about Prometheus itself."""
    watching = platform.watching
    match request.path:
        case "/api/v1/status/runtimeinfo":
            return {"reloadConfigSuccess": watching.reloaded, "goroutineCount": 41}
        case "/api/v1/targets":
            return {"activeTargets": [_target(one) for one in watching.targets]}
        case "/api/v1/rules":
            return {"groups": _groups(watching.rules)}
        case "/api/v1/alertmanagers":
            urls = [{"url": url} for url in watching.alertmanagers]
            return {"activeAlertmanagers": urls, "droppedAlertmanagers": []}
        case "/api/v1/series":
            return [dict(_of(one)) for one in _selected(platform, request)]
        case "/api/v1/labels":
            return sorted({label for one in _selected(platform, request) for label, _ in _of(one)})
    if match := _VALUES.fullmatch(request.path):
        found = _selected(platform, request)
        return sorted({text for one in found for label, text in _of(one) if label == match[1]})
    return None


def _selected(platform: Platform, request: Request) -> list[tuple[str, Series]]:
    """Return the series of the selector that is asked for, or all, that have samples lately."""
    now_s = time.time()
    metrics = platform.metrics
    wanted = [text] if (text := request.query.get("match[]")) else metrics.names()
    return [
        (name, one)
        for selector in wanted
        for name, one in promql.selected(selector, metrics)
        if one.until_s > now_s - 3600.0
    ]


def _of(named: tuple[str, Series]) -> set[tuple[str, str]]:
    name, series = named
    return {("__name__", name), *series.labels}


def _target(target: Target) -> Json:
    return {
        "labels": {"job": target.job, "instance": target.url.split("/")[2]},
        "scrapePool": target.job,
        "scrapeUrl": target.url,
        "health": "up" if target.up else "down",
        "lastError": "" if target.up else "connection refused",
        "lastScrape": _tick(SCRAPE_INTERVAL_S, target.since_scrape_s),
        "scrapeInterval": f"{SCRAPE_INTERVAL_S:g}s",
        "scrapeTimeout": "10s",
    }


def _groups(rules: list[Rule]) -> list[Json]:
    groups: dict[str, Json] = {}
    for rule in rules:
        group = groups.setdefault(
            rule.group,
            {"name": rule.group, "file": "alerts.yml", "interval": rule.interval_s, "rules": []},
        )
        group["rules"].append(
            {
                "type": "alerting",
                "name": rule.name,
                "query": rule.expression,
                "duration": rule.hold_s,
                "labels": {"severity": rule.severity},
                "health": rule.health,
                "lastError": rule.error,
                "lastEvaluation": _tick(rule.interval_s, rule.age_s),
                "state": "inactive",
                "alerts": [],
            }
        )
    return list(groups.values())


def _tick(interval_s: float, before_s: float) -> str:
    """Return when something that happens at every interval last did, and *before_s* before it."""
    at_s = math.floor(time.time() / interval_s) * interval_s - before_s
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).isoformat()
