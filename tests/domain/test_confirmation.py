"""When a failing check is sampled again."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_deploycheck.domain.confirmation import Pace, next_sample_s
from pytest_deploycheck.domain.events import CheckSample
from pytest_deploycheck.domain.policy import Trigger
from pytest_deploycheck.domain.words import Outcome
from tests.domain.builders import DEPLOYED_S, LETTERS, ended, samples, trigger

PACE = Pace(interval_s=10.0, settle_s=30.0)


def next_s(letters: str, of: Trigger | None = None, *, step_s: float = 10.0) -> float | None:
    """Seconds after the deployment at which a check with these samples is sampled again."""
    check = ended(samples(letters, step_s=step_s), trigger="errors")
    at_s = next_sample_s(check, of or trigger(), PACE, deployed_at_s=DEPLOYED_S)
    return None if at_s is None else at_s - DEPLOYED_S


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("P", None),
        ("I", None),
        ("F", 10.0),
        ("F" * 12, 120.0),
        ("F" * 13, None),
        ("FP", 20.0),
        ("FPPP", 40.0),
        ("FPPPP", None),
        ("FI", 20.0),
        ("FPPF", 40.0),
    ],
)
def test_a_failing_check_is_followed_until_it_is_decided(
    letters: str, expected: float | None
) -> None:
    """Until the hold is reached or it has been good for the settle time."""
    assert next_s(letters) == expected


def test_the_last_sample_falls_exactly_on_the_hold() -> None:
    """Nobody waits longer than first failure + hold."""
    assert next_s("FF", trigger(hold_s=14.0)) == 14.0
    assert next_s("FP", step_s=25.0) == 35.0
    assert next_s("FPP", step_s=25.0) == 55.0


def test_a_hold_reached_by_too_few_samples_is_followed_further() -> None:
    """The minimum of bad samples is waited for after the hold."""
    assert next_s("FF", trigger(hold_s=5.0, min_bad=3)) == 20.0
    assert next_s("FF", trigger(hold_s=10.0, min_bad=3)) == 20.0


def test_without_a_trigger_nothing_is_waited_for() -> None:
    """A failure that no trigger covers is decided by one look."""
    assert next_sample_s(ended("F"), None, PACE, deployed_at_s=DEPLOYED_S) is None
    assert next_s("F", trigger(hold_s=0.0)) is None


def test_a_flapping_check_is_not_followed_for_ever() -> None:
    """It ends after twice the hold, the settle time and the proof asked for."""
    assert next_s("FP" * 14) == 280.0
    assert next_s("FP" * 14 + "F") is None


@pytest.mark.parametrize("hold_s", [0.3, 6.0, 119.7])
def test_the_walked_clock_always_comes_to_an_end(hold_s: float) -> None:
    """A check that fails for ever is decided at its hold, whatever the fractions of a second."""
    first_s = DEPLOYED_S + 0.123456
    taken = [CheckSample(at_s=first_s, outcome=LETTERS["F"])]
    while True:
        check = dataclasses.replace(ended(taken), outcome=Outcome.FAILED)
        at_s = next_sample_s(check, trigger(hold_s=hold_s), PACE, deployed_at_s=DEPLOYED_S)
        if at_s is None:
            break
        taken.append(CheckSample(at_s=at_s, outcome=Outcome.FAILED))
    assert taken[-1].at_s - first_s == pytest.approx(hold_s)
