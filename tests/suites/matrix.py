"""Whole runs of the suites against the sandbox, several at a time, each in a process of its own.

The processes are forked from one that has everything imported already: start-up is most of what a
run costs, and the rest is waiting.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import io
import json
import multiprocessing
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
_SIDE_BY_SIDE: Final = 6
#: No plugin but those that a run is about: importing and asking the others is a third of its time.
ALONE: Final = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
PLUGINS: Final = (
    *("-p", "deploycheck", "-p", "timeout", "-p", "no:cacheprovider"),
    # What is imported before the fork is not rewritten again.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ran:
    """What a run left."""

    exit_code: int
    text: str
    verdict: dict[str, Any]
    """Its verdict.json; empty when it left none."""

    @property
    def changed(self) -> set[str]:
        """Ids of the items that did not simply pass."""
        return {
            row["id"]
            for row in self.verdict["items"]
            if row["state"] != "PASSED" or row["recovered"]
        }


def run(
    faults: Sequence[str],
    phases: Sequence[str],
    args: Sequence[str] = (),
    variables: Mapping[str, str] | None = None,
) -> Ran:
    """Run *phases* in the sandbox with *faults*, in this process.

    Args:
        faults: What is broken from the start.
        phases: Their markers.
        args: More arguments for pytest.
        variables: Environment variables; with the sandbox's addresses among them none is started.
    """
    os.chdir(ROOT)
    os.environ.update({**ALONE, **(variables or {})})
    text = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        given = [
            "-m", " or ".join(phases), "--env=sandbox", f"--deploycheck-reports={folder}",
            *(f"--deploycheck-fault={fault}" for fault in faults),
            *PLUGINS, *args,
        ]  # fmt: skip
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
            code = int(pytest.main(given))
        written = Path(folder) / "latest" / "verdict.json"
        verdict = json.loads(written.read_text()) if written.is_file() else {}
    return Ran(exit_code=code, text=text.getvalue(), verdict=verdict)


def wanted(request: pytest.FixtureRequest, parameter: str) -> set[str]:
    """Return the values of *parameter* with which the module's selected tests are run."""
    return {
        str(item.callspec.params[parameter])
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.module is request.module
        and hasattr(item, "callspec")
    }


@contextlib.contextmanager
def runner() -> Iterator[concurrent.futures.Executor]:
    """Yield an executor for `run`: each call gets a fresh process."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.suites.preloaded"])
    executor = concurrent.futures.ProcessPoolExecutor(
        _SIDE_BY_SIDE, mp_context=context, max_tasks_per_child=1
    )
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)
