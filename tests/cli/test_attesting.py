"""`deploycheck attest`: whose word is taken, refused, and taken back."""

from __future__ import annotations

import json

import pytest

from pytest_deploycheck.config import load_project
from pytest_deploycheck.config.environment import Attestations
from pytest_deploycheck.config.policy import words_of
from pytest_deploycheck.domain.events import Attested, RolledBack
from pytest_deploycheck.domain.people import People
from pytest_deploycheck.report import journal, layout
from pytest_deploycheck.report.neighbours import in_flight
from pytest_deploycheck.report.verdict import iso
from tests.cli.rehearsal import SUITES, Rehearsal

LEAD = ("attest", "sign_off/operations-lead", "--by=olivia@sandbox", "--statement=done")


def test_a_word_is_in_the_record(rehearsal: Rehearsal) -> None:
    """Who, in which role, what, for which release: all of it is kept."""
    rehearsal.ran("post_5min")
    code, printed = rehearsal.run(*LEAD, "--evidence=https://wiki/1", "--valid-for=24h")
    assert code == 0, printed
    (word,) = [event for event in rehearsal.events if isinstance(event, Attested)]
    assert (word.item, word.by, word.role, word.statement, word.evidence, word.release) == (
        "sign_off/operations-lead", "olivia@sandbox", "Operations Lead", "done",
        "https://wiki/1", "1.4.2",
    )  # fmt: skip
    assert word.valid_until_s == word.at_s + 86400


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("attest", "sign_off/product-owner", "--by=olivia@sandbox"), "may not speak for it"),
        (("attest", "sign_off/operations-led", "--by=olivia@sandbox"), "did you mean sign_off/op"),
        (
            ("attest", "lst"),
            "found no item 'lst'; expected one of deploycheck items; did you mean ",
        ),
        (("attest", "nonsense"), "found no item 'nonsense'; expected one of deploycheck items\n"),
        (("attest", "post_5min/pod-status", "--by=olivia@sandbox"), "no rule whose word counts"),
        (("attest", "pre_deploy/compliance", "--by=selma@sandbox"), "names no evidence"),
        (("attest", "sign_off/jorge-client", "--by=jorge@sandbox", "--not-applicable"), "NOT_APP"),
        (("attest", "sign_off/jorge-client"), "--by: found nothing"),
        (("attest", "sign_off/jorge-client", "--by=jorge@sandbox", "--valid-for=soon"), "duration"),
        (("attest", "revoke", "A-1", "--by=jorge@sandbox"), "found no attestation"),
        (("attest", "one", "two"), "expected the id of an item"),
    ],
)
def test_a_word_that_cannot_count_is_refused(
    rehearsal: Rehearsal, words: tuple[str, ...], expected: str
) -> None:
    """Nothing is written, and the message says what would be right."""
    rehearsal.ran("post_5min")
    before = rehearsal.events
    code, printed = rehearsal.run(*words, "--statement=done")
    assert (code, expected in printed) == (4, True), printed
    assert rehearsal.events == before


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ('earliest = "1s"', ""),
        ('earliest = "24h"', "less than 24h after the deployment"),
        ('earlyest = "1s"', "post_24h.earlyest: found an unknown key; expected one of earliest"),
    ],
)
def test_a_word_on_the_day_counts_after_the_day_of_the_environment(
    rehearsal: Rehearsal, times: str, expected: str
) -> None:
    """A rehearsal has its next day at once, by the same rule as a run."""
    rehearsal.ran("post_5min")
    rehearsal.configure(f"[phases.post_24h]\n{times}\n")
    words = ("attest", "post_24h/user-feedback", "--by=jorge@sandbox", "--statement=none")
    code, printed = rehearsal.run(*words)
    assert (code, expected in printed) == (4 if expected else 0, True), printed


def test_an_unknown_release_is_refused(rehearsal: Rehearsal) -> None:
    """A typing mistake must not open the record of a release that nobody deploys."""
    code, printed = rehearsal.run(*LEAD)
    assert (code, "has no record" in printed) == (4, True), printed
    assert not rehearsal.folder.exists()


def test_a_rollout_that_the_record_does_not_have_lists_those_it_has(rehearsal: Rehearsal) -> None:
    """`found 1.4.2, expected one of 1.4.2` would help nobody."""
    rehearsal.ran("post_5min")
    there = iso(rehearsal.deployed_at_s)
    rehearsal.deployed_at_s -= 60
    code, printed = rehearsal.run(*LEAD)
    assert code == 4, printed
    assert f"--deployed-at: found {iso(rehearsal.deployed_at_s)}, when the record has" in printed
    assert f"; expected one of {there}" in printed
    assert not rehearsal.folder.exists()


