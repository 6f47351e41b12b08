"""What the lint has to know of an environment: its queries, and the values its limits can meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pytest_deploycheck.config.environment import Environment
from pytest_deploycheck.domain.lint import (
    PlannedLimit,
    PlannedQuery,
    is_of_events,
)
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.ranges import longest_range_s

#: Parts of the names of ratios that may exceed 1: they are no share of anything.
_UNBOUND: Final = frozenset({"increase", "growth", "spread", "volume", "headroom"})
#: Parts of the names of limits on what may be negative.
_SIGNED: Final = frozenset({"score", "growth", "increase", "rise"})


def planned_queries(environment: Environment) -> Iterator[PlannedQuery]:
    """Yield the queries as they will be asked."""
    for name, query in environment.queries.items():
        yield PlannedQuery(
            name=name,
            window_s=query.window_s,
            step_s=query.step_s,
            min_samples=query.min_samples,
            max_age_s=query.max_age_s,
            averaged_s=longest_range_s(query.query),
            # Of growth, the confirmation tells how long it has lasted.
            triggers=(*query.triggers, *query.increases),
            thin=query.traffic is None and is_of_events(query.query),
        )


def planned_limits(policy: Policy) -> Iterator[PlannedLimit]:
    """Yield the limits as the environment has them, with the bounds that their names tell."""
    for name, value in policy.limits.items():
        parts = frozenset(name.split("_"))
        yield PlannedLimit(
            name=name,
            value=value,
            worse=value.worse,
            lowest=None if parts & _SIGNED else 0.0,
            highest=1.0 if "ratio" in parts and not parts & _UNBOUND else None,
        )
