"""report.html in a real browser: as it is read at night, on a phone, on paper, without scripts."""

from __future__ import annotations

import dataclasses
import itertools
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # no stubs
from playwright.sync_api import Page, expect

from pytest_deploycheck.report.html import report_page
from tests.browser.conftest import PHONE, Open
from tests.report import stories
from tests.report.hostile import HOSTILE, hostile_story
from tests.report.test_page import big

STORIES: dict[str, Callable[[], stories.Story]] = {
    "PROCEED": stories.proceed,
    "OBSERVE": stories.observe,
    "HOLD": stories.hold,
    "ROLLBACK": stories.rollback,
}
JENKINS = "sandbox; default-src 'none'; img-src 'self'; style-src 'self';"


def page_of(told: stories.Story) -> str:
    """Return the page of a story."""
    return report_page(told.decision, told.events, told.policy)


def violations(page: Page) -> list[str]:
    """Return what axe finds against the page."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {[node['html'] for node in each['nodes']][:3]}" for each in found]


def text_of_pdf(data: bytes) -> list[str]:
    """Return the text of each sheet, as far as Chromium's way to write PDF needs."""
    letters: dict[bytes, str] = {}
    drawn = []
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", data, re.DOTALL):
        try:
            stream = zlib.decompress(packed)
        except zlib.error:
            continue
        if b"begincmap" in stream:
            for first, last, code in re.findall(
                rb"<([0-9A-F]{4})>(?: <([0-9A-F]{4})>)? <([0-9A-F]{4})>\n", stream
            ):
                for step in range(int(last or first, 16) - int(first, 16) + 1):
                    letters[b"%04X" % (int(first, 16) + step)] = chr(int(code, 16) + step)
        elif b"Tj" in stream:
            drawn.append(b"".join(re.findall(rb"<([0-9A-F]+)>", stream)))
    return [
        "".join(letters.get(codes[place : place + 4], "?") for place in range(0, len(codes), 4))
        for codes in drawn
    ]


@pytest.fixture(params=STORIES)
def told(request: pytest.FixtureRequest) -> stories.Story:
    """Each verdict in turn."""
    return STORIES[request.param]()


def test_the_page_asks_for_nothing_and_complains_of_nothing(
    told: stories.Story, open_page: Open, tmp_path: Path
) -> None:
    """It can be read in an archive, years later, on a plane."""
    watched = open_page(page_of(told))
    watched.assert_quiet((tmp_path / "report.html").as_uri())


