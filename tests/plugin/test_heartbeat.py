"""A run that waits says for what, on a terminal and in a log."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_deploycheck.domain.events import PlannedCheck
from pytest_deploycheck.plugin import heartbeat
from pytest_deploycheck.plugin.execution import Execution, Ground
from pytest_deploycheck.plugin.heartbeat import Heartbeat
from pytest_deploycheck.plugin.overlap import Pool
from tests.plugin.scratch import HEADER, Deploycheck


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What hung bodies wait for, opened at the end."""
    event = threading.Event()
    yield event
    event.set()


def test_it_names_what_runs_and_how_much_is_left(gate: threading.Event) -> None:
    """The longest first; of many, how many more."""
    pool = Pool(5)
    begun = threading.Barrier(6)

    def body() -> None:
        begun.wait()
        gate.wait()

    for n in range(5):
        planned = PlannedCheck(nodeid=f"test_it.py::test_{n}", item="post_5min/it", trigger=None)
        pool.add(Execution(planned, body, None, Ground(run="r", deployed_at_s=0.0, pace=None)))
    begun.wait()
    beat = Heartbeat(pool, None)
    line = beat.line()
    pool.close()
    assert line.startswith("deploycheck: 5 running: test_it.py::test_")
    assert line.endswith("for 0 s, 2 more")


def test_it_names_whose_turn_it_is() -> None:
    """Also where nothing overlaps, and under xdist, where several have their turn."""
    now_s = 100.0
    beat = Heartbeat(None, None, clock=lambda: now_s)
    beat.pytest_runtest_logstart("test_a.py::test_a")
    now_s = 112.0
    beat.pytest_runtest_logstart("test_b.py::test_b")
    assert beat.line() == (
        "deploycheck: 2 running: test_a.py::test_a for 12 s, test_b.py::test_b for 0 s"
    )
    beat.pytest_runtest_logfinish("test_a.py::test_a")
    assert beat.line() == "deploycheck: 1 running: test_b.py::test_b for 0 s"


def test_a_turn_may_end_while_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """It beats on a thread of its own, whose death would fail the test whose turn it is."""

    class Turns(dict[str, float]):
        def items(self) -> Any:  # noqa: ANN401 # a view, as a dict's
            for turn in super().items():
                beat.pytest_runtest_logfinish("test_b.py::test_b")
                yield turn

    beat = Heartbeat(None, None, clock=lambda: 100.0)
    monkeypatch.setattr(beat, "_turns", Turns())
    for nodeid in ("test_a.py::test_a", "test_b.py::test_b"):
        beat.pytest_runtest_logstart(nodeid)
    assert "test_a.py::test_a for 0 s" in beat.line()


def test_a_name_commands_no_ci_runner() -> None:
    """A parameter may come from anywhere; a runner reads the log."""
    beat = Heartbeat(None, None)
    beat.pytest_runtest_logstart("test_a.py::test_a[##[error]x\n::stop-commands::y]")
    assert "##[" not in beat.line()
    assert "\n" not in beat.line()


def test_a_quiet_run_beats(deploycheck: Deploycheck, monkeypatch: pytest.MonkeyPatch) -> None:
    """On standard output, though pytest captures it while a test runs; named with its state."""
    # The run is a process of its own; a plugin makes it less patient.
    assert heartbeat.QUIET_ON_TERMINAL_S < heartbeat.QUIET_IN_LOG_S
    deploycheck.write(
        "hurry.py",
        "from pytest_deploycheck.plugin import heartbeat\nheartbeat.QUIET_IN_LOG_S = 0.2\n",
    )
    monkeypatch.setenv("PYTHONPATH", str(deploycheck.root))
    deploycheck.write(
        "suites/environments/scratch.toml",
        'extends = "base"\ninterval = "50ms"\nsettle = "40ms"\n'
        '[triggers.critical-error-rate]\nhold = "1s"\nmin_bad = 2\n',
    )
    deploycheck.write(
        "suites/test_more.py",
        f"{HEADER}\n"
        '@pytest.mark.check("critical-error-rate", trigger="critical-error-rate")\n'
        "def test_errors(): assert False\n",
    )
    run = deploycheck.run("-p", "hurry", subprocess=True)
    news, *beats = re.findall(r"^deploycheck: .*$", run.text, re.MULTILINE)
    assert news.startswith("deploycheck: critical-error-rate PENDING since "), run.text
    assert "1 failing: suites/test_more.py::test_errors for " in beats[0]
    assert "left; critical-error-rate PENDING since " in beats[0]
