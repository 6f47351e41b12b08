"""One running sandbox for the tests of a module, healthy again before each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_deploycheck import sandbox as embedded


@pytest.fixture(scope="module")
def running() -> Iterator[embedded.Sandbox]:
    """A sandbox on free ports."""
    with embedded.start() as started:
        yield started


@pytest.fixture
def sandbox(running: embedded.Sandbox) -> embedded.Sandbox:
    """The module's sandbox, healthy."""
    running.switch([])
    return running


@pytest.fixture
def variables(sandbox: embedded.Sandbox) -> dict[str, str]:
    """Where its servers are and what they accept, by short names: `API_URL`."""
    prefix = "DEPLOYCHECK_SANDBOX_"
    return {name.removeprefix(prefix): value for name, value in sandbox.variables.items()}
