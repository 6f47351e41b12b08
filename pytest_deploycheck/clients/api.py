"""The platform's HTTP API: a subject."""

from __future__ import annotations

import base64
import http
import json
import secrets
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.endpoints import Endpoints, same
from pytest_deploycheck.clients.faults import bad_certificate
from pytest_deploycheck.clients.http import REFUSED
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError


class Api(Endpoints):
    """Asks the API by the names of the endpoint map; each check logs in for itself.

    Args:
        settings: The environment's `[api]`.
        user_agent: Who we say we are.
        source: The fixture's name, for the evidence.
        transport: Replaces the wire, in tests.
        clock: Unix seconds.
    """

    def __init__(
        self,
        settings: environment.Api,
        *,
        user_agent: str,
        source: str = "api",
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            settings, user_agent=user_agent, source=source, transport=transport, clock=clock
        )
        self.settings = settings
        self._lock = threading.Lock()
        self._tokens: weakref.WeakKeyDictionary[evidence.Recorder, str] = (
            weakref.WeakKeyDictionary()
        )

    def ask(
        self,
        name: str,
        *,
        body: Mapping[str, Any] | None = None,
        at: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask the endpoint *name*, with the credentials its `auth` asks for, whatever comes back.

        Arguments as in `call`.

        Raises:
            SubjectError: Silence, or it does not know a token that it has just given us.
            InstrumentError: The fault may be ours: refused credentials, too many requests.
        """
        endpoint = self._endpoint(name)
        if name == self.settings.login:
            return self._ask_login(name, endpoint)
        if endpoint.auth == "wrong_password":
            return self._send(endpoint, body=self._wrong_login(endpoint))
        answer = self._send(endpoint, headers=self._credentials(endpoint.auth), body=body, at=at)
        if endpoint.auth in ("none", "expired") or answer.status not in REFUSED:
            return answer
        if answer.status in endpoint.expect_status:
            return answer
        asked = f"{answer.method} {answer.url}: found {answer.status}"
        if answer.status == http.HTTPStatus.UNAUTHORIZED and self._logs_in(endpoint.auth):
            raise SubjectError(f"{asked}, expected to be known by the token it has just given us")
        raise InstrumentError(f"{asked}: it refuses our {endpoint.auth} credentials")

    def turns_away(self, name: str) -> bool:
        """Say whether the endpoint *name* refuses who brings no credentials; False: it serves them.

        A check of a control must not take an outage for a control that failed, so anything that is
        neither a refusal nor what is served behind the door is no evidence: a page to sign in on,
        which comes with 200 and as HTML, lets nobody in, and does not say that it refuses either.
        A refusal of another media type is a firewall's: nobody knows what the door behind it does.
        What is served there is the endpoint's `expect`, and for a login its token.

        Raises:
            InstrumentError: Silence, an error of the server's, an answer that is not what the
                endpoint serves, no such endpoint.
        """
        endpoint = self._endpoint(name)
        try:
            answer = self.ask(name)
        except SubjectError as error:
            raise InstrumentError(f"nobody refused and nobody answered: {error}") from error
        spoken = answer.media_type == endpoint.expect_type
        if answer.status in endpoint.expect_status and spoken:
            return True
        if 200 <= answer.status < 300 and _lets_in(answer, endpoint):
            return False
        refusal = " or ".join(map(str, endpoint.expect_status))
        raise InstrumentError(
            f"{answer.method} {answer.url}: found {answer.status} "
            f"({answer.media_type or 'no media type'}), expected {refusal}: neither a refusal nor "
            f"an answer ({endpoint.expect_type}) of an open door"
        )

    def certificate_trouble(self, name: str) -> str:
        """Say what is wrong with the certificate that the endpoint *name* shows; empty: nothing.

        Raises:
            InstrumentError: Anything else kept us from an answer over TLS, so nobody has seen it.
        """
        try:
            answer = self.ask(name)
        except SubjectError as error:
            trouble = bad_certificate(error)
            if not trouble:
                raise InstrumentError(f"no certificate was seen: {error}") from error
            return trouble
        if answer.tls_expires_at_s is None:
            raise InstrumentError(f"{answer.method} {answer.url}: found no TLS, so no certificate")
        return ""

    def _ask_login(self, name: str, endpoint: environment.Endpoint) -> Answer:
        """Send the environment's user name and password."""
        user, word = self.settings.username_env, self.settings.password_env
        if user is None or word is None:
            raise InstrumentError(f"[api] login = {name!r} needs username_env and password_env")
        answer = self._send(endpoint, body=_login(endpoint, user, evidence.secret_from(word)))
        if answer.status in REFUSED:
            raise InstrumentError(
                f"{answer.method} {answer.url}: found {answer.status}: it refuses our user name "
                f"and password (from {user} and {word})"
            )
        return answer

    def _wrong_login(self, endpoint: environment.Endpoint) -> dict[str, str]:
        """Return our user name with a password that is not ours."""
        if self.settings.username_env is None:
            raise InstrumentError("[api] needs username_env: whose password is to be wrong?")
        return _login(endpoint, self.settings.username_env, f"not-{secrets.token_hex(8)}")

    def _logs_in(self, auth: str) -> bool:
        """Say whether *auth* is by a token that this check has been given."""
        return auth == "user" and self.settings.token_env is None and bool(self.settings.login)

    def _credentials(self, auth: str) -> dict[str, str]:
        """Return the headers that prove who we are.

        Raises:
            InstrumentError: The environment names no such credentials, or their variable is unset.
        """
        settings = self.settings
        if auth == "none":
            return {}
        if auth == "admin" and settings.admin_key_env is not None:
            return {settings.key_header: evidence.secret_from(settings.admin_key_env)}
        if auth == "expired" and settings.expired_token_env is not None:
            token = evidence.secret_from(settings.expired_token_env)
            _demand_expired(token, self._clock())
            return {"Authorization": f"Bearer {token}"}
        if auth == "user" and settings.token_env is not None:
            return {"Authorization": f"Bearer {evidence.secret_from(settings.token_env)}"}
        if auth == "user" and settings.login is not None:
            return {"Authorization": f"Bearer {self._token(settings.login)}"}
        if auth == "user" and settings.username_env and settings.password_env:
            user = evidence.variable_from(settings.username_env)
            word = evidence.secret_from(settings.password_env)
            pair = base64.b64encode(f"{user}:{word}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        known = {"admin": "admin_key_env", "expired": "expired_token_env"}
        wanted = known.get(auth, "token_env, or login")
        raise InstrumentError(f"[{self.source}] has no {auth} credentials: set {wanted}")

    def _token(self, login: str) -> str:
        """Log in, once for each sample of a check."""
        check = evidence.current()
        if check is not None:
            with self._lock:
                known = self._tokens.get(check)
            if known is not None:
                return known
        path = self._endpoint(login).keys.get("token", "token")
        token = self.call(login).value(path)
        if not isinstance(token, str) or not token:
            raise SubjectError(f"{login}: expected a token at {path!r}, found none")
        evidence.register_secret(token)
        if check is not None:
            with self._lock:
                self._tokens[check] = token
        return token


def _lets_in(answer: Answer, endpoint: environment.Endpoint) -> bool:
    """Say whether *answer* is what the endpoint serves to whom it lets in."""
    if answer.media_type != endpoint.expect_type:
        return False
    token = endpoint.keys.get("token")
    try:
        return all(
            same(answer.value(path), wanted) for path, wanted in endpoint.expect.items()
        ) and (token is None or bool(answer.value(token)))
    except SubjectError:  # no JSON, or nothing stands there
        return False


def _login(endpoint: environment.Endpoint, user_env: str, password: str) -> dict[str, str]:
    """Return the body of a login."""
    return {
        endpoint.keys.get("username", "username"): evidence.variable_from(user_env),
        endpoint.keys.get("password", "password"): password,
    }


def _demand_expired(token: str, now_s: float) -> None:
    """Refuse a token that is not one which was good once: any nonsense would be turned away too.

    Raises:
        InstrumentError: It is no JWT, or has not expired.
    """
    part = token.partition(".")[2].partition(".")[0]
    try:
        expires_s = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["exp"]
        expired = float(expires_s) < now_s
    except (ValueError, KeyError, TypeError) as error:
        raise InstrumentError("expired_token_env: expected a JWT with exp, found none") from error
    if not expired:
        raise InstrumentError("expired_token_env: found a token that has not expired yet")
