"""What workloads stand on, at its edges: permissions, room, and the way back."""

from __future__ import annotations

import base64
import contextlib
import gzip
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_deploycheck import sandbox as embedded
from pytest_deploycheck.clients import access, capacity, evidence, revisions
from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError
from pytest_deploycheck.sandbox import foundations
from tests.clients.doubles import USER_AGENT

ALLOWED = (
    environment.Permission(resources=("configmaps",), verbs=("get", "list")),
    environment.Permission(resources=("secrets",), verbs=("get",), names=("ours",)),
)


def grant(**changes: tuple[str, ...]) -> access.Grant:
    """A rule that is allowed, with changes."""
    rule = {"groups": ("",), "resources": ("configmaps",), "verbs": ("get",), "names": ()}
    return access.Grant(role="Role r", **(rule | changes))


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, True),
        ({"verbs": ("get", "list")}, True),
        ({"verbs": ("get", "watch")}, False),
        ({"groups": ("apps",)}, False),
        ({"resources": ("configmaps", "pods")}, False),
        ({"verbs": ("*",)}, False),
        ({"resources": ("secrets",), "names": ("ours",)}, True),
        ({"resources": ("secrets",), "names": ("ours", "theirs")}, False),
        ({"resources": ("secrets",)}, False),  # no name: all of them
    ],
)
def test_grant_is_within_one_permission_or_too_much(
    changes: dict[str, tuple[str, ...]], allowed: bool
) -> None:
    """Group, resource, verb and name, each no more than one permission allows."""
    assert grant(**changes).within(ALLOWED) is allowed


def test_wildcard_is_never_within() -> None:
    """Not even where the allowed list itself has one."""
    everything = environment.Permission(groups=("*",), resources=("*",), verbs=("*",))
    assert not grant(verbs=("*",)).within([everything])


@pytest.mark.parametrize(
    ("subject", "is_ours"),
    [
        ({"kind": "ServiceAccount", "name": "a", "namespace": "n"}, True),
        ({"kind": "ServiceAccount", "name": "a", "namespace": "other"}, False),
        ({"kind": "Group", "name": "system:serviceaccounts:n"}, True),
        ({"kind": "Group", "name": "system:serviceaccounts"}, True),
        ({"kind": "Group", "name": "system:authenticated"}, True),
        ({"kind": "Group", "name": "system:masters"}, False),
        ({"kind": "User", "name": "system:serviceaccount:n:a"}, True),
        ({"kind": "User", "name": "a"}, False),
    ],
)
def test_account_has_what_its_groups_have(subject: dict[str, str], is_ours: bool) -> None:
    """A binding to every service account is a binding to this one."""
    role = {"metadata": {"name": "r"}, "rules": [{"verbs": ["get"], "resources": ["pods"]}]}
    reference = {"kind": "ClusterRole", "name": "r"}
    binding = {"metadata": {"name": "b"}, "subjects": [subject], "roleRef": reference}
    rbac = access.Rbac(roles={("ClusterRole", "", "r"): role}, bindings=(binding,), accounts={})
    account = access.account(
        environment.Workload(name="w"),
        {"spec": {"serviceAccountName": "a"}},
        rbac,
        namespace="n",
        default_roles=(),
    )
    assert bool(account.grants) is is_ours
    assert account.mounts_token


def test_roles_of_one_name_are_told_apart_by_their_namespace() -> None:
    """A binding gives the role of its own namespace, wherever the account lives."""
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": "n"}
    roles = {
        ("Role", namespace, "r"): {"rules": [{"verbs": [verb], "resources": ["pods"]}]}
        for namespace, verb in (("n", "get"), ("kube-system", "delete"))
    }
    binding = {
        "metadata": {"name": "b", "namespace": "kube-system"},
        "subjects": [subject],
        "roleRef": {"kind": "Role", "name": "r"},
    }
    rbac = access.Rbac(roles=roles, bindings=(binding,), accounts={})
    account = access.account(
        environment.Workload(name="w"), {"spec": {}}, rbac, namespace="n", default_roles=()
    )
    assert [grant.verbs for grant in account.grants] == [("delete",)]


