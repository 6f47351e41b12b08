"""`deploycheck explain` and `deploycheck why`: the rules, and how they were applied."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from pytest_deploycheck.cli.command import Command, add_config, add_reports, project_of, say
from pytest_deploycheck.domain.decision import CheckResult, Decision, ItemResult
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.near import meant
from pytest_deploycheck.domain.policy import Policy, Trigger
from pytest_deploycheck.domain.reasons import (
    found_against_limit,
    spoken_hold,
    spoken_state,
    words_of,
)
from pytest_deploycheck.domain.units import spoken_duration, spoken_time
from pytest_deploycheck.domain.words import EXIT_CODES, TABLE
from pytest_deploycheck.report.render import decision_of


def _explain(given: argparse.Namespace) -> int:
    if given.environment:
        from pytest_deploycheck.cli import reference  # only who asks for the page pays for it

        print(reference.page())
        return 0
    policy = project_of(given).policy
    print("verdict     exit code")
    for verdict, code in EXIT_CODES.items():
        print(f"{verdict:<11} {code}")
    print("\nEach item gives one verdict, the greatest wins.\n")
    width = max(map(len, TABLE))
    print(f"{'state of the item':<{width}}  in a gate  in any later phase")
    for case, (gate, later) in TABLE.items():
        print(f"{case:<{width}}  {gate:<9}  {later}")
    print("\nTriggers:")
    for trigger in policy.triggers.values():
        print(f"{trigger.id} ({trigger.severity}): {trigger.sentence}; fires {_proof(trigger)}")
    return 0


def _proof(trigger: Trigger) -> str:
    """Say what makes *trigger* fire."""
    hold = f"after {spoken_duration(trigger.hold_s)}" if trigger.hold_s else "at once"
    if trigger.min_bad == 1:
        return f"{hold}, on 1 bad sample"
    apart = spoken_duration(trigger.max_gap_s)
    return f"{hold}, on {trigger.min_bad} bad samples, at most {apart} apart"


def _why(given: argparse.Namespace) -> int:
    project = project_of(given)
    run: Path = given.run_folder or _latest(given.reports)
    decision, policy = decision_of(run, project.checklist, project.policy)
    found = [item for item in decision.items if given.item in (item.item.id, item.item.slug)]
    if not found:
        elsewhere = [i for i in project.checklist.items if given.item in (i.id, i.slug)]
        if elsewhere:
            ran, others = ", ".join(decision.phases), " or ".join(elsewhere[0].phases)
            raise ConfigError(
                [f"{elsewhere[0].id}: {run} is a run of {ran}; expected one of {others}: --run DIR"]
            )
        ids = [item.item.id for item in decision.items]
        slugs = [item.item.slug for item in decision.items]
        hint = meant(given.item, ids) or meant(given.item, slugs) or "; deploycheck items has them"
        raise ConfigError([f"found no item {given.item!r} in {run}{hint}"])
    for item in found:
        for line in _item(item, decision, policy):
            say(line)
    return 0


def _latest(reports: Path) -> Path:
    """Return the folder of the newest run.

    Raises:
        ConfigError: The newest left none, as after a usage error; an older one is named, not taken.
    """
    latest = reports / "latest"
    if latest.exists():
        return latest
    older = max(reports.glob("*/*/*/runs/*"), key=lambda run: run.name, default=None)
    if older is None:
        raise ConfigError([f"{latest}: found nothing; expected a run: pytest -m PHASE --env=NAME"])
    found = "found nothing: the newest run ended before it had a verdict"
    raise ConfigError([f"{latest}: {found}; the one before it is --run={shlex.quote(str(older))}"])


def _item(item: ItemResult, decision: Decision, policy: Policy) -> list[str]:
    lines = [
        f"{item.item.id}: {item.state}, gives {item.verdict}",
        f"  expected: {item.item.title}: {item.item.expectation}",
    ]
    lines += [f"  why: {r.verdict} {r.text}" for r in decision.reasons if r.item == item.item.id]
    lines += [f"  not run: {nodeid}" for nodeid in item.not_run]
    for check in item.checks:
        lines += _check(check, policy)
    return lines


def _check(check: CheckResult, policy: Policy) -> list[str]:
    ended = check.ended
    lines = [f"  check: {ended.nodeid} {ended.outcome} at {spoken_time(ended.at_s)}"]
    lines += [f"    said: {line}" for line in words_of(ended).splitlines()[:6]]
    lines += [f"    measured: {found_against_limit(m)}" for m in ended.measurements]
    trigger = policy.triggers.get(ended.trigger or "")
    if trigger is not None:
        lines.append(
            f"    trigger: {trigger.id} {spoken_state(check)}, "
            f"{spoken_hold(check.held_s, trigger.hold_s)}"
        )
    if len(ended.samples) > 1:
        lines += [f"    sample: {spoken_time(s.at_s)} {s.outcome}" for s in ended.samples[-12:]]
    lines += [f"    asked: {evidence.request}" for evidence in ended.evidence[:12]]
    return lines


def _define_explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--environment", action="store_true", help="print the page about the environment file"
    )
    add_config(parser)


def _define_why(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("item", help="id or slug of an item, for example post_5min/pod-status")
    parser.add_argument(
        "--run", dest="run_folder", type=Path, metavar="DIR",
        help="folder of the run (default: the latest)",
    )  # fmt: skip
    add_config(parser)
    add_reports(parser)


COMMANDS = (
    Command(
        name="explain",
        help="print the verdict table and the triggers, or every key of an environment file",
        define=_define_explain,
        run=_explain,
    ),
    Command(
        name="why",
        help="explain the state of one item in a run",
        define=_define_why,
        run=_why,
    ),
)
