"""How a release is left again: the exact command, in the cluster that the environment names."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_deploycheck.clients import helm as helm_client
from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.clients.helm import Helm
from pytest_deploycheck.clients.plans import plan
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.sandbox import Sandbox, foundations
from tests.clients.doubles import USER_AGENT

HELM = "helm rollback r 6 -n n --wait --timeout 600s"


def settings_of(rollback: dict[str, Any], cluster: dict[str, Any]) -> Helm:
    """Helm, where the environment says so much."""
    workloads = ({"name": "api"},)
    where = {"namespace": "n", "helm_release": "r", "workloads": workloads, **cluster}
    return Helm(
        environment.Rollback.model_validate(rollback), environment.Cluster.model_validate(where)
    )


BOTH = {"kubeconfig": "/k", "context": "prod"}


@pytest.mark.parametrize(
    ("rollback", "cluster", "expected"),
    [
        ({}, BOTH, "--kubeconfig /k --kube-context prod"),
        ({}, {"kubeconfig": "/k"}, "--kubeconfig /k"),
        ({}, {"context": "prod"}, "--kube-context prod"),
        ({"context": "own"}, BOTH, "--kubeconfig /k --kube-context own"),
        ({"kubeconfig_env": "OWN"}, BOTH, '--kubeconfig "$OWN"'),
        ({"kubeconfig_env": "OWN", "context": "own"}, {}, '--kube-context own --kubeconfig "$OWN"'),
        ({"context": "own"}, {"server": "https://c"}, "--kube-context own"),
    ],
)
def test_helm_changes_the_cluster_that_the_environment_names(
    rollback: dict[str, Any], cluster: dict[str, Any], expected: str
) -> None:
    """Its own kubeconfig, else the checks'; a context of another file means nothing in it."""
    assert settings_of(rollback, cluster).spoken(6) == f"{HELM} {expected}"


@pytest.mark.parametrize("cluster", [{}, {"server": "https://c"}, {"server": "https://c", **BOTH}])
def test_what_nothing_names_is_not_changed(cluster: dict[str, Any]) -> None:
    """The current context of whoever runs it may be any cluster."""
    with pytest.raises(InstrumentError, match="found nothing that names the cluster to change"):
        settings_of({}, cluster).spoken(6)


def test_in_a_pod_it_is_the_pods_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for the checks; not where they ask another server."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    assert settings_of({}, {}).spoken(6) == HELM
    with pytest.raises(InstrumentError, match="names the cluster"):
        settings_of({}, {"server": "https://c"}).spoken(6)


@pytest.fixture
def endings_are_the_systems() -> Iterator[None]:
    """A signal would end us, whatever the process that runs the tests has made of it."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in helm_client._ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("endings_are_the_systems")
def test_signals_that_come_while_helm_is_being_started_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both: it would not have ended by the first, and the second is not lost."""
    program = tmp_path / "helm"
    program.write_text("#!/bin/sh\ntrap '' TERM\necho\nwhile :; do sleep 0.05; done\n")
    program.chmod(0o755)
    start = subprocess.Popen

    def start_and_be_asked_to_end(command: list[str], **more: int) -> subprocess.Popen[bytes]:
        process: subprocess.Popen[bytes] = start(command, **more)  # type: ignore[call-overload]
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"  # it will not end by SIGTERM from now on
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        return process

    monkeypatch.setattr(subprocess, "Popen", start_and_be_asked_to_end)
    monkeypatch.setattr(helm_client, "_GRACE_S", 5.0)
    helm = settings_of({"helm": str(program), "timeout": "1s"}, BOTH)
    with helm.undisturbed():
        ended = helm.run(6)
    assert (ended.code, ended.by) == (-signal.SIGKILL, "SIGINT")


def test_deployments_that_helm_does_not_know_each_go_back(
    sandbox: Sandbox, cluster_settings: environment.Cluster
) -> None:
    """Every one that carries the release, to a number of its own."""
    for plural in ("deployments", "replicasets"):
        here = sandbox.platform.objects[plural]
        ours = [one for one in here if one["metadata"]["name"].startswith("jorge-revenue-api")]
        text = json.dumps(ours).replace("jorge-revenue-api", "worker")
        here += json.loads(text.replace('/revision": "6"', '/revision": "3"'))
    first = cluster_settings.workloads[0]
    second = first.model_copy(update={"name": "worker"})
    where = cluster_settings.model_copy(
        update={"workloads": (first, second), "server": None, "context": "prod"}
    )
    asked = where.model_copy(update={"server": cluster_settings.server})
    client = Cluster(asked, user_agent=USER_AGENT, release="1.4.2")
    found = plan(client, environment.Rollback(), where)
    client.close()
    undo = "kubectl rollout undo deployment/{} -n jorge-revenue-platform --to-revision={} {}"
    assert found.revision is None
    assert found.command == " && ".join(
        undo.format(name, number, "--context prod")
        for name, number in (("jorge-revenue-api", 6), ("worker", 3))
    )


def test_a_number_that_only_helm_knows_is_not_guessed(
    sandbox: Sandbox, cluster_settings: environment.Cluster
) -> None:
    """A ReplicaSet's number is another one, and helm would go wherever that leads."""
    sandbox.platform.forbidden.add("secrets")
    where = cluster_settings.model_copy(update={"helm_release": foundations.HELM_RELEASE})
    client = Cluster(where, user_agent=USER_AGENT, release="1.4.2")
    own = environment.Rollback(context="own")
    with pytest.raises(InstrumentError, match="not Helm's number of it"):
        plan(client, own, where)
    pinned = own.model_copy(update={"revision": 6})
    assert plan(client, pinned, where).revision == 6
    client.close()
