"""A gate that cannot fail is found before anybody trusts it, everything at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_deploycheck.cli import main
from tests.cli.rehearsal import Rehearsal


def test_the_shipped_sandbox_is_sound(rehearsal: Rehearsal) -> None:
    """Every trigger has its check, every query its series, every instrument answers."""
    code, text = rehearsal.run("doctor", named=False)
    assert code == 0, text
    assert "cluster: runs release 1.4.2" in text
    assert text.rstrip().endswith("found 0 problems in rehearsal")


def test_all_that_cannot_fail_is_said_at_once(rehearsal: Rehearsal) -> None:
    """A silent instrument, an absent series, a window too short, a limit out of reach."""
    rehearsal.configure(
        "[grafana]\nurl = 'http://127.0.0.1:1'\n"
        "[prometheus.queries.error_ratio]\nwindow = '1m'\nmin_samples = 4\n"
        "[prometheus.queries.gone]\nquery = 'gone_total'\n"
        "unit = '1'\nworse = 'above'\nwindow = '5m'\n"
        "[limits]\nuptime_ratio = 1.0\ncache_hit_drop_ratio = 0.0\n"
        "[triggers.error-rate]\nmax_gap = '5s'\n"
    )
    code, text = rehearsal.run("doctor", named=False)
    assert code == 1, text
    problems = [line for line in text.splitlines() if line.startswith("problem: ")]
    for expected in (
        "problem: grafana: ",
        "problem: queries.gone: gone_total never existed in Prometheus",
        "problem: queries.error_ratio: window is 60 s; expected at least the hold of",
        "problem: queries.error_ratio: step is 15 s; expected at most max_gap of error-rate, 5 s",
    ):
        assert any(line.startswith(expected) for line in problems), (expected, text)


def test_what_an_environment_weakens_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is allowed, so it is no problem; but nobody has to compare files to see it."""
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    local = tmp_path / "suites/environments/local.toml"
    local.write_text(local.read_text() + "endpoints.health.expect_status = [200, 202]\n")
    main(["doctor", "--env=local"])
    printed = capsys.readouterr().out
    expected = "weaker: api.endpoints.health.expect_status: adds 202 (differs from base)"
    assert expected in printed.splitlines()
    assert f"problem: {expected}" not in printed
    assert "rollback: no way back is configured: [rollback] in local.toml" in printed
