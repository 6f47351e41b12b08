"""Words, receipts and entries of the record that are missing, or are not what they should be."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from pytest_deploycheck.domain.baselines import is_before
from pytest_deploycheck.domain.events import (
    Attested,
    BaselineRecorded,
    Event,
    MessageSent,
    RunEnded,
    RunStarted,
)
from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox.faults.fault import fault
from pytest_deploycheck.sandbox.faults.pre_deploy.items import STAGED
from pytest_deploycheck.sandbox.people import ENVIRONMENT, WORDS
from pytest_deploycheck.sandbox.platform import PREVIOUS_RELEASE, RELEASE, Platform

_NOTIFICATION: Final = "deploy/stakeholder-notification"
_BASELINE: Final = "post_24h/performance-baseline"
_LOG: Final = "post_24h/deployment-log"
_DAY_S: Final = 86400.0


def _replace(platform: Platform, item: str, **changes: object) -> None:
    platform.record[:] = [
        dataclasses.replace(event, **changes)  # type: ignore[arg-type]  # fields, by name
        if isinstance(event, Attested) and event.item == item
        else event
        for event in platform.record
    ]


def _drop(platform: Platform, is_gone: Callable[[Event], bool]) -> None:
    platform.record[:] = [event for event in platform.record if not is_gone(event)]


def _unspoken(item: str) -> None:
    def break_(platform: Platform) -> None:
        _drop(platform, lambda event: isinstance(event, Attested) and event.item == item)

    break_.__name__ = f"unspoken_{item.partition('/')[2]}"
    break_.__doc__ = f"Nobody has given a word on {item}."
    fault(item, verdict=Verdict.HOLD)(break_)


def _by_stranger(item: str) -> None:
    def break_(platform: Platform) -> None:
        _replace(platform, item, by="mallory@elsewhere")

    break_.__name__ = f"stranger_{item.partition('/')[2]}"
    break_.__doc__ = f"Somebody who may not has given a word on {item}."
    fault(item, verdict=Verdict.HOLD)(break_)


for _item in WORDS:
    _unspoken(_item)
    _by_stranger(_item)


@fault("pre_deploy/compliance", verdict=Verdict.HOLD)
def compliance_of_last_release(platform: Platform) -> None:
    """The word on compliance is about the release before."""
    _replace(platform, "pre_deploy/compliance", release=PREVIOUS_RELEASE)


@fault("pre_deploy/recovery-procedures", verdict=Verdict.HOLD)
def recovery_drill_long_ago(platform: Platform) -> None:
    """The word on the recovery drill is older than it may be."""
    at_s = platform.deployed_at_s - 40 * _DAY_S
    _replace(platform, "pre_deploy/recovery-procedures", at_s=at_s)


@fault("post_24h/lessons-learned", verdict=Verdict.HOLD)
def lessons_without_document(platform: Platform) -> None:
    """The word on lessons learned names no document."""
    _replace(platform, "post_24h/lessons-learned", evidence="")


@fault("post_24h/user-feedback", verdict=Verdict.HOLD)
def feedback_before_the_day_was_over(platform: Platform) -> None:
    """The client said right after the deployment that the day brought no issue."""
    _replace(platform, "post_24h/user-feedback", at_s=platform.deployed_at_s + 10)


@fault("post_24h/feature-validation", verdict=Verdict.HOLD)
def features_without_evidence(platform: Platform) -> None:
    """The word on the new features does not say where it can be read how they were tried."""
    _replace(platform, "post_24h/feature-validation", evidence="")


@fault("post_24h/process-improvements", verdict=Verdict.HOLD)
def procedures_without_document(platform: Platform) -> None:
    """The word on the procedures names no document."""
    _replace(platform, "post_24h/process-improvements", evidence="")


@fault("sign_off/jorge-client", verdict=Verdict.HOLD)
def signed_before_the_deployment(platform: Platform) -> None:
    """The client signed before there was anything to sign."""
    _replace(platform, "sign_off/jorge-client", at_s=platform.deployed_at_s - 600)


@fault(_NOTIFICATION, verdict=Verdict.HOLD)
def nobody_told(platform: Platform) -> None:
    """The deployment was not announced."""
    _drop(platform, lambda event: isinstance(event, MessageSent))


@fault(_NOTIFICATION, verdict=Verdict.HOLD)
def told_too_late(platform: Platform) -> None:
    """The deployment was announced an hour before it began."""
    platform.record[:] = [
        dataclasses.replace(event, at_s=platform.deployed_at_s - 3600)
        if isinstance(event, MessageSent)
        else event
        for event in platform.record
    ]


@fault(_NOTIFICATION, verdict=Verdict.HOLD)
def announcement_not_taken(platform: Platform) -> None:
    """The channel did not take the announcement."""
    platform.record[:] = [
        dataclasses.replace(event, state="failed") if isinstance(event, MessageSent) else event
        for event in platform.record
    ]


@fault(_BASELINE, verdict=Verdict.HOLD)
def no_new_baseline(platform: Platform) -> None:
    """No baseline was recorded after the deployment."""
    _drop(platform, lambda event: isinstance(event, BaselineRecorded) and _is_new(event, platform))


@fault(_BASELINE, verdict=Verdict.HOLD)
def new_baseline_is_empty(platform: Platform) -> None:
    """The baseline after the deployment has no values."""
    platform.record[:] = [
        dataclasses.replace(event, values=())
        if isinstance(event, BaselineRecorded) and _is_new(event, platform)
        else event
        for event in platform.record
    ]


@fault(_BASELINE, verdict=Verdict.HOLD)
def new_baseline_is_thin(platform: Platform) -> None:
    """The baseline after the deployment has one value, and none was recorded before."""
    _drop(
        platform, lambda event: isinstance(event, BaselineRecorded) and not _is_new(event, platform)
    )
    platform.record[:] = [
        dataclasses.replace(event, values=event.values[:1])
        if isinstance(event, BaselineRecorded)
        else event
        for event in platform.record
    ]


@fault(_LOG, verdict=Verdict.HOLD)
def log_without_a_name(platform: Platform) -> None:
    """The newest run of the deploy phase does not say who ran it."""
    platform.record += _run(platform, operator="")


@fault(_LOG, verdict=Verdict.HOLD)
def log_of_another_release(platform: Platform) -> None:
    """The newest run of the deploy phase is about another release."""
    platform.record += _run(platform, release=PREVIOUS_RELEASE)


@fault(_LOG, verdict=Verdict.HOLD)
def log_without_a_result(platform: Platform) -> None:
    """The newest run of the deploy phase was cut off."""
    platform.record += _run(platform)[:1]


@fault(STAGED, verdict=Verdict.HOLD)
def staging_left_out(platform: Platform) -> None:
    """The newest run of the staging phase left every check out."""
    platform.record += _run(platform, phase="staging", ago_s=30)


@fault(STAGED, verdict=Verdict.HOLD)
def staging_cut_off(platform: Platform) -> None:
    """The newest run of the staging phase was cut off."""
    platform.record += _run(platform, phase="staging", ago_s=30)[:1]


def _is_new(event: BaselineRecorded, platform: Platform) -> bool:
    return not is_before(event, deployed_at_s=platform.deployed_at_s)


def _run(
    platform: Platform,
    *,
    phase: str = "deploy",
    release: str = RELEASE,
    operator: str = "somebody",
    ago_s: float = -120,
) -> list[Event]:
    """Return a run of *phase* without any check: that it began, and that it ended.

    Args:
        platform: Where it ran.
        phase: The only one that it selected.
        release: That it says it is about.
        operator: Who ran it.
        ago_s: How long before the rollout it began; afterwards, if below 0.
    """
    at_s = platform.deployed_at_s - ago_s
    started = RunStarted(
        run="demonstration-log",
        at_s=at_s,
        environment=ENVIRONMENT,
        release=release,
        deployed_at_s=platform.deployed_at_s,
        phases=(phase,),
        planned=(),
        operator=operator,
        accepts_demonstrations=True,
        demonstration=True,
    )
    return [started, RunEnded(run=started.run, at_s=at_s + 1)]
