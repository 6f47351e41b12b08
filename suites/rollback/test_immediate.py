"""Immediate Rollback Triggers: the six decision points, asked after the deployment until 24 h."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.cache import Cache
from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.clients.database import Database
from pytest_deploycheck.clients.frontend import Frontend
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = [
    pytest.mark.post_5min,
    pytest.mark.post_15min,
    pytest.mark.post_30min,
    pytest.mark.observe_30min,
    pytest.mark.post_24h,
]


@pytest.mark.check("health-check-failure", trigger="health-check-failure")
def test_detailed_health_is_good(api: Api) -> None:
    """Any component that the platform itself does not call healthy."""
    api.call("health_detailed")


@pytest.mark.parametrize("report", ["bots_health", "ml_health"])
@pytest.mark.check("health-check-failure", trigger="health-check-failure")
def test_bots_and_model_call_themselves_healthy(api: Api, report: str) -> None:
    """They have reports of their own, which the detailed health sums up at best."""
    api.call(report)


@pytest.mark.check("health-check-failure", trigger="health-check-failure")
def test_the_right_user_is_let_in(api: Api) -> None:
    """A platform that nobody can log in to is healthy in every report."""
    api.call("auth_test")


@pytest.mark.parametrize("page", ["root", "health"])
@pytest.mark.check("health-check-failure", trigger="health-check-failure")
def test_frontend_answers(frontend: Frontend, page: str) -> None:
    """The page is the application, and reaches what it needs."""
    frontend.call(page)


@pytest.mark.check("health-check-failure", trigger="health-check-failure")
def test_every_workload_is_up(cluster: Cluster) -> None:
    """Pods that are not ready serve nobody; in a rollout that is stuck, old ones hide them."""
    for workload in cluster.workloads():
        assert workload.up, f"{workload}"


@pytest.mark.check("health-check-failure", trigger="health-check-failure")
def test_every_service_has_ready_endpoints(cluster: Cluster) -> None:
    """A pod may be ready and belong to no service any more."""
    for service in cluster.services():
        assert service.ready > 0, f"service {service.name}: found no ready endpoint, expected one"


@pytest.mark.check("health-check-failure", trigger="health-check-failure")
def test_ingress_controller_is_ready(cluster: Cluster) -> None:
    """Without it, nobody outside reaches what is well inside."""
    controller = cluster.ingress_controller()
    assert controller.ready >= max(controller.desired, controller.min_ready), f"{controller}"


@pytest.mark.check("health-check-failure", trigger="health-check-failure")
def test_cache_answers(cache: Cache) -> None:
    """Asked directly, without writing; while it loads its data it refuses this, too."""
    assert cache.as_subject().ping(), "found another answer to PING, expected PONG"


@pytest.mark.check("health-check-failure", trigger="health-check-failure")
def test_no_instance_fails_its_health_check(
    metrics: Metrics, limits: Limits, measure: Measure
) -> None:
    """Instances of any service that Prometheus could not reach, from the deployment to now."""
    history = metrics.history("health_failing")
    measure("health_failing_ratio", history, limit=limits.health_failing_ratio)
    assert history.latest <= limits.health_failing_ratio


@pytest.mark.check("health-check-failure", trigger="health-check-failure")
def test_cache_stays_up(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """The exporter's connection to the cache, from the deployment to now."""
    history = metrics.history("cache_up")
    measure("cache_up", history, limit=limits.cache_up_ratio)
    assert history.latest >= limits.cache_up_ratio


@pytest.mark.check("critical-error-rate", trigger="critical-error-rate")
def test_error_ratio_stays_below_its_limit(
    metrics: Metrics, limits: Limits, measure: Measure
) -> None:
    """5xx answers as a ratio of all answers, from the deployment to now."""
    history = metrics.history("error_ratio")
    measure("error_ratio", history, limit=limits.error_ratio_critical)
    assert history.latest <= limits.error_ratio_critical


