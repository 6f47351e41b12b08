"""The suites verify a deployment: without an environment there is nothing to verify."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to run asleep: a green run that verified nothing must not exist."""
    config = session.config
    if config.pluginmanager.hasplugin("deploycheck-checks") or config.option.collectonly:
        return
    if hasattr(config, "workerinput") or config.pluginmanager.hasplugin("dsession"):
        return  # the controlling process of xdist collects nothing; its workers are awake with it
    files = Path(__file__).with_name("environments").glob("*.toml")
    names = ", ".join(sorted(file.stem for file in files if file.stem != "base"))
    raise pytest.UsageError(
        f"the suites need an environment: found no --env; expected --env=NAME with one of {names}"
    )
