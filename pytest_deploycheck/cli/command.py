"""What a command is, and the arguments that several of them share."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pytest_deploycheck.clients.evidence import redact
from pytest_deploycheck.config import Project, load_project
from pytest_deploycheck.report.text import for_log, log_line

#: As pytest's own: the command line or the configuration cannot be used.
USAGE_ERROR: Final = 4


@dataclasses.dataclass(frozen=True, kw_only=True)
class Command:
    """A word after `deploycheck`."""

    name: str
    help: str
    define: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    """Returns the exit code."""


def say(text: str, *, error: bool = False) -> None:
    """Print *text* without secrets, and so that a CI runner that reads the log obeys none of it.

    Args:
        text: May be of several lines.
        error: It is said on standard error.
    """
    print(for_log(redact(text)), file=sys.stderr if error else sys.stdout)


def say_line(text: str, *, longest: int = 500) -> None:
    """Print *text* as `say` does, on one line, cut to *longest* characters after it is redacted."""
    print(log_line(redact(text), longest=longest))


def add_config(parser: argparse.ArgumentParser) -> None:
    """Let the user say where checklist and policy are."""
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get("DEPLOYCHECK_CONFIG", "suites")),
        metavar="DIR",
        help="folder with checklist.md, deploycheck.toml and environments/ (default: suites)",
    )


def add_reports(parser: argparse.ArgumentParser) -> None:
    """Let the user say where the record is."""
    parser.add_argument(
        "--reports",
        type=Path,
        default=Path(os.environ.get("DEPLOYCHECK_REPORTS", "reports")),
        metavar="DIR",
        help="folder of the record (default: reports)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Let the user ask for data instead of text."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def project_of(given: argparse.Namespace) -> Project:
    """Load the checklist and the policy that the command line names.

    Raises:
        ConfigError: They cannot be used.
    """
    return load_project(given.config)
