"""The platform's own HTTP servers: its API and its front end."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_deploycheck.sandbox import services
from pytest_deploycheck.sandbox.healthy import timestamp
from pytest_deploycheck.sandbox.platform import Auth, Platform, Reply
from pytest_deploycheck.sandbox.web import Request, Response


def answer_api(platform: Platform, request: Request) -> Response:
    """Answer as the platform's API."""
    return _answer(platform, platform.api, request)


def answer_frontend(platform: Platform, request: Request) -> Response:
    """Answer as the platform's user interface."""
    return _answer(platform, platform.frontend, request)


def _answer(platform: Platform, replies: Mapping[str, Reply], request: Request) -> Response:
    method = "GET" if request.method == "HEAD" else request.method
    platform.asked(f"{method} {request.path}")
    reply = replies.get(f"{method} {request.path}")
    served = services.handler_of(request) if replies is platform.api else None
    if reply is None and served is not None:
        auth, name, handler = served
        refusal = _refusal(platform, auth, request)
        return refusal or handler(platform.business, request, name, timestamp())
    if reply is None:
        known = any(route.endswith(f" {request.path}") for route in replies)
        if known:
            return Response.of({"detail": "Method Not Allowed"}, status=405)
        return Response.of({"detail": "Not Found"}, status=404)
    refusal = _refusal(platform, reply.auth, request)
    if refusal is not None:
        return refusal
    body = reply.body()
    if isinstance(body, bytes):
        return Response(status=reply.status, body=body, media_type=reply.media_type)
    return Response.of(body, status=reply.status)


def _refusal(platform: Platform, auth: Auth, request: Request) -> Response | None:
    ours = platform.credentials
    match auth:
        case "login":
            sent = request.json()
            wanted = {"username": ours.username, "password": ours.password}
            if platform.accepts_any_password and isinstance(sent, dict):
                wanted["password"] = sent.get("password", "")
            let_in = isinstance(sent, dict) and sent == wanted
        case "user":
            good = [ours.user_token, *([ours.expired_token] if platform.accepts_expired else [])]
            let_in = request.headers.get("authorization") in [f"Bearer {one}" for one in good]
        case "admin":
            let_in = request.headers.get("x-admin-key") == ours.admin_key
        case "none":
            let_in = True
    return None if let_in else Response.of({"detail": "Could not validate credentials"}, status=401)