def test_one_person_does_not_sign_twice(rehearsal: Rehearsal) -> None:
    """Four sign-offs are four people, also where somebody has two of the roles."""
    rehearsal.ran("post_5min")
    rehearsal.configure('[attestations.roles]\n"Product Owner" = ["olivia@sandbox"]\n')
    assert rehearsal.run(*LEAD)[0] == 0
    code, printed = rehearsal.run(
        "attest", "sign_off/product-owner", "--by=olivia@sandbox", "--statement=me too"
    )
    assert (code, "exclude each other" in printed) == (4, True), printed


def test_a_word_is_taken_back(rehearsal: Rehearsal) -> None:
    """With a reason, by somebody who may, once; and then it does not count."""
    rehearsal.ran("post_5min")
    rehearsal.run(*LEAD)
    (word,) = [event for event in rehearsal.events if isinstance(event, Attested)]
    revoke = ("attest", "revoke", word.id)
    assert rehearsal.run(*revoke, "--by=mallory", "--reason=no")[0] == 4
    assert rehearsal.run(*revoke, "--by=olivia@sandbox")[0] == 4
    assert rehearsal.run(*revoke, "--by=olivia@sandbox", "--reason=too early")[0] == 0
    assert rehearsal.run(*revoke, "--by=olivia@sandbox", "--reason=too early")[0] == 4
    table = Attestations.model_validate({"items": {word.item: {"roles": ["R"]}}})
    assert words_of(table)[word.item].people == ()
    people = People.of(
        rehearsal.events,
        environment="rehearsal",
        release="1.4.2",
        deployed_at_s=rehearsal.deployed_at_s,
    )
    assert not people.attested


def test_taking_back_asks_for_the_id(rehearsal: Rehearsal) -> None:
    """A word without its id is neither an item, nor is it proposed as one."""
    for command in ("attest", "waive"):
        code, printed = rehearsal.run(command, "revoke", "--by=a", "--reason=b")
        assert (code, "expected one of those that list prints" in printed) == (4, True), printed
        assert "did you mean" not in printed


def test_the_list_says_what_counts_and_who_may_speak(rehearsal: Rehearsal) -> None:
    """What is missing for the sign-off can be read off, by people and by programs."""
    rehearsal.ran("post_5min")
    rehearsal.run(*LEAD)
    _, printed = rehearsal.run("attest", "list")
    assert "sign_off/operations-lead by olivia@sandbox: done (counts)" in printed
    assert "sign_off/product-owner: no word yet; pavel@sandbox may speak" in printed
    _, plain = rehearsal.run("attest", "list", "--json")
    assert [(row["item"], row["counts"]) for row in json.loads(plain)] == [
        ("sign_off/operations-lead", True)
    ]


def test_every_attested_item_has_a_rule(rehearsal: Rehearsal) -> None:
    """An item that a check asks a person about can be answered in the shipped environments."""
    checklist = load_project(SUITES).checklist
    _, printed = rehearsal.run("attest", "sign_off/nobody")
    assert "has no record" in printed
    text = "".join(path.read_text() for path in SUITES.glob("*/test_*.py"))
    asked = [item.id for item in checklist.items if f'attestations.require("{item.id}")' in text]
    base = (SUITES / "environments" / "base.toml").read_text()
    assert len(asked) >= 12
    assert [item for item in asked if f'"{item}" = ' not in base] == []


def test_another_release_in_flight_is_noticed(rehearsal: Rehearsal) -> None:
    """Two releases at once in one environment: whoever signs is told which other there is."""
    rehearsal.ran("post_5min")
    other = layout.deployment_folder(
        rehearsal.reports, "rehearsal", "1.4.3", rehearsal.deployed_at_s + 60
    )
    (other / "runs").mkdir(parents=True)
    over = layout.deployment_folder(
        rehearsal.reports, "rehearsal", "1.4.1", rehearsal.deployed_at_s - 60
    )
    (over / "runs").mkdir(parents=True)
    (over.with_name("notes") / "runs").mkdir(parents=True)
    assert in_flight(rehearsal.folder) == ["1.4.3"]
    assert "release 1.4.3 is in flight" in rehearsal.run(*LEAD)[1]
    gone = RolledBack(
        at_s=rehearsal.deployed_at_s + 90, id="R-1", step="executed", release="1.4.3", revision="6",
        command="helm rollback", by="ann",
    )  # fmt: skip
    journal.write_people(other, gone, name="rollback")
    assert in_flight(rehearsal.folder) == []
