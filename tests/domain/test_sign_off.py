"""Signing off speaks for the whole deployment: every phase needs a good verdict of its own."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.events import CheckEnded, Event, MessageSent, RolledBack
from pytest_deploycheck.domain.items import Checklist
from pytest_deploycheck.domain.policy import Phase
from pytest_deploycheck.domain.words import Verdict
from tests.domain.builders import (
    BOX,
    DEPLOYED_S,
    decide,
    ended,
    item,
    policy,
    samples,
    started,
    trigger,
)

SIGNED = "sign_off/operations-lead"
CHECKLIST = Checklist(items=(item(BOX), item(SIGNED)), sha256="")
RULES = policy(phases=[Phase(name="post_5min", title="", late_s=600.0)])
SIGNING = ended(samples("P", start_s=90_000), item_id=SIGNED, run="signing")


def signed_off(*events: Event) -> Decision:
    """The decision of the run that signs off, after *events*."""
    signing = started(SIGNING, phases=("sign_off",))
    begun = [started(event) for event in events if isinstance(event, CheckEnded)]
    return decide(
        signing, SIGNING, *begun, *events, policy=RULES, checklist=CHECKLIST, run="signing"
    )


def reasons_of(decision: Decision) -> str:
    """All reasons in one text."""
    return "\n".join(reason.text for reason in decision.reasons)


def test_a_deployment_whose_phases_went_well_can_be_signed_off() -> None:
    """The verdict of each phase is in the record, in its time, and good."""
    assert signed_off(ended()).verdict is Verdict.PROCEED


def test_a_phase_without_a_verdict_forbids_it() -> None:
    """Nobody signs for what nobody looked at."""
    decision = signed_off()
    assert decision.verdict is Verdict.HOLD
    assert "no verdict for phase post_5min; run pytest -m post_5min" in reasons_of(decision)


def test_a_phase_that_was_looked_at_too_late_forbids_it() -> None:
    """The late run does not stand for the phase here either, and its time is told."""
    decision = signed_off(ended(samples("P", start_s=700)))
    assert decision.verdict is Verdict.HOLD
    assert "it is late and does not stand for the phase" in reasons_of(decision)


@pytest.mark.parametrize(
    ("letters", "verdict"),
    [("P", Verdict.PROCEED), ("F", Verdict.OBSERVE), ("I", Verdict.HOLD), ("F" * 13, Verdict.HOLD)],
)
def test_bad_news_counts_whenever_it_comes(letters: str, verdict: Verdict) -> None:
    """A late run does not stand for its phase, but what it found is not unknown."""
    late = ended(samples(letters, start_s=700), run="two", trigger="errors")
    decision = signed_off(ended(run="one", trigger="errors"), late)
    assert decision.verdict is verdict
    found = "sign-off: phase post_5min was found in" in reasons_of(decision)
    assert found is (verdict is not Verdict.PROCEED)


@pytest.mark.parametrize(
    ("letters", "verdict"),
    [("F", Verdict.OBSERVE), ("I", Verdict.HOLD), ("F" * 13, Verdict.HOLD)],
)
def test_a_phase_that_did_not_go_well_forbids_it(letters: str, verdict: Verdict) -> None:
    """Its verdict is the deployment's, but for a rollback: that was its own run's to say."""
    decision = signed_off(ended(letters, trigger="errors"))
    assert decision.verdict is verdict
    assert "sign-off: phase post_5min ended in" in reasons_of(decision)


def test_a_phase_is_judged_as_its_run_judged_it() -> None:
    """The environment's own hold, kept in the journal, is used again."""
    check = ended("F" * 3, trigger="errors")
    begun = started(check, triggers=(trigger(hold_s=20.0),))
    decision = decide(
        started(SIGNING, phases=("sign_off",)),
        begun,
        SIGNING,
        check,
        policy=RULES,
        checklist=CHECKLIST,
        run="signing",
    )
    assert "ended in ROLLBACK" in reasons_of(decision)


def test_a_release_that_was_rolled_back_is_not_signed_off() -> None:
    """The next release is."""
    rolled_back = RolledBack(
        at_s=DEPLOYED_S + 3600,
        id="R-1",
        step="executed",
        release="2.0",
        revision="7",
        command="helm rollback",
        by="ann",
    )
    decision = signed_off(ended(), rolled_back)
    assert decision.verdict is Verdict.HOLD
    assert "release 2.0 was rolled back" in reasons_of(decision)
    tried = dataclasses.replace(rolled_back, step="dry_run")
    assert signed_off(ended(), tried).verdict is Verdict.PROCEED


def test_what_was_made_up_for_a_rehearsal_counts_in_one_only() -> None:
    """A demonstrated run is no run in production."""
    made_up = started(ended(), demonstration=True)
    message = MessageSent(
        at_s=DEPLOYED_S,
        id="m",
        kind="completed",
        channel="mail",
        state="sent",
        subject="",
        demonstration=True,
    )
    events = (made_up, message, ended())
    one = dataclasses.replace(CHECKLIST, items=(item(BOX),))
    assert decide(*events, policy=RULES, checklist=one).verdict is Verdict.HOLD
    rehearsal = dataclasses.replace(RULES, accepts_demonstrations=True)
    assert decide(*events, policy=rehearsal, checklist=one).verdict is Verdict.PROCEED


@pytest.mark.parametrize("rules", ["checklist", "policy", "environment"])
def test_a_phase_goes_by_the_rules_of_the_sign_off(rules: str) -> None:
    """What was looked at under looser ones was not looked at."""
    check = ended()
    other = started(check, **{f"{rules}_sha256": "other"})
    decision = decide(
        started(SIGNING, phases=("sign_off",)), SIGNING, other, check,
        policy=RULES, checklist=CHECKLIST, run="signing",
    )  # fmt: skip
    assert decision.verdict is Verdict.HOLD
    assert f"was run under another {rules} than the sign-off" in reasons_of(decision)


def test_a_rehearsal_signs_nothing() -> None:
    """Nor does what was run where made-up words count, although nothing of it was made up."""
    check = ended()
    rehearsed = started(check, accepts_demonstrations=True)
    signing = started(SIGNING, phases=("sign_off",))
    for accepts in (False, True):
        rules = dataclasses.replace(RULES, accepts_demonstrations=accepts)
        decision = decide(
            signing, SIGNING, rehearsed, check, policy=rules, checklist=CHECKLIST, run="signing"
        )
        assert decision.verdict is (Verdict.PROCEED if accepts else Verdict.HOLD)


@pytest.mark.parametrize(
    "change", [{"release": "1.9"}, {"environment": "staging"}, {"deployed_at_s": DEPLOYED_S - 1}]
)
def test_no_other_deployment_signs_this_one(change: dict[str, object]) -> None:
    """A journal that was copied into the wrong folder is noticed, whichever run is judged."""
    check = ended()
    decision = decide(
        started(SIGNING, phases=("sign_off",)), SIGNING, started(check, **change), check,
        policy=RULES, checklist=CHECKLIST, run="signing",
    )  # fmt: skip
    assert decision.verdict is Verdict.HOLD
    assert "holds runs of 2 deployments" in reasons_of(decision)