def test_role_that_cannot_be_read_is_no_evidence() -> None:
    """What it allows is unknown, which is not nothing."""
    binding = {
        "metadata": {"name": "b"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "n"}],
        "roleRef": {"kind": "Role", "name": "gone"},
    }
    rbac = access.Rbac(roles={}, bindings=(binding,), accounts={})
    with pytest.raises(InstrumentError, match="b gives Role gone, which cannot be read"):
        access.account(
            environment.Workload(name="w"), {"spec": {}}, rbac, namespace="n", default_roles=()
        )


def policy(**spec: Any) -> dict[str, Any]:  # noqa: ANN401 - as the API has it
    """A NetworkPolicy for every pod that lets in only one port."""
    return {"spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 8000}]}], **spec}}


def selecting(operator: str, key: str, *values: str) -> dict[str, Any]:
    """A NetworkPolicy that selects by an expression."""
    term = {"key": key, "operator": operator, "values": list(values)}
    return policy(podSelector={"matchExpressions": [term]})


@pytest.mark.parametrize(
    ("policies", "isolated"),
    [
        ([], False),
        ([policy()], True),
        ([policy(ingress=[])], True),  # nobody is let in
        ([policy(podSelector={"matchLabels": {"app": "api"}})], True),
        ([policy(podSelector={"matchLabels": {"app": "other"}})], False),
        ([policy(policyTypes=["Egress"])], False),
        ([policy(ingress=[{}])], False),
        ([policy(), policy(ingress=[{"from": []}])], False),  # what any of them allows, is allowed
        ([policy(ingress=[{"from": [{"namespaceSelector": {}}]}])], True),
        ([selecting("In", "app", "api", "web")], True),
        ([selecting("NotIn", "app", "api")], False),
        ([selecting("Exists", "app")], True),
        ([selecting("DoesNotExist", "app")], False),
        ([selecting("Like", "app", "a")], False),
    ],
)
def test_pod_is_isolated_by_a_policy_that_selects_it(
    policies: list[dict[str, Any]], isolated: bool
) -> None:
    """Without any, everybody in the cluster reaches it."""
    template = {"metadata": {"labels": {"app": "api", "tier": "backend"}}}
    assert access.is_isolated(template, policies) is isolated


def test_control_is_not_judged_on_what_is_missing(
    sandbox: embedded.Sandbox, cluster_settings: environment.Cluster
) -> None:
    """A workload that is gone is an outage; a security trigger would fire at once for it."""
    isolated = [one.model_copy(update={"isolated": True}) for one in cluster_settings.workloads[:1]]
    with cluster(cluster_settings, workloads=tuple(isolated)) as client:
        assert (client.admins(), client.exposed()) == ((), ())
        sandbox.platform.objects["deployments"].clear()
        for ask in (client.admins, client.exposed):
            with pytest.raises(InstrumentError, match="controls cannot be judged: found no Deploy"):
                ask()
    with (
        cluster(cluster_settings) as client,
        pytest.raises(InstrumentError, match="marks no workload as isolated"),
    ):
        client.exposed()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", 0.5),
        ("2", 2),
        ("2Gi", 2**31),
        ("1.5G", 1.5e9),
        ("128Ki", 131072),
        (3, 3),
        ("1e3", 1e3),
        ("100n", 1e-7),
        ("5u", 5e-6),
        (".5E", 5e17),
        ("+3Ei", 3 * 2**60),
    ],
)
def test_quantity_is_read(text: object, value: float) -> None:
    """As Kubernetes writes them: decimal, binary, and parts down to a billionth."""
    assert capacity.quantity(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["", "two", "2 Gi", "2KB", None, "NaN", "2ki", "5mi", "2K", "1e999", "."]
)
def test_what_is_no_quantity_is_refused(text: object) -> None:
    """It must not count as zero: a node that can give nothing known gives nothing."""
    with pytest.raises(InstrumentError, match="expected a quantity"):
        capacity.quantity(text)


