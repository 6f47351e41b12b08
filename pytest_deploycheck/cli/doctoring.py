"""`deploycheck doctor`: whether every check of an environment can fail, and be answered at all.

It says nothing of how well the platform is: that is for the phases.
"""

from __future__ import annotations

import argparse
import os

from pytest_deploycheck.cli.command import Command, say_line
from pytest_deploycheck.cli.deployments import add_environment
from pytest_deploycheck.cli.instruments import place_of
from pytest_deploycheck.cli.probes import asked, probes, unseen
from pytest_deploycheck.config import planned_limits, planned_queries, weaker
from pytest_deploycheck.domain.lint import problems_of
from pytest_deploycheck.plugin.inventory import inventory

_PROBLEMS = 1


def _doctor(given: argparse.Namespace) -> int:
    problems: list[str] = []
    with place_of(given) as place:
        here = place.environment
        draft = place.project.draft(given.env)
        for probe in probes(place, reports=given.reports):
            seen = asked(probe)
            if seen.found:
                say_line(f"{probe.name}: {seen.found}")
            where = (
                f"; see [{probe.table}] in {draft.place(tuple(probe.table.split('.')))}"
                if probe.table
                else ""
            )
            problems += [f"{probe.name}: {problem}{where}" for problem in seen.problems]
        for line in weaker(draft, place.project.policy, os.environ):
            say_line(f"weaker: {line}")
        problems += unseen(here)
        problems += problems_of(
            place.policy,
            named={check.trigger for check in inventory(place.project) if check.trigger},
            queries=planned_queries(here),
            limits=planned_limits(place.policy),
        )
    for problem in problems:
        say_line(f"problem: {problem}")
    count = len(problems)
    print("no verdict: whether the platform is well, the phases say")
    print(f"found {count} problem{'' if count == 1 else 's'} in {here.name}")
    return _PROBLEMS if problems else 0


COMMANDS = (
    Command(
        name="doctor",
        help="find what can never fail or never be answered: policy, queries, instruments",
        define=add_environment,
        run=_doctor,
    ),
)
