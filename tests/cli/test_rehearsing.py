"""A sandbox for several commands: one at a time, and it is told of in a file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_deploycheck.cli import main


def start(file: str) -> str:
    """Start one in the background, as only a process of its own can leave it; what is said."""
    command = [sys.executable, "-m", "pytest_deploycheck.cli", "sandbox", "start", f"--file={file}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a sandbox that serves, in the folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("DEPLOYCHECK_")]:
        monkeypatch.delenv(name)
    start("sandbox.env")
    yield tmp_path / "sandbox.env"
    assert main(["sandbox", "stop"]) == 0


def test_a_second_one_does_not_orphan_the_first(
    sandbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody could stop what no file tells of; the file stays that of the first."""
    before = sandbox.read_text()
    assert main(["sandbox", "start"]) == 4
    expected = "a sandbox serves already (sandbox.env); deploycheck sandbox stop ends it"
    assert expected in capsys.readouterr().err
    assert sandbox.read_text() == before


def test_the_advice_is_a_command_of_any_shell(
    sandbox: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`. sandbox.env` looks on PATH in a POSIX shell; a new rollout needs no variable."""
    assert main(["sandbox", "switch"]) == 0
    advice = capsys.readouterr().out.splitlines()[-1].rpartition(": ")[2]
    assert advice == ". ./sandbox.env"
    script = f"{advice} && echo $DEPLOYCHECK_RELEASE"
    done = subprocess.run(
        ["sh", "-c", script], cwd=sandbox.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout == "1.4.2\n"


@pytest.mark.parametrize("action", ["stop", "switch"])
def test_none_that_serves_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    action: str,
) -> None:
    """With where it was looked for, and how there comes to be one."""
    monkeypatch.delenv("DEPLOYCHECK_SANDBOX_CONTROL_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["sandbox", action]) == 4
    told = capsys.readouterr().err
    assert "found no sandbox: neither --file nor DEPLOYCHECK_SANDBOX_CONTROL_URL names" in told
    assert "deploycheck sandbox start" in told
    assert not list(tmp_path.iterdir())


def test_a_file_of_one_that_is_gone_is_in_nobodys_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that was switched off leaves it behind."""
    monkeypatch.delenv("DEPLOYCHECK_SANDBOX_CONTROL_URL", raising=False)
    file = tmp_path / "its own.env"
    file.write_text("export DEPLOYCHECK_SANDBOX_CONTROL_URL=http://127.0.0.1:9\n")
    assert f"next: . '{file}'" in start(str(file))
    assert main(["sandbox", "stop", f"--file={file}"]) == 0
