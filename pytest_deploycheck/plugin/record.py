"""The controlling process's part: keeps the journal, judges at the end, writes and prints."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

import pytest

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.events import (
    CheckEnded,
    CheckSample,
    CheckSampled,
    Event,
    PlannedCheck,
    ProblemFound,
    RunEnded,
    RunStarted,
)
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.reasons import INTERRUPTED
from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.domain.words import Outcome, Verdict
from pytest_deploycheck.plugin import garbage
from pytest_deploycheck.plugin.checks import EVENT, MISTAKES, PLANNED, planned_from_text
from pytest_deploycheck.plugin.deployment import (
    RUN,
    Deployment,
    later_than_the_rollout,
    operator,
    shown,
)
from pytest_deploycheck.plugin.exit import exit_status, interrupted, narrowing
from pytest_deploycheck.plugin.options import Shard
from pytest_deploycheck.plugin.redaction import redact
from pytest_deploycheck.plugin.rehearsal import (
    adopt_baseline,
    adopt_waivers,
    beside,
    keep_what_is_used,
    rehearse,
)
from pytest_deploycheck.report import journal, layout
from pytest_deploycheck.report.terminal import Line, summary_lines
from pytest_deploycheck.report.text import log_line

_MOST_DRIFT_S: Final = 5.0
"""How far clocks may be apart before what they say is doubted."""


class Worker(Protocol):
    """What we use of xdist's WorkerController, which need not be installed."""

    workerinput: dict[str, object]


