"""The policy run over recorded history, before anybody trusts its limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_deploycheck.cli import main
from tests.cli.rehearsal import Rehearsal


def test_a_quiet_history_fires_nothing(rehearsal: Rehearsal) -> None:
    """Every trigger is named with its samples: silence is not calm."""
    code, text = rehearsal.run("backtest", "--from=30m", named=False)
    assert code == 0, text
    lines = text.splitlines()
    assert len(lines) == 10
    assert all("fired 0, only pending 0" in line for line in lines)


def test_a_tighter_limit_would_have_fired(rehearsal: Rehearsal) -> None:
    """That is what a backtest is for; when, and for how long."""
    rehearsal.configure("[limits]\nerror_ratio_critical = 0.0001\n")
    code, text = rehearsal.run(
        "backtest", "--from=10m", "--trigger=critical-error-rate", "--json", named=False
    )
    assert code == 0, text
    (row,) = json.loads(text)
    (episode,) = row["episodes"]
    assert (row["trigger"], row["hold_s"]) == ("critical-error-rate", 120.0)
    assert row["queries"][0]["limit"] == 0.0001
    assert episode["pending_at"] < episode["fired_at"] < episode["until"]
    assert not episode["told"]  # the data ended, the breach did not


def test_no_data_shows_nothing(rehearsal: Rehearsal) -> None:
    """A trigger over an absent series is not a calm one."""
    rehearsal.configure("[prometheus.queries.error_ratio]\nquery = 'gone_total'\n")
    code, text = rehearsal.run(
        "backtest", "--from=10m", "--trigger=critical-error-rate", named=False
    )
    assert code == 1
    assert "found no sample of error_ratio; that shows nothing" in text


def test_a_policy_that_no_query_judges_shows_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was tested, which is not calm either."""
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    local = tmp_path / "suites/environments/local.toml"
    local.write_text(local.read_text() + '[prometheus]\nurl = "http://127.0.0.1:9"\nqueries = {}\n')
    assert main(["backtest", "--env=local", "--from=10m"]) == 1
    assert "no query tells how long it is breached" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from=10m", "--trigger=critical"], "expected a trigger"),
        (["--from=tomorrow"], "--from: found 'tomorrow'; expected ISO 8601"),
        (["--from=10m", "--to=20m"], "expected two times of the past in order"),
        ([], "--from: found nothing; expected when the history begins"),
    ],
)
def test_what_cannot_be_run_is_refused(
    rehearsal: Rehearsal, words: list[str], message: str
) -> None:
    """Exit code 4, with what would be right."""
    code, text = rehearsal.run("backtest", *words, named=False)
    assert code == 4
    assert message in text
