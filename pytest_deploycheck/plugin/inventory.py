"""Which checks the suites hold, asked of pytest itself: nothing is registered anywhere else."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from typing import Final

import pytest

from pytest_deploycheck.config import Project
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.events import PlannedCheck
from pytest_deploycheck.domain.items import PHASES
from pytest_deploycheck.plugin import ledger
from pytest_deploycheck.plugin.options import variable

#: The command has imported what pytest would rewrite: it has no asserts to explain.
_IMPORTED: Final = ("-W", "ignore::pytest.PytestAssertRewriteWarning")


#: One names an environment; the other may do so too, or hide checks.
_FOREIGN: Final = (variable("env"), "PYTEST_ADDOPTS")


class _Collector:
    """Keeps what was collected."""

    def __init__(self, project: Project) -> None:
        """Read checks against *project*."""
        self.project = project
        self.checks: tuple[PlannedCheck, ...] = ()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Take every check, before anything is deselected."""
        self.checks = ledger.read(items, self.project.checklist, self.project.policy, PHASES)


@contextlib.contextmanager
def _no_environment() -> Iterator[None]:
    """Let the plugin sleep, and all be collected, whatever variables say: nothing is verified."""
    before = {name: os.environ.pop(name) for name in _FOREIGN if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(before)


def inventory(project: Project) -> tuple[PlannedCheck, ...]:
    """Collect the project's suites and return every check in them.

    Raises:
        ConfigError: The suites cannot be collected; it has what pytest printed.
    """
    collector = _Collector(project)
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        _no_environment(),
    ):
        status = pytest.main(
            ["--collect-only", "-qq", "-p", "no:cacheprovider", *_IMPORTED, str(project.folder)],
            plugins=[collector],
        )
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise ConfigError(
            [f"{project.folder} cannot be collected:", *printed.getvalue().split("\n")]
        )
    return collector.checks
