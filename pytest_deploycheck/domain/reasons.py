"""Why: a sentence for each item that stands against PROCEED, with found against limit."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from pytest_deploycheck.domain.decision import CheckResult, ItemResult, Reason
from pytest_deploycheck.domain.events import CheckEnded, Measurement
from pytest_deploycheck.domain.people import People
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.record import Record
from pytest_deploycheck.domain.units import spoken, spoken_duration, spoken_time
from pytest_deploycheck.domain.words import Case, Outcome, TriggerState, Verdict, gravity

#: What a run finds of itself when somebody ends it: what is missing then was left out by nobody.
INTERRUPTED: Final = "the run was interrupted: run it again"

_CUT_OFF: Final = "the run was cut off: run it again"
_TROUBLED: Final = "the run had a problem of its own: mend that, and run it again"
_LEFT_OUT: Final = "checks were left out: run them without -k, -x or --deselect"
_UNCOLLECTED: Final = "checks may be in a file that could not be collected, or was left out"
_NO_CHECK: Final = "no check answers: collect the phase's suite, or add one to it"
_ALL_SILENT: Final = "nothing at all answered, so the fault may be ours"
_MOST_FOUND: Final = 3
"""So many findings of one item are told, and how many more there are."""


def of_items(
    items: Iterable[ItemResult], policy: Policy, people: People, record: Record, *, at_s: float
) -> Iterator[Reason]:
    """Yield a reason for each finding and each missing answer that stands against PROCEED.

    Checks of an item that differ only in what they found are one reason.
    """
    hindered = _hindered(record)
    for item in items:
        if item.verdict is Verdict.PROCEED:
            continue
        expired = people.expired_waiver_of(item.item.id, at_s=at_s)
        addition = (
            f"; waiver {expired.id} expired {spoken_time(expired.until_s)} and does not count"
            if expired and not item.waiver
            else ""
        )
        excused = f"; waiver {item.waiver} lowers it" if item.waiver else ""
        for alike in _alike(item):
            yield Reason(
                # A waiver can lower an item below what its check says, never above.
                verdict=min(item.verdict, alike[0].verdict, key=gravity),
                item=item.item.id,
                trigger=alike[0].ended.trigger,
                text=_of_checks(item, alike, policy) + excused + addition,
                cause=_silence(alike[0].ended),
            )
        if item.not_run or not item.checks:
            late = [record.outside[nodeid] for nodeid in item.not_run if nodeid in record.outside]
            cause = _of_time(late[0]) if late else _why_missing(item, hindered)
            yield Reason(
                verdict=min(item.verdict, Verdict.HOLD, key=gravity),
                item=item.item.id,
                text=_of_absence(item, cause) + addition,
                cause=cause,
            )


def found_against_limit(measurement: Measurement) -> str:
    """Write `error_ratio 6.1 %, limit at most 5 %`."""
    found = f"{measurement.name} {spoken(measurement.value, measurement.unit)}"
    if measurement.limit is None:
        return found
    side = "at most" if measurement.worse == "above" else "at least"
    return f"{found}, limit {side} {spoken(measurement.limit, measurement.unit)}"


def found(ended: CheckEnded) -> str:
    """Say in a line what a check found: in its own words, and each measurement beyond its limit."""
    said = words_of(ended).strip().partition("\n")[0]
    bad = [found_against_limit(m) for m in ended.measurements if m.bad]
    return _listed([*([said] if said and said not in bad else []), *bad])


def words_of(ended: CheckEnded) -> str:
    """Return what a check said, nothing where that is only pytest's word on a bare assert.

    Such a word is Python; where something was measured beyond its limit, that says the same.
    """
    bare = ended.message.startswith("assert ") and any(m.bad for m in ended.measurements)
    return "" if bare else ended.message


def spoken_hold(held_s: float, hold_s: float) -> str:
    """Write how long a breach has lasted, and what its trigger waits for: `for 3m (hold 2m)`."""
    hold = f"hold {spoken_duration(hold_s)}" if hold_s else "fires at once"
    return f"for {spoken_duration(held_s)} ({hold})"


def spoken_state(check: CheckResult) -> str:
    """Write the state of a check's trigger; where nobody could look it is not INACTIVE."""
    quiet = check.trigger_state in (None, TriggerState.INACTIVE)
    if quiet and check.ended.outcome is Outcome.INCONCLUSIVE:
        return "unknown"
    return str(check.trigger_state)


def _alike(item: ItemResult) -> list[list[CheckResult]]:
    """Return the checks that stand against PROCEED; those that one reason will do for, together.

    Of several the one that has been bad for longest comes first.
    """
    groups: dict[object, list[CheckResult]] = {}
    for check in item.checks:
        if check.verdict is not Verdict.PROCEED:
            key = (
                check.case, check.verdict, check.ended.trigger, spoken_state(check),
                _word(check), check.outside, _silence(check.ended), _asks(check),
            )  # fmt: skip
            groups.setdefault(key, []).append(check)
    return [sorted(group, key=lambda check: -check.held_s) for group in groups.values()]


