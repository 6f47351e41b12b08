"""`deploycheck waive`: a dated exception to an item, granted, taken back, listed."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import secrets
import time
from pathlib import Path

from pytest_deploycheck.cli.command import Command, add_json
from pytest_deploycheck.cli.deployments import (
    Deployment,
    add_deployment,
    deployment_of,
    environment_of,
    required,
)
from pytest_deploycheck.cli.words import add_words, by_words, duration_option, item_of, revoke
from pytest_deploycheck.clients.evidence import redact
from pytest_deploycheck.config import Project, approvers_of, load_table
from pytest_deploycheck.config.environment import Attestations
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.events import Event, Revoked, Waived
from pytest_deploycheck.domain.people import objection_to_approval, waivable
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.units import spoken_duration, spoken_time, unix_seconds
from pytest_deploycheck.plugin.inventory import inventory
from pytest_deploycheck.report.journal import read_events, write_event
from pytest_deploycheck.report.layout import waivers_folder
from pytest_deploycheck.report.text import log_line


def _waive(given: argparse.Namespace) -> int:
    return by_words(given, list_all=_list, take_back=_revoke, add=_grant)


def _grant(given: argparse.Namespace, slug: str) -> int:
    shelf = _shelf(given)
    policy = shelf.policy()
    item = item_of(slug, shelf.project.checklist)
    triggers = [check.trigger for check in inventory(shelf.project) if check.item == item.id]
    now_s = time.time()
    problems = []
    if not waivable(item, triggers=triggers, policy=policy):
        problems.append(f"{item.id}: refused: the policy says that it is never waivable")
    until_s = _until_s(given, now_s)
    if until_s - now_s > policy.max_waiver_life_s:
        problems.append(
            f"--for, --until: found {spoken_duration(until_s - now_s)}; expected at most "
            f"{spoken_duration(policy.max_waiver_life_s)}, as the policy says"
        )
    author = required(given.by, "--by", "who asks for the exception")
    approver = required(given.approver, "--approver", "who grants it")
    objection = objection_to_approval(author, approver, policy)
    if objection is not None:
        problems.append(f"--approver: refused: {objection}")
    waiver = Waived(
        at_s=now_s,
        id=f"W-{secrets.token_hex(4)}",
        item=item.id,
        environment=shelf.environment,
        release=None if shelf.deployment is None else shelf.deployment.release,
        until_s=until_s,
        reason=redact(required(given.reason, "--reason", "why the item may stay as it is")),
        author=author,
        approver=approver,
        ticket=redact(required(given.ticket, "--ticket", "where the exception is followed up")),
    )
    if problems:
        raise ConfigError(problems)
    path = shelf.write(waiver, f"waive-{item.id.replace('/', '-')}", of_any=waiver.release is None)
    scope = "any release" if waiver.release is None else f"release {waiver.release}"
    print(log_line(f"waived: {item.id} for {scope} until {spoken_time(until_s)}, id {waiver.id}"))
    print(f"record: {path}")
    return 0


def _until_s(given: argparse.Namespace, now_s: float) -> float:
    life_s = duration_option("--for", given.life)
    if (life_s is None) == (given.until is None):
        raise ConfigError(["--for, --until: expected one of them: no exception is for ever"])
    if life_s is not None:
        return now_s + life_s
    try:
        until_s = unix_seconds(given.until)
    except ValueError as error:
        raise ConfigError([f"--until: found {given.until!r}; {error}"]) from None
    if until_s <= now_s:
        raise ConfigError([f"--until: found {given.until}, which is over; expected a later time"])
    return until_s


def _revoke(given: argparse.Namespace, event_id: str) -> int:
    shelf = _shelf(given)
    known = shelf.events()
    found = next((e for e in known if isinstance(e, Waived) and e.id == event_id), None)
    if found is None:
        raise ConfigError([f"found no waiver {event_id!r}; deploycheck waive list has them"])
    of_any = found.release is None
    return revoke(
        given,
        event_id,
        known=known,
        write=lambda event, name: shelf.write(event, name, of_any=of_any),
        may={found.author, found.approver},
    )


def _list(given: argparse.Namespace) -> int:
    shelf = _shelf(given)
    events, policy = shelf.events(), shelf.policy()
    taken_back = {event.id for event in events if isinstance(event, Revoked)}
    now_s = time.time()
    rows = [
        {
            **dataclasses.asdict(event),
            "in_force": event.id not in taken_back
            and event.at_s <= now_s < event.until_s
            and objection_to_approval(event.author, event.approver, policy) is None,
        }
        for event in sorted(set(events), key=lambda event: event.at_s)
        if isinstance(event, Waived)
    ]
    if given.json:
        print(json.dumps(rows, indent=1))
        return 0
    for row in rows:
        state = "in force" if row["in_force"] else "not in force"
        until = spoken_time(float(row["until_s"]))
        print(
            log_line(
                f"{row['id']} {row['item']} until {until} ({state}): {row['reason']}; "
                f"{row['author']}, granted by {row['approver']}, {row['ticket']}"
            )
        )
    return 0


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Shelf:
    """Where waivers are: those of any release of the environment, and those of one deployment."""

    project: Project
    env_option: str
    environment: str
    of_any: Path
    deployment: Deployment | None
    """None: only those of any release are meant."""

    def policy(self) -> Policy:
        """Return the policy that knows who may approve a waiver in the environment.

        Raises:
            ConfigError: The environment's [attestations] cannot be used.
        """
        _, table = load_table(
            self.env_option, self.project, os.environ, "attestations", Attestations
        )
        return dataclasses.replace(self.project.policy, approvers=approvers_of(table))

    def events(self) -> list[Event]:
        """Return what is there; the same event may be there twice."""
        shared = read_events(self.of_any)
        return shared if self.deployment is None else [*self.deployment.people(), *shared]

    def write(self, event: Event, name: str, *, of_any: bool) -> Path:
        """Add *event* to the deployment's record, and to what concerns *of_any* release.

        Deployments copy the latter when they run; this one need not run again to know of it.
        """
        paths = []
        if of_any:
            paths.append(write_event(self.of_any, event, name=name))
        if self.deployment is not None:
            paths.append(self.deployment.write(event, name=name))
        return paths[0]


def _shelf(given: argparse.Namespace) -> _Shelf:
    """Find out where the waivers are that the command line is about.

    Raises:
        ConfigError: The environment is not named, nor a deployment where one is needed.
    """
    deployment = None if given.any_release else deployment_of(given)
    env, project, name = environment_of(given)
    return _Shelf(
        project=project,
        env_option=env,
        environment=name,
        of_any=waivers_folder(given.reports, name),
        deployment=deployment,
    )


def _define(parser: argparse.ArgumentParser) -> None:
    add_words(parser, example="deploy/stakeholder-notification")
    add_deployment(parser)
    parser.add_argument(
        "--any-release",
        action="store_true",
        help="not only for --release, until it ends; list, revoke: those of any release",
    )
    parser.add_argument("--for", dest="life", metavar="DURATION", help="how long, for example 72h")
    parser.add_argument("--until", metavar="TIME", help="or its end, ISO 8601 with a zone")
    parser.add_argument("--reason", metavar="TEXT", help="why the item may stay as it is")
    parser.add_argument("--by", metavar="PERSON", help="who asks for it")
    parser.add_argument("--approver", metavar="PERSON", help="who grants it, not the author")
    parser.add_argument("--ticket", metavar="TICKET", help="where it is followed up")
    add_json(parser)


COMMANDS = (
    Command(
        name="waive",
        help="grant a dated exception to an item, take it back, or list all",
        define=_define,
        run=_waive,
    ),
)
