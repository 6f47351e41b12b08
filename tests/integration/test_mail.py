"""A test mail against a real SMTP server (aiosmtpd): TLS, logins, refusals, and what gets lost."""

from __future__ import annotations

import contextlib
import dataclasses
import email
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.mail import Mail
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError
from tests.integration.servers import HOST, free_port

USER, PASSWORD = "deploycheck", "right-password"
RECIPIENT = "checks@sink.test"
Make = Callable[..., Mail]
"""Makes the client, with settings otherwise than the good ones."""


@dataclasses.dataclass(kw_only=True)
class Inbox:
    """The server's side: what has arrived, and what it does with mail."""

    mails: list[str] = dataclasses.field(default_factory=list)
    loses: bool = False

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        """Know one mailbox."""
        if address != RECIPIENT:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep the mail, or lose it."""
        assert isinstance(envelope.content, bytes)
        if not self.loses:
            self.mails.append(envelope.content.decode())
        return "250 queued"

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer as Mailpit's API over the same mails."""
        wanted = request.url.params["query"]
        if request.method == "DELETE":
            self.mails[:] = [mail for mail in self.mails if wanted not in mail]
            return httpx.Response(200, text="ok")
        found = [email.message_from_string(mail) for mail in self.mails if wanted in mail]
        return httpx.Response(200, json={"messages": [{"Subject": m["Subject"]} for m in found]})


def _knows(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object
) -> AuthResult:
    assert isinstance(given, LoginPassword)
    good = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=good)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Who signs the server's certificate."""
    return trustme.CA()


@pytest.fixture
def inbox() -> Inbox:
    """Empty, and working."""
    return Inbox()


@pytest.fixture
def server(inbox: Inbox, authority: trustme.CA) -> Iterator[str]:
    """A server that wants TLS and a login, at `host:port`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(context)
    controller = Controller(
        inbox,
        hostname=HOST,
        port=free_port(),
        tls_context=context,
        require_starttls=True,
        auth_required=True,
        authenticator=_knows,
    )
    controller.start()
    with contextlib.ExitStack() as stack:
        stack.callback(controller.stop)
        yield f"{HOST}:{controller.port}"


@pytest.fixture
def mail(
    inbox: Inbox,
    authority: trustme.CA,
    server: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Make:
    """Return the client, with settings otherwise than the good ones."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("MAIL_USER", USER)
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    endpoint = {"path": "/api/v1/search?query={id}", "keys": {"messages": "messages"}}
    remove = {"path": endpoint["path"], "method": "DELETE", "expect_type": "text/plain"}
    sink = environment.Api.model_validate(
        {
            "url": "https://sink.test",
            "rate_per_s": 10_000,
            "endpoints": {"search": endpoint, "remove": remove},
        }
    )

    def make(**otherwise: object) -> Mail:
        settings = {
            "server": server,
            "ca_file": str(tmp_path / "ca.pem"),
            "username_env": "MAIL_USER",
            "password_env": "MAIL_PASSWORD",
            "sender": "deploycheck@platform.test",
            "recipient": RECIPIENT,
            "within": "300ms",
            "sink": sink,
        } | otherwise
        return Mail(
            environment.Mail.model_validate(settings),
            user_agent="deploycheck-tests/1",
            sink=Api(
                sink,
                user_agent="deploycheck-tests/1",
                transport=httpx.MockTransport(inbox.answer),
            ),
        )

    return make


def test_a_mail_is_handed_over_seen_and_removed(mail: Make, inbox: Inbox) -> None:
    """Encrypted and logged in; afterwards the mailbox is as it was."""
    assert 0 < mail().deliver() < 5
    assert inbox.mails == []


def test_a_mail_that_is_accepted_and_lost_fails(mail: Make, inbox: Inbox) -> None:
    """The server's 250 is a promise, not a delivery."""
    inbox.loses = True
    with pytest.raises(SubjectError, match=r"found nowhere after .* expected within 0\.3 s"):
        mail().deliver()


def test_a_mail_of_somebody_else_is_not_ours(mail: Make, inbox: Inbox) -> None:
    """Yesterday's test mail proves nothing today."""
    inbox.loses = True
    inbox.mails.append("Subject: Deployment verification deploycheck-0000000000000000\n\n")
    with pytest.raises(SubjectError, match="found nowhere"):
        mail().deliver()


def test_a_refused_recipient_fails(mail: Make) -> None:
    """The server is judged by what it refuses."""
    with pytest.raises(SubjectError, match="no such mailbox"):
        mail(recipient="nobody@sink.test").deliver()


@pytest.mark.parametrize(
    ("otherwise", "reason"),
    [
        ({"password_env": "MAIL_USER"}, "refuses our user name and password"),
        ({"ca_file": None}, "is the right ca_file set"),
        ({"ca_file": "/nowhere.pem"}, "ca_file '/nowhere.pem'"),
        ({"server": "sink.test"}, "expected host:port"),
        ({"password_env": "MAIL_UNSET"}, "MAIL_UNSET is not set"),
    ],
)
def test_our_own_mistakes_are_nobody_elses(
    mail: Make,
    otherwise: dict[str, object],
    reason: str,
) -> None:
    """A wrong password or authority is no failure of the mail system, and no success either."""
    with pytest.raises(InstrumentError, match=reason):
        mail(**otherwise).deliver()


def test_a_server_that_is_gone_fails(mail: Make) -> None:
    """Nobody listens there: the subject's fault."""
    with pytest.raises(SubjectError, match="connection refused"):
        mail(server=f"{HOST}:{free_port()}").deliver()


def test_a_server_without_encryption_is_not_trusted(mail: Make, inbox: Inbox) -> None:
    """Our password is sent to nobody in the clear."""
    controller = Controller(inbox, hostname=HOST, port=free_port())
    controller.start()
    try:
        with pytest.raises(SubjectError, match="STARTTLS"):
            mail(server=f"{HOST}:{controller.port}").deliver()
    finally:
        controller.stop()
    assert inbox.mails == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(200, html="<title>Sign in</title>"),
        httpx.Response(200, json={"messages": None}),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[]),
    ],
    ids=["error", "html", "null", "empty", "list"],
)
def test_a_mailbox_that_cannot_be_read_is_no_evidence(
    mail: Make,
    inbox: Inbox,
    monkeypatch: pytest.MonkeyPatch,
    answer: httpx.Response,
) -> None:
    """The mailbox is an instrument: its silence is not the mail system's."""
    monkeypatch.setattr(inbox, "answer", lambda _: answer)
    with pytest.raises(InstrumentError):
        mail().deliver()
