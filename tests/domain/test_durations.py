"""How long a trigger has been breached, at the boundaries."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_deploycheck.domain.durations import timing_of, watched_s
from pytest_deploycheck.domain.events import CheckSample
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.words import Case, Outcome, Severity, TriggerState
from tests.domain.builders import DEPLOYED_S, ended, error_ratio, samples, trigger

INACTIVE, PENDING, FIRING = TriggerState


def failing_at(*seconds: float) -> tuple[CheckSample, ...]:
    """Failed samples at these seconds after the deployment."""
    return tuple(CheckSample(at_s=DEPLOYED_S + s, outcome=Outcome.FAILED) for s in seconds)


@pytest.mark.parametrize(
    ("last_s", "state"), [(119.9, PENDING), (120.0, FIRING), (120.1, FIRING)], ids=str
)
@pytest.mark.parametrize("severity", Severity)
def test_the_hold_is_reached_to_the_tenth_of_a_second(
    last_s: float, state: TriggerState, severity: Severity
) -> None:
    """119.9 s of failure are not two minutes; 120.0 s are."""
    check = ended(failing_at(0, 50, 100, last_s))
    timing = timing_of(check, [], trigger(severity=severity), deployed_at_s=DEPLOYED_S)
    assert timing.state is state
    assert timing.since_s == DEPLOYED_S
    assert timing.held_s == pytest.approx(last_s)
    fires = state is FIRING and severity is Severity.ROLLBACK
    assert timing.cases == ((Case.FIRING,) if fires else (Case.WATCHED,))


@pytest.mark.parametrize(("bad", "state"), [(2, PENDING), (3, FIRING)])
def test_proof_takes_a_minimum_of_bad_samples(bad: int, state: TriggerState) -> None:
    """A hold reached by two samples far apart is no proof where three are asked for."""
    check = ended(failing_at(*(60.0 * index for index in range(bad))))
    asked = trigger(hold_s=60.0, min_bad=3)
    assert timing_of(check, [], asked, deployed_at_s=DEPLOYED_S).state is state


def test_without_a_hold_one_bad_sample_fires() -> None:
    """A security control that fails needs no waiting."""
    timing = timing_of(ended("F"), [], trigger(hold_s=0.0), deployed_at_s=DEPLOYED_S)
    assert timing.state is FIRING


@pytest.mark.parametrize(
    ("gap_s", "cases"), [(60.0, (Case.FIRING,)), (60.1, (Case.UNTIMED,))], ids=str
)
def test_a_hole_longer_than_the_longest_gap_makes_the_duration_unknown(
    gap_s: float, cases: tuple[Case, ...]
) -> None:
    """Bad on both sides of a long hole is one breach or two: nobody knows."""
    check = ended(failing_at(0, gap_s, gap_s + 59, gap_s + 59.95))
    timing = timing_of(check, [], trigger(hold_s=60.0), deployed_at_s=DEPLOYED_S)
    assert timing.cases == cases


def test_a_breach_after_a_hole_fires_once_it_has_held_by_itself() -> None:
    """What follows the hole is counted from its own first sample."""
    check = ended((*failing_at(0), *failing_at(180, 240, 299.9)))
    asked = trigger()
    assert timing_of(check, [], asked, deployed_at_s=DEPLOYED_S).cases == (Case.UNTIMED,)
    check = ended((*failing_at(0), *failing_at(180, 240, 300)))
    assert timing_of(check, [], asked, deployed_at_s=DEPLOYED_S).cases == (Case.FIRING,)


@pytest.mark.parametrize(
    ("letters", "cases"),
    [
        ("F" * 12 + "P", ()),
        ("F" * 13 + "P", (Case.UNTIMED,)),
        ("F" * 13 + "PF", (Case.UNTIMED, Case.WATCHED)),
        ("F" * 13 + "P" + "F" * 13, (Case.UNTIMED, Case.FIRING)),
    ],
)
def test_a_breach_that_reached_its_hold_is_remembered_when_it_has_ended(
    letters: str, cases: tuple[Case, ...]
) -> None:
    """Two minutes of errors that stopped by themselves still want a person."""
    timing = timing_of(ended(letters), [], trigger(), deployed_at_s=DEPLOYED_S)
    assert timing.cases == cases


def test_an_observe_trigger_that_has_ended_is_watched() -> None:
    """What only asks for watching never asks for more."""
    asked = trigger(severity=Severity.OBSERVE)
    timing = timing_of(ended("F" * 13 + "P"), [], asked, deployed_at_s=DEPLOYED_S)
    assert (timing.state, timing.cases) == (INACTIVE, (Case.WATCHED,))
    apart = ended(failing_at(0, 100))
    assert timing_of(apart, [], asked, deployed_at_s=DEPLOYED_S).cases == (Case.WATCHED,)


def test_an_inconclusive_sample_neither_feeds_nor_ends_a_breach() -> None:
    """No evidence is passed over: what counts are the bad samples around it."""
    timing = timing_of(ended("F" + "I" * 5 + "F"), [], trigger(), deployed_at_s=DEPLOYED_S)
    assert (timing.state, timing.held_s) == (PENDING, 60.0)
    timing = timing_of(ended("I" * 50), [], trigger(hold_s=0.0), deployed_at_s=DEPLOYED_S)
    assert (timing.state, timing.cases) == (INACTIVE, ())


@pytest.mark.parametrize(
    ("letters", "state", "cases"),
    [
        ("F" * 13 + "I" * 6, FIRING, (Case.FIRING,)),
        ("F" * 13 + "I" * 7, INACTIVE, (Case.UNTIMED,)),
        ("F" * 12 + "I" * 6, PENDING, (Case.WATCHED,)),
        ("F" * 12 + "I" * 7, INACTIVE, ()),
    ],
)
def test_an_inconclusive_end_does_not_clear_what_stood_before_it(
    letters: str, state: TriggerState, cases: tuple[Case, ...]
) -> None:
    """The instrument died during the breach: it stands while the hole is small."""
    timing = timing_of(ended(letters), [], trigger(), deployed_at_s=DEPLOYED_S)
    assert (timing.state, timing.cases) == (state, cases)


def test_history_goes_before_samples() -> None:
    """The instrument knows how long it has been so, even when we looked once."""
    check = ended("F", measurements=(error_ratio("F" * 13, start_s=-120.0),))
    before = timing_of(check, [], trigger(), deployed_at_s=DEPLOYED_S - 200)
    assert before.state is FIRING
    sparse = ended(failing_at(0, 60, 120), measurements=(error_ratio("FPFPFPFPFPFPF"),))
    alternating = timing_of(sparse, [], trigger(), deployed_at_s=DEPLOYED_S)
    assert (alternating.state, alternating.held_s) == (PENDING, 0.0)
    assert alternating.cases == (Case.WATCHED,)


@pytest.mark.parametrize("known", ["P" * 13, "P" * 12 + "F", "P" * 6 + "F" * 7, "F" * 13])
def test_a_history_shortens_no_failure_that_it_has_not_seen(known: str) -> None:
    """Two minutes of bad samples stay that, however late the measurement became bad as well."""
    check = ended("F" * 13, measurements=(error_ratio(known),))
    timing = timing_of(check, [], trigger(), deployed_at_s=DEPLOYED_S)
    assert (timing.state, timing.held_s) == (FIRING, 120.0)


def test_a_history_that_lost_its_memory_shortens_no_failure() -> None:
    """Prometheus was restarted without its data: what earlier runs saw is not undone."""
    one = ended("F" * 7, run="one")
    two = ended(
        samples("F" * 7, start_s=60), run="two", measurements=(error_ratio("FF", start_s=110),)
    )
    timing = timing_of(two, [one], trigger(), deployed_at_s=DEPLOYED_S)
    assert (timing.state, timing.held_s) == (FIRING, 120.0)


def test_what_was_before_the_deployment_does_not_speak_for_it() -> None:
    """The old release's errors never roll back the new one."""
    history = error_ratio("F" * 25, start_s=-120.0)
    timing = timing_of(
        ended("F", measurements=(history,)), [], trigger(), deployed_at_s=DEPLOYED_S + 1
    )
    assert (timing.state, timing.held_s) == (PENDING, 110.0)
    old = ended(failing_at(-10))
    assert timing_of(old, [], trigger(hold_s=0), deployed_at_s=DEPLOYED_S).cases == ()


