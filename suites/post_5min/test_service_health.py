"""Service Health: the release runs, alone and steadily, and can be reached."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.clients.names import addresses_of, strangers
from pytest_deploycheck.config.environment import Environment
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.post_5min


@pytest.mark.check("pod-status", trigger="health-check-failure")
def test_every_workload_runs_its_newest_revision(cluster: Cluster) -> None:
    """Desired, updated and ready agree, and nothing old is left: READY 1/1 says none of that."""
    for workload in cluster.workloads():
        assert workload.observed, f"{workload}; its controller has not seen the newest one yet"
        assert workload.up, f"{workload}"
        old = ", ".join(pod.name for pod in workload.old_pods)
        assert not old, f"{workload}; found pods of an old revision: {old}"


@pytest.mark.check("pod-status", trigger="health-check-failure")
def test_workloads_that_carry_the_release_run_it(cluster: Cluster) -> None:
    """A rollout that never began leaves every pod ready, at the wrong release."""
    released = [workload for workload in cluster.workloads() if workload.released]
    assert released, "the environment marks no workload as released"
    for workload in released:
        assert workload.release == cluster.expected_release, f"{workload}; image {workload.image}"
        assert all(pod.image == workload.image for pod in workload.pods), f"{workload}"


@pytest.mark.check("pod-status")
def test_pods_of_the_release_run_one_build(cluster: Cluster) -> None:
    """A tag that was pushed again names two builds, and each node runs the one it has."""
    for workload in cluster.workloads():
        builds = {pod.build: pod.name for pod in workload.pods if pod.build}
        found = ", ".join(f"{build} ({pod})" for build, pod in builds.items())
        assert len(builds) == 1 or not workload.released, (
            f"{workload}; found builds {found or 'none'} of image {workload.image}, expected one"
        )


@pytest.mark.check("pod-status", trigger="health-check-failure")
def test_every_pod_is_ready_and_stays_up(cluster: Cluster, environment: Environment) -> None:
    """A pod in a crash loop is ready between two crashes, so its restarts count too."""
    allowed = environment.cluster.max_restarts
    for pod in cluster.pods():
        assert pod.ready, f"pod {pod.name}: found {pod.phase} {pod.reason}, expected it ready"
        assert pod.restarts <= allowed, (
            f"pod {pod.name}: found {pod.restarts} restarts since the deployment, "
            f"expected at most {allowed}"
        )


@pytest.mark.check("pod-status")
def test_no_pod_was_left_behind(cluster: Cluster) -> None:
    """Another took its place, so the platform is well; why it was evicted or hangs is not known."""
    left = ", ".join(f"{pod.name} ({pod.reason or pod.phase})" for pod in cluster.left_behind())
    assert not left, f"found pods that were evicted or do not end: {left}; see why, and delete them"


@pytest.mark.check("pod-status")
def test_no_job_was_given_up(cluster: Cluster) -> None:
    """A Job tries again by itself; one that gave up, a backup say, is for a person to look at."""
    for job in cluster.jobs():
        assert not job.failure, f"job {job.name}: found it failed ({job.failure}), expected it done"


@pytest.mark.check("service-endpoints", trigger="health-check-failure")
def test_detailed_health_is_good(api: Api) -> None:
    """A fresh report that names every component and calls each healthy; 200 alone says nothing."""
    api.call("health_detailed")


@pytest.mark.check("service-endpoints")
def test_platform_reports_the_release(api: Api, cluster: Cluster) -> None:
    """A proxy may still lead to the old platform, whatever the cluster runs."""
    found = api.ask("health_detailed").value(api.key("health_detailed", "version"))
    expected = cluster.expected_release
    assert found == expected, f"found version {found}, expected {expected}"


@pytest.mark.check("service-endpoints", trigger="health-check-failure")
def test_every_service_has_ready_endpoints(cluster: Cluster) -> None:
    """A selector that matches no pod leaves a service that nobody answers for."""
    for service in cluster.services():
        assert service.ready > 0, (
            f"service {service.name}: found no ready endpoint ({service.not_ready} not ready)"
        )


@pytest.mark.check("load-balancer", trigger="health-check-failure")
def test_ingress_controller_is_ready(cluster: Cluster) -> None:
    """Without it, ingresses keep their addresses and nobody listens there."""
    controller = cluster.ingress_controller()
    assert controller.ready >= max(controller.desired, controller.min_ready), f"{controller}"


@pytest.mark.check("load-balancer", trigger="health-check-failure")
def test_every_ingress_has_an_address_for_its_host(cluster: Cluster) -> None:
    """Its age, which the checklist looks at, never changes; its address and rules tell."""
    for ingress in cluster.ingresses():
        assert ingress.addresses, f"ingress {ingress.name}: found no address"
        assert ingress.host in ingress.hosts, f"ingress {ingress.name}: no rule for {ingress.host}"
        if ingress.tls:
            assert ingress.host in ingress.tls_hosts, (
                f"ingress {ingress.name}: no certificate for {ingress.host}"
            )


@pytest.mark.check("load-balancer", trigger="health-check-failure")
def test_the_platform_answers_behind_the_load_balancer(api: Api) -> None:
    """A default backend, a cache or a page to sign in on answers too, and names no component."""
    parts = api.health("health_detailed").components
    assert parts, "found a health report without components, expected the platform's own"


@pytest.mark.check("load-balancer")
def test_every_host_leads_to_its_ingress(cluster: Cluster) -> None:
    """The ingress is well, and users are still sent to the platform before it."""
    for ingress in cluster.ingresses():
        found = addresses_of(ingress.host)
        expected = {address for name in ingress.leads_to for address in addresses_of(name)}
        assert found & expected, (
            f"host {ingress.host}: found {', '.join(sorted(found))}, expected an address of "
            f"ingress {ingress.name}: {', '.join(sorted(expected)) or 'it has none'}"
        )
        others = ", ".join(strangers(found, ingress.leads_to))
        assert not others, (
            f"host {ingress.host}: found also {others}, where some of its users are sent; expected "
            f"addresses of ingress {ingress.name} only: {', '.join(sorted(expected))}"
        )


@pytest.mark.check("load-balancer")
def test_certificate_does_not_end_soon(api: Api, limits: Limits, measure: Measure) -> None:
    """A certificate that is about to expire is no reason to go back, but one to act."""
    life_s = api.ask("health_detailed").tls_life_s
    measure("certificate_life_s", life_s, limit=limits.certificate_life_s, unit="s")
    assert life_s >= limits.certificate_life_s
