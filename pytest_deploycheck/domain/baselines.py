"""What is from before a deployment: the one rule for every recorded baseline and every window."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import BaselineRecorded, Event

_PERIODS_S: Final = {"previous_day": 86_400.0, "previous_week": 604_800.0}


def is_before(baseline: BaselineRecorded, *, deployed_at_s: float) -> bool:
    """Say whether all of it was measured by the time the rollout began."""
    return baseline.until_s <= deployed_at_s


def all_before(
    events: Iterable[Event], *, deployed_at_s: float, environment: str
) -> list[BaselineRecorded]:
    """Return the environment's baselines from before, what was measured last at the end.

    When it was written down does not matter: `--until` may be an hour of last week.
    """
    before = [
        event
        for event in events
        if isinstance(event, BaselineRecorded)
        and is_before(event, deployed_at_s=deployed_at_s)
        and event.environment == environment
    ]
    return sorted(before, key=lambda event: event.until_s)


def compared_with(
    events: Iterable[Event],
    *,
    deployed_at_s: float,
    environment: str,
    release: str,
    max_age_s: float | None = None,
    pinned: str | None = None,
) -> BaselineRecorded | None:
    """Return the baseline that a deployment is compared with, None when it has none.

    Args:
        events: Baselines among others.
        deployed_at_s: When the rollout began, Unix seconds.
        environment: That it must be of.
        release: That is judged; it is no reference for itself.
        max_age_s: How old it may be at the deployment; a pinned one may be older.
        pinned: The release to compare with, whatever was recorded since; None: the newest.

    Raises:
        InstrumentError: The release that is pinned has none.
    """
    before = all_before(events, deployed_at_s=deployed_at_s, environment=environment)
    if pinned is not None:
        before = [event for event in before if event.release == pinned]
        if not before:
            raise InstrumentError(
                f"found no baseline of the pinned release {pinned} from before the deployment"
            )
        return before[-1]
    fresh = [
        event
        for event in before
        if event.release != release
        and (max_age_s is None or deployed_at_s - event.until_s <= max_age_s)
    ]
    return fresh[-1] if fresh else None


def newest_after(
    events: Iterable[Event], *, deployed_at_s: float, environment: str, release: str
) -> BaselineRecorded | None:
    """Return the newest baseline of *release* none of which is from before its rollout began."""
    after = [
        event
        for event in events
        if isinstance(event, BaselineRecorded)
        and (event.environment, event.release) == (environment, release)
        and event.from_s >= deployed_at_s
    ]
    return max(after, key=lambda event: event.until_s, default=None)


def window_end_s(compare_with: str, *, deployed_at_s: float, now_s: float) -> float:
    """Return when the window from before ends: at the deployment, or at this hour of another day.

    Args:
        compare_with: `previous_day` or `previous_week`: the newest that lies before the deployment;
            anything else: the deployment itself.
        deployed_at_s: When the rollout began, Unix seconds.
        now_s: Whose hour it is, Unix seconds.
    """
    period_s = _PERIODS_S.get(compare_with)
    if period_s is None:
        return deployed_at_s
    return now_s - max(1, math.ceil((now_s - deployed_at_s) / period_s)) * period_s
