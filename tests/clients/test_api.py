"""The endpoint map, held against the API's answers, and who logs in for what."""

from __future__ import annotations

import datetime as dt
import email.utils
import ssl
import time
from typing import Any

import httpx
import pytest

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.frontend import Frontend, assets_of
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError, SubjectError
from tests.clients.doubles import NOW_S, USER_AGENT, Handler, answer

HEALTH: dict[str, Any] = {
    "path": "/health",
    "healthy": ["healthy"],
    "components": ["database"],
    "max_age": "90s",
}


def at(age_s: float = 0.0) -> str:
    """Return the time *age_s* before now, as servers write it."""
    return dt.datetime.fromtimestamp(NOW_S - age_s, dt.UTC).isoformat()


def api(handler: Handler, *, auth: dict[str, Any] | None = None, **endpoints: Any) -> Api:  # noqa: ANN401
    """Return the API of a platform that answers as *handler* does."""
    settings = environment.Api(
        url="https://api.test",
        rate_per_s=10_000,
        endpoints={name: environment.Endpoint(**one) for name, one in endpoints.items()},
        **(auth or {}),
    )
    transport = httpx.MockTransport(handler)
    return Api(settings, user_agent=USER_AGENT, transport=transport, clock=lambda: NOW_S)


def saying(body: Any, status: int = 200, **headers: str) -> Handler:  # noqa: ANN401
    """Return a platform that always says *body*."""
    return lambda _: httpx.Response(status, json=body, headers=headers)


GOOD = {"status": "healthy", "timestamp": at(), "components": {"database": "healthy"}}


@pytest.mark.parametrize(("found", "accepted"), [("here", True), ("there", False), (None, False)])
def test_the_answer_is_about_what_was_asked_for(found: str | None, accepted: bool) -> None:
    """Whoever asks for one thing and is told of another has learnt nothing."""
    place = {"path": "/at/{place}", "expect": {"at.id": "{place}"}}
    client = api(saying({"at": {"id": found}}), auth={"values": {"place": "here"}}, place=place)
    if accepted:
        assert client.call("place").value("at.id") == "here"
    else:
        with pytest.raises(SubjectError, match=r"at.id: found .*, expected 'here'"):
            client.call("place")


def test_an_answer_that_is_all_that_was_demanded_is_returned() -> None:
    """The healthy case, with the evidence that it leaves."""
    with evidence.recording() as recorder:
        found = api(saying(GOOD), health=HEALTH).call("health")
    assert found.value("components.database") == "healthy"
    assert recorder.evidence[0].source == "api"
    assert recorder.answered == ("api.test:443",)


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        (saying(GOOD, 500), "found status 500, expected 200"),
        (saying(GOOD, 404), "found status 404, expected 200"),
        (saying({}, 301, location="https://x"), "found status 301 to https://x, expected 200"),
        (lambda _: httpx.Response(200, html="<html>"), "found text/html, expected application/js"),
        (lambda _: httpx.Response(200), "found no media type, expected application/json"),
        (saying([]), "expected a health report"),
        (saying({}), "expected a timestamp of the last 90 s, found none"),
        (saying(GOOD | {"timestamp": at(91)}), "found a timestamp 91 s old, expected at most 90 s"),
        (saying(GOOD | {"timestamp": at(-91)}), "found a timestamp -91 s old"),
        (saying(GOOD | {"status": "degraded"}), "status: found 'degraded', expected 'healthy'"),
        (saying(GOOD | {"components": {}}), "component 'database' is missing"),
    ],
)
def test_each_way_of_not_being_healthy_fails_and_is_named(handler: Handler, problem: str) -> None:
    """`curl -f` is content with half of these."""
    with pytest.raises(SubjectError) as raised:
        api(handler, health=HEALTH).call("health")
    assert problem in str(raised.value)
    assert "GET https://api.test/health" in str(raised.value)