class Record:
    """Registered in the controlling process only."""

    def __init__(self, config: pytest.Config, settled: Deployment) -> None:
        """Make the run's folder; the journal begins when the ledger is known."""
        self._settled = settled
        self._config = config
        self._first = not settled.folder.exists()
        """The deployment had no record before this run."""
        self.folder: Path = layout.new_run_folder(
            settled.folder, settled.started_at_s, settled.phases
        )
        keep_what_is_used(settled)
        unread = [*adopt_waivers(settled), *adopt_baseline(settled)]
        rehearse(settled, settled.folder)
        self._journal: journal.JournalWriter | None = None
        self._shard = settled.options.shard or Shard(number=1, count=1, run=settled.run)
        self._planned: tuple[PlannedCheck, ...] | None = None
        self._checks: dict[str, PlannedCheck] = {}
        self._problems: list[str] = [
            *narrowing(config, settled.project.folder),
            *beside(settled),
            *later_than_the_rollout(settled),
            *unread,
        ]
        self._noted: set[str] = set()
        self._unwritten: list[bytes] = []
        """Lines that the journal should have."""
        self._unwritten_why = ""
        self._collection_failed = False
        self._mistakes = ""
        self._plain_failed = False
        self._decision: Decision | None = None
        self._told: list[str] = []
        self.journals: dict[Path, Sequence[Event]] | None = None
        """Of all runs, as they were read for the decision."""
        self.exit_code = 0
        """What the verdict asks for; 0 until the run ends."""
        if config.pluginmanager.hasplugin("html"):
            config.option.htmlpath = str(self.folder / "tests.html")
            config.option.self_contained_html = True

    @property
    def decision(self) -> Decision | None:
        """What was decided; None until the run ends, and when it ends in a usage error."""
        return self._decision

    def check_of(self, nodeid: str) -> PlannedCheck | None:
        """Return the check of a node id, None when it is of none or the ledger is not known."""
        return self._checks.get(nodeid)

    def planned(self, planned: Sequence[PlannedCheck]) -> None:
        """Take the ledger; the first one counts, all processes have the same."""
        if self._planned is None:
            self._planned = tuple(planned)
            self._checks = {check.nodeid: check for check in planned}

    def pytest_runtestloop(self) -> None:
        """Begin the journal before the first check, where the ledger is known by then."""
        if self._planned is not None and self._planned:
            self._begin()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write what a check found as soon as it has ended."""
        planned = getattr(report, PLANNED, None)
        if planned is not None:
            self.planned(planned_from_text(planned))
        event = getattr(report, EVENT, None)
        if event is not None:
            self._begin()
            self._note_line(_as_reported(event, report) if report.failed else event.encode())
        elif report.failed and not self._is_check(report.nodeid):
            self._plain_failed = True

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember that something could not be collected: nobody knows which checks it held."""
        if report.failed:
            self._collection_failed = True
            lines = str(report.longrepr or "").strip().splitlines()
            why = lines[-1].removeprefix("E ").strip() if lines else "no reason was given"
            name = report.nodeid or "the suites"
            self._problems.append(f"{name} could not be collected: {redact(why)}")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Worker) -> None:
        """Tell a worker which run it belongs to."""
        node.workerinput[RUN] = self._settled.run

    @pytest.hookimpl(optionalhook=True)
    def pytest_handlecrashitem(self, crashitem: str) -> None:
        """Remember a check whose worker died."""
        self._problems.append(f"{crashitem}: the worker process crashed while running it")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Worker, error: object) -> None:
        """Remember why a worker ended early, and what mistakes it found."""
        self._mistakes = self._mistakes or str(getattr(node, "workeroutput", {}).get(MISTAKES, ""))
        if error:
            self._problems.append(f"a worker process ended early: {str(error).splitlines()[-1]}")

    @pytest.hookimpl(tryfirst=True)  # pytest-html and the terminal read the exit status after it
    @garbage.none_expected()
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Judge, set the exit code, and write everything."""
        if self._mistakes:
            session.exitstatus = pytest.ExitCode.USAGE_ERROR
        if session.exitstatus == pytest.ExitCode.USAGE_ERROR:
            return
        garbage.look_a_last_time()
        self._begin()
        at_s = self._settled.clock()
        known = self._known(at_s, exitstatus)
        self._decision = self._judge(known, at_s)
        if self._decision.verdict is Verdict.ROLLBACK:
            from pytest_deploycheck.plugin.consequences import advise  # see checks.AT_THE_END

            advised = advise(self._settled, at_s)
            if advised is not None:
                known.append(advised)
                self._keep_advice(advised)
            self._decision = self._judge(known, at_s)
        session.exitstatus = exit_status(
            self._decision, exitstatus, collection_failed=self._collection_failed
        )
        self.exit_code = int(session.exitstatus)
        try:
            self._write(self._decision, known)
        except OSError as error:  # a full disk is what many a deployment dies of
            self._told.append(f"the report could not be written: {error}")
            session.exitstatus = self.exit_code = max(self.exit_code, Verdict.HOLD.exit_code)

    def _known(self, at_s: float, exitstatus: int) -> list[Event]:
        """End the journal, and return everything that is known of the deployment."""
        settled = self._settled
        if interrupted(exitstatus, collection_failed=self._collection_failed):
            self._problems.append(INTERRUPTED)
        if abs(settled.clock.drift_s) > _MOST_DRIFT_S:
            self._problems.append(
                f"the system's clock was set by {settled.clock.drift_s:.0f} s during the run; "
                "what clients compared with it may be wrong: run it again"
            )
        self._note_problems(at_s)
        self._note(
            RunEnded(
                run=settled.run,
                at_s=at_s,
                shard=self._shard.number,
                plain_failed=self._plain_failed,
            )
        )
        self.journals = dict(journal.read_runs(settled.folder))
        people = journal.read_people(settled.folder)
        events = [event for written in self.journals.values() for event in written] + people
        later = [event for event in events if event.at_s > at_s + _MOST_DRIFT_S]
        if later:
            self._problems.append(
                f"the record holds {len(later)} events dated later than now, up to "
                f"{spoken_time(max(event.at_s for event in later))}: the clock of a machine is "
                "wrong, and what they say does not count yet"
            )
        added = self._note_problems(at_s)
        if self._journal is not None:
            with contextlib.suppress(OSError):  # what could not be written has been kept
                self._journal.close()
        lost = [journal.from_line(line.decode()) for line in self._unwritten]
        if lost:
            text = f"the journal could not be written: {self._unwritten_why}; it is not complete"
            lost.append(ProblemFound(run=settled.run, at_s=at_s, text=text))
        added = [*(event for event in added if event not in lost), *lost]
        own = self.folder / layout.JOURNAL
        self.journals[own] = [*self.journals.get(own, ()), *added]
        return [*events, *added]

    def _write(self, decision: Decision, events: Sequence[Event]) -> None:
        """Write what people and machines read of the run, and tell those who asked.

        Raises:
            OSError: It cannot be written.
        """
        from pytest_deploycheck.plugin.consequences import tell  # see checks.AT_THE_END
        from pytest_deploycheck.report import render

        settled = self._settled
        render.write_run(
            self.folder,
            decision,
            events,
            policy=settled.policy,
            invocation=settled.options.invocation,
            exit_code=self.exit_code,
        )
        layout.set_latest(settled.options.reports, self.folder)
        self._told += tell(settled, decision, self.folder / "report.html")

    def _keep_advice(self, advised: Event) -> None:
        """Put the command of the rollback into the record; without it, it is told all the same."""
        try:
            journal.write_people(self._settled.folder, advised, name="rollback-advised")
        except OSError as error:
            self.tell(f"the advice could not be recorded: {error.strerror}")

    def tell(self, text: str) -> None:
        """Have *text* printed below the decision."""
        self._told.append(text)

    def _judge(self, events: Sequence[Event], at_s: float) -> Decision:
        settled = self._settled
        return judge(
            settled.project.checklist,
            settled.policy,
            events,
            at_s,
            phases=settled.phases,
            run=settled.run,
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the decision."""
        for mistake in self._mistakes.splitlines():
            terminalreporter.write_line(f"ERROR: {mistake}", red=True)
        if self._decision is None:
            return
        terminalreporter.section("deploycheck", sep="=")
        for line in self._lines(self._decision):
            terminalreporter.write_line(line.text, **line.markup)
        for told in self._told:
            terminalreporter.write_line(log_line(told))

    def print_decision(self, why: OSError) -> None:
        """Print the decision where pytest's own summary was lost."""
        lines = [] if self._decision is None else self._lines(self._decision)
        for text in [*(line.text for line in lines), *self._told, f"not all was written: {why}"]:
            sys.stderr.write(f"{log_line(text)}\n")

    def _lines(self, decision: Decision) -> list[Line]:
        return summary_lines(
            decision,
            report=Path(shown(self.folder / "report.html", self._config.invocation_params.dir)),
            invocation=self._settled.options.invocation,
            exit_code=self.exit_code,
        )

    def pytest_unconfigure(self) -> None:
        """Leave no trace of a run that ended in a usage error.

        A record without a run would be taken for the newest deployment.
        """
        if self._decision is not None or self._journal is not None:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._first:
            deployment = self._settled.folder
            with contextlib.suppress(OSError):  # somebody else has begun to write there
                (deployment / "runs").rmdir()
                if not (deployment / "people").exists():
                    shutil.rmtree(deployment / "used")
                for folder in (deployment, *deployment.parents[:2]):
                    folder.rmdir()

    def _begin(self) -> None:
        """Begin the journal, with what is known to stand against the run already."""
        if self._journal is not None:
            return
        settled = self._settled
        self._journal = journal.JournalWriter(self.folder / layout.JOURNAL)
        self._note(
            RunStarted(
                run=settled.run,
                at_s=settled.started_at_s,
                environment=settled.environment.name,
                release=settled.release,
                deployed_at_s=settled.deployed_at_s,
                phases=settled.phases,
                planned=self._planned or (),
                checklist_sha256=settled.project.checklist.sha256,
                policy_sha256=settled.policy.sha256,
                environment_sha256=settled.environment_sha256,
                shard=self._shard.number,
                shards=self._shard.count,
                operator=operator(),
                version=importlib.metadata.version("pytest-deploycheck"),
                triggers=tuple(settled.policy.triggers.values()),
                words=tuple(settled.policy.words.values()),
                approvers=tuple(sorted(settled.policy.approvers)),
                times=tuple(settled.policy.phases.values()),
                accepts_demonstrations=settled.policy.accepts_demonstrations,
                weakened=settled.weakened,
            )
        )
        self._note_problems(settled.started_at_s)

    def _note_problems(self, at_s: float) -> list[Event]:
        """Write the problems that are not in the journal yet, and return them."""
        texts = [text for text in dict.fromkeys(self._problems) if text not in self._noted]
        self._noted.update(texts)
        events: list[Event] = [
            ProblemFound(run=self._settled.run, at_s=at_s, text=text) for text in texts
        ]
        for event in events:
            self._note(event)
        return events

    def _note(self, event: Event) -> None:
        self._note_line(journal.to_line(event))

    def _note_line(self, line: bytes) -> None:
        """Write a line of the journal; where that fails, keep it for the decision."""
        if self._journal is None:
            return
        if self._unwritten:  # a journal ends where it could not go on: it has no holes
            self._unwritten.append(line)
            return
        try:
            self._journal.append_line(line)
        except OSError as error:
            self._unwritten.append(line)
            self._unwritten_why = error.strerror or str(error)

    def sampled(self, event: CheckSampled) -> None:
        """Write a sample of a check that goes on; called from any thread."""
        self._note(event)

    def _is_check(self, nodeid: str) -> bool:
        return self.check_of(nodeid) is not None


def _as_reported(line: str, report: pytest.TestReport) -> bytes:
    """Return the event of a check that pytest calls failed; one that passed is INCONCLUSIVE.

    What its own body did not raise came from a thread of it, from a subtest in a later sample, or
    from a plugin that collects what does not hold: somebody found something.
    """
    event = journal.from_line(line)
    if not isinstance(event, CheckEnded) or event.outcome is not Outcome.PASSED:
        return line.encode()
    crash = getattr(report.longrepr, "reprcrash", None)
    why = str(crash.message if crash else report.longrepr or "no reason was given").strip()
    text = redact(f"pytest calls it failed: {why.splitlines()[0]}")
    last = CheckSample(at_s=event.at_s, outcome=Outcome.INCONCLUSIVE, message=text)
    return journal.to_line(
        dataclasses.replace(
            event,
            outcome=last.outcome,
            message=text,
            samples=(*event.samples[:-1], last),
        )
    )
