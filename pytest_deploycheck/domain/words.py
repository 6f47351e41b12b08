"""The closed vocabularies of a decision, and the table that turns states into verdicts."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Final


class Outcome(enum.StrEnum):
    """What one run of a check found, best first."""

    PASSED = "PASSED"
    INCONCLUSIVE = "INCONCLUSIVE"
    FAILED = "FAILED"


class State(enum.StrEnum):
    """Where an item stands."""

    PASSED = "PASSED"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    WAIVED = "WAIVED"
    AWAITING = "AWAITING"
    NOT_RUN = "NOT_RUN"
    INCONCLUSIVE = "INCONCLUSIVE"
    FAILED = "FAILED"


UNCHECKED: Final = frozenset({State.INCONCLUSIVE, State.NOT_RUN, State.AWAITING})
"""Nothing could be said, either way."""


class Severity(enum.StrEnum):
    """What a firing trigger asks for."""

    OBSERVE = "observe"
    ROLLBACK = "rollback"


class TriggerState(enum.StrEnum):
    """As in Prometheus: not breached, breached for less than the hold, breached for the hold."""

    INACTIVE = "INACTIVE"
    PENDING = "PENDING"
    FIRING = "FIRING"


class Verdict(enum.StrEnum):
    """The decision about a deployment, mildest first."""

    PROCEED = "PROCEED"
    OBSERVE = "OBSERVE"
    HOLD = "HOLD"
    ROLLBACK = "ROLLBACK"

    @property
    def exit_code(self) -> int:
        """The process exit code that stands for this verdict."""
        return EXIT_CODES[self]


EXIT_CODES: Final[Mapping[Verdict, int]] = {
    Verdict.PROCEED: 0,
    Verdict.OBSERVE: 10,
    Verdict.HOLD: 11,
    Verdict.ROLLBACK: 20,
}


class Case(enum.StrEnum):
    """The rows of the verdict table: what may be said of one item."""

    SATISFIED = "PASSED, WAIVED, NOT_APPLICABLE"
    RECOVERED = "PASSED after recovering in this run"
    FIRING = "FAILED, rollback trigger FIRING"
    WATCHED = "FAILED, rollback trigger PENDING; observe trigger PENDING or FIRING"
    UNTIMED = "FAILED, duration cannot be told; a breach that reached its hold and has ended"
    UNCOVERED = "FAILED, no trigger"
    UNPROVEN = "INCONCLUSIVE, NOT_RUN, AWAITING"


#: The verdict of each case: in a gate (nothing is released yet), and in any later phase.
TABLE: Final[Mapping[Case, tuple[Verdict, Verdict]]] = {
    Case.SATISFIED: (Verdict.PROCEED, Verdict.PROCEED),
    Case.RECOVERED: (Verdict.HOLD, Verdict.OBSERVE),
    Case.FIRING: (Verdict.HOLD, Verdict.ROLLBACK),
    Case.WATCHED: (Verdict.HOLD, Verdict.OBSERVE),
    Case.UNTIMED: (Verdict.HOLD, Verdict.HOLD),
    Case.UNCOVERED: (Verdict.HOLD, Verdict.HOLD),
    Case.UNPROVEN: (Verdict.HOLD, Verdict.HOLD),
}


def verdict_of(case: Case, *, gate: bool) -> Verdict:
    """Look *case* up in the table."""
    in_gate, later = TABLE[case]
    return in_gate if gate else later


#: From good to bad; an enumeration itself is slow to walk through.
OUTCOMES: Final = tuple(Outcome)
_STATES: Final = tuple(State)
_GRAVITY: Final = {verdict: rank for rank, verdict in enumerate(Verdict)}


def gravity(verdict: Verdict) -> int:
    """Return how grave *verdict* is, from 0."""
    return _GRAVITY[verdict]


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the gravest verdict.

    Raises:
        ValueError: There is none: a decision about nothing is not PROCEED.
    """
    return max(verdicts, key=gravity)


def worst_outcome(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the gravest outcome.

    Raises:
        ValueError: There is none.
    """
    return max(outcomes, key=OUTCOMES.index)


def worst_state(states: Iterable[State]) -> State:
    """Return the gravest state.

    Raises:
        ValueError: There is none.
    """
    return max(states, key=_STATES.index)


def worst_trigger_state(states: Iterable[TriggerState]) -> TriggerState:
    """Return the gravest trigger state, INACTIVE when nothing was found."""
    return max(states, key=list(TriggerState).index, default=TriggerState.INACTIVE)
