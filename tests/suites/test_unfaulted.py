"""The healthy platform: no check fails by chance, and every item passes in one verdict."""

from __future__ import annotations

import concurrent.futures
from collections import Counter

import pytest

from pytest_deploycheck.config import load_project
from pytest_deploycheck.domain.items import PHASES, Kind
from tests.suites import matrix

CHECKLIST = load_project(matrix.ROOT / "suites").checklist
RUNS = 20


@pytest.mark.timeout(900)
def test_all_phases_proceed_in_one_verdict(runner: concurrent.futures.Executor) -> None:
    """All 87 boxes and the ten decision points, each with an answer of its own checks."""
    ran = runner.submit(matrix.run, [], PHASES).result()
    assert (ran.exit_code, ran.verdict.get("verdict")) == (0, "PROCEED"), ran.text
    assert ran.verdict["phases"] == list(PHASES)
    assert {row["id"]: row["state"] for row in ran.verdict["items"]} == dict.fromkeys(
        CHECKLIST.by_id, "PASSED"
    )
    kinds = Counter(CHECKLIST.by_id[row["id"]].kind for row in ran.verdict["items"])
    assert kinds[Kind.DECISION_POINT] == 10
    assert kinds.total() == 97
    assert all(row["checks"] for row in ran.verdict["items"])
    assert not ran.verdict["partial"]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("phase", PHASES)
def test_each_phase_proceeds(runner: concurrent.futures.Executor, phase: str) -> None:
    """On its own, as it is run on the day."""
    ran = runner.submit(matrix.run, [], [phase]).result()
    assert (ran.exit_code, ran.verdict.get("verdict")) == (0, "PROCEED"), ran.text
    assert {row["id"] for row in ran.verdict["items"]} == {i.id for i in CHECKLIST.of([phase])}
    assert ran.changed == set()


@pytest.mark.timeout(900)
def test_the_first_phase_proceeds_each_time(runner: concurrent.futures.Executor) -> None:
    """Twenty times, several at a time: a verdict that depends on luck is none."""
    every = [runner.submit(matrix.run, [], ["post_5min"]) for _ in range(RUNS)]
    for ran in (future.result() for future in every):
        assert (ran.exit_code, ran.verdict.get("verdict")) == (0, "PROCEED"), ran.text
        assert ran.changed == set()
