"""The checklist document: Markdown that people read, and the items that it holds."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from pytest_deploycheck.config.problems import read_bytes, shown, unknown
from pytest_deploycheck.domain.items import PHASES, Checklist, Item, Kind
from pytest_deploycheck.domain.near import meant

_PHASE: Final = "phase"
_DECISION_POINTS: Final = "decision points"
_COMMENT: Final = re.compile(r"<!--\s*([A-Za-z ]+?)\s*:\s*([^\n]*?)\s*-->")
_BOX: Final = re.compile(r"\[(.?)\]\s*")
_LOST_BOX: Final = re.compile(r"^\s*\S+\s+\[[ xX]?\]", re.MULTILINE)
#: As `-[ ] **A**: x`, which Markdown takes for text, so that the box belongs to no list.
_BOX_IN_TEXT: Final = re.compile(r"\W{0,3}\[[ xX]?\](?!\()")
_VERSION: Final = re.compile(r"^Document Version\W+(\S+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Document:
    """A checklist as it was read, and where in the document each of its items stands."""

    checklist: Checklist
    text: str
    lines: Mapping[str, int]
    """Id of an item → its line, from 1."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Heading:
    level: int
    title: str
    phases: tuple[str, ...]
    kind: Kind


def slug_of(title: str) -> str:
    """Return *title* in lowercase, with a hyphen for whatever is no letter and no digit."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def read_checklist(path: Path) -> tuple[Document, list[str]]:
    """Read *path* as far as it can be read, and say what is wrong with the rest."""
    data, problems = read_bytes(path)
    reader = _Reader(shown(path))
    text = data.decode()
    reader.read(MarkdownIt("commonmark").parse(text))
    version = _VERSION.search("\n".join(reader.texts))
    checklist = Checklist(
        items=tuple(reader.items),
        sha256=hashlib.sha256(data).hexdigest(),
        title=reader.texts[0] if reader.texts else "",
        version=version[1] if version else "",
    )
    if not reader.items and not problems:
        problems = [f"{shown(path)}: found no item; expected lines such as - [ ] **Title**: text"]
    return Document(checklist=checklist, text=text, lines=reader.lines), problems + reader.problems


class _Reader:
    """Walks through the document once, and knows the headings it is under."""

    def __init__(self, file: str) -> None:
        self.items: list[Item] = []
        self.lines: dict[str, int] = {}
        self.texts: list[str] = []
        self.problems: list[str] = []
        self._file = file
        self._headings = [_Heading(level=0, title="", phases=(), kind=Kind.BOX)]

    def read(self, tokens: Sequence[Token]) -> None:
        """Collect the items and the problems."""
        depth = first = 0
        for index, token in enumerate(tokens):
            line = token.map[0] + 1 if token.map else 0
            match token.type:
                case "heading_open":
                    self._enter(int(token.tag[1]), _plain(tokens[index + 1].children or ()))
                case "list_item_open":
                    depth += 1
                    if tokens[index + 1].type == "paragraph_open":
                        first = index + 2
                        free = depth > 1 or token.markup not in "-*+"
                        self._line(tokens[index + 2].children or (), line, free=free)
                case "list_item_close":
                    depth -= 1
                case "inline":
                    self.texts.append(_plain(token.children or ()))
                    # The first line of an entry in a list has been read as its box.
                    for after, text in enumerate(token.content.splitlines()):
                        if _BOX_IN_TEXT.match(text) and (after or index != first):
                            self._problem(
                                line + after,
                                "found a box in a text; expected - [ ] **Title**: text",
                            )
                case "html_block" | "code_block":
                    self._comment(token.content, line)
                    if _LOST_BOX.search(re.sub(r"(?s)<!--.*?-->", "", token.content)):
                        self._problem(
                            line, "found a box in a block of code or HTML; expected it in a list"
                        )

    def _problem(self, line: int, text: str) -> None:
        self.problems.append(f"{self._file}:{line}: {text}")

    def _enter(self, level: int, title: str) -> None:
        while self._headings[-1].level >= level:
            self._headings.pop()
        bare = re.sub(r"^\W+", "", title)
        self._headings.append(dataclasses.replace(self._headings[-1], level=level, title=bare))

    def _comment(self, content: str, line: int) -> None:
        """Let a comment put the heading above it into phases."""
        match = _COMMENT.match(content)
        if match is None:
            return
        name, phases = match[1], tuple(re.split(r"[\s,]+", match[2]))
        if name not in (_PHASE, _DECISION_POINTS):
            if near := meant(name.lower(), (_PHASE, _DECISION_POINTS)):
                self._problem(
                    line, f'found a comment "{name}"; expected "phase" or "decision points"{near}'
                )
            return
        for phase in phases:
            if phase not in PHASES:
                self._problem(line, unknown(phase, PHASES, what="a phase"))
        if name == _PHASE and len(phases) > 1:
            self._problem(
                line, f"found {len(phases)} phases; expected one: a box belongs to one phase"
            )
        if len(self._headings) == 1:
            self._problem(
                line, f'found a comment "{name}" above all headings; expected it below one'
            )
            return
        kind = Kind.BOX if name == _PHASE else Kind.DECISION_POINT
        ordered = tuple(sorted(phases, key=[*PHASES, *phases].index))
        self._headings[-1] = dataclasses.replace(self._headings[-1], phases=ordered, kind=kind)

    def _line(self, children: Sequence[Token], line: int, *, free: bool) -> None:
        """Take an item from a line of a list; *free* ones need not be items."""
        heading = self._headings[-1]
        box = _BOX.match(_plain(children))
        if box is None and (free or not heading.phases):
            return
        if not heading.phases:
            self._problem(
                line,
                "found a box outside any phase; expected a comment "
                '"phase: NAME" below a heading above it',
            )
        elif box is None and heading.kind is Kind.BOX:
            self._problem(line, "found a line without a box; expected - [ ] **Title**: text")
        elif box is not None and heading.kind is Kind.DECISION_POINT:
            self._problem(line, "found a box; expected a decision point: - **Title**: sentence")
        elif box is not None and box[1] != " ":
            self._problem(
                line, f"found {box[0].strip()}; expected [ ]: the source checklist is not filled in"
            )
        else:
            self._item(children, line, heading)

    def _item(self, children: Sequence[Token], line: int, heading: _Heading) -> None:
        kinds = [child.type for child in children]
        bold = "strong_open" in kinds
        opened = kinds.index("strong_open") if bold else 0
        closed = kinds.index("strong_close") if bold else 0
        before = _BOX.sub("", _plain(children[:opened]))
        title = _plain(children[opened:closed]).strip().rstrip(":")
        expectation = _plain(children[closed:]).strip().lstrip(":").strip()
        if before or not slug_of(title) or not expectation:
            self._problem(line, "found no title and text; expected **Title**: what must be so")
            return
        prefix = heading.phases[0] if heading.kind is Kind.BOX else "rollback"
        item = Item(
            id=self._explicit_id(children, line, prefix) or f"{prefix}/{slug_of(title)}",
            title=title,
            expectation=expectation,
            phases=heading.phases,
            section=heading.title,
            kind=heading.kind,
        )
        for other in self.items:
            if other.id == item.id or (other.title, other.phases) == (title, item.phases):
                same = "title" if other.title == title else "id"
                self._problem(
                    line,
                    f'found the {same} "{getattr(item, same)}" twice in {prefix}; '
                    f"expected another than in line {self.lines[other.id]}",
                )
                return
        self.items.append(item)
        self.lines[item.id] = line

    def _explicit_id(self, children: Sequence[Token], line: int, prefix: str) -> str | None:
        """Return the id that a comment on the item gives it, None when there is no comment."""
        for child in children:
            if child.type == "html_inline" and child.content.startswith("<!--"):
                match = _COMMENT.fullmatch(child.content)
                if match and match[1] == "id" and re.fullmatch(rf"{prefix}/[a-z0-9-]+", match[2]):
                    return match[2]
                self._problem(line, f"found {child.content}; expected <!-- id: {prefix}/SLUG -->")
        return None


def _plain(children: Sequence[Token]) -> str:
    """Return the text of *children* without markup, on one line."""
    words = {"softbreak": " ", "hardbreak": " "}
    return "".join(
        words.get(child.type, child.content if child.type in ("text", "code_inline") else "")
        for child in children
    )
