"""`deploycheck explain`, `why`, as a stranger reads them."""

from __future__ import annotations

import pytest

from pytest_deploycheck.cli import main
from pytest_deploycheck.domain.policy import Limit
from pytest_deploycheck.plugin.fixtures import Limits
from tests.cli.rehearsal import SUITES, Rehearsal


def test_why_of_an_item_of_another_phase_names_the_phase(
    rehearsal: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    """The item exists: to propose another one would mislead."""
    rehearsal.ran("post_5min")
    (run,) = (rehearsal.folder / "runs").iterdir()
    code = main(["why", "post_15min/api-response-time", f"--run={run}", f"--config={SUITES}"])
    printed = capsys.readouterr().err
    assert (code, "is a run of post_5min; expected one of post_15min" in printed) == (4, True)
    assert "did you mean" not in printed


def test_why_without_a_newest_run_says_what_to_do(
    rehearsal: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    """A usage error removes `latest`; the run before it is named, and not taken unasked."""
    asked = ["why", "post_5min/pod-status", f"--config={SUITES}", f"--reports={rehearsal.reports}"]
    assert main(asked) == 4
    assert "latest: found nothing; expected a run: pytest -m PHASE" in capsys.readouterr().err
    rehearsal.ran("post_5min")
    (rehearsal.reports / "latest").unlink(missing_ok=True)
    (run,) = (rehearsal.folder / "runs").iterdir()
    assert main(asked) == 4
    assert capsys.readouterr().err.endswith(f"the one before it is --run={run}\n")


def test_a_trigger_without_a_hold_fires_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither after 0 ms, nor on samples some time apart when one is enough."""
    assert main(["explain", f"--config={SUITES}"]) == 0
    printed = capsys.readouterr().out
    assert "Any security control failure; fires at once, on 1 bad sample\n" in printed
    assert "fires after 2m, on 2 bad samples, at most 60 s apart" in printed


def test_limits_are_named_in_a_failed_assertion() -> None:
    """`where 0.05 = limits.error_ratio`, without the address of an object."""
    assert repr(Limits({"error_ratio": Limit(0.05, worse="above")})) == "limits"
