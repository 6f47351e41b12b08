"""The command line: every option is also an environment variable `DEPLOYCHECK_…`."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from pytest_deploycheck.domain.invocation import Invocation

GROUP = "deploycheck"
_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shard:
    """Which share of the checks is run here; other machines run the rest."""

    number: int
    """From 1 to *count*."""
    count: int
    run: str
    """What all shards call the run."""

    @classmethod
    def of(cls, text: str) -> Shard:
        """Read `2/4@nightly-17`.

        Raises:
            ValueError: It is written otherwise.
        """
        found = re.fullmatch(r"(\d{1,4})/(\d{1,4})@([\w.-]+)", text, re.ASCII)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise ValueError("expected NUMBER/COUNT@RUN, for example 2/4@nightly-17")
        return cls(number=int(found[1]), count=int(found[2]), run=found[3])


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What the user asked for, checked."""

    env: str
    """Name of an environment or path of its file."""
    release: str | None
    """None: read from the cluster."""
    deployed_at_s: float | None
    """Start of the rollout, Unix seconds; None: read from the cluster."""
    config: Path | None
    """Folder with checklist.md, deploycheck.toml and environments/; None: `suites`."""
    reports: Path
    concurrency: int
    no_wait: bool
    watch_s: float | None
    interval_s: float | None
    faults: tuple[str, ...]
    shard: Shard | None
    """None: every check is run here."""
    invocation: Invocation


def define(parser: pytest.Parser) -> None:
    """Define every option but `--env`."""
    group = parser.getgroup(GROUP, "deployment verification (pytest-deploycheck)")

    def add(name: str, help_: str, **attributes: str) -> None:
        group.addoption(
            f"--deploycheck-{name}",
            dest=f"deploycheck_{name.replace('-', '_')}",
            default=None,
            help=f"{help_} ({variable(name)})",
            **attributes,
        )

    add("env", "environment to verify: a name or the path of a file; also --env", metavar="NAME")
    add("release", "release to verify (default: read from the cluster)", metavar="RELEASE")
    add(
        "deployed-at",
        "start of the rollout, ISO 8601 with a zone (default: read from the cluster)",
        metavar="TIME",
    )
    add("config", "folder with checklist, policy and environments (default: suites)", metavar="DIR")
    add("reports", "folder of the record and its reports (default: reports)", metavar="DIR")
    add("concurrency", "checks that run side by side (default: 32; 1: one by one)", metavar="N")
    add("no-wait", "do not sample failing checks again", action="store_true")
    add("watch", "observe for so long, for example 30m", metavar="DURATION")
    add("interval", "sample failing or watched checks so often", metavar="DURATION")
    add(
        "shard",
        "run one of COUNT shares of the checks; deploycheck render judges all of RUN",
        metavar="NUMBER/COUNT@RUN",
    )
    add("fault", "break this in the sandbox; repeatable", metavar="NAME", action="append")


def define_env(parser: pytest.Parser) -> None:
    """Define `--env`.

    Raises:
        ValueError: or argparse.ArgumentError: Somebody else has defined it.
    """
    parser.getgroup(GROUP).addoption(
        "--env", dest="deploycheck_short_env", default=None, metavar="NAME",
        help="environment to verify: a name or the path of a file",
    )  # fmt: skip


def path_after_blank(config: pytest.Config, args: Sequence[str]) -> str | None:
    """Return what is behind `--env` and a blank where it is the path of something that exists.

    pytest does not know the option yet, and takes the word for one of the paths whose conftests it
    is about to read. One that does not exist is a name: it is taken out, or the conftests of
    `testpaths` would not be read.
    """
    paths = config.known_args_namespace.file_or_dir
    for option, word in itertools.pairwise(args):
        if option == "--env" and word in paths:
            if (config.invocation_params.dir / word).exists():
                return word
            paths.remove(word)
    return None


def variable(name: str) -> str:
    """Return the environment variable of an option: `deployed-at` → `DEPLOYCHECK_DEPLOYED_AT`."""
    return f"DEPLOYCHECK_{name.replace('-', '_').upper()}"


def environment_name(config: pytest.Config, variables: Mapping[str, str]) -> str | None:
    """Return what was given as environment, None when the plugin stays asleep."""
    given = (
        config.getoption("deploycheck_env", None)
        or config.getoption("deploycheck_short_env", None)
        or variables.get(variable("env"))
    )
    return str(given) if given else None


def is_named(known: argparse.Namespace, args: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Say whether an environment is given, before *args* can be parsed: one may be a mistake."""
    return bool(
        getattr(known, "deploycheck_env", None)
        or variables.get(variable("env"))
        or any(arg == "--env" or arg.startswith("--env=") for arg in args)
    )


def reports(config: pytest.Config, known: argparse.Namespace, variables: Mapping[str, str]) -> Path:
    """Return the folder of the record and its reports."""
    given = getattr(known, "deploycheck_reports", None)
    given = variables.get(variable("reports")) if given is None else given
    return config.invocation_params.dir / given if given else config.rootpath / "reports"


def read(config: pytest.Config, variables: Mapping[str, str]) -> tuple[Options, list[str]]:
    """Check all options at once.

    Returns:
        The options, with the default in the place of each that cannot be used; and a line for each
        of those.
    """
    # Asleep, nobody reads.
    from pytest_deploycheck.domain.invocation import Invocation
    from pytest_deploycheck.domain.units import duration_s, unix_seconds

    problems: list[str] = []

    def given_as(name: str) -> str:
        given = config.getoption(f"deploycheck_{name}", None)
        return str(given or variables.get(variable(name)) or "")

    def take(name: str, parse: Callable[[str], _T], default: _T) -> _T:
        given = config.getoption(f"deploycheck_{name.replace('-', '_')}", None)
        origin = f"--deploycheck-{name}"
        if given is None:
            given, origin = variables.get(variable(name)), variable(name)
        if given in (None, ""):
            return default
        try:
            return parse(str(given))
        except ValueError as error:
            problems.append(f"{origin}: found {given!r}; {error}")
            return default

    faults = config.getoption("deploycheck_fault", None)
    env = environment_name(config, variables) or ""
    options = Options(
        env=env,
        release=take("release", str, None),
        deployed_at_s=take("deployed-at", unix_seconds, None),
        config=take("config", lambda text: config.invocation_params.dir / text, None),
        reports=reports(config, config.option, variables),
        concurrency=take("concurrency", _count, 32),
        no_wait=take("no-wait", _flag, default=False),
        watch_s=take("watch", duration_s, None),
        interval_s=take("interval", duration_s, None),
        shard=take("shard", Shard.of, None),
        faults=tuple(faults or _words(variables.get(variable("fault"), ""))),
        invocation=Invocation(env=env, config=given_as("config"), reports=given_as("reports")),
    )
    return options, problems


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError("expected a whole number, at least 1")
    return int(text)


def _flag(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in words:
        raise ValueError(f"expected one of {', '.join(words)}")
    return words[text.lower()]


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()
