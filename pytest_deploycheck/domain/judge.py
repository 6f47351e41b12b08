"""The fold: `judge(checklist, policy, events, at_s)` turns a record into a decision."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from pytest_deploycheck.domain import reasons
from pytest_deploycheck.domain.decision import (
    CheckResult,
    Decision,
    ItemResult,
    Reason,
    TriggerResult,
)
from pytest_deploycheck.domain.durations import Timing, timing_of, watched_s
from pytest_deploycheck.domain.events import (
    CheckEnded,
    Event,
    MessageSent,
    RolledBack,
    RunStarted,
)
from pytest_deploycheck.domain.histories import not_after
from pytest_deploycheck.domain.items import PHASES, Checklist, Item, Kind
from pytest_deploycheck.domain.people import People, waivable
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.promises import promises
from pytest_deploycheck.domain.record import Record, policy_of
from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.domain.words import (
    TABLE,
    Case,
    Outcome,
    State,
    TriggerState,
    Verdict,
    gravity,
    verdict_of,
    worst_state,
    worst_trigger_state,
    worst_verdict,
)

_NO_BREACH: Final = Timing(state=TriggerState.INACTIVE, cases=())

_LAST: Final = "sign_off"
"""The phase that speaks for the whole deployment."""


def judge(
    checklist: Checklist,
    policy: Policy,
    events: Iterable[Event],
    at_s: float,
    *,
    phases: Collection[str] | None = None,
    run: str | None = None,
) -> Decision:
    """Decide about a deployment from everything that is known of it at *at_s*.

    The order of *events*, and how they were spread over journals, changes nothing.

    Args:
        checklist: Which items there are.
        policy: Triggers and their holds, as this environment has them.
        events: Of one deployment; those after *at_s* are not known yet.
        at_s: Unix seconds.
        phases: Those to decide about; None: all that the runs in scope selected.
        run: Judge this run: the states are its own, and earlier runs only tell how long a failure
            has lasted. None: the newest answer to each check counts.
    """
    known = [event for event in events if event.at_s <= at_s and not _is_made_up(event, policy)]
    record = Record.of(known, checklist, policy, run=run)
    selected = tuple(p for p in PHASES if p in (record.phases if phases is None else phases))
    people = People.of(
        known,
        environment=record.environment,
        release=record.release,
        deployed_at_s=record.deployed_at_s,
    )
    judged = [
        _judge_item(item, policy, record, people, phases=selected, at_s=at_s)
        for item in checklist.of(selected)
    ]
    triggers = _triggers(policy, judged)
    why = [
        *(Reason(verdict=Verdict.HOLD, text=text) for text in record.problems(checklist, selected)),
        *reasons.of_items(judged, policy, people, record, at_s=at_s),
    ]
    why += [
        Reason(verdict=Verdict.HOLD, text=f"{promise}; run deploycheck notify update")
        for promise in promises(known)
        if promise.overdue(at_s)
    ]
    if _LAST in selected:
        why += _of_the_deployment(checklist, policy, known, at_s, record.runs[-1:], selected)
    why.sort(key=lambda reason: -gravity(reason.verdict))
    return Decision(
        verdict=worst_verdict(
            [Verdict.PROCEED, *(r.verdict for r in why), *(i.verdict for i in judged)]
        ),
        phases=selected,
        environment=record.environment,
        release=record.release,
        deployed_at_s=record.deployed_at_s,
        started_at_s=record.started_at_s,
        at_s=at_s,
        partial=any(item.not_run or not item.checks for item in judged),
        plain_failed=any(run.run in record.plain_failed - record.replaced for run in record.runs),
        reasons=tuple(why),
        triggers=triggers,
        items=tuple(judged),
        checklist_sha256=checklist.sha256,
        policy_sha256=policy.sha256,
        visits=tuple(visit for visit in record.visits if visit.phase.name in selected),
        review_at_s=_review_at_s(policy, selected, at_s),
        following=checklist.following(selected),
        rollback_command=_advised(known, run),
        weakened=tuple(dict.fromkeys(line for one in record.runs for line in one.weakened)),
    )


def _review_at_s(policy: Policy, selected: Collection[str], at_s: float) -> float | None:
    """Return until when the checklist is to be reviewed; None: this is no sign-off."""
    within_s = policy.review_within_s
    return None if within_s is None or _LAST not in selected else at_s + within_s


def _advised(known: Sequence[Event], run: str | None) -> str:
    """Return the newest command that was found for bringing the previous release back."""
    found = [
        event
        for event in known
        if isinstance(event, RolledBack) and event.step == "advised" and run in (None, event.id)
    ]
    return max(found, key=lambda event: event.at_s).command if found else ""


def _is_made_up(event: Event, policy: Policy) -> bool:
    """Say whether *event* is of a rehearsal that does not count here."""
    if policy.accepts_demonstrations:
        return False
    if isinstance(event, RunStarted):
        return event.demonstration or event.accepts_demonstrations
    return isinstance(event, MessageSent) and event.demonstration


def _of_the_deployment(
    checklist: Checklist,
    policy: Policy,
    known: Sequence[Event],
    at_s: float,
    signing: Sequence[RunStarted],
    besides: Collection[str],
) -> Iterator[Reason]:
    """Say what of the record forbids signing off: a phase without a timely, good verdict.

    The newest run that stands for a phase speaks for it, if it went by the rules of the one that
    signs; the phases in *besides* are judged anyway.
    """
    for rolled_back in (e for e in known if isinstance(e, RolledBack) and e.step == "executed"):
        text = f"release {rolled_back.release} was rolled back {spoken_time(rolled_back.at_s)}"
        yield Reason(verdict=Verdict.HOLD, text=f"sign-off: {text}; sign off the next one")
    for phase in PHASES:
        if phase in besides or not checklist.of([phase]):
            continue
        stood = _standing(checklist, policy, known, at_s, phase=phase)
        if stood.verdict is not Verdict.PROCEED:
            worst = min(stood.verdict, Verdict.HOLD, key=gravity)  # nothing to roll back now
            yield Reason(verdict=worst, text=f"sign-off: {stood.text}")
        for one in signing:
            others = stood.run and _other_rules(stood.run, one)
            if others:
                yield Reason(
                    verdict=Verdict.HOLD,
                    text=f"sign-off: phase {phase} was run under another {others} than the "
                    f"sign-off; run one of them again under the other's, which is kept in used/",
                )


def _other_rules(run: RunStarted, signing: RunStarted) -> str:
    """Name the files that the two runs did not share, empty: they went by the same rules."""
    if run.demonstration:
        return ""
    rules = {
        "checklist": run.checklist_sha256 == signing.checklist_sha256,
        "policy": run.policy_sha256 == signing.policy_sha256,
        "environment": run.environment_sha256 == signing.environment_sha256,
    }
    return " and ".join(name for name, same in rules.items() if not same)


def verdict_of_phase(
    checklist: Checklist, policy: Policy, events: Sequence[Event], at_s: float, *, phase: str
) -> tuple[Verdict, str]:
    """Return the verdict that *phase* has in the record, and a sentence about it.

    The newest run that stands for the phase speaks for it. Bad news counts whenever it comes: what
    a newer run found counts as well, if it is worse. Without a run that stands for it: HOLD.
    """
    found = _standing(checklist, policy, events, at_s, phase=phase)
    return found.verdict, found.text


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Standing:
    """What the record says of a phase."""

    verdict: Verdict
    text: str
    """A sentence about it."""
    run: RunStarted | None
    """The newest run that stands for the phase, None: there is none."""


def _standing(
    checklist: Checklist, policy: Policy, events: Sequence[Event], at_s: float, *, phase: str
) -> _Standing:
    of_phase = [e for e in events if isinstance(e, RunStarted) and phase in e.phases]
    found = f"the record has no verdict for phase {phase}; run pytest -m {phase}"
    verdict, stood, late, told = Verdict.HOLD, None, Verdict.PROCEED, ""
    for started in sorted(of_phase, key=lambda event: (event.at_s, event.run), reverse=True):
        used = policy_of(policy, started)
        decision = judge(checklist, used, events, at_s, phases=(phase,), run=started.run)
        if any(visit.timeliness.stands for visit in decision.visits):
            why = f": {decision.reasons[0].text}" if decision.reasons else ""
            verdict, found = decision.verdict, f"phase {phase} ended in {decision.verdict}{why}"
            stood = started
            break
        worst, why = _bad_news(decision)
        if gravity(worst) > gravity(late):
            late, told = worst, f"phase {phase} was found in {worst} by run {started.run}: {why}"
        found = "; ".join(map(str, decision.visits)) or found
    if gravity(late) > gravity(verdict):
        verdict, found = late, told
    return _Standing(verdict=verdict, text=found, run=stood)


def _bad_news(decision: Decision) -> tuple[Verdict, str]:
    """Return the gravest verdict of what the checks of a run found, and why.

    What did not run, and when the run came, is no news.
    """
    told = [
        (min(item.verdict, check.verdict, key=gravity), item.item.id)
        for item in decision.items
        for check in item.checks
    ]
    worst, item_id = max(told, key=lambda found: gravity(found[0]), default=(Verdict.PROCEED, ""))
    why = next((reason.text for reason in decision.reasons if reason.item == item_id), "")
    return worst, why


def _judge_item(
    item: Item,
    policy: Policy,
    record: Record,
    people: People,
    *,
    phases: Collection[str],
    at_s: float,
) -> ItemResult:
    gate = item.in_gate(phases)
    watch_s = max(
        (policy.phases[p].watch_s for p in item.phases if p in phases and p in policy.phases),
        default=0.0,
    )
    planned = record.planned.get(item.id, {})
    answers = record.answers.get(item.id, {})
    word = people.word_on(item.id, policy=policy, at_s=at_s)
    spoken_for = word is not None and not word.not_applicable
    checks = tuple(
        _judge_check(answer, policy, record, spoken_for=spoken_for, gate=gate, watch_s=watch_s)
        for _, answer in sorted(answers.items())
    )
    not_run = tuple(sorted(set(planned) - set(answers)))
    state = worst_state(
        [
            *(_state_of(check, spoken_for=spoken_for) for check in checks),
            *(State.NOT_RUN for _ in (not_run or ([] if checks else [item]))),
        ]
    )
    verdicts = [check.verdict for check in checks]
    if state is State.NOT_RUN or not_run:
        verdicts.append(verdict_of(Case.UNPROVEN, gate=gate))
    verdict = worst_verdict(verdicts)
    named = [
        *(check.trigger for check in planned.values()),
        *(check.ended.trigger for check in checks),
    ]
    waiver = people.waiver_of(item, triggers=named, policy=policy, at_s=at_s)
    not_applicable = (
        word is not None
        and word.not_applicable
        and waivable(item, triggers=named, policy=policy)  # no word does what a waiver may not
    )
    if verdict is not Verdict.PROCEED and (waiver or not_applicable):
        state = State.NOT_APPLICABLE if not_applicable else State.WAIVED
        silenced = any(planned[nodeid].trigger for nodeid in not_run) or any(
            check.ended.trigger and check.case is Case.UNPROVEN for check in checks
        )
        verdict = _excused(item, checks, verdict, silenced=silenced, gate=gate)
    return ItemResult(
        item=item,
        state=state,
        verdict=verdict,
        recovered=any(check.case is Case.RECOVERED for check in checks),
        checks=checks,
        not_run=not_run,
        waiver=waiver.id if waiver else None,
        attestation=word.id if word else None,
    )


def _excused(
    item: Item, checks: Sequence[CheckResult], verdict: Verdict, *, silenced: bool, gate: bool
) -> Verdict:
    """Lower *verdict* as far as a waiver can: it never silences a trigger.

    Args:
        item: The waived one.
        checks: Those of it that ran.
        verdict: Without the waiver.
        silenced: A check of it that names a trigger did not run, or could not tell.
        gate: Whether nothing is released yet.
    """
    if item.kind is Kind.DECISION_POINT:
        return min(verdict, Verdict.OBSERVE, key=gravity)
    timed = (Case.FIRING, Case.WATCHED, Case.UNTIMED)
    kept = [check.verdict for check in checks if check.case in timed]
    if silenced:
        kept.append(verdict_of(Case.UNPROVEN, gate=gate))
    return worst_verdict([Verdict.PROCEED, *kept])


def _judge_check(
    ended: CheckEnded,
    policy: Policy,
    record: Record,
    *,
    spoken_for: bool,
    gate: bool,
    watch_s: float,
) -> CheckResult:
    trigger = policy.triggers.get(ended.trigger or "")
    timing, looked_s = _NO_BREACH, watch_s
    if trigger is not None:
        results = record.all_of[ended.nodeid]
        earlier = results[: results.index(ended)]
        timing = timing_of(ended, earlier, trigger, deployed_at_s=record.deployed_at_s)
        if watch_s:
            looked_s = watched_s(ended, earlier, trigger, deployed_at_s=record.deployed_at_s)
    case = _untimed_case(ended, covered=bool(timing.cases), spoken_for=spoken_for)
    if timing.cases:
        cases = {*timing.cases, case}
        # Of two cases with one verdict the earlier row of the table names it.
        case = max(
            (c for c in TABLE if c in cases), key=lambda c: gravity(verdict_of(c, gate=gate))
        )
    unwatched = not not_after(watch_s, looked_s)
    if unwatched and gravity(verdict_of(case, gate=gate)) < gravity(Verdict.HOLD):
        case = Case.UNPROVEN
    return CheckResult(
        ended=ended,
        case=case,
        verdict=verdict_of(case, gate=gate),
        trigger_state=timing.state if trigger else None,
        since_s=timing.since_s,
        held_s=timing.held_s,
        watched_s=looked_s if unwatched else None,
        outside=record.outside.get(ended.nodeid),
    )


def _untimed_case(ended: CheckEnded, *, covered: bool, spoken_for: bool) -> Case:
    """Return the row that the outcome alone puts a check in."""
    if ended.awaiting and ended.outcome is not Outcome.FAILED:
        return Case.SATISFIED if spoken_for else Case.UNPROVEN
    if ended.outcome is Outcome.PASSED:
        return Case.RECOVERED if ended.recovered else Case.SATISFIED
    if ended.outcome is Outcome.INCONCLUSIVE:
        return Case.UNPROVEN
    # A failure whose trigger tells how long it has lasted is judged by that alone.
    return Case.SATISFIED if covered else Case.UNCOVERED


def _state_of(check: CheckResult, *, spoken_for: bool) -> State:
    ended = check.ended
    if ended.awaiting and ended.outcome is not Outcome.FAILED:
        return State.PASSED if spoken_for else State.AWAITING
    if check.case is Case.UNTIMED or ended.outcome is Outcome.FAILED:
        return State.FAILED
    if check.case is Case.UNPROVEN:
        return State.INCONCLUSIVE
    return State(ended.outcome.value)


def _triggers(policy: Policy, items: Sequence[ItemResult]) -> tuple[TriggerResult, ...]:
    found: dict[str, list[tuple[Item, CheckResult]]] = {name: [] for name in policy.triggers}
    for item in items:
        for check in item.checks:
            if check.ended.trigger in found:
                found[check.ended.trigger].append((item.item, check))
    results = []
    for name, checks in found.items():
        trigger = policy.triggers[name]
        active = [
            (item, check)
            for item, check in checks
            if check.trigger_state not in (None, TriggerState.INACTIVE)
        ]
        longest = max((check for _, check in active), key=lambda c: c.held_s, default=None)
        results.append(
            TriggerResult(
                id=trigger.id,
                title=trigger.title,
                severity=trigger.severity,
                state=worst_trigger_state(c.trigger_state for _, c in active if c.trigger_state),
                hold_s=trigger.hold_s,
                held_s=longest.held_s if longest else 0.0,
                since_s=longest.since_s if longest else None,
                items=tuple(dict.fromkeys(item.id for item, _ in active)),
            )
        )
    return tuple(results)
