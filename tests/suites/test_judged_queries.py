"""What the environment says of which query judges which trigger is what the suites do.

`deploycheck backtest` and `deploycheck doctor` go by the environment, a run by the suites.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_deploycheck.config import load_project
from pytest_deploycheck.domain.events import CheckEnded, Measurement
from pytest_deploycheck.report import journal

ROOT: Final = Path(__file__).parents[2]
LIMITS: Final = load_project(ROOT / "suites").policy.limits
QUERIES: Final[dict[str, dict[str, Any]]] = tomllib.loads(
    (ROOT / "suites/environments/base.toml").read_text(encoding="utf-8")
)["prometheus"]["queries"]
KINDS: Final = ("triggers", "increases", "growths")


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Measurement]]:
    """Each trigger of the observation, which has all of them, with what its checks judged."""
    reports = tmp_path_factory.mktemp("reports")
    command = [sys.executable, "-m", "pytest", "-q", "-m", "observe_30min", "--env=sandbox"]
    subprocess.run([*command, f"--deploycheck-reports={reports}"], cwd=ROOT, check=True)
    (file,) = reports.glob("sandbox/*/*/runs/*/journal.jsonl")
    return [
        (event.trigger, measurement)
        for event in journal.read_journal(file)
        if isinstance(event, CheckEnded) and event.trigger
        for measurement in event.measurements
    ]


def test_every_history_that_is_judged_is_in_the_environment(
    judged: list[tuple[str, Measurement]],
) -> None:
    """Else its limit could not be tuned before it is trusted."""
    histories = [(trigger, found) for trigger, found in judged if found.history is not None]
    assert len(histories) >= 8
    for trigger, found in histories:
        kind = "triggers" if found.query in [q["query"] for q in QUERIES.values()] else "increases"
        limits = [
            LIMITS[query[kind][trigger]]
            for query in QUERIES.values()
            if query["query"] in found.query and trigger in query.get(kind, {})
        ]
        assert limits == [found.limit], (trigger, found.name, kind)


def test_everything_in_the_environment_is_judged(judged: list[tuple[str, Measurement]]) -> None:
    """A line that no check keeps would be tuned for nothing."""
    found = {(trigger, measurement.limit) for trigger, measurement in judged}
    said = {
        (trigger, LIMITS[limit])
        for query in QUERIES.values()
        for kind in KINDS
        for trigger, limit in query.get(kind, {}).items()
    }
    assert said <= found
