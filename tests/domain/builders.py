"""A small deployment to judge: one gate item, one later box, one decision point, and its events."""
# ruff: noqa: ANN401 - a builder passes on whichever fields the test names

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

from pytest_deploycheck.domain.decision import Decision, ItemResult
from pytest_deploycheck.domain.events import (
    Attested,
    CheckEnded,
    CheckSample,
    Event,
    Measurement,
    PlannedCheck,
    RunEnded,
    RunStarted,
    Waived,
)
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.items import Checklist, Item, Kind
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.policy import Phase, Policy, Trigger, WordRule
from pytest_deploycheck.domain.words import Outcome, Severity

#: When the deployment of these tests began; a whole number, so that seconds add up exactly.
DEPLOYED_S: Final = 1_750_000_000.0
#: Later than every event here.
END_S: Final = DEPLOYED_S + 10 * 86_400

LETTERS: Final = {"P": Outcome.PASSED, "F": Outcome.FAILED, "I": Outcome.INCONCLUSIVE}

GATE: Final = "pre_deploy/scan"
BOX: Final = "post_5min/pods"
POINT: Final = "rollback/errors"


def item(item_id: str, *, phases: Sequence[str] = (), kind: Kind = Kind.BOX) -> Item:
    """An item of the phase that its id names, or of *phases*."""
    return Item(
        id=item_id,
        title=item_id,
        expectation="",
        phases=tuple(phases) or (item_id.partition("/")[0],),
        section="Section",
        kind=kind,
    )


CHECKLIST: Final = Checklist(
    items=(
        item(GATE),
        item(BOX),
        item(POINT, phases=("post_5min", "post_15min"), kind=Kind.DECISION_POINT),
    ),
    sha256="checklist",
)


def trigger(name: str = "errors", **changes: Any) -> Trigger:
    """A rollback trigger with a hold of 120 s, one bad sample enough, holes up to 60 s."""
    made = Trigger(
        id=name,
        title=name,
        sentence=name,
        severity=Severity.ROLLBACK,
        hold_s=120.0,
        min_bad=1,
        max_gap_s=60.0,
    )
    return dataclasses.replace(made, **changes)


def policy(*triggers: Trigger, phases: Sequence[Phase] = (), **changes: Any) -> Policy:
    """A policy of *triggers*; without any, of one rollback and one observe trigger."""
    known = triggers or (trigger(), trigger("creep", severity=Severity.OBSERVE))
    made = Policy(
        triggers={each.id: each for each in known},
        phases={phase.name: phase for phase in phases},
        limits={},
        interval_s=10.0,
        settle_s=30.0,
        words={each: word_rule(each) for each in (GATE, BOX, POINT)},
        approvers=frozenset({"ann", "bob"}),
        sha256="policy",
    )
    return dataclasses.replace(made, **changes)


def word_rule(item_id: str = BOX, **changes: Any) -> WordRule:
    """Ann may speak for the item, for as long as she says."""
    made = WordRule(item=item_id, roles=("operations",), people=("ann",))
    return dataclasses.replace(made, **changes)


def samples(letters: str, *, start_s: float = 0.0, step_s: float = 10.0) -> tuple[CheckSample, ...]:
    """`"FFP"`: two failures and a pass, *step_s* apart, from *start_s* after the deployment."""
    return tuple(
        CheckSample(at_s=DEPLOYED_S + start_s + index * step_s, outcome=LETTERS[letter])
        for index, letter in enumerate(letters)
    )


def ended(
    taken: Sequence[CheckSample] | str = "P",
    *,
    item_id: str = BOX,
    run: str = "run",
    nodeid: str = "",
    **changes: Any,
) -> CheckEnded:
    """The end of a check whose last sample is its outcome."""
    taken = samples(taken) if isinstance(taken, str) else tuple(taken)
    made = CheckEnded(
        run=run,
        at_s=taken[-1].at_s,
        started_at_s=taken[0].at_s,
        nodeid=nodeid or f"test::{item_id}",
        item=item_id,
        outcome=taken[-1].outcome,
        samples=taken,
    )
    return dataclasses.replace(made, **changes)


def started(*checks: CheckEnded, **changes: Any) -> RunStarted:
    """The start of a run that owes the answers *checks*."""
    made = RunStarted(
        run=checks[0].run if checks else "run",
        at_s=min((check.started_at_s for check in checks), default=DEPLOYED_S),
        environment="production",
        release="2.0",
        deployed_at_s=DEPLOYED_S,
        phases=("post_5min",),
        planned=tuple(
            PlannedCheck(nodeid=check.nodeid, item=check.item, trigger=check.trigger)
            for check in checks
        ),
    )
    return dataclasses.replace(made, **changes)


def error_ratio(
    letters: str, *, start_s: float = 0.0, step_s: float = 10.0, limit: float | None = 0.05
) -> Measurement:
    """A measured ratio with its history: 10 % where *letters* says F, 1 % where it says P."""
    values = tuple(0.10 if letter == "F" else 0.01 for letter in letters)
    times = tuple(DEPLOYED_S + start_s + index * step_s for index in range(len(letters)))
    return Measurement(
        name="error_ratio",
        value=values[-1],
        unit="ratio",
        limit=limit,
        history=History(at_s=times, value=values),
    )


def waived(item_id: str = BOX, **changes: Any) -> Waived:
    """A waiver in force from the deployment for ten days and a day."""
    made = Waived(
        at_s=DEPLOYED_S,
        id="W-1",
        item=item_id,
        environment="production",
        release="2.0",
        until_s=END_S + 86_400,
        reason="known",
        author="ann",
        approver="bob",
        ticket="T-1",
    )
    return dataclasses.replace(made, **changes)


def attested(item_id: str = BOX, **changes: Any) -> Attested:
    """A person's word, given when the deployment began, without end."""
    made = Attested(
        at_s=DEPLOYED_S,
        id="A-1",
        item=item_id,
        environment="production",
        release="2.0",
        by="ann",
        role="operations",
        statement="seen",
    )
    return dataclasses.replace(made, **changes)


def decide(
    *events: Event,
    policy: Policy,
    checklist: Checklist | None = None,
    at_s: float = END_S,
    **options: Any,
) -> Decision:
    """Judge *events*; a run is started for checks that come without one."""
    checks = [event for event in events if isinstance(event, CheckEnded)]
    begun = [event for event in events if isinstance(event, RunStarted)]
    if not begun:
        runs = dict.fromkeys(check.run for check in checks)
        begun = [started(*(c for c in checks if c.run == run)) for run in runs]
    rest = [event for event in events if not isinstance(event, RunStarted)]
    return judge(
        checklist or only(*checks), policy, [*begun, *rest, *ends_of(*begun)], at_s, **options
    )


def ends_of(*begun: RunStarted) -> list[RunEnded]:
    """The ends of runs that were not cut off."""
    return [RunEnded(run=start.run, at_s=start.at_s, shard=start.shard) for start in begun]


def only(*checks: CheckEnded) -> Checklist:
    """The items of the small checklist that *checks* answer."""
    named = {check.item for check in checks}
    return dataclasses.replace(
        CHECKLIST, items=tuple(each for each in CHECKLIST.items if each.id in named)
    )


def result_of(decision: Decision, item_id: str = BOX) -> ItemResult:
    """The judged item *item_id*."""
    return next(result for result in decision.items if result.item.id == item_id)
