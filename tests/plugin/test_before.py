"""What a run settles before its first check: what to compare with, and that every gate can fail."""

from __future__ import annotations

import time

import pytest

from pytest_deploycheck.domain.events import BaselineRecorded, BaselineValue
from pytest_deploycheck.report import journal, layout
from tests.plugin.scratch import RELEASE, Deploycheck

ASKS = """\
found = baseline.recorded()
assert found is not None, "found no baseline"
assert (found.release, baseline.value("error_ratio").value) == ("1.2.2", 0.01)
assert metrics.before("error_ratio").median == 0.01
"""


def record(
    deploycheck: Deploycheck, release: str, *, ago_s: float, environment: str = "scratch"
) -> None:
    """Record a baseline in the folder of the environment `scratch`."""
    until_s = time.time() - ago_s
    event = BaselineRecorded(
        at_s=until_s,
        environment=environment,
        release=release,
        from_s=until_s - 600,
        until_s=until_s,
        values=(BaselineValue(name="error_ratio", value=0.01, unit="ratio", samples=40),),
    )
    folder = layout.baselines_folder(deploycheck.root / "reports", "scratch")
    journal.write_event(folder, event, name="baseline")


def test_the_baseline_is_taken_into_the_record(deploycheck: Deploycheck) -> None:
    """The newest of another release from before the rollout; the record then stands by itself."""
    record(deploycheck, "1.2.1", ago_s=7200)
    record(deploycheck, "1.2.2", ago_s=3600)
    record(deploycheck, RELEASE, ago_s=1800)
    record(deploycheck, "1.2.4", ago_s=1)
    run = deploycheck.run_check(ASKS, arguments="baseline, metrics")
    assert run.exit_code == 0, run.text
    assert run.folder is not None
    (kept,) = journal.read_people(run.folder.parents[1])
    assert isinstance(kept, BaselineRecorded)
    assert kept.release == "1.2.2"


def test_the_baseline_of_another_environment_is_left_where_it_lies(
    deploycheck: Deploycheck,
) -> None:
    """It was copied with its folder: what was measured there is no reference here."""
    record(deploycheck, "1.2.1", ago_s=3600, environment="staging")
    run = deploycheck.run_check("assert baseline.recorded() is None", arguments="baseline")
    assert run.exit_code == 0, run.text
    assert run.folder is not None
    assert journal.read_people(run.folder.parents[1]) == []


def test_without_a_baseline_prometheus_is_asked(deploycheck: Deploycheck) -> None:
    """It is silent here: no evidence, and nothing that could have "not risen"."""
    run = deploycheck.run_check('metrics.before("error_ratio")', arguments="metrics")
    assert run.verdict["verdict"] == "HOLD"
    assert run.state_of("post_5min/pod-status") == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("text", "args", "message"),
    [
        ("", ["--deploycheck-interval=1s"], "is sampled every 1 s; expected at most its hold"),
        (
            "[limits]\nerror_ratio = -1.0\nsuccess_ratio = 1.0\n",
            [],
            None,
        ),
        (
            '[prometheus.queries.error_ratio]\nwindow = "30s"\nmin_samples = 4\n',
            [],
            "queries.error_ratio: min_samples is 4; expected at most 3",
        ),
        (
            '[prometheus.queries.error_ratio]\ntriggers = { critical-eror-rate = "error_ratio" }\n',
            [],
            "did you mean critical-error-rate?",
        ),
        (
            '[prometheus.queries.error_ratio]\nincreases = { security-issues = "eror_ratio" }\n',
            [],
            "expected a limit of the policy, one of error_ratio",
        ),
    ],
)
def test_a_gate_that_cannot_fail_ends_the_run_before_it_begins(
    deploycheck: Deploycheck, text: str, args: list[str], message: str | None
) -> None:
    """Exit code 4 with what was found and expected; a limit that can be crossed is none."""
    file = deploycheck.root / "suites/environments/scratch.toml"
    file.write_text(file.read_text() + text)
    run = deploycheck.run(*args)
    if message is None:
        assert run.exit_code != 4, run.text
    else:
        assert run.exit_code == 4, run.text
        assert message in run.text
        assert run.folder is None
