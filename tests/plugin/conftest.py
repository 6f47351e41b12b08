"""The fixtures of this folder."""

from __future__ import annotations

import pytest

# Loaded once: what an in-process run of pytest imports is forgotten after each test.
import pytest_deploycheck.plugin.awake  # noqa: F401
from tests.config.scratch import VARIABLES
from tests.plugin.scratch import Deploycheck


@pytest.fixture
def deploycheck(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Deploycheck:
    """A scratch project whose secrets are set."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return Deploycheck(pytester)