@pytest.mark.parametrize("found", [False, 1, "true", None])
def test_an_expected_value_is_that_value(found: object) -> None:
    """Python thinks that 1 is True."""
    client = api(saying({"in": found}), auth_test={"path": "/", "expect": {"in": True}})
    with pytest.raises(SubjectError, match="expected True"):
        client.call("auth_test")


def test_parts_of_a_health_report_are_judged_alone() -> None:
    """A broken cache must not fail the check of the database."""
    report = GOOD | {"status": "degraded", "components": {"database": "healthy", "cache": "down"}}
    found = api(saying(report), health=HEALTH).health("health")
    assert found.trouble_with("database") == ""
    assert found.trouble_with("cache")


def test_an_old_health_report_says_nothing_about_its_parts() -> None:
    """A cached report of yesterday is no evidence for today's database."""
    with pytest.raises(SubjectError, match="s old"):
        api(saying(GOOD | {"timestamp": at(1000)}), health=HEALTH).health("health")


def date(ago_s: float) -> str:
    """Return the time *ago_s* before now, as the header `Date` has it."""
    return email.utils.formatdate(NOW_S - ago_s, usegmt=True)


@pytest.mark.parametrize("way", ["call", "health"])
@pytest.mark.parametrize("off_s", [40, -40, 1e9])
def test_the_age_of_a_report_needs_one_clock(way: str, off_s: float) -> None:
    """By a slow clock of ours the report of a platform that hangs is fresh; by a fast one, old."""
    answers = saying(GOOD | {"timestamp": at(off_s * 3)}, date=date(off_s))
    with pytest.raises(InstrumentError) as raised:
        getattr(api(answers, health=HEALTH), way)("health")
    told = str(raised.value)
    assert f"found Date '{date(off_s)}', {-off_s:+.0f} s from " in told
    assert f"{at()[11:19]}Z by our clock" in told


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"date": date(25)},
        {"date": date(-25)},
        {"date": date(3600), "age": "3595"},
        {"date": "yesterday"},
        {"date": "Fri, 15 Jan 2027 08:00:00 -0000"},
    ],
)
def test_clocks_that_do_not_differ_decide_nothing(headers: dict[str, str]) -> None:
    """A cache shows when it got the answer and how long it has it; not everybody sends a time."""
    client = api(saying(GOOD, 200, **headers), health=HEALTH)
    assert client.call("health").status == 200
    assert client.health("health").status == "healthy"


def test_clocks_that_differ_hide_no_failure() -> None:
    """What it says of itself is bad at any time."""
    unwell = saying(GOOD | {"status": "degraded"}, date=date(3600))
    with pytest.raises(SubjectError, match="found 'degraded'"):
        api(unwell, health=HEALTH).call("health")
    timeless = api(saying(GOOD, date=date(3600)), health=HEALTH | {"max_age": None})
    assert timeless.call("health").status == 200


def test_an_endpoint_that_the_environment_does_not_name_is_no_evidence() -> None:
    """A typing error is not a failure of the platform, and names what comes near."""
    with pytest.raises(InstrumentError, match="did you mean health"):
        api(saying(GOOD), health=HEALTH).call("heath")


# --- credentials -----------------------------------------------------------------------------

LOGIN: dict[str, Any] = {"path": "/login", "method": "POST", "keys": {"token": "access_token"}}
PRIVATE: dict[str, Any] = {"path": "/me", "auth": "user"}
BY_LOGIN = {"login": "login", "username_env": "T_USER", "password_env": "T_PASSWORD"}


@pytest.fixture
def _account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T_USER", "jorge")
    monkeypatch.setenv("T_PASSWORD", "hunter2-secret")
    monkeypatch.setenv("T_TOKEN", "static-token")


