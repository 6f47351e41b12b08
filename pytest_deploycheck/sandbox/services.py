"""What the platform's bots, model and demonstrations answer, and the services of others."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from pytest_deploycheck.sandbox.business import READINESS, SCENARIOS, Business
from pytest_deploycheck.sandbox.platform import Auth
from pytest_deploycheck.sandbox.web import Request, Response

Json = dict[str, Any]

_QUESTIONS: Final = {
    "sell": "motivation",
    "move": "timeline",
    "repair": "condition",
    "450,000": "price",
}


def score(business: Business, request: Request, now: str) -> Json:
    """Score a lead."""
    number = next(business.numbers)
    with business.stall:
        time.sleep(business.stall_s if number % 20 == 0 else 0.0)
    took_ms = business.inference_ms(number)
    time.sleep(business.working_s)
    lead = _text(request, "lead_id")
    value = business.scores.get(lead, 50.0)
    return {
        "lead_id": lead,
        "ml_score": value,
        "ml_confidence": 0.87,
        "confidence_level": "high",
        "classification": "hot" if value > 70 else "warm" if value > 40 else "cold",
        "conversion_probability": value / 100,
        "processing_time_ms": took_ms + 3.1,
        "ml_inference_time_ms": took_ms,
        "cache_hit": False,
        "score_source": "ml_model",
        "warnings": [],
        "scored_at": now,
    }


def canned_score() -> Json:
    """Return what the platform answers when its model fails: 200, and nothing behind it."""
    return {
        "ml_score": 50.0,
        "ml_confidence": 0.0,
        "confidence_level": "uncertain",
        "classification": "cold",
        "conversion_probability": 0.0,
        "processing_time_ms": 1.0,
        "ml_inference_time_ms": None,
        "cache_hit": False,
        "score_source": "claude_only",
        "warnings": ["ML scoring failed"],
    }


def seller_turn(business: Business, request: Request) -> Json:
    """Let the seller bot answer one message."""
    contact, message = _text(request, "contact_id"), _text(request, "message")
    told = business.told.setdefault(contact, [])
    told.append(message)
    text = " ".join(told)
    known = {name: "known" for word, name in _QUESTIONS.items() if word in text}
    temperature = business.temperatures[len(known)]
    time.sleep(business.hesitates_s if len(told) == 1 else 0.0)
    said = f"Thanks. I know {len(known)} things now; what about the rest?"
    if business.writes_to_crm:
        business.crm_contacts.append(contact)
    return {
        "contact_id": contact,
        "turn": len(told),
        "response": business.says or said,
        "actions": [{"type": "add_tag", "tag": f"seller-{temperature}"}],
        "extracted_data": known,
        "temperature": temperature,
        "session_history": [{"role": "user", "content": text} for text in told],
    }


def demonstration(business: Business, request: Request, now: str) -> Json | None:
    """Create a demonstration; None: there is no such scenario."""
    scenario = _text(request, "scenario")
    if scenario not in SCENARIOS:
        return None
    session = f"demo-{next(business.numbers)}"
    business.sessions[session] = {
        "session_id": session,
        "client_profile": {"name": _text(request, "client_name")},
        "demo_leads": business.shows,
        "demo_properties": business.shows,
        "demo_conversations": business.shows,
        "roi_calculation": business.roi(scenario),
        "performance_metrics": {"response_times": {"jorge": "42ms"}},
        "created_at": now,
        "status": "active",
    }
    return business.sessions[session]


Handler = Callable[[Business, Request, str, str], Response]
"""Takes what the path names, and the time as the platform writes it."""


def handler_of(request: Request) -> tuple[Auth, str, Handler] | None:
    """Return who may ask, what the path names and who answers; None: nobody serves it."""
    for method, pattern, auth, handler in _ROUTES:
        match = re.fullmatch(pattern, request.path)
        if match is not None and method == request.method:
            return auth, (match.groups() or ("",))[0], handler
    return None


def _create(business: Business, request: Request, _: str, now: str) -> Response:
    created = demonstration(business, request, now)
    if created is None:
        return Response.of({"detail": "unknown scenario"}, status=422)
    return Response.of(created, status=201)


def _read(business: Business, _: Request, name: str, __: str) -> Response:
    session = business.sessions.get(name)
    return _GONE if session is None else Response.of(session)


def _delete(business: Business, _: Request, name: str, __: str) -> Response:
    if name not in business.sessions:
        return _GONE
    if not business.keeps_sessions:
        del business.sessions[name]
    return Response.of({"status": "success", "session_id": name})


def _roi(business: Business, _: Request, name: str, now: str) -> Response:
    session = business.sessions.get(name)
    if session is None:
        return _GONE
    return Response.of(session["roi_calculation"] | {"calculation_timestamp": now})


def _forget(business: Business, _: Request, name: str, __: str) -> Response:
    business.told.pop(name, None)
    return Response.of({"deleted": name})


def _enrol(business: Business, request: Request, _: str, __: str) -> Response:
    lead = _text(request, "lead_id")
    business.followed[lead] = "active"
    return Response.of({"success": True, "sequence_id": lead})


def _sequence(business: Business, _: Request, name: str, now: str) -> Response:
    if name not in business.followed:
        return Response.of({"detail": f"No sequence found for lead {name}"}, status=404)
    due = {"action": "Day 3 SMS", "scheduled_for": now if business.plans else None}
    found = {"lead_id": name, "status": business.followed[name], "current_day": "day_3"}
    return Response.of(found | {"next_action": due})


def _cancel(business: Business, _: Request, name: str, __: str) -> Response:
    if name not in business.followed:
        return Response.of({"detail": f"No active sequence found for lead {name}"}, status=404)
    if not business.keeps_following:
        business.followed[name] = "completed"
    return Response.of({"success": True})


def _intent(business: Business, _: Request, name: str, __: str) -> Response:
    if not name.startswith("deploycheck-"):
        return Response.of({"detail": "Lead not found"}, status=404)
    temperature = business.decodes(name)
    readiness = READINESS[temperature]
    return Response.of(
        {
            "leadId": name,
            "frsScore": readiness,
            "pcsScore": readiness - 4,
            "temperature": temperature,
            "processingTimeMs": 31.4,
        }
    )


def _realtime(business: Business, _: Request, __: str, ___: str) -> Response:
    now = time.time() - business.realtime_age_s
    count = 48_211 + (next(business.numbers) if business.counts else 0)
    return Response.of({"metrics": {"events_processed": count}, "last_updated": now})


def _report(business: Business, _: Request, __: str, ___: str) -> Response:
    made = time.time() - business.report_age_s
    return Response.of({"metrics": business.figures, "last_updated": made, "cache_hit": True})


def _breakers(business: Business, _: Request, __: str, ___: str) -> Response:
    states = {name: {"state": state} for name, state in business.breakers.items()}
    well = all(state == "closed" for state in business.breakers.values())
    status = "healthy" if well else "degraded"
    return Response.of({"overall_status": status, "circuit_breakers": states})


_GONE = Response.of({"detail": "Demo session not found or has expired"}, status=404)
_SEQUENCES = "/api/lead-bot/sequences"
_SESSIONS = "/api/v1/client-demonstrations/sessions"
_ROUTES: Final[tuple[tuple[str, str, Auth, Handler], ...]] = (
    ("POST", "/api/v1/ml/score", "user", lambda b, r, _, now: Response.of(score(b, r, now))),
    ("POST", "/test/seller", "none", lambda b, r, _, __: Response.of(seller_turn(b, r))),
    ("DELETE", "/test/session/([^/]+)", "none", _forget),
    ("GET", "/api/lead-bot/scheduler/status", "user", lambda b, *_: Response.of(b.scheduler)),
    ("POST", _SEQUENCES, "user", _enrol),
    ("GET", f"{_SEQUENCES}/([^/]+)", "user", _sequence),
    ("POST", f"{_SEQUENCES}/([^/]+)/cancel", "user", _cancel),
    ("GET", "/api/intent-decoder/([^/]+)/score", "admin", _intent),
    ("POST", _SESSIONS, "user", _create),
    ("GET", f"{_SESSIONS}/([^/]+)", "user", _read),
    ("DELETE", f"{_SESSIONS}/([^/]+)", "user", _delete),
    ("GET", f"{_SESSIONS}/([^/]+)/roi", "user", _roi),
    ("GET", "/api/bi/real-time-metrics", "user", _realtime),
    ("GET", "/api/bi/dashboard-kpis", "user", _report),
    ("GET", "/api/health/circuit-breakers", "user", _breakers),
)


def answer_crm(business: Business, token: str, request: Request) -> Response:
    """Answer as the CRM."""
    if request.headers.get("authorization") != f"Bearer {token}":
        return Response.of({"message": "Invalid token"}, status=401)
    left = {"X-RateLimit-Daily-Remaining": str(business.crm_remaining)}
    if match := re.fullmatch(r"/locations/(\w+)", request.path):
        return _with(left, {"location": {"id": match[1], "name": "Sandbox Realty"}})
    if request.path == "/contacts/":
        wanted = request.query.get("query", "")
        found = [{"id": one} for one in dict.fromkeys(business.crm_contacts) if one == wanted]
        return _with(left, {"contacts": found, "meta": {"total": len(found)}})
    return Response.of({"message": "Not Found"}, status=404)


def answer_claude(key: str, request: Request) -> Response:
    """Answer as the AI service."""
    if request.headers.get("x-api-key") != key:
        return Response.of({"type": "error", "error": {"type": "authentication_error"}}, status=401)
    if request.path != "/v1/models":
        return Response.of({"type": "error", "error": {"type": "not_found_error"}}, status=404)
    return Response.of({"data": [{"type": "model", "id": "claude-sandbox"}], "has_more": False})


def answer_mailbox(business: Business, request: Request) -> Response:
    """Answer as Mailpit, which keeps the mails that arrive."""
    if request.path != "/api/v1/search":
        return Response(status=404, body="404 page not found\n", media_type="text/plain")
    wanted = request.query.get("query", "")
    if request.method == "DELETE":
        business.mails[:] = [mail for mail in business.mails if wanted not in mail]
        return Response(body="ok", media_type="text/plain")
    found = [{"Subject": _subject(mail)} for mail in business.mails if wanted in mail]
    return Response.of({"total": len(business.mails), "messages": found})


def _subject(mail: str) -> str:
    match = re.search(r"^Subject: (.*)$", mail, re.MULTILINE)
    return match[1].strip() if match else ""


def _with(headers: Mapping[str, str], body: Json) -> Response:
    plain = Response.of(body)
    return dataclasses.replace(plain, headers=headers)


def _text(request: Request, key: str) -> str:
    body = request.json()
    return str(body.get(key, "")) if isinstance(body, dict) else ""
