"""The cluster as a deployment is judged by it, over the sandbox's Kubernetes API."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import itertools
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from pytest_deploycheck.clients import bodies, evidence, kubernetes_api, objects
from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError
from pytest_deploycheck.sandbox import Sandbox
from pytest_deploycheck.sandbox.foundations import MIGRATION_HEAD
from pytest_deploycheck.sandbox.objects import BACKUP
from tests.clients.doubles import USER_AGENT

API = "jorge-revenue-api"


@pytest.fixture
def cluster(sandbox: Sandbox, cluster_settings: environment.Cluster) -> Cluster:
    """The sandbox's cluster, just deployed."""
    return Cluster(
        cluster_settings, user_agent=USER_AGENT, deployed_at_s=sandbox.platform.deployed_at_s
    )


def by_name(cluster: Cluster) -> dict[str, objects.Workload]:
    """Return the workloads by their names."""
    return {workload.name: workload for workload in cluster.workloads()}


def test_a_healthy_workload_has_only_new_and_ready_pods(cluster: Cluster) -> None:
    """What the checks compare, when all is well."""
    api = by_name(cluster)[API]
    assert (api.desired, api.updated, api.ready, api.total, api.observed) == (3, 3, 3, 3, True)
    assert len(api.pods) == 3
    assert api.old_pods == ()
    assert (api.release, api.image.rpartition(":")[2]) == ("1.4.2", "1.4.2")


def test_a_stateful_set_finds_its_pods_too(cluster: Cluster) -> None:
    """Its revision is a label of another name."""
    assert len(by_name(cluster)["postgres"].pods) == 1


def test_a_pod_of_another_revision_is_an_old_one(sandbox: Sandbox, cluster: Cluster) -> None:
    """An old pod that is ready still answers with the old release."""
    pod = next(iter(sandbox.platform.pods(API)))
    pod["metadata"]["labels"]["pod-template-hash"] = "0ld"
    api = by_name(cluster)[API]
    assert [old.name for old in api.old_pods] == [pod["metadata"]["name"]]
    assert len(api.pods) == 2


def test_a_workload_that_is_missing_is_the_subjects_fault(
    sandbox: Sandbox, cluster: Cluster
) -> None:
    """A rollout that deleted it must not be taken for an answer of the instrument."""
    sandbox.platform.objects["deployments"].clear()
    with pytest.raises(SubjectError, match=f"found no Deployment {API}"):
        cluster.workloads()


def test_an_empty_namespace_is_no_evidence(cluster_settings: environment.Cluster) -> None:
    """A misspelt namespace is empty too, and must not roll anything back."""
    elsewhere = cluster_settings.model_copy(update={"namespace": "misspelt"})
    cluster = Cluster(elsewhere, user_agent=USER_AGENT, deployed_at_s=0.0)
    for ask in (cluster.workloads, cluster.pods):
        with pytest.raises(InstrumentError, match="is it the right one"):
            ask()


def restarted(pod: dict[str, Any], count: int, *, ended: str | None = None) -> None:
    """Let the first container of *pod* have restarted."""
    container = pod["status"]["containerStatuses"][0]
    container["restartCount"] = count
    if ended is not None:
        container["lastState"] = {"terminated": {"exitCode": 1, "finishedAt": ended}}


@pytest.mark.parametrize(
    ("ended", "restarts"), [("2020-01-01T00:00:00Z", 0), ("2099-01-01T00:00:00Z", 1), (None, 0)]
)
def test_an_older_pods_restarts_count_since_the_deployment(
    sandbox: Sandbox, cluster: Cluster, ended: str | None, restarts: int
) -> None:
    """A database pod that restarted last year says nothing about this release."""
    restarted(next(iter(sandbox.platform.pods("postgres"))), 7, ended=ended)
    assert by_name(cluster)["postgres"].pods[0].restarts == restarts


def test_a_new_pods_restarts_all_count(sandbox: Sandbox, cluster: Cluster) -> None:
    """Whatever happened to it happened to this release."""
    restarted(next(iter(sandbox.platform.pods(API))), 2)
    assert sorted(pod.restarts for pod in by_name(cluster)[API].pods) == [0, 0, 2]


