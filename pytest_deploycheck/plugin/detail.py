"""pytest-html's page as the detail view: our columns, and its flaws guarded."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final, Protocol

import pytest
from pytest_html.basereport import BaseReport  # type: ignore[import-untyped]

from pytest_deploycheck.domain.events import PlannedCheck
from pytest_deploycheck.domain.items import PHASES
from pytest_deploycheck.plugin.deployment import Deployment
from pytest_deploycheck.plugin.ledger import CHECK
from pytest_deploycheck.plugin.record import Record
from pytest_deploycheck.report import detail
from pytest_deploycheck.report.text import neutral

#: Attribute of a report: one text for each column.
CELLS: Final = "deploycheck_cells"


class Page(Protocol):
    """What we use of pytest-html's report."""

    data: dict[str, Any]

    def set_data(self, key: str, value: object) -> None:
        """Put something into the page's data."""


class Detail:
    """Registered where pytest-html is installed."""

    def __init__(self, settled: Deployment, record: Record | None) -> None:
        """Take severities from the policy, ledger and decision from the record.

        Args:
            settled: What is verified.
            record: Of the controlling process; None in a worker, which writes no page.
        """
        self._settled = settled
        self._record = record

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put the columns' texts on the report, as builtin types: they cross xdist."""
        report = yield
        planned = item.stash.get(CHECK, None)
        if planned is not None:
            marked = [m.name for m in item.iter_markers() if m.name in PHASES]
            setattr(report, CELLS, self._texts(planned, [p for p in PHASES if p in marked]))
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keep pytest-html from naming a page that a usage error takes away again."""
        if session.exitstatus == pytest.ExitCode.USAGE_ERROR:
            plugins = session.config.pluginmanager
            for page in [found for found in plugins.get_plugins() if isinstance(found, BaseReport)]:
                plugins.unregister(page)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Make HTML that a test attached harmless: it may hold what a target said."""
        for extra in getattr(report, "extras", []):
            if extra.get("format_type") == "html":
                extra["content"] = f"<pre>{detail.inert(extra['content'])}</pre>"
            elif isinstance(extra.get("content"), str | bytes):
                extra["content"] = neutral(extra["content"])

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, report: pytest.TestReport) -> None:
        """Have the check of a dead worker finish its row: pytest-html waits for a teardown."""
        report.when = "teardown"

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_report_title(self, report: Page) -> None:
        """Name the page, sort it by severity, and make the environment's table harmless."""
        where = f"{self._settled.release} in {self._settled.environment.name}"
        report.set_data("title", detail.inert_line(f"Checks of {where}"))
        report.set_data("initialSort", "severity")
        environment = report.data["environment"]
        report.set_data(
            "environment",
            {
                detail.inert(str(key)): detail.inert(str(value))
                for key, value in environment.items()
            },
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_summary(self, prefix: list[str]) -> None:
        """Put the verdict on top."""
        if self._record is not None and self._record.decision is not None:
            prefix.append(detail.banner(self._record.decision))

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_header(self, cells: list[str]) -> None:
        """Name the columns."""
        cells[1:1] = [detail.header_cell(column) for column in detail.COLUMNS]

    @pytest.hookimpl(optionalhook=True)
    def pytest_html_results_table_row(self, report: pytest.TestReport, cells: list[str]) -> None:
        """Fill the columns; a row must have as many cells as the header, or the session ends."""
        for place, html in enumerate(cells):
            match detail.column_of(html):
                case "testId":
                    when = "" if report.when == "call" else f"::{report.when}"
                    cells[place] = detail.cell(f"{report.nodeid}{when}", column="testId")
                case "links":
                    cells[place] = detail.links_cell(_links(report))
        phase, item, severity, trigger = self._texts_of(report)
        cells[1:1] = [
            detail.cell(phase, column="Phase"),
            detail.item_cell(item),
            detail.severity_cell(severity, passed=report.outcome == "passed"),
            detail.cell(trigger, column="Trigger"),
        ]

    def _texts_of(self, report: pytest.TestReport) -> list[str]:
        texts: list[str] | None = getattr(report, CELLS, None)
        if texts is not None:
            return texts
        planned = self._record.check_of(report.nodeid) if self._record else None
        if planned is None:
            return ["", "", "", ""]
        item = self._settled.project.checklist.by_id.get(planned.item)
        return self._texts(planned, list(item.phases) if item else [])

    def _texts(self, planned: PlannedCheck, phases: list[str]) -> list[str]:
        trigger = self._settled.policy.triggers.get(planned.trigger or "")
        return [
            " ".join(phases),
            planned.item,
            trigger.severity.value if trigger else "",
            planned.trigger or "",
        ]


def _links(report: pytest.TestReport) -> dict[str, str]:
    extras = getattr(report, "extras", [])
    return {
        str(extra.get("name") or extra["format_type"]): str(extra["content"])
        for extra in extras
        if extra.get("format_type") in ("json", "text", "url")
    }
