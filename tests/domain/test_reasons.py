"""Why: each reason names item, trigger, found against limit, since when, and what changes it."""

from __future__ import annotations

import pytest

from pytest_deploycheck.domain.decision import Reason
from pytest_deploycheck.domain.events import (
    CheckEnded,
    Event,
    Evidence,
    Measurement,
    PlannedCheck,
    ProblemFound,
    RunEnded,
)
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.reasons import INTERRUPTED, found_against_limit, spoken_hold
from tests.domain.builders import (
    BOX,
    CHECKLIST,
    DEPLOYED_S,
    END_S,
    GATE,
    POINT,
    decide,
    ended,
    error_ratio,
    policy,
    started,
)

BARE = "assert 0.1 <= 0.05\n +  where 0.1 = History(name='error_ratio').latest"
SILENT = "Prometheus: no answer, connection refused: sum(rate(errors[1m]))"


def reason_for(*checks: CheckEnded) -> str:
    """The one reason of a decision about *checks* alone."""
    (reason,) = decide(*checks, policy=policy()).reasons
    assert (reason.item, reason.trigger) == (BOX, checks[0].trigger)
    return reason.text


@pytest.mark.parametrize(
    ("measurement", "text"),
    [
        (
            Measurement(name="error_ratio", value=0.061, unit="ratio", limit=0.05),
            "error_ratio 6.1 %, limit at most 5 %",
        ),
        (
            Measurement(name="pods", value=2.0, unit="1", limit=3.0, worse="below"),
            "pods 2, limit at least 3",
        ),
        (Measurement(name="latency", value=0.2, unit="s"), "latency 200 ms"),
    ],
)
def test_a_value_is_told_against_its_limit(measurement: Measurement, text: str) -> None:
    """Found, limit and unit, on the side that is good."""
    assert found_against_limit(measurement) == text


def test_a_firing_trigger_is_told_in_full() -> None:
    """Item, message, found against limit, trigger, since when, how long of what, and what next."""
    check = ended(
        "F" * 13,
        trigger="errors",
        message="too many errors\n(a traceback)",
        measurements=(error_ratio("F" * 13), error_ratio("P")),
    )
    assert reason_for(check) == (
        "post_5min/pods FAILED: too many errors; error_ratio 10 %, limit at most 5 %; "
        "trigger errors FIRING since 2025-06-15 15:06:40Z, for 2m (hold 2m); "
        "roll back, or find the check passing in a new run"
    )


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (BARE, "error_ratio 10 %, limit at most 5 %; "),
        ("error_ratio 10 %, limit at most 5 %", "error_ratio 10 %, limit at most 5 %; "),
        (f"too many\n{BARE}", "too many; error_ratio 10 %, limit at most 5 %; "),
        ("assertive words", "assertive words; error_ratio 10 %, limit at most 5 %; "),
        ("", "error_ratio 10 %, limit at most 5 %; "),
    ],
)
def test_a_measurement_speaks_for_a_bare_assert(message: str, found: str) -> None:
    """Nobody reads Python at three in the morning; an author's own words stay."""
    check = ended("F", message=message, measurements=(error_ratio("F"),))
    assert reason_for(check).startswith(f"{BOX} FAILED: {found}no trigger covers it")


def test_a_bare_assert_without_a_measurement_is_told() -> None:
    """It is all that is known."""
    assert reason_for(ended("F", message="assert 500 == 200")).startswith(
        f"{BOX} FAILED: assert 500 == 200; "
    )


def test_checks_that_differ_only_in_what_they_found_are_one_reason() -> None:
    """The trigger is named once, as it stands for the one that has been bad for longest."""
    checks = [
        ended("F" * n, trigger="errors", nodeid=f"test::{n}", message=f"{n} of 9 pods are gone")
        for n in (13, 14, 15, 16)
    ]
    text = reason_for(*checks)
    assert text.startswith(
        f"{BOX} FAILED: 16 of 9 pods are gone; 15 of 9 pods are gone; 14 of 9 pods are gone; "
        "1 more; trigger errors FIRING since 2025-06-15 15:06:40Z, for 2m 30s (hold 2m); roll back"
    )
    assert reason_for(*checks[1:]).startswith(
        f"{BOX} FAILED: 16 of 9 pods are gone; 15 of 9 pods are gone; 14 of 9 pods are gone; "
        "trigger errors FIRING"
    )
    assert len(decide(*checks, ended("F"), policy=policy()).reasons) == 2


def test_a_trigger_that_fires_at_once_has_no_hold_to_tell() -> None:
    """`hold 0 s` would be read as a duration."""
    assert spoken_hold(0.0, 0.0) == "for 0 s (fires at once)"


def test_nothing_is_rolled_back_in_a_gate() -> None:
    """What was never released is mended, not rolled back."""
    check = ended("F" * 13, item_id=GATE, trigger="errors")
    (reason,) = decide(check, policy=policy(), phases=("pre_deploy",)).reasons
    assert reason.text.endswith("nothing is released yet: mend it first")


def silent(message: str, evidence: tuple[Evidence, ...] = ()) -> CheckEnded:
    """A check whose instrument did not answer."""
    return ended(
        "I", trigger="errors", message=message, silent=("prometheus:9090",), evidence=evidence
    )


