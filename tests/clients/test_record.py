"""What the record's clients find, and what they say when it is not there."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest

from pytest_deploycheck.clients.attestations import Attestations
from pytest_deploycheck.clients.evidence import recording
from pytest_deploycheck.clients.notifications import Notifications
from pytest_deploycheck.clients.record import Record
from pytest_deploycheck.domain.errors import AwaitingError, InstrumentError, SubjectError
from pytest_deploycheck.domain.events import (
    Attested,
    BaselineRecorded,
    BaselineValue,
    CheckEnded,
    CheckSample,
    Event,
    MessageSent,
    PlannedCheck,
    Revoked,
    RunEnded,
    RunStarted,
)
from pytest_deploycheck.domain.items import Checklist, Item
from pytest_deploycheck.domain.policy import Phase, Policy, WordRule
from pytest_deploycheck.domain.words import Outcome, Verdict

DEPLOYED_S = 1_750_000_000.0
NOW_S = DEPLOYED_S + 600
ITEM = "sign_off/operations-lead"
RULE = WordRule(
    item=ITEM, roles=("Operations Lead",), people=("olivia",), after_deployment=True,
    needs_evidence=True,
)  # fmt: skip
WORD = Attested(
    at_s=DEPLOYED_S + 60, id="A-1", item=ITEM, environment="production", release="2.0", by="olivia",
    role="Operations Lead", statement="It went well.", evidence="https://wiki/1",
)  # fmt: skip


def attestations(*events: Event, rule: WordRule | None = RULE) -> Attestations:
    """The client, ten minutes after the deployment."""
    policy = Policy(
        triggers={}, phases={}, limits={}, interval_s=1, settle_s=1,
        words={} if rule is None else {ITEM: rule},
    )  # fmt: skip
    return Attestations(
        lambda: events,
        policy=policy,
        environment="production",
        release="2.0",
        deployed_at_s=DEPLOYED_S,
        clock=lambda: NOW_S,
    )


def test_a_word_that_counts_is_returned_and_noted() -> None:
    """The report shows who said what, and the judge is told to look for it itself."""
    with recording() as recorder:
        assert attestations(WORD).require(ITEM) == WORD
    assert recorder.awaiting
    (note,) = recorder.evidence
    assert "olivia (Operations Lead)" in note.answer
    assert "It went well." in note.answer


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"release": "1.9"}, "only a word on release 1.9"),
        ({"environment": "staging"}, "found"),
        ({"at_s": DEPLOYED_S - 1}, "before the deployment"),
        ({"valid_until_s": NOW_S}, "was valid until"),
        ({"evidence": ""}, "names no evidence"),
        ({"demonstration": True}, "a demonstration"),
        ({"not_applicable": True}, "NOT_APPLICABLE"),
        ({"at_s": NOW_S + 60}, "has not come yet"),
    ],
    ids=str,
)
def test_a_word_that_does_not_count_leaves_the_item_awaiting(
    change: dict[str, object], expected: str
) -> None:
    """Each says why, and what to run."""
    word = dataclasses.replace(WORD, **change)  # type: ignore[arg-type]  # fields, by name
    with recording() as recorder, pytest.raises(AwaitingError, match=expected) as raised:
        attestations(word).require(ITEM)
    assert recorder.awaiting
    assert f"run deploycheck attest {ITEM} --env=production --release=2.0" in str(raised.value)


@pytest.mark.parametrize("events", [(), (WORD, Revoked(at_s=NOW_S, id="A-1", by="o", reason="r"))])
def test_without_a_word_it_is_awaited(events: Sequence[Event]) -> None:
    """Never given, or taken back: nobody attests by default."""
    with pytest.raises(AwaitingError, match=r"found no word; expected one .* from Operations Lead"):
        attestations(*events).require(ITEM)


def test_the_word_of_a_stranger_is_a_failure() -> None:
    """Somebody spoke who may not: that is worse than silence."""
    with pytest.raises(SubjectError, match="mallory may not speak for it"):
        attestations(dataclasses.replace(WORD, by="mallory")).require(ITEM)


def test_an_item_without_a_rule_is_nobodys() -> None:
    """The message says where the rule belongs, and proposes no command that would be refused."""
    with pytest.raises(InstrumentError, match=r"expected it in \[attestations.items\]") as raised:
        attestations(rule=None).require(ITEM)
    assert "deploycheck attest" not in str(raised.value)


SENT = MessageSent(
    at_s=DEPLOYED_S - 200_000, id="scheduled/2.0", kind="scheduled", channel="mail", state="sent",
    subject="Scheduled",
)  # fmt: skip


def notifications(*events: Event, channels: tuple[str, ...] = ("mail",)) -> Notifications:
    """The client, in production."""
    return Notifications(
        lambda: events,
        channels={"scheduled": channels},
        deployed_at_s=DEPLOYED_S,
        environment="production",
        rehearsal=False,
    )


def test_a_message_with_receipts_was_sent() -> None:
    """The last channel counts: who is told last has the least notice."""
    chat = dataclasses.replace(SENT, channel="chat", at_s=DEPLOYED_S - 180_000)
    told = notifications(SENT, chat, channels=("mail", "chat")).require("scheduled")
    assert told.ahead_s == 180_000


@pytest.mark.parametrize(
    "events",
    [
        (),
        (dataclasses.replace(SENT, state="failed"),),
        (dataclasses.replace(SENT, state="claimed"),),
        (dataclasses.replace(SENT, kind="completed"),),
        (dataclasses.replace(SENT, channel="chat"),),
        (dataclasses.replace(SENT, demonstration=True),),
    ],
    ids=["none", "failed", "claimed", "another", "elsewhere", "made up"],
)
def test_a_message_without_every_receipt_was_not_sent(events: Sequence[Event]) -> None:
    """A claim is no receipt, and one channel does not speak for another."""
    with pytest.raises(SubjectError, match="run deploycheck notify scheduled --env=production"):
        notifications(*events).require("scheduled")


STARTED = RunStarted(
    run="r", at_s=DEPLOYED_S, environment="production", release="2.0", deployed_at_s=DEPLOYED_S,
    phases=("deploy", "post_5min"), planned=(), operator="ann",
)  # fmt: skip
BASELINE = BaselineRecorded(
    at_s=DEPLOYED_S + 400, environment="production", release="2.0", from_s=DEPLOYED_S,
    until_s=DEPLOYED_S + 300, values=(BaselineValue(name="a", value=1, unit="s", samples=9),),
)  # fmt: skip


POLICY = Policy(
    triggers={},
    phases={name: Phase(name=name, title=name) for name in ("staging", "deploy", "post_5min")},
    limits={}, interval_s=1, settle_s=1,
)  # fmt: skip
BOX = Item(
    id="staging/a", title="A", expectation="is", phases=("staging",), section="S",
)  # fmt: skip
STAGED = dataclasses.replace(
    STARTED,
    run="s",
    at_s=DEPLOYED_S - 300,
    phases=("staging",),
    planned=(PlannedCheck(nodeid="t", item="staging/a"),),
)
ENDED = RunEnded(run="s", at_s=DEPLOYED_S - 290)


def answer(outcome: Outcome) -> CheckEnded:
    """What the only check of staging came to."""
    return CheckEnded(
        run="s", at_s=DEPLOYED_S - 295, started_at_s=DEPLOYED_S - 298, nodeid="t", item="staging/a",
        outcome=outcome, samples=(CheckSample(at_s=DEPLOYED_S - 298, outcome=outcome),),
    )  # fmt: skip


def record(
    *events: Event,
    selected: Sequence[str] = (),
    rehearsal: bool = False,
    pinned: str | None = None,
) -> Record:
    """The client, in production."""
    return Record(
        lambda: events,
        deployed_at_s=DEPLOYED_S,
        environment="production",
        release="2.0",
        checklist=Checklist(items=(BOX,), sha256=""),
        policy=dataclasses.replace(POLICY, accepts_demonstrations=rehearsal),
        selected=selected,
        pinned=pinned,
        clock=lambda: NOW_S,
    )


def test_the_log_has_the_newest_run_of_each_phase() -> None:
    """Who ran what, when, on which release."""
    later = dataclasses.replace(STARTED, at_s=DEPLOYED_S + 9, phases=("post_5min",), operator="bob")
    log = record(later, STARTED).log()
    assert {phase: entry.operator for phase, entry in log.items()} == {
        "deploy": "ann",
        "post_5min": "bob",
    }
    with pytest.raises(InstrumentError, match="holds no run"):
        record(dataclasses.replace(STARTED, demonstration=True)).log()


@pytest.mark.parametrize(
    ("events", "result"),
    [
        ((STAGED, answer(Outcome.PASSED), ENDED), Verdict.PROCEED),
        ((STAGED, answer(Outcome.FAILED), ENDED), Verdict.HOLD),
        ((STAGED, answer(Outcome.PASSED)), None),
        ((STAGED,), None),
        ((dataclasses.replace(STAGED, shards=2), answer(Outcome.PASSED), ENDED), None),
    ],
    ids=["passed", "failed", "cut off at its end", "cut off", "a shard is missing"],
)
def test_a_run_has_a_result_once_all_of_it_has_ended(
    events: Sequence[Event], result: Verdict | None
) -> None:
    """That a phase began is not what came of it."""
    assert record(*events).log()["staging"].result == result


@pytest.mark.parametrize(
    ("events", "doubt"),
    [
        ((STAGED, answer(Outcome.PASSED), ENDED), ""),
        ((STAGED, answer(Outcome.FAILED), ENDED), "phase staging ended in HOLD"),
        ((STAGED, answer(Outcome.INCONCLUSIVE), ENDED), "phase staging ended in HOLD"),
        ((STAGED,), "phase staging ended in HOLD"),
        ((STARTED,), "no verdict for phase staging; run pytest -m staging; expected PROCEED"),
        ((dataclasses.replace(STAGED, demonstration=True), answer(Outcome.PASSED), ENDED), "no ve"),
    ],
    ids=["passed", "failed", "inconclusive", "cut off", "never", "made up"],
)
def test_only_a_proceed_in_the_record_leaves_no_doubt_about_a_phase(
    events: Sequence[Event], doubt: str
) -> None:
    """A phase that was never run, or whose run was cut off, was not found good."""
    found = record(*events).doubt_about("staging")
    assert (found == "") == (doubt == "")
    assert doubt in found


def test_a_phase_of_this_very_run_is_left_to_its_verdict() -> None:
    """Its run has not ended yet, and whatever is wrong in it is in the same verdict."""
    running = record(STAGED, selected=("staging", "deploy"))
    assert running.doubt_about("staging") == ""
    assert running.before("post_5min") == ("pre_deploy",)


BEFORE = dataclasses.replace(
    BASELINE, release="1.9", from_s=DEPLOYED_S - 900, until_s=DEPLOYED_S - 300,
)  # fmt: skip
OLDER = dataclasses.replace(BEFORE, release="1.8", until_s=DEPLOYED_S - 600)


def test_the_baseline_before_is_the_one_that_is_compared_with() -> None:
    """The newest by its measurements, or the pinned one: no other speaks for it."""
    assert record(BEFORE, OLDER, BASELINE).baseline_before(["a"]) is BEFORE
    assert record(BEFORE, OLDER, pinned="1.8").baseline_before(["a"]) is OLDER
    bare = dataclasses.replace(OLDER, values=())
    with pytest.raises(SubjectError, match="the baseline lacks a; expected it complete"):
        record(BEFORE, bare, pinned="1.8").baseline_before(["a"])
    with pytest.raises(InstrumentError, match=r"no baseline of the pinned release 1\.7"):
        record(BEFORE, OLDER, pinned="1.7").baseline_before(["a"])


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ((), "found no baseline from before the deployment"),
        ((BASELINE, dataclasses.replace(BEFORE, until_s=DEPLOYED_S + 1)), "found no baseline from"),
        ((dataclasses.replace(BEFORE, environment="staging"),), "found no baseline from before"),
        ((dataclasses.replace(BEFORE, values=()),), "the baseline lacks a; expected it complete"),
        (
            (OLDER, dataclasses.replace(BEFORE, release="2.0")),
            "found a baseline of 2.0 itself; expected one of before",
        ),
    ],
    ids=["none", "afterwards", "elsewhere", "incomplete", "its own"],
)
@pytest.mark.parametrize("pinned", [None, "1.9"])
def test_without_a_baseline_of_before_nothing_can_be_compared(
    events: Sequence[Event], message: str, pinned: str | None
) -> None:
    """Somebody has to record one; a value that is missing would be missed afterwards."""
    with pytest.raises(SubjectError, match=message):
        record(*events, pinned=pinned).baseline_before(["a"])


def test_a_new_baseline_is_of_this_release_and_from_afterwards() -> None:
    """And has every value that is compared later, and that the one before had."""
    assert record(BASELINE).lacking_after(["a"]) == ()
    for events in (
        (),
        (BEFORE,),
        (dataclasses.replace(BASELINE, release="1.9"),),
        (dataclasses.replace(BASELINE, environment="staging"),),
        (dataclasses.replace(BASELINE, values=()),),
        (dataclasses.replace(BASELINE, from_s=DEPLOYED_S - 1),),
    ):
        with pytest.raises(SubjectError, match="found no baseline from after"):
            record(*events).lacking_after(["a"])
    more = (*BASELINE.values, BaselineValue(name="b", value=1, unit="s", samples=9))
    assert record(dataclasses.replace(BEFORE, values=more), BASELINE).lacking_after(["a"]) == ("b",)
    written_down_late = dataclasses.replace(OLDER, at_s=NOW_S)
    newest = dataclasses.replace(BEFORE, values=more)
    assert record(newest, written_down_late, BASELINE).lacking_after(["a"]) == ("b",)


def test_a_new_baseline_has_what_is_compared_later_whatever_was_before() -> None:
    """The first deployment of all has no earlier baseline to be held against."""
    unmeasured = (BaselineValue(name="a", value=1, unit="s", samples=0),)
    assert record(BASELINE).lacking_after(["a", "b"]) == ("b",)
    assert record(dataclasses.replace(BASELINE, values=unmeasured)).lacking_after(["a"]) == ("a",)
    with pytest.raises(InstrumentError, match="which values it needs is unknown"):
        record(BASELINE).lacking_after([])
