"""What the tests of the clients share: no waiting, and one sandbox for each module."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import stamina

from pytest_deploycheck import sandbox as embedded
from pytest_deploycheck.clients import evidence
from pytest_deploycheck.config import environment


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Retries come at once."""
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Secrets are known to the whole process, and those of one test redact another's texts."""
    monkeypatch.setattr(evidence, "_secrets", set())
    evidence._pattern.cache_clear()
    yield
    evidence._pattern.cache_clear()


@pytest.fixture(scope="module")
def running() -> Iterator[embedded.Sandbox]:
    """A sandbox on free ports."""
    with embedded.start() as started:
        yield started


@pytest.fixture
def sandbox(running: embedded.Sandbox, monkeypatch: pytest.MonkeyPatch) -> embedded.Sandbox:
    """The module's sandbox, healthy, with its secrets in the process environment."""
    running.switch([])
    for name, value in running.variables.items():
        monkeypatch.setenv(name, value)
    return running


@pytest.fixture
def cluster_settings(sandbox: embedded.Sandbox) -> environment.Cluster:
    """Where the sandbox's cluster is, with one workload of each kind."""
    return environment.Cluster(
        namespace="jorge-revenue-platform",
        server=sandbox.variables["DEPLOYCHECK_SANDBOX_CLUSTER_URL"],
        ca_file=sandbox.variables["DEPLOYCHECK_SANDBOX_CA_FILE"],
        token_env="DEPLOYCHECK_SANDBOX_CLUSTER_TOKEN",
        rate_per_s=10_000,
        workloads=(
            environment.Workload(
                name="jorge-revenue-api", min_ready=3, container="api", released=True
            ),
            environment.Workload(name="postgres", kind="StatefulSet"),
        ),
        services=("jorge-revenue-api-svc", "postgres"),
        ingresses=(environment.Ingress(name="jorge-revenue-api-ingress", host="localhost"),),
        ingress_controller=environment.Workload(name="ingress-nginx-controller"),
        ingress_controller_namespace="ingress-nginx",
    )
