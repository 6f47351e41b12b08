"""The checklist: its items, and how a check's slug and phases find theirs."""

from __future__ import annotations

import dataclasses
import enum
import functools
from collections.abc import Collection, Mapping
from typing import Final

PHASES: Final = (
    "pre_deploy",
    "staging",
    "deploy",
    "post_5min",
    "post_15min",
    "post_30min",
    "monitoring",
    "observe_30min",
    "post_24h",
    "sign_off",
)

#: Phases before anything is released: there is nothing to roll back yet.
GATES: Final = frozenset({"pre_deploy", "staging", "deploy"})


class Kind(enum.StrEnum):
    """What sort of line of the checklist an item is."""

    BOX = "box"
    DECISION_POINT = "decision point"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Item:
    """One box or decision point of the checklist."""

    id: str
    """`<phase>/<slug>`, or `rollback/<slug>` for a decision point."""
    title: str
    """As the checklist writes it, without markup: `Pod Status`."""
    expectation: str
    """The sentence after the title: what must be so."""
    phases: tuple[str, ...]
    """The phases that judge it, in the order of PHASES; a box has one."""
    section: str
    """The heading it stands under: `Service Health`."""
    kind: Kind = Kind.BOX

    @property
    def slug(self) -> str:
        """The part of the id after the slash."""
        return self.id.partition("/")[2]

    def in_gate(self, phases: Collection[str]) -> bool:
        """Say whether every one of the selected *phases* that judges this item is a gate."""
        mine = [phase for phase in self.phases if phase in phases]
        return bool(mine) and all(phase in GATES for phase in mine)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Checklist:
    """Every item, in the order of the document."""

    items: tuple[Item, ...]
    sha256: str
    """Of the document's bytes."""
    title: str = ""
    version: str = ""

    @functools.cached_property
    def by_id(self) -> Mapping[str, Item]:
        """The items by their ids."""
        return {item.id: item for item in self.items}

    def of(self, phases: Collection[str]) -> tuple[Item, ...]:
        """Return the items that any of *phases* judges, in the order of the document."""
        return tuple(item for item in self.items if not set(item.phases).isdisjoint(phases))

    def following(self, phases: Collection[str]) -> str | None:
        """Return the phase that comes after the last of *phases* and has items, if any."""
        last = max((PHASES.index(phase) for phase in phases if phase in PHASES), default=-1)
        return next((phase for phase in PHASES[last + 1 :] if self.of([phase])), None)

    def find(self, slug: str, phases: Collection[str]) -> Item:
        """Return the one item that *slug* (or a full id) names within *phases*.

        Raises:
            KeyError: No item, or more than one, has that slug in those phases.
        """
        found = [item for item in self.of(phases) if slug in (item.slug, item.id)]
        if len(found) != 1:
            raise KeyError(slug)
        return found[0]
