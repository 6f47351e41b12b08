"""Whose fault a failure is."""

from __future__ import annotations

import pytest

from pytest_deploycheck.domain.errors import (
    AwaitingError,
    ConfigError,
    InstrumentError,
    SubjectError,
    outcome_of,
)
from pytest_deploycheck.domain.words import Outcome


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, Outcome.PASSED),
        (AssertionError("found 2"), Outcome.FAILED),
        (SubjectError("503"), Outcome.FAILED),
        (InstrumentError("refused"), Outcome.INCONCLUSIVE),
        (AwaitingError("nobody spoke"), Outcome.INCONCLUSIVE),
        (KeyError("a bug"), Outcome.INCONCLUSIVE),
        (KeyboardInterrupt(), Outcome.INCONCLUSIVE),
        (ExceptionGroup("", [InstrumentError("x"), AssertionError("y")]), Outcome.FAILED),
        (ExceptionGroup("", [InstrumentError("x"), ValueError("y")]), Outcome.INCONCLUSIVE),
    ],
    ids=repr,
)
def test_only_what_is_judged_can_fail(error: BaseException | None, expected: Outcome) -> None:
    """An instrument's trouble, or our own, is neither good news nor bad."""
    assert outcome_of(error) is expected


def test_an_assertion_outside_the_body_is_a_bug_of_ours() -> None:
    """A fixture's assert does not speak about the subject; a subject's silence always does."""
    assert outcome_of(AssertionError(), in_body=False) is Outcome.INCONCLUSIVE
    assert outcome_of(SubjectError(), in_body=False) is Outcome.FAILED


def test_a_config_error_tells_every_problem() -> None:
    """Whoever mends the configuration sees all of it at once."""
    error = ConfigError(["one", "two"])
    assert error.problems == ("one", "two")
    assert str(error) == "one\ntwo"
