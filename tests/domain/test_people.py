"""Waivers and attestations: whose word counts, for what, and until when."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.events import CheckEnded, Event, Revoked
from pytest_deploycheck.domain.people import People
from pytest_deploycheck.domain.policy import Phase, Policy
from pytest_deploycheck.domain.words import Severity, State, Verdict
from tests.domain.builders import (
    BOX,
    CHECKLIST,
    DEPLOYED_S,
    END_S,
    POINT,
    attested,
    decide,
    ended,
    only,
    policy,
    result_of,
    started,
    trigger,
    waived,
    word_rule,
)

MONTHS = policy(max_waiver_life_s=90 * 86_400.0)


def revoked(event_id: str) -> Revoked:
    """A word taken back."""
    return Revoked(at_s=DEPLOYED_S + 60, id=event_id, by="bob", reason="mistake")


@pytest.mark.parametrize("letters", ["F", "I"])
def test_a_waiver_of_a_box_lets_its_failure_pass(letters: str) -> None:
    """A known exception, dated and approved, and the box is still shown with its check."""
    decision = decide(ended(letters), waived(), policy=policy())
    result = result_of(decision)
    assert (decision.verdict, result.state, result.waiver) == (
        Verdict.PROCEED,
        State.WAIVED,
        "W-1",
    )
    assert len(result.checks) == 1


def test_a_waiver_covers_a_recovery() -> None:
    """What is excused while it fails is not held against the release when it passes again."""
    assert decide(ended("FP"), waived(), policy=policy()).verdict is Verdict.PROCEED


def test_a_waiver_changes_nothing_that_passed() -> None:
    """A passed box is PASSED, not WAIVED."""
    result = result_of(decide(ended("P"), waived(), policy=policy()))
    assert (result.state, result.waiver) == (State.PASSED, "W-1")


@pytest.mark.parametrize(
    ("letters", "named", "verdict"),
    [
        ("F" * 13, "errors", Verdict.ROLLBACK),
        ("F" * 13 + "P", "errors", Verdict.HOLD),
        ("F", "errors", Verdict.OBSERVE),
        ("F" * 13, "creep", Verdict.OBSERVE),
    ],
)
def test_a_waiver_of_a_box_never_silences_a_trigger(
    letters: str, named: str, verdict: Verdict
) -> None:
    """An exception to a box is none to the rollback policy."""
    decision = decide(ended(letters, trigger=named), waived(), policy=policy())
    assert decision.verdict is verdict


@pytest.mark.parametrize(("named", "verdict"), [("errors", Verdict.HOLD), (None, Verdict.PROCEED)])
def test_a_waived_box_is_still_run_for_its_trigger(named: str | None, verdict: Verdict) -> None:
    """Left out by -k, its check would have told whether the trigger fires."""
    left_out = ended("P", nodeid="left out", trigger=named)
    events = (started(ended("P"), left_out), ended("P"), waived())
    decision = decide(*events, policy=policy())
    assert decision.verdict is verdict
    assert result_of(decision).state is State.WAIVED


@pytest.mark.parametrize("ran", [True, False])
def test_a_waived_decision_point_is_lowered_however_little_of_it_ran(*, ran: bool) -> None:
    """Nothing run and a part run are the same news."""
    mine = [ended("P", item_id=POINT, trigger="errors")] if ran else []
    left_out = ended("P", item_id=POINT, nodeid="left out", trigger="errors")
    begun = started(*mine, left_out)
    decision = decide(begun, *mine, waived(POINT), policy=policy(), checklist=only(left_out))
    assert decision.verdict is Verdict.OBSERVE
    assert "1 of its checks did not run" in decision.reasons[0].text


@pytest.mark.parametrize("letters", ["F" * 13, "F" * 13 + "P", "I", "F"])
def test_a_waiver_of_a_decision_point_lowers_it_to_observe(letters: str) -> None:
    """Whoever waives a sentence of the rollback policy keeps watching."""
    check = ended(letters, item_id=POINT, trigger="errors")
    decision = decide(check, waived(POINT), policy=policy())
    assert decision.verdict is Verdict.OBSERVE
    assert "waiver W-1 lowers it" in decision.reasons[0].text


@pytest.mark.parametrize(
    "change",
    [
        {"until_s": END_S},
        {"at_s": END_S + 1},
        {"release": "1.9"},
        {"environment": "staging"},
        {"item": POINT},
        {"approver": "ann"},
        {"approver": "bobby"},
        {"author": "Bob."},
        {"author": "bob\u200b"},
        {"approver": ""},
        {"until_s": DEPLOYED_S + 30 * 86_400 + 1},
    ],
    ids=str,
)
def test_a_waiver_that_is_not_in_force_counts_as_none(change: dict[str, Any]) -> None:
    """Expired, not yet known, of something else, approved by its author, or for too long."""
    decision = decide(ended("F"), waived(**change), policy=policy())
    assert (decision.verdict, result_of(decision).state) == (Verdict.HOLD, State.FAILED)


def test_a_waiver_may_last_as_long_as_the_policy_says() -> None:
    """Thirty days to the second, from the second it is granted, and of any release."""
    waiver = waived(until_s=DEPLOYED_S + 30 * 86_400, release=None)
    assert decide(ended("F"), waiver, policy=policy()).verdict is Verdict.PROCEED
    assert decide(ended("F"), waived(at_s=END_S), policy=policy()).verdict is Verdict.PROCEED


def test_an_expired_waiver_is_said_so() -> None:
    """Nobody wonders why the exception of last week does not help."""
    decision = decide(ended("F"), waived(until_s=END_S - 1), policy=policy())
    assert "waiver W-1 expired" in decision.reasons[0].text
    of_another = decide(ended("F"), waived(POINT, until_s=END_S - 1), policy=policy())
    assert "expired" not in of_another.reasons[0].text
    left_out = decide(
        started(ended()), waived(until_s=END_S - 1), checklist=CHECKLIST, policy=policy()
    )
    assert any("NOT_RUN" in r.text and "W-1 expired" in r.text for r in left_out.reasons)
    renewed = waived(id="W-2", at_s=DEPLOYED_S + 1)
    both = decide(ended("F"), waived(until_s=END_S - 1), renewed, policy=policy())
    assert both.verdict is Verdict.PROCEED


@pytest.mark.parametrize(
    ("rules", "item_id", "named"),
    [
        (policy(never_waivable=frozenset({BOX})), BOX, None),
        (policy(trigger(never_waivable=True)), BOX, "errors"),
        (policy(trigger(never_waivable=True)), POINT, None),
    ],
    ids=["by item", "by the check's trigger", "by the decision point's trigger"],
)
def test_some_things_are_never_waivable(rules: Policy, item_id: str, named: str | None) -> None:
    """Security and the database have no exceptions."""
    check = ended("I", item_id=item_id, trigger=named)
    decision = decide(check, waived(item_id), policy=rules)
    assert decision.verdict is Verdict.HOLD
    left_out = decide(
        started(check), ended(item_id=item_id, nodeid="other"), waived(item_id), policy=rules
    )
    assert left_out.verdict is Verdict.HOLD


def test_a_waiver_can_be_taken_back() -> None:
    """From the moment it is revoked, not before."""
    events = (started(ended("F")), ended("F"), waived(), revoked("W-1"))
    assert decide(*events, policy=policy()).verdict is Verdict.HOLD
    before = decide(*events, policy=policy(), at_s=DEPLOYED_S + 59)
    assert before.verdict is Verdict.PROCEED


def word(event: Event, *, rules: Policy = MONTHS, check: CheckEnded | None = None) -> Decision:
    """The decision about a check that awaits a word, with *event* as the only word."""
    return decide(check or ended("I", awaiting=True), event, policy=rules)


@pytest.mark.parametrize(
    "change",
    [
        {"valid_until_s": END_S},
        {"at_s": END_S + 1},
        {"release": "1.9"},
        {"environment": "staging"},
        {"item": POINT},
        {"demonstration": True},
        {"not_applicable": True},
    ],
    ids=str,
)
def test_a_word_that_does_not_count_leaves_the_item_awaiting(change: dict[str, Any]) -> None:
    """Stale, of another release, made up, or NOT_APPLICABLE where the policy forbids it."""
    decision = word(attested(**change))
    assert (decision.verdict, result_of(decision).state) == (Verdict.HOLD, State.AWAITING)


def test_a_word_can_be_taken_back_and_given_again() -> None:
    """The newest valid word counts."""
    check = ended("I", awaiting=True)
    events = (check, attested(), revoked("A-1"))
    assert decide(*events, policy=policy()).verdict is Verdict.HOLD
    again = decide(*events, attested(id="A-2", at_s=DEPLOYED_S + 90), policy=policy())
    assert result_of(again).attestation == "A-2"


def test_a_demonstration_counts_in_a_rehearsal_only() -> None:
    """The sandbox accepts made-up words because its policy says so."""
    rehearsal = dataclasses.replace(MONTHS, accepts_demonstrations=True)
    assert word(attested(demonstration=True), rules=rehearsal).verdict is Verdict.PROCEED


def test_an_item_is_not_applicable_only_where_the_policy_permits_it() -> None:
    """A person's word may take a box out of the count when the policy names it."""
    rules = dataclasses.replace(MONTHS, may_not_apply=frozenset({BOX}))
    for check in (ended("I", awaiting=True), ended("F")):
        decision = word(attested(not_applicable=True), rules=rules, check=check)
        assert (decision.verdict, result_of(decision).state) == (
            Verdict.PROCEED,
            State.NOT_APPLICABLE,
        )
    forbidden = word(attested(not_applicable=True), check=ended("F"))
    assert forbidden.verdict is Verdict.HOLD


