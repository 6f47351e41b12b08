"""What a run that was cut off has sampled tells durations, and answers nothing."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_deploycheck.domain.events import CheckSampled, Event, RunEnded, RunStarted
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.record import cut_off_s
from pytest_deploycheck.domain.timelines import timelines
from pytest_deploycheck.domain.words import State, TriggerState, Verdict
from tests.domain.builders import (
    DEPLOYED_S,
    END_S,
    LETTERS,
    POINT,
    ended,
    only,
    policy,
    result_of,
    samples,
    started,
    trigger,
)

END = RunEnded(run="again", at_s=DEPLOYED_S + 70)
RULES = policy(trigger(hold_s=60.0))


def sampled(letters: str, *, run: str = "watch", **changes: object) -> list[CheckSampled]:
    """What a watch left, a sample every 10 s from the deployment."""
    made = [
        CheckSampled(
            run=run,
            at_s=DEPLOYED_S + 10.0 * n,
            nodeid=f"test::{POINT}",
            item=POINT,
            outcome=LETTERS[letter],
            trigger="errors",
            answered=("api:443",),
        )
        for n, letter in enumerate(letters)
    ]
    return [dataclasses.replace(each, **changes) for each in made]  # type: ignore[arg-type]


def begun(run: str, at_s: float) -> RunStarted:
    """The start of a run that owes the one check."""
    check = ended("P", item_id=POINT, trigger="errors", run=run)
    return dataclasses.replace(started(check), at_s=at_s)


CHECKLIST = only(ended("P", item_id=POINT))


@pytest.mark.parametrize(
    ("before", "verdict"), [("PFFFFF", Verdict.ROLLBACK), ("PPPPPP", Verdict.OBSERVE)]
)
def test_its_samples_count_for_how_long_it_has_lasted(before: str, verdict: Verdict) -> None:
    """The next run's first bad sample fires what was bad for the hold already."""
    again = ended(samples("FF", start_s=60.0), item_id=POINT, trigger="errors", run="again")
    events: list[Event] = [
        begun("watch", DEPLOYED_S), *sampled(before), begun("again", DEPLOYED_S + 60), again, END,
    ]  # fmt: skip
    decision = judge(CHECKLIST, RULES, events, END_S, run="again", phases=("post_5min",))
    assert decision.verdict is verdict
    together = judge(CHECKLIST, RULES, events[::-1], END_S, run="again", phases=("post_5min",))
    assert together == decision


def test_it_is_no_answer() -> None:
    """All samples were good, and still the run has not decided: NOT_RUN."""
    events: list[Event] = [begun("watch", DEPLOYED_S), *sampled("PPP")]
    for run in ("watch", None):
        decision = judge(CHECKLIST, RULES, events, END_S, run=run, phases=("post_5min",))
        assert decision.verdict is Verdict.HOLD
        assert decision.partial
        assert result_of(decision, POINT).state is State.NOT_RUN


def test_the_samples_of_a_check_that_ended_are_not_counted_twice() -> None:
    """Its end has them all."""
    check = ended("FFF", item_id=POINT, trigger="errors", run="watch")
    events: list[Event] = [begun("watch", DEPLOYED_S), *sampled("FFF"), check]
    plain: list[Event] = [begun("watch", DEPLOYED_S), check]
    both = [judge(CHECKLIST, RULES, known, END_S, run="watch") for known in (events, plain)]
    assert both[0] == both[1]


def test_silence_all_around_is_nobodys_failure() -> None:
    """A watch whose own network was down leaves no bad samples."""
    again = ended(samples("F", start_s=60.0), item_id=POINT, trigger="errors", run="again")
    lost = sampled("FFFFFF", answered=(), silent=("api:443",))
    events: list[Event] = [
        begun("watch", DEPLOYED_S),
        *lost,
        begun("again", DEPLOYED_S + 60),
        again,
        END,
    ]
    decision = judge(CHECKLIST, RULES, events, END_S, run="again", phases=("post_5min",))
    assert decision.verdict is Verdict.OBSERVE


@pytest.mark.parametrize(("later_s", "goes_on"), [(60.0, True), (60.1, False)])
def test_a_watch_that_was_cut_off_is_gone_on_with(later_s: float, *, goes_on: bool) -> None:
    """From its own beginning; after a longer hole it would be another watch."""
    older = sampled("PPPPP", run="older")
    older = [dataclasses.replace(each, at_s=each.at_s - 1000) for each in older]
    events: list[Event] = [begun("watch", DEPLOYED_S), *sampled("PPP"), *older]
    found = cut_off_s(events, at_s=DEPLOYED_S + 20 + later_s, max_gap_s=60.0)
    assert found == (DEPLOYED_S if goes_on else None)
    assert cut_off_s([begun("watch", DEPLOYED_S)], at_s=DEPLOYED_S, max_gap_s=60.0) is None


def test_the_timeline_knows_them() -> None:
    """What was seen is shown, whether or not the run came to its end."""
    spans = timelines(RULES, [begun("watch", DEPLOYED_S), *sampled("PFF")])["errors"]
    assert [span.state for span in spans] == [TriggerState.INACTIVE, TriggerState.PENDING]
    assert spans[-1].until_s == DEPLOYED_S + 20


def test_who_was_sampled_last_has_not_the_last_word() -> None:
    """Of two checks of a trigger the bad one stays FIRING when the good one is sampled after it."""
    bad = ended("F" * 8, item_id=POINT, nodeid="bad", trigger="errors")
    good = ended(samples("P" * 8, start_s=1.0), item_id=POINT, nodeid="good", trigger="errors")
    spans = timelines(RULES, [started(bad, good), bad, good])["errors"]
    assert spans[-1].state is TriggerState.FIRING
