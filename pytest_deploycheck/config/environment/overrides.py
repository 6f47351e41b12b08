"""What an environment may set otherwise than the policy."""

from __future__ import annotations

from pydantic import Field, RootModel

from pytest_deploycheck.config.environment.tables import HoldSeconds, Seconds, Table
from pytest_deploycheck.domain.words import Severity


class TriggerOverride(Table):
    """What this environment sets otherwise; the verdict shows what was used."""

    hold_s: HoldSeconds | None = Field(default=None, alias="hold")
    min_bad: int | None = Field(default=None, ge=1)
    max_gap_s: Seconds | None = Field(default=None, alias="max_gap")
    severity: Severity | None = None


class PhaseTimes(Table):
    """When a phase belongs here, where that is not as the policy says; a rehearsal is shorter."""

    earliest_s: HoldSeconds | None = Field(default=None, alias="earliest")
    due_s: HoldSeconds | None = Field(default=None, alias="due")
    late_s: HoldSeconds | None = Field(default=None, alias="late")
    watch_s: HoldSeconds | None = Field(default=None, alias="watch")


class Phases(RootModel[dict[str, PhaseTimes]]):
    """The times of all phases, for a command that reads no more of an environment."""

    root: dict[str, PhaseTimes] = {}
