"""`deploycheck notify`: no message claims what the record does not bear out."""

from __future__ import annotations

import time

import pytest
from pytest_httpserver import HTTPServer

from pytest_deploycheck.domain.events import MessageSent, RolledBack, Waived
from pytest_deploycheck.domain.policy import Phase
from pytest_deploycheck.domain.words import Outcome
from pytest_deploycheck.report import journal
from tests.cli.rehearsal import Rehearsal

CHANNEL = '[notifications.channels.mail]\nurl_env = "TEST_URL"\n'


@pytest.fixture(autouse=True)
def _channel(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel; dry runs send nothing, so nobody answers there."""
    rehearsal.configure(CHANNEL)
    monkeypatch.setenv("TEST_URL", "json://127.0.0.1:9/nothing")


def rolled(rehearsal: Rehearsal, *steps: str, at_s: float | None = None) -> None:
    """Record steps of a rollback."""
    for offset, step in enumerate(steps):
        event = RolledBack(
            at_s=(at_s or time.time() - 60) + offset,
            id="R-1",
            step=step,  # type: ignore[arg-type]  # one of its words
            release="1.4.2",
            revision="6",
            command="helm rollback",
            by="somebody",
        )
        journal.write_people(rehearsal.folder, event, name="rollback")


def test_the_announcement_says_when_and_what(rehearsal: Rehearsal) -> None:
    """Date, time line and changes are filled in; nothing is left in brackets."""
    code, printed = rehearsal.run("notify", "scheduled", "--change=Faster scoring", "--dry-run")
    assert code == 0, printed
    assert "- Faster scoring" in printed
    assert "release 1.4.2" in printed
    assert "[" not in printed
    assert "{" not in printed


def test_an_announcement_without_changes_is_refused(rehearsal: Rehearsal) -> None:
    """What the deployment brings, only a person knows."""
    code, printed = rehearsal.run("notify", "scheduled")
    assert (code, "--change: found nothing" in printed) == (4, True), printed


def test_complete_is_said_when_all_it_speaks_of_passed(rehearsal: Rehearsal) -> None:
    """Each phase it names must be PROCEED: not missing, not HOLD, not rolled back."""
    rehearsal.ran("post_5min")
    rehearsal.ran("post_15min")
    code, printed = rehearsal.run("notify", "completed", "--dry-run")
    assert (code, "no verdict for phase post_30min" in printed) == (11, True), printed
    rehearsal.ran("post_30min", Outcome.INCONCLUSIVE)
    code, printed = rehearsal.run("notify", "completed", "--dry-run")
    assert (code, "phase post_30min ended in HOLD" in printed) == (11, True), printed
    rehearsal.ran("post_30min", at_s=rehearsal.deployed_at_s + 90)
    code, printed = rehearsal.run("notify", "completed", "--dry-run")
    assert (code, "completed successfully" in printed) == (0, True), printed
    rolled(rehearsal, "executed")
    code, printed = rehearsal.run("notify", "completed", "--dry-run")
    assert (code, "was rolled back" in printed) == (11, True), printed


@pytest.fixture
def complete(rehearsal: Rehearsal) -> Rehearsal:
    """A deployment of which `completed` may be said."""
    for phase in ("post_5min", "post_15min", "post_30min"):
        rehearsal.ran(phase)
    return rehearsal


@pytest.mark.parametrize("after_s", [120, 320], ids=["in time", "late"])
@pytest.mark.parametrize("phase", ["post_5min", "post_15min", "monitoring"])
def test_complete_is_not_said_beside_bad_news(
    complete: Rehearsal, phase: str, after_s: float
) -> None:
    """What any phase found since forbids it, whenever that was and whatever the message names."""
    times = (Phase(name=phase, title=phase, late_s=300),)
    complete.ran(phase, Outcome.FAILED, at_s=complete.deployed_at_s + after_s, times=times)
    code, printed = complete.run("notify", "completed", "--dry-run")
    assert (code, f"phase {phase}" in printed, "ROLLBACK" in printed) == (11, True, True), printed


def test_complete_is_not_said_of_a_run_that_was_cut_off(complete: Rehearsal) -> None:
    """It is refused with the reason, not with a traceback."""
    for path in complete.folder.glob("runs/*-post_5min/journal.jsonl"):
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    code, printed = complete.run("notify", "completed", "--dry-run")
    assert (code, "was cut off" in printed) == (11, True), printed


@pytest.mark.parametrize(
    ("outcome", "approver", "told"),
    [
        (Outcome.INCONCLUSIVE, "pavel@sandbox", True),
        (Outcome.PASSED, "pavel@sandbox", False),
        (Outcome.PASSED, "ann", False),
    ],
    ids=["counts", "not needed", "by its author"],
)
def test_complete_tells_the_exceptions_that_count(
    complete: Rehearsal, outcome: Outcome, approver: str, told: bool
) -> None:
    """An exception that the decision made no use of is none of this deployment's."""
    item, at_s = "post_15min/ml-inference", complete.deployed_at_s
    waiver = Waived(
        at_s=at_s, id="W-1", item=item, environment="rehearsal", release="1.4.2",
        until_s=at_s + 86_400, reason="first release", author="ann", approver=approver,
        ticket="T-1",
    )  # fmt: skip
    journal.write_people(complete.folder, waiver, name="waive")
    complete.ran("post_15min", at_s=at_s + 90, but={item: outcome})
    code, printed = complete.run("notify", "completed", "--dry-run")
    assert (code, f"Exception: {item}: first release (T-1)" in printed) == (0, told), printed


@pytest.mark.parametrize(
    "steps",
    [(), ("started",), ("executed",), ("executed", "not_verified"), ("verified", "executed")],
)
def test_rolled_back_is_said_when_it_was_verified(
    rehearsal: Rehearsal, steps: tuple[str, ...]
) -> None:
    """Whoever reads "fully operational" relies on it."""
    rehearsal.ran("post_5min", Outcome.FAILED)
    rolled(rehearsal, *steps)
    code, printed = rehearsal.run("notify", "rolled-back", "--dry-run")
    assert (code, "would not be true" in printed) == (11, True), printed


def test_the_rollback_names_its_cause_and_promises_news(rehearsal: Rehearsal) -> None:
    """From the verdict that asked for it, unless a person knows better."""
    rehearsal.ran("post_5min", Outcome.FAILED)
    rolled(rehearsal, "started", "dry_run", "executed", "verified")
    code, printed = rehearsal.run("notify", "rolled-back", "--dry-run")
    assert code == 0, printed
    assert "Root cause: post_5min/" in printed
    assert "provide an update by" in printed
    _, printed = rehearsal.run("notify", "rolled-back", "--dry-run", "--cause=a wrong setting")
    assert "Root cause: a wrong setting" in printed


def test_a_promised_update_falls_due(rehearsal: Rehearsal) -> None:
    """Two hours after the rollback was told, somebody is reminded until it is sent."""
    rehearsal.ran("post_5min", Outcome.FAILED)
    assert rehearsal.run("notify", "due")[0] == 0
    told = MessageSent(
        at_s=time.time() - 7300, id="rolled-back/1.4.2", kind="rolled-back", channel="mail",
        state="sent", subject="", promised_by_s=time.time() - 100,
    )  # fmt: skip
    journal.write_people(rehearsal.folder, told, name="told")
    code, printed = rehearsal.run("notify", "due")
    assert (code, printed.startswith("overdue: the update promised until")) == (11, True), printed
    news = MessageSent(
        at_s=time.time(), id="update/1.4.2", kind="update", channel="mail", state="sent", subject=""
    )
    journal.write_people(rehearsal.folder, news, name="told")
    assert rehearsal.run("notify", "due")[0] == 0


@pytest.fixture
def hook(httpserver: HTTPServer) -> str:
    """The URL of a channel that answers."""
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    return f"json://127.0.0.1:{httpserver.port}/hook"


def test_other_news_are_another_message(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer, hook: str
) -> None:
    """The same news leave once, however often somebody repeats the command; others leave, too."""
    monkeypatch.setenv("TEST_URL", hook)
    rolled(rehearsal, "executed")
    news = ("notify", "update", "--news=a probe is mended")
    assert [rehearsal.run(*news)[1] for _ in range(2)] == [
        "sent: update to mail\n",
        "sent before: update to mail\n",
    ]
    assert rehearsal.run("notify", "update", "--news=all is well")[1] == "sent: update to mail\n"
    assert len(httpserver.log) == 2


def test_a_message_that_failed_is_tried_again_also_after_again(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch, hook: str
) -> None:
    """A job died while it sent; a person had it sent again, which failed: there is a receipt."""
    rolled(rehearsal, "executed")
    news = ("notify", "update", "--news=a probe is mended")
    assert "failed: update to mail" in rehearsal.run(*news)[1]  # nobody answers yet
    for path in (rehearsal.folder / "people").glob("*-update-mail-failed-*"):
        path.unlink()  # the job died before it could say so
    assert "unknown: update to mail" in rehearsal.run(*news)[1]
    assert "failed: update to mail" in rehearsal.run(*news, "--again")[1]
    assert "failed: update to mail" in rehearsal.run(*news)[1]
    monkeypatch.setenv("TEST_URL", hook)
    assert rehearsal.run(*news)[1] == "sent: update to mail\n"


def test_a_message_without_a_channel_is_refused(rehearsal: Rehearsal) -> None:
    """Nobody believes that somebody was told when there was nobody to tell."""
    rehearsal.environment.write_text('extends = "sandbox"\n')
    code, printed = rehearsal.run("notify", "scheduled", "--change=x")
    assert (code, "found no channel" in printed) == (4, True), printed
