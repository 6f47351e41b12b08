"""Pieces of `tests.html`, the detail behind the page: pytest-html escapes nothing by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Final

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.report.entries import anchor
from pytest_deploycheck.report.reasons import told
from pytest_deploycheck.report.text import http_url, neutral, one_line

COLUMNS: Final = ("Phase", "Item", "Severity", "Trigger")
_COLOURS: Final = {
    Verdict.PROCEED: "#17683a",
    Verdict.OBSERVE: "#0b57a8",
    Verdict.HOLD: "#7d4a00",
    Verdict.ROLLBACK: "#a8261d",
}
_SEVERITIES: Final = ("rollback", "observe", "")
_PAGE: Final = "report.html"
_COLUMN: Final = re.compile(r"""^<td class="col-(\w+)">""")


def header_cell(column: str) -> str:
    """Return a sortable header cell."""
    name = escape(neutral(column))
    return f'<th class="sortable" data-column-type="{name.lower()}">{name}</th>'


def cell(text: str, *, column: str) -> str:
    """Return a body cell; the column's name says what it sorts by."""
    return f'<td class="col-{escape(neutral(column)).lower()}">{inert_line(text)}</td>'


def item_cell(item_id: str) -> str:
    """Return the cell of an item, which leads to its place on the page of the decision."""
    link = f"{_PAGE}#{anchor(item_id)}" if item_id else ""
    shown = f'<a href="{inert_line(link)}">{inert_line(item_id)}</a>' if link else ""
    return f'<td class="col-item">{shown}</td>'


def severity_cell(severity: str, *, passed: bool) -> str:
    """Return the cell of a trigger's severity, empty for no trigger.

    pytest-html sorts by what is between the tags: a comment there puts what did not pass first, and
    of that the gravest.
    """
    rank = _SEVERITIES.index(severity) + (len(_SEVERITIES) if passed else 0)
    return f'<td class="col-severity"><!--{rank}-->{inert_line(severity)}</td>'


def inert(text: str | bytes) -> str:
    """Return *text* for a place that puts it into HTML as it is: a log, a value."""
    return escape(neutral(text))


def inert_line(text: str | bytes) -> str:
    """Return *text* likewise, on one line: a test id, a cell."""
    return escape(one_line(text))


def column_of(html: str) -> str:
    """Return which column pytest-html made a body cell for: `testId`, `links`."""
    found = _COLUMN.match(html)
    return found[1] if found else ""


def links_cell(links: Mapping[str, str]) -> str:
    """Return the cell of a test's links, name → address; only http(s) becomes a link."""
    shown = [
        f'<a target="_blank" rel="noopener noreferrer" href="{escape(url)}">{inert_line(name)}</a>'
        if http_url(url)
        else inert_line(f"{name}: {url}")
        for name, url in links.items()
    ]
    return f'<td class="col-links">{" ".join(shown)}</td>'


def banner(decision: Decision) -> str:
    """Return the verdict as a paragraph with a link to the page that explains it."""
    why = one_line(told(decision.reasons)[0].text, longest=300) if decision.reasons else ""
    return (
        f'<p style="background:{_COLOURS[decision.verdict]};color:#fff;padding:.6em">'
        f"<strong>{decision.verdict.value}</strong> {escape(why)} "
        f"({inert_line(decision.release)} in {inert_line(decision.environment)}, "
        f'{spoken_time(decision.at_s)}) <a style="color:#fff" href="{_PAGE}">The decision</a></p>'
    )
