"""The order of the project's own tests: whatever is fast comes first."""

from __future__ import annotations

from pathlib import Path

# httpx keeps a table of httpcore's errors once it has loaded it, and psycopg's compiled half its
# own; pytester forgets what is loaded during a run inside of this process, and nobody catches the
# errors of a second one.
import httpcore  # noqa: F401
import psycopg  # noqa: F401
import pytest

TESTS = Path(__file__).parent
# Fastest first; what is not named here is faster than all of these.
SLOW = ("plugin", "suites", "integration", "browser")


def slowness(path: Path) -> int:
    """The place of the folder of *path* among the slow ones, 0 for a fast one."""
    folder = path.relative_to(TESTS).parts[0] if path.is_relative_to(TESTS) else ""
    return SLOW.index(folder) + 1 if folder in SLOW else 0


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by folder after the shuffle, which keeps the random order within each speed."""
    items.sort(key=lambda item: slowness(item.path))
