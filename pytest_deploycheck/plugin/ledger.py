"""The ledger: which checks the selected phases owe, whatever is left out of the run afterwards."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence

import pytest

from pytest_deploycheck.domain.events import PlannedCheck
from pytest_deploycheck.domain.items import PHASES, Checklist, Item
from pytest_deploycheck.domain.near import meant
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.plugin.options import Shard

#: On an item that is a check: what it answers.
CHECK = pytest.StashKey[PlannedCheck]()


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckMarker:
    """The arguments of `@pytest.mark.check`, so that Python itself refuses a typo."""

    slug: str
    trigger: str | None = None

    @classmethod
    def of(cls, marker: pytest.Mark) -> CheckMarker:
        """Read the marker.

        Raises:
            TypeError: The arguments are not `(slug, *, trigger=None)`.
        """
        try:
            return _check_marker(*marker.args, **marker.kwargs)
        except TypeError:
            named = [f"{name}={value!r}" for name, value in marker.kwargs.items()]
            given = ", ".join([*map(repr, marker.args), *named])
            expected = "check(slug) or check(slug, trigger=…), one item each"
            raise TypeError(f"found check({given}); expected {expected}") from None


def _check_marker(slug: str, *, trigger: str | None = None) -> CheckMarker:
    return CheckMarker(slug=slug, trigger=trigger)


def closest(item: pytest.Item) -> dict[str, pytest.Mark]:
    """Return each marker of *item* by its name, the closest where there are several.

    pytest walks through an item's markers anew for each name that it is asked for.
    """
    marks: dict[str, pytest.Mark] = {}
    for mark in item.iter_markers():
        marks.setdefault(mark.name, mark)
    return marks


def read(
    items: Iterable[pytest.Item], checklist: Checklist, policy: Policy, phases: Sequence[str]
) -> tuple[PlannedCheck, ...]:
    """Put on each check what it answers, and return those that *phases* owe.

    Raises:
        pytest.UsageError: Naming every check whose item, phase or trigger does not exist.
    """
    planned: list[PlannedCheck] = []
    problems: list[str] = []
    find = functools.cache(checklist.find)
    for item in items:
        marks = closest(item)
        if "check" not in marks:
            continue
        own = tuple(name for name in marks if name in PHASES)
        try:
            _refuse_silent_write(marks.get("writes"))
            check = _planned(
                item.nodeid, CheckMarker.of(marks["check"]), own, checklist, policy, find
            )
        except (TypeError, ValueError) as error:
            problems.append(f"{item.nodeid}: {error}")
            continue
        item.stash[CHECK] = check
        if not set(own).isdisjoint(phases):
            planned.append(check)
    if problems:
        raise pytest.UsageError("\n".join(problems))
    return tuple(planned)


def of_others(planned: Sequence[PlannedCheck], shard: Shard) -> frozenset[str]:
    """Return the node ids of the checks that other shards run, dealt out in turn."""
    own = planned[shard.number - 1 :: shard.count]
    return frozenset(check.nodeid for check in planned) - {check.nodeid for check in own}


def _planned(
    nodeid: str,
    marker: CheckMarker,
    phases: Sequence[str],
    checklist: Checklist,
    policy: Policy,
    find: Callable[[str, Sequence[str]], Item],
) -> PlannedCheck:
    """Find the item and the trigger that *marker* names.

    Raises:
        ValueError: One of them does not exist; the message lists the near misses.
    """
    if not phases:
        raise ValueError(
            f"check({marker.slug!r}) has no phase; expected one of the markers {', '.join(PHASES)}"
        )
    try:
        found = find(marker.slug, phases)
    except KeyError:
        slugs = [candidate.slug for candidate in checklist.of(phases)]
        raise ValueError(
            f"check({marker.slug!r}): the checklist has no such item in {', '.join(phases)}"
            + (meant(marker.slug, slugs) or f"; it has {', '.join(slugs)}")
        ) from None
    if marker.trigger is not None and marker.trigger not in policy.triggers:
        raise ValueError(
            f"trigger={marker.trigger!r}: the policy has no such trigger"
            + (meant(marker.trigger, policy.triggers) or f"; it has {', '.join(policy.triggers)}")
        )
    return PlannedCheck(nodeid=nodeid, item=found.id, trigger=marker.trigger)


def _refuse_silent_write(marker: pytest.Mark | None) -> None:
    if marker is not None and not (marker.args and isinstance(marker.args[0], str)):
        raise ValueError("writes() says nothing; expected what it changes and how that is undone")
