"""A record to run commands on: one release in a rehearsal, with people who may speak."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_deploycheck.cli import main
from pytest_deploycheck.config import load_project
from pytest_deploycheck.domain.events import (
    CheckEnded,
    CheckSample,
    Event,
    PlannedCheck,
    RunEnded,
    RunStarted,
)
from pytest_deploycheck.domain.words import Outcome
from pytest_deploycheck.report import journal, layout

SUITES = Path(__file__).parents[2] / "suites"
RELEASE = "1.4.2"


class Rehearsal:
    """A project's environment `rehearsal`, and the record of one release in it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Write the environment's file; nothing has run yet."""
        self.root = root
        self.deployed_at_s = float(int(time.time()) - 360)
        self.capsys = capsys
        self.environment.write_text('extends = "sandbox"\n')

    def run(self, *words: str, named: bool = True) -> tuple[int, str]:
        """Run a command for this deployment; return its exit code and what it printed."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.deployed_at_s))
        arguments = [
            *words,
            f"--env={self.environment}",
            f"--config={SUITES}",
            f"--reports={self.reports}",
            *([f"--release={RELEASE}", f"--deployed-at={stamp}"] if named else []),
        ]
        self.capsys.readouterr()
        code = main(arguments)
        printed = self.capsys.readouterr()
        return code, printed.out + printed.err

    @property
    def reports(self) -> Path:
        """Where the record is."""
        return self.root / "reports"

    @property
    def folder(self) -> Path:
        """Where the record of the deployment is."""
        return layout.deployment_folder(self.reports, "rehearsal", RELEASE, self.deployed_at_s)

    @property
    def events(self) -> list[Event]:
        """Everything that is recorded."""
        return journal.read_record(self.folder)

    @property
    def environment(self) -> Path:
        """The environment's file."""
        return self.root / "rehearsal.toml"

    def configure(self, text: str) -> None:
        """Add tables to the environment."""
        self.environment.write_text(self.environment.read_text() + text)

    def ran(
        self,
        phase: str,
        outcome: Outcome = Outcome.PASSED,
        *,
        but: Mapping[str, Outcome] | None = None,
        at_s: float | None = None,
        **more: object,
    ) -> None:
        """Record a run of *phase* in which every item ended in *outcome*, *but* those by id.

        It began at *at_s*, or a minute after the deployment; *more* is said of its start.
        """
        project = load_project(SUITES)
        at_s = self.deployed_at_s + 60 if at_s is None else at_s
        run = f"run-{phase}-{time.monotonic_ns()}"
        planned = tuple(
            PlannedCheck(nodeid=f"test::{item.id}", item=item.id, trigger=None)
            for item in project.checklist.of([phase])
        )
        folder = layout.new_run_folder(self.folder, at_s, [phase])
        trigger = "security-issues" if outcome is Outcome.FAILED else None
        fields: dict[str, object] = {
            "run": run,
            "at_s": at_s,
            "environment": "rehearsal",
            "release": RELEASE,
            "deployed_at_s": self.deployed_at_s,
            "phases": (phase,),
            "planned": planned,
            "operator": "somebody",
            "approvers": ("olivia@sandbox", "pavel@sandbox"),
            "checklist_sha256": project.checklist.sha256,
            "policy_sha256": project.policy.sha256,
            **more,
        }
        with journal.JournalWriter(folder / layout.JOURNAL) as writer:
            writer.append(RunStarted(**fields))  # type: ignore[arg-type]  # by name
            for check in planned:
                found = (but or {}).get(check.item, outcome)
                writer.append(
                    CheckEnded(
                        run=run,
                        at_s=at_s + 1,
                        started_at_s=at_s,
                        nodeid=check.nodeid,
                        item=check.item,
                        outcome=found,
                        trigger=trigger,
                        samples=(CheckSample(at_s=at_s, outcome=found),),
                        answered=("api:443",),
                    )
                )
            writer.append(RunEnded(run=run, at_s=at_s + 2))
