"""The recipe of docs/add-a-check.md, followed to the letter in a copy of the project."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
ITEM: Final = "post_5min/reported-environment"
KINDS: Final = {
    "post_5min/login-time": "PASSED",
    "post_5min/traffic": "PASSED",
    "post_5min/dashboards-read": "AWAITING",
    "post_5min/cache-round-trip": "PASSED",
}
RECIPE: Final = (ROOT / "docs" / "add-a-check.md").read_text(encoding="utf-8")


def block(name: str) -> str:
    """The block of the recipe that is marked with *name*."""
    match = re.search(rf"^```\w+ {name}\n(.*?)^```", RECIPE, re.MULTILINE | re.DOTALL)
    assert match is not None, f"the recipe has no block {name!r}"
    return match[1]


def copied(root: Path) -> Path:
    """Copy the project to *root*."""
    for folder in ("pytest_deploycheck", "suites"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / file, root / file)
    return root


def insert(file: Path, text: str, *, after: str) -> None:
    """Put *text* below the line of *file* that begins with *after*."""
    lines = file.read_text().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.startswith(after)) + 1
    file.write_text("".join([*lines[:at], text, *lines[at:]]))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with the three steps done."""
    root = copied(tmp_path_factory.mktemp("project"))
    insert(root / "suites/checklist.md", block("checklist"), after="- [ ] **Load Balancer**")
    for file, name in (
        ("suites/post_5min/test_service_health.py", "suite"),
        ("pytest_deploycheck/sandbox/faults/workloads.py", "fault"),
    ):
        path = root / file
        path.write_text(f"{path.read_text()}\n\n{block(name)}")
    return root


def verdict_of(project: Path, *args: str) -> dict[str, Any]:
    """Run the phase there, and return its verdict."""
    command = [sys.executable, "-m", "pytest", "-m", "post_5min", "--env=sandbox", *args]
    ran = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-p", "no:html"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    written = project / "reports" / "latest" / "verdict.json"
    assert written.is_file(), ran.stdout + ran.stderr
    verdict: dict[str, Any] = json.loads(written.read_text())
    return verdict


def test_the_new_item_is_answered(project: Path) -> None:
    """From nothing to a verdict that knows the item, in two steps."""
    verdict = verdict_of(project)
    (item,) = [row for row in verdict["items"] if row["id"] == ITEM]
    assert (verdict["verdict"], item["title"], item["state"]) == (
        "PROCEED",
        "Reported Environment",
        "PASSED",
    )


def test_the_new_check_can_fail(project: Path) -> None:
    """The third step: its fault makes exactly this item fail, with found and expected."""
    verdict = verdict_of(project, "--deploycheck-fault=reports-staging")
    bad = [row["id"] for row in verdict["items"] if row["state"] != "PASSED"]
    assert (verdict["verdict"], bad) == ("HOLD", [ITEM])
    assert "found environment staging, expected sandbox" in verdict["reasons"][0]["text"]


def test_an_item_without_a_check_holds(project: Path) -> None:
    """A line in the checklist alone is a question that nobody answers."""
    checks = project / "suites" / "post_5min" / "test_service_health.py"
    whole = checks.read_text()
    checks.write_text(whole.replace(block("suite"), ""))
    try:
        verdict = verdict_of(project)
    finally:
        checks.write_text(whole)
    assert verdict["verdict"] == "HOLD"
    assert [row["state"] for row in verdict["items"] if row["id"] == ITEM] == ["NOT_RUN"]


def test_the_other_kinds_are_answered(tmp_path: Path) -> None:
    """Each block in its place is all that each kind of check needs; a person has to speak."""
    root = copied(tmp_path)
    suites = root / "suites"
    insert(suites / "checklist.md", block("kinds"), after="- [ ] **Redis Cache**")
    insert(suites / "deploycheck.toml", block("kinds-limits"), after="[limits]")
    base = suites / "environments" / "base.toml"
    insert(base, block("kinds-words"), after="[attestations.items]")
    base.write_text(f"{base.read_text()}\n{block('kinds-query')}")
    insert(
        suites / "environments" / "sandbox.toml",
        '  "post_5min/cache-round-trip",\n',
        after="allow_writes",
    )
    checks = suites / "post_5min" / "test_application_functionality.py"
    imported = "from pytest_deploycheck.clients.attestations import Attestations\n"
    insert(checks, imported, after="from pytest_deploycheck.clients.api")
    checks.write_text(f"{checks.read_text()}\n\n{block('kinds-suite')}")
    verdict = verdict_of(root)
    states = {row["id"]: row["state"] for row in verdict["items"]}
    assert {item: states[item] for item in KINDS} == KINDS
    (reason,) = verdict["reasons"]
    assert "deploycheck attest post_5min/dashboards-read" in reason["text"]
