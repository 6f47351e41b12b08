"""When a failing check is sampled again, until it is decided: recovered, or bad for its hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from pytest_deploycheck.domain.durations import timing_of
from pytest_deploycheck.domain.events import CheckEnded, CheckSample
from pytest_deploycheck.domain.policy import Trigger
from pytest_deploycheck.domain.words import Outcome, TriggerState


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pace:
    """How a failing check is sampled again."""

    interval_s: float
    settle_s: float
    """How long it must have been good to count as recovered."""


def next_sample_s(
    check: CheckEnded, trigger: Trigger | None, pace: Pace, *, deployed_at_s: float
) -> float | None:
    """Return when to sample *check* again (Unix seconds), None when it is decided.

    Args:
        check: With all samples of this run so far, the newest with its measurements.
        trigger: None, or one that fires at once: nothing to wait for.
        pace: Interval and settle time.
        deployed_at_s: Samples before it do not speak for the deployment.
    """
    failed = [sample for sample in check.samples if sample.outcome is Outcome.FAILED]
    if trigger is None or not failed:
        return None
    last, begun_s = check.samples[-1], failed[0].at_s
    soon_s = last.at_s + pace.interval_s
    # A check that flaps, or whose instrument went silent, is not followed for ever.
    end_s = begun_s + 2 * trigger.hold_s + pace.settle_s + trigger.min_bad * pace.interval_s
    if last.at_s >= end_s:
        return None
    if last.outcome is Outcome.PASSED:
        settled_s = _newest_run(check.samples, Outcome.PASSED)[0].at_s + pace.settle_s
        return None if last.at_s >= settled_s else min(soon_s, settled_s)
    if last.outcome is Outcome.INCONCLUSIVE:
        return min(soon_s, end_s)
    timing = timing_of(check, [], trigger, deployed_at_s=deployed_at_s)
    if timing.state is TriggerState.FIRING:
        return None
    held_s = _newest_run(check.samples, Outcome.FAILED)[0].at_s + trigger.hold_s
    # The last sample falls exactly on first failure + hold, so that nothing is waited for longer.
    return min(soon_s, held_s) if held_s > last.at_s else soon_s


def _newest_run(samples: Sequence[CheckSample], outcome: Outcome) -> list[CheckSample]:
    """Return the unbroken run of *outcome* at the end of *samples*, oldest first."""
    run: list[CheckSample] = []
    for sample in reversed(samples):
        if sample.outcome is not outcome:
            break
        run.insert(0, sample)
    return run
