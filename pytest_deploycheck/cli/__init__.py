"""The command `deploycheck`: everything around a run that is not a run itself."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn

from pytest_deploycheck.cli import (
    archiving,
    attesting,
    backtests,
    baselines,
    doctoring,
    explaining,
    listing,
    manifest,
    notifying,
    rehearsing,
    rendering,
    rolling_back,
    starting,
    waiving,
)
from pytest_deploycheck.cli.command import USAGE_ERROR, Command, say
from pytest_deploycheck.domain.errors import DeploycheckError
from pytest_deploycheck.domain.near import meant

COMMANDS: tuple[Command, ...] = (
    *starting.COMMANDS,
    *listing.COMMANDS,
    *explaining.COMMANDS,
    *rendering.COMMANDS,
    *attesting.COMMANDS,
    *waiving.COMMANDS,
    *baselines.COMMANDS,
    *backtests.COMMANDS,
    *doctoring.COMMANDS,
    *rolling_back.COMMANDS,
    *notifying.COMMANDS,
    *manifest.COMMANDS,
    *archiving.COMMANDS,
    *rehearsing.COMMANDS,
)


#: As a shell says it of whoever writes on when nobody reads: 128 and SIGPIPE.
_NOBODY_READS: Final = 141
_CHOICE: Final = re.compile(r"invalid choice: '([^']*)' \(choose from (.*)\)")


class _Parser(argparse.ArgumentParser):
    """Ends with exit code 4, as pytest does: argparse's own 2 is that of an interrupted run."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line, and what was probably meant."""
        choice = _CHOICE.search(message)
        near = meant(choice[1], re.findall(r"[\w-]+", choice[2])) if choice else ""
        self.print_usage(sys.stderr)
        say(f"{self.prog}: {message}{near}", error=True)
        self.exit(USAGE_ERROR)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a user's mistake is a message, no traceback."""
    parser, commands = _parsers()
    given, unknown = parser.parse_known_args(arguments)
    if unknown:
        command = commands[given.command]
        options = re.findall(r"--[\w-]+", command.format_help())
        command.error(f"found {unknown[0]}; expected none of it{meant(unknown[0], options)}")
    try:
        code: int = given.run(given)
        sys.stdout.flush()
    except DeploycheckError as error:
        for line in str(error).splitlines():
            say(f"deploycheck: {line}", error=True)
        return USAGE_ERROR
    except BrokenPipeError:
        # Python would write what is left once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        say(f"deploycheck: {where}{error.strerror or error}", error=True)
        return USAGE_ERROR
    return code


def _parsers() -> tuple[_Parser, Mapping[str, _Parser]]:
    """Return the parser of the whole command line, and that of each command by its name."""
    parser = _Parser(
        prog="deploycheck",
        description="What is around a run of pytest --env=NAME: rules, people, record, rehearsal.",
    )
    version = importlib.metadata.version("pytest-deploycheck")
    parser.add_argument("--version", action="version", version=f"pytest-deploycheck {version}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands = {}
    for command in COMMANDS:
        subparser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        command.define(subparser)
        subparser.set_defaults(run=command.run)
        commands[command.name] = subparser
    return parser, commands
