"""What the intent decoder makes of known conversations."""

from __future__ import annotations

import collections
import dataclasses

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.evidence import shown
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Intent:
    """One lead's conversation, decoded."""

    lead: str
    temperature: str
    expected: str
    readiness: float
    """0 to 100."""

    @property
    def right(self) -> bool:
        """It is decoded as it is known to be."""
        return self.temperature == self.expected

    def __str__(self) -> str:
        """Say what was made of it: `deploycheck-cold-renting as 'hot', not 'cold'`."""
        return f"{self.lead} as {self.temperature!r}, not {self.expected!r}"


def decoded(api: Api, *, least: float) -> tuple[Intent, ...]:
    """Have every known conversation of the environment decoded.

    Args:
        api: The platform's.
        least: How many there must be.

    Raises:
        SubjectError: Silence, or nothing that was worked out.
        InstrumentError: The fault may be ours; the environment knows fewer, or so many of one kind
            that a decoder which always says the same would be right more often than not.
    """
    known = api.settings.intents
    if len(known) < least:
        raise InstrumentError(
            f"[{api.source}.intents]: found {len(known)} known conversations, "
            f"expected at least {least:g}"
        )
    (kind, count), *_ = collections.Counter(known.values()).most_common(1)
    if count > len(known) / 2:
        raise InstrumentError(
            f"[{api.source}.intents]: found {kind!r} {count} times of {len(known)}, expected no "
            "kind in more than half: who always says the same would be right"
        )
    return tuple(_decoded(api, lead, expected) for lead, expected in known.items())


def _decoded(api: Api, lead: str, expected: str) -> Intent:
    answer = api.call("intent_score", at={"lead_id": lead})
    readiness = answer.number(api.key("intent_score", "score"))
    if not 0 <= readiness <= 100 or not answer.number(api.key("intent_score", "duration_ms")) > 0:
        raise SubjectError(
            f"{answer.url}: found {shown(answer.text)}, expected a score from 0 to 100"
        )
    return Intent(
        lead=lead,
        temperature=str(answer.value(api.key("intent_score", "temperature"))),
        expected=expected,
        readiness=readiness,
    )
