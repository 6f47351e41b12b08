"""The deployment clock: phases have their time, and a run outside it does not stand for them."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_deploycheck.domain.clock import Timeliness, Visit
from pytest_deploycheck.domain.events import CheckEnded, ProblemFound
from pytest_deploycheck.domain.policy import Phase, Policy
from pytest_deploycheck.domain.words import State, TriggerState, Verdict
from tests.domain.builders import (
    BOX,
    CHECKLIST,
    DEPLOYED_S,
    POINT,
    decide,
    ended,
    policy,
    result_of,
    samples,
    started,
)

PHASE = Phase(name="post_5min", title="", earliest_s=60.0, due_s=300.0, late_s=600.0)
RULES: Policy = dataclasses.replace(policy(), phases={"post_5min": PHASE})


@pytest.mark.parametrize(
    ("after_s", "expected"),
    [
        (-5.0, Timeliness.EARLY),
        (59.9, Timeliness.EARLY),
        (60.0, Timeliness.ON_TIME),
        (300.0, Timeliness.ON_TIME),
        (300.1, Timeliness.OVERDUE),
        (600.0, Timeliness.OVERDUE),
        (600.1, Timeliness.LATE),
    ],
)
def test_a_bound_itself_is_in_time(after_s: float, expected: Timeliness) -> None:
    """Earliest, due and late, on both sides."""
    visit = Visit(phase=PHASE, run="r", after_s=after_s)
    assert visit.timeliness is expected
    assert expected.stands == (expected in (Timeliness.ON_TIME, Timeliness.OVERDUE))


def test_a_phase_without_bounds_is_always_on_time() -> None:
    """A gate comes before the deployment."""
    free = Phase(name="staging", title="")
    assert Visit(phase=free, run="r", after_s=-9e9).timeliness is Timeliness.ON_TIME


def test_a_visit_says_what_was_found_and_expected() -> None:
    """Nobody has to compute when the run should have been."""
    assert str(Visit(phase=PHASE, run="r", after_s=2400.0)) == (
        "phase post_5min: run r took its first sample 40m after the deployment; expected 60 s at "
        "the earliest and 10m at the latest: it is late and does not stand for the "
        "phase, and no later run can"
    )
    only_late = dataclasses.replace(PHASE, earliest_s=None, late_s=30.0)
    assert "expected 30 s at the latest" in str(Visit(phase=only_late, run="r", after_s=31.0))
    assert "2m before the deployment" in str(Visit(phase=PHASE, run="r", after_s=-120.0))
    assert str(Visit(phase=PHASE, run="r", after_s=400.0)).endswith("after the deployment, overdue")


def at(start_s: float, letters: str = "P", *, item_id: str = BOX, run: str = "") -> CheckEnded:
    """A check whose first sample came *start_s* after the deployment."""
    return ended(
        samples(letters, start_s=start_s),
        item_id=item_id,
        run=run or f"at-{start_s:g}",
        trigger="errors",
    )


@pytest.mark.parametrize(
    ("start_s", "verdict"),
    [
        (59.0, Verdict.HOLD),
        (60.0, Verdict.PROCEED),
        (600.0, Verdict.PROCEED),
        (601.0, Verdict.HOLD),
    ],
)
def test_a_run_outside_its_phase_does_not_stand_for_it(start_s: float, verdict: Verdict) -> None:
    """Everything passed, at the wrong time: HOLD, and it says so."""
    decision = decide(at(start_s), policy=RULES)
    assert decision.verdict is verdict
    assert [reason.text for reason in decision.reasons] == (
        [] if verdict is Verdict.PROCEED else [str(decision.visits[0])]
    )


def test_lateness_is_judged_by_the_first_sample() -> None:
    """Confirmation may end after the bound."""
    assert decide(at(595.0, "P" * 10), policy=RULES).verdict is Verdict.PROCEED
    check = at(595.0)
    without = dataclasses.replace(check, samples=())
    assert decide(without, policy=RULES).verdict is Verdict.PROCEED
    cut_off = decide(started(check, at_s=DEPLOYED_S + 700), checklist=CHECKLIST, policy=RULES)
    assert "700 s" not in cut_off.reasons[0].text
    assert "11m 40s after" in "".join(reason.text for reason in cut_off.reasons)


def test_a_late_run_after_one_in_time_poisons_nothing() -> None:
    """The phase stands by its own run; the late one says so for itself."""
    record = (at(120.0), at(7200.0))
    assert decide(*record, policy=RULES).verdict is Verdict.PROCEED
    late = decide(*record, policy=RULES, run="at-7200")
    assert late.verdict is Verdict.HOLD
    assert [visit.timeliness for visit in decide(*record, policy=RULES).visits] == [
        Timeliness.ON_TIME,
        Timeliness.LATE,
    ]


def test_good_news_out_of_time_does_not_mend_a_failure() -> None:
    """The failure in time stands, and the reason tells of the later pass."""
    decision = decide(at(120.0, "F"), at(7200.0), policy=RULES)
    result = result_of(decision)
    assert (result.state, decision.verdict) == (State.FAILED, Verdict.OBSERVE)
    assert "run at-7200 found it passing at" in decision.reasons[0].text


@pytest.mark.parametrize("planned", [True, False], ids=["left out", "unknown"])
def test_a_check_that_only_a_late_run_asked_is_not_looked_at(*, planned: bool) -> None:
    """One check in time makes no phase of those that somebody asked hours later."""
    first, *late = (at(120.0), at(7200.0), at(7200.0))
    late[1] = dataclasses.replace(late[1], nodeid="test::more")
    runs = (started(first, *(late[1:] if planned else ())), started(*late))
    decision = decide(*runs, first, *late, policy=RULES)
    result = result_of(decision)
    assert (result.state, result.not_run) == (State.NOT_RUN, ("test::more",))
    assert decision.verdict is Verdict.HOLD
    assert "run at-7200 found it passing at" in decision.reasons[0].text


def test_a_late_run_takes_no_problem_away() -> None:
    """What stood against the run in time stands, until another one in time has none."""
    first = at(120.0)
    problem = ProblemFound(run=first.run, at_s=DEPLOYED_S + 121, text="the clock was set")
    late = decide(first, at(7200.0), problem, policy=RULES)
    assert [reason.text for reason in late.reasons] == ["the clock was set"]
    assert decide(first, at(180.0), problem, policy=RULES).verdict is Verdict.PROCEED


@pytest.mark.parametrize("letter", ["F", "I"])
def test_bad_news_counts_whenever_it_comes(letter: str) -> None:
    """A failure, or the loss of all evidence, is not ignored because it came late."""
    decision = decide(at(120.0), at(7200.0, letter), policy=RULES)
    assert decision.verdict is not Verdict.PROCEED
    fires = decide(at(120.0), at(7200.0, "F" * 13), policy=RULES)
    assert fires.triggers[0].state is TriggerState.FIRING


def test_an_item_of_two_phases_stands_by_either() -> None:
    """A decision point sampled in time for one phase is good news for it."""
    later = Phase(name="post_15min", title="", earliest_s=900.0)
    rules = dataclasses.replace(RULES, phases={"post_5min": PHASE, "post_15min": later})
    first, second = at(120.0, "F", item_id=POINT), at(1000.0, item_id=POINT)
    starts = [started(first), started(second, phases=("post_15min",))]
    assert decide(*starts, first, second, policy=rules).verdict is Verdict.PROCEED
