"""`deploycheck rollback` drives helm as a process, and the record says what is known of it."""

from __future__ import annotations

import json
import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_deploycheck import sandbox as embedded
from pytest_deploycheck.cli import lock, verifying
from pytest_deploycheck.clients import helm as helm_client
from pytest_deploycheck.domain.events import MessageSent, RolledBack, RunStarted
from pytest_deploycheck.domain.words import Outcome
from pytest_deploycheck.report.journal import read_journal
from tests.cli.rehearsal import SUITES, Rehearsal

COMMAND = "helm rollback jorge-revenue-platform 6 -n jorge-revenue-platform --wait --timeout 1s"
CONFIRMED = ("rollback", "--confirm=rehearsal/1.4.2")


@pytest.fixture(scope="module")
def running() -> Iterator[embedded.Sandbox]:
    """A sandbox for the tests of this module."""
    with embedded.start() as started:
        yield started


@pytest.fixture(autouse=True)
def platform(
    running: embedded.Sandbox, rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> embedded.Sandbox:
    """The sandbox, healthy, with a scripted helm, and a fresh ROLLBACK verdict in the record."""
    running.switch([])
    for name, value in running.variables.items():
        monkeypatch.setenv(name, value)
    helm(rehearsal, f'exec {shlex.quote(running.variables["DEPLOYCHECK_SANDBOX_HELM"])} "$@"')
    rehearsal.configure(f'[rollback]\nhelm = "{rehearsal.root}/helm"\ntimeout = "1s"\n')
    rehearsal.ran("post_5min", Outcome.FAILED)
    return running


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verification finds everything well; the story's test runs the real one."""
    found = verifying.Verified(good=True, detail="post_5min ended in PROCEED")
    monkeypatch.setattr(verifying, "run_phase", lambda *_, **__: found)


def helm(rehearsal: Rehearsal, script: str) -> None:
    """Put a program named helm where the environment looks for it."""
    path = rehearsal.root / "helm"
    path.write_text(f'#!/bin/sh\necho "$@" >> {rehearsal.root}/calls\n{script}\n')
    path.chmod(0o755)


def steps(rehearsal: Rehearsal) -> list[str]:
    """The steps of rollbacks that the record has, oldest first."""
    found = [event for event in rehearsal.events if isinstance(event, RolledBack)]
    return [event.step for event in sorted(found, key=lambda event: event.at_s)]


def last(rehearsal: Rehearsal) -> RolledBack:
    """The newest step."""
    found = [event for event in rehearsal.events if isinstance(event, RolledBack)]
    return max(found, key=lambda event: event.at_s)


def calls(rehearsal: Rehearsal) -> list[str]:
    """What helm was called with."""
    path = rehearsal.root / "calls"
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.usefixtures("verified")
def test_a_rollback_is_tried_done_and_verified(
    rehearsal: Rehearsal, platform: embedded.Sandbox
) -> None:
    """Each step is in the record, and the cluster runs the release before."""
    code, printed = rehearsal.run(*CONFIRMED)
    assert code == 0, printed
    assert steps(rehearsal) == ["started", "dry_run", "executed", "verified"]
    assert calls(rehearsal)[0].endswith("--timeout 1s --kube-context sandbox --dry-run")
    assert calls(rehearsal)[1].endswith("--timeout 1s --kube-context sandbox")
    assert f"command: {COMMAND}" in printed
    label = platform.platform.one("deployments", "jorge-revenue-api")["metadata"]["labels"]
    assert label["app.kubernetes.io/version"] == "1.4.1"
    assert not (rehearsal.folder.parent.parent / "rollback.lock").exists()


@pytest.mark.usefixtures("verified")
def test_a_rollback_is_not_done_twice(rehearsal: Rehearsal) -> None:
    """The verdict is of the release that is gone: a second one would bring an older one back."""
    assert rehearsal.run(*CONFIRMED)[0] == 0
    page = (rehearsal.folder / "index.html").read_text()
    assert ("Rolled back" in page, "deploycheck rollback" in page) == (True, False)
    assert "rollback verified from 1.4.2" in page  # the last step, too
    for again in (CONFIRMED, ("rollback",)):
        code, printed = rehearsal.run(*again)
        assert (code, "release 1.4.2 was rolled back at" in printed) == (11, True), printed
    assert len(calls(rehearsal)) == 2
    assert rehearsal.run(*CONFIRMED, "--revision=6")[0] == 0
    rehearsal.ran("post_5min", Outcome.FAILED, at_s=time.time())
    assert "--confirm rehearsal/1.4.2" in rehearsal.run("rollback")[1]


def test_without_confirmation_the_command_is_only_printed(rehearsal: Rehearsal) -> None:
    """Nothing destructive without an explicit, confirmed command."""
    code, printed = rehearsal.run("rollback")
    assert (code, steps(rehearsal), calls(rehearsal)) == (11, [], [])
    assert COMMAND in printed
    assert "--confirm rehearsal/1.4.2" in printed


def test_another_confirmation_is_refused(rehearsal: Rehearsal) -> None:
    """Whoever confirms production/1.4.2 does not mean the rehearsal."""
    code, printed = rehearsal.run("rollback", "--confirm=production/1.4.2")
    assert (code, calls(rehearsal)) == (4, []), printed


@pytest.mark.parametrize("number", [0, -1])
def test_a_number_that_helm_never_gives_is_refused(rehearsal: Rehearsal, number: int) -> None:
    """0 is Helm's word for the one before, which may be a bad one; and nobody means another."""
    code, printed = rehearsal.run(*CONFIRMED, f"--revision={number}")
    assert (code, f"--revision: found {number}; expected" in printed) == (4, True), printed
    assert calls(rehearsal) == []


def test_an_absent_helm_leaves_the_command(rehearsal: Rehearsal) -> None:
    """The operator can paste it where helm is; nothing is claimed."""
    (rehearsal.root / "helm").unlink()
    code, printed = rehearsal.run(*CONFIRMED)
    assert (code, steps(rehearsal)) == (11, [])
    assert COMMAND in printed
    assert "found no helm" in printed


def test_only_a_fresh_rollback_verdict_permits_it(rehearsal: Rehearsal) -> None:
    """A newer PROCEED, or an old ROLLBACK, is no reason to roll back."""
    rehearsal.configure('fresh = "1s"\n')
    code, printed = rehearsal.run(*CONFIRMED)
    assert (code, "old; expected at most" in printed) == (11, True), printed
    rehearsal.ran("post_15min", at_s=rehearsal.deployed_at_s + 200)
    code, printed = rehearsal.run(*CONFIRMED)
    assert (code, "expected ROLLBACK" in printed) == (11, True), printed
    assert calls(rehearsal) == []


def test_an_irreversible_release_is_denied(
    rehearsal: Rehearsal, platform: embedded.Sandbox
) -> None:
    """A migration that drops a column has no way back; the chart or the environment says so."""
    deployment = platform.platform.one("deployments", "jorge-revenue-api")
    deployment["metadata"]["annotations"]["deploycheck/irreversible"] = "migration 42 drops a table"
    code, printed = rehearsal.run(*CONFIRMED)
    assert (code, "migration 42" in printed, calls(rehearsal)) == (11, True, [])
    del deployment["metadata"]["annotations"]["deploycheck/irreversible"]
    rehearsal.configure('[rollback.irreversible]\n"1.4.2" = "migration 43"\n')
    code, printed = rehearsal.run(*CONFIRMED)
    assert (code, "migration 43" in printed, calls(rehearsal)) == (11, True, [])


def test_a_failed_dry_run_changes_nothing(rehearsal: Rehearsal) -> None:
    """What cannot even be tried is not done."""
    helm(rehearsal, 'echo "Error: release: not found" >&2; exit 1')
    assert rehearsal.run(*CONFIRMED)[0] == 11
    assert steps(rehearsal) == ["started", "failed"]
    assert "release: not found; nothing was changed" in last(rehearsal).detail
    assert len(calls(rehearsal)) == 1


def test_a_failed_rollback_says_what_the_cluster_has(rehearsal: Rehearsal) -> None:
    """Helm's word and the cluster's own: partial success is neither success nor nothing."""
    helm(rehearsal, 'case "$*" in *--dry-run) exit 0;; esac; echo "Error: half done"; exit 1')
    assert rehearsal.run(*CONFIRMED)[0] == 11
    assert steps(rehearsal) == ["started", "dry_run", "failed"]
    assert "half done" in last(rehearsal).detail
    assert "the cluster now has: " in last(rehearsal).detail


def test_a_rollback_that_hangs_is_ended(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither success nor failure is claimed: it did not end in time."""
    monkeypatch.setattr(helm_client, "_GRACE_S", 1.0)
    helm(rehearsal, 'case "$*" in *--dry-run) exit 0;; esac; sleep 60 & sleep 60')
    begun = time.monotonic()
    assert rehearsal.run(*CONFIRMED)[0] == 11
    assert time.monotonic() - begun < 30
    assert "did not end in time" in last(rehearsal).detail
    assert "executed" not in steps(rehearsal)


def test_helm_that_lies_is_found_out(rehearsal: Rehearsal) -> None:
    """It says success, and the cluster still runs the release that was to be left."""
    helm(rehearsal, "exit 0")
    code, printed = rehearsal.run(*CONFIRMED)
    assert code == 11
    assert steps(rehearsal)[-1] == "not_verified"
    assert "still runs release 1.4.2" in printed
    code, printed = rehearsal.run("notify", "rolled-back", "--dry-run")
    assert (code, "was executed, and not verified" in printed) == (11, True), printed
    assert not [event for event in rehearsal.events if isinstance(event, MessageSent)]


def begun(rehearsal: Rehearsal, script: str, *, trap: str = ":") -> subprocess.Popen[str]:
    """A rollback as a process of its own, whose helm has done *trap* and now runs *script*."""
    on, up = rehearsal.root / "on", rehearsal.root / "up"
    os.mkfifo(up)
    heard = os.open(up, os.O_RDWR)  # for both, so that nobody waits for the other to open it
    begin = f'case "$*" in *--dry-run) exit 0;; esac; echo $$ > {on}; {trap}; echo > {up}'
    helm(rehearsal, f"{begin}; {script}")
    process = subprocess.Popen(
        [
            "env", "--default-signal",  # whatever the tests were started under, such as nohup
            sys.executable, "-m", "pytest_deploycheck.cli", *CONFIRMED,
            f"--env={rehearsal.environment}", f"--config={SUITES}",
            f"--reports={rehearsal.reports}",
        ],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert select.select([heard], [], [], 60)[0], process.poll()
    finally:
        os.close(heard)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_ends_a_rollback_ends_helm(rehearsal: Rehearsal, number: signal.Signals) -> None:
    """The record says so, and the next one may begin: nothing of it runs any more."""
    process = begun(rehearsal, "exec sleep 50")
    os.kill(process.pid, number)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 11, printed
    assert steps(rehearsal) == ["started", "dry_run", "failed"]
    assert last(rehearsal).detail.startswith(f"helm was ended by {number.name}")
    with pytest.raises(ProcessLookupError):
        os.killpg(int((rehearsal.root / "on").read_text()), 0)
    assert not (rehearsal.folder.parent.parent / "rollback.lock").exists()


def test_helm_that_ends_well_all_the_same_has_rolled_back(rehearsal: Rehearsal) -> None:
    """Whoever wanted to end it is told that it is done, and how it is verified."""
    process = begun(rehearsal, "while :; do sleep 0.05; done", trap="trap 'exit 0' TERM")
    os.kill(process.pid, signal.SIGTERM)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 11, printed
    assert steps(rehearsal) == ["started", "dry_run", "executed"]
    (advised,) = [line for line in printed.splitlines() if line.endswith("--verify")]
    assert f"--config={SUITES}" in advised
    assert f"--reports={rehearsal.reports}" in advised


def test_helm_that_will_not_end_is_killed_by_the_second_signal(rehearsal: Rehearsal) -> None:
    """A CI system that cancels does not wait for ever."""
    process = begun(rehearsal, "while :; do sleep 0.05; done", trap="trap '' TERM")
    os.kill(process.pid, signal.SIGINT)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=30)
    assert steps(rehearsal) == ["started", "dry_run", "failed"]


def test_a_kill_in_the_middle_leaves_what_is_known(rehearsal: Rehearsal) -> None:
    """Started and tried, no word of an end; nobody else begins until somebody takes over."""
    process = begun(rehearsal, "sleep 50")
    try:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        assert steps(rehearsal) == ["started", "dry_run"]
        code, printed = rehearsal.run(*CONFIRMED)
        assert (code, "a rollback runs, or was cut off" in printed) == (11, True), printed
        code, printed = rehearsal.run(*CONFIRMED, "--take-over")
        assert (code, "the helm that it left, still runs" in printed) == (11, True), printed
        assert len(calls(rehearsal)) == 2
        code, printed = rehearsal.run("notify", "rolled-back")
        assert (code, "was not executed" in printed) == (11, True), printed
    finally:
        os.killpg(int((rehearsal.root / "on").read_text()), signal.SIGKILL)
    assert (rehearsal.folder.parent.parent / "rollback.lock").exists()


@pytest.mark.usefixtures("verified")
def test_somebody_can_take_over(rehearsal: Rehearsal) -> None:
    """After looking at the cluster, a person decides that no rollback runs any more."""
    lock = rehearsal.folder.parent.parent / "rollback.lock"
    lock.write_text("somebody for rehearsal/1.4.2")
    code, printed = rehearsal.run(*CONFIRMED)
    assert (code, "held by somebody for rehearsal/1.4.2" in printed) == (11, True), printed
    assert rehearsal.run(*CONFIRMED, "--take-over")[0] == 0


def test_who_leaves_removes_only_its_own_lock(tmp_path: Path) -> None:
    """Somebody else's stays, however it came there."""
    path = tmp_path / "rollback.lock"
    with lock.locked(path, by="ann", take_over=False):
        path.unlink()
        path.write_text("bob")
    assert path.read_text() == "bob"


def test_a_bad_verification_is_no_success(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real one, of a release that was brought back and is not well: nobody is told it is.

    It looks at everything, also from a job that ran a share of the checks.
    """
    monkeypatch.setenv("DEPLOYCHECK_SHARD", "1/2@nightly")
    rehearsal.configure('[cluster]\nservices = ["no-such-service"]\n')
    code, printed = rehearsal.run(*CONFIRMED)
    assert code == 11, printed
    assert steps(rehearsal) == ["started", "dry_run", "executed", "not_verified"]
    assert "post_5min on release 1.4.1 ended in ROLLBACK; " in last(rehearsal).detail
    assert "no-such-service" in last(rehearsal).detail
    (verification,) = rehearsal.folder.glob("rollback/*/*/*/*/runs/*/journal.jsonl")
    assert [e.shards for e in read_journal(verification) if isinstance(e, RunStarted)] == [1]
    assert "--verify" in printed
    assert not [event for event in rehearsal.events if isinstance(event, MessageSent)]


def own_files(rehearsal: Rehearsal, without: str) -> None:
    """Let the environment extend files of its own, from which a pattern is left out."""
    for name in ("base", "sandbox"):
        text = (SUITES / "environments" / f"{name}.toml").read_text()
        changed = re.sub(without, "", text, flags=re.MULTILINE)
        (rehearsal.root / f"{name}.toml").write_text(changed)


def test_without_a_table_nothing_is_rolled_back(rehearsal: Rehearsal) -> None:
    """An environment that does not say how has no way back by this command."""
    own_files(rehearsal, r"^\[rollback\]\n(?:(?!\[).*\n)*")
    rehearsal.environment.write_text('extends = "sandbox"\n')
    code, printed = rehearsal.run(*CONFIRMED)
    assert (code, "found no table [rollback]" in printed, calls(rehearsal)) == (11, True, [])


def test_a_release_that_helm_does_not_know_has_its_command(rehearsal: Rehearsal) -> None:
    """Whoever reads it can paste it; nothing is run."""
    own_files(rehearsal, "^helm_release = .*$")
    code, printed = rehearsal.run(*CONFIRMED)
    assert (code, calls(rehearsal)) == (11, [])
    undo = "kubectl rollout undo deployment/jorge-revenue-api -n jorge-revenue-platform"
    assert f"command: {undo} --to-revision=6 --context sandbox\n" in printed
    assert "run the command above yourself" in printed


def test_a_sandbox_that_has_ended_is_told(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of the variables that it has left unset."""
    for name in [name for name in os.environ if name.startswith("DEPLOYCHECK_SANDBOX_")]:
        monkeypatch.delenv(name)
    code, printed = rehearsal.run("rollback")
    assert (code, len(printed.splitlines())) == (4, 1), printed
    assert printed.endswith("expected one that stays: deploycheck sandbox start\n")


def test_who_may_not_read_helms_secrets_gives_the_number(
    rehearsal: Rehearsal, platform: embedded.Sandbox
) -> None:
    """It is refused with what would change that; the pipeline knows the number, too."""
    platform.platform.forbidden.add("secrets")
    code, printed = rehearsal.run("rollback")
    assert (code, "not Helm's number of it" in printed, calls(rehearsal)) == (11, True, [])
    assert COMMAND in rehearsal.run("rollback", "--revision=6")[1]


def test_helm_gets_its_own_credentials_and_no_others(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checks' secrets do not reach a program that may change the cluster."""
    helm(rehearsal, f"env > {rehearsal.root}/env; exit 1")
    rehearsal.configure('kubeconfig_env = "TEST_KUBECONFIG"\n')
    code, printed = rehearsal.run(*CONFIRMED)
    assert (code, "TEST_KUBECONFIG" in printed) == (4, True), printed
    monkeypatch.setenv("TEST_KUBECONFIG", "/etc/rollback.kubeconfig")
    monkeypatch.setenv("HELM_KUBECONTEXT", "elsewhere")
    assert rehearsal.run(*CONFIRMED)[0] == 11
    seen = (rehearsal.root / "env").read_text()
    assert "KUBECONFIG=/etc/rollback.kubeconfig" in seen
    assert "DEPLOYCHECK_" not in seen
    assert "elsewhere" not in seen


@pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not installed")
def test_the_real_helm_is_driven(rehearsal: Rehearsal, running: embedded.Sandbox) -> None:
    """It reads its releases from the cluster, and may change nothing there: that is recorded."""
    ours = running.variables
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "sandbox",
        "contexts": [{"name": "sandbox", "context": {"cluster": "sandbox", "user": "sandbox"}}],
        "clusters": [
            {
                "name": "sandbox",
                "cluster": {
                    "server": ours["DEPLOYCHECK_SANDBOX_CLUSTER_URL"],
                    "certificate-authority": ours["DEPLOYCHECK_SANDBOX_CA_FILE"],
                },
            }
        ],
        "users": [
            {"name": "sandbox", "user": {"token": ours["DEPLOYCHECK_SANDBOX_CLUSTER_TOKEN"]}}
        ],
    }
    (rehearsal.root / "kubeconfig").write_text(json.dumps(kubeconfig))
    helm(rehearsal, f'KUBECONFIG={rehearsal.root}/kubeconfig exec {shutil.which("helm")} "$@"')
    assert rehearsal.run(*CONFIRMED)[0] == 11
    assert steps(rehearsal)[-1] == "failed"