def test_everything_can_be_read_without_scripts(told: stories.Story, open_page: Open) -> None:
    """A mail client, a CI server and a careful browser run none."""
    page = open_page(page_of(told), java_script_enabled=False).page
    shown = page.locator("body").inner_text()
    for result in told.decision.items:
        assert result.item.title in shown
        assert result.state.value in shown
    for reason in told.decision.reasons:
        assert reason.text in shown
    for folded in page.locator("summary").all():
        folded.click()
    shown = page.locator("body").inner_text()
    for result in told.decision.items:
        for check in result.checks:
            assert check.ended.nodeid in shown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_screen_of_a_phone_says_it_all(
    told: stories.Story, open_page: Open, scheme: str
) -> None:
    """Verdict, reason and next command, and nothing scrolls sideways."""
    page = open_page(page_of(told), viewport=PHONE, color_scheme=scheme).page
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for part in ("h1", ".verdict .why", ".verdict .next"):
        box = page.locator(part).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] <= PHONE["height"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_page_is_quiet_and_fits_a_phone(
    open_page: Open, text: str, tmp_path: Path
) -> None:
    """Whatever came in every field: nothing runs, nothing is asked for, nothing breaks out."""
    watched = open_page(page_of(hostile_story(text)), viewport=PHONE)
    watched.assert_quiet((tmp_path / "report.html").as_uri())
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    expect(watched.page.locator("h1")).to_contain_text("ROLLBACK")
    expect(watched.page.locator(".truncated")).to_be_hidden()


def test_axe_is_awake(open_page: Open) -> None:
    """A page with a fault has one, so that none elsewhere means something."""
    page = open_page(page_of(stories.proceed())).page
    page.evaluate("document.querySelector('nav a').style.color = '#ddd'")
    assert [each.partition(":")[0] for each in violations(page)] == ["color-contrast"]


@pytest.mark.parametrize("view", ["light", "dark", "print"])
def test_axe_finds_nothing(told: stories.Story, open_page: Open, view: str) -> None:
    """WCAG 2.2 AA as far as a machine can tell, with everything unfolded too."""
    scheme = "dark" if view == "dark" else "light"
    page = open_page(page_of(told), color_scheme=scheme).page
    if view == "print":
        page.emulate_media(media="print")
    assert violations(page) == []
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert violations(page) == []


def test_paper_shows_everything_open_and_light(open_page: Open) -> None:
    """An auditor prints it, whatever the reader had folded or liked."""
    page = open_page(page_of(stories.rollback()), color_scheme="dark").page
    sheets = text_of_pdf(page.pdf())
    assert len(sheets) > 1
    for number, sheet in enumerate(sheets, start=1):
        assert sheet.startswith("ROLLBACK: 2.4.1 in production, post_5min, 2026-01-01 10:05:00Z")
        assert f"{number} of {len(sheets)}" in sheet
    page.emulate_media(media="print", color_scheme="dark")
    folded = page.locator("details:not([open]) pre").first
    assert folded.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    expect(page.locator("button").first).to_be_hidden()


def test_find_and_filter_work_by_keyboard(open_page: Open) -> None:
    """Two tabs and a word, and Escape brings everything back."""
    page = open_page(page_of(big(40))).page
    page.get_by_label("Find").focus()
    page.keyboard.type("number 17")
    rows = page.locator("#checklist .items > li:visible")
    assert rows.count() == 1
    expect(page.get_by_role("status")).to_have_text("1 of 40 items")
    page.keyboard.press("Escape")
    assert rows.count() == 40
    page.keyboard.press("Tab")
    page.keyboard.press("F")
    expect(page.get_by_label("State")).to_have_value("FAILED")
    assert rows.count() == 4


def test_a_deep_link_opens_its_item(open_page: Open) -> None:
    """The link in a chat leads to the evidence, also after the reader filtered it away."""
    told = stories.proceed()
    page = open_page(page_of(told), fragment="#item-post_5min-redis-cache").page
    expect(page.locator("#item-post_5min-redis-cache pre")).to_be_visible()
    page.get_by_label("Find").fill("no such item")
    page.evaluate("location.hash = '#item-post_5min-pod-status'")
    expect(page.locator("#item-post_5min-pod-status pre")).to_be_visible()


def test_a_deep_link_opens_its_item_without_scripts(open_page: Open) -> None:
    """The target is at least on the screen."""
    page = open_page(
        page_of(stories.rollback()),
        fragment="#item-post_5min-pod-status",
        java_script_enabled=False,
    ).page
    expect(page.locator("#item-post_5min-pod-status")).to_be_in_viewport()


def test_copy_works_by_keyboard(open_page: Open) -> None:
    """The next command is on the clipboard with one key."""
    page = open_page(
        page_of(stories.rollback()), permissions=["clipboard-read", "clipboard-write"]
    ).page
    button = page.get_by_role("button", name="Copy: deploycheck rollback")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == (
        "deploycheck rollback --env=production --confirm=production/2.4.1"
    )


def test_the_keyboard_reaches_every_link_and_fold(open_page: Open) -> None:
    """And the reader sees where it is."""
    page = open_page(page_of(stories.rollback())).page
    wanted = page.locator("a, summary, button, input, select").count()
    seen = set()
    for _ in range(wanted):
        page.keyboard.press("Tab")
        seen.add(
            page.evaluate("[...document.querySelectorAll('*')].indexOf(document.activeElement)")
        )
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"
    assert len(seen) == wanted


def test_the_page_reads_under_the_default_policy_of_jenkins(open_page: Open) -> None:
    """There, neither script nor style is allowed."""
    told = stories.rollback()
    watched = open_page("")
    page = watched.page
    page.route(
        "http://jenkins.test/**",
        lambda route: route.fulfill(
            body=page_of(told),
            headers={"Content-Security-Policy": JENKINS, "Content-Type": "text/html"},
        ),
    )
    page.goto("http://jenkins.test/report.html")
    shown = page.locator("body").inner_text()
    for reason in told.decision.reasons:
        assert reason.text in shown
    assert page.locator("h1 svg").bounding_box() == {
        **(page.locator("h1 svg").bounding_box() or {}),
        "width": 32,
        "height": 32,
    }
    expect(page.locator(".truncated")).to_be_hidden()


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_page_says_so(open_page: Open, share: float) -> None:
    """A download that broke off is not taken for the whole."""
    page = page_of(stories.rollback())
    style_ends = page.index("</style>") + 200
    body_ends = page.index('<footer id="end">')
    cut = int(style_ends + (body_ends - style_ends) * share)
    watched = open_page(page[:cut])
    expect(watched.page.locator(".truncated")).to_be_visible()


def test_a_thousand_items_are_found_at_once(open_page: Open) -> None:
    """The filter answers within 100 ms, however long the page is."""
    page = open_page(page_of(big(1000))).page
    measured = """() => {
      const input = document.getElementById("find");
      const times = [];
      for (const word of ["number 99", "", "failed", "", "passed"]) {
        const start = performance.now();
        input.value = word;
        input.dispatchEvent(new Event("input"));
        document.body.offsetHeight;
        times.push(performance.now() - start);
      }
      return Math.min(...times.slice(1));
    }"""
    assert page.evaluate(measured) < 100
    assert page.get_by_role("status").inner_text().endswith("of 1000 items")


def test_a_reader_with_a_screen_reader_hears_the_structure(open_page: Open) -> None:
    """Headings in order, landmarks, and charts with a name."""
    page = open_page(page_of(stories.rollback())).page
    levels = page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4')].map((h) => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))
    for landmark in ("banner", "navigation", "main", "contentinfo"):
        expect(page.get_by_role(landmark)).to_have_count(1)
    expect(page.get_by_role("img", name="error_ratio 6.1 %, limit at most 5 %")).to_have_count(1)


def test_the_page_of_the_most_hostile_name_prints(open_page: Open) -> None:
    """The release is in the header of each printed page, as letters."""
    told = stories.rollback()
    decision = dataclasses.replace(told.decision, release='"}</style><b>\\61 \\')
    page = open_page(report_page(decision, told.events, told.policy)).page
    assert 'ROLLBACK: "}</style><b>\\61 \\ in production' in text_of_pdf(page.pdf())[0]
    expect(page.locator("h1")).to_contain_text("ROLLBACK")
