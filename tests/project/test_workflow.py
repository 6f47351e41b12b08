"""The workflow for users knows every phase and secret, and runs no text that someone typed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOW = (ROOT / ".github" / "workflows" / "deploycheck.yml").read_text(encoding="utf-8")
POLICY = tomllib.loads((ROOT / "suites" / "deploycheck.toml").read_text(encoding="utf-8"))


def steps() -> list[str]:
    """The text of each step."""
    return re.split(r"^      - (?=name:|uses:)", WORKFLOW, flags=re.MULTILINE)[1:]


def variables(table: object) -> Iterator[str]:
    """The names of environment variables that an environment file gives, at any depth."""
    if isinstance(table, dict):
        for key, value in table.items():
            if key.endswith("_env") and isinstance(value, str):
                yield value
            yield from variables(value)
    elif isinstance(table, list):
        for value in table:
            yield from variables(value)


def test_the_phases_of_the_policy_can_be_chosen() -> None:
    """A phase that is missing in the list cannot be run from there."""
    choices = WORKFLOW.split("default: post_5min", 1)[1].split("environment:", 1)[0]
    assert re.findall(r"^ +- (\w+)$", choices, re.MULTILINE) == list(POLICY["phases"])


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_every_secret_of_an_environment_reaches_the_run(environment: str) -> None:
    """A secret that is not handed on makes the run end before its first check."""
    path = ROOT / "suites" / "environments" / f"{environment}.toml"
    names = set(variables(tomllib.loads(path.read_text(encoding="utf-8"))))
    assert names
    assert [n for n in sorted(names) if f"{n}: ${{{{ secrets.{n} }}}}" not in WORKFLOW] == []


def test_no_script_contains_an_expression() -> None:
    """A release named `$(curl …)` is a name, not a command."""
    scripts = [
        step.split("run:", 1)[1].split("\n        env:")[0] for step in steps() if "run:" in step
    ]
    assert len(scripts) == 4
    assert [script for script in scripts if "${{" in script] == []


def test_what_a_run_leaves_is_published_whatever_the_verdict() -> None:
    """A HOLD or a ROLLBACK ends the step in an error, and its report is the one people need."""
    published = [step for step in steps() if step.startswith(("name: Publish", "name: publish"))]
    assert len(published) == 3
    assert [step for step in published if "if: always()" not in step] == []


def test_the_step_ends_in_the_exit_code_of_pytest() -> None:
    """Nothing between pytest and the runner can change it."""
    (run,) = [step for step in steps() if step.startswith("name: Run the phase")]
    assert "run: exec .venv/bin/pytest " in run
    assert "continue-on-error" not in WORKFLOW
