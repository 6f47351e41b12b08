"""The rollback policy: triggers with their holds, phases with their times, limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal, Self

from pytest_deploycheck.domain.words import Severity

Worse = Literal["above", "below"]
"""On which side of a limit it is bad."""


class Limit(float):
    """A number not to cross, itself still good; it knows on which side of it a value is bad."""

    worse: Worse
    clear: float | None
    """Where a breach of a history ends, on the good side; None: at the limit itself."""
    unit: str
    """`s`, `bytes` or `ratio`; empty: it is of anything else."""

    def __new__(
        cls, value: float, *, worse: Worse, clear: float | None = None, unit: str = ""
    ) -> Self:
        """Make the number *value*."""
        made = super().__new__(cls, value)
        made.worse, made.clear, made.unit = worse, clear, unit
        return made

    def is_bad(self, value: float) -> bool:
        """Say whether *value* lies beyond it."""
        return value > self if self.worse == "above" else value < self


@dataclasses.dataclass(frozen=True, kw_only=True)
class Trigger:
    """A sentence of the rollback policy."""

    id: str
    """The slug of its decision point: `critical-error-rate`."""
    title: str
    """As the checklist writes it: `Critical Error Rate`."""
    sentence: str
    """What the checklist says: `>5% error rate for >2 minutes`."""
    severity: Severity
    hold_s: float
    """How long it must have lasted; 0.0 fires at once."""
    min_bad: int
    """How many bad samples are proof, at least 1."""
    max_gap_s: float
    """The longest hole between two bad samples of one breach."""
    never_waivable: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phase:
    """When a phase belongs on the deployment clock; seconds after `deployed_at`, None: no bound."""

    name: str
    title: str
    earliest_s: float | None = None
    due_s: float | None = None
    late_s: float | None = None
    """A first sample after this does not stand for the phase."""
    watch_s: float = 0.0
    """How long its triggers must have been looked at; 0.0: one look will do."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class WordRule:
    """Whose word counts for an item, and when."""

    item: str
    roles: tuple[str, ...]
    """Any of them may speak; for people to read."""
    people: tuple[str, ...]
    """Who may speak, as they sign; nobody: the item stays AWAITING."""
    after_deployment: bool = False
    """A word from before the rollout says nothing about it, nor one from before its phase began."""
    needs_evidence: bool = False
    """It must name where what it says can be read."""
    max_age_s: float | None = None
    """None: it stays valid for its release."""
    distinct: str = ""
    """Items that share this word need different people; empty: anybody may speak for several."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Policy:
    """Everything that turns outcomes into a decision and is not in the checklist."""

    triggers: Mapping[str, Trigger]
    phases: Mapping[str, Phase]
    limits: Mapping[str, Limit]
    """By name, each name ending in its unit: `error_ratio_critical` (0 to 1), `latency_p95_s`."""
    interval_s: float
    """How often a failing check is sampled again."""
    settle_s: float
    """How long it must have been good to count as recovered."""
    never_waivable: frozenset[str] = frozenset()
    """Ids of items, besides those of never waivable triggers."""
    may_not_apply: frozenset[str] = frozenset()
    """Ids of items that a person may declare NOT_APPLICABLE."""
    words: Mapping[str, WordRule] = dataclasses.field(default_factory=dict)
    """By item id, from the environment; for an item without a rule nobody's word counts."""
    approvers: frozenset[str] = frozenset()
    """Who may approve a waiver, as they sign, from the environment; nobody: no waiver counts."""
    accepts_demonstrations: bool = False
    """A rehearsal: attestations that were made up for a demonstration count."""
    max_waiver_life_s: float = 30 * 86400.0
    review_within_s: float | None = None
    """How long after a deployment the checklist is reviewed; None: nobody has said."""
    owners: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Who is asked first, by item id, trigger or phase."""
    runbooks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Where it says what to do, by item id, trigger or phase: a link or a sentence."""
    sha256: str = ""
