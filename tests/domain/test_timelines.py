"""The state of a trigger over time."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.domain.durations import timing_of
from pytest_deploycheck.domain.events import CheckSample
from pytest_deploycheck.domain.timelines import Span, timeline_of, timelines, worst_of
from pytest_deploycheck.domain.words import Outcome, TriggerState
from tests.domain.builders import (
    BOX,
    DEPLOYED_S,
    POINT,
    attested,
    ended,
    error_ratio,
    policy,
    samples,
    started,
    trigger,
)

INACTIVE, PENDING, FIRING = TriggerState
RULES = policy(trigger(hold_s=20.0))

Told = list[tuple[TriggerState | None, float, float]]


def told(spans: tuple[Span, ...], *, since_s: float = DEPLOYED_S) -> Told:
    """Spans in seconds after the deployment."""
    return [(span.state, span.from_s - since_s, span.until_s - since_s) for span in spans]


def line(letters: str, *, start_s: float = 0.0, step_s: float = 10.0) -> tuple[Span, ...]:
    """The timeline of samples as letters."""
    times = [start_s + index * step_s for index in range(len(letters))]
    return timeline_of(times, [letter == "F" for letter in letters], RULES.triggers["errors"])


def test_a_state_lasts_until_the_sample_that_changes_it() -> None:
    """What was known is shown as it became known."""
    assert told(line("PPFFFFPP"), since_s=0) == [
        (INACTIVE, 0, 20),
        (PENDING, 20, 40),
        (FIRING, 40, 60),
        (INACTIVE, 60, 70),
    ]


def test_a_hole_is_shown_as_unknown() -> None:
    """Nobody knows, so the line breaks, and the breach begins anew after it."""
    assert told(line("FFF", step_s=61.0), since_s=0) == [
        (PENDING, 0, 0),
        (None, 0, 61),
        (PENDING, 61, 61),
        (None, 61, 122),
        (PENDING, 122, 122),
    ]
    assert line("") == ()


def test_a_hole_between_calm_samples_is_shown_too() -> None:
    """Calm goes on only where somebody looked."""
    assert told(line("PPP", step_s=60.0), since_s=0) == [(INACTIVE, 0, 120)]
    assert told(line("PP", step_s=61.0), since_s=0) == [
        (INACTIVE, 0, 0),
        (None, 0, 61),
        (INACTIVE, 61, 61),
    ]


def test_of_several_lines_the_worst_that_is_known_counts() -> None:
    """One check fires while another is calm; what has not begun to speak hides nothing."""
    calm, firing, later = line("P" * 10), line("PFFFFP", start_s=20), line("F", start_s=200)
    assert told(worst_of([calm, firing, later]), since_s=0) == [
        (INACTIVE, 0, 30),
        (PENDING, 30, 50),
        (FIRING, 50, 70),
        (INACTIVE, 70, 90),
        (None, 90, 200),
        (PENDING, 200, 200),
    ]
    assert worst_of([]) == ()


def test_where_one_does_not_know_that_none_is_bad_is_not_known() -> None:
    """A blind check is not covered by another that was calm, and covers none that fires."""
    blind = (
        Span(state=INACTIVE, from_s=0, until_s=10),
        Span(state=None, from_s=10, until_s=50),
        Span(state=INACTIVE, from_s=50, until_s=60),
    )
    assert told(worst_of([blind, line("PPPFPPP")]), since_s=0) == [
        (INACTIVE, 0, 10),
        (None, 10, 30),
        (PENDING, 30, 40),
        (None, 40, 50),
        (INACTIVE, 50, 60),
    ]


def test_an_instant_before_a_hole_is_not_lost_when_lines_are_laid_over_each_other() -> None:
    """The one bad sample is shown, although nothing is known after it."""
    holed = (*line("F", start_s=10), Span(state=None, from_s=10, until_s=90))
    assert told(worst_of([holed, line("PP", step_s=20)]), since_s=0) == [
        (INACTIVE, 0, 10),
        (PENDING, 10, 10),
        (None, 10, 90),
    ]


def test_each_trigger_has_a_timeline_over_all_runs_and_checks() -> None:
    """Samples of two runs and the history of another check are one line."""
    runs = [
        ended("PF", trigger="errors", run="one"),
        ended(samples("FF", start_s=20), trigger="errors", run="two"),
        ended("P", item_id=POINT, trigger="errors", run="one", measurements=(error_ratio("PPP"),)),
        ended("F", item_id=BOX, nodeid="free", run="one"),
        ended("F", item_id=BOX, nodeid="unknown", trigger="unknown", run="one"),
    ]
    found = timelines(RULES, [started(*runs), *runs, attested()])
    assert list(found) == ["errors"]
    assert told(found["errors"]) == [
        (INACTIVE, 0, 10),
        (PENDING, 10, 30),
        (FIRING, 30, 30),
    ]


def test_a_trigger_that_nothing_spoke_of_has_an_empty_timeline() -> None:
    """No data is not drawn as calm; nor is what came before the deployment."""
    assert timelines(RULES, []) == {"errors": ()}
    old = ended(samples("F", start_s=-50), trigger="errors")
    assert timelines(RULES, [started(old), old]) == {"errors": ()}


@given(
    taken=st.lists(
        st.tuples(st.booleans(), st.sampled_from([5, 10, 60, 61])), min_size=1, max_size=25
    ),
    hold_s=st.sampled_from([0.0, 10.0, 60.0, 120.0]),
    min_bad=st.integers(1, 4),
)
def test_the_timeline_says_at_each_sample_what_the_judge_would_have_said(
    taken: list[tuple[bool, int]], hold_s: float, min_bad: int
) -> None:
    """The picture never contradicts the verdict."""
    asked = trigger(hold_s=hold_s, min_bad=min_bad)
    at_s = list(itertools.accumulate((step for _, step in taken), initial=DEPLOYED_S))[1:]
    bad = [is_bad for is_bad, _ in taken]
    spans = timeline_of(at_s, bad, asked)
    for count, when_s in enumerate(at_s, start=1):
        seen = [
            CheckSample(at_s=at, outcome=Outcome.FAILED if is_bad else Outcome.PASSED)
            for at, is_bad in zip(at_s[:count], bad[:count], strict=True)
        ]
        timing = timing_of(ended(seen), [], asked, deployed_at_s=DEPLOYED_S)
        of_now = [s.state for s in spans if s.from_s <= when_s <= s.until_s and s.state]
        assert timing.state in of_now
    assert timing.state is spans[-1].state
