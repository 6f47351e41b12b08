"""Scripted conversations with a bot: several turns under a contact of their own, then forgotten.

The endpoint is the platform's own for such tests: it runs the bot, and gives what the bot would do
in the CRM back instead of doing it.
"""

from __future__ import annotations

import dataclasses
import secrets
from typing import Any

from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.endpoints import same, unknown
from pytest_deploycheck.clients.evidence import shown
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Talk:
    """A conversation that has gone as its script says."""

    contact: str
    """Made for this conversation; no real contact has this id."""
    answers: tuple[Answer, ...]

    @property
    def slowest_s(self) -> float:
        """How long the slowest answer took: no percentile of so few turns exceeds it."""
        return max(answer.duration_s for answer in self.answers)


def converse(api: Api, name: str) -> Talk:
    """Hold the conversation *name* of the environment, and let the bot forget it afterwards.

    Each turn must have its number, a text of its own, all that the script expects, and no less
    progress than the turn before; the last turn more than the first.

    Raises:
        SubjectError: Silence, or a bot that answers otherwise; it says at which turn.
        InstrumentError: The fault may be ours; the environment has no such conversation.
    """
    try:
        script = api.settings.conversations[name]
    except KeyError:
        raise unknown(f"{api.source}.conversations", name, api.settings.conversations) from None
    contact = f"deploycheck-{secrets.token_hex(6)}"
    try:
        answers = tuple(
            api.call(script.endpoint, body={"contact_id": contact, "message": turn.say})
            for turn in script.turns
        )
    finally:
        api.call(script.end, at={"contact_id": contact})
    _demand_turns(api, script, answers)
    _demand_progress(api, script, answers)
    return Talk(contact=contact, answers=answers)


def known_to(crm: Api, contact: str) -> bool:
    """Say whether the CRM knows *contact*; here it is an instrument, not what is judged.

    Raises:
        InstrumentError: It does not say.
    """
    try:
        found = crm.call("contacts", at={"contact_id": contact})
        return found.number(crm.key("contacts", "total")) > 0
    except SubjectError as error:
        raise InstrumentError(
            f"the CRM does not say whether it knows {contact}: {error}"
        ) from error


def _demand_turns(api: Api, script: environment.Conversation, answers: tuple[Answer, ...]) -> None:
    response, number = api.key(script.endpoint, "response"), api.key(script.endpoint, "turn")
    said: set[str] = set()
    for index, (turn, answer) in enumerate(zip(script.turns, answers, strict=True), start=1):
        where = f"{answer.url}, turn {index}"
        if answer.number(number) != index:
            raise SubjectError(f"{where}: found number {answer.value(number)!r}, expected {index}")
        text = answer.value(response)
        if not isinstance(text, str) or not text.strip() or text in {*said, turn.say}:
            raise SubjectError(f"{where}: found {shown(text)}, expected an answer of its own")
        said.add(text)
        for path, wanted in turn.expect.items():
            if not same(answer.value(path), wanted):
                raise SubjectError(
                    f"{where}: {path}: found {shown(answer.value(path))}, expected {wanted!r}"
                )


def _demand_progress(
    api: Api, script: environment.Conversation, answers: tuple[Answer, ...]
) -> None:
    path = api.key(script.endpoint, "progress")
    known = [_size(answer.value(path)) for answer in answers]
    if known != sorted(known) or not known[-1] > known[0]:
        raise SubjectError(
            f"{answers[-1].url}: {path}: found {', '.join(f'{size:g}' for size in known)} over the "
            "turns, expected it to grow"
        )


def _size(progress: Any) -> float:  # noqa: ANN401 - any JSON
    """Return how far a conversation is: a number, or how many things are known."""
    if isinstance(progress, int | float) and not isinstance(progress, bool):
        return float(progress)
    if isinstance(progress, dict | list):
        return float(len(progress))
    raise SubjectError(f"found progress {shown(progress)}, expected a number, a table or a list")
