"""From files to one project and one environment, with every problem of them at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from pytest_deploycheck.config.checklist import Document, read_checklist
from pytest_deploycheck.config.drafts import Draft, Named, environments_in, read_draft
from pytest_deploycheck.config.environment import Environment
from pytest_deploycheck.config.hollow import hollow
from pytest_deploycheck.config.policy import read_policy
from pytest_deploycheck.config.problems import problems_of, shown
from pytest_deploycheck.config.references import halves, mismatches
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.items import Checklist
from pytest_deploycheck.domain.policy import Policy

_FOR_COMMANDS: Final = ("notifications", "rollback")
"""Tables whose secrets no check needs: who only looks must not be able to change or to tell."""

T = TypeVar("T", bound=BaseModel)

_POLICY: Final = "deploycheck.toml"
_CHECKLIST: Final = "checklist.md"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Project:
    """The checklist and the policy of one folder; its environments are read one at a time."""

    folder: Path
    """Where checklist.md, deploycheck.toml and environments/ are."""
    document: Document
    policy: Policy
    """Before an environment sets anything otherwise: see `policy_for`."""

    @property
    def checklist(self) -> Checklist:
        """The items of the document."""
        return self.document.checklist

    @property
    def files(self) -> tuple[str, ...]:
        """The names of the files that a verdict is computed with."""
        return (_CHECKLIST, _POLICY)

    @property
    def environments(self) -> tuple[str, ...]:
        """The names that `--env` takes."""
        return environments_in(self.folder / "environments")

    def draft(self, name_or_path: Named) -> Draft:
        """Read an environment as it is written, with all that it extends.

        Raises:
            ConfigError: A file is missing, is not TOML, or extends itself.
        """
        return read_draft(name_or_path, self.folder / "environments")


def project_folder(root: Path) -> Path:
    """Return the folder with the checklist and the policy.

    Args:
        root: deploycheck.toml itself, the folder that holds it, or the one whose `suites` does.

    Raises:
        ConfigError: None of them has a policy.
    """
    places = [root.parent] if root.name == _POLICY else [root, root / "suites"]
    folder = next((place for place in places if (place / _POLICY).is_file()), None)
    if folder is None:
        expected = f"the folder that holds {_POLICY} and {_CHECKLIST}"
        help_ = "DEPLOYCHECK_CONFIG names another, deploycheck init writes one"
        raise ConfigError([f"{shown(root)}: found no {_POLICY}; expected {expected}: {help_}"])
    return folder


def load_project(root: Path) -> Project:
    """Read the checklist and the policy.

    Args:
        root: As for `project_folder`.

    Raises:
        ConfigError: Anything is missing or wrong; it has all problems of both.
    """
    folder = project_folder(root)
    document, problems = read_checklist(folder / _CHECKLIST)
    if not document.checklist.items:
        raise ConfigError(problems)  # the policy would be held against nothing
    policy, more = read_policy(folder / _POLICY, document, shown(folder / _CHECKLIST))
    if policy is None or problems:
        raise ConfigError([*problems, *more])
    return Project(folder=folder, document=document, policy=policy)


def is_sandbox(name_or_path: Named, project: Project) -> bool:
    """Say whether the environment wants the embedded platform started before it is loaded.

    Raises:
        ConfigError: The environment, or a file that it extends, cannot be read.
    """
    return project.draft(name_or_path).is_rehearsal


def load_environment(
    name_or_path: Named, project: Project, variables: Mapping[str, str]
) -> Environment:
    """Read one environment, with all that it extends.

    Args:
        name_or_path: A name in the project's `environments`, or the path of a file anywhere; or
            what `Project.draft` has read of it.
        project: What the environment is checked against.
        variables: The environment variables: each `${NAME}` is replaced, secrets stay in them.

    Raises:
        ConfigError: Anything is missing or wrong; it has all problems.
    """
    return environment_of(project.draft(name_or_path), project, variables)


def environment_of(
    draft: Draft, project: Project | None, variables: Mapping[str, str]
) -> Environment:
    """Return the environment that *draft* is, as `load_environment` does.

    Without a *project*, which cannot be used itself, only what the environment says of itself is
    checked: its problems are told with those of the project.

    Raises:
        ConfigError: Anything is missing or wrong; it has all problems.
    """
    filled, unset = draft.filled(variables)
    problems = [*draft.missing(variables, besides=_FOR_COMMANDS), *halves(draft)]
    if project is not None:
        problems += mismatches(draft, project.checklist, project.policy, project.environments)
    try:
        environment = Environment.model_validate({"name": draft.file.stem, **filled})
    except ValidationError as error:
        problems += problems_of(
            error, model=Environment, raw=draft.raw, place=draft.place, skip=unset
        )
        raise ConfigError(problems) from None  # its text would print what was rejected
    problems += hollow(environment, draft)
    if problems:
        raise ConfigError(problems)
    return environment


def load_table(
    name_or_path: Named,
    project: Project,
    variables: Mapping[str, str],
    key: str,
    model: type[T],
) -> tuple[str, T]:
    """Read one table of an environment, for a command that needs nothing else of it.

    Nobody who signs a release needs the variables with the passwords of its database.

    Args:
        name_or_path: As for `load_environment`.
        project: What the environment is checked against.
        variables: The environment variables.
        key: The table's name.
        model: What it should be.

    Returns:
        The environment's name, and the table.

    Raises:
        ConfigError: Anything of the table is missing or wrong; it has all problems.
    """
    whole = project.draft(name_or_path)
    if key not in whole.raw and any(field.is_required() for field in model.model_fields.values()):
        raise ConfigError([f"{shown(whole.file)}: found no [{key}]; expected what is asked there"])
    rehearses = {"sandbox": whole.raw["sandbox"]} if "sandbox" in whole.raw else {}
    draft = dataclasses.replace(whole, raw={key: whole.raw.get(key, {}), **rehearses})
    filled, _ = draft.filled(variables)
    problems = [
        *draft.missing(variables),
        *mismatches(draft, project.checklist, project.policy, project.environments),
    ]
    try:
        table = model.model_validate(filled[key])
    except ValidationError as error:
        problems += [
            f"{draft.file.stem}: {key}: {problem}"
            for problem in problems_of(
                error, model=model, raw=draft.raw[key], place=lambda _: shown(draft.file)
            )
        ]
        raise ConfigError(problems) from None
    if problems:
        raise ConfigError(problems)
    return draft.file.stem, table


def environment_name(name_or_path: Named, project: Project) -> str:
    """Return the name of the environment that `--env` names by its name or its file.

    Raises:
        ConfigError: There is no such environment.
    """
    return project.draft(name_or_path).file.stem


def secret_names(name_or_path: Named, project: Project) -> tuple[str, ...]:
    """Return the names of all variables that hold secrets of an environment, set or not.

    A user's name is none: redacting it would blacken every word that it is part of.

    Raises:
        ConfigError: The environment, or a file that it extends, cannot be read.
    """
    draft = project.draft(name_or_path)
    return tuple(draft.secret_names())
