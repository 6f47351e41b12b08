"""Many processes write to one deployment's record, and die at any time; nothing is lost."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import pytest

from pytest_deploycheck.cli import main
from pytest_deploycheck.config import load_project
from pytest_deploycheck.domain.events import Attested, CheckEnded, Event, RunStarted
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.domain.words import Outcome
from pytest_deploycheck.report import journal, layout

SUITES: Final = Path(__file__).parents[2] / "suites"
AT_S: Final = 1_750_000_000.0
PROCESSES: Final = 20
ACTIONS: Final = 200
CHECKS: Final = 30
FORK: Final = multiprocessing.get_context("fork")


def run(folder: Path, name: str, acknowledge: Connection) -> None:
    """Write a run's journal, and acknowledge each check that is in it."""
    started = RunStarted(
        run=name,
        at_s=AT_S,
        environment="rehearsal",
        release="1.4.2",
        deployed_at_s=AT_S,
        phases=("post_5min",),
        planned=(),
    )
    with journal.JournalWriter(
        layout.new_run_folder(folder, AT_S, ["post_5min"]) / layout.JOURNAL
    ) as writer:
        writer.append(started)
        for number in range(CHECKS):
            ended = CheckEnded(
                run=name,
                at_s=AT_S + number,
                started_at_s=AT_S,
                nodeid=f"{name}::{number}",
                item="post_5min/pod-status",
                outcome=Outcome.PASSED,
                message="x" * 5000,
            )
            writer.append(ended)
            acknowledge.send(ended.nodeid)


def attest(folder: Path, name: str, acknowledge: Connection) -> None:
    """Attest by the command, and acknowledge what it says that it has written."""
    environment = folder.parents[3] / "rehearsal.toml"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = main(
            [
                "attest", "sign_off/operations-lead", f"--env={environment}",
                f"--config={SUITES}", f"--reports={folder.parents[2]}", "--release=1.4.2",
                "--by=olivia@sandbox", f"--statement={name}",
            ]
        )  # fmt: skip
    assert code == 0
    acknowledge.send(name)


def start(
    work: Callable[[Path, str, Connection], None], folder: Path, name: str
) -> tuple[BaseProcess, Connection]:
    """Begin a piece of work in a process of its own."""
    here, there = FORK.Pipe(duplex=False)
    process = FORK.Process(target=work, args=(folder, name, there))
    process.start()
    there.close()
    return process, here


def heard(connection: Connection) -> list[str]:
    """Return what was acknowledged, also by a process that is dead."""
    found = []
    with contextlib.suppress(EOFError, OSError):
        while True:
            found.append(connection.recv())
    return found


def marks(events: list[Event]) -> set[str]:
    """Return what of the record would have been acknowledged."""
    checks = {event.nodeid for event in events if isinstance(event, CheckEnded)}
    return checks | {event.statement for event in events if isinstance(event, Attested)}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_nothing_acknowledged_is_lost_and_the_record_is_always_readable(tmp_path: Path) -> None:
    """200 runs and commands from 20 processes at a time, a third of them killed at random."""
    folder = layout.deployment_folder(tmp_path / "reports", "rehearsal", "1.4.2", AT_S)
    (tmp_path / "rehearsal.toml").write_text('extends = "sandbox"\n')
    process, acknowledged = start(run, folder, "first")
    process.join()
    expected = set(heard(acknowledged))
    dice = random.Random(11)  # noqa: S311 - the same each time
    begun = iter(range(ACTIONS))
    lock, killed, reads = threading.Lock(), [0], [0]
    done = threading.Event()

    def lane() -> None:
        while True:
            with lock:
                number = next(begun, None)
                dies, after_s = dice.random() < 0.4, dice.random() * 0.3
            if number is None:
                return
            work = attest if number % 2 else run
            process, connection = start(work, folder, f"action-{number}")
            if dies:
                process.join(after_s)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid or 0, signal.SIGKILL)
            found = heard(connection)
            process.join()
            with lock:
                expected.update(found)
                killed[0] += process.exitcode == -signal.SIGKILL

    def read() -> None:
        while not done.wait(0.01):
            journal.read_record(folder)
            reads[0] += 1

    reader = threading.Thread(target=read)
    reader.start()
    lanes = [threading.Thread(target=lane) for _ in range(PROCESSES)]
    for thread in lanes:
        thread.start()
    for thread in lanes:
        thread.join()
    done.set()
    reader.join()
    events = journal.read_record(folder)
    assert expected <= marks(events)
    assert reads[0] > 5
    assert killed[0] > 20, "found too few processes killed for this to prove anything"
    project = load_project(SUITES)
    assert judge(project.checklist, project.policy, events, AT_S + 900).items
