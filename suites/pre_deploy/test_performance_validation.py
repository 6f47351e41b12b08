"""Performance Validation: what there is to compare with, and room for what is to come."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.artifacts import Artifacts
from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.clients.record import Record
from pytest_deploycheck.config.environment import Environment
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.pre_deploy


@pytest.mark.check("baseline-metrics")
def test_baseline_is_recorded_and_recent(
    record: Record, environment: Environment, limits: Limits, measure: Measure
) -> None:
    """Of the release before, with every value that is compared later."""
    baseline, limit = record.baseline_before(environment.baseline), limits.baseline_age_s
    age_s = record.deployed_at_s - baseline.until_s
    measure("baseline_age", age_s, limit=limit, unit="s")
    assert age_s <= limit


@pytest.mark.check("sla-targets")
@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("latency_p95_30d", "latency_p95_s"),
        ("ml_inference_p95_30d", "ml_inference_p95_s"),
        ("error_ratio_30d", "error_ratio_sla"),
    ],
)
def test_last_month_met_the_target(
    metrics: Metrics, limits: Limits, measure: Measure, query: str, limit: str
) -> None:
    """Over the whole month before the deployment, as one number."""
    month, bound = metrics.before(query), getattr(limits, limit)
    measure(query, month.latest, limit=bound, unit=month.unit)
    assert month.latest <= bound


@pytest.mark.check("sla-targets")
def test_last_month_met_the_uptime(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """Of all scrapes of the month, those that any instance answered; missing ones are none."""
    month, limit = metrics.before("uptime_30d"), limits.uptime_ratio
    measure("uptime_ratio", month.mean, limit=limit, unit="ratio")
    assert month.mean >= limit
    month.demand_whole(least=limit)


@pytest.mark.check("sla-targets")
def test_this_release_can_meet_the_targets(
    artifacts: Artifacts, limits: Limits, measure: Measure
) -> None:
    """The month speaks for the release before; the load test and the benchmark for this one."""
    load, inference = artifacts.load("load"), artifacts.benchmark("ml").figure("inference_p95_s")
    measure("load_p95", load.p95_s, limit=limits.latency_p95_s, unit="s")
    measure("load_error_ratio", load.error_ratio, limit=limits.error_ratio_sla, unit="ratio")
    measure("inference_p95", inference.value, limit=limits.ml_inference_p95_s, unit="s")
    assert load.p95_s <= limits.latency_p95_s
    assert load.error_ratio <= limits.error_ratio_sla
    assert inference.value <= limits.ml_inference_p95_s


@pytest.mark.check("capacity-planning")
def test_every_container_has_requests_and_limits(cluster: Cluster) -> None:
    """What asks for nothing is promised nothing, and what has no limit takes its neighbours'."""
    for room in cluster.room():
        assert not room.unbounded, f"{room.workload}: expected {', '.join(room.unbounded)}"


@pytest.mark.check("capacity-planning")
def test_autoscaled_workloads_can_still_grow(
    cluster: Cluster, limits: Limits, measure: Measure
) -> None:
    """An autoscaler at its maximum, or one that gets no metrics, adds no pod."""
    scaled = [room for room in cluster.room() if room.scaled]
    assert scaled, "found no workload that the environment calls autoscaled"
    for room in scaled:
        assert room.scaling, f"{room.workload}: found no HorizontalPodAutoscaler"
        assert not room.scaling.trouble, f"{room.workload}: {room.scaling.trouble}"
        headroom, limit = room.scaling.headroom_ratio, limits.scaling_headroom_ratio
        measure(f"{room.workload}_headroom", headroom, limit=limit, unit="ratio")
        assert headroom >= limit


@pytest.mark.check("capacity-planning")
def test_rollout_fits_into_what_is_free(cluster: Cluster, measure: Measure) -> None:
    """Its additional pods, by what they request, on the nodes and in the namespace's quota."""
    for room in cluster.room():
        needs = room.rollout_needs
        measure(f"{room.workload}_fits", room.fits, limit=needs, unit="pods", worse="below")
        assert room.fits >= needs, (
            f"{room.workload}: found room for {room.fits} more pods, expected {needs}"
        )
