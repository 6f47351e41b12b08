"""The platform's API and front end, asked with httpx."""

from __future__ import annotations

import dataclasses
import datetime
import ssl
from collections.abc import Iterator

import httpx
import pytest

from pytest_deploycheck.sandbox import Sandbox
from pytest_deploycheck.sandbox.certificates import Certificate
from pytest_deploycheck.sandbox.web import Response


@pytest.fixture
def http(variables: dict[str, str]) -> Iterator[httpx.Client]:
    """A client that trusts the sandbox's authority."""
    trust = ssl.create_default_context(cafile=variables["CA_FILE"])
    with httpx.Client(verify=trust, base_url=variables["API_URL"], trust_env=False) as client:
        yield client


def test_the_health_report_is_fresh_and_names_every_component(http: httpx.Client) -> None:
    """A healthy sandbox gives the evidence that a check demands of a real platform."""
    report = http.get("/health/detailed").json()
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(report["timestamp"])
    assert report["status"] == "healthy"
    assert {component["status"] for component in report["components"]} == {"healthy"}
    assert age < datetime.timedelta(seconds=5)


def test_one_sick_component_makes_the_platform_degraded(
    sandbox: Sandbox, http: httpx.Client
) -> None:
    """As in the real platform, the status code stays 200 and only the body tells."""
    sandbox.platform.components["database"].status = "unhealthy"
    answer = http.get("/health/detailed")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


def test_a_login_opens_what_is_closed_without_it(
    http: httpx.Client, variables: dict[str, str]
) -> None:
    """The doors of the sandbox are real: a wrong password or no token gets nothing."""
    words = {"username": variables["USERNAME"], "password": variables["PASSWORD"]}
    token = http.post("/api/auth/login", json=words).json()["access_token"]
    assert http.post("/api/auth/login", json=words | {"password": "x"}).status_code == 401
    assert http.post("/api/v1/auth/test").status_code == 401
    opened = http.post("/api/v1/auth/test", headers={"Authorization": f"Bearer {token}"})
    assert opened.json() == {"authenticated": True}


def test_unknown_paths_and_methods_are_errors(http: httpx.Client) -> None:
    """Asking a wrong path or with a wrong method is never answered as if it were right."""
    assert http.get("/health").status_code == 404
    assert http.get("/api/v1/ml/health").status_code == 405


def test_the_page_names_an_asset_that_loads(http: httpx.Client, variables: dict[str, str]) -> None:
    """The front end is a page of HTML with a script behind it."""
    page = http.get(variables["FRONTEND_URL"])
    script = http.get(f"{variables['FRONTEND_URL']}/_next/static/main.js")
    assert "text/html" in page.headers["content-type"]
    assert "/_next/static/main.js" in page.text
    assert script.headers["content-type"] == "text/javascript"


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        (Certificate(days_left=-1), "expired"),
        (Certificate(hosts=("elsewhere.example",)), "mismatch"),
        (Certificate(trusted=False), "unable to get local issuer"),
    ],
    ids=["expired", "other-host", "unknown-authority"],
)
def test_a_bad_certificate_is_shown_and_refused(
    sandbox: Sandbox, http: httpx.Client, certificate: Certificate, reason: str
) -> None:
    """TLS is real: a client that verifies does not accept a bad certificate."""
    sandbox.platform.certificates["api"] = certificate
    with pytest.raises(httpx.ConnectError, match=f"(?i){reason}"):
        http.get("/health/detailed")


def test_a_server_that_refuses_is_refused_at_once_and_comes_back(
    sandbox: Sandbox, http: httpx.Client
) -> None:
    """A stopped server refuses connections on the very port that it comes back on."""
    assert http.get("/health/detailed").status_code == 200
    sandbox.switch(["api-down"])
    with pytest.raises(httpx.ConnectError):
        http.get("/health/detailed")
    sandbox.switch([])
    assert http.get("/health/detailed").status_code == 200


def test_two_sandboxes_do_not_meet(variables: dict[str, str]) -> None:
    """Ports are free ones, so runs side by side do not disturb each other."""
    with Sandbox() as other:
        mine = {value for name, value in variables.items() if name.endswith("_URL")}
        assert mine.isdisjoint(other.variables.values())


def test_answers_can_be_altered_on_their_way(sandbox: Sandbox, http: httpx.Client) -> None:
    """All but those that are spared: a client gets by the door, and nothing behind it."""
    manner = sandbox.platform.servers["api"]
    manner.alters = lambda response: dataclasses.replace(response, body="null")
    manner.spares = "/api/v1/bots/.*"
    assert http.get("/health/detailed").json() is None
    assert http.get("/api/v1/bots/health").json()["status"] == "healthy"


def test_an_answer_can_end_in_its_middle(sandbox: Sandbox, http: httpx.Client) -> None:
    """A server that hangs up before it has sent what it has promised."""
    about = {"Content-Length": "9", "Connection": "close"}
    sandbox.platform.servers["api"].alters = lambda _: Response(body="half", headers=about)
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        http.get("/health/detailed")