def test_not_applicable_never_silences_a_trigger() -> None:
    """A firing check shows that the box does apply."""
    rules = dataclasses.replace(MONTHS, may_not_apply=frozenset({BOX}))
    firing = ended("F" * 13, trigger="errors")
    decision = word(attested(not_applicable=True), rules=rules, check=firing)
    assert decision.verdict is Verdict.ROLLBACK


def test_what_is_never_waivable_always_applies() -> None:
    """No word does what a waiver may not: neither for the item nor for a check's trigger."""
    listed = dataclasses.replace(
        MONTHS, may_not_apply=frozenset({BOX}), never_waivable=frozenset({BOX})
    )
    assert word(attested(not_applicable=True), rules=listed, check=ended("F")).verdict is (
        Verdict.HOLD
    )
    named = dataclasses.replace(
        policy(trigger(never_waivable=True)), words=MONTHS.words, may_not_apply=frozenset({BOX})
    )
    silent = ended("I", trigger="errors")
    assert word(attested(not_applicable=True), rules=named, check=silent).verdict is Verdict.HOLD


def test_an_observe_trigger_can_be_never_waivable_too() -> None:
    """The severity of a trigger does not say whether it may be waived."""
    rules = policy(trigger(severity=Severity.OBSERVE, never_waivable=True))
    decision = decide(ended("I", trigger="errors"), waived(), policy=rules)
    assert decision.verdict is Verdict.HOLD


