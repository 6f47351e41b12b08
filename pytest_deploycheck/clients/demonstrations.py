"""Demonstrations for clients: each scenario created, read, and deleted whatever happens."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.endpoints import unknown
from pytest_deploycheck.clients.evidence import shown
from pytest_deploycheck.domain.errors import SubjectError
from pytest_deploycheck.domain.roi import Roi, worked_out

_FILLED = ("leads", "properties", "conversations")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Calculation:
    """A demonstration's return on investment, as it is stated and as it comes out."""

    scenario: str
    stated: Roi
    by_its_parts: Roi


def scenarios_of(api: Api) -> tuple[str, ...]:
    """Return the scenarios that the environment names.

    Raises:
        InstrumentError: It names none.
    """
    if not api.settings.scenarios:
        raise unknown(f"{api.source}.scenarios", "any", api.settings.scenarios)
    return api.settings.scenarios


@contextlib.contextmanager
def demonstration(api: Api, scenario: str) -> Iterator[str]:
    """Create a demonstration, give its id, and delete it at the end of the block.

    Raises:
        SubjectError: It is not created with the status that it must have, or cannot be deleted, or
            is still there afterwards.
        InstrumentError: The fault may be ours.
    """
    created = api.call("demo_create", body={"scenario": scenario})
    session = created.value(api.key("demo_create", "id"))
    if not isinstance(session, str) or not session:
        raise SubjectError(f"{created.url}: {scenario}: found id {shown(session)}, expected a text")
    try:
        yield session
    finally:
        api.call("demo_delete", at={"session_id": session})
        api.call("demo_gone", at={"session_id": session})


def read(api: Api, scenario: str, session: str) -> Answer:
    """Return a demonstration, which must be of that scenario and have something to show.

    Raises:
        SubjectError: Silence, another's, or an empty one.
        InstrumentError: The fault may be ours.
    """
    found = api.call("demo_read", at={"session_id": session})
    asked = {"id": session, "scenario": scenario}
    for meaning, wanted in asked.items():
        has = found.value(api.key("demo_read", meaning))
        if has != wanted:
            raise SubjectError(f"{found.url}: {meaning}: found {shown(has)}, expected {wanted!r}")
    for meaning in _FILLED:
        has = found.value(api.key("demo_read", meaning))
        if not isinstance(has, list) or not has:
            raise SubjectError(f"{found.url}: {meaning}: found {shown(has)}, expected some")
    return found


def calculation(api: Api, session: str) -> Calculation:
    """Return the return on investment that a demonstration is given.

    Raises:
        SubjectError: Silence, an error in its place, something that is no number.
        InstrumentError: The fault may be ours.
    """
    answer = api.call("demo_roi", at={"session_id": session})

    def at(meaning: str) -> str:
        return api.key("demo_roi", meaning)

    def parts(meaning: str) -> tuple[float, ...]:
        return answer.numbers(at(meaning))

    return Calculation(
        scenario=str(answer.value(at("scenario"))),
        stated=Roi(
            **{field.name: answer.number(at(field.name)) for field in dataclasses.fields(Roi)}
        ),
        by_its_parts=worked_out(
            before=parts("before"),
            after=parts("after"),
            benefits=parts("benefits"),
            months=answer.number(at("months")),
        ),
    )
