"""`verdict.json`: the decision for machines, schema `deploycheck.verdict/1`."""

from __future__ import annotations

import datetime
import functools
import json
import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any, Final

from pytest_deploycheck.domain.clock import Timeliness
from pytest_deploycheck.domain.decision import (
    CheckResult,
    Decision,
    ItemResult,
    Reason,
    TriggerResult,
)
from pytest_deploycheck.domain.events import Evidence, Measurement
from pytest_deploycheck.domain.invocation import USUAL, Invocation
from pytest_deploycheck.domain.timelines import Span
from pytest_deploycheck.domain.words import State, Verdict
from pytest_deploycheck.report.text import neutral

SCHEMA: Final = "deploycheck.verdict/1"
_MOST_COMMANDS = 9
_MOST_SPANS = 500


def verdict_document(
    decision: Decision,
    *,
    invocation: Invocation = USUAL,
    exit_code: int | None = None,
    timelines: Mapping[str, Sequence[Span]] | None = None,
) -> dict[str, Any]:
    """Return the decision as plain data, every string neutral.

    Args:
        decision: What was judged.
        invocation: How the run was asked for.
        exit_code: The process's own, when it is not the decision's: pytest's when interrupted.
        timelines: Of each trigger, by its id; None: nothing is known of them.
    """
    known = timelines or {}
    return {
        "schema": SCHEMA,
        "verdict": decision.verdict.value,
        "exit_code": decision.exit_code if exit_code is None else exit_code,
        "environment": neutral(decision.environment),
        "release": neutral(decision.release),
        "phases": list(decision.phases),
        "deployed_at": iso(decision.deployed_at_s),
        "started_at": iso(decision.started_at_s),
        "finished_at": iso(decision.at_s),
        "partial": decision.partial,
        "checklist_sha256": decision.checklist_sha256,
        "policy_sha256": decision.policy_sha256,
        "reasons": [_reason(reason) for reason in decision.reasons],
        "triggers": [_trigger(trigger, known.get(trigger.id, ())) for trigger in decision.triggers],
        "items": [_item(item) for item in decision.items],
        "checks": [_check(check) for item in decision.items for check in item.checks],
        "next": [neutral(command) for command in next_commands(decision, invocation=invocation)],
    }


