"""What the plugin registers once an environment is named."""

from __future__ import annotations

import contextlib
import os
import sys

import pytest

from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.plugin import deployment, fixtures, options
from pytest_deploycheck.plugin.checks import Checks
from pytest_deploycheck.plugin.record import Record
from pytest_deploycheck.plugin.surfaces import Surfaces
from pytest_deploycheck.report.layout import make_reports, remove_latest


def wake(config: pytest.Config) -> None:
    """Settle what is verified, and register everything that does it.

    Raises:
        pytest.UsageError: The options or the configuration cannot be used.
    """
    worker = hasattr(config, "workerinput")
    given, mistakes = options.read(config, os.environ)
    if sys.flags.optimize:
        mistakes.append(
            "found python -O or PYTHONOPTIMIZE; expected neither: they take asserts out of the "
            "code, and a check without them passes whatever it finds"
        )
    if not worker:
        # First of all: whatever happens next, an earlier verdict is not published as this one's.
        try:
            remove_latest(given.reports)
            make_reports(given.reports)
        except ConfigError as error:
            mistakes.append(f"--deploycheck-reports: {error}")
    if config.option.tbstyle == "auto":
        # A failed check says what it found; what is below it, down to the socket, takes seconds.
        config.option.tbstyle = "short"
    # What a thread of a check found is no warning.
    broken = "error::pytest.PytestUnhandledThreadExceptionWarning"
    config.addinivalue_line("filterwarnings", broken)
    for part in ("deploycheck-checks", "deploycheck-record"):
        if config.pluginmanager.is_blocked(part):
            raise pytest.UsageError(f"found -p no:{part}; expected it on: nothing would be decided")
    undo = contextlib.ExitStack()
    config.add_cleanup(undo.close)
    settled = deployment.settle(config, given, mistakes, undo, worker=worker)
    config.stash[deployment.DEPLOYMENT] = settled
    config.pluginmanager.register(fixtures, "deploycheck-fixtures")
    config.pluginmanager.register(Checks(config, settled), "deploycheck-checks")
    record = None if worker else Record(config, settled)
    if config.pluginmanager.hasplugin("html"):
        from pytest_deploycheck.plugin.detail import Detail

        config.pluginmanager.register(Detail(settled, record), "deploycheck-detail")
    if record is not None:
        config.pluginmanager.register(record, "deploycheck-record")
        config.pluginmanager.register(Surfaces(settled, record), "deploycheck-surfaces")
