"""What is loaded when: a start of pytest is paid for by everyone, every time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Prints what is loaded when the run ends, whichever plugin loaded it.
SPY = """
import sys
def pytest_unconfigure():
    print("LOADED", *sorted(sys.modules))
"""
ENTRY = """
import pytest, sys
before = set(sys.modules)
import pytest_deploycheck.plugin
print(*set(sys.modules) - before)
"""


def loaded(folder: Path, *args: str) -> set[str]:
    """The modules that are loaded at the end of a run with *args*."""
    (folder / "spy.py").write_text(SPY)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "spy", "-q", "-p", "no:randomly", *args],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(folder), "PATH": ""},
    )  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith("LOADED")]
    assert lines, done.stdout + done.stderr
    return set(lines[-1].split())


def test_asleep_it_loads_the_standard_library_and_pytest_only() -> None:
    """Nothing of httpx, pydantic or kubernetes, in anyone's test run."""
    done = subprocess.run(
        [sys.executable, "-c", ENTRY], capture_output=True, text=True, check=True, cwd=ROOT
    )
    modules = {name.partition(".")[0] for name in done.stdout.split()}
    assert modules <= {"pytest_deploycheck", *sys.stdlib_module_names}, modules
    ours = {name for name in done.stdout.split() if name.startswith("pytest_deploycheck")}
    assert ours <= {
        "pytest_deploycheck",
        "pytest_deploycheck.plugin",
        "pytest_deploycheck.plugin.options",
    }


@pytest.mark.parametrize("phase", ["post_5min"])
def test_a_phase_loads_no_typed_kubernetes_api(tmp_path: Path, phase: str) -> None:
    """Each takes a quarter of a second; the lists are read as raw JSON."""
    modules = loaded(
        tmp_path, "-m", phase, "--env=sandbox", f"--deploycheck-reports={tmp_path / 'reports'}"
    )
    assert "kubernetes" in modules
    typed = {name for name in modules if name.startswith("kubernetes.client.api.")}
    assert typed == set()
    models = {name for name in modules if name.startswith("kubernetes.client.models.")}
    assert len(models) < 5, sorted(models)[:20]
