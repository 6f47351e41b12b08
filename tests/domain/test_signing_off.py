"""Signing off asks for a timely, good verdict of every phase; what was promised falls due."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.events import CheckEnded, Event, MessageSent, RolledBack
from pytest_deploycheck.domain.items import Checklist
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.policy import Phase, Policy
from pytest_deploycheck.domain.promises import promises
from pytest_deploycheck.domain.words import Verdict
from tests.domain.builders import BOX, DEPLOYED_S, ended, ends_of, item, policy, started

SIGN = "sign_off/lead"
CHECKLIST = Checklist(items=(item(BOX), item(SIGN)), sha256="checklist")
RULES = policy(phases=(Phase(name="post_5min", title="", late_s=600.0),))


def run(item_id: str, letters: str = "P", **changes: object) -> list[Event]:
    """A run of the item's phase in which its one check ended so."""
    phase = item_id.partition("/")[0]
    check = ended(letters, item_id=item_id, run=f"run-{phase}-{changes.get('at_s', '')}")
    begun = started(check, phases=(phase,), **changes)
    return [begun, check, *ends_of(begun)]


def signed(*events: Event, rules: Policy = RULES, at_s: float = DEPLOYED_S + 1000) -> Decision:
    """The decision of a sign-off beside which the record has *events*."""
    signing = run(SIGN)
    return judge(CHECKLIST, rules, [*events, *signing], at_s, run="run-sign_off-")


def texts(decision: Decision) -> str:
    """All reasons."""
    return "\n".join(reason.text for reason in decision.reasons)


def test_a_record_of_every_phase_can_be_signed_off() -> None:
    """What was verified in time, and passed, is signed."""
    assert signed(*run(BOX)).verdict is Verdict.PROCEED


def test_a_phase_without_a_run_holds_the_sign_off() -> None:
    """Nobody signs for what nobody has looked at."""
    decision = signed()
    assert decision.verdict is Verdict.HOLD
    assert "no verdict for phase post_5min; run pytest -m post_5min" in texts(decision)


def test_a_late_run_does_not_stand_for_its_phase() -> None:
    """The first minutes were not watched, however good it looks now."""
    check = ended("P", run="late")
    late = dataclasses.replace(
        check,
        at_s=DEPLOYED_S + 700,
        started_at_s=DEPLOYED_S + 700,
        samples=tuple(dataclasses.replace(s, at_s=DEPLOYED_S + 700) for s in check.samples),
    )
    decision = signed(started(late), late)
    assert decision.verdict is Verdict.HOLD
    assert "does not stand for the phase" in texts(decision)


def test_a_run_that_was_cut_off_is_no_good_verdict() -> None:
    """All that it found was good, and nobody knows what it had not looked at."""
    begun, check, _ = run(BOX)
    decision = signed(begun, check)
    assert decision.verdict is Verdict.HOLD
    assert "was cut off, or still goes on" in texts(decision)


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (ended("I", run="other"), Verdict.HOLD),
        (ended("F", run="other", trigger="errors"), Verdict.OBSERVE),
        (ended("F" * 13, run="other", trigger="errors"), Verdict.HOLD),
    ],
    ids=["HOLD", "OBSERVE", "ROLLBACK"],
)
def test_the_verdict_of_a_phase_is_part_of_the_sign_off(
    check: CheckEnded, verdict: Verdict
) -> None:
    """A phase that ended badly is not signed away; what asked for a rollback needs a person."""
    begun = started(check)
    decision = signed(begun, check, *ends_of(begun))
    assert decision.verdict is verdict
    assert "phase post_5min ended in" in texts(decision)


def test_a_made_up_run_counts_in_a_rehearsal_only() -> None:
    """A demonstration of a phase is no verdict about a release."""
    events = run(BOX, demonstration=True, accepts_demonstrations=True)
    assert signed(*events).verdict is Verdict.HOLD
    rehearsal = dataclasses.replace(RULES, accepts_demonstrations=True)
    assert signed(*events, rules=rehearsal).verdict is Verdict.PROCEED


def test_a_release_that_was_rolled_back_is_not_signed_off() -> None:
    """Whatever the phases said before."""
    gone = RolledBack(
        at_s=DEPLOYED_S + 500, id="R-1", step="executed", release="2.0", revision="6",
        command="helm rollback", by="ann",
    )  # fmt: skip
    decision = signed(*run(BOX), gone)
    assert (decision.verdict, "was rolled back" in texts(decision)) == (Verdict.HOLD, True)


def test_the_sign_off_names_the_next_review() -> None:
    """The checklist is reviewed after each deployment; another phase names no day."""
    rules = dataclasses.replace(RULES, review_within_s=86_400.0)
    assert signed(*run(BOX), rules=rules).review_at_s == DEPLOYED_S + 1000 + 86_400
    assert signed(*run(BOX)).review_at_s is None
    other = judge(CHECKLIST, rules, run(BOX), DEPLOYED_S + 1000)
    assert other.review_at_s is None


def message(kind: str, at_s: float, *, promised_by_s: float | None = None) -> MessageSent:
    """The receipt of a message."""
    return MessageSent(
        at_s=DEPLOYED_S + at_s, id=kind, kind=kind, channel="mail", state="sent", subject="",
        promised_by_s=None if promised_by_s is None else DEPLOYED_S + promised_by_s,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "at_s", "verdict"),
    [
        ([], 199, Verdict.PROCEED),
        ([], 200, Verdict.HOLD),
        ([message("update", 150)], 900, Verdict.PROCEED),
        ([message("update", 50)], 900, Verdict.HOLD),
    ],
    ids=["not due", "overdue", "kept", "said before it was promised"],
)
def test_promised_news_fall_due(more: Sequence[Event], at_s: float, verdict: Verdict) -> None:
    """The update that stakeholders were promised is owed until it is sent."""
    promise = message("rolled-back", 100, promised_by_s=200)
    events = [*run(BOX), promise, *more]
    assert judge(CHECKLIST, RULES, events, DEPLOYED_S + at_s).verdict is verdict


def test_a_promise_on_two_channels_is_one() -> None:
    """Mail and chat carry the same message."""
    one = message("rolled-back", 100, promised_by_s=200)
    other = dataclasses.replace(one, channel="chat", at_s=one.at_s + 1)
    assert len(promises([other, one])) == 1
