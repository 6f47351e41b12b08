"""What a target says is shown, and obeyed by nobody."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pytest_deploycheck.report import text
from tests.report.hostile import HOSTILE

ANY_TEXT = st.text(st.characters(exclude_categories=[]))


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("plain ü 日本 👩‍💻 é", "plain ü 日本 👩‍💻 é"),
        ("a\tb\nc\r\nd", "a\tb\nc\nd"),
        ("over\rwritten", "over\\x0dwritten"),
        ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("\x00\uffff", "\\x00\\uffff"),
        (b"caf\xe9 \xff", "caf\\xe9 \\xff"),
        ("a\u2028b\u0085c", "a\\u2028b\\x85c"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_its_escape(given_text: str | bytes, expected: str) -> None:
    """A reader sees what came; a terminal and a browser see only letters."""
    assert text.neutral(given_text) == expected


@given(ANY_TEXT)
def test_neutral_text_can_be_encoded_and_stays_as_it_is(given_text: str) -> None:
    """It can pass the boundary twice, and goes into any file."""
    clean = text.neutral(given_text)
    clean.encode()
    assert text.neutral(clean) == clean
    controls = {c for c in clean if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}
    assert controls <= {"\t", "\n"}


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("::error::x", ": :error::x"),
        ("  ::stop-commands::x", "  : :stop-commands::x"),
        ("fine\n::add-mask::ROLLBACK", "fine\n: :add-mask::ROLLBACK"),
        ("\u00a0::error::x", "\u00a0: :error::x"),
        ("x ##[error]y", "x # #[error]y"),
        ("##vso[task.complete result=Succeeded]", "# #vso[task.complete result=Succeeded]"),
        ("##teamcity[buildStatus]", "# #teamcity[buildStatus]"),
        ("tests/test_a.py::test_b", "tests/test_a.py::test_b"),
        ("## a heading", "## a heading"),
    ],
)
def test_no_runner_obeys_what_a_target_answers(given_text: str, expected: str) -> None:
    """GitHub, Azure and TeamCity read commands out of the log."""
    assert text.for_log(given_text) == expected


@given(ANY_TEXT)
@example("###[x]")
@example(":::x")
@example("\n\n::x")
@example("####vso[x]")
def test_no_command_is_left_in_a_log(given_text: str) -> None:
    """Whatever came before, after, or around it."""
    for line in text.for_log(given_text).splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "##vso[" not in line


def test_one_line_is_one_line_and_says_that_it_was_cut() -> None:
    """A long answer does not push the verdict off the screen."""
    assert text.one_line("a\n  b\tc") == "a b c"
    assert text.one_line("x" * 20, longest=10) == "xxxxxxxxx…"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_markdown_shows_what_came(hostile: str) -> None:
    """No link, no image, no HTML, no table cell of its own."""
    from markdown_it import MarkdownIt

    parsed = MarkdownIt("gfm-like", {"linkify": False}).parse(
        f"| a |\n| --- |\n| {text.for_markdown(hostile)} |\n\nend"
    )
    inline = [child for token in parsed for child in token.children or ()]
    assert {child.type for child in inline} <= {"text", "text_special"}
    assert sum(token.type == "td_open" for token in parsed) == 1
    shown = "".join(child.content for child in inline)
    assert text.one_line(hostile) in shown


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("https://runbooks.example/a?b=c", True),
        ("http://10.0.0.1:9090/", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)", False),
        ("data:text/html,x", False),
        ("//evil.example", False),
        ("https://", False),
        ("https://a b", False),
        ("https://[", False),
        ("https://a\u202eb", False),
        ("java\nscript:alert(1)", False),
        ("see the wiki", False),
    ],
)
def test_only_a_plain_http_address_becomes_a_link(given_text: str, expected: bool) -> None:
    """A link in the report cannot run anything."""
    assert (text.http_url(given_text) == given_text) is expected
