"""Numbers that move: a counter, because a constant with a fresh timestamp looks alive."""

from __future__ import annotations

import time
from collections.abc import Callable

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.endpoints import unknown


def growth(api: Api, name: str, *, sleep: Callable[[float], None] = time.sleep) -> float:
    """Return by how much the counter of the reading *name* grew from one reading to the next.

    A random number would change too, but fall as often as it grows: three readings tell.

    Raises:
        SubjectError: Silence, or no number.
        InstrumentError: The fault may be ours; the environment has no such reading.
    """
    try:
        settings = api.settings.readings[name]
    except KeyError:
        raise unknown(f"{api.source}.readings", name, api.settings.readings) from None
    path = api.key(settings.endpoint, "counter")
    first = api.call(settings.endpoint).number(path)
    sleep(settings.pause_s)
    second = api.call(settings.endpoint).number(path)
    sleep(settings.pause_s)
    third = api.call(settings.endpoint).number(path)
    return min(second - first, third - second)
