"""Reads a verdict.json back into a decision, where nothing else of a run is left.

It knows less than the journal: no samples, no histories, no expectation but the checklist's own.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_deploycheck.domain.decision import (
    PLAIN_FAILED,
    CheckResult,
    Decision,
    ItemResult,
    Reason,
    TriggerResult,
)
from pytest_deploycheck.domain.errors import DeploycheckError
from pytest_deploycheck.domain.events import CheckEnded, Evidence, Measurement
from pytest_deploycheck.domain.items import Checklist, Item, Kind
from pytest_deploycheck.domain.units import unix_seconds
from pytest_deploycheck.domain.words import (
    Case,
    Outcome,
    Severity,
    State,
    TriggerState,
    Verdict,
    gravity,
    verdict_of,
    worst_verdict,
)
from pytest_deploycheck.report.verdict import SCHEMA

_EXCUSED: Final = frozenset({State.WAIVED, State.NOT_APPLICABLE})


class VerdictError(DeploycheckError):
    """A verdict.json cannot be read; the message names the file and what is wrong."""


def read_verdict(path: Path, checklist: Checklist) -> Decision:
    """Return the decision that *path* holds.

    Args:
        path: A verdict.json.
        checklist: Knows what each item expects; an item that it does not have keeps its title.

    Raises:
        VerdictError: It is no verdict of this schema, or is milder than what it stands on.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise VerdictError(f"{path}: {error.strerror}; expected a verdict.json") from error
    except ValueError as error:
        raise VerdictError(f"{path}: no JSON ({error}); is it cut off?") from error
    found = document.get("schema") if isinstance(document, dict) else None
    if found != SCHEMA:
        raise VerdictError(f"{path}: schema {found!r}; this version reads {SCHEMA!r}")
    try:
        decision = _decision(document, checklist)
    except (KeyError, TypeError, ValueError, AttributeError, DeploycheckError) as error:
        raise VerdictError(f"{path}: {type(error).__name__}: {error}; is it changed?") from error
    for problem in _too_mild(decision):
        raise VerdictError(f"{path}: {problem}; is it changed?")
    return decision


def _too_mild(decision: Decision) -> Iterator[str]:
    """Say what of *decision* is better than what it stands on: nobody has judged it so."""
    missing = [item for item in decision.items if item.not_run or not item.checks]
    if missing and not decision.partial:
        yield f"partial is false, and {missing[0].item.id} has no answer"
    for item in decision.items:
        excused = item.state in _EXCUSED and (item.waiver or item.attestation)
        expected = worst_verdict(
            [
                Verdict.PROCEED,
                *(check.verdict for check in item.checks),
                *([Verdict.HOLD] if item in missing else []),
            ]
        )
        if gravity(item.verdict) < gravity(expected) and not excused:
            yield f"{item.item.id} is {item.verdict}, and its checks say {expected}"
        if gravity(decision.verdict) < gravity(item.verdict):
            yield f"the verdict is {decision.verdict}, and {item.item.id} says {item.verdict}"
    for reason in decision.reasons:
        if gravity(decision.verdict) < gravity(reason.verdict):
            yield f"the verdict is {decision.verdict}, and a reason says {reason.verdict}"


def _decision(document: Mapping[str, Any], checklist: Checklist) -> Decision:
    checks = {each["nodeid"]: each for each in document["checks"]}
    verdict, phases = Verdict(document["verdict"]), tuple(document["phases"])
    commands = document["next"]
    return Decision(
        plain_failed=document["exit_code"] == PLAIN_FAILED,
        verdict=verdict,
        phases=phases,
        environment=document["environment"],
        release=document["release"],
        deployed_at_s=unix_seconds(document["deployed_at"]),
        started_at_s=unix_seconds(document["started_at"]),
        at_s=unix_seconds(document["finished_at"]),
        partial=_flag(document["partial"]),
        reasons=tuple(
            Reason(
                verdict=Verdict(each["verdict"]),
                text=each["text"],
                item=each["item"],
                trigger=each["trigger"],
                cause=each["cause"],
            )
            for each in document["reasons"]
        ),
        triggers=tuple(_trigger(each) for each in document["triggers"]),
        items=tuple(_item(each, checks, phases, checklist) for each in document["items"]),
        checklist_sha256=document["checklist_sha256"],
        policy_sha256=document["policy_sha256"],
        following=checklist.following(phases),
        rollback_command=" ".join(commands[1:2]) if verdict is Verdict.ROLLBACK else "",
    )


def _trigger(each: Mapping[str, Any]) -> TriggerResult:
    return TriggerResult(
        id=each["id"],
        title=each["title"],
        severity=Severity(each["severity"]),
        state=TriggerState(each["state"]),
        hold_s=each["hold_s"],
        held_s=each["held_s"],
        since_s=unix_seconds(each["since"]) if each["since"] else None,
        items=tuple(each["items"]),
    )


def _item(
    each: Mapping[str, Any],
    checks: Mapping[str, Mapping[str, Any]],
    phases: Collection[str],
    checklist: Checklist,
) -> ItemResult:
    known = checklist.by_id.get(each["id"])
    item = Item(
        id=each["id"],
        title=each["title"],
        expectation=known.expectation if known else "",
        phases=tuple(each["phases"]),
        section=each["section"],
        kind=Kind(each["kind"]),
    )
    return ItemResult(
        item=item,
        state=State(each["state"]),
        verdict=Verdict(each["verdict"]),
        recovered=_flag(each["recovered"]),
        checks=tuple(
            _check(checks[nodeid], gate=item.in_gate(phases))
            for nodeid in each["checks"]
            if nodeid in checks
        ),
        not_run=tuple(nodeid for nodeid in each["checks"] if nodeid not in checks),
        waiver=each["waiver"],
        attestation=each["attestation"],
    )


def _check(each: Mapping[str, Any], *, gate: bool) -> CheckResult:
    started_s = unix_seconds(each["started_at"])
    ended = CheckEnded(
        run="",
        at_s=started_s + each["duration_s"],
        started_at_s=started_s,
        nodeid=each["nodeid"],
        item=each["item"],
        outcome=Outcome(each["outcome"]),
        message=each["message"],
        trigger=each["trigger"],
        measurements=tuple(
            Measurement(
                name=m["name"],
                value=m["value"],
                unit=m["unit"],
                limit=m["limit"],
                worse=m["worse"],
            )
            for m in each["measurements"]
        ),
        evidence=tuple(
            Evidence(
                at_s=unix_seconds(e["at"]),
                source=e["source"],
                request=e["request"],
                answer=e["answer"],
                duration_s=e["duration_s"],
            )
            for e in each["evidence"]
        ),
    )
    case = Case[each["case"]]
    if case is Case.SATISFIED and ended.outcome is Outcome.FAILED:
        raise ValueError(f"{ended.nodeid} is {ended.outcome} and {case.name}")
    return CheckResult(
        ended=ended,
        case=case,
        verdict=verdict_of(case, gate=gate),
        trigger_state=TriggerState(each["trigger_state"]) if each["trigger_state"] else None,
        since_s=unix_seconds(each["since"]) if each["since"] else None,
        held_s=each["held_s"],
    )


def _flag(found: object) -> bool:
    """Return what is true or false, and no text: "false" would be taken for true."""
    if not isinstance(found, bool):
        raise TypeError(f"found {found!r}; expected true or false")
    return found
