"""What an environment sets so that a check could not fail, whatever the platform does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from pytest_deploycheck.config.drafts import Draft
from pytest_deploycheck.config.environment import Endpoint, Environment
from pytest_deploycheck.config.problems import Loc
from pytest_deploycheck.domain.fixed import fixed_query, fixed_statement

_REFUSALS: Final = frozenset((401, 403))
_GONE: Final = frozenset((404, 410))
_SICK: Final = frozenset(
    (
        "critical",
        "dead",
        "down",
        "error",
        "failed",
        "failing",
        "offline",
        "unavailable",
        "unhealthy",
    )
)
_LOCAL: Final = frozenset(("localhost", "127.0.0.1", "::1"))
"""Where the embedded platform listens."""
_ALIVE: Final = "alive"
"""The statement whose answer is that the database answers."""


def hollow(environment: Environment, draft: Draft) -> Iterator[str]:
    """Say what cannot be right: a line for each check that nothing could make fail.

    Args:
        environment: As it is used.
        draft: As it is written; it knows which file a line is in.
    """
    for loc, endpoints in _endpoints(environment):
        for name, endpoint in endpoints.items():
            for key, text in _of_endpoint(endpoint):
                yield draft.line((*loc, "endpoints", name, key), text)
    for name, query in environment.queries.items():
        for key, expression in (("query", query.query), ("traffic", query.traffic)):
            if expression is not None and (why := fixed_query(expression)):
                text = f"found an expression that never moves: {why}; expected one that can"
                yield draft.line(("prometheus", "queries", name, key), text)
    if environment.database_or_none is not None:
        for name, sql in environment.database_or_none.statements.items():
            if name != _ALIVE and fixed_statement(sql):
                text = "found a number; expected a statement that asks the database for one"
                yield draft.line(("database", "statements", name), text)
    yield from _of_lists(environment, draft)
    if environment.sandbox:
        for loc, address in _addresses(environment.model_dump(by_alias=True), ()):
            if urlsplit(address if "//" in address else f"//{address}").hostname not in _LOCAL:
                text = f"found {address} beside sandbox = true; expected an address of the sandbox"
                yield draft.line(loc, f"{text}: what is rehearsed is no evidence of anything else")


def _endpoints(environment: Environment) -> Iterator[tuple[Loc, dict[str, Endpoint]]]:
    yield ("api",), environment.api.endpoints
    if environment.frontend_or_none is not None:
        yield ("frontend",), environment.frontend_or_none.endpoints
    for name, api in environment.integrations.items():
        yield ("integrations", name), api.endpoints
    if environment.mail is not None:
        yield ("mail", "sink"), environment.mail.sink.endpoints


def _addresses(part: object, loc: Loc) -> Iterator[tuple[Loc, str]]:
    """Yield what is asked over the network, and where it stands."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("url", "server") and isinstance(value, str):
                yield (*loc, key), value
            else:
                yield from _addresses(value, (*loc, key))


def _of_endpoint(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    """Yield the key that is wrong, and why."""
    statuses = frozenset(endpoint.expect_status)
    if endpoint.auth in ("wrong_password", "expired"):
        if not statuses <= _REFUSALS:
            found = f'found {sorted(statuses)} for auth = "{endpoint.auth}"'
            yield "expect_status", f"{found}; expected 401, 403, or both: it must be refused"
    elif any(status < 400 for status in statuses):
        also = frozenset(status for status in statuses if status >= 400)
        if also - (_GONE if endpoint.method == "DELETE" else frozenset()):
            text = "expected answers that are all good, or all refusals"
            yield "expect_status", f"found {sorted(statuses)}; {text}"
    if not all(text.strip() for text in endpoint.contains):
        yield (
            "contains",
            "found an empty text, which occurs in every answer; expected one of its own",
        )
    sick = sorted(_SICK.intersection(word.lower() for word in endpoint.healthy))
    if sick:
        yield "healthy", f"found {', '.join(sick)}; expected words that mean healthy"


def _of_lists(environment: Environment, draft: Draft) -> Iterator[str]:
    monitoring = environment.monitoring
    if monitoring is not None and set(monitoring.jobs) <= set(monitoring.may_be_down):
        text = "found every one of jobs; expected one that must be up"
        yield draft.line(("monitoring", "may_be_down"), text)
    if environment.cluster_or_none is not None:
        for index, allowed in enumerate(environment.cluster_or_none.permissions):
            if "*" in (*allowed.groups, *allowed.resources, *allowed.verbs):
                text = 'found "*"; expected what is needed: beyond it nothing would be too much'
                yield draft.line(("cluster", "permissions", index), text)