def test_a_history_without_limit_tells_no_duration() -> None:
    """Values that nobody judges are not bad."""
    check = ended("F" * 13, measurements=(error_ratio("F", limit=None), error_ratio("P")))
    assert timing_of(check, [], trigger(), deployed_at_s=DEPLOYED_S).state is FIRING


@pytest.mark.parametrize(
    ("asked_at_s", "state"), [(180.0, FIRING), (180.1, INACTIVE)], ids=["in-reach", "too-late"]
)
def test_a_breach_known_from_history_is_not_cleared_by_a_silent_instrument(
    asked_at_s: float, state: TriggerState
) -> None:
    """The run after the one that fired lost its instrument: FIRING stands for a while."""
    fired = ended(samples("F", start_s=120), measurements=(error_ratio("F" * 13),), run="one")
    lost = ended(samples("I", start_s=asked_at_s), run="two")
    timing = timing_of(lost, [fired], trigger(), deployed_at_s=DEPLOYED_S)
    assert timing.state is state
    passed = ended(samples("P", start_s=130), measurements=(error_ratio("F" * 13),), run="mid")
    timing = timing_of(lost, [fired, passed], trigger(), deployed_at_s=DEPLOYED_S)
    assert timing.state is INACTIVE


def test_a_history_cut_in_two_runs_is_one_history() -> None:
    """What an earlier run was told leads what the newest one was told, without its overlap."""
    other = error_ratio("F")
    stray = dataclasses.replace(other, name="stray")
    one = ended("F", measurements=(stray, error_ratio("PPFFFFFFF")), run="one")
    two = ended(
        samples("F", start_s=140),
        measurements=(
            dataclasses.replace(other, name="other", history=None),
            error_ratio("F" * 8, start_s=70),
        ),
        run="two",
    )
    timing = timing_of(two, [one], trigger(), deployed_at_s=DEPLOYED_S)
    assert (timing.state, timing.held_s) == (FIRING, 120.0)
    empty = dataclasses.replace(other, history=History(at_s=(), value=()))
    three = ended(samples("F", start_s=150), measurements=(empty,), run="three")
    assert timing_of(three, [one], trigger(), deployed_at_s=DEPLOYED_S).held_s == 60.0


