"""What the intent decoder makes of known conversations."""

from __future__ import annotations

import dataclasses

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.endpoints import unknown
from pytest_deploycheck.clients.evidence import shown
from pytest_deploycheck.domain.errors import SubjectError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Intent:
    """One lead's conversation, decoded."""

    temperature: str
    readiness: float
    """0 to 100."""


def decoded(api: Api, lead: str) -> Intent:
    """Have the conversation of the known *lead* decoded.

    Raises:
        SubjectError: Silence, or nothing that was worked out.
        InstrumentError: The fault may be ours; the environment knows no such lead.
    """
    known = api.settings.leads.get(lead)
    if known is None:
        raise unknown(f"{api.source}.leads", lead, api.settings.leads)
    answer = api.call("intent_score", at={"lead_id": str(known.body.get("lead_id", lead))})
    readiness = answer.number(api.key("intent_score", "score"))
    if not 0 <= readiness <= 100 or not answer.number(api.key("intent_score", "duration_ms")) > 0:
        raise SubjectError(
            f"{answer.url}: found {shown(answer.text)}, expected a score from 0 to 100"
        )
    return Intent(
        temperature=str(answer.value(api.key("intent_score", "temperature"))), readiness=readiness
    )
