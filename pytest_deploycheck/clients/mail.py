"""Mail: one with an id of its own, handed to the mail server, must arrive in a mailbox."""

from __future__ import annotations

import contextlib
import email.message
import email.utils
import json
import secrets
import smtplib
import ssl
import time
from collections.abc import Callable, Iterator

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.faults import fault
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError

_GLANCE_S = 0.5


class Mail:
    """Sends test mails and sees them arrive; opened without I/O.

    The mail server is judged; the mailbox is an instrument.

    Args:
        settings: The environment's `[mail]`; None: it has none, and every use says so.
        user_agent: Who we say we are.
        sink: Replaces the mailbox, in tests.
    """

    def __init__(
        self,
        settings: environment.Mail | None,
        *,
        user_agent: str,
        sink: Api | None = None,
    ) -> None:
        self._settings = settings
        self._sink = sink
        if self._sink is None and settings is not None:
            self._sink = Api(settings.sink, user_agent=user_agent, source="mail.sink")

    def deliver(self) -> float:
        """Send a mail, wait until it is in the mailbox, remove it there; return how long it took.

        Raises:
            SubjectError: The server is silent or refuses the mail, or it does not arrive in time.
            InstrumentError: The fault may be ours: our password, or a mailbox that cannot be asked.
        """
        settings, sink = self._settings, self._sink
        if settings is None or sink is None:
            raise InstrumentError("the environment has no [mail]")
        word = f"deploycheck-{secrets.token_hex(8)}"
        started_s = time.monotonic()
        self._send(settings, _message(settings, word))
        while not _arrived(sink, word):
            waited_s = time.monotonic() - started_s
            if waited_s > settings.within_s:
                raise SubjectError(
                    f"mail {word} to {settings.recipient}: accepted by {settings.server}, found "
                    f"nowhere after {waited_s:.0f} s, expected within {settings.within_s:g} s"
                )
            time.sleep(min(_GLANCE_S, settings.within_s / 10))
        took_s = time.monotonic() - started_s
        with _mailbox():
            sink.call("remove", at={"id": word})
        return took_s

    def greet(self) -> None:
        """See that the server lets us in, and that the mailbox answers, without sending a mail.

        Raises:
            SubjectError: The server is silent or does not want us.
            InstrumentError: The fault may be ours: our password, or a mailbox that cannot be asked.
        """
        settings, sink = self._settings, self._sink
        if settings is None or sink is None:
            raise InstrumentError("the environment has no [mail]")
        self._hand(settings, f"SMTP {settings.server}: NOOP", lambda server: server.noop())
        _arrived(sink, "deploycheck-doctor")

    def close(self) -> None:
        """Close every connection."""
        if self._sink is not None:
            self._sink.close()

    def _send(self, settings: environment.Mail, message: email.message.EmailMessage) -> None:
        """Hand the mail to the server."""
        asked = f"SMTP {settings.server}: {message['Subject']} to {settings.recipient}"
        self._hand(settings, asked, lambda server: server.send_message(message))

    def _hand(
        self, settings: environment.Mail, asked: str, do: Callable[[smtplib.SMTP], object]
    ) -> None:
        """Log in where there is a login, and *do* one thing there."""
        started_s = time.monotonic()
        try:
            with _connected(settings) as server:
                if settings.username_env is not None and settings.password_env is not None:
                    server.login(
                        evidence.variable_from(settings.username_env),
                        evidence.secret_from(settings.password_env),
                    )
                do(server)
        except smtplib.SMTPAuthenticationError as error:
            evidence.answered(settings.server)
            raise InstrumentError(
                f"{asked}: found {error.smtp_code}: it refuses our user name and password"
            ) from error
        except smtplib.SMTPException as error:
            evidence.answered(settings.server)
            evidence.note("mail", asked, f"{type(error).__name__}: {error}")
            raise SubjectError(
                f"{asked}: refused, {evidence.shortened(str(error), 200)}"
            ) from error
        except OSError as error:
            evidence.silent(settings.server)
            evidence.note("mail", asked, f"no answer: {type(error).__name__}: {error}")
            blame, reason = fault(error, SubjectError)
            raise blame(f"{asked}: no answer, {reason}") from error
        evidence.answered(settings.server)
        evidence.note("mail", asked, "accepted", time.monotonic() - started_s)


def _connected(settings: environment.Mail) -> smtplib.SMTP:
    """Connect, encrypted unless the environment says that there is no need.

    Raises:
        InstrumentError: The environment's address or certificate authority cannot be used.
    """
    host, _, port = settings.server.rpartition(":")
    if not host or not port.isdecimal():
        raise InstrumentError(f"[mail] server: found {settings.server!r}, expected host:port")
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise InstrumentError(f"[mail] ca_file {settings.ca_file!r}: {error}") from error
    if settings.tls == "tls":
        return smtplib.SMTP_SSL(host, int(port), timeout=settings.timeout_s, context=context)
    with contextlib.ExitStack() as opened:
        server = opened.enter_context(smtplib.SMTP(host, int(port), timeout=settings.timeout_s))
        if settings.tls == "starttls":
            server.starttls(context=context)
        opened.pop_all()  # it stays open for the caller
    return server


def _message(settings: environment.Mail, word: str) -> email.message.EmailMessage:
    message = email.message.EmailMessage()
    message["From"] = settings.sender
    message["To"] = settings.recipient
    message["Subject"] = f"Deployment verification {word}"
    message["Date"] = email.utils.formatdate()
    message["Message-ID"] = f"<{word}@{settings.sender.rpartition('@')[2]}>"
    message.set_content("A test mail of a deployment verification. Nobody needs to read it.\n")
    return message


def _arrived(sink: Api, word: str) -> bool:
    with _mailbox():
        answer = sink.call("search", at={"id": word})
        found = answer.value(sink.key("search", "messages"))
    if not isinstance(found, list):
        raise InstrumentError(
            f"{answer.url}: found {evidence.shown(found)}, expected a list of mails"
        )
    return any(word in json.dumps(mail) for mail in found)


@contextlib.contextmanager
def _mailbox() -> Iterator[None]:
    """Blame the instrument for what the mailbox does wrong: it is not the platform's."""
    try:
        yield
    except SubjectError as error:
        raise InstrumentError(f"the mailbox: {error}") from error
