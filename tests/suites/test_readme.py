"""The commands of the README do what it says of them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.suites.matrix import ROOT

COMMAND = re.compile(r"^    \.venv/bin/(\S+)(.*?)\s*# exit (\d+)$", re.MULTILINE)


def test_the_readmes_commands_end_as_it_says(tmp_path: Path) -> None:
    """In their order: a later one reads what an earlier one left."""
    commands = COMMAND.findall((ROOT / "README.md").read_text())
    assert len(commands) >= 6
    environment = {**os.environ, "DEPLOYCHECK_REPORTS": str(tmp_path)}
    for program, arguments, code in commands:
        done = subprocess.run(
            [Path(sys.executable).with_name(program), *shlex.split(arguments)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == int(code), f"{program}{arguments}\n{done.stdout}{done.stderr}"
