"""`deploycheck items` and `deploycheck faults`: what there is to check, and to break."""

from __future__ import annotations

import argparse
import difflib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_deploycheck.cli.command import Command, add_config, add_json, project_of
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.events import PlannedCheck
from pytest_deploycheck.domain.items import Item
from pytest_deploycheck.plugin.inventory import inventory

if TYPE_CHECKING:  # only who asks for faults pays for it
    from pytest_deploycheck.sandbox.faults.fault import Fault


def _faults(given: argparse.Namespace) -> int:
    from pytest_deploycheck import sandbox  # only who asks for faults pays for it

    faults = _reacted_to(sandbox.faults(), given.word)
    if given.json:
        plain = [
            {
                "name": fault.name,
                "items": list(fault.items),
                "trigger": fault.trigger,
                "verdict": str(fault.verdict),
                "summary": fault.summary,
            }
            for fault in faults
        ]
        print(json.dumps(plain, indent=1))
        return 0
    for fault in faults:
        print(f"{fault.name}: {fault.summary}")
        print(f"    {fault.verdict}, trigger {fault.trigger or 'none'}: {', '.join(fault.items)}")
    return 0


def _reacted_to(faults: Sequence[Fault], word: str | None) -> Sequence[Fault]:
    """Return the fault *word*, and those to which the item, trigger or phase of that name reacts.

    None: all of them.

    Raises:
        ConfigError: To none: a mistake in the word would look as if nothing could break it.
    """
    if word is None:
        return faults
    found = [fault for fault in faults if word in _reacting(fault)]
    if not found:
        known = sorted({reacting for fault in faults for reacting in _reacting(fault)})
        near = difflib.get_close_matches(word, known, n=3, cutoff=0.4) or known[:8]
        raise ConfigError([f"found no fault of {word!r}; did you mean {', '.join(near)}?"])
    return found


def _reacting(fault: Fault) -> set[str]:
    """Return the name of *fault*, its trigger, and of what reacts to it ids, slugs and phases."""
    parts = [item.partition("/") for item in fault.items]
    words = {*fault.items, *(slug for _, _, slug in parts), *(phase for phase, _, _ in parts)}
    return words | {fault.name} | ({fault.trigger} if fault.trigger else set())


def _items(given: argparse.Namespace) -> int:
    project = project_of(given)
    checks = inventory(project)
    rows = [
        _row(item, [check for check in checks if check.item == item.id])
        for item in project.checklist.items
    ]
    if given.json:
        print(json.dumps(rows, indent=1))
        return 0
    if given.markdown:
        from pytest_deploycheck import sandbox  # as above
        from pytest_deploycheck.cli import catalogue

        faults = {
            item.id: [fault.name for fault in sandbox.faults() if item.id in fault.items]
            for item in project.checklist.items
        }
        print(catalogue.page(project, checks, faults), end="")
        return 0
    for row in rows:
        trigger = f", trigger {row['trigger']}" if row["trigger"] else ""
        print(f"{row['id']}: {row['title']} ({_counted(row['checks'])}{trigger})")
    return 0


def _counted(checks: list[str]) -> str:
    return f"{len(checks)} check{'' if len(checks) == 1 else 's'}"


def _row(item: Item, checks: list[PlannedCheck]) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title,
        "phases": list(item.phases),
        "section": item.section,
        "checks": [check.nodeid for check in checks],
        "trigger": next((check.trigger for check in checks if check.trigger), None),
    }


def _define_faults(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "word",
        nargs="?",
        metavar="ITEM | TRIGGER | PHASE | FAULT",
        help="only this one, or what it must react to: post_5min/redis-cache (default: all)",
    )
    add_json(parser)


def _define_items(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    add_json(parser)
    parser.add_argument(
        "--markdown", action="store_true", help="print the page of the documentation"
    )


COMMANDS = (
    Command(
        name="items",
        help="list every item of the checklist with the checks that answer it",
        define=_define_items,
        run=_items,
    ),
    Command(
        name="faults",
        help="list what can be broken in the sandbox, and what must react to it",
        define=_define_faults,
        run=_faults,
    ),
)
