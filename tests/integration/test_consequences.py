"""What a run does besides its verdict: it tells whoever asked, and never tells a secret."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from pytest_deploycheck import sandbox as embedded
from pytest_deploycheck.sandbox.healthy import amended
from pytest_deploycheck.sandbox.platform import Credentials

ROOT = Path(__file__).parents[2]
CHANNELS = """
extends = "sandbox"
[notifications]
verdicts = ["PROCEED", "ROLLBACK"]
[notifications.channels.hook]
url_env = "TEST_HOOK_URL"
messages = ["verdict"]
[notifications.channels.pager]
url_env = "TEST_PAGER_URL"
messages = ["verdict"]
pages = true
"""


@pytest.fixture
def running() -> Iterator[embedded.Sandbox]:
    """A sandbox that the runs use instead of their own."""
    with embedded.start() as started:
        yield started


def job(root: Path, variables: Mapping[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of a pipeline."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("DEPLOYCHECK_")}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=ROOT,
        env={**kept, **variables, "DEPLOYCHECK_REPORTS": str(root / "reports")},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def test_a_verdict_is_told_where_the_environment_asks(
    tmp_path: Path, running: embedded.Sandbox, httpserver: HTTPServer
) -> None:
    """PROCEED reaches the chat and wakes nobody; ROLLBACK does both, with the exact command."""
    (tmp_path / "told.toml").write_text(CHANNELS)
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    httpserver.expect_request("/page", method="POST").respond_with_data("ok")
    variables = {
        **running.variables,
        "TEST_HOOK_URL": f"json://127.0.0.1:{httpserver.port}/hook",
        "TEST_PAGER_URL": f"json://127.0.0.1:{httpserver.port}/page",
    }
    run = ("pytest", "-m", "post_5min", f"--deploycheck-env={tmp_path / 'told.toml'}", "-q")
    good = job(tmp_path, variables, *run)
    assert good.returncode == 0, good.stdout
    assert [request.path for request, _ in httpserver.log] == ["/hook"]
    httpserver.clear_log()
    running.switch(["open-endpoint"])
    bad = job(tmp_path, variables, *run)
    assert bad.returncode == 20, bad.stdout
    assert sorted(request.path for request, _ in httpserver.log) == ["/hook", "/page"]
    told = json.loads(httpserver.log[0][0].data)
    assert told["title"] == "ROLLBACK: release 1.4.2 in told"
    assert "helm rollback jorge-revenue-platform 6 " in told["message"]
    assert "next: helm rollback jorge-revenue-platform 6 " in bad.stdout


def test_a_cluster_of_another_shape_costs_no_verdict(
    tmp_path: Path, running: embedded.Sandbox
) -> None:
    """A trigger fires, and nobody can say where to go back to: ROLLBACK all the same."""
    running.switch(["open-endpoint"])
    for one in running.platform.objects["deployments"]:
        one["spec"] = {}
    run = ("pytest", "-m", "post_5min", "--deploycheck-env=sandbox", "-q", "--deploycheck-no-wait")
    fired = job(tmp_path, running.variables, *run)
    assert fired.returncode == 20, fired.stdout + fired.stderr
    verdict = json.loads((tmp_path / "reports" / "latest" / "verdict.json").read_text())
    assert verdict["verdict"] == "ROLLBACK"
    assert "next: helm history jorge-revenue-platform -n jorge-revenue-platform" in fired.stdout


CANARY = "c4nary-k7Qm2vXw9TzR"
#: Beginnings at which a cut after 40, 80, 120, 200, 300 or 4,096 characters divides it.
PLACES = (28, 70, 112, 190, 290, 4_085)


@pytest.mark.parametrize(("status", "ahead"), [(200, "<html><!-- "), (500, '{"error": "')])
def test_no_half_of_a_secret_is_anywhere(
    tmp_path: Path, running: embedded.Sandbox, status: int, ahead: str
) -> None:
    """Every server answers with a page that tells a secret wherever something might cut it."""
    page = ahead
    for place in PLACES:
        page = page.ljust(place, "x") + CANARY
    for name, manner in running.platform.servers.items():
        if name not in ("database", "cache", "mail"):
            manner.status, manner.media_type = status, "text/html"
            manner.body = page + "y" * 70_000
    variables = {**running.variables, "DEPLOYCHECK_SANDBOX_CLAUDE_KEY": CANARY}
    run = job(tmp_path, variables, "pytest", "--env=sandbox", "-q", "--deploycheck-no-wait")
    assert run.returncode in (11, 20), run.stdout
    texts = {"shown": run.stdout + run.stderr} | {
        str(path): path.read_text(encoding="utf-8", errors="replace")
        for path in tmp_path.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    assert len(texts) > 8
    leaks = {
        (name, half)
        for name, text in texts.items()
        for half in (CANARY[at : at + 5] for at in range(len(CANARY) - 4))
        if half in text
    }
    assert leaks == set()


def test_no_secret_is_in_record_archive_or_message(
    tmp_path: Path, running: embedded.Sandbox, httpserver: HTTPServer
) -> None:
    """Every answer of the platform tells every secret of the configuration; nobody repeats it."""
    (tmp_path / "told.toml").write_text(CHANNELS)
    httpserver.expect_request("/hook/c4nary-in-a-path", method="POST").respond_with_data("ok")
    variables = {
        **running.variables,
        "TEST_HOOK_URL": f"json://127.0.0.1:{httpserver.port}/hook/c4nary-in-a-path",
        "TEST_PAGER_URL": f"json://user:c4nary-of-the-pager@127.0.0.1:{httpserver.port}/page",
    }
    ours = dataclasses.asdict(Credentials())
    secrets = {
        "c4nary-in-a-path",
        "c4nary-of-the-pager",
        # The user's token is none of the configuration: it comes with an answer.
        *(str(value) for name, value in ours.items() if name not in ("username", "user_token")),
        *(v for name, v in variables.items() if name.endswith("_URL") and name.startswith("TEST")),
    }
    platform = running.platform
    for reply in [*platform.api.values(), *platform.frontend.values()]:
        if isinstance(reply.body(), dict):
            reply.body = amended(reply, debug=sorted(secrets), status=" ".join(sorted(secrets)))
    named = ("-m", "post_5min or post_30min", f"--deploycheck-env={tmp_path / 'told.toml'}")
    run = job(tmp_path, variables, "pytest", *named, "-q", "--deploycheck-no-wait")
    assert run.returncode in (10, 11, 20), run.stdout
    record = (f"--env={tmp_path / 'told.toml'}", "--release=1.4.2")
    packed = job(
        tmp_path, variables, "pytest_deploycheck.cli", "archive", *record,
        f"--output={tmp_path / 'all.tar'}",
    )  # fmt: skip
    assert packed.returncode == 0, packed.stdout + packed.stderr
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert len(files) > 8
    leaks = [
        (path.name, secret)
        for path in files
        for secret in secrets
        if secret.encode() in path.read_bytes()
    ]
    told = [request.get_data(as_text=True) for request, _ in httpserver.log]
    shown = [run.stdout, run.stderr, packed.stdout, packed.stderr, *told]
    leaks += [("shown", secret) for text in shown for secret in secrets if secret in text]
    assert leaks == []
