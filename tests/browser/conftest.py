"""The system's Chromium, and pages opened in it that may reach nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1200, "height": 900}


class Watched:
    """A page, and everything that it did besides being read."""

    def __init__(self, page: Page) -> None:
        """Watch *page* from before it is opened."""
        self.page = page
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self._dialog(dialog.message, dialog.dismiss))

    def _dialog(self, message: str, dismiss: Callable[[], None]) -> None:
        self.complaints.append(f"dialog: {message}")
        dismiss()

    def assert_quiet(self, address: str) -> None:
        """Nothing complained, and nothing but the page itself was asked for."""
        assert self.complaints == []
        assert {url.partition("#")[0] for url in self.requests} == {address}


Open = Callable[..., Watched]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("DEPLOYCHECK_REQUIRE_SERVERS"):
            pytest.fail("found no chromium on PATH; expected it, installed by .ci/run")
        pytest.skip("needs chromium on PATH")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=arguments)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens HTML from a file; every context is closed at the end."""
    contexts = []

    def opened(html: str, *, fragment: str = "", name: str = "report.html", **how: Any) -> Watched:  # noqa: ANN401 - of Playwright
        path = tmp_path / name
        path.write_text(html)
        how.setdefault("viewport", DESK)
        context = browser.new_context(**how)
        contexts.append(context)
        watched = Watched(context.new_page())
        watched.page.goto(f"{path.as_uri()}{fragment}")
        return watched

    yield opened
    for context in contexts:
        context.close()