class Platform:
    """Knows one account, and every token that it has given."""

    def __init__(self) -> None:
        self.logins = 0
        self.knows_tokens = True

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        if request.url.path == "/login":
            if b"hunter2-secret" not in request.content:
                return httpx.Response(401, json={})
            self.logins += 1
            return httpx.Response(200, json={"access_token": f"issued-{self.logins}"})
        known = request.headers.get("authorization", "").startswith("Bearer issued-")
        return httpx.Response(200 if known and self.knows_tokens else 401, json={})


@pytest.mark.usefixtures("_account")
def test_each_check_logs_in_once_for_itself() -> None:
    """A login that two checks share would make one's log-out the other's failure."""
    platform = Platform()
    client = api(platform, auth=BY_LOGIN, login=LOGIN, me=PRIVATE)
    for _ in range(3):
        with evidence.recording() as recorder:
            client.call("me")
            client.call("me")
        kept = "".join(note.request + note.answer for note in recorder.evidence)
        assert "issued-" not in kept
        assert "hunter2" not in kept
    assert platform.logins == 3


@pytest.mark.usefixtures("_account")
def test_our_wrong_password_is_our_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rotated secret in the CI system must not roll back a release."""
    monkeypatch.setenv("T_PASSWORD", "wrong")
    with pytest.raises(InstrumentError, match="refuses our user name and password"):
        api(Platform(), auth=BY_LOGIN, login=LOGIN, me=PRIVATE).call("me")


@pytest.mark.usefixtures("_account")
def test_a_token_just_given_and_not_known_is_the_platforms_fault() -> None:
    """Nobody can use what they have logged in for."""
    platform = Platform()
    platform.knows_tokens = False
    with pytest.raises(SubjectError, match="the token it has just given us"):
        api(platform, auth=BY_LOGIN, login=LOGIN, me=PRIVATE).call("me")


@pytest.mark.usefixtures("_account")
def test_a_login_without_a_token_fails() -> None:
    """200 and an empty token lets nobody in."""
    client = api(saying({"access_token": ""}), auth=BY_LOGIN, login=LOGIN, me=PRIVATE)
    with pytest.raises(SubjectError, match="expected a token"):
        client.call("me")


@pytest.mark.usefixtures("_account")
@pytest.mark.parametrize(
    ("auth", "header"),
    [
        ({"token_env": "T_TOKEN"}, "Bearer static-token"),
        (
            {"username_env": "T_USER", "password_env": "T_PASSWORD"},
            "Basic am9yZ2U6aHVudGVyMi1zZWNyZXQ=",
        ),
    ],
    ids=["token", "basic"],
)
def test_refused_static_credentials_are_our_fault(auth: dict[str, str], header: str) -> None:
    """A token that has expired in our secrets says nothing about the platform."""
    seen = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["authorization"])
        return httpx.Response(401, json={})

    with pytest.raises(InstrumentError, match="refuses our user credentials"):
        api(handle, auth=auth, me=PRIVATE).call("me")
    assert seen == [header]


@pytest.mark.parametrize("auth", ["user", "admin"])
def test_missing_credentials_are_named(auth: str) -> None:
    """Nothing is asked without them, and nothing is passed."""
    with pytest.raises(InstrumentError, match=f"has no {auth} credentials"):
        api(saying({}), me=PRIVATE | {"auth": auth}).call("me")


ANONYMOUS: dict[str, Any] = {"path": "/me", "expect_status": [401, 403]}


@pytest.mark.parametrize(("status", "turned_away"), [(401, True), (403, True), (200, False)])
def test_a_door_is_closed_or_open(status: int, turned_away: bool) -> None:
    """Only an answer to a stranger is a control that failed."""
    assert api(saying({}, status), anonymous=ANONYMOUS).turns_away("anonymous") is turned_away


@pytest.mark.parametrize(
    ("endpoint", "body", "is_open"),
    [
        ({"expect": {"authenticated": True}}, {"authenticated": True}, True),
        ({"expect": {"authenticated": True}}, {"authenticated": False}, False),
        ({"expect": {"authenticated": True}}, {"detail": "please log in"}, False),
        ({"keys": {"token": "access_token"}}, {"access_token": "t"}, True),
        ({"keys": {"token": "access_token"}}, {"access_token": None}, False),
        ({"keys": {"token": "access_token"}}, {"error": "bad credentials"}, False),
    ],
)
def test_a_door_is_open_when_it_serves_what_is_behind_it(
    endpoint: dict[str, Any], body: dict[str, Any], is_open: bool
) -> None:
    """A platform that says no with status 200 has not failed; nor has it refused as it should."""
    asked = api(saying(body), door=ANONYMOUS | endpoint)
    if is_open:
        assert asked.turns_away("door") is False
    else:
        with pytest.raises(InstrumentError, match="neither a refusal nor an answer"):
            asked.turns_away("door")


@pytest.mark.parametrize("status", [302, 404, 405, 500, 503])
def test_an_outage_is_no_open_door(status: int) -> None:
    """A security trigger fires at once, so a pod that restarts must not fire it."""
    with pytest.raises(InstrumentError, match=f"found {status}"):
        api(saying({}, status), anonymous=ANONYMOUS).turns_away("anonymous")


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", ""])
@pytest.mark.parametrize("status", [401, 403])
def test_a_firewalls_refusal_is_no_closed_door(status: int, kind: str) -> None:
    """Nobody knows what the API behind it would have said; one that refuses says so itself."""

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(status, content=b"blocked", headers={"Content-Type": kind})

    with pytest.raises(InstrumentError, match=f"found {status} .*, expected 401 or 403"):
        api(handle, anonymous=ANONYMOUS).turns_away("anonymous")


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", ""])
def test_a_page_to_sign_in_on_is_no_open_door(kind: str) -> None:
    """It comes with 200, and it is no refusal: nobody knows."""

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"<h1>Sign in</h1>", headers={"Content-Type": kind})

    with pytest.raises(InstrumentError, match=r"found 200 .*, expected 401 or 403: neither"):
        api(handle, anonymous=ANONYMOUS).turns_away("anonymous")


def test_a_silence_is_no_open_door() -> None:
    """As above, when nobody answers at all."""

    def handle(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(InstrumentError, match="nobody refused"):
        api(handle, anonymous=ANONYMOUS).turns_away("anonymous")


@pytest.mark.parametrize(
    ("code", "trouble"), [(10, "has expired"), (62, "for another host name"), (20, None)]
)
def test_a_bad_certificate_is_told_from_one_that_we_cannot_verify(
    code: int, trouble: str | None
) -> None:
    """The first is a control that failed; the second may be our missing authority."""

    def handle(_: httpx.Request) -> httpx.Response:
        error = ssl.SSLCertVerificationError("certificate verify failed")
        error.verify_code, error.verify_message = code, "no"
        raise httpx.ConnectError("no TLS") from error

    asked = api(handle, health=HEALTH)
    if trouble is not None:
        assert trouble in asked.certificate_trouble("health")
    else:
        with pytest.raises(InstrumentError, match="cannot be verified"):
            asked.certificate_trouble("health")


@pytest.mark.parametrize("code", [9, 10])
@pytest.mark.parametrize(
    ("ahead_s", "ours"), [(-86_400, True), (86_400, True), (3, False), (None, False)]
)
def test_a_certificate_is_not_held_against_a_wrong_clock(
    code: int, ahead_s: float | None, *, ours: bool
) -> None:
    """By a clock of ours that is wrong every certificate is: no control failed, nothing is down."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "HEAD" and ahead_s is not None:
            date = email.utils.formatdate(time.time() + ahead_s, usegmt=True)
            return httpx.Response(404, headers={"Date": date})
        error = ssl.SSLCertVerificationError("certificate verify failed")
        error.verify_code, error.verify_message = code, "no"
        raise httpx.ConnectError("no TLS") from error

    asked = api(handle, health=HEALTH)
    if ours:
        for ask in (asked.certificate_trouble, asked.call):
            with pytest.raises(InstrumentError, match="set the clock that is wrong"):
                ask("health")
    else:
        assert asked.certificate_trouble("health")
        with pytest.raises(SubjectError, match="its certificate"):
            asked.call("health")