def _of_checks(item: ItemResult, alike: Sequence[CheckResult], policy: Policy) -> str:
    check = alike[0]
    said = _silence(check.ended) or _listed(
        [text for text in dict.fromkeys(found(each.ended) for each in alike) if text]
    )
    parts = [f"{item.item.id} {_word(check)}{': ' if said else ''}{said}"]
    trigger = policy.triggers.get(check.ended.trigger or "")
    if trigger is not None and check.trigger_state is not None:
        parts.append(_of_trigger(trigger.id, check, trigger.hold_s))
    if check.watched_s is not None:
        parts.append(
            f"looked at for {spoken_duration(check.watched_s)} without a hole, not for as long as "
            "its phase wants; run it with --deploycheck-watch"
        )
    if check.outside is not None:
        parts.append(_of_time(check.outside))
    parts.append(_what_would_change_it(check))
    return "; ".join(parts)


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_FOUND
    return "; ".join([*texts[:_MOST_FOUND], *([f"{more} more"] if more > 0 else [])])


def _word(check: CheckResult) -> str:
    if check.case is Case.RECOVERED:
        return "recovered"
    return "AWAITING" if _asks(check) else check.ended.outcome.value


def _asks(check: CheckResult) -> bool:
    """Say whether it waits for a person's word."""
    return check.ended.awaiting and check.ended.outcome is not Outcome.FAILED


def _silence(ended: CheckEnded) -> str:
    """Say who kept silent, where that is why there is no evidence; else nothing.

    The query that was not answered is left to the check's own message: a screen of it explains
    nothing.
    """
    if ended.outcome is not Outcome.INCONCLUSIVE or not ended.silent:
        return ""
    said = ended.message.strip().partition("\n")[0]
    if said.startswith(_ALL_SILENT):
        return _ALL_SILENT
    who, silent, why = said.partition(": no answer, ")
    if not silent:
        return ""
    if " " in who:  # it names the request; the fixture is shorter
        who = ended.evidence[-1].source if ended.evidence else "an instrument"
    return f"{who} at {', '.join(ended.silent)}: {why.partition(': ')[0]}"


def _hindered(record: Record) -> dict[str, str]:
    """Return what kept the newest run of each phase from running everything; empty: nothing did."""
    ended = collections.Counter(run for run, _ in record.ended)
    told = {event.run: _TROUBLED for event in record.found}
    told |= {event.run: INTERRUPTED for event in record.found if event.text == INTERRUPTED}
    told |= {run.run: _CUT_OFF for run in record.runs if ended[run.run] < run.shards}
    return {phase: told.get(run.run, "") for run in record.runs for phase in run.phases}


def _why_missing(item: ItemResult, hindered: Mapping[str, str]) -> str:
    """Say why a check of *item* has no answer, as far as the record tells, and what to do."""
    told = next(filter(None, (hindered.get(phase) for phase in item.item.phases)), "")
    if told == _TROUBLED and not item.not_run:
        return _UNCOLLECTED
    return told or (_LEFT_OUT if item.not_run else _NO_CHECK)


def _of_time(passed: CheckEnded) -> str:
    return (
        f"run {passed.run} found it passing at {spoken_time(passed.at_s)}, "
        "outside its phase's time, where it does not stand for it"
    )


def _of_absence(item: ItemResult, cause: str) -> str:
    if not item.not_run:
        its = "its " if cause == _UNCOLLECTED else ""
        return f"{item.item.id} NOT_RUN: {its}{cause}"
    return (
        f"{item.item.id} NOT_RUN: {len(item.not_run)} of its checks did not run, "
        f"first {item.not_run[0]}; {cause}"
    )


def _of_trigger(name: str, check: CheckResult, hold_s: float) -> str:
    if check.trigger_state is TriggerState.INACTIVE:
        return f"trigger {name} {spoken_state(check)}"
    since = "" if check.since_s is None else f" since {spoken_time(check.since_s)}"
    return f"trigger {name} {spoken_state(check)}{since}, {spoken_hold(check.held_s, hold_s)}"


def _what_would_change_it(check: CheckResult) -> str:
    match check.case:
        case Case.FIRING if check.verdict is Verdict.ROLLBACK:
            return "roll back, or find the check passing in a new run"
        case Case.FIRING:
            return "nothing is released yet: mend it first"
        case Case.WATCHED:
            return "watch it: passing clears it, lasting until the hold fires it"
        case Case.UNTIMED:
            return "how long it lasted cannot be told, or it lasted for its hold: decide by hand"
        case Case.RECOVERED:
            return "it failed earlier in this run: keep watching"
        case Case.UNCOVERED:
            return "no trigger covers it: mend it, or have it waived"
        case _:
            if not _asks(check):
                return "no evidence either way: mend the instrument, or the check, and run again"
            # What to run stands in its message, where it has one.
            said = check.ended.message
            return "then run again" if said else f"run deploycheck attest {check.ended.item}"
