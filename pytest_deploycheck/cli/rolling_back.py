"""`deploycheck rollback`: the previous release is brought back, verified, and told of."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import shlex
import sys
import time
from typing import Literal

from pytest_deploycheck.cli import facts, notifying, verifying
from pytest_deploycheck.cli.command import Command, say_line
from pytest_deploycheck.cli.deployments import Deployment, add_deployment, deployment_of
from pytest_deploycheck.cli.instruments import sandbox_runs
from pytest_deploycheck.cli.lock import locked
from pytest_deploycheck.cli.rendering import render_deployment
from pytest_deploycheck.clients import plans
from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.clients.helm import Helm
from pytest_deploycheck.config import environment as tables
from pytest_deploycheck.config import is_sandbox, load_table
from pytest_deploycheck.config.drafts import Draft
from pytest_deploycheck.config.problems import shown
from pytest_deploycheck.domain.errors import (
    ConfigError,
    DeploycheckError,
    InstrumentError,
    SubjectError,
)
from pytest_deploycheck.domain.events import RolledBack, RunStarted
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.record import policy_of
from pytest_deploycheck.domain.rollbacks import newest_step
from pytest_deploycheck.domain.units import spoken_duration, spoken_time
from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.plugin.deployment import operator

_USER_AGENT = "deploycheck (rollback)"


class RefusedError(DeploycheckError):
    """The rollback is not run; the message says why, and what would change that."""


def _rollback(given: argparse.Namespace) -> int:
    if given.revision is not None and given.revision < 1:
        found = f"found {given.revision}; expected Helm's number of a revision, at least 1"
        raise ConfigError([f"--revision: {found}"])
    _take_release(given)
    deployment = deployment_of(given)
    draft = deployment.project.draft(deployment.env_option)
    try:
        settings, where = _tables(draft, deployment)
        cluster = Cluster(
            where,
            user_agent=_USER_AGENT,
            release=deployment.release,
            deployed_at_s=deployment.deployed_at_s,
        )
        with contextlib.closing(cluster):
            rollback = Rollback(deployment, draft, settings, where, cluster)
            if given.verify:
                return rollback.verify()
            return rollback.run(
                confirm=given.confirm, revision=given.revision, take_over=given.take_over
            )
    except RefusedError as error:
        _say("refused", str(error))
        return Verdict.HOLD.exit_code
    except (InstrumentError, SubjectError) as error:
        _say("held", str(error))
        return Verdict.HOLD.exit_code


def _tables(draft: Draft, deployment: Deployment) -> tuple[tables.Rollback, tables.Cluster]:
    """Return how the environment wants a release brought back, and where its cluster is.

    Raises:
        RefusedError: It does not want it.
        ConfigError: Anything of it is missing or wrong; its sandbox has ended.
    """
    project = deployment.project
    if "rollback" not in draft.raw:
        raise RefusedError(
            f"{shown(draft.file)}: found no table [rollback]; expected it to say how a release is "
            "brought back: by hand, it is done as you deploy"
        )
    if is_sandbox(draft, project) and not sandbox_runs(os.environ):
        found = f"--env={deployment.env_option}: found no sandbox: it ended with its run"
        raise ConfigError([f"{found}; expected one that stays: deploycheck sandbox start"])
    _, settings = load_table(draft, project, os.environ, "rollback", tables.Rollback)
    _, where = load_table(draft, project, os.environ, "cluster", tables.Cluster)
    return settings, where


class Rollback:
    """One attempt; each of its steps is in the record before the next one begins."""

    def __init__(
        self,
        deployment: Deployment,
        draft: Draft,
        settings: tables.Rollback,
        where: tables.Cluster,
        cluster: Cluster,
    ) -> None:
        """Do nothing yet."""
        self._deployment = deployment
        self._draft = draft
        self._settings = settings
        self._where = where
        self._cluster = cluster
        self._helm = Helm(settings, where)
        self._id = f"R-{secrets.token_hex(4)}"

    def run(self, *, confirm: str | None, revision: int | None, take_over: bool) -> int:
        """Go back, verify, and tell; return the exit code.

        Raises:
            RefusedError: It may not be run.
            InstrumentError: Nobody can say where to go back to, or in which cluster.
            ConfigError: What is confirmed is something else.
        """
        self._refuse_irreversible()
        if revision is None:
            self._refuse_twice()
        plan = plans.plan(self._cluster, self._settings, self._where, revision=revision)
        wanted = f"{self._deployment.environment}/{self._deployment.release}"
        _say("command", plan.command)
        if plan.revision is None:
            raise RefusedError("[cluster] has no helm_release, so run the command above yourself")
        if confirm is None:
            env = self._deployment.env_option
            raise RefusedError(f"to run it: deploycheck rollback --env={env} --confirm {wanted}")
        if confirm != wanted:
            raise ConfigError([f"--confirm: found {confirm!r}; expected {wanted!r}"])
        self._refuse_without_verdict()
        if not self._helm.is_there:
            raise RefusedError("found no helm; run the command above where it is installed")
        lock = self._deployment.folder.parent.parent / "rollback.lock"
        with locked(lock, by=f"{operator()} for {wanted}", take_over=take_over) as held:
            if not self._go_back(plan.revision, held):
                return Verdict.HOLD.exit_code
            # Until then the page of the deployment advises to roll back.
            render_deployment(self._deployment.folder, self._deployment.project)
            return self.verify()

    def verify(self) -> int:
        """Verify the newest rollback of this deployment, and tell of it when that succeeds.

        Raises:
            RefusedError: Nothing was rolled back.
        """
        executed = newest_step(self._deployment.people(), "executed")
        if executed is None:
            raise RefusedError("found no executed rollback of this deployment in its record")
        self._id = executed.id
        wait_s = executed.at_s + self._settings.verify_after_s - time.time()
        if wait_s > 0:
            _say("waits", f"{spoken_duration(wait_s)}, for instruments to have samples")
            time.sleep(wait_s)
        release = self._cluster.release()
        verified = verifying.run_phase(self._deployment, executed, release=release)
        step: Literal["verified", "not_verified"] = "verified" if verified.good else "not_verified"
        self._note(step, executed.revision, verified.detail)
        if verified.good:
            code = self._tell()
        else:
            _say("next", self._verification)
            code = Verdict.HOLD.exit_code
        render_deployment(self._deployment.folder, self._deployment.project)
        return code

    @property
    def _verification(self) -> str:
        return shlex.join(["deploycheck", "rollback", *self._deployment.options, "--verify"])

    def _tell(self) -> int:
        deployment = self._deployment
        _, settings = load_table(
            self._draft, deployment.project, os.environ, "notifications", tables.Notifications
        )
        if not any("rolled-back" in channel.messages for channel in settings.channels.values()):
            _say("note", "no channel takes the message rolled-back: nobody was told")
            return 0
        found = facts.rolled_back(deployment, settings, None)
        return notifying.send(deployment, settings, "rolled-back", found)

    def _go_back(self, revision: int, lock: int) -> bool:
        """Try it, then do it; say whether helm did, and nobody asked us to end meanwhile.

        Args:
            revision: Helm's number of where to go.
            lock: A descriptor that helm keeps: nobody takes over while it runs, whatever becomes
                of us.
        """
        with self._helm.undisturbed():
            self._note("started", revision)
            tried = self._helm.run(revision, dry=True, keep=[lock])
            if not tried.succeeded:
                self._note("failed", revision, f"dry run: {tried}; nothing was changed")
                return False
            self._note("dry_run", revision, tried.output)
            ended = self._helm.run(revision, keep=[lock])
            if not ended.succeeded:
                self._note("failed", revision, f"{ended}; {self._known_state()}")
                return False
            self._note("executed", revision, ended.output)
        if self._helm.interrupted_by:
            _say(
                "held", f"{self._helm.interrupted_by} came; helm ended well, nobody has verified it"
            )
            _say("next", self._verification)
            return False
        return True

    def _known_state(self) -> str:
        """Say what the cluster itself tells, when helm's word is not to be had."""
        if self._helm.interrupted_by:
            return "what runs now only the cluster knows"  # whoever ends us does not wait for it
        try:
            found = "; ".join(str(workload) for workload in self._cluster.workloads())
        except DeploycheckError as error:
            return f"what runs now is unknown: {error}"
        return f"the cluster now has: {found}"

    def _refuse_irreversible(self) -> None:
        release = self._deployment.release
        reason = self._settings.irreversible.get(release)
        if reason is None:
            reason = self._cluster.annotation(self._settings.irreversible_annotation)
        if reason is not None:
            raise RefusedError(
                f"release {release} is marked irreversible: {reason}; expected a way forward, "
                "or the mark to be taken away by whoever set it"
            )

    def _refuse_twice(self) -> None:
        """Refuse when the newest run is of before the rollback: what it found is gone."""
        executed = newest_step(self._deployment.people(), "executed")
        if executed is None:
            return
        runs = [e.at_s for e in self._deployment.events() if isinstance(e, RunStarted)]
        if executed.at_s >= max(runs, default=0.0):
            raise RefusedError(
                f"release {executed.release} was rolled back at {spoken_time(executed.at_s)} "
                f"({executed.id}); expected --verify to look at it once more, or --revision N to "
                "go elsewhere"
            )

    def _refuse_without_verdict(self) -> None:
        """Refuse unless the newest run of this deployment says ROLLBACK, and is fresh."""
        events = self._deployment.events()
        runs = [e for e in events if isinstance(e, RunStarted) and not e.demonstration]
        newest = max(runs, key=lambda event: (event.at_s, event.run), default=None)
        now_s = time.time()
        if newest is None:
            raise RefusedError("found no verdict of this release; expected a fresh ROLLBACK")
        mine = [e.at_s for e in events if getattr(e, "run", None) == newest.run]
        decision = judge(
            self._deployment.project.checklist,
            policy_of(self._deployment.project.policy, newest),
            events,
            max(mine),
            run=newest.run,
        )
        if decision.verdict is not Verdict.ROLLBACK:
            raise RefusedError(
                f"the newest verdict of this release is {decision.verdict} "
                f"({spoken_time(max(mine))}); expected ROLLBACK"
            )
        age_s = now_s - max(mine)
        if age_s > self._settings.fresh_s:
            raise RefusedError(
                f"the verdict ROLLBACK is {spoken_duration(age_s)} old; expected at most "
                f"{spoken_duration(self._settings.fresh_s)}: run the phase again"
            )

    def _note(
        self,
        step: Literal["started", "dry_run", "executed", "failed", "verified", "not_verified"],
        revision: int | str,
        detail: str = "",
    ) -> None:
        """Put a step into the record, then say it."""
        event = RolledBack(
            at_s=time.time(),
            id=self._id,
            step=step,
            release=self._deployment.release,
            revision=str(revision),
            command=self._helm.spoken(revision),
            by=operator(),
            detail=detail,
        )
        self._deployment.write(event, name=f"rollback-{step}")
        _say(step.replace("_", " "), detail or f"{event.command} ({event.id})")


def _take_release(given: argparse.Namespace) -> None:
    """Let `--confirm production/1.4.2` name the release, too."""
    if given.release is None and given.confirm is not None:
        given.release = given.confirm.partition("/")[2] or None


def _say(word: str, text: str) -> None:
    say_line(f"{word}: {text}", longest=2000)
    sys.stdout.flush()


def _define(parser: argparse.ArgumentParser) -> None:
    add_deployment(parser)
    parser.add_argument(
        "--confirm",
        metavar="ENVIRONMENT/RELEASE",
        help="run it; without, it is only printed what would be run",
    )
    parser.add_argument("--revision", type=int, metavar="N", help="Helm's revision to go back to")
    parser.add_argument(
        "--take-over", action="store_true", help="although another rollback never said how it ended"
    )
    parser.add_argument(
        "--verify", action="store_true", help="only verify the newest rollback once more"
    )


COMMANDS = (
    Command(
        name="rollback",
        help="bring the previous release back, after a ROLLBACK verdict, and verify it",
        define=_define,
        run=_rollback,
    ),
)
