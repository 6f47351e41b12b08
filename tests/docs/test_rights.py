"""The rights that the documentation asks for are those that the checks need."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import yaml  # type: ignore[import-untyped] # its stubs are a package of their own

ROOT: Final = Path(__file__).parents[2]
PHASES: Final = "pre_deploy or post_5min or post_24h"
RESOURCE: Final = re.compile(
    r"^GET https?://[^/]+/apis?/(?:[^/]+/)?v\d\w*/(?:namespaces/[^/]+/)?([a-z]+)"
)
#: Who may not list them has the ReplicaSets asked.
NOT_NEEDED: Final = {"secrets"}
#: Only where a StatefulSet carries the release.
NOT_ASKED: Final = {"controllerrevisions"}


def test_the_role_may_read_what_the_checks_ask_for_and_nothing_else(tmp_path: Path) -> None:
    """A right that is missing holds every deployment, and one too many is never taken back."""
    page = (ROOT / "docs/rights.md").read_text(encoding="utf-8")
    block = re.search(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert block is not None
    allowed = {name for rule in yaml.safe_load(block[1])["rules"] for name in rule["resources"]}
    command = [sys.executable, "-m", "pytest", "-m", PHASES, "--env=sandbox", "-q"]
    subprocess.run(
        [*command, f"--deploycheck-reports={tmp_path}", "-p", "no:cacheprovider"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    verdict = json.loads((tmp_path / "latest" / "verdict.json").read_text())
    asked = {
        match[1]
        for check in verdict["checks"]
        for note in check["evidence"]
        if note["source"] == "cluster" and (match := RESOURCE.match(note["request"]))
    }
    assert asked - NOT_NEEDED == allowed - NOT_ASKED
