"""A gate that cannot fail is an error."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pytest_deploycheck.domain.lint import (
    PlannedLimit,
    PlannedQuery,
    is_of_events,
    problems_of,
)
from pytest_deploycheck.domain.policy import Phase
from tests.domain.builders import policy, trigger

QUERY = PlannedQuery(
    name="errors",
    window_s=600.0,
    step_s=15.0,
    min_samples=4,
    max_age_s=60.0,
    averaged_s=60.0,
    triggers=("errors",),
)
PHASES = [Phase(name="post_5min", title="", due_s=300.0), Phase(name="staging", title="")]
RULES = policy(trigger(min_bad=3), phases=PHASES)
LIMIT = PlannedLimit(name="error_ratio", value=0.05, worse="above", highest=1.0)


def test_a_sound_policy_has_no_problem() -> None:
    """The lint is silent where everything can fail."""
    assert problems_of(RULES, named=["errors"], queries=[QUERY], limits=[LIMIT]) == []
    slow = dataclasses.replace(QUERY, step_s=60.0)  # the longest gap, to the second
    assert problems_of(RULES, named=["errors"], queries=[slow]) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"thin": True}, "found no traffic; expected traffic and min_traffic"),
        ({"min_samples": 42}, "min_samples is 42; expected at most 41"),
        ({"max_age_s": 14.9}, "max_age is 14.9 s; expected at least the step of 15 s"),
        ({"triggers": ("eror",)}, "found the trigger eror; expected one of the policy's"),
        ({"window_s": 119.0}, "window is 119 s; expected at least the hold of errors, 2m"),
        ({"step_s": 61.0, "max_age_s": 61.0}, "step is 61 s; expected at most max_gap of errors"),
        ({"averaged_s": 421.0}, "averages over 7m 1s; expected at most 7m"),
    ],
)
def test_a_query_that_can_never_speak_against_a_release(
    change: dict[str, Any], message: str
) -> None:
    """Each is named with what was found and what would be right."""
    query = dataclasses.replace(QUERY, **change)
    (problem,) = problems_of(RULES, named=["errors"], queries=[query])
    assert problem.startswith("queries.errors: ")
    assert message in problem


@pytest.mark.parametrize(
    ("hold_s", "max_gap_s", "refused"),
    [(30.0, 600.0, False), (30.0, 600.1, True), (120.0, 1200.0, False), (120.0, 3.6e6, True)],
)
def test_a_hole_of_hours_is_no_breach(hold_s: float, max_gap_s: float, refused: bool) -> None:
    """Two bad samples with nothing between them would roll a good release back."""
    rules = policy(trigger(hold_s=hold_s, max_gap_s=max_gap_s))
    problems = problems_of(rules, named=["errors"])
    assert ["two bad samples are no proof" in problem for problem in problems] == [True] * refused


@pytest.mark.parametrize(("min_bad", "refused"), [(41, False), (42, True)])
def test_a_window_holds_as_many_bad_samples_as_are_wanted(min_bad: int, refused: bool) -> None:
    """A trigger that wants more can never fire."""
    rules = policy(trigger(min_bad=min_bad))
    problems = problems_of(rules, named=["errors"], queries=[QUERY])
    wanted = f"queries.errors: errors wants {min_bad} bad samples; expected at most 41, which "
    assert [problem.startswith(wanted) for problem in problems] == [True] * refused


def test_what_nobody_asked_for_is_no_problem() -> None:
    """A query without trigger, whose series nobody looked up and that looks at instants."""
    query = dataclasses.replace(QUERY, triggers=(), averaged_s=None)
    assert problems_of(RULES, named=["errors"], queries=[query]) == []
    at_once = policy(trigger(hold_s=0.0))
    slow = dataclasses.replace(QUERY, step_s=100.0, max_age_s=100.0, averaged_s=None)
    assert problems_of(at_once, named=["errors"], queries=[slow]) == []
    never_due = policy(trigger())
    long = dataclasses.replace(QUERY, averaged_s=9e9)
    assert problems_of(never_due, named=["errors"], queries=[long]) == []


def test_a_step_longer_than_the_hold_and_proof_that_the_window_cannot_hold() -> None:
    """Two samples cannot be three, and one sample has no duration."""
    eager = policy(trigger(hold_s=10.0, min_bad=50), interval_s=5.0)
    problems = problems_of(eager, named=["errors"], queries=[QUERY])
    assert [problem.partition("; ")[0] for problem in problems] == [
        "queries.errors: step is 15 s",
        "queries.errors: errors wants 50 bad samples",
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"hold_s": 9.0}, "sampled every 10 s; expected at most its hold of 9 s"),
        ({"max_gap_s": 9.0}, "sampled every 10 s; expected at most max_gap of 9 s"),
        ({"max_gap_s": 9.0, "hold_s": 0.0, "min_bad": 2}, "expected at most max_gap of 9 s"),
    ],
)
def test_a_trigger_that_sampling_can_never_fire(changed: dict[str, Any], message: str) -> None:
    """The interval is longer than what it is to prove."""
    (problem,) = problems_of(policy(trigger(**changed)), named=["errors"])
    assert problem.startswith("triggers.errors: ")
    assert message in problem


def test_a_trigger_that_no_check_names() -> None:
    """A sentence of the policy that nothing measures is not kept quiet."""
    (problem,) = problems_of(policy(trigger(hold_s=0.0)), named=["error"])
    assert problem == "triggers.errors: found no check that names it; it can never fire"


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({"value": 1.0}, True),
        ({"value": 0.999}, False),
        ({"value": 1.5, "highest": None}, False),
        ({"value": 0.0, "worse": "below"}, True),
        ({"value": 0.95, "worse": "below"}, False),
        ({"value": -5.0, "worse": "below", "lowest": None}, False),
    ],
)
def test_a_limit_on_the_wrong_side(change: dict[str, Any], wrong: bool) -> None:
    """A share above 1 or a count below 0 does not happen, so nothing would ever be bad."""
    problems = problems_of(RULES, named=["errors"], limits=[dataclasses.replace(LIMIT, **change)])
    assert bool(problems) is wrong
    assert all("or nothing is ever bad" in problem for problem in problems)


@pytest.mark.parametrize(
    ("expression", "of_events"),
    [
        (
            "sum(rate(failures_total{a='b'}[1m])) / sum(rate(answers_total[1m]))",
            True,
        ),
        (
            "1 - sum by (bot) (rate(f_total[2m])) / sum by (bot) (rate(turns_total[2m]))",
            True,
        ),
        ("rate(latency_seconds_sum[1m])/rate(latency_seconds_count[1m])", True),
        ("histogram_quantile(0.95, sum by (le) (rate(latency_seconds_bucket[1m])))", True),
        ("max(rate(container_cpu_usage_seconds_total[2m])) / max(quota)", False),
        ("sum(rate(cpu_seconds_total[2m])) / sum(rate(cpu_seconds_total[2m] offset 1d))", False),
        ("1 - avg(up)", False),
        ("sum(increase(errors_total[1m]))", False),
    ],
)
def test_what_is_about_events(expression: str, *, of_events: bool) -> None:
    """A share of requests needs requests; a share of memory or of a processor does not."""
    assert is_of_events(expression) is of_events
