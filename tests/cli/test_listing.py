"""`deploycheck faults`: what can be broken, and who must react to it."""

from __future__ import annotations

import json

import pytest

from pytest_deploycheck import sandbox
from pytest_deploycheck.cli import main


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[dict[str, object]]:
    """What the command lists."""
    assert main(["faults", "--json", *words]) == 0
    found: list[dict[str, object]] = json.loads(capsys.readouterr().out)
    return found


def test_every_fault_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a word none is left out."""
    assert [row["name"] for row in listed(capsys)] == [fault.name for fault in sandbox.faults()]


@pytest.mark.parametrize(
    ("word", "name", "other"),
    [
        ("post_5min/redis-cache", "cache-password-wrong", "error-burst"),
        ("redis-cache", "cache-password-wrong", "error-burst"),
        ("critical-error-rate", "error-burst", "redis-empty"),
        ("pre_deploy", "no-way-back", "error-burst"),
    ],
)
def test_faults_are_found_by_who_reacts(
    capsys: pytest.CaptureFixture[str], word: str, name: str, other: str
) -> None:
    """An item by its id or slug, a trigger, or a phase: whoever rehearses one wants no others."""
    names = [row["name"] for row in listed(capsys, word)]
    assert (name in names, other in names) == (True, False)


def test_a_fault_is_found_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Before it is switched on somebody asks what it breaks, and it is proposed when misspelt."""
    assert [row["name"] for row in listed(capsys, "prometheus-down")] == ["prometheus-down"]
    assert main(["faults", "prometheus-dwon"]) == 4
    assert "did you mean prometheus-down" in capsys.readouterr().err


def test_a_word_that_nothing_reacts_by_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty list would say that nothing can break it."""
    assert main(["faults", "post_5min/redis-cash"]) == 4
    assert "did you mean post_5min/redis-cache" in capsys.readouterr().err
