"""`deploycheck notify`: the checklist's messages, once for each occasion and channel."""

from __future__ import annotations

import argparse
import os
import time

from pytest_deploycheck.cli import facts
from pytest_deploycheck.cli.command import Command, say_line
from pytest_deploycheck.cli.deployments import Deployment, add_deployment, deployment_of
from pytest_deploycheck.clients.channels import Delivery, Ledger, Letter, deliver
from pytest_deploycheck.clients.evidence import redact
from pytest_deploycheck.config import load_table
from pytest_deploycheck.config.environment import Notifications
from pytest_deploycheck.domain.events import Event
from pytest_deploycheck.domain.promises import promises
from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.plugin.deployment import operator
from pytest_deploycheck.report import journal
from pytest_deploycheck.report.message import message_of
from pytest_deploycheck.report.text import for_log, log_line

_KINDS = ("scheduled", "completed", "rolled-back", "update")


def _notify(given: argparse.Namespace) -> int:
    deployment = deployment_of(given, new=given.kind == "scheduled")
    if given.kind == "due":
        return _due(deployment)
    _, settings = load_table(
        deployment.env_option, deployment.project, os.environ, "notifications", Notifications
    )
    try:
        found = facts.of(given.kind, deployment, settings, given)
    except facts.NotSoError as error:
        say_line(f"refused: {error}", longest=2000)
        return Verdict.HOLD.exit_code
    return send(deployment, settings, given.kind, found, again=given.again, dry_run=given.dry_run)


def send(
    deployment: Deployment,
    settings: Notifications,
    kind: str,
    found: facts.Found,
    *,
    again: bool = False,
    dry_run: bool = False,
) -> int:
    """Fill the template of *kind*, send it and say what became of it on each channel.

    Raises:
        ConfigError: The template, apprise or a channel is missing.
    """
    message = message_of(
        deployment.project.folder / "notifications",
        kind,
        found.facts,
        occasion=found.occasion,
        time_zone=settings.time_zone,
    )
    if dry_run:
        print(for_log(redact(f"Subject: {message.subject}\n\n{message.body}")))
        return 0
    letter = Letter(
        kind=kind,
        id=message.id,
        subject=redact(message.subject),
        body=redact(message.body),
        by=operator(),
        changes=tuple(redact(change) for change in found.changes),
        promised_by_s=found.promised_by_s,
    )
    deliveries = deliver(
        letter,
        settings.channels,
        ledger_of(deployment),
        again=again,
        timeout_s=settings.timeout_s,
    )
    for delivery in deliveries:
        print(log_line(_spoken(kind, delivery)))
    for note in found.notes:
        print(log_line(f"note: {note}"))
    arrived = all(delivery.arrived for delivery in deliveries)
    return 0 if arrived else Verdict.HOLD.exit_code


def ledger_of(deployment: Deployment) -> Ledger:
    """Return the record of *deployment*, as messages need it."""

    def claim(event: Event, name: str) -> bool:
        return journal.claim(deployment.folder, event, name=name)

    def write(event: Event, name: str) -> object:
        return deployment.write(event, name=name)

    return Ledger(read=deployment.people, claim=claim, write=write)


def _due(deployment: Deployment) -> int:
    """Say which promised news are still missing."""
    now_s = time.time()
    made = promises(deployment.people())
    for promise in made:
        print(log_line(f"{'overdue' if promise.overdue(now_s) else 'promise'}: {promise}"))
    if not made:
        print(f"nothing was promised until {spoken_time(now_s)}")
    kept = all(promise.kept_at_s is not None for promise in made)
    return 0 if kept else Verdict.HOLD.exit_code


def _spoken(kind: str, delivery: Delivery) -> str:
    detail = f": {delivery.detail}" if delivery.detail else ""
    return f"{delivery.state}: {kind} to {delivery.channel}{detail}"


def _define(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=(*_KINDS, "due"), help="the message; due: what is promised")
    add_deployment(parser)
    parser.add_argument(
        "--change",
        action="append",
        default=[],
        metavar="TEXT",
        help="what the deployment brings, a line of the message; repeatable",
    )
    parser.add_argument(
        "--cause", metavar="TEXT", help="why it was rolled back (default: as the verdict says)"
    )
    parser.add_argument("--news", metavar="TEXT", help="what the update says")
    parser.add_argument("--dry-run", action="store_true", help="print the message, send nothing")
    parser.add_argument(
        "--again",
        action="store_true",
        help="send also where a job claimed it and never said what became of it",
    )


COMMANDS = (
    Command(
        name="notify",
        help="send one of the checklist's messages, once to each channel",
        define=_define,
        run=_notify,
    ),
)
