"""The whole story by the commands a team would run: they are those of docs/tutorial.md."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
_EXIT = re.compile(r"\s+# exits (\d+)$")
_GIVE_UP = "deploycheck sandbox stop; exit 99"
_SETTINGS = ("DEPLOYCHECK_", "PYTEST_")


@dataclasses.dataclass(frozen=True)
class Step:
    """A command of the tutorial, and the exit code that the page promises."""

    command: str
    code: int


def steps() -> list[Step]:
    """Return the commands of the page, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", TUTORIAL.read_text(), re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    return [
        Step(_EXIT.sub("", line), int(found[1]) if (found := _EXIT.search(line)) else 0)
        for line in lines
    ]


def script(commands: list[Step]) -> str:
    """Return a shell script that runs the steps and stops at the first broken promise."""
    parts = ["set -u"]
    for step in commands:
        broken = f"PROMISE BROKEN: found exit $code, expected {step.code}"
        parts += [
            f"echo {shlex.quote(f'$ {step.command}')}",
            step.command,
            f'code=$?; [ $code = {step.code} ] || {{ echo "{broken}"; {_GIVE_UP}; }}',
        ]
    return "\n".join(parts) + "\n"


def test_the_page_has_the_whole_story() -> None:
    """No chapter is lost when the page is edited."""
    text = "\n".join(step.command for step in steps())
    for phase in (
        "pre_deploy", "staging", "deploy", "post_5min", "post_15min", "post_30min", "monitoring",
        "observe_30min", "post_24h", "sign_off",
    ):  # fmt: skip
        assert f"pytest -m {phase}" in text
    for command in ("attest", "waive", "notify", "rollback", "archive", "verify", "baseline"):
        assert f"deploycheck {command} " in text


@pytest.mark.timeout(1800)
def test_the_story_runs_as_it_is_told(tmp_path: Path) -> None:
    """From the announcement to the archive: each command ends as the page says."""
    for name in ("suites", "conftest.py", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(_SETTINGS)}
    told = subprocess.run(
        ["bash", "-c", script(steps())],
        cwd=tmp_path,
        env={**kept, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-8000:]
    with tarfile.open(tmp_path / "signed.tar") as archive:
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]  # is there
    verdicts = {tuple(run["phases"]): run["verdict"] for run in manifest["runs"]}
    assert verdicts["sign_off",] == "PROCEED"
    assert len(verdicts) == 10