def test_what_starts_a_pod_needs_requests_and_limits_too() -> None:
    """An init container without a limit takes its neighbours' memory just as well."""
    bound = {kind: {"cpu": "1", "memory": "1Gi"} for kind in ("requests", "limits")}
    pod = {
        "containers": [{"name": "api", "resources": bound}],
        "initContainers": [{"name": "migrate", "resources": bound | {"limits": {"cpu": "1"}}}],
    }
    assert capacity.unbounded(pod) == ("migrate: limits.memory",)
    assert len(capacity.unbounded({"initContainers": [{"name": "bare"}]})) == 4


def node(cpu: str, *, ready: str = "True", **spec: object) -> dict[str, Any]:
    """A node of that size."""
    allocatable = {"cpu": cpu, "memory": "8Gi", "pods": "10"}
    conditions = [{"type": "Ready", "status": ready}]
    status = {"allocatable": allocatable, "conditions": conditions}
    return {"metadata": {"name": "n1"}, "spec": spec, "status": status}


def pod(cpu: str, phase: str = "Running") -> dict[str, Any]:
    """A pod on that node that asks for so much."""
    resources = {"requests": {"cpu": cpu, "memory": "1Gi"}}
    spec = {"nodeName": "n1", "containers": [{"name": "c", "resources": resources}]}
    return {"spec": spec, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("pods", "fits"),
    [
        ([], 4),
        ([pod("1")], 2),
        ([pod("1", "Succeeded")], 4),
        ([pod("2")], 0),
        ([pod("0")] * 8, 0),  # memory is the first to run out
    ],
)
def test_pods_fit_into_what_is_not_promised(pods: list[dict[str, Any]], fits: int) -> None:
    """By requests, of every pod that has not ended; the scarcest resource decides."""
    asked = {"cpu": 0.5, "memory": 2**30}
    assert capacity.nodes_hold(asked, [node("2")], pods) == fits


def test_a_sidecar_stays_beside_the_containers() -> None:
    """Kubernetes promises it room for as long as the pod lives, as it does the pod's overhead."""
    migrate, mesh, api = (
        {"name": name, "resources": {"requests": {"cpu": cpu}}}
        for name, cpu in (("migrate", "2"), ("mesh", "500m"), ("api", "1"))
    )
    sidecar = mesh | {"restartPolicy": "Always"}

    def asked(*first: dict[str, Any], **more: object) -> float:
        return capacity.requests_of({"initContainers": first, "containers": [api], **more})["cpu"]

    assert asked(mesh) == 1.0
    assert asked(sidecar) == 1.5
    assert asked(migrate, sidecar) == 2.0
    assert asked(sidecar, migrate) == 2.5
    assert asked(overhead={"cpu": "250m"}) == 1.25


@pytest.mark.parametrize("nodes", [[], [node("8", ready="False")], [node("8", unschedulable=True)]])
def test_cluster_without_a_usable_node_is_no_evidence(nodes: list[dict[str, Any]]) -> None:
    """We may simply not be allowed to see them."""
    with pytest.raises(InstrumentError, match="found no node"):
        capacity.nodes_hold({"cpu": 1.0, "memory": 1.0}, nodes, [])


@pytest.mark.parametrize(
    ("surge", "replicas", "pods"), [(1, 3, 1), ("25%", 3, 1), ("25%", 6, 2), ("0%", 3, 0)]
)
def test_surge_is_rounded_up(surge: object, replicas: int, pods: int) -> None:
    """As the controller does it."""
    spec = {"replicas": replicas, "strategy": {"rollingUpdate": {"maxSurge": surge}}}
    assert capacity.surge({"spec": spec}) == pods


@pytest.mark.parametrize(
    ("name", "hard", "used", "fits"),
    [
        ("requests.cpu", "4", "1", 3),
        ("cpu", "4", "1", 3),
        ("limits.cpu", "8", "4", 2),
        ("limits.memory", "8Gi", "8Gi", 0),
        ("pods", "10", "9", 1),
        ("count/pods", "10", "9", 1),
        ("services", "1", "1", None),
    ],
)
def test_a_quota_bounds_requests_limits_and_pods(
    name: str, hard: str, used: str, fits: int | None
) -> None:
    """The API server refuses a pod that exceeds any of them, whatever the nodes have left."""
    resources = {
        "requests": {"cpu": "1", "memory": "1Gi"},
        "limits": {"cpu": "2", "memory": "2Gi"},
    }
    pod_spec = {"containers": [{"name": "api", "resources": resources}]}
    asked, limits = capacity.requests_of(pod_spec), capacity.limits_of(pod_spec)
    quota = {"status": {"hard": {name: hard}, "used": {name: used}}}
    assert capacity.quota_holds(asked, [quota], limits=limits) == fits


