"""What must not be deployed for its performance: slow, never compared, or without room to grow."""

from __future__ import annotations

import copy
import dataclasses
from typing import Final

from pytest_deploycheck.domain.baselines import all_before
from pytest_deploycheck.domain.events import BaselineRecorded
from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import artifacts, healthy, usage
from pytest_deploycheck.sandbox.faults.fault import fault
from pytest_deploycheck.sandbox.faults.pre_deploy.items import API, BASELINE, CAPACITY, LOAD, SLA
from pytest_deploycheck.sandbox.people import ENVIRONMENT
from pytest_deploycheck.sandbox.platform import Platform

_LAST_MONTH_S: Final = 28 * 86_400.0


@fault(LOAD, SLA, verdict=Verdict.HOLD)
def load_test_slow(platform: Platform) -> None:
    """Under load the API answers within 340 ms (p95)."""
    platform.reports.files["k6.json"] = artifacts.load(p95_ms=340.0)


@fault(LOAD, SLA, verdict=Verdict.HOLD)
def load_test_fails_requests(platform: Platform) -> None:
    """Under load 4 % of the requests fail."""
    platform.reports.files["k6.json"] = artifacts.load(p95_ms=142.0, failed_ratio=0.04)


@fault(LOAD, verdict=Verdict.HOLD)
def load_test_short(platform: Platform) -> None:
    """The load test ran for 20 seconds."""
    platform.reports.files["k6.json"] = artifacts.load(p95_ms=142.0, duration_s=20)


@fault(BASELINE, verdict=Verdict.HOLD)
def baseline_missing(platform: Platform) -> None:
    """Nobody recorded a baseline before the deployment."""
    platform.record.remove(_baseline(platform))


@fault(BASELINE, verdict=Verdict.HOLD)
def baseline_incomplete(platform: Platform) -> None:
    """The baseline has no response time."""
    before = _baseline(platform)
    values = tuple(value for value in before.values if value.name != "latency_p95")
    platform.record[platform.record.index(before)] = dataclasses.replace(before, values=values)


@fault(BASELINE, verdict=Verdict.HOLD)
def baseline_old(platform: Platform) -> None:
    """The baseline was recorded a week before the deployment."""
    before, week_s = _baseline(platform), 7 * 86_400
    platform.record[platform.record.index(before)] = dataclasses.replace(
        before,
        at_s=before.at_s - week_s,
        from_s=before.from_s - week_s,
        until_s=before.until_s - week_s,
    )


@fault(SLA, verdict=Verdict.HOLD)
def outage_last_month(platform: Platform) -> None:
    """Three hours before the deployment no instance of the API had answered for five minutes."""
    until_s = platform.deployed_at_s - 3 * 3_600
    for series in platform.metrics.find("up", job=API):
        before = series.at
        series.at = lambda at_s, before=before: (  # type: ignore[misc] # mypy's view of lambdas
            0.0 if until_s - 300 <= at_s < until_s else before(at_s)
        )


@fault(SLA, verdict=Verdict.HOLD)
def month_unseen(platform: Platform) -> None:
    """Three hours before the deployment nobody had looked for five minutes: the API may be down."""
    until_s = platform.deployed_at_s - 3 * 3_600
    for series in platform.metrics.find("up", job=API):
        series.unseen_s = until_s - 300, until_s


@fault(SLA, verdict=Verdict.HOLD)
def slow_last_month(platform: Platform) -> None:
    """For most of last month answers and predictions took too long; for two days all is well."""
    for ago_s, latency_s, inference_s in (_LAST_MONTH_S, 0.32, 0.08), (2 * 86_400, 0.1, 0.028):
        usage.slow(platform.metrics, "ml_prediction_duration_seconds", inference_s, ago_s=ago_s)
        for edge, share in healthy.latency_buckets(p95_s=latency_s):
            per_s = healthy.REQUESTS_PER_S * share
            platform.metrics.grow(f"{healthy.LATENCY}_bucket", per_s, ago_s=ago_s, le=edge)


@fault(SLA, verdict=Verdict.HOLD)
def errors_last_month(platform: Platform) -> None:
    """For most of last month 3 % of the requests failed; for two days all has been well."""
    for ago_s, per_s in (_LAST_MONTH_S, 0.9), (2 * 86_400, 0.06):
        platform.metrics.grow("http_requests_total", per_s, ago_s=ago_s, status_code="500")


@fault(CAPACITY, verdict=Verdict.HOLD)
def container_without_limits(platform: Platform) -> None:
    """The container of the API has no limit of memory."""
    del platform.pod_spec(API)["containers"][0]["resources"]["limits"]["memory"]


@fault(CAPACITY, verdict=Verdict.HOLD)
def init_container_without_limits(platform: Platform) -> None:
    """What migrates the database before the API starts has no limit of memory."""
    spec = platform.pod_spec(API)
    migration = copy.deepcopy(platform.pod_spec(API)["containers"][0]) | {"name": "migrate"}
    del migration["resources"]["limits"]["memory"]
    spec["initContainers"] = [migration]


@fault(CAPACITY, verdict=Verdict.HOLD)
def autoscaler_at_its_end(platform: Platform) -> None:
    """The autoscaler of the API already runs as many pods as it may."""
    platform.one("horizontalpodautoscalers", API)["spec"]["maxReplicas"] = 3


@fault(CAPACITY, verdict=Verdict.HOLD)
def autoscaler_blind(platform: Platform) -> None:
    """The autoscaler of the API gets no metrics."""
    status = platform.one("horizontalpodautoscalers", API)["status"]
    status["conditions"][1] |= {"status": "False", "reason": "FailedGetResourceMetric"}


@fault(CAPACITY, verdict=Verdict.HOLD)
def nodes_full(platform: Platform) -> None:
    """What the nodes can give is promised already: no further pod fits."""
    for node in platform.objects["nodes"]:
        node["status"]["allocatable"]["cpu"] = "100m"


@fault(CAPACITY, verdict=Verdict.HOLD)
def quota_exhausted(platform: Platform) -> None:
    """The namespace's quota of pods is used up."""
    status = platform.one("resourcequotas", "platform")["status"]
    status["used"]["pods"] = status["hard"]["pods"]


def _baseline(platform: Platform) -> BaselineRecorded:
    """Return the baseline from before the deployment."""
    return all_before(
        platform.record, deployed_at_s=platform.deployed_at_s, environment=ENVIRONMENT
    )[-1]
