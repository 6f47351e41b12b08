"""The closed vocabularies and their order."""

from __future__ import annotations

import pytest

from pytest_deploycheck.domain.words import (
    TABLE,
    Case,
    Outcome,
    State,
    TriggerState,
    Verdict,
    verdict_of,
    worst_outcome,
    worst_state,
    worst_trigger_state,
    worst_verdict,
)


def test_every_verdict_has_its_own_exit_code() -> None:
    """A pipeline reads the verdict from the exit code alone."""
    assert {v.value: v.exit_code for v in Verdict} == {
        "PROCEED": 0,
        "OBSERVE": 10,
        "HOLD": 11,
        "ROLLBACK": 20,
    }


def test_the_table_has_a_row_for_every_case() -> None:
    """No state of an item is without a verdict."""
    assert set(TABLE) == set(Case)


def test_a_gate_never_rolls_back_and_is_never_milder_than_a_later_phase_but_for_that() -> None:
    """Before the release there is nothing to roll back, and no reason to let anything pass."""
    order = list(Verdict)
    for case in Case:
        gate, later = (verdict_of(case, gate=True), verdict_of(case, gate=False))
        assert gate is not Verdict.ROLLBACK
        assert order.index(gate) >= order.index(later) or later is Verdict.ROLLBACK


def test_the_worst_wins() -> None:
    """One bad answer among good ones decides."""
    assert worst_verdict([Verdict.PROCEED, Verdict.HOLD, Verdict.OBSERVE]) is Verdict.HOLD
    assert worst_outcome([Outcome.FAILED, Outcome.INCONCLUSIVE]) is Outcome.FAILED
    assert worst_state([State.WAIVED, State.NOT_RUN, State.AWAITING]) is State.NOT_RUN
    assert worst_trigger_state([TriggerState.PENDING, TriggerState.INACTIVE]) is (
        TriggerState.PENDING
    )


def test_nothing_is_no_evidence() -> None:
    """The worst of nothing is an error, never the mildest word; only triggers may be absent."""
    with pytest.raises(ValueError, match="empty"):
        worst_verdict([])
    with pytest.raises(ValueError, match="empty"):
        worst_outcome([])
    with pytest.raises(ValueError, match="empty"):
        worst_state([])
    assert worst_trigger_state([]) is TriggerState.INACTIVE
