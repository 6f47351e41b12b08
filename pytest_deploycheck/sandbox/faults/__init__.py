"""What can be broken in the sandbox, one thing at a time."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.near import meant
from pytest_deploycheck.sandbox.faults import (  # each registers its faults as it is imported
    application,
    day,
    deploy,
    instruments,
    monitoring,
    observation,
    people,
    post_15min,
    post_30min,
    pre_deploy,
    reachability,
    security,
    signals,
    staging,
    stores,
    workloads,
)
from pytest_deploycheck.sandbox.faults.fault import FAULTS, Fault

__all__ = [
    "FAULTS",
    "Fault",
    "application",
    "day",
    "deploy",
    "find",
    "instruments",
    "monitoring",
    "observation",
    "people",
    "post_15min",
    "post_30min",
    "pre_deploy",
    "reachability",
    "security",
    "signals",
    "staging",
    "stores",
    "workloads",
]


def find(names: Sequence[str]) -> list[Fault]:
    """Return the faults of these names.

    Raises:
        ConfigError: One or more names are unknown; every one is told with its near misses.
    """
    known = {fault.name: fault for fault in FAULTS}
    problems = []
    for name in names:
        if name not in known:
            hint = meant(name, known) or "; `deploycheck faults` lists them"
            problems.append(f"fault {name!r}: the sandbox has none of this name{hint}")
    if problems:
        raise ConfigError(problems)
    return [known[name] for name in names]
