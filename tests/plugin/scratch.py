"""A scratch project of two boxes and two decision points, and runs of pytest in it."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.config.scratch import BASE, CHECKLIST, POLICY

#: Nothing listens there: whoever asks a client in a scratch check gets silence.
ENVIRONMENT: Final = """\
extends = "base"
interval = "20ms"
settle = "40ms"
[triggers.critical-error-rate]
hold = "100ms"
min_bad = 2
"""
HEADER: Final = """\
import pytest
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError
pytestmark = [pytest.mark.post_5min]
"""
PASSING: Final = f"""\
{HEADER}
@pytest.mark.check("redis-cache")
def test_cache():
    pass

@pytest.mark.check("critical-error-rate", trigger="critical-error-rate")
def test_errors():
    pass

@pytest.mark.check("security-issues", trigger="security-issues")
def test_security():
    pass
"""
RELEASE: Final = "1.2.3"
PODS: Final = '"pod-status"'
ERRORS: Final = '"critical-error-rate", trigger="critical-error-rate"'


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """What a run of pytest left."""

    exit_code: int
    text: str
    folder: Path | None
    """Of the run; None when it left no verdict."""

    @property
    def verdict(self) -> dict[str, Any]:
        """Its verdict.json."""
        assert self.folder is not None, self.text
        document: dict[str, Any] = json.loads((self.folder / "verdict.json").read_text())
        return document

    def state_of(self, item: str) -> str:
        """The state of an item, by id."""
        states: dict[str, str] = {row["id"]: row["state"] for row in self.verdict["items"]}
        return states[item]


class Deploycheck:
    """Runs checks in a scratch project, which passes until a test adds to it."""

    def __init__(self, pytester: pytest.Pytester) -> None:
        """Write the project."""
        self.pytester = pytester
        self.root = pytester.path
        self.write("pyproject.toml", '[tool.pytest]\ntestpaths = ["suites"]\n')
        self.write("suites/checklist.md", CHECKLIST)
        self.write("suites/deploycheck.toml", POLICY)
        self.write("suites/environments/base.toml", BASE)
        self.write("suites/environments/scratch.toml", ENVIRONMENT)
        shipped = Path(__file__).parents[2] / "suites" / "conftest.py"
        self.write("suites/conftest.py", shipped.read_text())
        self.write("suites/test_others.py", PASSING)

    def write(self, file: str, text: str) -> Path:
        """Write a file of the project."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def check(self, body: str, *, arguments: str = "", marker: str = PODS) -> None:
        """Make *body* the check that answers post_5min/pod-status, or a further one of *marker*."""
        if marker != PODS:
            self.check("pass")
        file = "suites/test_pods.py" if marker == PODS else "suites/test_more.py"
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        self.write(
            file,
            f"{HEADER}\n@pytest.mark.check({marker})\ndef test_pods({arguments}):\n{lines}\n",
        )

    def run(self, *args: str, env: str = "scratch", subprocess: bool = False) -> Run:
        """Run pytest for the release, deployed five minutes ago."""
        deployed_at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
        given = [
            "-m", "post_5min", f"--env={env}",
            f"--deploycheck-release={RELEASE}",
            f"--deploycheck-deployed-at={deployed_at:%Y-%m-%dT%H:%M:%SZ}",
            "-p", "no:randomly", *args,
        ]  # fmt: skip
        run = (
            self.pytester.runpytest_subprocess if subprocess else self.pytester.runpytest_inprocess
        )
        result = run(*given)
        latest = self.root / "reports" / "latest"
        return Run(
            exit_code=int(result.ret),
            text=result.stdout.str() + result.stderr.str(),
            folder=latest.resolve() if latest.exists() else None,
        )

    def run_check(self, body: str, *args: str, arguments: str = "", marker: str = PODS) -> Run:
        """Run the project with *body* as the check of post_5min/pod-status."""
        self.check(body, arguments=arguments, marker=marker)
        return self.run(*args)
