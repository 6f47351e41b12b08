"""The checklist document, the policy and the environments, read and checked as one."""

from pytest_deploycheck.config.drafts import read_draft
from pytest_deploycheck.config.environment import Environment
from pytest_deploycheck.config.loading import (
    Project,
    environment_name,
    environment_of,
    is_sandbox,
    load_environment,
    load_project,
    load_table,
    project_folder,
    secret_names,
)
from pytest_deploycheck.config.planned import planned_limits, planned_queries
from pytest_deploycheck.config.policy import approvers_of, phases_for, policy_for, words_of
from pytest_deploycheck.config.weaker import weaker

__all__ = [
    "Environment",
    "Project",
    "approvers_of",
    "environment_name",
    "environment_of",
    "is_sandbox",
    "load_environment",
    "load_project",
    "load_table",
    "phases_for",
    "planned_limits",
    "planned_queries",
    "policy_for",
    "project_folder",
    "read_draft",
    "secret_names",
    "weaker",
    "words_of",
]