def test_earlier_runs_lengthen_a_failure() -> None:
    """Two looks a minute apart, and a third: two minutes, in three runs."""
    runs = [ended(failing_at(60.0 * index), run=f"run-{index}") for index in range(3)]
    timing = timing_of(runs[-1], runs[1::-1], trigger(), deployed_at_s=DEPLOYED_S)
    assert (timing.state, timing.held_s) == (FIRING, 120.0)


def test_a_result_without_samples_counts_as_one() -> None:
    """A check whose body never ran leaves its outcome and its time."""
    check = dataclasses.replace(ended("F"), samples=())
    assert timing_of(check, [], trigger(hold_s=0), deployed_at_s=DEPLOYED_S).state is FIRING


def test_of_two_answers_at_one_instant_the_bad_one_counts() -> None:
    """A good answer never hides a bad one of the same second."""
    good = ended(samples("P"), run="one")
    timing = timing_of(ended("F"), [good], trigger(hold_s=0), deployed_at_s=DEPLOYED_S)
    assert timing.state is FIRING


def fired_at_s(letters: str, *, hole_after: int | None = None) -> float | None:
    """Walk the clock over *letters*, a sample each 10 s; seconds from the first F to firing."""
    taken = list(samples(letters))
    if hole_after is not None:
        taken[hole_after:] = [
            dataclasses.replace(each, at_s=each.at_s + 180) for each in taken[hole_after:]
        ]
    first_s = taken[letters.index("F")].at_s
    for count in range(1, len(taken) + 1):
        timing = timing_of(ended(taken[:count]), [], trigger(), deployed_at_s=DEPLOYED_S)
        if timing.state is FIRING:
            return taken[count - 1].at_s - first_s
    return None


def test_more_than_five_percent_for_two_minutes_fires_on_time_and_never_earlier() -> None:
    """With 10 s samples it fires between 120 and 130 s after the first bad one."""
    seconds = fired_at_s("PPP" + "F" * 30)
    assert seconds is not None
    assert 120 <= seconds <= 130


@pytest.mark.parametrize("letters", ["PPFPP", "P" + "F" * 12 + "PP", ("F" * 12 + "P") * 3, "F"])
def test_less_than_two_minutes_never_fires(letters: str) -> None:
    """Not one bad sample, not 110 s, not again and again."""
    assert fired_at_s(letters) is None


def test_nothing_fires_across_a_hole_of_three_minutes() -> None:
    """A hole in the data is neither health nor sickness."""
    assert fired_at_s("F" * 20, hole_after=10) is None
    assert fired_at_s("F" * 24, hole_after=10) == 180 + 220


@pytest.mark.parametrize(
    ("letters", "max_gap_s", "seconds"),
    [
        ("P", 60.0, 0.0),
        ("III", 60.0, 0.0),
        ("PFP", 60.0, 20.0),
        ("PPIII", 60.0, 10.0),
        ("PIIIIIIP", 70.0, 70.0),
        ("PIIIIIIP", 69.0, 0.0),
    ],
)
def test_how_long_a_check_was_looked_at(letters: str, max_gap_s: float, seconds: float) -> None:
    """From look to look; what told nothing is none, and a long hole is where it begins anew."""
    asked = trigger(max_gap_s=max_gap_s)
    assert watched_s(ended(letters), [], asked, deployed_at_s=DEPLOYED_S) == seconds


def test_histories_and_earlier_runs_looked_as_well() -> None:
    """Prometheus saw what happened between two runs, but not from before the deployment."""
    one = ended("P", run="one")
    two = ended(samples("P", start_s=50), run="two")
    assert watched_s(two, [one], trigger(), deployed_at_s=DEPLOYED_S) == 50.0
    seen = ended(samples("P", start_s=300), measurements=(error_ratio("P" * 31),), run="three")
    assert watched_s(seen, [], trigger(), deployed_at_s=DEPLOYED_S) == 300.0
    assert watched_s(seen, [], trigger(), deployed_at_s=DEPLOYED_S + 100) == 200.0
    nobody_judges = ended(
        samples("P", start_s=300), measurements=(error_ratio("P" * 31, limit=None),)
    )
    assert watched_s(nobody_judges, [], trigger(), deployed_at_s=DEPLOYED_S) == 0.0
