"""`deploycheck waive`: an exception has a reason, a ticket, an end, and two people."""

from __future__ import annotations

import json

import pytest

from pytest_deploycheck.cli import waiving
from pytest_deploycheck.domain.events import PlannedCheck, Revoked, Waived
from pytest_deploycheck.report import journal, layout
from tests.cli.rehearsal import Rehearsal

ITEM = "deploy/stakeholder-notification"
FULL = (
    "--by=ann",
    "--approver=pavel@sandbox",
    "--ticket=T-1",
    "--for=72h",
    "--reason=first release",
)


@pytest.fixture(autouse=True)
def _checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The suites' checks, without collecting them each time."""
    checks = (
        PlannedCheck(nodeid="a", item=ITEM),
        PlannedCheck(nodeid="b", item="post_5min/api-endpoints", trigger="security-issues"),
    )
    monkeypatch.setattr(waiving, "inventory", lambda _: checks)


def test_a_waiver_is_in_the_record(rehearsal: Rehearsal) -> None:
    """Item, release, reason, both people, ticket and end."""
    rehearsal.ran("deploy")
    code, printed = rehearsal.run("waive", ITEM, *FULL)
    assert code == 0, printed
    (waiver,) = [event for event in rehearsal.events if isinstance(event, Waived)]
    assert (waiver.item, waiver.release, waiver.author, waiver.approver, waiver.ticket) == (
        ITEM, "1.4.2", "ann", "pavel@sandbox", "T-1",
    )  # fmt: skip
    assert waiver.until_s - waiver.at_s == pytest.approx(72 * 3600)


@pytest.mark.parametrize(
    ("item", "change", "expected"),
    [
        (ITEM, "--by=Pavel@Sandbox", "expected the approval of somebody else"),
        (ITEM, "--approver=ann", "ann may not approve a waiver; expected olivia@sandbox, pavel@"),
        (ITEM, "--for=721h", "expected at most 30d"),
        (ITEM, "--reason=", "--reason: found nothing"),
        (ITEM, "--ticket=", "--ticket: found nothing"),
        (ITEM, "--until=2020-01-01T00:00:00Z", "expected one of them"),
        ("rollback/security-issues", "--ticket=T-1", "never waivable"),
        ("rollback/database-issues", "--ticket=T-1", "never waivable"),
        ("post_5min/api-endpoints", "--ticket=T-1", "never waivable"),
        ("deploy/stakeholder", "--ticket=T-1", "did you mean deploy/stakeholder-notification"),
    ],
)
def test_an_exception_that_may_not_be_is_refused(
    rehearsal: Rehearsal, item: str, change: str, expected: str
) -> None:
    """The policy and four eyes decide, and nothing is written."""
    rehearsal.ran("deploy")
    before = rehearsal.events
    code, printed = rehearsal.run("waive", item, *FULL, change)
    assert (code, expected in printed) == (4, True), printed
    assert rehearsal.events == before


def test_an_end_may_be_a_time_that_has_not_come(rehearsal: Rehearsal) -> None:
    """An exception until yesterday is a mistake, not an exception."""
    rehearsal.ran("deploy")
    words = [word for word in FULL if not word.startswith("--for")]
    code, printed = rehearsal.run("waive", ITEM, *words, "--until=2020-01-01T00:00:00Z")
    assert (code, "which is over" in printed) == (4, True), printed


def test_a_waiver_of_any_release_is_kept_beside_the_deployments(rehearsal: Rehearsal) -> None:
    """Every later deployment takes it into its own record when it runs."""
    code, printed = rehearsal.run("waive", ITEM, *FULL, "--any-release")
    assert code == 0, printed
    (waiver,) = journal.read_events(layout.waivers_folder(rehearsal.reports, "rehearsal"))
    assert isinstance(waiver, Waived)
    assert waiver.release is None


def test_a_waiver_of_any_release_needs_no_deployment(rehearsal: Rehearsal) -> None:
    """It is granted, listed and taken back where nothing has been rolled out yet."""
    code, printed = rehearsal.run("waive", ITEM, *FULL, "--any-release", named=False)
    assert code == 0, printed
    (row,) = json.loads(rehearsal.run("waive", "list", "--json", "--any-release", named=False)[1])
    back = ("waive", "revoke", row["id"], "--by=pavel@sandbox", "--reason=mended", "--any-release")
    code, printed = rehearsal.run(*back, named=False)
    assert code == 0, printed
    assert "(not in force)" in rehearsal.run("waive", "list", "--any-release", named=False)[1]
    assert not rehearsal.folder.exists()


def test_a_waiver_of_any_release_is_taken_back_for_all(rehearsal: Rehearsal) -> None:
    """Beside the waiver, where the next deployment finds it, and in this deployment's record."""
    rehearsal.ran("deploy")
    rehearsal.run("waive", ITEM, *FULL, "--any-release")
    shared = layout.waivers_folder(rehearsal.reports, "rehearsal")
    (waiver,) = journal.read_events(shared)
    assert isinstance(waiver, Waived)
    back = ("waive", "revoke", waiver.id, "--by=pavel@sandbox", "--reason=mended")
    assert rehearsal.run(*back)[0] == 0
    for place in (journal.read_events(shared), rehearsal.events):
        assert [e.id for e in place if isinstance(e, Revoked)] == [waiver.id]
    assert rehearsal.run(*back)[0] == 4


def test_the_list_shows_what_is_in_force(rehearsal: Rehearsal) -> None:
    """And what was taken back is not; only its author or approver may do that."""
    rehearsal.ran("deploy")
    rehearsal.run("waive", ITEM, *FULL)
    (row,) = json.loads(rehearsal.run("waive", "list", "--json")[1])
    assert row["in_force"]
    assert rehearsal.run("waive", "revoke", row["id"], "--by=eve", "--reason=no")[0] == 4
    assert (
        rehearsal.run("waive", "revoke", row["id"], "--by=pavel@sandbox", "--reason=mended")[0] == 0
    )
    assert "(not in force)" in rehearsal.run("waive", "list")[1]
