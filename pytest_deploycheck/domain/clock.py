"""The deployment clock: whether a run looked at a phase in the phase's own time."""

from __future__ import annotations

import dataclasses
import enum

from pytest_deploycheck.domain.histories import not_after
from pytest_deploycheck.domain.policy import Phase
from pytest_deploycheck.domain.units import spoken_duration


class Timeliness(enum.StrEnum):
    """When a run took its first sample, as its phase sees it."""

    EARLY = "early"
    ON_TIME = "on time"
    OVERDUE = "overdue"
    """After the due time, and still in time."""
    LATE = "late"

    @property
    def stands(self) -> bool:
        """A run of this timeliness stands for its phase."""
        return self in (Timeliness.ON_TIME, Timeliness.OVERDUE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Visit:
    """A run's look at a phase."""

    phase: Phase
    run: str
    after_s: float
    """Seconds from the deployment to the run's first sample; confirmation may end later."""

    @property
    def timeliness(self) -> Timeliness:
        """Where the first sample lies; a bound itself is still in time."""
        phase = self.phase
        if phase.earliest_s is not None and not not_after(phase.earliest_s, self.after_s):
            return Timeliness.EARLY
        if phase.late_s is not None and not not_after(self.after_s, phase.late_s):
            return Timeliness.LATE
        if phase.due_s is not None and not not_after(self.after_s, phase.due_s):
            return Timeliness.OVERDUE
        return Timeliness.ON_TIME

    def __str__(self) -> str:
        """Say what was found and expected, and what follows."""
        bounds = ((self.phase.earliest_s, "at the earliest"), (self.phase.late_s, "at the latest"))
        expected = [f"{spoken_duration(at)} {word}" for at, word in bounds if at is not None]
        text = (
            f"phase {self.phase.name}: run {self.run} took its first sample "
            f"{_spoken_offset(self.after_s)} the deployment"
        )
        if self.timeliness.stands:
            return f"{text}, {self.timeliness}"
        hope = ", and no later run can" if self.timeliness is Timeliness.LATE else ""
        return (
            f"{text}; expected {' and '.join(expected)}: it is {self.timeliness} and does not "
            f"stand for the phase{hope}"
        )


def _spoken_offset(after_s: float) -> str:
    return f"{spoken_duration(abs(after_s))} {'before' if after_s < 0 else 'after'}"
