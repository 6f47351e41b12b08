"""Whose fault a failure is, as exception classes, and the one function that reads them.

DeploycheckError
├── SubjectError       what is judged answered wrongly, refused, or kept silent
├── InstrumentError    what we measure with did not give a usable answer, or the fault may be ours
│   └── AwaitingError  a person's word is missing
└── ConfigError        the configuration cannot be used: every problem at once
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.domain.words import Outcome, worst_outcome


class DeploycheckError(Exception):
    """Anything this project raises on purpose."""


class SubjectError(DeploycheckError):
    """The subject is wrong, refuses, or is silent: the check FAILED."""


class InstrumentError(DeploycheckError):
    """No usable evidence: the check is INCONCLUSIVE."""


class AwaitingError(InstrumentError):
    """A person has not spoken yet, or not validly: the item is AWAITING."""


class ConfigError(DeploycheckError):
    """The configuration cannot be used; *problems* has a line for each thing to mend."""

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep every problem; the message is all of them, a line each."""
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


def outcome_of(error: BaseException | None, *, in_body: bool = True) -> Outcome:
    """Decide the outcome of a check from how it ended; nothing else decides this.

    Args:
        error: What the check raised, None when it returned.
        in_body: Raised by the check's own function, not by its set-up or tear-down.
    """
    if error is None:
        return Outcome.PASSED
    if isinstance(error, BaseExceptionGroup):
        return worst_outcome(outcome_of(leaf, in_body=in_body) for leaf in error.exceptions)
    if isinstance(error, SubjectError) or (in_body and isinstance(error, AssertionError)):
        return Outcome.FAILED
    return Outcome.INCONCLUSIVE
