"""The lead bot's follow-up of a lead of our own: taken in, planned, and taken back."""

from __future__ import annotations

import contextlib
import secrets

from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.evidence import shown
from pytest_deploycheck.clients.health import written_at_s
from pytest_deploycheck.domain.errors import DeploycheckError, SubjectError


def followed_up(api: Api) -> Answer:
    """Enrol a lead that nobody is, and return what the automation plans for it.

    It is cancelled whatever happens, before the first contact would be due.

    Raises:
        SubjectError: It is not taken in, nothing is planned for it, or it is still followed up
            once it has been cancelled.
        InstrumentError: The fault may be ours.
    """
    lead = f"deploycheck-{secrets.token_hex(6)}"
    at = {"lead_id": lead}
    try:
        api.call("lead_enrol", body=at)
        found = api.call("lead_sequence", at=at)
        _demand_plan(api, lead, found)
    except DeploycheckError:
        with contextlib.suppress(DeploycheckError):  # what went wrong first is what is told
            api.call("lead_cancel", at=at)
        raise
    api.call("lead_cancel", at=at)
    api.call("lead_ended", at=at)
    return found


def _demand_plan(api: Api, lead: str, found: Answer) -> None:
    has = found.value(api.key("lead_sequence", "lead"))
    if has != lead:
        raise SubjectError(f"{found.url}: found the lead {shown(has)}, expected {lead!r}")
    due = api.key("lead_sequence", "due")
    if written_at_s(found.json, due) is None:
        raise SubjectError(
            f"{found.url}: {due}: found {shown(found.value(due))}, expected when the lead is "
            "contacted"
        )