def test_who_recreates_its_pods_needs_no_room_beside_them() -> None:
    """The old ones have ended before a new one begins."""
    assert capacity.surge({"spec": {"replicas": 4, "strategy": {"type": "Recreate"}}}) == 0


@pytest.mark.parametrize(
    ("pod_spec", "takes"),
    [
        ({}, False),
        ({"tolerations": [{"operator": "Exists"}]}, True),
        ({"tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]}, True),
        ({"tolerations": [{"key": "gpu", "value": "yes"}]}, True),
        ({"tolerations": [{"key": "gpu", "value": "no"}]}, False),
        ({"tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoExecute"}]}, False),
        ({"tolerations": [{"key": "disk", "operator": "Exists"}]}, False),
    ],
)
def test_a_tainted_node_takes_who_tolerates_it(pod_spec: dict[str, Any], takes: bool) -> None:
    """What is free on a node of the control plane is no room for a rollout."""
    taint = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}
    assert capacity.takes(node("8", taints=[taint]), pod_spec) is takes
    assert capacity.takes(node("8", taints=[taint | {"effect": "PreferNoSchedule"}]), pod_spec)
    assert capacity.takes(node("8"), pod_spec)


def test_a_node_selector_leaves_nodes_out() -> None:
    """Room elsewhere is of no use to a pod that may only run there."""
    labelled = node("8") | {"metadata": {"name": "n1", "labels": {"pool": "api"}}}
    assert capacity.takes(labelled, {"nodeSelector": {"pool": "api"}})
    assert not capacity.takes(labelled, {"nodeSelector": {"pool": "batch"}})
    assert not capacity.takes(node("8"), {"nodeSelector": {"pool": "api"}})


def test_room_on_a_tainted_node_does_not_count(
    sandbox: embedded.Sandbox, cluster_settings: environment.Cluster
) -> None:
    """The gate counts only where the scheduler may put the pods of a rollout."""
    with cluster(cluster_settings) as client:
        free = client.room()[0].nodes_hold
        first, *others = sandbox.platform.objects["nodes"]
        first["spec"]["taints"] = [{"key": "spot", "effect": "NoSchedule"}]
        assert others
        assert 0 < client.room()[0].nodes_hold < free


@contextlib.contextmanager
def cluster(
    settings: environment.Cluster, release: str = "1.4.2", **changes: object
) -> Iterator[Cluster]:
    """A client for the sandbox's cluster that judges *release*."""
    client = Cluster(settings.model_copy(update=changes), user_agent=USER_AGENT, release=release)
    with contextlib.closing(client):
        yield client


@pytest.mark.parametrize(
    ("release", "back"),
    [("1.4.2", "1.4.1"), ("1.4.3", "1.4.2")],
    ids=["rolled out already", "not rolled out yet"],
)
@pytest.mark.parametrize("helm", [None, foundations.HELM_RELEASE])
def test_way_back_is_to_what_ran_before(
    cluster_settings: environment.Cluster, helm: str | None, release: str, back: str
) -> None:
    """After the rollout that is the previous release, before it the one that runs now."""
    with cluster(cluster_settings, release, helm_release=helm) as client:
        found = client.way_back()
    assert found.release == back
    assert found.images == (f"ghcr.io/jorge-salas/revenue-platform:{back}",)
    assert found.source.startswith("Helm" if helm else "ReplicaSet")
    assert found.good is (helm is not None or back == "1.4.2")


