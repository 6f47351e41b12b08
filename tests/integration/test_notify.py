"""Messages reach a real SMTP server and a real HTTP webhook, once each."""

from __future__ import annotations

import concurrent.futures
import email.message
import email.policy
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiosmtpd.controller
import aiosmtpd.smtp
import pytest
from pytest_httpserver import HTTPServer

from pytest_deploycheck.domain.events import MessageSent
from pytest_deploycheck.report import journal, layout

SUITES = Path(__file__).parents[2] / "suites"
COMMAND = (
    "notify", "scheduled", f"--config={SUITES}", "--release=1.4.2",
    "--deployed-at=2030-01-05T02:00:00Z", "--change=A new scoring model",
)  # fmt: skip
CHANNELS = """
extends = "sandbox"
[notifications.channels.mail]
url_env = "TEST_MAIL_URL"
[notifications.channels.hook]
url_env = "TEST_HOOK_URL"
[notifications.channels.pager]
url_env = "TEST_PAGER_URL"
messages = ["scheduled", "rolled-back"]
pages = true
"""


class Mailbox:
    """Keeps what an SMTP server took."""

    def __init__(self) -> None:
        """Have no mail."""
        self.mails: list[email.message.EmailMessage] = []
        self.delay_s = 0.0

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self,
        server: aiosmtpd.smtp.SMTP,
        session: aiosmtpd.smtp.Session,
        envelope: aiosmtpd.smtp.Envelope,
    ) -> str:
        """Take a mail."""
        del server, session
        data = envelope.content
        assert isinstance(data, bytes)
        parsed = email.message_from_bytes(data, policy=email.policy.default)
        assert isinstance(parsed, email.message.EmailMessage)
        self.mails.append(parsed)
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    """A real SMTP server on loopback, and its port."""
    handler = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = aiosmtpd.controller.Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield handler, port
    finally:
        controller.stop()


class Job:
    """A CI job that notifies, as a process of its own."""

    def __init__(self, root: Path, mail_port: int, hook: HTTPServer) -> None:
        """Prepare the environment's file and the variables with the addresses."""
        self.root = root
        (root / "rehearsal.toml").write_text(CHANNELS)
        self.variables = {
            **os.environ,
            "TEST_MAIL_URL": f"mailto://127.0.0.1:{mail_port}?from=ops@example.com"
            "&to=jorge@example.com&mode=insecure&format=text",
            "TEST_HOOK_URL": f"json://127.0.0.1:{hook.port}/hook",
            "TEST_PAGER_URL": f"json://127.0.0.1:{hook.port}/page",
        }

    def run(self, *more: str) -> subprocess.CompletedProcess[str]:
        """Send the announcement."""
        where = (f"--env={self.root / 'rehearsal.toml'}", f"--reports={self.root / 'reports'}")
        return subprocess.run(
            [sys.executable, "-m", "pytest_deploycheck.cli", *COMMAND, *where, *more],
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @property
    def receipts(self) -> list[MessageSent]:
        """What the record says."""
        at_s = 1_893_808_800.0
        folder = layout.deployment_folder(self.root / "reports", "rehearsal", "1.4.2", at_s)
        return [e for e in journal.read_people(folder) if isinstance(e, MessageSent)]


@pytest.fixture
def job(tmp_path: Path, mailbox: tuple[Mailbox, int], httpserver: HTTPServer) -> Job:
    """A job that reaches both servers."""
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    httpserver.expect_request("/page", method="POST").respond_with_data("ok")
    return Job(tmp_path, mailbox[1], httpserver)


def test_an_announcement_reaches_mail_and_webhook_once(
    job: Job, mailbox: tuple[Mailbox, int], httpserver: HTTPServer
) -> None:
    """Once each when the command is repeated, and it wakes nobody."""
    first, second = job.run(), job.run()
    assert (first.returncode, second.returncode) == (0, 0), first.stdout + first.stderr
    assert second.stdout.count("sent before") == 2
    (mail,) = mailbox[0].mails
    assert mail["Subject"] == "Rehearsal Deployment Scheduled - Jorge AI Platform"
    assert "- A new scoring model" in mail.get_content()
    assert [request.path for request, _ in httpserver.log] == ["/hook"]
    states = sorted((receipt.channel, receipt.state) for receipt in job.receipts)
    assert states == [("hook", "claimed"), ("hook", "sent"), ("mail", "claimed"), ("mail", "sent")]


def test_jobs_at_once_send_one_message(
    job: Job, mailbox: tuple[Mailbox, int], httpserver: HTTPServer
) -> None:
    """Two jobs of one pipeline announce the same release in the same second."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: job.run(), range(2)))
    assert len(mailbox[0].mails) == 1
    assert len(httpserver.log) == 1
    assert all(result.returncode in (0, 11) for result in results)


def test_a_channel_that_fails_is_tried_again_and_the_others_are_not(
    job: Job, mailbox: tuple[Mailbox, int], httpserver: HTTPServer
) -> None:
    """A receipt says what became of each channel, so a repetition sends only what is missing."""
    httpserver.clear()
    httpserver.expect_ordered_request("/hook").respond_with_data("no", status=500)
    failed = job.run()
    assert failed.returncode == 11
    assert "failed: scheduled to hook" in failed.stdout
    httpserver.clear()
    httpserver.expect_request("/hook", method="POST").respond_with_data("ok")
    again = job.run()
    assert again.returncode == 0, again.stdout
    assert len(mailbox[0].mails) == 1
    assert [r.state for r in job.receipts if r.channel == "hook"].count("sent") == 1


def test_a_claim_without_a_receipt_is_not_called_sent(
    job: Job, mailbox: tuple[Mailbox, int]
) -> None:
    """A job that was killed while it sent left nobody knows what: a person decides."""
    folder = layout.deployment_folder(job.root / "reports", "rehearsal", "1.4.2", 1_893_808_800.0)
    killed = MessageSent(
        at_s=time.time(), id="scheduled/1.4.2", kind="scheduled", channel="mail",
        state="claimed", subject="",
    )  # fmt: skip
    journal.claim(folder, killed, name="claim-scheduled-1.4.2-mail-1")
    held = job.run()
    assert held.returncode == 11
    assert "unknown: scheduled to mail" in held.stdout
    assert not mailbox[0].mails
    assert job.run("--again").returncode == 0
    assert len(mailbox[0].mails) == 1


def test_a_dry_run_prints_the_message_and_leaves_nothing(
    job: Job, mailbox: tuple[Mailbox, int]
) -> None:
    """Whoever tries it out neither tells anybody nor writes a receipt."""
    shown = job.run("--dry-run")
    assert shown.returncode == 0
    assert shown.stdout.startswith("Subject: Rehearsal Deployment Scheduled")
    assert not mailbox[0].mails
    assert not (job.root / "reports").exists()


def test_no_secret_of_a_channel_is_told(job: Job) -> None:
    """An unreachable channel's error names its URL, and the URL is the secret."""
    job.variables["TEST_HOOK_URL"] = "json://user:c4nary-s3cret@127.0.0.1:9/hook-c4nary-s3cret"
    result = job.run("--change=with c4nary-s3cret inside")
    assert "c4nary-s3cret" not in result.stdout + result.stderr
    for path in (job.root / "reports").rglob("*"):
        assert not path.is_file() or b"c4nary-s3cret" not in path.read_bytes()
