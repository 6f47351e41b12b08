"""Ways to the platform that are broken: health report, services, ingress, certificates."""

from __future__ import annotations

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox.certificates import Certificate
from pytest_deploycheck.sandbox.faults.fault import (
    BALANCER,
    CACHE,
    DATABASE,
    DATABASE_POINT,
    ENDPOINTS,
    HEALTH,
    HEALTH_POINT,
    SECURITY,
    SECURITY_POINT,
    SERVICES,
    fault,
)
from pytest_deploycheck.sandbox.faults.groups import API_CALLERS, HEALTH_READERS
from pytest_deploycheck.sandbox.objects import CONTROLLER
from pytest_deploycheck.sandbox.platform import PREVIOUS_RELEASE, Platform

_HEALTH = "GET /health/detailed"
#: Who asks the health report for anything at all.
_READERS = (SERVICES, BALANCER, DATABASE, CACHE, HEALTH_POINT, DATABASE_POINT, *HEALTH_READERS)
#: Who asks the platform's API for anything at all.
_CALLERS = (*_READERS, ENDPOINTS, SECURITY_POINT, *API_CALLERS)


@fault(SERVICES, HEALTH_POINT, *HEALTH_READERS, trigger=HEALTH)
def health_degraded(platform: Platform) -> None:
    """The bots call themselves degraded in a health report that answers 200."""
    platform.components["jorge_bots"].status = "degraded"


@fault(SERVICES, HEALTH_POINT, *HEALTH_READERS, trigger=HEALTH)
def component_missing(platform: Platform) -> None:
    """The health report has forgotten one component, and calls itself healthy."""
    del platform.components["claude_ai"]


@fault(*_READERS, trigger=HEALTH)
def stale_timestamp(platform: Platform) -> None:
    """The health report is ten minutes old."""
    platform.health_age_s = 600.0


@fault(*_READERS, trigger=HEALTH)
def health_is_html(platform: Platform) -> None:
    """The health report is a page of HTML with status 200."""
    platform.api[_HEALTH].body = lambda: b"<!DOCTYPE html><title>healthy</title>"
    platform.api[_HEALTH].media_type = "text/html"


@fault(*_READERS, trigger=HEALTH)
def health_not_found(platform: Platform) -> None:
    """Nothing is served at the path of the health report."""
    del platform.api[_HEALTH]


@fault(*_READERS, trigger=HEALTH)
def health_unavailable(platform: Platform) -> None:
    """The load balancer answers 503 for the health report."""
    platform.api[_HEALTH].status = 503


@fault(*_CALLERS, trigger=HEALTH)
def default_backend(platform: Platform) -> None:
    """The load balancer knows no backend for our host, and answers by itself."""
    platform.servers["api"].status = 404
    platform.servers["api"].body = "default backend - 404"
    platform.servers["api"].media_type = "text/plain"


@fault(*_READERS, trigger=HEALTH)
def health_says_nothing(platform: Platform) -> None:
    """Something answers 200 for the health report, and nothing else."""
    platform.api[_HEALTH].body = lambda: b""


@fault(SERVICES, verdict=Verdict.HOLD)
def reports_previous_release(platform: Platform) -> None:
    """Requests still reach the previous release, whatever the cluster runs."""
    platform.release = PREVIOUS_RELEASE


@fault(SERVICES, HEALTH_POINT, trigger=HEALTH)
def service_without_endpoints(platform: Platform) -> None:
    """No pod stands behind the service of the API."""
    platform.one("endpointslices", "jorge-revenue-api-svc")["endpoints"] = []


@fault(SERVICES, HEALTH_POINT, trigger=HEALTH)
def service_endpoints_not_ready(platform: Platform) -> None:
    """The one endpoint of the cache's service is not ready."""
    for endpoint in platform.one("endpointslices", "redis")["endpoints"]:
        endpoint["conditions"] |= {"ready": False, "serving": False}


@fault(BALANCER, trigger=HEALTH)
def ingress_without_address(platform: Platform) -> None:
    """The ingress was never given an address."""
    platform.one("ingresses", "jorge-revenue-api")["status"]["loadBalancer"] = {}


@fault(BALANCER, verdict=Verdict.HOLD)
def host_leads_elsewhere(platform: Platform) -> None:
    """The ingress has been given an address that its host does not lead to."""
    ingress = platform.one("ingresses", "jorge-revenue-api")
    ingress["status"]["loadBalancer"]["ingress"] = [{"ip": "203.0.113.77"}]


@fault(BALANCER, trigger=HEALTH)
def ingress_missing(platform: Platform) -> None:
    """There is no ingress."""
    platform.objects["ingresses"].clear()


@fault(BALANCER, trigger=HEALTH)
def ingress_for_another_host(platform: Platform) -> None:
    """The ingress has no rule for the host that the platform is reached by."""
    platform.one("ingresses", "jorge-revenue-api")["spec"]["rules"][0]["host"] = "old.example"


@fault(BALANCER, trigger=HEALTH)
def ingress_without_tls(platform: Platform) -> None:
    """The ingress names no certificate for its host."""
    platform.one("ingresses", "jorge-revenue-api")["spec"]["tls"] = []


@fault(BALANCER, HEALTH_POINT, trigger=HEALTH)
def ingress_controller_down(platform: Platform) -> None:
    """No pod of the ingress controller is ready, while the ingress keeps its address."""
    platform.one("deployments", CONTROLLER)["status"] |= {
        "readyReplicas": 0,
        "availableReplicas": 0,
    }


@fault(BALANCER, verdict=Verdict.HOLD)
def certificate_ends_soon(platform: Platform) -> None:
    """The certificate of the API expires in two days."""
    platform.certificates["api"] = Certificate(days_left=2)


@fault(*_CALLERS, trigger=SECURITY)
def certificate_expired(platform: Platform) -> None:
    """The certificate of the API expired yesterday."""
    platform.certificates["api"] = Certificate(days_left=-1)


@fault(*_CALLERS, trigger=SECURITY)
def certificate_for_another_host(platform: Platform) -> None:
    """The API shows a certificate for another host."""
    platform.certificates["api"] = Certificate(hosts=("elsewhere.example",))


@fault(*_CALLERS, trigger=HEALTH)
def api_down(platform: Platform) -> None:
    """Nothing listens where the API should be."""
    platform.servers["api"].refuses = True


@fault(*_CALLERS, trigger=HEALTH)
def bad_gateway(platform: Platform) -> None:
    """The load balancer answers 502 to everything."""
    platform.servers["api"].status = 502
    platform.servers["api"].body = "<html><h1>502 Bad Gateway</h1></html>"
    platform.servers["api"].media_type = "text/html"
