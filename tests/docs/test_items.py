"""The pages that are made from the code say what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


def test_table_of_items_is_not_stale() -> None:
    """Who reads the table must not be told of a check or a limit that is gone."""
    command = [str(Path(sys.executable).parent / "deploycheck"), "items", "--markdown"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    written = (ROOT / "docs" / "items.md").read_text(encoding="utf-8")
    assert written == made, "docs/items.md is stale: deploycheck items --markdown > docs/items.md"


def test_the_page_about_the_environment_is_not_stale() -> None:
    """Who writes an environment must not be told of a key that is gone."""
    command = [str(Path(sys.executable).parent / "deploycheck"), "explain", "--environment"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    written = (ROOT / "docs" / "environment.md").read_text(encoding="utf-8")
    renew = "deploycheck explain --environment > docs/environment.md"
    assert written == made, f"docs/environment.md is stale: {renew}"
    for key in ("[api.endpoints.NAME]", "[[cluster.workloads]]", "| `severity` |", '`"24h"`'):
        assert key in written
