"""Endpoints and pages that answer wrongly."""

from __future__ import annotations

from pytest_deploycheck.sandbox.faults.fault import (
    ENDPOINTS,
    FRONTEND,
    HEALTH,
    HEALTH_POINT,
    SECURITY,
    SECURITY_POINT,
    fault,
)
from pytest_deploycheck.sandbox.faults.groups import COUNTED, HEALTH_READERS, LOADS, USERS
from pytest_deploycheck.sandbox.healthy import BOTS, amended, timestamp
from pytest_deploycheck.sandbox.platform import Platform, Reply

_AUTH = "POST /api/v1/auth/test"
_BOTS = "GET /api/v1/bots/health"
_ML = "POST /api/v1/ml/health"


@fault(ENDPOINTS, SECURITY_POINT, "staging/authentication", trigger=SECURITY)
def open_endpoint(platform: Platform) -> None:
    """A protected endpoint answers everybody."""
    platform.api[_AUTH].auth = "none"


@fault(ENDPOINTS, HEALTH_POINT, *USERS, trigger=HEALTH)
def login_broken(platform: Platform) -> None:
    """Logging in ends in an error of the server."""
    platform.api["POST /api/auth/login"].status = 500


@fault(ENDPOINTS, HEALTH_POINT, *USERS, trigger=HEALTH)
def token_not_known(platform: Platform) -> None:
    """The API does not know the tokens that it has just given out."""
    platform.api["POST /api/auth/login"].body = lambda: {"access_token": "of another instance"}


@fault(ENDPOINTS, HEALTH_POINT, "staging/authentication", *LOADS, trigger=HEALTH)
def user_not_authenticated(platform: Platform) -> None:
    """A protected endpoint lets the user in, and says that nobody is authenticated."""
    platform.api[_AUTH].body = lambda: {"authenticated": False}


@fault(ENDPOINTS, HEALTH_POINT, *HEALTH_READERS, *LOADS, COUNTED, trigger=HEALTH)
def bot_failed(platform: Platform) -> None:
    """A bot could not be started, under a report that answers 200 and healthy."""
    bots = dict.fromkeys(BOTS, "initialized") | {"lead-bot": "error"}
    platform.api[_BOTS].body = amended(platform.api[_BOTS], bots=bots)


@fault(ENDPOINTS, HEALTH_POINT, *HEALTH_READERS, *LOADS, COUNTED, trigger=HEALTH)
def bot_missing(platform: Platform) -> None:
    """The report on the bots does not name one of them."""
    bots = dict.fromkeys(BOTS[1:], "initialized")
    platform.api[_BOTS].body = amended(platform.api[_BOTS], bots=bots)


@fault(ENDPOINTS, HEALTH_POINT, *HEALTH_READERS, *LOADS, COUNTED, trigger=HEALTH)
def bots_report_stale(platform: Platform) -> None:
    """The report on the bots is an hour old."""
    platform.api[_BOTS].body = amended(platform.api[_BOTS], timestamp=timestamp(3600.0))


@fault(ENDPOINTS, HEALTH_POINT, *HEALTH_READERS, trigger=HEALTH)
def model_unavailable(platform: Platform) -> None:
    """The ML service calls itself healthy, and its model unavailable."""
    platform.api[_ML].body = amended(platform.api[_ML], ml_model_status="unavailable")


@fault(ENDPOINTS, HEALTH_POINT, *HEALTH_READERS, trigger=HEALTH)
def ml_endpoint_missing(platform: Platform) -> None:
    """Nothing is served at the path of the ML service."""
    del platform.api[_ML]


@fault(FRONTEND, HEALTH_POINT, trigger=HEALTH)
def frontend_down(platform: Platform) -> None:
    """Nothing listens where the front end should be."""
    platform.servers["frontend"].refuses = True


@fault(FRONTEND, HEALTH_POINT, trigger=HEALTH)
def page_is_an_error(platform: Platform) -> None:
    """The page is HTML with status 200, and tells of an error."""
    platform.frontend["GET /"].body = lambda: b"<title>Application error</title><h1>Oops</h1>"


@fault(FRONTEND, HEALTH_POINT, trigger=HEALTH)
def page_fails(platform: Platform) -> None:
    """The page answers with status 500."""
    platform.frontend["GET /"].status = 500


@fault(FRONTEND, trigger=HEALTH)
def script_missing(platform: Platform) -> None:
    """The page names a script that is not there, so it stays white."""
    del platform.frontend["GET /_next/static/main.js"]


@fault(FRONTEND, trigger=HEALTH)
def asset_is_html(platform: Platform) -> None:
    """The front end answers with its page whatever it is asked for."""
    platform.frontend["GET /favicon.ico"] = platform.frontend["GET /"]


@fault(FRONTEND, trigger=HEALTH)
def asset_is_empty(platform: Platform) -> None:
    """The build left a static file of no bytes, which is served with its right type."""
    platform.frontend["GET /favicon.ico"].body = lambda: b""


@fault(FRONTEND, HEALTH_POINT, trigger=HEALTH)
def frontend_degraded(platform: Platform) -> None:
    """The front end does not reach the API, and says so with status 200."""
    reply: Reply = platform.frontend["GET /api/health"]
    services = {"database": "healthy", "redis": "healthy", "websocket": "healthy"}
    reply.body = amended(reply, services=services | {"backend_api": "unhealthy"})