def changed(pod: dict[str, Any], **status: Any) -> None:  # noqa: ANN401 - Kubernetes' own
    """Change the status of *pod*."""
    pod["status"].update(status)


@pytest.mark.parametrize(
    ("change", "ready"),
    [
        (lambda _: None, True),
        (lambda pod: changed(pod, conditions=[{"type": "Ready", "status": "False"}]), False),
        (lambda pod: changed(pod, conditions=[]), False),
        (lambda pod: changed(pod, phase="Pending", conditions=None), False),
        (lambda pod: pod["metadata"].update(deletionTimestamp="2026-01-01T00:00:00Z"), False),
    ],
    ids=["ready", "not ready", "no condition", "pending", "being deleted"],
)
def test_a_pod_is_ready_only_when_it_says_so(
    sandbox: Sandbox, cluster: Cluster, change: Callable[[dict[str, Any]], None], ready: bool
) -> None:
    """READY 1/1 is a count of containers; the condition is what the service looks at."""
    pod = next(iter(sandbox.platform.pods(API)))
    change(pod)
    found = {one.name: one for one in by_name(cluster)[API].pods}
    assert found[pod["metadata"]["name"]].ready is ready


def test_a_job_that_was_tried_again_has_not_failed(sandbox: Sandbox, cluster: Cluster) -> None:
    """Its first pod failed, a second one did the work: the Job says that it is complete."""
    first = copy.deepcopy(sandbox.platform.one("pods", BACKUP))
    first["metadata"]["name"] += "-first"
    changed(first, phase="Failed")
    sandbox.platform.objects["pods"].append(first)
    assert not [pod.name for pod in cluster.pods() if pod.name.startswith(BACKUP)]
    assert [(job.name, job.failure) for job in cluster.jobs()] == [(BACKUP, "")]


def job(name: str, kind: str, ended: str | None, *, of: str | None = None) -> dict[str, Any]:
    """A Job that has become *kind*, made by a CronJob or not."""
    makers = [{"kind": "CronJob", "name": of}] if of else []
    ends = [{"type": kind, "status": "True", "reason": "Late", "lastTransitionTime": ended}]
    conditions = [{"type": "Suspended", "status": "False"}, *(ends if ended else [])]
    metadata = {"name": name, "namespace": "jorge-revenue-platform", "ownerReferences": makers}
    return {"metadata": metadata, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("jobs", "failures"),
    [
        ([job("a", "Failed", "2099-01-01T00:00:00Z")], {"a": "Late"}),
        ([job("a", "Failed", "2020-01-01T00:00:00Z")], {}),
        ([job("a", "Failed", None)], {}),
        (
            [
                job("b-2", "Complete", "2099-01-01T00:10:00Z", of="b"),
                job("b-1", "Failed", "2099-01-01T00:05:00Z", of="b"),
            ],
            {"b-2": ""},
        ),
        (
            [
                job("b-1", "Complete", "2099-01-01T00:05:00Z", of="b"),
                job("b-2", "Failed", "2099-01-01T00:10:00Z", of="b"),
            ],
            {"b-2": "Late"},
        ),
    ],
    ids=["failed", "failed before", "at work", "well again", "failed at last"],
)
def test_the_newest_job_since_the_deployment_speaks(
    sandbox: Sandbox, cluster: Cluster, jobs: list[dict[str, Any]], failures: dict[str, str]
) -> None:
    """A backup that failed and went well five minutes later leaves nothing to do."""
    sandbox.platform.objects["jobs"] = jobs
    assert {found.name: found.failure for found in cluster.jobs()} == failures


@pytest.mark.parametrize(
    ("image_id", "build"),
    [
        ("registry.test/api@sha256:11", "sha256:11"),
        ("docker-pullable://registry.test:5000/api@sha256:11", "sha256:11"),
        ("sha256:11", "sha256:11"),
        ("", ""),
    ],
)
def test_a_pod_tells_which_build_it_runs(
    sandbox: Sandbox, cluster: Cluster, image_id: str, build: str
) -> None:
    """Whatever registry or mirror its node had it from; before it has started, none."""
    pod = next(sandbox.platform.pods(API))
    pod["status"]["containerStatuses"][0]["imageID"] = image_id
    (found,) = [one for one in by_name(cluster)[API].pods if one.name == pod["metadata"]["name"]]
    assert found.build == build


