"""One run on several machines: `--deploycheck-shard`, and `deploycheck render` over all of it."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from pytest_deploycheck.cli import main
from tests.plugin.scratch import Deploycheck, Run

DEPLOYED = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)


def shard(project: Deploycheck, which: str, *args: str) -> Run:
    """Run one share of the checks of one deployment."""
    stamp = f"--deploycheck-deployed-at={DEPLOYED:%Y-%m-%dT%H:%M:%SZ}"
    return project.run(f"--deploycheck-shard={which}@job-1", stamp, *args)


def rendered(project: Deploycheck, run: Run) -> int:
    """Judge the whole deployment."""
    assert run.folder is not None
    return main(["render", str(run.folder.parents[1]), f"--config={project.root / 'suites'}"])


def test_all_shards_together_are_one_verdict(deploycheck: Deploycheck) -> None:
    """Each check runs in one of them, and the last one to end has the verdict of all."""
    deploycheck.check("pass")
    first = shard(deploycheck, "1/2")
    assert (first.exit_code, first.verdict["verdict"]) == (11, "HOLD")
    assert "run job-1: found 1 of 2 shards; missing 2" in first.text
    assert "2 passed, 2 deselected" in first.text
    assert rendered(deploycheck, first) == 11
    second = shard(deploycheck, "2/2")
    assert (second.exit_code, second.verdict["verdict"]) == (0, "PROCEED"), second.text
    assert "2 passed, 2 deselected" in second.text
    assert rendered(deploycheck, second) == 0


@pytest.mark.parametrize("order", [("1/2", "2/2"), ("2/2", "1/2")])
def test_a_failure_counts_in_whichever_shard_it_is(
    deploycheck: Deploycheck, order: tuple[str, str]
) -> None:
    """The shard that passed does not outvote it."""
    deploycheck.check("assert 0")
    runs = [shard(deploycheck, which, "--deploycheck-no-wait") for which in order]
    assert runs[-1].exit_code == 11, runs[-1].text
    assert rendered(deploycheck, runs[-1]) == 11


def test_the_same_shard_twice_is_not_the_other_one(deploycheck: Deploycheck) -> None:
    """A job that is tried again has still not done the share of the rest."""
    deploycheck.check("pass")
    for _ in range(2):
        run = shard(deploycheck, "1/2")
    assert run.exit_code == 11
    assert "missing 2" in run.text


def test_what_one_shard_does_not_know_of_another_may(deploycheck: Deploycheck) -> None:
    """Shards of different check-outs: a check that only one of them counts, and none ran, holds."""
    deploycheck.check("pass")
    shard(deploycheck, "1/2")
    deploycheck.check("pass", marker='"redis-cache"')  # one more, which moves the shares
    more = deploycheck.root / "suites" / "test_more.py"
    assert more.exists()
    Path(deploycheck.root / "suites" / "test_pods.py").unlink()
    run = shard(deploycheck, "2/2")
    assert run.exit_code == 11, run.text


@pytest.mark.parametrize("which", ["0/2@job", "3/2@job", "1/2", "1/0@job", "a/b@job", "1/2@a b"])
def test_a_shard_that_cannot_be_is_refused(deploycheck: Deploycheck, which: str) -> None:
    """Before anything runs."""
    run = deploycheck.run(f"--deploycheck-shard={which}")
    assert run.exit_code == 4
    assert "expected NUMBER/COUNT@RUN, for example 2/4@nightly-17" in run.text
