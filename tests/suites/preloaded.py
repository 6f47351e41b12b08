"""Imported by the process that the runs of `tests.suites.matrix` are forked from.

Start-up is most of what a run costs: pytest, its plugins and the suites are imported here, once.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import os
from typing import Final

import pytest

from pytest_deploycheck.config import Environment, load_project
from tests.suites import matrix

#: What is imported when it is first used.
_LATE: Final = (
    "pytest_deploycheck.plugin.awake",
    "pytest_deploycheck.sandbox",
    "pytest_deploycheck.clients.api",
    "pytest_deploycheck.clients.cache",
    "pytest_deploycheck.clients.cluster",
    "pytest_deploycheck.clients.database",
    "pytest_deploycheck.clients.frontend",
    "pytest_deploycheck.clients.metrics",
    "cryptography.hazmat.backends.openssl.backend",
    "email.headerregistry",
    "email.policy",
    "httpcore",
)


def _preload() -> None:
    for name in _LATE:
        importlib.import_module(name)
    load_project(matrix.ROOT / "suites")
    Environment.model_rebuild()
    os.chdir(matrix.ROOT)
    os.environ.update(matrix.ALONE)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = pytest.main(["--collect-only", "-qq", "suites", *matrix.PLUGINS])
    if code != pytest.ExitCode.OK:
        raise RuntimeError(printed.getvalue())
    gc.collect()
    gc.freeze()  # or each run would walk through all of it, several times


_preload()