def test_what_ended_before_the_deployment_is_history(sandbox: Sandbox, cluster: Cluster) -> None:
    """A pod evicted last week is still listed."""
    evicted = copy.deepcopy(next(iter(sandbox.platform.pods(API))))
    evicted["metadata"] |= {"name": "evicted", "creationTimestamp": "2020-01-01T00:00:00Z"}
    changed(evicted, phase="Failed", reason="Evicted", containerStatuses=None)
    sandbox.platform.objects["pods"].append(evicted)
    assert "evicted" not in {pod.name for pod in cluster.pods()}
    assert "evicted" not in {pod.name for pod in by_name(cluster)[API].old_pods}
    now = dt.datetime.fromtimestamp(sandbox.platform.deployed_at_s, dt.UTC)  # in whole seconds
    evicted["metadata"]["creationTimestamp"] = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    assert "evicted" not in {pod.name for pod in cluster.pods()}  # another took its place
    assert [pod.name for pod in cluster.left_behind()] == ["evicted"]
    evicted["metadata"]["ownerReferences"][0]["kind"] = "DaemonSet"
    assert "evicted" in {pod.name for pod in cluster.pods()}


@pytest.mark.parametrize(
    ("kind", "late_s", "counts", "left"),
    [
        ("ReplicaSet", -600, False, False),
        ("ReplicaSet", 59, False, False),
        ("ReplicaSet", 60, False, True),
        ("StatefulSet", -600, True, False),
    ],
)
def test_a_pod_that_is_being_deleted_may_take_its_time(
    sandbox: Sandbox,
    cluster_settings: environment.Cluster,
    *,
    kind: str,
    late_s: float,
    counts: bool,
    left: bool,
) -> None:
    """A bot ends its talks in ten minutes of grace; only a ReplicaSet does not wait for that."""
    leaving = copy.deepcopy(next(iter(sandbox.platform.pods(API))))
    leaving["metadata"] |= {"name": "leaving", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    leaving["metadata"]["labels"]["pod-template-hash"] = "0ld"
    leaving["metadata"]["ownerReferences"][0]["kind"] = kind
    sandbox.platform.objects["pods"].append(leaving)
    gone_at_s = dt.datetime(2026, 1, 1, tzinfo=dt.UTC).timestamp()
    cluster = Cluster(
        cluster_settings,
        user_agent=USER_AGENT,
        deployed_at_s=sandbox.platform.deployed_at_s,
        clock=lambda: gone_at_s + late_s,
    )
    assert ("leaving" in {pod.name for pod in cluster.pods()}) == counts
    assert ("leaving" in {pod.name for pod in by_name(cluster)[API].old_pods}) == counts
    assert ("leaving" in {pod.name for pod in cluster.left_behind()}) == left


@pytest.mark.parametrize(("phase", "counts"), [("Succeeded", False), ("Failed", True)])
def test_a_pod_that_ended_well_is_not_waited_for(
    sandbox: Sandbox, cluster: Cluster, phase: str, *, counts: bool
) -> None:
    """`helm test` leaves one, and nothing about it would ever become ready again."""
    tested = copy.deepcopy(next(iter(sandbox.platform.pods(API))))
    tested["metadata"] |= {
        "name": "smoke-test",
        "creationTimestamp": "2099-01-01T00:00:00Z",
        "labels": {},
        "ownerReferences": [],
    }
    changed(tested, phase=phase)
    sandbox.platform.objects["pods"].append(tested)
    assert ("smoke-test" in {pod.name for pod in cluster.pods()}) == counts


def test_a_service_without_endpoints_has_none_rather_than_no_entry(
    sandbox: Sandbox, cluster: Cluster
) -> None:
    """An absent slice must not make `all(…)` true."""
    sandbox.platform.objects["endpointslices"] = [
        found
        for found in sandbox.platform.objects["endpointslices"]
        if found["metadata"]["labels"]["kubernetes.io/service-name"] != "postgres"
    ]
    found = {service.name: service.ready for service in cluster.services()}
    assert found == {"jorge-revenue-api-svc": 3, "postgres": 0}


def test_an_ingress_tells_its_address_and_hosts(sandbox: Sandbox, cluster: Cluster) -> None:
    """Without an address, nobody outside reaches it."""
    (ingress,) = cluster.ingresses()
    assert ingress.addresses
    assert "localhost" in ingress.hosts
    assert "localhost" in ingress.tls_hosts
    assert ingress.leads_to == ingress.addresses
    sandbox.platform.objects["ingresses"][0]["status"] = {"loadBalancer": {}}
    assert cluster.ingresses()[0].addresses == ()
    sandbox.platform.objects["ingresses"].clear()
    with pytest.raises(SubjectError, match="found no Ingress"):
        cluster.ingresses()


def test_an_ingress_may_stand_behind_something_else(cluster_settings: environment.Cluster) -> None:
    """Behind a content network the host leads there, whatever address the ingress has."""
    (wanted,) = cluster_settings.ingresses
    behind = wanted.model_copy(update={"behind": ("edge.test",)})
    settings = cluster_settings.model_copy(update={"ingresses": (behind,)})
    (ingress,) = Cluster(settings, user_agent=USER_AGENT).ingresses()
    assert ingress.leads_to == ("edge.test",)
    assert ingress.addresses


def test_the_controller_is_found_in_its_own_namespace(cluster: Cluster) -> None:
    """It does not live with the platform."""
    assert cluster.ingress_controller().ready == 2


def test_what_is_not_named_is_no_evidence(cluster_settings: environment.Cluster) -> None:
    """A check over an empty list would pass."""
    nothing = {"services": (), "ingresses": (), "ingress_controller": None}
    cluster = Cluster(cluster_settings.model_copy(update=nothing), user_agent=USER_AGENT)
    for ask in (cluster.services, cluster.ingresses, cluster.ingress_controller):
        with pytest.raises(InstrumentError, match="names no"):
            ask()


# --- what is deployed, and since when --------------------------------------------------------


def test_release_and_start_are_read_from_the_cluster(
    sandbox: Sandbox, cluster_settings: environment.Cluster
) -> None:
    """Who gives no option is judged by what runs."""
    cluster = Cluster(cluster_settings, user_agent=USER_AGENT)
    assert cluster.release() == cluster.expected_release == "1.4.2"
    assert cluster.deployed_at_s() == pytest.approx(sandbox.platform.deployed_at_s, abs=1)


def test_the_release_that_was_named_is_the_expected_one(
    cluster_settings: environment.Cluster,
) -> None:
    """A rollout that never began is found by comparing with what was asked for."""
    cluster = Cluster(cluster_settings, user_agent=USER_AGENT, release="2.0.0")
    assert cluster.expected_release == "2.0.0"


def test_the_chart_says_which_migrations_belong_to_the_release(
    sandbox: Sandbox, cluster_settings: environment.Cluster
) -> None:
    """Where the environment asks for that, a chart that says nothing is no evidence."""
    named = {"migration_head_annotation": "deploycheck/migration-head"}
    asking = Cluster(cluster_settings.model_copy(update=named), user_agent=USER_AGENT)
    assert asking.migration_head() == MIGRATION_HEAD
    assert Cluster(cluster_settings, user_agent=USER_AGENT).migration_head() is None
    sandbox.platform.one("deployments", API)["metadata"]["annotations"].clear()
    with pytest.raises(InstrumentError, match="found no annotation deploycheck/migration-head"):
        asking.migration_head()


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        ("ghcr.io/jorge/api:1.4.2", "1.4.2"),
        ("registry:5000/api", ""),
        ("registry:5000/api@sha256:abc", "sha256:abc"),
        ("registry:5000/api:1.4@sha256:abc", "1.4"),
    ],
)
def test_an_image_without_a_label_tells_the_release(
    sandbox: Sandbox, cluster: Cluster, image: str, tag: str
) -> None:
    """The port of a registry is not a tag."""
    deployment = sandbox.platform.one("deployments", API)
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image
    for labelled in (deployment, deployment["spec"]["template"]):
        labelled["metadata"].get("labels", {}).pop("app.kubernetes.io/version", None)
    assert by_name(cluster)[API].release == tag


