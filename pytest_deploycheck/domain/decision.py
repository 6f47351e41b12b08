"""What `judge` answers: the verdict with everything that explains it."""

from __future__ import annotations

import dataclasses

from pytest_deploycheck.domain.clock import Visit
from pytest_deploycheck.domain.events import CheckEnded
from pytest_deploycheck.domain.items import Item
from pytest_deploycheck.domain.words import Case, Severity, State, TriggerState, Verdict

PLAIN_FAILED = 1
"""pytest's own exit code for failed tests."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reason:
    """One line of why; found against limit with unit, since when, what changes it."""

    verdict: Verdict
    text: str
    item: str | None = None
    trigger: str | None = None
    cause: str = ""
    """What explains the missing evidence of several items at once; empty: this item alone."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckResult:
    """A check as judged."""

    ended: CheckEnded
    case: Case
    verdict: Verdict
    trigger_state: TriggerState | None = None
    """None: it names no trigger."""
    since_s: float | None = None
    """When its newest breach began, None when it has none."""
    held_s: float = 0.0
    watched_s: float | None = None
    """For how long it has been looked at, where that is less than its phase wants; else None."""
    outside: CheckEnded | None = None
    """A newer PASSED answer that came too early or too late to stand for its phase."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ItemResult:
    """An item as judged."""

    item: Item
    state: State
    verdict: Verdict
    recovered: bool
    checks: tuple[CheckResult, ...]
    not_run: tuple[str, ...]
    """Node ids of planned checks without an answer."""
    waiver: str | None = None
    """Id of the waiver in force."""
    attestation: str | None = None
    """Id of the attestation in force."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TriggerResult:
    """A trigger of the policy as judged over all checks that name it."""

    id: str
    title: str
    severity: Severity
    state: TriggerState
    hold_s: float
    held_s: float
    since_s: float | None
    items: tuple[str, ...]
    """Ids of the items whose checks have it PENDING or FIRING."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision:
    """The verdict over the selected phases, and why."""

    verdict: Verdict
    phases: tuple[str, ...]
    environment: str
    release: str
    deployed_at_s: float
    started_at_s: float
    at_s: float
    partial: bool
    plain_failed: bool
    """A test that is no check failed in a run in scope."""
    reasons: tuple[Reason, ...]
    """Gravest first; empty only for PROCEED."""
    triggers: tuple[TriggerResult, ...]
    items: tuple[ItemResult, ...]
    checklist_sha256: str
    policy_sha256: str
    visits: tuple[Visit, ...] = ()
    """When each run in scope looked at each of its phases, oldest first."""
    review_at_s: float | None = None
    """Until when the checklist is reviewed, where this signs the deployment off."""
    following: str | None = None
    """The phase to run next, where this one proceeds; None: it is the last that has items."""
    rollback_command: str = ""
    """The exact command that brings the previous release back; empty: not told."""
    weakened: tuple[str, ...] = ()
    """What the environment of the runs let pass that its base or the policy would not."""

    @property
    def exit_code(self) -> int:
        """The process exit code: the verdict's, or 1 for a plain test beside a milder one."""
        if self.plain_failed and self.verdict in (Verdict.PROCEED, Verdict.OBSERVE):
            return PLAIN_FAILED
        return self.verdict.exit_code
