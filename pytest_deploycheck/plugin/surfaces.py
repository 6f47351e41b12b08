"""What else shows the decision: the pages over the whole deployment, and the CI's annotations."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_deploycheck.domain.errors import DeploycheckError
from pytest_deploycheck.plugin import garbage
from pytest_deploycheck.plugin.deployment import Deployment, shown
from pytest_deploycheck.plugin.record import Record
from pytest_deploycheck.report.annotations import annotation_lines
from pytest_deploycheck.report.terminal import last_lines


class Surfaces:
    """Registered in the controlling process only, beside its record."""

    def __init__(self, settled: Deployment, record: Record) -> None:
        """Take the checklist from the project and the decision from the record."""
        self._settled = settled
        self._record = record
        self._index: Path | None = None

    @garbage.none_expected()
    def pytest_sessionfinish(self) -> None:
        """Render over all runs of the deployment, once this one's verdict is written."""
        decision = self._record.decision
        if decision is None:
            return
        from pytest_deploycheck.report.deployment import write_deployment  # see checks.AT_THE_END
        from pytest_deploycheck.report.overview import Source

        project = self._settled.project
        try:
            self._index = write_deployment(
                self._record.folder.parents[1],
                project.checklist,
                self._settled.policy,
                Source(text=project.document.text, lines=project.document.lines),
                at_s=decision.at_s,
                journals=self._record.journals,
                invocation=self._settled.options.invocation,
            ).index
        except (OSError, DeploycheckError) as error:  # the run itself is decided
            self._record.tell(f"the deployment's pages could not be written: {error}")

    @pytest.hookimpl(trylast=True)  # below the record's own lines
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> None:
        """Name the deployment's page; on GitHub's runner, annotate the run."""
        if self._index is None or self._record.decision is None:
            return
        index = shown(self._index, config.invocation_params.dir)
        terminalreporter.write_line(f"deployment: {index}")
        if os.environ.get("GITHUB_ACTIONS") == "true":
            for line in annotation_lines(self._record.decision):
                terminalreporter.write_line(line)

    @pytest.hookimpl(trylast=True)  # below what pytest itself has to say at the end
    def pytest_unconfigure(self, config: pytest.Config) -> None:
        """Have the last word: pytest counts tests, which fails ones that are waived."""
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if self._record.decision is None or reporter is None:
            return
        report = Path(shown(self._record.folder / "report.html", config.invocation_params.dir))
        for line in last_lines(
            self._record.decision, report=report, exit_code=self._record.exit_code
        ):
            reporter.write_line(line.text, **line.markup)
