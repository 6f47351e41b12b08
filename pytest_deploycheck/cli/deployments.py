"""Which deployment a command is about, and where its record is."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import os
from collections.abc import Iterator
from pathlib import Path

from pytest_deploycheck.cli.command import add_config, add_reports, project_of
from pytest_deploycheck.clients.evidence import register_secrets
from pytest_deploycheck.config import Project, environment_name, secret_names
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.events import Event
from pytest_deploycheck.domain.invocation import Invocation
from pytest_deploycheck.domain.units import unix_seconds
from pytest_deploycheck.report import journal, layout
from pytest_deploycheck.report.verdict import iso


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployment:
    """One release in one environment, and its record."""

    project: Project
    invocation: Invocation
    environment: str
    release: str
    deployed_at_s: float
    folder: Path

    def events(self) -> list[Event]:
        """Return every event of the record.

        Raises:
            JournalError: A journal is broken, or there is none.
        """
        return journal.read_record(self.folder)

    def people(self) -> list[Event]:
        """Return what people did; nothing when nobody has done anything.

        Raises:
            JournalError: A journal is broken.
        """
        return journal.read_people(self.folder)

    def write(self, event: Event, *, name: str) -> Path:
        """Add *event* to the record; it is on the disk when this returns."""
        return journal.write_people(self.folder, event, name=name)

    @property
    def env_option(self) -> str:
        """What was given as `--env`."""
        return self.invocation.env

    @property
    def options(self) -> tuple[str, ...]:
        """The options that name this deployment, for a command to be run next."""
        at = datetime.datetime.fromtimestamp(self.deployed_at_s, datetime.UTC)
        return (
            self.invocation.env_option(self.environment),
            *self.invocation.folders(),
            f"--release={self.release}",
            f"--deployed-at={at:%Y-%m-%dT%H:%M:%SZ}",
        )


def add_deployment(parser: argparse.ArgumentParser) -> None:
    """Let the user say which deployment is meant."""
    add_environment(parser)
    parser.add_argument(
        "--release",
        default=os.environ.get("DEPLOYCHECK_RELEASE"),
        metavar="RELEASE",
        help="release that is deployed (DEPLOYCHECK_RELEASE)",
    )
    parser.add_argument(
        "--deployed-at",
        default=os.environ.get("DEPLOYCHECK_DEPLOYED_AT"),
        metavar="TIME",
        help="start of its rollout, ISO 8601 with a zone (default: of the newest in the record)",
    )


def add_environment(parser: argparse.ArgumentParser) -> None:
    """Let the user say which environment is meant, and where project and record are."""
    parser.add_argument(
        "--env",
        default=os.environ.get("DEPLOYCHECK_ENV"),
        metavar="NAME",
        help="environment: a name or the path of a file (DEPLOYCHECK_ENV)",
    )
    add_config(parser)
    add_reports(parser)


def deployment_of(given: argparse.Namespace, *, new: bool = False) -> Deployment:
    """Find the deployment that the command line names, and learn which texts are secrets.

    Args:
        given: With what `add_deployment` defines.
        new: The record may not have it yet; then the time of its rollout must be given.

    Raises:
        ConfigError: It is not named, or the record does not have it.
    """
    env, project, name = environment_of(given)
    release = required(given.release, "--release", _known(given.reports, name))
    deployed_at_s = _time(given.deployed_at)
    folder = _folder(given.reports, name, release, deployed_at_s)
    if folder is None:
        if not new:
            times = [
                iso(stamp_s(folder.name))
                for folder in _deployments(given.reports, name)
                if folder.parent.name == layout.component(release)
            ]
            if times:
                found = (
                    f"{given.deployed_at}, when the record has no rollout of {release} in {name}"
                )
                expected = f"expected one of {', '.join(sorted(times))}"
                raise ConfigError([f"--deployed-at: found {found}; {expected}"])
            known = _known(given.reports, name)
            when = f" deployed at {given.deployed_at}" if given.deployed_at else ""
            found = f"{release!r}{when}, of which {given.reports} has no record in {name}"
            raise ConfigError([f"--release: found {found}; expected {known}"])
        if deployed_at_s is None:
            raise ConfigError(
                ["--deployed-at: found nothing; expected when the rollout is to begin"]
            )
        folder = layout.deployment_folder(given.reports, name, release, deployed_at_s)
    return Deployment(
        project=project,
        invocation=Invocation(
            env=env,
            config="" if given.config == Path("suites") else str(given.config),
            reports="" if given.reports == Path("reports") else str(given.reports),
        ),
        environment=name,
        release=release,
        deployed_at_s=deployed_at_s if deployed_at_s is not None else stamp_s(folder.name),
        folder=folder,
    )


def environment_of(given: argparse.Namespace) -> tuple[str, Project, str]:
    """Find the environment that the command line names, and learn which texts are secrets.

    Returns:
        What was given as `--env`, the project, and the environment's name.

    Raises:
        ConfigError: It is not named, or there is none of that name.
    """
    project = project_of(given)
    env = named_environment(given, project)
    register_secrets(secret_names(env, project), os.environ)
    return env, project, environment_name(env, project)


def named_environment(given: argparse.Namespace, project: Project) -> str:
    """Return what was given as `--env`: a name, or the path of a file.

    Raises:
        ConfigError: Nothing was.
    """
    return required(given.env, "--env", f"one of {', '.join(project.environments)}")


def required(found: str | None, option: str, expected: str) -> str:
    """Return what was given for *option*.

    Raises:
        ConfigError: Nothing was.
    """
    if not found:
        raise ConfigError([f"{option}: found nothing; expected {expected}"])
    return found


def stamp_s(text: str) -> float:
    """Return the time that a folder is named after, in Unix seconds."""
    when = datetime.datetime.strptime(text, layout.STAMP).replace(tzinfo=datetime.UTC)
    return when.timestamp()


def _folder(
    reports: Path, environment: str, release: str, deployed_at_s: float | None
) -> Path | None:
    """Return the folder of the record, the newest where no time is given; None: there is none."""
    if deployed_at_s is not None:
        folder = layout.deployment_folder(reports, environment, release, deployed_at_s)
        return folder if folder.is_dir() else None
    parent = reports / layout.component(environment) / layout.component(release)
    found = [folder for folder in parent.glob("*/") if layout.is_stamp(folder.name)]
    return max(found, key=lambda folder: folder.name, default=None)


def _known(reports: Path, environment: str) -> str:
    names = sorted({folder.parent.name for folder in _deployments(reports, environment)})
    if not names:
        return "a release; the record has none yet: run pytest, or deploycheck notify scheduled"
    return f"one of {', '.join(names)}"


def _deployments(reports: Path, environment: str) -> Iterator[Path]:
    for folder in (reports / layout.component(environment)).glob("*/*/"):
        if layout.is_stamp(folder.name):
            yield folder


def _time(text: str | None) -> float | None:
    if not text:
        return None
    try:
        return unix_seconds(text)
    except ValueError as error:
        raise ConfigError([f"--deployed-at: found {text!r}; {error}"]) from None
