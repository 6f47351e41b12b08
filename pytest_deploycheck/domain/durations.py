"""How long a check's trigger has been breached, told from samples and never from attempts.

In this order: the history behind a measurement, the samples this run took, the earlier runs.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence
from typing import Final

from pytest_deploycheck.domain.events import CheckEnded, CheckSample, Measurement
from pytest_deploycheck.domain.histories import Breach, History, breaches, not_after
from pytest_deploycheck.domain.policy import Trigger
from pytest_deploycheck.domain.words import Case, Outcome, Severity, TriggerState

_CLOCKS_APART_S: Final = 5.0
"""How far an instrument's clock may be from ours, and still tell of the same moment."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Timing:
    """What the samples of one check say about its trigger."""

    state: TriggerState
    cases: tuple[Case, ...]
    """Rows of the verdict table that they put the check in; empty when nothing was ever bad."""
    since_s: float | None = None
    held_s: float = 0.0


def timing_of(
    check: CheckEnded, earlier: Iterable[CheckEnded], trigger: Trigger, *, deployed_at_s: float
) -> Timing:
    """Judge *check* under *trigger*.

    Args:
        check: The newest result.
        earlier: Results of the same check from earlier runs of this deployment, in any order.
        trigger: With its hold, minimum of bad samples and longest gap.
        deployed_at_s: Samples before it do not speak for the deployment.
    """
    before = sorted(earlier, key=lambda result: result.at_s)
    told = [*before, check]
    of_samples = _breaches_of_samples(told, trigger, deployed_at_s=deployed_at_s)
    while told and told[-1].outcome is Outcome.INCONCLUSIVE:
        told.pop()
    of_histories = _breaches_of_histories(told, trigger, deployed_at_s=deployed_at_s)

    def stands(breach: Breach) -> bool:
        # INCONCLUSIVE neither fires nor clears: what stood before stands while the hole is small.
        return breach.open and (
            check.outcome is Outcome.FAILED
            or (
                check.outcome is Outcome.INCONCLUSIVE
                and not_after(check.at_s - breach.until_s, trigger.max_gap_s)
            )
        )

    failed = bool(told) and told[-1].outcome is Outcome.FAILED
    open_now = [breach for breach in of_histories if failed and stands(breach)]
    # The instrument knows what happened between our looks, where it saw what we saw.
    of_samples = [
        breach
        for breach in of_samples
        if not (open_now and stands(breach) and _seen(breach, of_histories, trigger))
    ]
    open_now += [breach for breach in of_samples if stands(breach)]
    ended = [b for b in (*of_histories, *of_samples) if b not in open_now and _reached(b, trigger)]
    return _timing(open_now, ended, trigger)


def _seen(breach: Breach, of_histories: Sequence[Breach], trigger: Trigger) -> bool:
    """Say whether histories were bad from the beginning of a *breach* that samples tell of.

    Else something else failed then, or the instrument has lost its memory of it.
    """
    return any(
        not_after(known.since_s, breach.since_s + _CLOCKS_APART_S)
        and not_after(breach.since_s, known.until_s + trigger.max_gap_s)
        for known in of_histories
    )


def _breaches_of_histories(
    results: Sequence[CheckEnded], trigger: Trigger, *, deployed_at_s: float
) -> tuple[Breach, ...]:
    """Judge the histories of the newest of *results*, led by what earlier ones knew of them."""
    return tuple(
        found
        for measurement in (results[-1].measurements if results else ())
        if measurement.history is not None and measurement.limit is not None
        for history in [joined_history(measurement, results[:-1]).since(deployed_at_s)]
        for found in breaches(
            history.at_s, measurement.marks(history.value), max_gap_s=trigger.max_gap_s
        )
    )


def joined_history(measurement: Measurement, results: Sequence[CheckEnded]) -> History:
    """Return the history of *measurement*, led by what earlier *results* knew of it."""
    joined = measurement.history or History(at_s=(), value=())
    for result in reversed(results):
        for older in result.measurements:
            if older.history and (older.name, older.query) == (measurement.name, measurement.query):
                joined = joined.after(older.history)
    return joined


def _breaches_of_samples(
    results: Sequence[CheckEnded], trigger: Trigger, *, deployed_at_s: float
) -> Sequence[Breach]:
    samples = conclusive_samples(results, since_s=deployed_at_s)
    return breaches(
        [at_s for at_s, _ in samples], [bad for _, bad in samples], max_gap_s=trigger.max_gap_s
    )


def conclusive_samples(
    results: Iterable[CheckEnded], *, since_s: float
) -> list[tuple[float, bool]]:
    """Return when the samples of *results* were taken and whether they were bad, oldest first.

    INCONCLUSIVE ones are left out. Of two samples at one instant the bad one comes last: it is not
    hidden by the good one.
    """
    return sorted(
        (sample.at_s, sample.outcome is Outcome.FAILED)
        for result in results
        for sample in (result.samples or [CheckSample(at_s=result.at_s, outcome=result.outcome)])
        if sample.outcome is not Outcome.INCONCLUSIVE and sample.at_s >= since_s
    )


def watched_s(
    check: CheckEnded, earlier: Iterable[CheckEnded], trigger: Trigger, *, deployed_at_s: float
) -> float:
    """Return how long *check* has been looked at without a hole, until its newest look.

    By histories and by samples, also those of *earlier* results of it (in any order). What told
    nothing is no look; a hole longer than the trigger's longest gap is where it begins anew.
    """
    results = [*sorted(earlier, key=lambda result: result.at_s), check]
    looks = [at_s for at_s, _ in conclusive_samples(results, since_s=deployed_at_s)]
    for measurement in check.measurements:
        if measurement.history is not None and measurement.limit is not None:
            history = joined_history(measurement, results[:-1]).since(deployed_at_s)
            looks += history.at_s
    looks.sort(reverse=True)
    for later, sooner in itertools.pairwise(looks):
        if not not_after(later - sooner, trigger.max_gap_s):
            return looks[0] - later
    return looks[0] - looks[-1] if looks else 0.0


def proven(trigger: Trigger, *, held_s: float, samples: int) -> bool:
    """Say whether a breach of *samples* bad samples over *held_s* fires *trigger*."""
    return samples >= trigger.min_bad and not_after(trigger.hold_s, held_s)


def _reached(breach: Breach, trigger: Trigger) -> bool:
    return proven(trigger, held_s=breach.held_s, samples=breach.samples)


def _timing(open_now: Sequence[Breach], ended: Sequence[Breach], trigger: Trigger) -> Timing:
    rollback = trigger.severity is Severity.ROLLBACK
    cases = [Case.UNTIMED if rollback else Case.WATCHED for _ in ended[:1]]
    if not open_now:
        return Timing(state=TriggerState.INACTIVE, cases=tuple(cases))
    longest = max(open_now, key=lambda breach: (_reached(breach, trigger), breach.held_s))
    firing = _reached(longest, trigger)
    if firing and rollback:
        cases.append(Case.FIRING)
    elif rollback and any(breach.after_gap for breach in open_now):
        cases.append(Case.UNTIMED)
    else:
        cases.append(Case.WATCHED)
    return Timing(
        state=TriggerState.FIRING if firing else TriggerState.PENDING,
        cases=tuple(cases),
        since_s=longest.since_s,
        held_s=longest.held_s,
    )
