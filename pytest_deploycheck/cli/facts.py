"""The facts that the messages are filled with, from the record; what is not so is not said."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import time
from collections.abc import Sequence
from typing import Final

from pytest_deploycheck.cli.deployments import Deployment, required
from pytest_deploycheck.config.environment import Notifications
from pytest_deploycheck.domain.errors import DeploycheckError
from pytest_deploycheck.domain.events import Event, MessageSent, RunEnded, RunStarted, Waived
from pytest_deploycheck.domain.items import PHASES
from pytest_deploycheck.domain.judge import judge, verdict_of_phase
from pytest_deploycheck.domain.record import policy_of
from pytest_deploycheck.domain.rollbacks import newest_step
from pytest_deploycheck.domain.units import spoken_duration
from pytest_deploycheck.domain.words import State, Verdict
from pytest_deploycheck.report.message import Fact
from pytest_deploycheck.report.neighbours import in_flight

_SPOKEN_OF: Final = ("post_5min", "post_15min", "post_30min")
"""The phases of which the message `completed` says that they passed."""
_NO_BAD_NEWS: Final = (Verdict.PROCEED, Verdict.OBSERVE)
"""Beside which `completed` may be said: what any other phase of the deployment may have found."""


class NotSoError(DeploycheckError):
    """The message would claim what is not so, or what nobody knows."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Found:
    """What a message says."""

    facts: dict[str, Fact]
    occasion: str
    changes: tuple[str, ...] = ()
    promised_by_s: float | None = None
    notes: tuple[str, ...] = ()
    """For whoever sends it."""


def of(
    kind: str, deployment: Deployment, settings: Notifications, given: argparse.Namespace
) -> Found:
    """Return the facts of a message.

    Raises:
        NotSoError: The record does not bear it out.
        ConfigError: Something that only a person knows is not given.
    """
    match kind:
        case "scheduled":
            return _scheduled(deployment, settings, given.change)
        case "completed":
            return _completed(deployment)
        case "rolled-back":
            return rolled_back(deployment, settings, given.cause)
        case _:
            return _update(deployment, given.news)


def _common(deployment: Deployment) -> dict[str, Fact]:
    return {
        "environment": deployment.environment,
        "release": deployment.release,
        "deployed_at": deployment.deployed_at_s,
    }


def _scheduled(deployment: Deployment, settings: Notifications, changes: list[str]) -> Found:
    required(" ".join(changes), "--change", "what the deployment brings")
    expected_s = deployment.deployed_at_s + settings.expected_s
    others = in_flight(deployment.folder)
    return Found(
        facts={
            **_common(deployment),
            "changes": changes,
            "expected_at": expected_s,
            "validated_at": expected_s + settings.validation_s,
        },
        occasion=deployment.release,
        changes=tuple(changes),
        notes=tuple(f"release {other} is in flight in this environment too" for other in others),
    )


def _completed(deployment: Deployment) -> Found:
    events, at_s = deployment.events(), time.time()
    wrong = []
    if newest_step(events, "executed") is not None:
        wrong.append(f"release {deployment.release} was rolled back")
    looked_at = {phase for e in events if isinstance(e, RunStarted) for phase in e.phases}
    for phase in PHASES:
        if phase not in _SPOKEN_OF and phase not in looked_at:
            continue
        verdict, text = verdict_of_phase(
            deployment.project.checklist, deployment.project.policy, events, at_s, phase=phase
        )
        bearable = (Verdict.PROCEED,) if phase in _SPOKEN_OF else _NO_BAD_NEWS
        if verdict not in bearable:
            wrong.append(text)
    if wrong:
        raise NotSoError(f"the message would not be true: {'; '.join(wrong)}")
    return Found(
        facts={
            **_common(deployment),
            "completed_at": _ended_s(events, "post_5min"),
            "changes": list(_announced(events)),
            "waivers": _exceptions(deployment, events, at_s),
        },
        occasion=deployment.release,
    )


def rolled_back(deployment: Deployment, settings: Notifications, cause: str | None) -> Found:
    """Return the facts of the message `rolled-back`.

    Raises:
        NotSoError: Nothing was rolled back, or nobody has verified it.
    """
    events = deployment.events()
    executed = newest_step(events, "executed")
    verified = newest_step(events, "verified")
    if executed is None or verified is None or verified.at_s < executed.at_s:
        done = "was executed, and not verified" if executed else "was not executed"
        raise NotSoError(f"the message would not be true: a rollback {done}")
    detected_s, why = _breach(deployment, events)
    promise = f"news are promised within {spoken_duration(settings.update_s)}"
    return Found(
        facts={
            **_common(deployment),
            "detected_at": detected_s,
            "executed_at": executed.at_s,
            "restored_at": verified.at_s,
            "cause": cause or why,
            "promised_at": verified.at_s + settings.update_s,
        },
        occasion=f"{deployment.release}/{executed.id}",
        promised_by_s=verified.at_s + settings.update_s,
        notes=(f"{promise}: deploycheck notify update",),
    )


def _update(deployment: Deployment, news: str | None) -> Found:
    executed = newest_step(deployment.people(), "executed")
    if executed is None:
        raise NotSoError("nothing was rolled back, so no update was promised")
    told = required(news, "--news", "what is known by now")
    # Other news are another occasion; the same leave once, however often they are sent.
    digest = hashlib.sha256(told.encode(errors="backslashreplace")).hexdigest()[:8]
    return Found(
        facts={**_common(deployment), "executed_at": executed.at_s, "news": told},
        occasion=f"{deployment.release}/{executed.id}/{digest}",
    )


def _breach(deployment: Deployment, events: Sequence[Event]) -> tuple[float, str]:
    """Return when the trouble was first seen, and the gravest reason of that run."""
    runs = sorted((e for e in events if isinstance(e, RunStarted)), key=lambda e: e.at_s)
    for run in reversed(runs):
        decision = judge(
            deployment.project.checklist,
            policy_of(deployment.project.policy, run),
            events,
            time.time(),
            run=run.run,
        )
        if decision.verdict is Verdict.ROLLBACK:
            firing = [t for t in decision.triggers if t.since_s is not None]
            since_s = min((t.since_s or run.at_s for t in firing), default=run.at_s)
            return since_s, decision.reasons[0].text
    executed = newest_step(events, "executed")
    return (executed.at_s if executed else 0.0), "not known yet"


def _announced(events: Sequence[Event]) -> tuple[str, ...]:
    """Return the changes as they were announced."""
    sent = [e for e in events if isinstance(e, MessageSent) and e.kind == "scheduled"]
    return next((event.changes for event in sent if event.changes), ())


def _exceptions(deployment: Deployment, events: Sequence[Event], at_s: float) -> list[str]:
    """Return the waivers that the decision about the deployment makes use of."""
    newest = max((e for e in events if isinstance(e, RunStarted)), key=lambda e: (e.at_s, e.run))
    used = policy_of(deployment.project.policy, newest)
    decision = judge(deployment.project.checklist, used, events, at_s)
    counted = {item.waiver for item in decision.items if item.state is State.WAIVED}
    found = {e.id: e for e in events if isinstance(e, Waived) and e.id in counted}
    return [f"{w.item}: {w.reason} ({w.ticket})" for w in found.values()]


def _ended_s(events: Sequence[Event], phase: str) -> float:
    """Return when the newest run of *phase*, of which there is one, ended."""
    runs = {e.run for e in events if isinstance(e, RunStarted) and phase in e.phases}
    return max(e.at_s for e in events if isinstance(e, RunEnded) and e.run in runs)
