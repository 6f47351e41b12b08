"""Whether whoever answers with a time has the same clock as we."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
from collections.abc import Mapping
from typing import Final

MAX_SKEW_S: Final = 30.0
"""How far the clock of whoever answers with a time may be from ours."""


def served_at_s(headers: Mapping[str, str]) -> float | None:
    """Return when an answer was served, by the server's clock in whole seconds.

    None: it does not say. What a cache has kept shows when it was made, and how long it lay there.
    """
    try:
        made = email.utils.parsedate_to_datetime(headers.get("date", ""))
        made_s = made.replace(tzinfo=made.tzinfo or dt.UTC).timestamp()
    except (ValueError, OverflowError):
        return None
    age = headers.get("age", "")
    return made_s + (float(age) if re.fullmatch(r"[0-9]{1,9}", age) else 0.0)


def skew_s(served_s: float | None, *, from_s: float, until_s: float) -> float:
    """Return how far the clock of whoever served between these two times is ahead of ours.

    0.0: it does not say.
    """
    return 0.0 if served_s is None else served_s - min(max(served_s, from_s), until_s)
