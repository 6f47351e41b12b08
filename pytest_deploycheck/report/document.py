"""The checklist document given back: its boxes ticked, each with what was found.

Everything else of the document stays as its authors wrote it. A numbered line of its summary is
computed from the items that a comment on it names:
`1. Security scan reviewed <!-- sums up: pre_deploy/security-verification -->`, where each name is a
phase, an item's id, or `<phase>/<slug of a section>`.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pytest_deploycheck.domain.decision import ItemResult
from pytest_deploycheck.domain.items import Checklist, Item
from pytest_deploycheck.domain.words import State, Verdict, worst_state

_SATISFIED: Final = frozenset({State.PASSED, State.WAIVED, State.NOT_APPLICABLE})
_BOX: Final = re.compile(r"^(\s*[-*+]\s+)\[[ xX]\]")
_INDENT: Final = re.compile(r"^\s*[-*+]\s+")
_SUM: Final = re.compile(r"^(\s*\d+[.)]\s+)(.*?)\s*<!--\s*sums up:\s*(.*?)\s*-->\s*$")
_HEADING: Final = re.compile(r"^#+\s+(.*?)\s*$")
_FENCE: Final = re.compile(r"^\s*(```|~~~)")
_END: Final = re.compile(r"\r\n|\r|\n")
#: What ends the paragraph that a list item begins with.
_NEXT: Final = re.compile(r"^\s*(?:$|[-*+]\s|\d+[.)]\s|```|~~~|#|<!--|>|---)")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Note:
    """What is written at an item: Markdown, on one line."""

    ticked: bool
    text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class SummaryLine:
    """A numbered line of the checklist's summary, computed."""

    heading: str
    """Of the part of the summary that it stands in."""
    text: str
    items: tuple[str, ...]
    """Ids of the items that answer it; empty when its comment names nothing of the checklist."""
    state: State
    """The worst state of its items."""
    satisfied: int
    """How many of them tick their box."""

    @property
    def ticked(self) -> bool:
        """Every item that answers it is satisfied."""
        return bool(self.items) and self.satisfied == len(self.items)


def ticks(result: ItemResult | None) -> bool:
    """Say whether an item ticks its box: a waiver does not, while a trigger asks for more."""
    return (
        result is not None
        and result.state in _SATISFIED
        and result.verdict in (Verdict.PROCEED, Verdict.OBSERVE)
    )


def summary_of(
    document: str, checklist: Checklist, results: Mapping[str, ItemResult]
) -> tuple[SummaryLine, ...]:
    """Return the numbered lines of the summary, each with what the record says of it.

    An item that no phase of the record has judged is NOT_RUN.
    """
    found = []
    heading = ""
    for line, fenced in _lines(document):
        if fenced:
            continue
        if title := _HEADING.match(line):
            heading = title[1]
        if match := _SUM.match(line):
            items = [item for name in match[3].split() for item in _named(name, checklist)]
            states = [results[i.id].state if i.id in results else State.NOT_RUN for i in items]
            found.append(
                SummaryLine(
                    heading=heading,
                    text=match[2],
                    items=tuple(dict.fromkeys(item.id for item in items)),
                    state=worst_state(states) if states else State.NOT_RUN,
                    satisfied=len({i.id for i in items if ticks(results.get(i.id))}),
                )
            )
    return tuple(found)


def completed(
    document: str,
    lines: Mapping[str, int],
    notes: Mapping[str, Note],
    *,
    head: Sequence[str],
    summary: Sequence[SummaryLine],
) -> str:
    """Return *document* with its boxes ticked and a note at each item.

    Args:
        document: The checklist as it was read.
        lines: Id of an item → its line in the document, from 1.
        notes: By item id; an item without one stays as it is.
        head: Lines of Markdown to put below the title.
        summary: The numbered lines of its summary, in order.
    """
    at = {line: notes[item] for item, line in lines.items() if item in notes}
    summed = iter(summary)
    result: list[str] = []
    waiting: list[str] = []  # a note that its item's paragraph still keeps back
    headed = False
    for number, (line, fenced) in enumerate(_lines(document), start=1):
        if waiting and _NEXT.match(line):
            result += waiting
            waiting = []
        note = at.get(number)
        if note is not None:
            line = _BOX.sub(rf"\g<1>[{'x' if note.ticked else ' '}]", line)
            indent = _INDENT.match(line)
            waiting = [f"{' ' * len(indent[0]) if indent else '  '}- {note.text}"]
        elif not fenced and (match := _SUM.match(line)):
            told = next(summed, None)
            if told is not None and told.text == match[2]:
                line = (
                    f"{match[1]}[{'x' if told.ticked else ' '}] {match[2]}: "
                    f"**{told.state.value}**, {told.satisfied} of {len(told.items)} items "
                    f"<!-- sums up: {match[3]} -->"
                )
        result.append(line)
        if not headed and not fenced and _HEADING.match(line):
            headed = True
            result += ["", *head]
    return "\n".join([*result, *waiting]).rstrip("\n") + "\n"


def _named(name: str, checklist: Checklist) -> list[Item]:
    """Return the items that a name of a summary's comment stands for."""
    if name in checklist.by_id:
        return [checklist.by_id[name]]
    phase, _, section = name.partition("/")
    return [
        item
        for item in checklist.items
        if phase in item.phases and (not section or section == _slug(item.section))
    ]


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _lines(document: str) -> Iterator[tuple[str, bool]]:
    """Yield each line of *document*, and whether it stands in a block of code."""
    fence = ""
    # As Markdown counts them: a form feed, or what a word processor leaves, begins no line.
    for line in _END.split(document):
        opened = _FENCE.match(line)
        if fence:
            yield line, True
            if opened and opened[1] == fence:
                fence = ""
        else:
            fence = opened[1] if opened else ""
            yield line, bool(fence)
