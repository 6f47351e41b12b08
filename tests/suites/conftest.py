"""The fixtures of this folder."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator

import pytest

from tests.suites import matrix


@pytest.fixture(scope="session")
def runner() -> Iterator[concurrent.futures.Executor]:
    """Runs of the suites, several at a time."""
    with matrix.runner() as executor:
        yield executor
