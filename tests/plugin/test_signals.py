"""A run that is told to end writes down what it found, and ends at once."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys

import pytest

from pytest_deploycheck.domain.reasons import INTERRUPTED
from tests.plugin.scratch import HEADER, RELEASE, Deploycheck

HUNG = f"""
import pathlib, threading
{HEADER}
begun = threading.Barrier(30, action=lambda: pathlib.Path("hung").write_text("all"))

@pytest.mark.check("pod-status")
@pytest.mark.parametrize("n", range(30))
def test_pods(n):
    begun.wait()
    threading.Event().wait()
"""
PATIENCE_S = 60.0


@pytest.mark.parametrize("extra", [(), ("--deploycheck-concurrency=1",)], ids=["aside", "in-turn"])
@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGINT, 2), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_the_reports_are_written(
    deploycheck: Deploycheck, number: signal.Signals, exit_code: int, extra: tuple[str, ...]
) -> None:
    """With thirty checks that hang: verdict, page and journal, and no wait for any of them."""
    deploycheck.write(
        "suites/test_pods.py",
        HUNG.replace("Barrier(30", "Barrier(1") if extra else HUNG,
    )
    os.mkfifo(deploycheck.root / "hung")
    heard = os.open(deploycheck.root / "hung", os.O_RDWR)  # nobody waits for the other to open it
    process = subprocess.Popen(
        [
            sys.executable, "-m", "pytest", "-m", "post_5min", "--env=scratch", "-p", "no:randomly",
            f"--deploycheck-release={RELEASE}", "--deploycheck-deployed-at=2026-01-01T00:00:00Z",
            *extra,
        ],
        cwd=deploycheck.root, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # below nohup it is ignored
    )  # fmt: skip
    try:
        assert select.select([heard], [], [], PATIENCE_S)[0], process.poll()
    finally:
        os.close(heard)
    process.send_signal(number)
    text, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == exit_code, text
    latest = deploycheck.root / "reports" / "latest"
    assert "verdict: HOLD (" in text.splitlines()[-2]
    verdict = json.loads((latest / "verdict.json").read_text())
    assert verdict["verdict"] == "HOLD"
    assert {reason["cause"] or reason["text"] for reason in verdict["reasons"]} == {INTERRUPTED}
    assert (latest / "report.html").exists()
    assert (latest / "journal.jsonl").exists()


def test_a_signal_that_was_swallowed_is_not_forgotten(deploycheck: Deploycheck) -> None:
    """It comes while something tries an import, which catches whatever is raised."""
    deploycheck.write("suites/test_pods.py", HUNG.replace("Barrier(30", "Barrier(1"))
    deploycheck.write(
        "suites/test_a_swallows.py",
        "import os, signal, pytest\n"
        "pytestmark = [pytest.mark.post_5min, pytest.mark.check('pod-status')]\n"
        "def test_swallows(tmp_path):\n"
        "    try:\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "    except Exception:\n        pass\n",
    )
    run = deploycheck.run(subprocess=True)
    assert run.exit_code == 143
    assert run.folder is not None