@pytest.mark.parametrize(
    ("replicas", "ready", "good"), [(3, 3, True), (3, 2, False), (3, None, False), (0, None, False)]
)
def test_replica_set_is_good_while_its_pods_are_ready(
    replicas: int, ready: int | None, good: bool
) -> None:
    """Of one that was scaled down, and of one that never became ready, nobody can say so."""
    deployment = {"metadata": {"name": "d", "uid": "u"}}
    owner = {"kind": "Deployment", "name": "d", "uid": "u"}
    template = {"metadata": {}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}}
    found = {
        "metadata": {"name": "d-1", "ownerReferences": [owner]},
        "spec": {"replicas": replicas, "template": template},
        "status": {} if ready is None else {"readyReplicas": ready},
    }
    (revision,) = revisions.from_sets(deployment, [found], None, "version")
    assert revision.good is good


def test_who_may_not_read_secrets_asks_the_replica_sets(
    sandbox: embedded.Sandbox, cluster_settings: environment.Cluster
) -> None:
    """Listing Secrets is a right that a careful administrator does not give; it is evidence."""
    sandbox.platform.forbidden.add("secrets")
    with (
        cluster(cluster_settings, helm_release=foundations.HELM_RELEASE) as client,
        evidence.recording() as recorder,
    ):
        found = client.way_back()
    assert found.source.startswith("ReplicaSet")
    (asked,) = [note for note in recorder.evidence if "/secrets?" in note.request]
    assert asked.answer.startswith("403")


def test_failed_revision_is_no_way_back(
    sandbox: embedded.Sandbox, cluster_settings: environment.Cluster
) -> None:
    """`helm rollback` without a revision would go there."""
    labels = sandbox.platform.objects["secrets"][0]["metadata"]["labels"]
    labels["status"] = "failed"
    with (
        cluster(cluster_settings, helm_release=foundations.HELM_RELEASE) as client,
        pytest.raises(SubjectError, match=r"expected a good revision besides release 1\.4\.2"),
    ):
        client.way_back()


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"release": "not base64!"},
        {"release": base64.b64encode(base64.b64encode(b"no gzip")).decode()},
        *(
            {"release": base64.b64encode(base64.b64encode(gzip.compress(text))).decode()}
            for text in (b"[]", b"{}", b'{"version": "six"}', b'{"version": 6, "chart": "x"}')
        ),
    ],
)
def test_secret_that_is_none_of_helms_is_no_evidence(data: dict[str, str]) -> None:
    """Another shape is told, not read as an empty history."""
    secret = {"metadata": {"name": "s", "labels": {"status": "deployed"}}, "data": data}
    with pytest.raises(InstrumentError, match="secret s: "):
        revisions.from_helm([secret], ["ghcr.io/o/n"])


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("ghcr.io/o/n:1.2", "ghcr.io/o/n"),
        ("localhost:5000/n:1@sha256:0", "localhost:5000/n"),
        ("localhost:5000/n", "localhost:5000/n"),
        ("postgres:15-alpine", "postgres"),
    ],
)
def test_image_without_its_tag(image: str, name: str) -> None:
    """The port of a registry is no tag."""
    assert revisions.without_tag(image) == name


BASE: Final = Path(__file__).parents[2] / "suites/environments/base.toml"
SHIPPED: Final[dict[str, Any]] = tomllib.loads(BASE.read_text(encoding="utf-8"))["cluster"]
#: Whole, a scanner of this repository would take them for real.
LIVE: Final = "_".join(("sk", "live", "0123456789abcdefghij"))
AMAZON: Final = "".join(("AK", "IA", "0123456789ABCDEF"))


def places(container: dict[str, Any], *, held: dict[str, str] | None = None) -> dict[str, bool]:
    """Where a container has secrets, by the shipped patterns, and whether by reference."""
    spec = {"initContainers": [], "containers": [{"name": "c", **container}]}
    found = access.secret_places(
        "w",
        spec,
        {"m": held or {}},
        names=SHIPPED["secret_variables"],
        values=SHIPPED["secret_values"],
    )
    return {str(place).removeprefix("w/c: "): place.by_reference for place in found}


