"""Reads a page as a browser without scripts would: its tags, its text, its links."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Final

_VOID: Final = frozenset({"meta", "br", "path", "rect"})


class Read(HTMLParser):
    """A page taken apart; an unbalanced one fails."""

    def __init__(self, page: str) -> None:
        """Read *page* to its end."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.comments: list[str] = []
        self._texts: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert not self._open, f"left open: {self._open}"

    @property
    def text(self) -> str:
        """What is shown, on one line."""
        return " ".join("".join(self._texts).split())

    @property
    def ids(self) -> list[str]:
        """Every id, in order."""
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    @property
    def links(self) -> list[str]:
        """Where the page's links lead."""
        return [attributes["href"] for tag, attributes in self.tags if tag == "a"]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that ends itself."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """Close the tag that is open."""
        assert self._open, f"closed too much: {tag}"
        self._texts.append(" " if tag in ("dt", "dd", "li") else "")
        opened = self._open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        """Keep what is shown."""
        if not {"script", "style"} & set(self._open):
            self._texts.append(data)

    def handle_comment(self, data: str) -> None:
        """Keep comments apart."""
        self.comments.append(data.strip())
