"""Bots, scores, demonstrations and the services of others, asked with httpx and smtplib."""

from __future__ import annotations

import base64
import email.message
import json
import smtplib
import ssl
from collections.abc import Iterator

import httpx
import pytest

from pytest_deploycheck.sandbox import Sandbox

SESSIONS = "/api/v1/client-demonstrations/sessions"


@pytest.fixture
def http(variables: dict[str, str]) -> Iterator[httpx.Client]:
    """A client that trusts the sandbox's authority and is logged in."""
    trust = ssl.create_default_context(cafile=variables["CA_FILE"])
    with httpx.Client(verify=trust, base_url=variables["API_URL"], trust_env=False) as client:
        words = {"username": variables["USERNAME"], "password": variables["PASSWORD"]}
        token = client.post("/api/auth/login", json=words).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        client.headers["X-Admin-Key"] = variables["ADMIN_KEY"]
        yield client


def test_a_seller_is_qualified_turn_by_turn(http: httpx.Client) -> None:
    """The bot remembers what it was told, until it is made to forget."""
    found = [
        http.post("/test/seller", json={"contact_id": "x", "message": message}).json()
        for message in ("I might sell", "we move soon", "nothing to repair", "450,000 is fine")
    ]
    assert [turn["turn"] for turn in found] == [1, 2, 3, 4]
    assert [turn["temperature"] for turn in found] == ["cold", "warm", "warm", "hot"]
    assert http.delete("/test/session/x").json() == {"deleted": "x"}
    again = http.post("/test/seller", json={"contact_id": "x", "message": "hello"}).json()
    assert (again["turn"], again["extracted_data"]) == (1, {})


def test_a_demonstration_is_created_read_and_deleted(http: httpx.Client) -> None:
    """With 201 as the real platform, and 404 for one that is not there."""
    created = http.post(SESSIONS, json={"scenario": "mid_market", "client_name": "x"})
    session = created.json()["session_id"]
    assert created.status_code == 201
    assert http.get(f"{SESSIONS}/{session}").json()["session_id"] == session
    assert "calculation_timestamp" in http.get(f"{SESSIONS}/{session}/roi").json()
    assert http.delete(f"{SESSIONS}/{session}").status_code == 200
    for ask in (http.get, http.delete):
        assert ask(f"{SESSIONS}/{session}").status_code == 404
    assert http.get(f"{SESSIONS}/{session}/roi").status_code == 404
    assert http.post(SESSIONS, json={"scenario": "castles"}).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/ml/score"),
        ("GET", "/api/lead-bot/scheduler/status"),
        ("GET", "/api/intent-decoder/deploycheck-hot/score"),
        ("POST", SESSIONS),
        ("GET", "/api/bi/real-time-metrics"),
        ("GET", "/api/health/circuit-breakers"),
    ],
)
def test_what_is_protected_answers_nobody_else(
    http: httpx.Client, variables: dict[str, str], method: str, path: str
) -> None:
    """Nonsense, and a token that has expired, get nothing."""
    del http.headers["X-Admin-Key"]
    for token in ("nonsense", variables["EXPIRED_TOKEN"]):
        http.headers["Authorization"] = f"Bearer {token}"
        assert http.request(method, path, json={}).status_code == 401


def test_the_expired_token_is_one_that_was_good_once(variables: dict[str, str]) -> None:
    """Any nonsense would be turned away too."""
    claims = variables["EXPIRED_TOKEN"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(f"{claims}=="))["exp"] == 1_700_000_000


def test_unknown_leads_and_wrong_methods_are_errors(http: httpx.Client) -> None:
    """Nothing answers for what is not there."""
    assert http.get("/api/intent-decoder/nobody/score").status_code == 404
    assert http.get("/api/v1/ml/score").status_code == 404


def test_the_services_of_others_know_their_own_keys(variables: dict[str, str]) -> None:
    """Each wants its own way to prove who asks."""
    with httpx.Client(trust_env=False) as client:
        crm, claude = variables["CRM_URL"], variables["CLAUDE_URL"]
        token = {"Authorization": f"Bearer {variables['CRM_TOKEN']}"}
        key = {"x-api-key": variables["CLAUDE_KEY"]}
        location = client.get(f"{crm}/locations/sandbox", headers=token)
        assert location.headers["x-ratelimit-daily-remaining"].isdecimal()
        contacts = client.get(f"{crm}/contacts/", params={"query": "x"}, headers=token)
        assert contacts.json() == {"contacts": [], "meta": {"total": 0}}
        assert client.get(f"{claude}/v1/models", headers=key).json()["data"][0]["type"] == "model"
        for url in (f"{crm}/locations/sandbox", f"{claude}/v1/models"):
            assert client.get(url).status_code == 401
        assert client.get(f"{crm}/nothing", headers=token).status_code == 404
        assert client.get(f"{claude}/v1/nothing", headers=key).status_code == 404


def mail_of(text: str) -> email.message.EmailMessage:
    """Return a mail."""
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@sandbox", "b@sandbox", text
    message.set_content("A line.\n.\nA line after a dot.\n")
    return message


def test_a_mail_arrives_in_the_mailbox(sandbox: Sandbox, variables: dict[str, str]) -> None:
    """Handed over by SMTP, found and removed by Mailpit's API."""
    host, _, port = variables["MAIL_SERVER"].rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=5) as server:
        server.ehlo()
        assert server.mail("a@sandbox")[0] == 530
        with pytest.raises(smtplib.SMTPAuthenticationError):
            server.login(variables["USERNAME"], "wrong")
        server.login(variables["USERNAME"], variables["MAIL_PASSWORD"])
        server.send_message(mail_of("word-1"))
        server.send_message(mail_of("word-2"))
        assert server.docmd("VRFY", "b")[0] == 502
    assert "\n.\r\nA line after a dot." in sandbox.platform.business.mails[0]
    search = f"{variables['MAIL_SINK_URL']}/api/v1/search"
    with httpx.Client(trust_env=False) as client:
        found = client.get(search, params={"query": "word-1"}).json()
        assert found["messages"] == [{"Subject": "word-1"}]
        assert client.delete(search, params={"query": "word-1"}).text == "ok"
        assert client.get(search, params={"query": "word-1"}).json()["messages"] == []
        assert client.get(f"{variables['MAIL_SINK_URL']}/").status_code == 404
    assert len(sandbox.platform.business.mails) == 1


def test_a_refused_mail_is_told_to_the_client(sandbox: Sandbox, variables: dict[str, str]) -> None:
    """As a real server does, at the recipient."""
    sandbox.platform.business.refuses_mail = True
    host, _, port = variables["MAIL_SERVER"].rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=5) as server:
        server.login(variables["USERNAME"], variables["MAIL_PASSWORD"])
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            server.send_message(mail_of("word"))
