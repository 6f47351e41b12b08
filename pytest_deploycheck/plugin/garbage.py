"""When Python looks for garbage: not where thousands of objects are made that all stay."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def none_expected() -> Iterator[None]:
    """Do not look for garbage until the block ends: loading and judging make little of it.

    Looking through everything that stays, again and again, takes a tenth of the start and a third
    of the end of a run with thousands of checks. Nor is it looked through afterwards.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            spare_what_is_loaded()
            gc.enable()


def spare_what_is_loaded() -> None:
    """Have everything that there is now never looked through again: modules, suites, tests."""
    gc.freeze()


def look_a_last_time() -> None:
    """Find what the tests have left, so that pytest hears of it: afterwards all is spared."""
    gc.collect()
