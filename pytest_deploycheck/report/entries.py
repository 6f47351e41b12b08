"""What the page says of each item, with as much of its evidence as there is room for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from pytest_deploycheck.domain.decision import CheckResult, Decision, ItemResult
from pytest_deploycheck.domain.events import Evidence
from pytest_deploycheck.domain.invocation import Invocation
from pytest_deploycheck.domain.policy import Policy, Trigger
from pytest_deploycheck.domain.reasons import words_of
from pytest_deploycheck.domain.words import (
    UNCHECKED,
    Outcome,
    State,
    TriggerState,
    Verdict,
    gravity,
)
from pytest_deploycheck.report.text import neutral
from pytest_deploycheck.report.verdict import check_command

#: Evidence on a page, in bytes: for each item, and at least.
_EVIDENCE_BYTES: Final = 600
_EVIDENCE_BYTES_LEAST: Final = 60_000
#: The markup around one piece of evidence.
_FRAME_BYTES: Final = 120
_LONGEST_ANSWER: Final = 3_000
_LONGEST_PASSED_ANSWER: Final = 200


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shown:
    """Evidence, as much of it as the page has room for."""

    evidence: Evidence
    answer: str
    left_out: int
    """Characters of the answer that are only in verdict.json."""
    named: bool = True
    """There was room to name the request."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckEntry:
    """A check of an item."""

    result: CheckResult
    trigger: Trigger | None
    bad_samples: int
    evidence: tuple[Shown, ...]
    """What there was room for."""
    unnamed: int
    """Requests that are only in verdict.json."""
    command: str
    """How to run just this check."""

    @property
    def words(self) -> str:
        """What it said itself; what it measured is shown beside it."""
        return words_of(self.result.ended)

    @property
    def fine(self) -> bool:
        """It asks for nothing."""
        return self.result.verdict is Verdict.PROCEED


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """An item with everything the page says of it."""

    result: ItemResult
    reasons: tuple[str, ...]
    checks: tuple[CheckEntry, ...]
    commands: tuple[tuple[str, str], ...]
    """Node id and command of each check that did not run."""
    owner: str
    runbook: str

    @property
    def anchor(self) -> str:
        """The item's place on the page."""
        return anchor(self.result.item.id)

    @property
    def triggers(self) -> tuple[tuple[Trigger, CheckResult], ...]:
        """Each trigger that its checks name, with the check that has it gravest and longest."""
        order = list(TriggerState)
        worst: dict[str, tuple[Trigger, CheckResult]] = {}
        for check in self.checks:
            state = check.result.trigger_state
            if check.trigger is None or state is None:
                continue
            _, other = worst.get(check.trigger.id, (check.trigger, check.result))
            if (order.index(state), check.result.held_s) >= (
                order.index(other.trigger_state or state),
                other.held_s,
            ):
                worst[check.trigger.id] = (check.trigger, check.result)
        return tuple(worst.values())

    @property
    def unchecked(self) -> bool:
        """Nothing could be said of it."""
        return self.result.state in UNCHECKED

    @property
    def troubled(self) -> bool:
        """It failed, or it stands against PROCEED, or has a trigger that is not INACTIVE."""
        return not self.unchecked and (
            self.result.state is State.FAILED
            or self.result.verdict is not Verdict.PROCEED
            or any(
                check.trigger_state not in (None, TriggerState.INACTIVE)
                for check in self.result.checks
            )
        )


def anchor(item_id: str) -> str:
    """Return the HTML id of an item."""
    return f"item-{item_id.replace('/', '-')}"


def entries_of(decision: Decision, policy: Policy, *, invocation: Invocation) -> tuple[Entry, ...]:
    """Return an entry for each item; those that stand against PROCEED get their evidence first."""
    budget = _Budget(max(_EVIDENCE_BYTES_LEAST, _EVIDENCE_BYTES * len(decision.items)))
    by_need = sorted(decision.items, key=lambda item: -gravity(item.verdict))
    made = {item.item.id: _entry(item, decision, policy, budget, invocation) for item in by_need}
    return tuple(made[item.item.id] for item in decision.items)


class _Budget:
    """How many bytes of evidence the page still has room for."""

    def __init__(self, size_bytes: int) -> None:
        self._left_bytes = size_bytes

    def show(self, evidence: Evidence, *, longest: int) -> Shown:
        text = neutral(evidence.answer)
        self._left_bytes -= len(neutral(evidence.request).encode()) + _FRAME_BYTES
        if self._left_bytes < 0:
            return Shown(evidence=evidence, answer="", left_out=len(text), named=False)
        answer = text[:longest]
        while answer and len(escape(answer).encode()) > self._left_bytes:
            answer = answer[: len(answer) // 2]
        self._left_bytes -= len(escape(answer).encode())
        return Shown(evidence=evidence, answer=answer, left_out=len(text) - len(answer))


def _entry(
    item: ItemResult, decision: Decision, policy: Policy, budget: _Budget, invocation: Invocation
) -> Entry:
    well = item.verdict is Verdict.PROCEED
    longest = _LONGEST_PASSED_ANSWER if well else _LONGEST_ANSWER
    triggers = [check.ended.trigger for check in item.checks if check.ended.trigger]
    keys = [item.item.id, *triggers, *item.item.phases]
    return Entry(
        result=item,
        reasons=tuple(dict.fromkeys(r.text for r in decision.reasons if r.item == item.item.id)),
        checks=tuple(
            CheckEntry(
                result=check,
                trigger=policy.triggers.get(check.ended.trigger or ""),
                bad_samples=sum(s.outcome is Outcome.FAILED for s in check.ended.samples),
                evidence=tuple(shown for shown in evidence if shown.named),
                unnamed=sum(not shown.named for shown in evidence),
                command=check_command(decision, check.ended.nodeid, invocation=invocation),
            )
            for check in item.checks
            for evidence in [[budget.show(e, longest=longest) for e in check.ended.evidence]]
        ),
        commands=tuple(
            (nodeid, check_command(decision, nodeid, invocation=invocation))
            for nodeid in item.not_run
        ),
        owner=_first(policy.owners, keys),
        runbook=_first(policy.runbooks, keys),
    )


def _first(named: Mapping[str, str], keys: Sequence[str]) -> str:
    return next((named[key] for key in keys if key in named), "")
