"""What attesting and waiving have in common."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from pytest_deploycheck.cli.deployments import required
from pytest_deploycheck.clients.evidence import redact
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.events import Event, Revoked
from pytest_deploycheck.domain.items import Checklist, Item
from pytest_deploycheck.domain.near import meant
from pytest_deploycheck.domain.units import duration_s

Handler = Callable[[argparse.Namespace, str], int]


def add_words(parser: argparse.ArgumentParser, *, example: str) -> None:
    """Add what `by_words` reads; *example* is the id of an item."""
    parser.add_argument(
        "words",
        nargs="+",
        metavar="ITEM | list | revoke ID",
        help=f"id of an item, for example {example}",
    )


def by_words(
    given: argparse.Namespace,
    *,
    list_all: Callable[[argparse.Namespace], int],
    take_back: Handler,
    add: Handler,
) -> int:
    """List what there is, take back that of an id, or add one to an item, as the words ask.

    Raises:
        ConfigError: They are none of these three, or as whoever is called says.
    """
    match given.words:
        case ["list"]:
            return list_all(given)
        case ["revoke", event_id]:
            return take_back(given, event_id)
        case ["revoke"]:
            raise ConfigError(["revoke: found no ID; expected one of those that list prints"])
        case [item]:
            return add(given, item)
    raise ConfigError(
        [f"found {' '.join(given.words)!r}; expected the id of an item, list, or revoke ID"]
    )


def item_of(slug: str, checklist: Checklist) -> Item:
    """Return the item that *slug* names by its id, or by its slug where that is unique.

    Raises:
        ConfigError: There is none, or more than one; with the near misses.
    """
    found = [item for item in checklist.items if slug in (item.id, item.slug)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = " or ".join(item.id for item in found)
        raise ConfigError([f"found {len(found)} items {slug!r}; expected one: {ids}"])
    slugs = [item.slug for item in checklist.items]
    hint = meant(slug, [*checklist.by_id, "list", "revoke"]) or meant(slug, slugs)
    raise ConfigError([f"found no item {slug!r}; expected one of deploycheck items{hint}"])


def duration_option(option: str, text: str | None) -> float | None:
    """Return the seconds that were given for *option*; None: nothing was.

    Raises:
        ConfigError: It is no duration.
    """
    if text is None:
        return None
    try:
        return duration_s(text)
    except ValueError as error:
        raise ConfigError([f"{option}: found {text!r}; {error}"]) from None


def revoke(
    given: argparse.Namespace,
    event_id: str,
    *,
    known: Iterable[Event],
    write: Callable[[Event, str], Path],
    may: Collection[str],
) -> int:
    """Take a word or a waiver back, and say so.

    Args:
        given: By whom, and why.
        event_id: Of what is taken back.
        known: What people have done.
        write: Adds an event, under a name, to where it belongs.
        may: Who may take it back.

    Raises:
        ConfigError: Whoever asks may not, gives no reason, or it was taken back before.
    """
    by = required(given.by, "--by", "who takes it back")
    if by not in may:
        raise ConfigError([f"--by: found {by!r}; expected one of {', '.join(sorted(may))}"])
    if any(isinstance(e, Revoked) and e.id == event_id for e in known):
        raise ConfigError([f"{event_id} was taken back already"])
    reason = redact(required(given.reason, "--reason", "why it is taken back"))
    path = write(Revoked(at_s=time.time(), id=event_id, by=by, reason=reason), f"revoke-{event_id}")
    print(f"taken back: {event_id}")
    print(f"record: {path}")
    return 0