@pytest.mark.parametrize(
    ("check", "cause"),
    [
        (silent(SILENT), "Prometheus at prometheus:9090: connection refused"),
        (
            silent("GET https://prometheus:9090/pods: no answer, connection refused"),
            "an instrument at prometheus:9090: connection refused",
        ),
        (
            silent(
                "GET https://prometheus:9090/pods: no answer, timed out: after 5 s",
                evidence=(Evidence(at_s=1.0, source="cluster", request="GET", answer=""),),
            ),
            "cluster at prometheus:9090: timed out",
        ),
        (
            silent(f"nothing at all answered, so the fault may be ours: {SILENT}"),
            "nothing at all answered, so the fault may be ours",
        ),
    ],
)
def test_a_silent_host_is_the_cause_of_missing_evidence(check: CheckEnded, cause: str) -> None:
    """Who is silent and where, without the query; a trigger that nobody asked for is unknown."""
    (reason,) = decide(check, policy=policy()).reasons
    assert reason.cause == cause
    assert reason.text == (
        f"{BOX} INCONCLUSIVE: {cause}; trigger errors unknown; "
        "no evidence either way: mend the instrument, or the check, and run again"
    )


def test_what_has_another_reason_is_not_put_down_to_silence() -> None:
    """A host that did not answer explains only a check that says so."""
    (reason,) = decide(silent("found 2 samples; expected at least 3"), policy=policy()).reasons
    assert reason.cause == ""
    assert "INCONCLUSIVE: found 2 samples" in reason.text


def test_a_trigger_that_stood_before_its_instrument_fell_silent_is_told() -> None:
    """PENDING is known, so it is not called unknown."""
    text = reason_for(ended("FFI", trigger="errors"))
    assert "; trigger errors PENDING since " in text


def missing(*problems: str, planned: bool = True, cut_off: bool = False) -> Reason:
    """The reason of an item that has no answer, in a run with *problems*."""
    check = PlannedCheck(nodeid="test_x.py::test_x", item=BOX)
    events: list[Event] = [
        started(planned=(check,) if planned else ()),
        *(ProblemFound(run="run", at_s=DEPLOYED_S, text=text) for text in problems),
        *([] if cut_off else [RunEnded(run="run", at_s=DEPLOYED_S)]),
    ]
    decision = judge(CHECKLIST, policy(), events, END_S, run="run")
    return next(reason for reason in decision.reasons if reason.item == BOX)


@pytest.mark.parametrize(
    ("problems", "planned", "cut_off", "cause"),
    [
        ([], True, False, "checks were left out: run them without -k, -x or --deselect"),
        ([], False, False, "no check answers: collect the phase's suite, or add one to it"),
        ([], True, True, "the run was cut off: run it again"),
        ([], False, True, "the run was cut off: run it again"),
        ([INTERRUPTED], True, False, "the run was interrupted: run it again"),
        ([INTERRUPTED, "x"], False, False, "the run was interrupted: run it again"),
        (["a worker died"], True, False, "the run had a problem of its own: mend that, and run"),
        (["no import"], False, False, "checks may be in a file that could not be collected"),
    ],
)
def test_why_an_answer_is_missing_is_told_as_far_as_the_record_knows(
    problems: list[str], planned: bool, cut_off: bool, cause: str
) -> None:
    """Nobody is told to leave out an option that was never given, or to write a check anew."""
    reason = missing(*problems, planned=planned, cut_off=cut_off)
    assert reason.cause.startswith(cause)
    assert cause in reason.text
    assert ("test_x.py::test_x" in reason.text) == planned


def test_a_later_run_that_came_to_its_end_is_not_called_cut_off() -> None:
    """What hindered an earlier run of the phase does not explain the newest."""
    killed = started(run="one", at_s=DEPLOYED_S)
    newest = started(run="two", at_s=DEPLOYED_S + 60)
    events: list[Event] = [killed, newest, RunEnded(run="two", at_s=DEPLOYED_S + 61)]
    reasons = judge(CHECKLIST, policy(), events, END_S).reasons
    assert {reason.cause for reason in reasons if reason.item in (BOX, POINT)} == {
        "no check answers: collect the phase's suite, or add one to it"
    }


@pytest.mark.parametrize(
    ("letters", "named", "awaiting", "end"),
    [
        ("F", "errors", False, "lasting until the hold fires it"),
        ("F" * 13 + "P", "errors", False, "decide by hand"),
        ("FP", "errors", False, "it failed earlier in this run: keep watching"),
        ("F", None, False, "no trigger covers it: mend it, or have it waived"),
        (
            "I",
            None,
            False,
            "no evidence either way: mend the instrument, or the check, and run again",
        ),
        ("I", None, True, f"run deploycheck attest {BOX}"),
        ("F", None, True, "no trigger covers it: mend it, or have it waived"),
    ],
)
def test_each_reason_ends_in_what_would_change_it(
    letters: str, named: str | None, awaiting: bool, end: str
) -> None:
    """A person reads what to do next, whatever the case."""
    assert reason_for(ended(letters, trigger=named, awaiting=awaiting)).endswith(end)


def test_what_a_person_is_asked_is_told_once() -> None:
    """The command is in the message; an earlier half of it would be tried first, and refused."""
    asked = "found no word; run deploycheck attest post_5min/pods --by=… --statement=…"
    text = reason_for(ended("I", awaiting=True, message=asked))
    assert text == f"{BOX} AWAITING: {asked}; then run again"


def test_a_recovery_names_its_state_and_its_quiet_trigger() -> None:
    """It says `recovered`, not PASSED, and that nothing is breached now."""
    text = reason_for(ended("FP", trigger="errors"))
    assert text.startswith(f"{BOX} recovered; trigger errors INACTIVE")
