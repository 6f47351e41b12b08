"""An environment with its clients, for commands that ask its instruments outside of a run."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
from collections.abc import Iterator, Mapping

from pytest_deploycheck.cli.command import project_of
from pytest_deploycheck.cli.deployments import named_environment
from pytest_deploycheck.clients.evidence import register_secrets
from pytest_deploycheck.config import (
    Environment,
    Project,
    is_sandbox,
    load_environment,
    policy_for,
    secret_names,
)
from pytest_deploycheck.domain.policy import Policy

_RUNNING = "DEPLOYCHECK_SANDBOX_API_URL"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """What is asked, and by which rules."""

    project: Project
    environment: Environment
    policy: Policy
    """As the environment has it."""


@contextlib.contextmanager
def place_of(given: argparse.Namespace) -> Iterator[Place]:
    """Load the environment that the command line names; a sandbox runs until the block ends.

    Raises:
        ConfigError: It is not named, or cannot be used.
    """
    project = project_of(given)
    env = named_environment(given, project)
    with contextlib.ExitStack() as stack:
        variables = dict(os.environ)
        if is_sandbox(env, project) and not sandbox_runs(variables):
            from pytest_deploycheck import sandbox  # only who rehearses pays for it

            variables |= stack.enter_context(sandbox.start()).variables
            before = dict(os.environ)
            os.environ.update(variables)  # clients read their secrets there
            stack.callback(_restore, before)
        environment = load_environment(env, project, variables)
        register_secrets(secret_names(env, project), variables)
        yield Place(
            project=project,
            environment=environment,
            policy=policy_for(project.policy, environment),
        )


def sandbox_runs(variables: Mapping[str, str]) -> bool:
    """Say whether the environment variables are those of a sandbox that runs already."""
    return _RUNNING in variables


def _restore(before: dict[str, str]) -> None:
    for name in set(os.environ) - set(before):
        del os.environ[name]
    os.environ.update(before)
