"""The events of a journal: everything that happens to a deployment, as plain frozen data.

Times are Unix seconds, durations seconds. A record is the events of all its journals in any order:
nothing in an event depends on its place in a file.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Final, Literal

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.policy import Phase, Trigger, WordRule, Worse
from pytest_deploycheck.domain.words import Outcome

SCHEMA: Final = "deploycheck.journal/1"
OF_THE_RECORD: Final = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Measurement:
    """A named value that a check judged; its limit is a number not to cross."""

    name: str
    value: float
    unit: str
    """`ratio` (0 to 1), `s`, `bytes`, `1` for a count, or the environment's word."""
    limit: float | None = None
    worse: Worse = "above"
    """On which side of the limit a value is bad; the limit itself is good."""
    clear: float | None = None
    """Hysteresis: a breach of the history ends only here; None: at the limit."""
    history: History | None = None
    """The samples behind it, when the instrument keeps them."""
    query: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be compared.

        Raises:
            InstrumentError: The value or a limit is NaN or infinite.
            ValueError: The clearing limit lies on the bad side of the limit.
        """
        for number in (self.value, self.limit, self.clear):
            if number is not None and not math.isfinite(number):
                raise InstrumentError(f"{self.name} is {number}: no data, not zero")
        if self.clear is not None and (self.limit is None or self.is_bad(self.clear)):
            raise ValueError(
                f"{self.name} clears at {self.clear:g}; expected it on the good side of the limit"
            )

    def is_bad(self, value: float) -> bool:
        """Say whether *value* lies beyond the limit; never when there is no limit."""
        if self.limit is None:
            return False
        return value > self.limit if self.worse == "above" else value < self.limit

    def marks(self, values: Iterable[float]) -> list[bool]:
        """Say of each of *values*, oldest first, whether a breach goes on with it."""
        if self.clear is None:
            return [self.is_bad(value) for value in values]
        marks: list[bool] = []
        for value in values:
            open_now = bool(marks) and marks[-1]
            within = value > self.clear if self.worse == "above" else value < self.clear
            marks.append(self.is_bad(value) or (open_now and within))
        return marks

    @property
    def bad(self) -> bool:
        """The measured value lies beyond its limit."""
        return self.is_bad(self.value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was asked and what came back, capped and redacted before it gets here."""

    at_s: float
    source: str
    """The fixture that asked: `api`, `cluster`, `metrics`."""
    request: str
    """`GET https://…`, a query, a statement."""
    answer: str
    duration_s: float = 0.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckSample:
    """One run of a check's body; a check that is confirmed has several."""

    at_s: float
    outcome: Outcome
    message: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedCheck:
    """A check that was collected for a selected phase, whether or not it was then selected."""

    nodeid: str
    item: str
    trigger: str | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunStarted:
    """A run began; *planned* is what it owes an answer."""

    run: str
    """Unique among all runs; the shards of one run share it."""
    at_s: float
    environment: str
    release: str
    deployed_at_s: float
    phases: tuple[str, ...]
    planned: tuple[PlannedCheck, ...]
    shard: int = 1
    shards: int = 1
    checklist_sha256: str = ""
    policy_sha256: str = ""
    environment_sha256: str = ""
    """Of the environment as it is written, with all that it extends."""
    operator: str = ""
    version: str = ""
    """Of this package."""
    triggers: tuple[Trigger, ...] = ()
    """As used in this run: an environment may set a hold of its own."""
    words: tuple[WordRule, ...] = ()
    """Whose word counted, as the environment had it."""
    approvers: tuple[str, ...] = ()
    """Who could approve a waiver, as the environment had it."""
    times: tuple[Phase, ...] = ()
    """When each phase belonged on the deployment clock, as the environment had it."""
    accepts_demonstrations: bool = False
    """The environment said that it is a rehearsal."""
    weakened: tuple[str, ...] = ()
    """What the environment let pass that its base or the policy would not, a line for each."""
    demonstration: bool = False
    """Made up for a rehearsal; only an environment that says it is one counts it."""
    schema: Literal["deploycheck.journal/1"] = SCHEMA
    event: Literal["run_started"] = "run_started"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckEnded:
    """A check ended; its last sample's outcome is its outcome."""

    run: str
    at_s: float
    started_at_s: float
    nodeid: str
    item: str
    outcome: Outcome
    message: str = ""
    trigger: str | None = None
    samples: tuple[CheckSample, ...] = ()
    """Oldest first; the last one is the one reported. Never empty when the body ran."""
    measurements: tuple[Measurement, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    awaiting: bool = False
    """It asks for a person's word: the judge looks for an attestation itself."""
    answered: tuple[str, ...] = ()
    """`host:port` of everything that answered anything in the last sample."""
    silent: tuple[str, ...] = ()
    """`host:port` of everything that did not."""
    event: Literal["check_ended"] = "check_ended"

    @property
    def recovered(self) -> bool:
        """It passed after failing in the same run."""
        return self.outcome is Outcome.PASSED and any(
            sample.outcome is Outcome.FAILED for sample in self.samples
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckSampled:
    """A check was sampled and goes on; what a run that is cut off has seen until then."""

    run: str
    at_s: float
    nodeid: str
    item: str
    outcome: Outcome
    message: str = ""
    trigger: str | None = None
    answered: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    event: Literal["check_sampled"] = "check_sampled"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ProblemFound:
    """Something about the run itself forbids PROCEED: a collection error, an empty selection."""

    run: str
    """OF_THE_RECORD: it is about no run in particular, and stands against each."""
    at_s: float
    text: str
    event: Literal["problem_found"] = "problem_found"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RunEnded:
    """A run ended by itself; a journal without it was cut off."""

    run: str
    at_s: float
    shard: int = 1
    plain_failed: bool = False
    """A test that is no check failed: no reason of the verdict, and no exit code 0."""
    event: Literal["run_ended"] = "run_ended"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attested:
    """A person's word on an item of one release."""

    at_s: float
    id: str
    item: str
    environment: str
    release: str
    by: str
    role: str
    statement: str
    evidence: str = ""
    """A link, or empty."""
    valid_until_s: float | None = None
    not_applicable: bool = False
    demonstration: bool = False
    """Made up for a rehearsal; only an environment that says it is one accepts it."""
    event: Literal["attested"] = "attested"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Revoked:
    """An attestation or waiver was taken back."""

    at_s: float
    id: str
    """Of what is taken back."""
    by: str
    reason: str
    event: Literal["revoked"] = "revoked"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Waived:
    """A dated exception to one item."""

    at_s: float
    id: str
    item: str
    environment: str
    release: str | None
    """None: any release, until *until_s*."""
    until_s: float
    reason: str
    author: str
    approver: str
    ticket: str
    event: Literal["waived"] = "waived"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MessageSent:
    """A notification left: one event for each message and channel."""

    at_s: float
    id: str
    """Of the occasion, so that it is sent once: `<kind>/<release>`."""
    kind: str
    """`scheduled`, `completed`, `rolled-back`, `update`, `verdict`."""
    channel: str
    """Its name in the environment, never its address."""
    state: Literal["claimed", "sent", "failed"]
    subject: str
    attempt: int = 1
    """Which try it is on this channel; a receipt has that of its claim."""
    detail: str = ""
    by: str = ""
    changes: tuple[str, ...] = ()
    """What the deployment brings, in the words of whoever announced it."""
    promised_by_s: float | None = None
    """Until when it promises further news, Unix seconds."""
    demonstration: bool = False
    """Made up for a rehearsal; only an environment that says it is one counts it."""
    event: Literal["message_sent"] = "message_sent"


@dataclasses.dataclass(frozen=True, kw_only=True)
class RolledBack:
    """A step of a rollback; what is not in the journal is not claimed."""

    at_s: float
    id: str
    step: Literal["advised", "started", "dry_run", "executed", "failed", "verified", "not_verified"]
    """`advised` is a verdict's word; from `started` on, somebody does it."""
    release: str
    """That was left."""
    revision: str
    """That it goes back to."""
    command: str
    by: str
    detail: str = ""
    event: Literal["rolled_back"] = "rolled_back"


@dataclasses.dataclass(frozen=True, kw_only=True)
class BaselineValue:
    """One value of a baseline, in the query's unit, over the baseline's window."""

    name: str
    value: float
    unit: str
    samples: int
    spread: float = 0.0
    """Median absolute deviation of its samples, same unit."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class BaselineRecorded:
    """The values that later ones are compared with."""

    at_s: float
    environment: str
    release: str
    from_s: float
    until_s: float
    values: tuple[BaselineValue, ...]
    event: Literal["baseline_recorded"] = "baseline_recorded"


Event = (
    RunStarted
    | CheckEnded
    | CheckSampled
    | ProblemFound
    | RunEnded
    | Attested
    | Revoked
    | Waived
    | MessageSent
    | RolledBack
    | BaselineRecorded
)
