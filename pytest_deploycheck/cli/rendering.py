"""`deploycheck render`: what is read of a run or a deployment, made again from its journals."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from pytest_deploycheck.cli.command import Command, add_config, project_of
from pytest_deploycheck.config import Project
from pytest_deploycheck.report.deployment import Written, write_deployment
from pytest_deploycheck.report.overview import Source
from pytest_deploycheck.report.render import render
from pytest_deploycheck.report.terminal import summary_lines

HELP = "folder of a run or of a deployment; a journal.jsonl; or a verdict.json left alone"


def _render(given: argparse.Namespace) -> int:
    project = project_of(given)
    if (given.path / "runs").is_dir():
        return _render_deployment(given.path, project)
    rendered = render(given.path, project.checklist, project.policy)
    for line in summary_lines(rendered.decision, report=rendered.report):
        print(line.text)
    return rendered.decision.exit_code


def render_deployment(folder: Path, project: Project) -> Written:
    """Judge the whole record in *folder* as of now, and write what is rendered over it.

    Raises:
        JournalError: A journal is broken, or there is none of a run.
    """
    return write_deployment(
        folder,
        project.checklist,
        project.policy,
        Source(text=project.document.text, lines=project.document.lines),
        at_s=time.time(),
    )


def _render_deployment(folder: Path, project: Project) -> int:
    written = render_deployment(folder, project)
    decision = written.deployment.decision
    for line in summary_lines(decision, report=written.index):
        print(line.text)
    return decision.exit_code


def _define(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, help=HELP)
    add_config(parser)


COMMANDS = (
    Command(
        name="render",
        help="judge a run again from its journal, also of a killed run, and write its files",
        define=_define,
        run=_render,
    ),
)
