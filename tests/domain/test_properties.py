"""What holds for every record: worse input is never better news, and only times and words count."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.durations import Timing, timing_of
from pytest_deploycheck.domain.events import CheckEnded, CheckSample, Event, RunStarted
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.words import Outcome, Severity, TriggerState, Verdict
from tests.domain.builders import (
    BOX,
    CHECKLIST,
    DEPLOYED_S,
    END_S,
    GATE,
    LETTERS,
    POINT,
    ended,
    ends_of,
    error_ratio,
    policy,
    started,
    trigger,
    waived,
)

#: Nodes of the record: the item each answers, and the trigger it names.
NODES = {
    "gate": (GATE, "errors"),
    "pods": (BOX, "errors"),
    "pods[2]": (BOX, None),
    "errors": (POINT, "errors"),
    "creep": (POINT, "creep"),
}
STEPS_S = st.sampled_from([5, 10, 30, 60, 61, 200])
#: Samples as letters, and the seconds before each.
TAKEN = st.lists(st.tuples(st.sampled_from("PPFFFI"), STEPS_S), min_size=1, max_size=12)
POLICIES = st.builds(
    lambda hold_s, min_bad, max_gap_s: policy(
        trigger(hold_s=hold_s, min_bad=min_bad, max_gap_s=max_gap_s),
        trigger("creep", hold_s=hold_s, max_gap_s=max_gap_s, severity=Severity.OBSERVE),
    ),
    hold_s=st.sampled_from([0.0, 10.0, 60.0, 120.0]),
    min_bad=st.integers(1, 4),
    max_gap_s=st.sampled_from([10.0, 60.0]),
)
WAIVERS = st.lists(
    st.sampled_from([waived(BOX), waived(POINT, id="W-2"), waived(GATE, id="W-3")]), unique=True
)


def samples_of(taken: Sequence[tuple[str, int]], *, start_s: float = 0.0) -> list[CheckSample]:
    """Samples with their distances summed up."""
    times = itertools.accumulate((step_s for _, step_s in taken), initial=DEPLOYED_S + start_s)
    return [
        CheckSample(at_s=at_s, outcome=LETTERS[letter])
        for (letter, _), at_s in zip(taken, itertools.islice(times, 1, None), strict=True)
    ]


@st.composite
def runs(draw: st.DrawFn, *, most: int = 3) -> list[list[CheckEnded]]:
    """Answers of one to *most* runs, each later than the one before, all of the same checks."""
    nodes = draw(st.lists(st.sampled_from(sorted(NODES)), min_size=1, max_size=4, unique=True))
    made = []
    for number in range(draw(st.integers(1, most))):
        answers = [
            ended(
                samples_of(draw(TAKEN), start_s=3000.0 * number),
                item_id=NODES[node][0],
                nodeid=node,
                trigger=NODES[node][1],
                run=f"run-{number}",
            )
            for node in nodes
        ]
        made.append(answers)
    return made


def record_of(answers: Sequence[Sequence[CheckEnded]], more: Sequence[Event] = ()) -> list[Event]:
    """The events of runs that gave *answers*."""
    begun = [started(*of_run, phases=("pre_deploy", "post_5min")) for of_run in answers]
    return [
        *begun,
        *ends_of(*begun),
        *itertools.chain.from_iterable(answers),
        *more,
    ]


def decision_on(events: Sequence[Event], rules: Policy, *, at_s: float = END_S) -> Decision:
    """The decision about the items that any event speaks of."""
    named = {
        check.item for event in events if isinstance(event, RunStarted) for check in event.planned
    }
    kept = tuple(each for each in CHECKLIST.items if each.id in named)
    return judge(dataclasses.replace(CHECKLIST, items=kept), rules, events, at_s)


def gravity(verdict: Verdict) -> int:
    """The place of *verdict*, mildest first."""
    return list(Verdict).index(verdict)


def with_samples(check: CheckEnded, taken: Sequence[CheckSample]) -> CheckEnded:
    """*check* as it would have ended with these samples."""
    return dataclasses.replace(
        check, samples=tuple(taken), outcome=taken[-1].outcome, at_s=taken[-1].at_s
    )


@given(data=st.data(), answers=runs(), rules=POLICIES, waivers=WAIVERS)
def test_a_worse_sample_never_gives_a_better_verdict(
    data: st.DataObject, answers: list[list[CheckEnded]], rules: Policy, waivers: list[Event]
) -> None:
    """Turning a good sample into a bad one, or into none, is never good news."""
    of_run = data.draw(st.sampled_from(answers))
    place = data.draw(st.integers(0, len(of_run) - 1))
    taken = list(of_run[place].samples)
    good = [index for index, sample in enumerate(taken) if sample.outcome is Outcome.PASSED]
    assume(good)
    before = decision_on(record_of(answers, waivers), rules)
    index = data.draw(st.sampled_from(good))
    worse = data.draw(st.sampled_from([Outcome.FAILED, Outcome.INCONCLUSIVE]))
    taken[index] = dataclasses.replace(taken[index], outcome=worse)
    of_run[place] = with_samples(of_run[place], taken)
    after = decision_on(record_of(answers, waivers), rules)
    assert gravity(after.verdict) >= gravity(before.verdict)


@given(data=st.data(), answers=runs(), rules=POLICIES, waivers=WAIVERS)
def test_a_longer_failure_never_gives_a_better_verdict(
    data: st.DataObject, answers: list[list[CheckEnded]], rules: Policy, waivers: list[Event]
) -> None:
    """One more bad sample in reach of the last one adds to the failure."""
    failing = [
        (of_run, place)
        for of_run in answers
        for place, check in enumerate(of_run)
        if check.outcome is Outcome.FAILED
    ]
    assume(failing)
    of_run, place = data.draw(st.sampled_from(failing))
    before = decision_on(record_of(answers, waivers), rules)
    taken = of_run[place].samples
    longer = CheckSample(
        at_s=taken[-1].at_s + data.draw(st.integers(1, 10)), outcome=Outcome.FAILED
    )
    of_run[place] = with_samples(of_run[place], [*taken, longer])
    after = decision_on(record_of(answers, waivers), rules)
    assert gravity(after.verdict) >= gravity(before.verdict)


@given(data=st.data(), answers=runs(most=1), rules=POLICIES)
def test_a_dropped_answer_never_proceeds(
    data: st.DataObject, answers: list[list[CheckEnded]], rules: Policy
) -> None:
    """What was planned and not answered holds; only a waiver would excuse it."""
    events = record_of(answers)
    events.remove(data.draw(st.sampled_from(answers[0])))
    decision = decision_on(events, rules)
    assert gravity(decision.verdict) >= gravity(Verdict.HOLD)
    assert decision.partial


@given(data=st.data(), answers=runs(most=1), rules=POLICIES, waivers=WAIVERS)
def test_less_evidence_never_gives_a_better_verdict(
    data: st.DataObject, answers: list[list[CheckEnded]], rules: Policy, waivers: list[Event]
) -> None:
    """What passed and is left out next time is no better news, waived or not."""
    events = record_of(answers, waivers)
    passed = [
        check
        for check in answers[0]
        if all(sample.outcome is Outcome.PASSED for sample in check.samples)
    ]
    assume(passed)
    before = decision_on(events, rules)
    events.remove(data.draw(st.sampled_from(passed)))
    assert gravity(decision_on(events, rules).verdict) >= gravity(before.verdict)


@given(data=st.data(), answers=runs(), rules=POLICIES, waivers=WAIVERS)
def test_a_dropped_waiver_never_gives_a_better_verdict(
    data: st.DataObject, answers: list[list[CheckEnded]], rules: Policy, waivers: list[Event]
) -> None:
    """An exception can only lower what would otherwise be said."""
    assume(waivers)
    before = decision_on(record_of(answers, waivers), rules)
    waivers.remove(data.draw(st.sampled_from(waivers)))
    after = decision_on(record_of(answers, waivers), rules)
    assert gravity(after.verdict) >= gravity(before.verdict)


@given(data=st.data(), answers=runs(), rules=POLICIES, waivers=WAIVERS)
def test_neither_order_nor_journals_matter(
    data: st.DataObject, answers: list[list[CheckEnded]], rules: Policy, waivers: list[Event]
) -> None:
    """Events may come from any number of files, in any order, and some of them twice."""
    events = record_of(answers, waivers)
    copies = data.draw(st.lists(st.sampled_from(events), max_size=3))
    shuffled = data.draw(st.permutations([*events, *copies]))
    assert decision_on(shuffled, rules) == decision_on(events, rules)


def shifted(event: Event, by_s: float) -> Event:
    """*event*, *by_s* later, with every time in it."""
    times = {
        field.name: getattr(event, field.name) + by_s
        for field in dataclasses.fields(event)
        if field.name.endswith(("at_s", "until_s")) and getattr(event, field.name) is not None
    }
    if isinstance(event, CheckEnded):
        moved = [dataclasses.replace(s, at_s=s.at_s + by_s) for s in event.samples]
        return dataclasses.replace(event, **times, samples=tuple(moved))
    return dataclasses.replace(event, **times)


@given(answers=runs(), rules=POLICIES, waivers=WAIVERS, by_s=st.integers(-(10**9), 10**9))
def test_shifting_all_times_changes_nothing(
    answers: list[list[CheckEnded]], rules: Policy, waivers: list[Event], by_s: int
) -> None:
    """A decision depends on distances in time, never on the date."""
    events = record_of(answers, waivers)
    now = decision_on(events, rules)
    then = decision_on([shifted(e, by_s) for e in events], rules, at_s=END_S + by_s)
    assert then.verdict is now.verdict
    assert [(t.state, t.held_s, t.items) for t in then.triggers] == [
        (t.state, t.held_s, t.items) for t in now.triggers
    ]


@given(data=st.data(), taken=TAKEN, rules=POLICIES)
def test_samples_cut_in_two_runs_give_the_state_of_one(
    data: st.DataObject, taken: list[tuple[str, int]], rules: Policy
) -> None:
    """A trigger does not notice that the watching was interrupted."""
    assume(len(taken) > 1)
    samples = samples_of(taken)
    cut = data.draw(st.integers(1, len(samples) - 1))
    whole = ended(samples, trigger="errors")
    parts = [
        ended(samples[:cut], trigger="errors", run="one"),
        ended(samples[cut:], trigger="errors", run="two"),
    ]
    one = decision_on(record_of([[whole]]), rules)
    two = decision_on(record_of([[part] for part in parts]), rules)
    assert two.triggers == one.triggers


HISTORIES = st.text("PF", min_size=1, max_size=30)


def told(letters: str, rules: Policy, *earlier: CheckEnded, start_s: float = 0.0) -> Timing:
    """The timing of a check that fails exactly when the newest sample of its history is bad."""
    return timing_of(
        of_history(letters, start_s=start_s),
        earlier,
        rules.triggers["errors"],
        deployed_at_s=DEPLOYED_S,
    )


def of_history(letters: str, *, start_s: float = 0.0, run: str = "run") -> CheckEnded:
    """A check with one look at a history of *letters*."""
    measured = error_ratio(letters, start_s=start_s)
    look = CheckSample(
        at_s=DEPLOYED_S + start_s + 10.0 * len(letters), outcome=LETTERS[letters[-1]]
    )
    return ended([look], measurements=(measured,), run=run)


@given(data=st.data(), letters=HISTORIES, rules=POLICIES)
def test_a_worse_history_never_lowers_the_state(
    data: st.DataObject, letters: str, rules: Policy
) -> None:
    """More bad samples, or a longer bad end, never make a trigger calmer."""
    states = list(TriggerState)
    before = told(letters, rules)
    assume("P" in letters)
    place = data.draw(st.sampled_from([i for i, letter in enumerate(letters) if letter == "P"]))
    worse = told(letters[:place] + "F" + letters[place + 1 :], rules)
    assert states.index(worse.state) >= states.index(before.state)
    if letters.endswith("F"):
        longer = told(letters + "F", rules)
        assert states.index(longer.state) >= states.index(before.state)


@given(data=st.data(), letters=HISTORIES, rules=POLICIES)
def test_a_history_cut_in_two_runs_gives_the_state_of_one(
    data: st.DataObject, letters: str, rules: Policy
) -> None:
    """What an earlier run was told is not forgotten by the newest one."""
    assume(len(letters) > 1)
    cut = data.draw(st.integers(1, len(letters) - 1))
    first = of_history(letters[:cut], run="one")
    two, one = told(letters[cut:], rules, first, start_s=10.0 * cut), told(letters, rules)
    assert (two.state, two.since_s, two.held_s) == (one.state, one.since_s, one.held_s)


@given(
    steps_s=st.lists(st.sampled_from([10.0, 10.0, 10.0, 9.5, 10.5]), min_size=1, max_size=30),
    good=st.integers(0, 5),
)
def test_more_than_five_percent_for_two_minutes_never_fires_early(
    steps_s: list[float], good: int
) -> None:
    """With samples every ten seconds or so, it fires at the first one after 120 s, not before."""
    distances = [("P", 10)] * good + [("F", 0)]
    first = samples_of(distances)
    at_s = list(itertools.accumulate(steps_s, initial=first[-1].at_s))
    taken = [*first, *(CheckSample(at_s=each, outcome=Outcome.FAILED) for each in at_s[1:])]
    timing = timing_of(ended(taken), [], trigger(min_bad=3), deployed_at_s=DEPLOYED_S)
    lasted_s = at_s[-1] - at_s[0]
    assert (timing.state is TriggerState.FIRING) == (lasted_s >= 120.0)
    assert timing.held_s == pytest.approx(lasted_s)
