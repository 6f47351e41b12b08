"""What was probably meant: the names that look like one that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

_MOST: Final = 2
_ALIKE: Final = 0.6
"""From 0 to 1, as difflib compares; below it the names have little in common."""


def near(found: str, known: Iterable[str]) -> list[str]:
    """Return those of *known* that look like *found*: at most two, the nearest first."""
    return difflib.get_close_matches(found, sorted(set(known)), n=_MOST, cutoff=_ALIKE)


def meant(found: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?` when some of *known* look like *found*, else nothing."""
    names = near(found, known)
    return f"; did you mean {' or '.join(names)}?" if names else ""
