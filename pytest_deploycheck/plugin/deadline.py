"""How long one sample of a check may take, in the words of pytest-timeout."""

from __future__ import annotations

import os
from typing import Final

import pytest

DEADLINE_S: Final = 60.0
"""Where nobody says otherwise."""


def deadline_s(nodeid: str, marker: pytest.Mark | None, of_run: object) -> float | None:
    """Return the deadline of a test: its `timeout` *marker*, else what `of_the_run` returned.

    None: there is none, because somebody asked for 0.

    Raises:
        pytest.UsageError: It is not a number.
    """
    found: object = None
    if marker is not None:
        found = marker.args[0] if marker.args else marker.kwargs.get("timeout")
    if found is None:
        found = of_run
    if found is None:
        return DEADLINE_S
    try:
        seconds = float(str(found))
    except ValueError:
        raise pytest.UsageError(
            f"{nodeid}: timeout: found {found!r}, expected a number of seconds"
        ) from None
    return seconds if seconds > 0 else None


def of_the_run(config: pytest.Config) -> object:
    """Return what `--timeout`, `PYTEST_TIMEOUT` or the ini file says, None when nothing does."""
    if not config.pluginmanager.hasplugin("timeout"):
        return None
    given: object = config.getoption("timeout", None)
    if given is None:
        given = os.environ.get("PYTEST_TIMEOUT") or config.getini("timeout") or None
    return given