@pytest.mark.parametrize(
    ("value", "is_secret"),
    [
        ("hunter2", False),  # by its name it would be one
        ("postgres://app:hunter2@db/leads", True),
        ("redis://:pa$$word@cache", True),
        ("postgres://app:$(DB_PASSWORD)@db/leads", False),
        ("https://api.test:8443/a@b", False),
        (LIVE, True),
        (AMAZON, True),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", True),
        ("sk-learn", False),
        ("", False),
    ],
)
def test_value_that_is_a_secret_is_found_whatever_it_is_called(value: str, is_secret: bool) -> None:
    """`EVENTS` says nothing; a URL with a password in it does."""
    assert places({"env": [{"name": "EVENTS", "value": value}]}) == (
        {"EVENTS": False} if is_secret else {}
    )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["--database-password=hunter2"], {"argument --database-password": False}),
        (["--database-password", "hunter2"], {"argument --database-password": False}),
        (["serve", "--database-password", "hunter2"], {"argument --database-password": False}),
        (["sh", "-c", "DB_PASSWORD='hunter2' serve"], {"argument DB_PASSWORD": False}),
        (["--requirepass $(REDIS_PASSWORD)"], {"argument --requirepass": True}),
        (["--token", "--verbose"], {}),
        (["--password-file=/run/secrets/p"], {}),
        (["--workers=4", "serve"], {}),
        (["connect", "postgres://app:hunter2@db"], {"an argument": False}),
    ],
)
def test_secret_in_a_command_is_found(words: list[str], found: dict[str, bool]) -> None:
    """Each list of processes shows it, besides the manifest."""
    assert places({"command": words[:1], "args": words[1:]}) == found


def test_secret_in_a_config_map_is_none_by_reference() -> None:
    """A ConfigMap is read by many more than a Secret is."""
    one = {"name": "KEY", "valueFrom": {"configMapKeyRef": {"name": "m", "key": "KEY"}}}
    all_of_it = {"prefix": "DB_", "configMapRef": {"name": "m"}}
    held = {"KEY": LIVE, "PASSWORD": "hunter2", "LEVEL": "info"}
    assert places({"env": [one], "envFrom": [all_of_it]}, held=held) == {
        "KEY of ConfigMap m": False,
        "PASSWORD of ConfigMap m": False,
    }


def test_variables_with_secrets_are_found_and_never_shown(
    sandbox: embedded.Sandbox, cluster_settings: environment.Cluster
) -> None:
    """A literal is told by its name, in no evidence either; no place at all is no evidence."""
    spec = sandbox.platform.one("deployments", "jorge-revenue-api")["spec"]["template"]["spec"]
    spec["containers"][0]["env"].append({"name": "SMTP_PASSWORD", "value": "hunter2"})
    with (
        cluster(cluster_settings, secret_variables="PASSWORD") as client,
        evidence.recording() as recorder,
    ):
        found = client.secret_places()
    literal = [str(one) for one in found if not one.by_reference]
    assert literal == ["jorge-revenue-api/api: SMTP_PASSWORD"]
    assert "hunter2" not in repr(found) + repr(recorder.evidence)
    with (
        cluster(cluster_settings, secret_variables="NOTHING") as client,
        pytest.raises(InstrumentError, match="found no variable whose name matches 'NOTHING'"),
    ):
        client.secret_places()
    with (
        cluster(cluster_settings) as client,
        pytest.raises(InstrumentError, match="no secret_variables"),
    ):
        client.secret_places()


def test_config_map_that_is_missing_is_no_evidence(
    sandbox: embedded.Sandbox, cluster_settings: environment.Cluster
) -> None:
    """What it will hold, nobody knows."""
    sandbox.platform.objects["configmaps"].clear()
    with (
        cluster(cluster_settings, secret_variables="PASSWORD") as client,
        pytest.raises(InstrumentError, match="found no ConfigMap jorge-app-config"),
    ):
        client.secret_places()


def test_cluster_without_external_secrets_has_none(
    sandbox: embedded.Sandbox, cluster_settings: environment.Cluster
) -> None:
    """Most have no such operator; where there is one, a Secret without a condition is not there."""
    kept = sandbox.platform.objects["externalsecrets"]
    kept[0]["status"] = {}
    with cluster(cluster_settings) as client:
        (found,) = client.external_secrets()
        del sandbox.platform.objects["externalsecrets"]
        assert client.external_secrets() == ()
    assert found.trouble == "Ready is missing (no reason)"