@pytest.mark.check("performance-degradation", trigger="performance-degradation")
def test_response_time_stays_near_its_baseline(
    metrics: Metrics, limits: Limits, measure: Measure
) -> None:
    """95th percentile since the deployment, against the middle of those before it."""
    increase = metrics.history("latency_p95").increase_over(metrics.before("latency_p95"))
    measure("latency_increase_ratio", increase, limit=limits.latency_increase_ratio_critical)
    assert increase.latest <= limits.latency_increase_ratio_critical


@pytest.mark.check("jorge-bot-failure", trigger="jorge-bot-failure")
def test_bots_succeed_often_enough(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """Interactions without failure as a ratio of all; no interaction is no evidence."""
    history = metrics.history("bot_success_ratio")
    measure("bot_success_ratio", history, limit=limits.bot_success_ratio_critical)
    assert history.latest >= limits.bot_success_ratio_critical


@pytest.mark.check("database-issues", trigger="database-issues")
def test_platform_reaches_its_database(api: Api) -> None:
    """What the platform itself says of its database."""
    trouble = api.health("health_detailed").trouble_with("database")
    assert not trouble, trouble


@pytest.mark.check("database-issues", trigger="database-issues")
def test_database_stays_up(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """The exporter's connection to the database, from the deployment to now."""
    history = metrics.history("database_up")
    measure("database_up", history, limit=limits.database_up_ratio)
    assert history.latest >= limits.database_up_ratio


@pytest.mark.check("database-issues", trigger="database-issues")
def test_database_answers_without_errors(
    metrics: Metrics, limits: Limits, measure: Measure
) -> None:
    """A database that accepts connections may still refuse its exporter's queries."""
    history = metrics.history("database_errors")
    measure("database_errors", history, limit=limits.database_error_count)
    assert history.latest <= limits.database_error_count


@pytest.mark.check("database-issues", trigger="database-issues")
def test_no_page_was_found_corrupt(database: Database, limits: Limits, measure: Measure) -> None:
    """Databases with a page whose checksum was wrong, found so since the deployment."""
    found = database.value("checksum_failures")
    measure("checksum_failures", found, limit=limits.checksum_failure_count, unit="count")
    assert found <= limits.checksum_failure_count


@pytest.mark.parametrize("door", ["auth_test_anonymous", "auth_test_expired"])
@pytest.mark.check("security-issues", trigger="security-issues")
def test_nobody_else_is_let_in(api: Api, door: str) -> None:
    """The control is asked, not its own report; that it is silent is another trigger's matter."""
    assert api.turns_away(door), f"{door}: found an answer, expected a refusal"


@pytest.mark.check("security-issues", trigger="security-issues")
def test_certificate_is_the_platforms_own(api: Api) -> None:
    """Whoever is shown one that has expired or is another's cannot tell who answers."""
    trouble = api.certificate_trouble("health_detailed")
    assert not trouble, f"found that {trouble}"


@pytest.mark.check("security-issues", trigger="security-issues")
def test_no_workload_is_cluster_admin(cluster: Cluster) -> None:
    """Asked again after the rollout, which may have bound what the gate had not seen."""
    admins = cluster.admins()
    assert not admins, f"found cluster-admin: {', '.join(admins)}; expected none"


@pytest.mark.check("security-issues", trigger="security-issues")
def test_network_policies_stand(cluster: Cluster) -> None:
    """Without them everybody in the cluster reaches what only the ingress may."""
    exposed = cluster.exposed()
    assert not exposed, f"found open to everybody: {', '.join(exposed)}; expected a NetworkPolicy"


@pytest.mark.check("security-issues", trigger="security-issues")
def test_no_security_control_failed(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """Events with which the platform itself says that a control failed, since the deployment."""
    history = metrics.history("security_control_failures")
    measure("security_control_failures", history, limit=limits.security_failure_count)
    assert history.latest <= limits.security_failure_count


@pytest.mark.check("security-issues")
def test_no_security_control_failed_for_the_first_time(
    metrics: Metrics, limits: Limits, measure: Measure
) -> None:
    """Events in series that began with them; after a restart old ones may, so a person decides."""
    history, limit = (
        metrics.history("security_control_first_failures"),
        limits.security_failure_count,
    )
    measure("security_control_first_failures", history.worst, limit=limit, unit=history.unit)
    assert history.worst <= limit
