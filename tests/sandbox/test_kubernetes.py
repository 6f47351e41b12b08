"""The Kubernetes API, asked with the kubernetes library."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import kubernetes.client
import pytest

from pytest_deploycheck.sandbox import Sandbox

NAMESPACE = "/api/v1/namespaces/jorge-revenue-platform"
APPS = "/apis/apps/v1/namespaces/jorge-revenue-platform"

Ask = Callable[..., Any]


def client(variables: dict[str, str], token: str) -> kubernetes.client.ApiClient:
    """A client with that token."""
    configuration = kubernetes.client.Configuration()
    configuration.host = variables["CLUSTER_URL"]
    configuration.ssl_ca_cert = variables["CA_FILE"]
    configuration.api_key = {"BearerToken": f"Bearer {token}"}
    configuration.proxy = None
    return kubernetes.client.ApiClient(configuration)


@pytest.fixture
def ask(variables: dict[str, str]) -> Ask:
    """Asks with the sandbox's token and returns JSON."""
    api = client(variables, variables["CLUSTER_TOKEN"])

    def asked(path: str, method: str = "GET", **query: str) -> Any:  # noqa: ANN401 - JSON
        response = api.call_api(
            method,
            f"{variables['CLUSTER_URL']}{path}?" + "&".join(f"{k}={v}" for k, v in query.items()),
            header_params={"Authorization": f"Bearer {variables['CLUSTER_TOKEN']}"},
        )
        return json.loads(response.read())  # type: ignore[no-untyped-call]  # of the library

    return asked


def test_the_typed_library_reads_every_list(variables: dict[str, str]) -> None:
    """The strict models of the library accept what the sandbox answers."""
    api = client(variables, variables["CLUSTER_TOKEN"])
    namespace = "jorge-revenue-platform"
    assert kubernetes.client.CoreV1Api(api).list_namespaced_pod(namespace).items
    assert kubernetes.client.CoreV1Api(api).list_namespaced_service(namespace).items
    assert kubernetes.client.AppsV1Api(api).list_namespaced_deployment(namespace).items
    assert kubernetes.client.AppsV1Api(api).list_namespaced_replica_set(namespace).items
    assert kubernetes.client.AppsV1Api(api).list_namespaced_stateful_set(namespace).items
    networking = kubernetes.client.NetworkingV1Api(api)
    assert networking.list_namespaced_ingress(namespace).items
    assert networking.list_namespaced_network_policy(namespace).items
    discovery = kubernetes.client.DiscoveryV1Api(api)
    assert discovery.list_namespaced_endpoint_slice(namespace).items


def test_pages_add_up_to_the_whole_list(ask: Ask) -> None:
    """A reader that stops at the first page sees too little, as with a real server."""
    whole = ask(f"{NAMESPACE}/pods")
    names: list[str] = []
    page = ask(f"{NAMESPACE}/pods", limit="2")
    while "continue" in page["metadata"]:
        names += [pod["metadata"]["name"] for pod in page["items"]]
        token = {"continue": page["metadata"]["continue"]}
        page = ask(f"{NAMESPACE}/pods", limit="2", **token)
    names += [pod["metadata"]["name"] for pod in page["items"]]
    assert names == [pod["metadata"]["name"] for pod in whole["items"]]
    assert whole["metadata"]["resourceVersion"]


@pytest.mark.parametrize(
    ("selector", "count"),
    [
        ("app=jorge-revenue-api", 3),
        ("app!=jorge-revenue-api", 3),
        ("app%20in%20(redis,postgres)", 2),
        ("app.kubernetes.io/version,app=jorge-revenue-api", 3),
        ("!app", 0),
    ],
)
def test_label_selectors_select(ask: Ask, selector: str, count: int) -> None:
    """Selectors mean what they mean in Kubernetes."""
    assert len(ask(f"{NAMESPACE}/pods", labelSelector=selector)["items"]) == count


def test_every_pod_of_the_release_is_ready_and_a_finished_job_is_there(ask: Ask) -> None:
    """The healthy cluster has what makes naive checks fail: a pod that is Completed."""
    phases = {pod["status"]["phase"] for pod in ask(f"{NAMESPACE}/pods")["items"]}
    deployment = ask(f"{APPS}/deployments/jorge-revenue-api")
    status = deployment["status"]
    assert phases == {"Running", "Succeeded"}
    assert status["readyReplicas"] == status["updatedReplicas"] == deployment["spec"]["replicas"]
    assert status["observedGeneration"] == deployment["metadata"]["generation"]


def test_who_am_i_is_answered(ask: Ask) -> None:
    """A token that is not used would make an anonymous reader: the review tells."""
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    review = ask(path, "POST")
    assert review["status"]["userInfo"]["username"].startswith("system:serviceaccount:")


def test_a_wrong_token_is_unauthorized(variables: dict[str, str]) -> None:
    """Refusals are Status objects with the code that a real server gives."""
    core = kubernetes.client.CoreV1Api(client(variables, "wrong"))
    with pytest.raises(kubernetes.client.ApiException) as caught:
        core.list_namespaced_pod("jorge-revenue-platform")
    assert caught.value.status == 401
    assert json.loads(caught.value.body or "")["reason"] == "Unauthorized"


def test_a_crash_looping_pod_is_seen(sandbox: Sandbox, ask: Ask) -> None:
    """A fault in the state is what the API then shows."""
    sandbox.switch(["pod-crash-looping"])
    pods = ask(f"{NAMESPACE}/pods", labelSelector="app=jorge-revenue-api")["items"]
    waiting = [
        pod["status"]["containerStatuses"][0]["state"].get("waiting", {}).get("reason")
        for pod in pods
    ]
    assert waiting.count("CrashLoopBackOff") == 1
