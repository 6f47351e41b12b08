"""An observation has lasted: a look at its end is none."""

from __future__ import annotations

import pytest

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.policy import Phase
from pytest_deploycheck.domain.words import State, Verdict
from tests.domain.builders import POINT, decide, ended, policy, result_of, started

RULES = policy(phases=[Phase(name="post_5min", title="", watch_s=1800.0)])
HALF_AN_HOUR = 181


def observed(letters: str, trigger: str | None = "errors") -> Decision:
    """The decision about a phase that is to be watched for half an hour, a sample each 10 s."""
    check = ended(letters, item_id=POINT, trigger=trigger)
    return decide(started(check), check, policy=RULES)


@pytest.mark.parametrize(
    ("letters", "verdict"),
    [
        ("P" * HALF_AN_HOUR, Verdict.PROCEED),
        ("P" * (HALF_AN_HOUR - 1), Verdict.HOLD),
        ("P", Verdict.HOLD),
        ("P" + "I" * (HALF_AN_HOUR - 2) + "P", Verdict.HOLD),
        ("P" * 90 + "I" * 5 + "P" * 90, Verdict.PROCEED),
        ("F" * 13, Verdict.ROLLBACK),
        ("F", Verdict.HOLD),
    ],
)
def test_every_trigger_was_looked_at_for_as_long_as_the_phase_wants(
    letters: str, verdict: Verdict
) -> None:
    """Less holds, and so does a hole; bad news does not wait for it."""
    assert observed(letters).verdict is verdict


def test_it_says_what_was_missing() -> None:
    """Found, expected, and which option makes it so."""
    decision = observed("PPP")
    assert result_of(decision, POINT).state is State.INCONCLUSIVE
    (reason,) = decision.reasons
    assert "looked at for 20 s without a hole" in reason.text
    assert "run it with --deploycheck-watch" in reason.text


def test_what_names_no_trigger_needs_one_look() -> None:
    """A box is ticked once."""
    assert observed("P", trigger=None).verdict is Verdict.PROCEED
