"""The platform's user interface: a subject."""

from __future__ import annotations

import html.parser
import urllib.parse
from typing import Final

import httpx

from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.endpoints import Endpoints
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError

_OK: Final = 200


class Frontend(Endpoints):
    """Asks the user interface by the names of its endpoint map.

    Args:
        settings: The environment's `[frontend]`.
        user_agent: Who we say we are.
        transport: Replaces the wire, in tests.
    """

    def __init__(
        self,
        settings: environment.Frontend,
        *,
        user_agent: str,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        super().__init__(settings, user_agent=user_agent, source="frontend", transport=transport)

    def load(self, page: Answer) -> tuple[Answer, ...]:
        """Fetch every script and style sheet that *page* names on its own host.

        Raises:
            SubjectError: One is silent, missing, or is a page: single-page applications answer
                200 and their index to any path.
            InstrumentError: The fault may be ours; the page names nothing to load, whoever has it,
                and nobody knows what would make it the application.
        """
        if not _links_of(page):
            raise InstrumentError(
                f"{page.url}: found a page that names no script and no style sheet, expected what "
                "makes it the application"
            )
        loaded = tuple(self._http.send("GET", url) for url in assets_of(page))
        for answer in loaded:
            if answer.status != _OK or answer.media_type == "text/html" or not answer.text:
                raise SubjectError(
                    f"GET {answer.url}: found {answer.status} ({answer.media_type}, "
                    f"{len(answer.text)} characters), expected 200 and an asset of {page.url}"
                )
        return loaded


def assets_of(page: Answer) -> tuple[str, ...]:
    """Return the URLs of the scripts and style sheets that *page* names on its own host."""
    own = urllib.parse.urlsplit(page.url)
    found = (urllib.parse.urljoin(page.url, link) for link in _links_of(page))
    return tuple(dict.fromkeys(url for url in found if _origin(url) == (own.scheme, own.netloc)))


def _links_of(page: Answer) -> list[str]:
    """Return what the scripts and style sheets of *page* link to, on whatever host."""
    finder = _AssetFinder()
    finder.feed(page.text)
    return finder.links


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc


def _words(attribute: str | None) -> list[str]:
    return (attribute or "").lower().split()


class _AssetFinder(html.parser.HTMLParser):
    """Collects what the tags of a page load."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the link of a script or style sheet."""
        found = dict(attrs)
        if tag == "script" and found.get("src"):
            self.links.append(found["src"] or "")
        elif tag == "link" and "stylesheet" in _words(found.get("rel")) and found.get("href"):
            self.links.append(found["href"] or "")