def test_a_revision_taken_up_again_began_with_its_first_pod(
    sandbox: Sandbox, cluster_settings: environment.Cluster
) -> None:
    """Its ReplicaSet is as old as the day when it was first rolled out."""
    newest = max(
        (one for one in sandbox.platform.objects["replicasets"] if API in one["metadata"]["name"]),
        key=lambda one: int(one["metadata"]["annotations"]["deployment.kubernetes.io/revision"]),
    )
    newest["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
    newest["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] = "3"
    cluster = Cluster(cluster_settings, user_agent=USER_AGENT)
    assert cluster.deployed_at_s() == pytest.approx(sandbox.platform.deployed_at_s, abs=1)


# --- the instrument itself -------------------------------------------------------------------


def test_every_page_of_a_list_is_read(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first page alone would be a cluster without its last pods."""
    whole = {pod.name for pod in cluster.pods()}
    monkeypatch.setattr(kubernetes_api, "PAGE", 2)
    with evidence.recording() as recorder:
        assert {pod.name for pod in cluster.pods()} == whole
    assert sum("/pods?" in note.request for note in recorder.evidence) == -(-len(whole) // 2)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, '{"kind": "Status", "reason": "Unauthorized"}'),
        (403, '{"kind": "Status", "reason": "Forbidden"}'),
        (500, '{"kind": "Status"}'),
        (200, "<html>login</html>"),
        (200, "[]"),
        (200, '{"kind": "Status"}'),
    ],
)
def test_no_answer_of_the_cluster_is_evidence_but_a_whole_one(
    sandbox: Sandbox, cluster: Cluster, status: int, body: str
) -> None:
    """A refused or replaced answer must neither pass nor roll back."""
    sandbox.platform.servers["cluster"].status = status
    sandbox.platform.servers["cluster"].body = body
    with pytest.raises(InstrumentError):
        cluster.pods()


def test_a_wrong_token_is_our_fault_and_stays_secret(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An expired service account token is INCONCLUSIVE."""
    monkeypatch.setenv("DEPLOYCHECK_SANDBOX_CLUSTER_TOKEN", "expired-token-4711")
    with evidence.recording() as recorder, pytest.raises(InstrumentError, match="401"):
        cluster.pods()
    assert "4711" not in str(recorder.evidence)


def test_a_silent_cluster_is_no_evidence(cluster_settings: environment.Cluster) -> None:
    """What cannot be asked says nothing about the pods."""
    nowhere = cluster_settings.model_copy(update={"server": "https://127.0.0.1:1"})
    with evidence.recording() as recorder, pytest.raises(InstrumentError, match="no answer"):
        Cluster(nowhere, user_agent=USER_AGENT).pods()
    assert recorder.silent == ("127.0.0.1:1",)


def test_a_cluster_that_takes_us_for_nobody_is_no_evidence(
    cluster_settings: environment.Cluster, httpserver: HTTPServer
) -> None:
    """A client that sends no token sees what anonymous readers see: often an empty list."""
    review = {"kind": "SelfSubjectReview", "status": {"userInfo": {"username": "system:anonymous"}}}
    httpserver.expect_request(
        "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    ).respond_with_json(review, 201)
    settings = cluster_settings.model_copy(update={"server": httpserver.url_for("")})
    cluster = Cluster(settings, user_agent=USER_AGENT)
    with pytest.raises(InstrumentError, match="system:anonymous"):
        cluster.pods()
    cluster.close()


def test_an_empty_first_page_that_continues_is_not_the_end(
    cluster_settings: environment.Cluster, httpserver: HTTPServer
) -> None:
    """So does Kubernetes answer a selector that matches late; older ones do not know who we are."""

    def handle(request: Any) -> Response:  # noqa: ANN401 - werkzeug's
        if request.method == "POST":
            body = {"kind": "Status", "status": "Failure", "code": 404}
            return Response(json.dumps(body), 404)
        assert request.headers["Authorization"] == "Bearer sandbox-cluster-token"
        page: dict[str, Any] = {"kind": "PodList", "items": None, "metadata": {"continue": "2"}}
        if request.args.get("continue") == "2":
            page = {"kind": "PodList", "items": [{"metadata": {"name": "late"}}], "metadata": {}}
        return Response(json.dumps(page), content_type="application/json")

    httpserver.expect_request("/").respond_with_handler(handle)
    for path in ("/apis/authentication.k8s.io/v1/selfsubjectreviews", "/api/v1/namespaces/x/pods"):
        httpserver.expect_request(path).respond_with_handler(handle)
    settings = cluster_settings.model_copy(
        update={"server": httpserver.url_for(""), "namespace": "x"}
    )
    cluster = Cluster(settings, user_agent=USER_AGENT, deployed_at_s=0.0)
    assert [pod.name for pod in cluster.pods()] == ["late"]
    cluster.close()


class Answering:
    """A cluster that knows us, and answers each list in the same way."""

    def __init__(self, settings: environment.Cluster, server: HTTPServer) -> None:
        here = {"server": server.url_for(""), "namespace": "x"}
        self.settings = settings.model_copy(update=here)
        self.server = server
        server.expect_request(kubernetes_api._IDENTITY).respond_with_json(
            {"kind": "SelfSubjectReview", "status": {"userInfo": {"username": "us"}}}
        )

    def jobs(self, answer: Callable[[], Response]) -> None:
        """Ask for the Jobs, which *answer* answers."""
        path = "/apis/batch/v1/namespaces/x/jobs"
        self.server.expect_request(path).respond_with_handler(lambda _: answer())
        with contextlib.closing(
            Cluster(self.settings, user_agent=USER_AGENT, deployed_at_s=0.0)
        ) as asked:
            asked.jobs()


@pytest.fixture
def answering(cluster_settings: environment.Cluster, httpserver: HTTPServer) -> Answering:
    """A cluster whose answers a test makes up."""
    return Answering(cluster_settings, httpserver)


def test_a_list_without_its_items_is_none(answering: Answering) -> None:
    """Something on the way took them out: no failed Job among them is no evidence."""
    with pytest.raises(InstrumentError, match=r"expected a list of jobs, .* items"):
        answering.jobs(lambda: Response('{"kind": "JobList", "metadata": {}}'))


def test_a_list_that_goes_on_for_ever_is_none(
    answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page names a next one: a proxy that drops the query answers with the first again."""
    monkeypatch.setattr(kubernetes_api, "MOST_PAGES", 5)
    page = '{"kind": "JobList", "items": [], "metadata": {"continue": "2"}}'
    with pytest.raises(InstrumentError, match="found more than 5 pages"):
        answering.jobs(lambda: Response(page))


@pytest.mark.parametrize(("most", "problem"), [(10**9, "not complete after"), (99, "more than 99")])
def test_an_answer_that_never_ends_is_none(
    answering: Answering, monkeypatch: pytest.MonkeyPatch, most: int, problem: str
) -> None:
    """Each piece of it comes in time; together they would fill the machine."""
    monkeypatch.setattr(bodies, "MAX_BYTES", most)
    answering.settings = answering.settings.model_copy(update={"timeout_s": 0.5})
    with pytest.raises(InstrumentError, match=problem):
        answering.jobs(lambda: Response(itertools.repeat(b" ")))


def test_half_an_answer_is_none(answering: Answering) -> None:
    """The connection ends before what was announced has come."""
    more = {"Content-Length": "90"}
    with pytest.raises(InstrumentError, match="IncompleteRead"):
        answering.jobs(lambda: Response([b'{"kind": "JobList", "items": []}'], headers=more))


def test_32_threads_ask_one_cluster(cluster: Cluster) -> None:
    """Each check gets its own evidence, and the whole answer."""
    together = threading.Barrier(32)
    found: list[tuple[int, int]] = []

    def check() -> None:
        with evidence.recording() as recorder:
            together.wait()
            pods = cluster.pods()
        asked = [note for note in recorder.evidence if "/pods?" in note.request]
        found.append((len(pods), len(asked)))

    threads = [threading.Thread(target=check) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(len(cluster.pods()), 1)] * 32
