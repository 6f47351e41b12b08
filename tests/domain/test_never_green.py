"""How other gates go green without evidence, as cases that must never be PROCEED here."""

from __future__ import annotations

import math

import pytest

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import Event, Measurement, ProblemFound, RunEnded
from pytest_deploycheck.domain.histories import History, Sample
from pytest_deploycheck.domain.items import Checklist
from pytest_deploycheck.domain.words import Outcome, Verdict
from tests.domain.builders import (
    BOX,
    CHECKLIST,
    DEPLOYED_S,
    decide,
    ended,
    error_ratio,
    only,
    policy,
    samples,
    started,
    trigger,
)

CHECK = ended()
START = started(CHECK)
END = RunEnded(run="run", at_s=DEPLOYED_S + 1)


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([START], id="stopped before its first measurement"),
        pytest.param([START, END], id="ended without an answer"),
        pytest.param([started(), END], id="planned nothing"),
        pytest.param([START, ended("I"), END], id="measured only errors"),
        pytest.param([START, ended("I" * 100), END], id="measured errors a hundred times"),
        pytest.param([START, ended("PPPI"), END], id="was good until the instrument died"),
        pytest.param([START, ended(awaiting=True, taken="I"), END], id="nobody spoke"),
        pytest.param(
            [START, CHECK, ProblemFound(run="run", at_s=DEPLOYED_S, text="x"), END],
            id="could not be collected",
        ),
        pytest.param([started(CHECK, phases=()), CHECK, END], id="selected no phase"),
        pytest.param([started(CHECK, shards=2), CHECK, END], id="lost a shard"),
        pytest.param([START, ended(item_id="post_5min/other"), END], id="answered another item"),
        pytest.param([started(run="another"), CHECK, END], id="lost its first line"),
    ],
)
def test_a_run_without_evidence_holds(events: list[Event]) -> None:
    """No measurement, an errored one, a skipped step or a lost shard is never a success."""
    assert decide(*events, checklist=only(CHECK), policy=policy()).verdict is Verdict.HOLD


def test_time_alone_promotes_nothing() -> None:
    """A run that was cut off stays HOLD, however long one waits."""
    for days in (1, 10, 1000):
        at_s = DEPLOYED_S + days * 86_400
        assert decide(START, checklist=only(CHECK), policy=policy(), at_s=at_s).verdict is (
            Verdict.HOLD
        )


def test_an_empty_checklist_holds() -> None:
    """An empty list of expectations is a mistake, not a pass."""
    empty = Checklist(items=(), sha256="")
    assert decide(START, CHECK, checklist=empty, policy=policy()).verdict is Verdict.HOLD


@pytest.mark.parametrize("bad", [1, 2, 50])
def test_a_failure_is_never_green_whatever_its_trigger_asks_for(bad: int) -> None:
    """A minimum of bad samples that can never be reached delays the rollback, not the failure."""
    check = ended("F" * bad, trigger="errors")
    unreachable = policy(trigger(min_bad=1000, hold_s=86_400.0))
    assert decide(check, policy=unreachable).verdict is Verdict.OBSERVE


def test_a_policy_without_triggers_holds_on_failure() -> None:
    """Nothing covers the failure, so a person must act."""
    check = ended("F", trigger="errors")
    assert decide(check, policy=policy(trigger("unrelated"))).verdict is Verdict.HOLD


@pytest.mark.parametrize("number", [math.nan, math.inf])
def test_an_answer_that_is_no_number_never_gets_compared(number: float) -> None:
    """An unparsable or missing value is neither zero nor below every limit."""
    with pytest.raises(InstrumentError):
        Measurement(name="m", value=number, unit="1", limit=1.0)
    with pytest.raises(InstrumentError):
        Sample(at_s=0.0, value=number)
    with pytest.raises(InstrumentError):
        History(at_s=(0.0,), value=(number,))


def test_an_absent_series_is_not_an_inactive_trigger() -> None:
    """No samples: there is no latest value to compare, and the check is INCONCLUSIVE."""
    with pytest.raises(InstrumentError, match="no data, not zero"):
        _ = History(at_s=(), value=()).latest
    check = ended("I", trigger="errors")
    assert decide(check, policy=policy(trigger(hold_s=0))).verdict is Verdict.HOLD


def test_good_samples_do_not_average_bad_ones_away() -> None:
    """Two minutes of errors within a day of health still hold the release."""
    day = "P" * 4000 + "F" * 13 + "P" * 4000
    check = ended(samples("P", start_s=80_200), trigger="errors", measurements=(error_ratio(day),))
    assert decide(check, policy=policy()).verdict is Verdict.HOLD


def test_an_answer_before_the_deployment_does_not_fire_and_does_not_pass_a_failure() -> None:
    """A failure of the old release is no reason to roll back the new one, and no pass."""
    check = ended(samples("F", start_s=-60), trigger="errors")
    decision = decide(started(check), check, policy=policy(trigger(hold_s=0)))
    assert decision.verdict is Verdict.HOLD


def test_every_item_of_the_phase_must_speak() -> None:
    """One good answer does not speak for its neighbours."""
    assert decide(START, CHECK, checklist=CHECKLIST, policy=policy()).verdict is Verdict.HOLD
    assert CHECK.outcome is Outcome.PASSED
    assert CHECK.item == BOX
