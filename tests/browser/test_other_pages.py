"""The deployment's index and pytest-html's page in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from pytest_deploycheck.domain.words import Outcome
from pytest_deploycheck.report.deployment import index_page
from tests.browser.conftest import PHONE, Open
from tests.browser.test_report_page import violations
from tests.config.scratch import VARIABLES
from tests.plugin.scratch import Deploycheck
from tests.plugin.test_surfaces import HOSTILE
from tests.report import stories
from tests.report.test_deployment import record, write


def index(folder: Path) -> str:
    """Return the index of a deployment with a passed and a failed item."""
    bad = stories.passed("redis-cache", outcome=Outcome.FAILED, message="refused " * 40)
    record(folder, stories.passed("pod-status"), bad)
    return index_page(write(folder).deployment)


@pytest.mark.parametrize("view", ["light", "dark", "print"])
def test_axe_finds_nothing_on_the_index(open_page: Open, tmp_path: Path, view: str) -> None:
    """As on the report."""
    scheme = "dark" if view == "dark" else "light"
    page = open_page(index(tmp_path), name="index.html", color_scheme=scheme).page
    if view == "print":
        page.emulate_media(media="print")
    assert violations(page) == []


def test_the_index_fits_a_phone_and_is_quiet(open_page: Open, tmp_path: Path) -> None:
    """As the report does."""
    watched = open_page(index(tmp_path), name="index.html", viewport=PHONE)
    watched.assert_quiet((tmp_path / "index.html").as_uri())
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    expect(watched.page.locator("h1")).to_have_text("HOLD")
    watched.page.get_by_label("Find").fill("refused")
    assert watched.page.locator("#checklist .items > li:visible").count() == 1


def test_nothing_runs_on_the_detail_page(
    open_page: Open, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest-html's own script makes HTML of what it is given, and finds only letters."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    project = Deploycheck(pytester)
    project.write("suites/test_pods.py", HOSTILE)
    run = project.run(subprocess=True)
    assert run.folder is not None
    watched = open_page((run.folder / "tests.html").read_text(), name="tests.html")
    rows = watched.page.locator("#results-table .collapsible")
    expect(rows.first).to_be_visible()
    assert watched.complaints == []
    assert watched.page.locator("[onerror], [onload]").count() == 0
    assert "Failed" in rows.first.inner_text()
    assert "Passed" in rows.last.inner_text()
    expect(watched.page.locator("body")).to_contain_text("HOLD")
