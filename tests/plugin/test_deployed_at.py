"""When the rollout began, by the option and by the cluster."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

import pytest

from pytest_deploycheck import sandbox as embedded
from pytest_deploycheck.clients.cluster import Cluster
from tests.plugin.scratch import ENVIRONMENT, Deploycheck, Run

GAP = "and nothing looked at what was in between"


@pytest.fixture(scope="module")
def cluster() -> Iterator[embedded.Sandbox]:
    """A cluster in which a rollout began some minutes ago."""
    with embedded.start() as running:
        yield running


@pytest.fixture
def project(
    deploycheck: Deploycheck, cluster: embedded.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> Deploycheck:
    """A project whose checks pass, and whose environment knows the cluster."""
    for name, value in cluster.variables.items():
        monkeypatch.setenv(name, value)
    deploycheck.check("pass")
    deploycheck.write(
        "suites/environments/scratch.toml",
        f"""{ENVIRONMENT}
        [cluster]
        namespace = "jorge-revenue-platform"
        server = "${{DEPLOYCHECK_SANDBOX_CLUSTER_URL}}"
        ca_file = "${{DEPLOYCHECK_SANDBOX_CA_FILE}}"
        token_env = "DEPLOYCHECK_SANDBOX_CLUSTER_TOKEN"
        timeout = "2s"
        workloads = [{{ name = "jorge-revenue-api", container = "api", released = true }}]
        """,
    )
    return deploycheck


def run_since(project: Deploycheck, cluster: embedded.Sandbox, later_s: float, *args: str) -> Run:
    """A run by whose option the rollout began so much later than it did."""
    return project.run(
        f"--deploycheck-deployed-at={iso(cluster.platform.deployed_at_s + later_s)}", *args
    )


def iso(at_s: float) -> str:
    """A time as an option has it."""
    return f"{datetime.datetime.fromtimestamp(int(at_s), datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_a_time_later_than_the_rollout_holds(
    project: Deploycheck, cluster: embedded.Sandbox
) -> None:
    """The bad first minutes would be looked at by nothing; the reason says which time to give."""
    run = run_since(project, cluster, 120)
    assert run.verdict["verdict"] == "HOLD", run.text
    texts = [reason["text"] for reason in run.verdict["reasons"]]
    assert len(texts) == 1, texts
    began = iso(cluster.platform.deployed_at_s)
    assert GAP in texts[0]
    assert began[11:19] in texts[0]
    assert iso(cluster.platform.deployed_at_s + 120)[11:19] in texts[0]
    given = texts[0].rpartition("--deploycheck-deployed-at=")[2]
    assert project.run(f"--deploycheck-deployed-at={given}").verdict["verdict"] == "PROCEED"


@pytest.mark.parametrize("later_s", [50, 0, -86_400])
def test_a_time_that_hides_nothing_stands(
    project: Deploycheck, cluster: embedded.Sandbox, later_s: float
) -> None:
    """Clocks may differ a little; after a restart the cluster's time is the later one."""
    run = run_since(project, cluster, later_s)
    assert run.verdict["verdict"] == "PROCEED", run.text


def test_a_gate_comes_before_the_rollout(project: Deploycheck, cluster: embedded.Sandbox) -> None:
    """The cluster still tells of the release before; beside a later phase it must be this one."""
    gates = "pre_deploy or staging or deploy"
    assert GAP not in run_since(project, cluster, 120, "-m", gates).text
    assert GAP in run_since(project, cluster, 120, "-m", f"{gates} or post_5min").text


def test_a_cluster_that_does_not_tell_leaves_it_to_the_option(
    project: Deploycheck, cluster: embedded.Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever gives the time has said it; the checks that need the cluster say what is silent."""
    monkeypatch.setenv("DEPLOYCHECK_SANDBOX_CLUSTER_URL", "http://127.0.0.1:9")
    assert run_since(project, cluster, 120).verdict["verdict"] == "PROCEED"


@pytest.mark.usefixtures("cluster")
def test_whoever_asks_the_cluster_hangs_up(
    project: Deploycheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection left to the garbage collector is a warning of whichever test it comes in."""
    closed: list[Cluster] = []
    close = Cluster.close

    def closing(self: Cluster) -> None:
        closed.append(self)
        close(self)

    monkeypatch.setattr(Cluster, "close", closing)
    found = project.pytester.runpytest_inprocess("-m", "post_5min", "--env=scratch")
    assert "verdict: PROCEED" in found.stdout.str()
    assert len(closed) == 1
