"""What an environment names must be there: in the checklist, in the policy, or in itself."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from pytest_deploycheck.config.drafts import Draft
from pytest_deploycheck.config.problems import Loc, lookup, names_at, spoken, standing_at, unknown
from pytest_deploycheck.domain.items import Checklist
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.words import Severity

#: Where a name stands (`*`: any key or index), the table that must have it, and what it names.
_OF_ITSELF: Final = (
    ("monitoring.counts", "api.endpoints", "an endpoint"),
    ("monitoring.may_be_down.*", "monitoring.jobs", "a scrape job"),
    ("alertmanager.routes.*.receivers.*", "alertmanager.receivers", "a receiver"),
    ("baseline.*", "prometheus.queries", "a query"),
)
#: The same below each table that describes an HTTP API.
_OF_AN_API: Final = (
    ("login", "endpoints", "an endpoint"),
    ("loads.*.endpoints.*", "endpoints", "an endpoint"),
    ("conversations.*.endpoint", "endpoints", "an endpoint"),
    ("conversations.*.end", "endpoints", "an endpoint"),
    ("readings.*.endpoint", "endpoints", "an endpoint"),
)
_JUDGED: Final = ("triggers", "increases", "growths")


def mismatches(
    draft: Draft, checklist: Checklist, policy: Policy, environments: Collection[str]
) -> Iterator[str]:
    """Say where the environment names what is not there, or loosens what it may only tighten.

    Args:
        draft: The environment.
        checklist: Which items there are.
        policy: Which triggers, phases and limits there are.
        environments: The names of the project's environments.
    """
    yield from _of_triggers(draft, policy)
    yield from _looser(draft, policy)
    yield from _of_items(draft, checklist)
    yield from _of_a_rehearsal(draft, policy)
    staging = lookup(draft.raw, ("staging",))
    known = ("itself", *environments)
    if isinstance(staging, str) and staging not in known:
        yield draft.line(("staging",), unknown(staging, known, what="an environment"))
    yield from _of_judgements(draft, policy)
    yield from _of_itself(draft)


def halves(draft: Draft) -> Iterator[str]:
    """Say which table of the whole environment is of no use without another one."""
    settings = draft.raw.get("rollback")
    if settings is None:
        return
    if "cluster" not in draft.raw:
        text = "found a table without [cluster]; expected where the release is that is rolled back"
        yield draft.line(("rollback",), text)
    elif lookup(settings, ("revision",)) and not lookup(draft.raw, ("cluster", "helm_release")):
        text = "found Helm's number without helm_release in [cluster]; expected both"
        yield draft.line(("rollback", "revision"), text)


def _of_triggers(draft: Draft, policy: Policy) -> Iterator[str]:
    for slug in names_at(draft.raw, "triggers"):
        if slug not in policy.triggers:
            yield draft.line(("triggers", slug), unknown(slug, policy.triggers, what="a trigger"))
            continue
        severity = lookup(draft.raw, ("triggers", slug, "severity"))
        # A variable is not looked into: whoever sets it must not lower it either.
        if severity not in (None, Severity.ROLLBACK) and policy.triggers[slug].never_waivable:
            found = spoken(severity, printable=True)
            text = f'found {found}; expected "{Severity.ROLLBACK}": it is never waivable'
            yield draft.line(("triggers", slug, "severity"), text)


def _of_items(draft: Draft, checklist: Checklist) -> Iterator[str]:
    items = checklist.by_id
    for index, item in enumerate(names_at(draft.raw, "allow_writes")):
        if item not in items:
            yield draft.line(
                ("allow_writes", index), unknown(item, items, what="the id of an item")
            )
    words: Loc = ("attestations", "items")
    for item in _keys_of(draft, words):
        if item not in items:
            yield draft.line((*words, item), unknown(item, items, what="the id of an item"))
    speak = {str(role) for _, role in standing_at(draft.raw, (*words, "*", "roles", "*"))}
    people = _keys_of(draft, ("attestations", "roles"))
    for loc, role in standing_at(draft.raw, ("attestations", "approvers", "*")):
        if isinstance(role, str) and role not in {*speak, *people}:
            yield draft.line(loc, unknown(role, {*speak, *people}, what="a role"))
        speak.add(str(role))
    for role in people:
        if role not in speak:
            text = unknown(role, speak, what="a role that speaks for an item")
            yield draft.line(("attestations", "roles", role), text)


def _of_a_rehearsal(draft: Draft, policy: Policy) -> Iterator[str]:
    """Say what only a sandbox may set."""
    for name in names_at(draft.raw, "phases"):
        if name not in policy.phases:
            yield draft.line(("phases", name), unknown(name, policy.phases, what="a phase"))
        elif not draft.is_rehearsal:
            text = "found other times; expected the policy's: only a sandbox is a rehearsal"
            yield draft.line(("phases", name), text)
    if draft.raw.get("demonstration_file") and not draft.is_rehearsal:
        text = "found made-up words; expected none: only a sandbox is a rehearsal"
        yield draft.line(("demonstration_file",), text)


def _of_judgements(draft: Draft, policy: Policy) -> Iterator[str]:
    """Say which queries name a trigger or a limit that there is not, or that reads them wrong."""
    for query in _keys_of(draft, ("prometheus", "queries")):
        for key in _JUDGED:
            place: Loc = ("prometheus", "queries", query, key)
            for trigger in _keys_of(draft, place):
                limit = lookup(draft.raw, (*place, trigger))
                if trigger not in policy.triggers:
                    yield draft.line(
                        (*place, trigger), unknown(trigger, policy.triggers, what="a trigger")
                    )
                if not isinstance(limit, str):
                    continue
                if limit not in policy.limits:
                    text = unknown(limit, policy.limits, what="a limit of the policy")
                    yield draft.line((*place, trigger), text)
                    continue
                # Of an increase and of growth more is bad, whatever the query is about.
                found = lookup(draft.raw, (*place[:3], "worse")) if key == "triggers" else "above"
                wanted = policy.limits[limit].worse
                if found in ("above", "below") and found != wanted:
                    text = f"found {limit}, which is bad {wanted} its value; expected one that is"
                    yield draft.line((*place, trigger), f"{text} bad {found} it, as the query is")


def _of_itself(draft: Draft) -> Iterator[str]:
    integrations = (("integrations", name) for name in names_at(draft.raw, "integrations"))
    apis: list[tuple[str, ...]] = [("api",), ("mail", "sink"), *integrations]
    places = [
        *((place.split("."), table.split("."), what) for place, table, what in _OF_ITSELF),
        *(
            ([*api, *place.split(".")], [*api, *table.split(".")], what)
            for api in apis
            for place, table, what in _OF_AN_API
        ),
    ]
    for place, table, what in places:
        known = lookup(draft.raw, table)
        if not isinstance(known, dict | list):
            continue  # what should be there and is not, is told anyway
        names = [name for name in known if isinstance(name, str)]
        for loc, found in standing_at(draft.raw, place):
            if isinstance(found, str) and found not in names:
                yield draft.line(loc, unknown(found, names, what=what))


def _keys_of(draft: Draft, table: Loc) -> list[str]:
    """Return the keys of the table that stands at *table*, none where there is no table."""
    held = lookup(draft.raw, table)
    return list(held) if isinstance(held, dict) else []


def _looser(draft: Draft, policy: Policy) -> Iterator[str]:
    """Say which limits are unknown, and which let pass what the policy's limit does not."""
    for name in names_at(draft.raw, "limits"):
        loc = ("limits", name)
        value = lookup(draft.raw, loc)
        if name not in policy.limits:
            yield draft.line(loc, unknown(name, policy.limits, what="a limit of the policy"))
        elif isinstance(value, int | float):
            limit = policy.limits[name]
            if limit.is_bad(value):
                bound = "at most" if limit.worse == "above" else "at least"
                text = f"found {value:g}; expected {bound} {limit:g}: it may only be stricter"
                yield draft.line(loc, text)