def spoken(event: Event, **rule: Any) -> Verdict:  # noqa: ANN401 - as word_rule's
    """The verdict about a check that awaits a word, under a rule with these fields."""
    rules = dataclasses.replace(MONTHS, words={BOX: word_rule(**rule)})
    return word(event, rules=rules).verdict


def test_a_word_of_somebody_who_may_not_speak_does_not_count() -> None:
    """Nobody attests by default, and nobody for another."""
    assert spoken(attested()) is Verdict.PROCEED
    assert spoken(attested(by="eve")) is Verdict.HOLD
    assert spoken(attested(), people=()) is Verdict.HOLD
    nobody = dataclasses.replace(MONTHS, words={})
    assert word(attested(), rules=nobody).verdict is Verdict.HOLD


def test_a_word_from_before_the_deployment_does_not_speak_of_it() -> None:
    """Where the rule says so, to the second."""
    before, at = attested(at_s=DEPLOYED_S - 1), attested(at_s=DEPLOYED_S)
    assert spoken(before, after_deployment=True) is Verdict.HOLD
    assert spoken(at, after_deployment=True) is Verdict.PROCEED
    assert spoken(before) is Verdict.PROCEED


def test_a_word_on_the_day_is_given_after_the_day() -> None:
    """Nobody knows an hour after the deployment what a day will bring."""
    phase = BOX.partition("/")[0]
    later = Phase(name=phase, title="", earliest_s=60.0)
    rules = dataclasses.replace(
        MONTHS, words={BOX: word_rule(after_deployment=True)}, phases={phase: later}
    )
    people = People(attested=(), waived=(), deployed_at_s=DEPLOYED_S)
    early, at = (attested(at_s=DEPLOYED_S + after_s) for after_s in (59, 60))
    objection = people.objection_to(early, policy=rules, at_s=END_S)
    assert objection is not None
    assert "less than 60 s after the deployment" in objection.text
    assert people.objection_to(at, policy=rules, at_s=END_S) is None


def test_a_word_from_the_future_is_refused_before_it_is_recorded() -> None:
    """Whoever is about to write it down is told why it would not count."""
    people = People(attested=(), waived=(), deployed_at_s=DEPLOYED_S)
    objection = people.objection_to(attested(at_s=END_S + 1), policy=MONTHS, at_s=END_S)
    assert objection is not None
    assert objection.text.endswith("which has not come yet")


def test_a_word_grows_old() -> None:
    """A review of last month does not speak for this release."""
    life_s = END_S - DEPLOYED_S
    assert spoken(attested(), max_age_s=life_s) is Verdict.HOLD
    assert spoken(attested(), max_age_s=life_s + 1) is Verdict.PROCEED


def test_a_word_names_its_evidence_where_the_rule_wants_it() -> None:
    """What was seen can be looked up."""
    assert spoken(attested(), needs_evidence=True) is Verdict.HOLD
    link = attested(evidence="https://ci.example/42")
    assert spoken(link, needs_evidence=True) is Verdict.PROCEED


def test_two_roles_that_exclude_each_other_need_two_people() -> None:
    """Whoever spoke for one of them first cannot speak for the other."""
    both = {
        each: word_rule(each, people=("ann", "bob"), distinct="four eyes") for each in (BOX, POINT)
    }
    rules = dataclasses.replace(MONTHS, words=both)
    checks = [ended("I", awaiting=True), ended("I", item_id=POINT, awaiting=True)]
    first = attested(BOX)
    for by, state in (("ann", State.AWAITING), ("bob", State.PASSED)):
        second = attested(POINT, id="A-2", at_s=DEPLOYED_S + 1, by=by)
        decision = decide(*checks, first, second, policy=rules)
        assert result_of(decision, BOX).state is State.PASSED
        assert result_of(decision, POINT).state is state
    free = dataclasses.replace(rules, words={BOX: both[BOX], POINT: word_rule(POINT)})
    second = attested(POINT, id="A-2", at_s=DEPLOYED_S + 1)
    assert decide(*checks, first, second, policy=free).verdict is Verdict.PROCEED
