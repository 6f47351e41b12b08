"""What follows from a verdict: the exact command of the rollback, and word to whoever asked."""

from __future__ import annotations

import contextlib
import functools
import shlex
from collections.abc import Iterator
from pathlib import Path

from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.errors import DeploycheckError
from pytest_deploycheck.domain.events import Event, RolledBack
from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.plugin.deployment import Deployment, operator
from pytest_deploycheck.report import journal
from pytest_deploycheck.report.message import message_of
from pytest_deploycheck.report.reasons import told
from pytest_deploycheck.report.verdict import next_commands

_USER_AGENT = "deploycheck (advice)"


def advise(settled: Deployment, at_s: float) -> RolledBack | None:
    """Find out by which command the previous release comes back.

    Where the cluster does not name a good revision, the command is the one that lists them all.

    Returns:
        What is to be recorded; None: the environment does not say how a rollback is done.
    """
    settings = settled.environment.rollback
    if settings is None:
        return None
    from pytest_deploycheck.clients.cluster import Cluster
    from pytest_deploycheck.clients.plans import plan

    where = settled.environment.cluster
    client = Cluster(where, user_agent=_USER_AGENT, release=settled.release)
    try:
        with contextlib.closing(client):
            found = plan(client, settings, where)
        command, detail = found.command, found.target
        revision = "" if found.revision is None else str(found.revision)
    except DeploycheckError as error:
        command, detail = _history(where), f"no good revision is known: {error}"
        revision = ""
    return RolledBack(
        at_s=at_s,
        id=settled.run,
        step="advised",
        release=settled.release,
        revision=revision,
        command=command,
        by=operator(),
        detail=detail,
    )


def _history(where: environment.Cluster) -> str:
    """Return the command that lists every revision there is."""
    if where.helm_release is not None:
        return shlex.join(["helm", "history", where.helm_release, "-n", where.namespace])
    deployments = [one for one in where.workloads if one.kind == "Deployment"]
    names = [f"deployment/{one.name}" for one in deployments if one.released] or ["deployment"]
    return shlex.join(["kubectl", "rollout", "history", *names, "-n", where.namespace])


def tell(settled: Deployment, decision: Decision, report: Path) -> Iterator[str]:
    """Send the verdict where the environment asks for that; yield a line for each channel.

    Nothing that goes wrong here changes the verdict.
    """
    settings = settled.environment.notifications
    if decision.verdict not in settings.verdicts:
        return
    from pytest_deploycheck.clients.channels import Ledger, Letter, deliver

    try:
        message = message_of(
            settled.project.folder / "notifications",
            "verdict",
            {
                "verdict": decision.verdict.value,
                "environment": decision.environment,
                "release": decision.release,
                "phases": ", ".join(decision.phases),
                "deployed_at": decision.deployed_at_s,
                "decided_at": decision.at_s,
                "reasons": [
                    f"{reason.verdict.value} {reason.text}"
                    for reason in told(decision.reasons)[:10]
                ],
                "next": next_commands(decision, invocation=settled.options.invocation)[:3],
                "report": str(report),
            },
            occasion=settled.run,
            time_zone=settings.time_zone,
        )
        letter = Letter(
            kind="verdict",
            id=message.id,
            subject=message.subject,
            body=message.body,
            by=operator(),
            calm=decision.verdict is Verdict.PROCEED,
        )
        ledger = Ledger(
            read=functools.partial(journal.read_people, settled.folder),
            claim=lambda event, name: journal.claim(settled.folder, event, name=name),
            write=functools.partial(_write, settled.folder),
        )
        for delivery in deliver(letter, settings.channels, ledger, timeout_s=settings.timeout_s):
            detail = f": {delivery.detail}" if delivery.detail else ""
            yield f"told: verdict to {delivery.channel} {delivery.state}{detail}"
    except (OSError, DeploycheckError) as error:  # a message that nobody can claim does not leave
        yield f"told: nobody: {error}"


def _write(folder: Path, event: Event, name: str) -> Path:
    return journal.write_people(folder, event, name=name)