def to_json(document: Mapping[str, Any]) -> str:
    """Write *document* as `verdict.json` has it.

    Raises:
        ValueError: A number is NaN or infinite, which JSON has no word for.
    """
    # A line for each element of the lists: to be read and compared, and five times as fast as
    # json's own indentation, which its fast encoder does not do.
    dumps = functools.partial(json.dumps, ensure_ascii=False, allow_nan=False)
    lines = []
    for key, value in document.items():
        if isinstance(value, list) and value:
            text = "[\n" + ",\n".join(f"  {dumps(element)}" for element in value) + "\n ]"
        else:
            text = dumps(value)
        lines.append(f" {dumps(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def json_schema() -> dict[str, Any]:
    """Return the published JSON Schema of `verdict.json`."""
    text = resources.files(__package__).joinpath("verdict.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def iso(at_s: float) -> str:
    """Return *at_s* in UTC as ISO 8601: `2026-01-31T12:03:10Z`, to the second."""
    return _iso_second(math.floor(round(at_s, 6)))


@functools.lru_cache(maxsize=1024)  # of a thousand checks most begin in the same few seconds
def _iso_second(at_s: int) -> str:
    return f"{datetime.datetime.fromtimestamp(at_s, datetime.UTC):%Y-%m-%dT%H:%M:%S}Z"


def next_commands(decision: Decision, *, invocation: Invocation = USUAL) -> list[str]:
    """Return the commands to run next, the most pressing first."""
    match decision.verdict:
        case Verdict.ROLLBACK:
            confirmed = f"--confirm={decision.environment}/{decision.release}"
            env = invocation.env_option(decision.environment)
            ours = _command("deploycheck", "rollback", env, *invocation.folders(), confirmed)
            return [ours, *([decision.rollback_command] if decision.rollback_command else [])]
        case Verdict.PROCEED:
            phases = [decision.following] if decision.following else []
            return [run_command(decision, f"-m {p}", invocation=invocation) for p in phases]
        case Verdict.OBSERVE:
            watch = run_command(decision, _expression(decision.phases), invocation=invocation)
            return [f"{watch} --deploycheck-watch=30m"]
        case Verdict.HOLD:
            commands = [_for_held_item(item, decision, invocation) for item in decision.items]
            kept = list(dict.fromkeys(command for command in commands if command))
            phases = _worth_another_run(decision)
            again = [run_command(decision, _expression(phases), invocation=invocation)]
            return [*kept[: _MOST_COMMANDS - 1], *(again if phases else [])]


def _worth_another_run(decision: Decision) -> list[str]:
    """Return the phases that another run could answer: they have items, and are not over."""
    answered = {phase for item in decision.items for phase in item.item.phases}
    looked = {visit.phase.name: visit.timeliness for visit in decision.visits}
    return [p for p in decision.phases if p in answered and looked.get(p) is not Timeliness.LATE]


def run_command(decision: Decision, selection: str, *, invocation: Invocation) -> str:
    """Return the command that runs *selection* (already quoted) for this very deployment."""
    return " ".join(
        [
            "pytest",
            selection,
            shlex.quote(invocation.env_option(decision.environment)),
            *map(shlex.quote, invocation.folders("--deploycheck-")),
            shlex.quote(f"--deploycheck-release={decision.release}"),
            f"--deploycheck-deployed-at={iso(decision.deployed_at_s)}",
        ]
    )


def check_command(decision: Decision, nodeid: str, *, invocation: Invocation) -> str:
    """Return the command that runs just the check *nodeid* for this very deployment."""
    return run_command(decision, shlex.quote(nodeid), invocation=invocation)


def _expression(phases: Iterable[str]) -> str:
    return f"-m {shlex.quote(' or '.join(phases))}"


def _for_held_item(item: ItemResult, decision: Decision, invocation: Invocation) -> str | None:
    if item.verdict is not Verdict.HOLD:
        return None
    if item.state is State.AWAITING:
        env = invocation.env_option(decision.environment)
        of_this = (env, *invocation.folders(), f"--release={decision.release}")
        asked = ["--by=…", "--statement=…"]  # what a person writes, as the check asks for it
        if any("--evidence=" in check.ended.message for check in item.checks):
            asked.append("--evidence=…")
        return " ".join([_command("deploycheck", "attest", item.item.id, *of_this), *asked])
    return _command("deploycheck", "why", item.item.id, *invocation.folders())


def _command(*words: str) -> str:
    return " ".join(shlex.quote(word) for word in words)


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "item": reason.item,
        "trigger": reason.trigger,
        "verdict": reason.verdict.value,
        "text": neutral(reason.text),
        "cause": neutral(reason.cause),
    }


def _trigger(trigger: TriggerResult, spans: Sequence[Span]) -> dict[str, Any]:
    return {
        "id": trigger.id,
        "title": neutral(trigger.title),
        "severity": trigger.severity.value,
        "state": trigger.state.value,
        "hold_s": trigger.hold_s,
        "held_s": trigger.held_s,
        "since": None if trigger.since_s is None else iso(trigger.since_s),
        "items": list(trigger.items),
        "timeline": [
            {
                "state": span.state.value if span.state else None,
                "from": _instant(span.from_s),
                "until": _instant(span.until_s),
            }
            for span in spans[-_MOST_SPANS:]
        ],
    }


def _instant(at_s: float) -> str:
    """Return *at_s* as `iso` does, to the millisecond: a rehearsal's breach takes no longer."""
    when = datetime.datetime.fromtimestamp(at_s, datetime.UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03}Z"


def _item(result: ItemResult) -> dict[str, Any]:
    return {
        "id": result.item.id,
        "title": neutral(result.item.title),
        "phases": list(result.item.phases),
        "section": neutral(result.item.section),
        "state": result.state.value,
        "verdict": result.verdict.value,
        "kind": result.item.kind.value,
        "recovered": result.recovered,
        "waiver": _neutral_or_none(result.waiver),
        "attestation": _neutral_or_none(result.attestation),
        "checks": [
            neutral(nodeid)
            for nodeid in [*(check.ended.nodeid for check in result.checks), *result.not_run]
        ],
    }


def _neutral_or_none(text: str | None) -> str | None:
    return None if text is None else neutral(text)


def _check(check: CheckResult) -> dict[str, Any]:
    ended = check.ended
    return {
        "nodeid": neutral(ended.nodeid),
        "item": ended.item,
        "outcome": ended.outcome.value,
        "started_at": iso(ended.started_at_s),
        "duration_s": round(ended.at_s - ended.started_at_s, 6),
        "message": neutral(ended.message),
        "case": check.case.name,
        "trigger": ended.trigger,
        "trigger_state": check.trigger_state.value if check.trigger_state else None,
        "since": None if check.since_s is None else iso(check.since_s),
        "held_s": check.held_s,
        "measurements": [_measurement(measurement) for measurement in ended.measurements],
        "evidence": [_evidence(evidence) for evidence in ended.evidence],
    }


def _measurement(measurement: Measurement) -> dict[str, Any]:
    return {
        "name": neutral(measurement.name),
        "value": measurement.value,
        "limit": measurement.limit,
        "unit": neutral(measurement.unit),
        "worse": measurement.worse,
    }


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "at": iso(evidence.at_s),
        "source": neutral(evidence.source),
        "request": neutral(evidence.request),
        "answer": neutral(evidence.answer),
        "duration_s": evidence.duration_s,
    }
