"""What the lint is told of an environment."""

from __future__ import annotations

import pytest

from pytest_deploycheck.config import load_project, planned_limits, planned_queries, policy_for
from tests.config.scratch import Scratch


def test_a_query_is_planned_as_it_is_asked(scratch: Scratch) -> None:
    """Its window, its step, how far it averages, and whom it judges."""
    scratch.add(
        "environments/live.toml",
        "[prometheus.queries.error_ratio]\nquery = 'rate(errors[2m])'\nstep = '10s'\n"
        "triggers = { critical-error-rate = 'error_ratio' }\n"
        "growths = { security-issues = 'error_ratio' }\n",
    )
    (planned,) = planned_queries(scratch.environment())
    assert (planned.window_s, planned.step_s, planned.averaged_s) == (600.0, 10.0, 120.0)
    assert planned.triggers == ("critical-error-rate",)  # growth has no history of its own


@pytest.mark.parametrize(
    ("name", "lowest", "highest"),
    [
        ("error_ratio", 0.0, 1.0),
        ("latency_increase_ratio", None, None),
        ("volume_ratio", 0.0, None),
        ("error_ratio_rise", None, 1.0),
        ("drift_score", None, None),
        ("latency_s", 0.0, None),
    ],
)
def test_the_name_of_a_limit_tells_its_bounds(
    scratch: Scratch, name: str, lowest: float | None, highest: float | None
) -> None:
    """A share lies between 0 and 1, an increase anywhere, a duration from 0 on."""
    scratch.add("deploycheck.toml", f'{name}_x = {{ value = 0.5, worse = "above" }}\n')
    project = load_project(scratch.root)
    policy = policy_for(project.policy, scratch.environment())
    found = {limit.name: limit for limit in planned_limits(policy)}
    assert (found[f"{name}_x"].lowest, found[f"{name}_x"].highest) == (lowest, highest)


@pytest.mark.parametrize(("stricter", "clear"), [(0.045, 0.04), (0.04, 0.04), (0.03, None)])
def test_a_stricter_limit_clears_no_later_than_itself(
    scratch: Scratch, stricter: float, clear: float | None
) -> None:
    """Where the policy lets a breach go on until 4 %, a limit of 3 % ends it at 3 %."""
    scratch.replace(
        "deploycheck.toml",
        'value = 0.05, worse = "above"',
        'value = 0.05, worse = "above", clear = 0.04',
    )
    scratch.add("environments/live.toml", f"[limits]\nerror_ratio = {stricter}\n")
    project = load_project(scratch.root)
    limit = policy_for(project.policy, scratch.environment()).limits["error_ratio"]
    assert (limit, limit.clear) == (stricter, clear)
    assert project.policy.limits["error_ratio"].clear == 0.04
