"""The fold from events to a decision: every row of the table, the ledger, runs and shards."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pytest_deploycheck.domain.events import CheckEnded, Event, ProblemFound, RunEnded
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.words import (
    TABLE,
    Case,
    Severity,
    State,
    TriggerState,
    Verdict,
    verdict_of,
)
from tests.domain.builders import (
    BOX,
    CHECKLIST,
    DEPLOYED_S,
    END_S,
    GATE,
    POINT,
    attested,
    decide,
    ended,
    policy,
    result_of,
    samples,
    started,
    trigger,
    waived,
)

#: What makes each case of the table: samples, the trigger's name, further events.
ROWS: dict[str, tuple[Case, str, str | None, tuple[Event, ...]]] = {
    "passed": (Case.SATISFIED, "P", "errors", ()),
    "waived": (Case.SATISFIED, "F", None, (waived(BOX), waived(GATE, id="W-2"))),
    "recovered": (Case.RECOVERED, "FPP", "errors", ()),
    "firing": (Case.FIRING, "F" * 13, "errors", ()),
    "pending": (Case.WATCHED, "F" * 12, "errors", ()),
    "observe pending": (Case.WATCHED, "F", "creep", ()),
    "observe firing": (Case.WATCHED, "F" * 13, "creep", ()),
    "ended": (Case.UNTIMED, "F" * 13 + "P", "errors", ()),
    "no trigger": (Case.UNCOVERED, "F", None, ()),
    "unknown trigger": (Case.UNCOVERED, "F" * 99, "nobody-wrote-it", ()),
    "inconclusive": (Case.UNPROVEN, "I", "errors", ()),
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("gate", [True, False], ids=["gate", "later"])
def test_each_row_of_the_table(name: str, gate: bool) -> None:
    """The state of one item gives the verdict that the table says, and a reason for it."""
    case, letters, named, more = ROWS[name]
    check = ended(letters, item_id=GATE if gate else BOX, trigger=named)
    start = started(check, phases=("pre_deploy" if gate else "post_5min",))
    decision = decide(start, check, *more, policy=policy())
    assert decision.verdict is verdict_of(case, gate=gate)
    assert (decision.verdict is Verdict.PROCEED) == (not decision.reasons)
    if more:
        assert result_of(decision, check.item).state is State.WAIVED
    elif not gate:  # in a gate most cases are HOLD, and the earlier row names them
        assert result_of(decision, check.item).checks[0].case is case


def test_every_row_is_made_by_some_events() -> None:
    """The table has no row that nothing leads to."""
    assert {case for case, *_ in ROWS.values()} == set(TABLE)


def test_the_greatest_verdict_wins() -> None:
    """One firing trigger among passed items rolls the release back."""
    good, bad = ended(), ended("F" * 13, item_id=POINT, trigger="errors")
    decision = decide(good, bad, policy=policy())
    assert decision.verdict is Verdict.ROLLBACK
    assert [result.verdict for result in decision.items] == [Verdict.PROCEED, Verdict.ROLLBACK]


def test_a_gate_beside_a_later_phase_holds_only_its_own_items() -> None:
    """A rollback trigger fires in its later phase whatever the gate says."""
    gate = ended("F" * 13, item_id=GATE, trigger="errors")
    later = ended("F" * 13, trigger="errors")
    start = started(gate, later, phases=("pre_deploy", "post_5min"))
    decision = decide(start, gate, later, policy=policy())
    assert [r.verdict for r in decision.items] == [Verdict.HOLD, Verdict.ROLLBACK]


def test_the_trigger_tells_state_duration_and_items() -> None:
    """The report can say since when, how long of which hold, and where."""
    checks = [
        ended("F" * 7, trigger="errors"),
        ended("PF", item_id=POINT, trigger="errors"),
        ended("P", item_id=POINT, nodeid="other", trigger="errors"),
        ended("P", item_id=POINT, nodeid="free"),
    ]
    errors, creep = decide(*checks, policy=policy()).triggers
    assert (errors.state, errors.held_s, errors.since_s) == (
        TriggerState.PENDING,
        60.0,
        DEPLOYED_S,
    )
    assert errors.items == (BOX, POINT)
    assert (creep.state, creep.held_s, creep.since_s, creep.items) == (
        TriggerState.INACTIVE,
        0.0,
        None,
        (),
    )
    assert creep.severity is Severity.OBSERVE


def test_a_check_left_out_was_not_run() -> None:
    """`-k` leaves a box without evidence: HOLD, and the record is partial."""
    left_out, ran = ended(nodeid="left-out"), ended(nodeid="ran")
    decision = decide(started(left_out, ran), ran, policy=policy())
    result = result_of(decision)
    assert (result.state, result.not_run) == (State.NOT_RUN, ("left-out",))
    assert (decision.verdict, decision.partial) == (Verdict.HOLD, True)


def test_a_failure_is_not_hidden_by_a_check_that_did_not_run() -> None:
    """FAILED is graver than NOT_RUN, and the missing check still holds."""
    left_out, ran = ended(nodeid="left-out"), ended("F", nodeid="ran", trigger="creep")
    result = result_of(decide(started(left_out, ran), ran, policy=policy()))
    assert (result.state, result.verdict) == (State.FAILED, Verdict.HOLD)


def test_an_item_that_no_check_answers_was_not_run() -> None:
    """A box of a selected phase without any check is not forgotten."""
    check = ended()
    decision = decide(started(check), check, checklist=CHECKLIST, policy=policy())
    assert result_of(decision, POINT).state is State.NOT_RUN
    assert (decision.verdict, decision.partial) == (Verdict.HOLD, True)


def test_an_answer_to_another_item_is_no_answer_to_the_planned_one() -> None:
    """The plan says which box the check owes."""
    owed = ended(item_id=BOX, nodeid="n")
    given = ended(item_id=POINT, nodeid="n")
    decision = decide(started(owed), given, checklist=CHECKLIST, policy=policy())
    assert result_of(decision, BOX).state is State.NOT_RUN
    assert result_of(decision, POINT).state is State.PASSED


@pytest.mark.parametrize("letters", ["FP", "PF"])
def test_a_retry_hides_nothing(letters: str) -> None:
    """Of two answers of one check in one run the worse counts, whichever came first."""
    answers = [ended(samples(letter, start_s=10.0 * i)) for i, letter in enumerate(letters)]
    decision = decide(*answers, policy=policy())
    assert result_of(decision).state is State.FAILED


def test_a_second_pass_does_not_hide_a_recovery() -> None:
    """Recovered and then simply passed in the same run: still marked."""
    decision = decide(ended("FP"), ended(samples("P", start_s=60)), policy=policy())
    assert (result_of(decision).recovered, decision.verdict) == (True, Verdict.OBSERVE)


def test_the_newest_answer_counts_and_a_run_can_be_asked_for() -> None:
    """A mended check passes in the record, and its failed run stays what it was."""
    bad, good = ended("F", run="one"), ended(samples("P", start_s=600), run="two")
    assert decide(bad, good, policy=policy()).verdict is Verdict.PROCEED
    assert decide(bad, good, policy=policy(), run="one").verdict is Verdict.HOLD
    assert decide(bad, good, policy=policy(), run="two").verdict is Verdict.PROCEED


def test_of_two_overlapping_runs_the_answer_that_ended_last_is_newest() -> None:
    """A long confirmation that still fails is newer than a quick pass in between."""
    long = ended("F" * 12, run="long", trigger="errors")
    quick = ended(samples("P", start_s=35), run="quick", trigger="errors")
    assert result_of(decide(long, quick, policy=policy())).state is State.FAILED


def test_an_earlier_run_tells_how_long_the_failure_has_lasted() -> None:
    """A run that looked once still fires, when the runs before it failed as well."""
    runs = [
        ended(samples("F", start_s=60.0 * index), run=f"run-{index}", trigger="errors")
        for index in range(3)
    ]
    decision = decide(*runs, policy=policy(), run="run-2")
    assert (decision.verdict, decision.triggers[0].held_s) == (Verdict.ROLLBACK, 120.0)
    assert decide(*runs, policy=policy(), run="run-1").triggers[0].state is TriggerState.PENDING


def test_what_happened_after_the_moment_asked_about_is_unknown() -> None:
    """The decision of then can be made again."""
    events = [ended(), ended(samples("F", start_s=600), run="two")]
    runs = [started(events[0]), started(events[1], at_s=DEPLOYED_S + 600)]
    then = decide(*runs, *events, policy=policy(), at_s=DEPLOYED_S + 300)
    assert (then.verdict, then.at_s) == (Verdict.PROCEED, DEPLOYED_S + 300)
    assert decide(*runs, *events, policy=policy()).verdict is Verdict.HOLD


def test_an_answer_without_its_run_is_not_counted() -> None:
    """A journal that lost its first line proves nothing."""
    check = ended()
    decision = judge(CHECKLIST, policy(), [check], END_S, phases=["post_5min"])
    assert decision.verdict is Verdict.HOLD
    assert result_of(decision).state is State.NOT_RUN


def problem_texts(*events: Event, **options: Any) -> str:  # noqa: ANN401 - as decide's
    """The reasons of a decision that must be HOLD."""
    decision = decide(*events, policy=policy(), **options)
    assert decision.verdict is Verdict.HOLD
    return "\n".join(reason.text for reason in decision.reasons)


def test_no_run_at_all_holds() -> None:
    """An empty record is no deployment that went well."""
    decision = judge(CHECKLIST, policy(), [], END_S)
    assert decision.verdict is Verdict.HOLD
    assert {"no run is recorded", "no phase is selected"} == {
        reason.text.partition(";")[0] for reason in decision.reasons
    }
    assert (decision.environment, decision.release) == ("", "")
    assert (decision.deployed_at_s, decision.started_at_s) == (0.0, 0.0)


def test_a_run_that_does_not_exist_holds() -> None:
    """Asking about the wrong run is not an empty success."""
    assert "no run is recorded" in problem_texts(ended(), run="other")


def test_a_phase_without_items_holds() -> None:
    """A phase that the checklist does not fill has nothing that could speak for it."""
    check = ended()
    start = started(check, phases=("post_5min", "post_24h"))
    assert "phase post_24h has no item" in problem_texts(start, check)


def test_a_problem_of_the_run_holds() -> None:
    """A collection error forbids PROCEED even when everything else passed."""
    problem = ProblemFound(run="run", at_s=DEPLOYED_S, text="ImportError in test_x.py")
    check = ended()
    assert "ImportError in test_x.py" in problem_texts(check, problem)
    newer = ended(samples("P", start_s=60), run="two")
    assert decide(check, problem, newer, policy=policy(), run="two").verdict is Verdict.PROCEED


def test_two_deployments_in_one_record_hold() -> None:
    """Answers about one release never speak for another."""
    one, two = ended(run="one"), ended(samples("P", start_s=60), run="two")
    starts = [started(one), started(two, release="3.0")]
    assert "holds runs of 2 deployments" in problem_texts(*starts, one, two)


def shard_of(check: CheckEnded, number: int) -> list[Event]:
    """One of two shards: its start, its check and its end."""
    return [
        started(check, shard=number, shards=2, at_s=DEPLOYED_S),
        check,
        RunEnded(run=check.run, at_s=check.at_s, shard=number),
    ]


def test_all_shards_of_a_run_are_one_run() -> None:
    """Two halves that passed are a whole that passed."""
    events = [*shard_of(ended(nodeid="a"), 1), *shard_of(ended(nodeid="b"), 2)]
    assert decide(*events, policy=policy()).verdict is Verdict.PROCEED


def test_a_missing_shard_holds() -> None:
    """Half a run is not a run."""
    assert "found 1 of 2 shards; missing 2" in problem_texts(*shard_of(ended(), 1))


def test_a_shard_that_was_cut_off_holds() -> None:
    """What it planned and did not answer was not run."""
    events = [*shard_of(ended(nodeid="a"), 1), shard_of(ended(nodeid="b"), 2)[0]]
    assert "b; checks were left out" in problem_texts(*events)


def test_an_answer_to_an_unknown_item_holds() -> None:
    """A check whose box is gone from the checklist is not dropped silently."""
    stray = ended(item_id="post_5min/gone")
    start = started(ended(), stray)
    text = problem_texts(start, ended(), stray, checklist=CHECKLIST)
    assert "'post_5min/gone', which no item is" in text


def silent(**changes: Any) -> CheckEnded:  # noqa: ANN401 - as ended's
    """A check that failed for two minutes because nobody answered."""
    return ended("F" * 13, trigger="errors", **{"silent": ("api:443",), **changes})


def test_everything_silent_at_once_may_be_our_own_fault() -> None:
    """No network of ours is no reason to roll back."""
    decision = decide(silent(), ended(nodeid="other"), policy=policy())
    assert (decision.verdict, result_of(decision).state) == (Verdict.HOLD, State.INCONCLUSIVE)
    assert "the fault may be ours" in decision.reasons[0].text


def test_one_answer_makes_the_silence_of_others_theirs() -> None:
    """Our network works, so the subject is down."""
    other = ended(nodeid="other", answered=("metrics:9090",))
    assert decide(silent(), other, policy=policy()).verdict is Verdict.ROLLBACK


def test_a_failure_that_is_not_silence_is_never_excused() -> None:
    """A wrong answer is an answer."""
    assert decide(silent(silent=()), policy=policy()).verdict is Verdict.ROLLBACK


def test_a_word_that_is_awaited_holds_until_it_is_given() -> None:
    """The judge looks for the attestation itself, so a later word needs no new run."""
    check = ended("I", awaiting=True)
    waiting = decide(check, policy=policy())
    assert (waiting.verdict, result_of(waiting).state) == (Verdict.HOLD, State.AWAITING)
    assert f"deploycheck attest {BOX}" in waiting.reasons[0].text
    spoken = decide(check, attested(), policy=policy())
    assert (spoken.verdict, result_of(spoken).state) == (Verdict.PROCEED, State.PASSED)
    assert result_of(spoken).attestation == "A-1"


def test_a_word_does_not_outweigh_a_failure() -> None:
    """A person cannot attest away what a check found."""
    check = ended("F", awaiting=True)
    assert decide(check, attested(), policy=policy()).verdict is Verdict.HOLD


def test_a_word_does_not_stand_for_a_missing_instrument() -> None:
    """Only checks that ask for a word take one."""
    assert decide(ended("I"), attested(), policy=policy()).verdict is Verdict.HOLD


def test_the_phases_to_decide_about_can_be_named() -> None:
    """A record of several phases is judged for one of them."""
    gate, later = ended("F", item_id=GATE), ended()
    start = started(gate, later, phases=("pre_deploy", "post_5min"))
    decision = decide(start, gate, later, policy=policy(), phases=["post_5min"])
    assert (decision.verdict, decision.phases) == (Verdict.PROCEED, ("post_5min",))


def test_reasons_come_gravest_first() -> None:
    """The first line says why the verdict is what it is."""
    checks = [
        ended("F", trigger="creep"),
        ended("I", item_id=POINT),
        ended("F" * 13, item_id=POINT, nodeid="firing", trigger="errors"),
    ]
    decision = decide(*checks, policy=policy())
    assert [reason.verdict for reason in decision.reasons] == [
        Verdict.ROLLBACK,
        Verdict.HOLD,
        Verdict.OBSERVE,
    ]


def test_the_hold_of_the_environment_is_used() -> None:
    """The sandbox waits seconds where production waits minutes."""
    check = ended("FF", trigger="errors")
    assert decide(check, policy=policy(trigger(hold_s=10.0))).verdict is Verdict.ROLLBACK
    assert decide(check, policy=policy(trigger(hold_s=10.1))).verdict is Verdict.OBSERVE


def test_the_decision_names_what_it_was_made_from() -> None:
    """Checklist, policy, environment, release and times are in it."""
    decision = decide(ended(), policy=policy())
    assert (decision.checklist_sha256, decision.policy_sha256) == ("checklist", "policy")
    assert (decision.environment, decision.release) == ("production", "2.0")
    assert decision.started_at_s == decision.deployed_at_s == DEPLOYED_S
    assert dataclasses.replace(decision) == decision


@pytest.mark.parametrize(
    ("letters", "exit_code"),
    [("P", 1), ("F" * 13, Verdict.ROLLBACK.exit_code), ("I", Verdict.HOLD.exit_code)],
)
def test_a_plain_test_that_failed_is_told_beside_a_milder_verdict_only(
    letters: str, exit_code: int
) -> None:
    """It is no check, and hides neither a rollback nor a hold."""
    check = ended(letters, trigger="errors")
    clean = decide(check, policy=policy())
    plain = decide(
        check, RunEnded(run=check.run, at_s=check.at_s, plain_failed=True), policy=policy()
    )
    assert plain.verdict is clean.verdict
    assert clean.exit_code == clean.verdict.exit_code
    assert plain.exit_code == exit_code