def test_without_an_answer_over_tls_no_certificate_was_seen() -> None:
    """An outage is another trigger's matter, and so is an environment that asks without TLS."""

    def handle(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(InstrumentError, match="no certificate was seen"):
        api(handle, health=HEALTH).certificate_trouble("health")
    with pytest.raises(InstrumentError, match="found no TLS"):
        api(saying(GOOD), health=HEALTH).certificate_trouble("health")


@pytest.mark.parametrize("status", [401, 403])
def test_a_stranger_refused_where_everybody_may_enter_fails(status: int) -> None:
    """No credentials of ours were sent, so they are not what is wrong."""
    with pytest.raises(SubjectError, match=f"found status {status}"):
        api(saying({}, status), health=HEALTH).call("health")


# --- the user interface ----------------------------------------------------------------------

PAGE = """<!doctype html><title>Real Estate AI</title><link rel=stylesheet href=/a.css>
<script src="/b.js?v=1"></script><script src="https://cdn.test/c.js"></script><div id="__next">"""


def frontend(handler: Handler) -> Frontend:
    """Return the user interface of a platform that answers as *handler* does."""
    root = environment.Endpoint(path="/", expect_type="text/html", contains=("<title>", "__next"))
    settings = environment.Frontend(
        url="https://app.test", rate_per_s=10_000, endpoints={"root": root}
    )
    return Frontend(settings, user_agent=USER_AGENT, transport=httpx.MockTransport(handler))


def test_a_page_names_its_own_assets() -> None:
    """Other hosts are not ours to judge or to ask."""
    page = answer(PAGE, url="https://app.test/")
    assert assets_of(page) == ("https://app.test/a.css", "https://app.test/b.js?v=1")


@pytest.mark.parametrize(
    ("asset", "problem"),
    [
        (httpx.Response(200, text="x", headers={"Content-Type": "text/css"}), None),
        (httpx.Response(404, html="gone"), "found 404"),
        (httpx.Response(200, html=PAGE), "found 200 \\(text/html"),
        (httpx.Response(200, headers={"Content-Type": "text/css"}), "0 characters"),
    ],
    ids=["good", "gone", "index", "empty"],
)
def test_a_page_whose_scripts_are_gone_fails(asset: httpx.Response, problem: str | None) -> None:
    """The page itself is perfect in each of these."""
    client = frontend(
        lambda request: httpx.Response(200, html=PAGE) if request.url.path == "/" else asset
    )
    page = client.call("root")
    if problem is None:
        assert len(client.load(page)) == 2
    else:
        with pytest.raises(DeploycheckError, match=problem):
            client.load(page)


def test_a_page_that_loads_nothing_is_no_evidence() -> None:
    """It stays white, or is complete: nobody knows."""
    client = frontend(lambda _: httpx.Response(200, html=PAGE.replace("<", "&lt;")))
    with pytest.raises(InstrumentError, match="names no script and no style sheet"):
        client.load(client.ask("root"))


@pytest.mark.parametrize("rel", ["stylesheet", "Stylesheet", "preload stylesheet"])
def test_a_style_sheet_is_one_by_any_of_its_words(rel: str) -> None:
    """As browsers read them."""
    page = answer(f'<link rel="{rel}" href="/a.css">', url="https://app.test/")
    assert assets_of(page) == ("https://app.test/a.css",)


@pytest.mark.parametrize("body", ["<title>Error</title>", "__next"])
def test_an_error_page_is_not_the_application(body: str) -> None:
    """It is 200 and HTML too."""
    with pytest.raises(SubjectError, match="expected the text"):
        frontend(lambda _: httpx.Response(200, html=body)).call("root")
