"""The observation: samples on an interval, ended by the clock or by a rollback trigger."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_deploycheck.domain.durations import Timing
from pytest_deploycheck.domain.events import CheckEnded, CheckSampled, PlannedCheck
from pytest_deploycheck.domain.words import Outcome, Severity, TriggerState
from pytest_deploycheck.plugin.execution import Execution, Ground
from pytest_deploycheck.plugin.watching import News, Watch
from tests.config.scratch import CHECKLIST, POLICY
from tests.domain.builders import ended, error_ratio, samples, trigger
from tests.plugin.scratch import ERRORS, HEADER, RELEASE, Deploycheck

START_S = 1_000_000.0
FLAPS = """\
from pathlib import Path
count = Path("count")
seen = int(count.read_text()) if count.exists() else 0
count.write_text(str(seen + 1))
assert not {bad}, "found 9 %, limit at most 5 %"
"""


@dataclasses.dataclass
class Clock:
    """Walks when it is told to."""

    at_s: float = START_S

    def __call__(self) -> float:
        """Return what it shows."""
        return self.at_s


def watched(bad: str, watch: Watch, clock: Clock, kept: list[CheckSampled]) -> Execution:
    """A check whose nth sample fails where the nth letter of *bad* is an F."""
    letters = iter(bad)

    def body() -> None:
        assert next(letters) != "F", "found bad, expected good"

    ground = Ground(
        run="r", deployed_at_s=0.0, pace=None, clock=clock, watch=watch, sampled=kept.append
    )
    planned = PlannedCheck(nodeid="n", item="rollback/errors", trigger="errors")
    return Execution(planned, body, trigger(hold_s=30.0), ground)


def sample_all(check: Execution, clock: Clock) -> list[float]:
    """Sample *check* whenever it asks for it; return when, in seconds from the start."""
    at_s = []
    due_s: float | None = clock.at_s
    while due_s is not None:
        clock.at_s = due_s
        at_s.append(due_s - START_S)
        due_s = check.step()
    return at_s


def watch_of(*, for_s: float = 60.0, **more: float | dict[str, list[CheckEnded]]) -> Watch:
    """A watch with a sample every 15 s."""
    given: dict[str, Any] = {
        "for_s": for_s, "interval_s": 15.0, "deployed_at_s": 0.0, "earlier": {}
    } | more  # fmt: skip
    return Watch(**given)


def test_a_good_check_is_sampled_on_the_interval_until_the_time_is_over() -> None:
    """The last sample falls on the end; every one before it is written down as it is taken."""
    clock, kept = Clock(), list[CheckSampled]()
    assert sample_all(watched("PPPPPP", watch_of(for_s=50.0), clock, kept), clock) == [
        0.0, 15.0, 30.0, 45.0, 50.0,
    ]  # fmt: skip
    assert [event.at_s - START_S for event in kept] == [0.0, 15.0, 30.0, 45.0]
    assert {event.outcome for event in kept} == {Outcome.PASSED}


def test_a_rollback_trigger_that_fires_ends_the_watch_for_all() -> None:
    """Who waits for a next sample need not; a check sampled after it is not sampled again."""
    clock, watch, called = Clock(), watch_of(for_s=3600.0), list[str]()
    watch.on_over = lambda: called.append("over")
    assert sample_all(watched("PFFFF", watch, clock, []), clock) == [0.0, 15.0, 30.0, 45.0]
    assert called == ["over"]
    assert sample_all(watched("PP", watch, clock, []), clock) == [clock.at_s - START_S]


def test_an_observe_trigger_that_fires_does_not_end_it() -> None:
    """What is only watched is watched to the end."""
    watch = watch_of(for_s=3600.0)
    check = ended("FFFFF", trigger="errors")
    assert watch.next_sample_s(check, trigger(severity=Severity.OBSERVE, hold_s=1.0)) is not None
    assert not watch.over.is_set()


def test_a_watch_goes_on_where_an_earlier_one_was_cut_off() -> None:
    """Bad samples of the earlier run count: the hold is reached before this run alone could."""
    clock = Clock()
    before = ended("FF", nodeid="n", trigger="errors", run="earlier", at_s=START_S - 10)
    before = dataclasses.replace(
        before,
        samples=tuple(
            dataclasses.replace(sample, at_s=START_S - 40 + 15 * n)
            for n, sample in enumerate(samples("FFF"))
        ),
    )
    watch = watch_of(earlier={"n": [before]})
    assert sample_all(watched("FFFF", watch, clock, []), clock) == [0.0]
    assert watch.over.is_set()


def test_it_ends_when_the_earlier_one_would_have_ended() -> None:
    """Half an hour was asked for, not half an hour more for each time that a job was restarted."""
    clock = Clock()
    watch = watch_of(for_s=60.0, begun_s=START_S - 40.0)
    assert sample_all(watched("PPP", watch, clock, []), clock) == [0.0, 15.0, 20.0]


def test_news_are_told_once_for_each_change_of_a_trigger() -> None:
    """A line names trigger, state, since when and what was found; the same state is no news."""
    clock, news, watch = Clock(), News(), watch_of(for_s=3600.0)
    check = watched("PFFP", watch, clock, [])
    told = []
    due_s: float | None = clock.at_s
    for _ in range(4):
        assert due_s is not None
        clock.at_s = due_s
        due_s = check.step()
        assert check.ended is not None
        rule = trigger(hold_s=3600.0)
        news.told(check.ended, rule, watch.timing(check.ended, rule))
        told.append((news.active(), news.lines()))
    assert [len(lines) for _, lines in told] == [0, 1, 0, 1]
    assert told[1][1] == [
        "errors PENDING since 1970-01-12 13:46:55Z, for 0 s (hold 60m): found bad, expected good"
    ]
    assert told[2][0].endswith(", for 15 s (hold 60m)")
    assert told[3] == ("", ["errors INACTIVE: PASSED"])


def test_news_tell_what_was_measured_and_what_nobody_could_look_at() -> None:
    """Python's words are not told; a trigger whose instrument fell silent is not INACTIVE."""
    news, rule = News(), trigger(hold_s=3600.0)
    bad = ended("F", measurements=(error_ratio("F"),), message="assert 0.1 <= 0.05")
    gone = ended("I", message="Prometheus: no answer")
    for check, state in ((bad, TriggerState.PENDING), (gone, TriggerState.INACTIVE)):
        since_s = START_S if state is TriggerState.PENDING else None
        news.told(check, rule, Timing(state=state, cases=(), since_s=since_s))
    pending, unknown = news.lines()
    assert pending.startswith("errors PENDING since 1970-01-12 13:46:40Z, for 0 s (hold 60m): ")
    assert pending.endswith(": error_ratio 10 %, limit at most 5 %")
    assert unknown == "errors unknown: Prometheus: no answer"


def test_a_watched_run_samples_what_is_good(deploycheck: Deploycheck) -> None:
    """From the command line to the verdict: several samples, PROCEED, and what was seen."""
    run = deploycheck.run_check(
        FLAPS.format(bad="False"),
        "--deploycheck-watch=300ms",
        "--deploycheck-interval=50ms",
        marker=ERRORS,
    )
    assert run.verdict["verdict"] == "PROCEED", run.text
    assert int((deploycheck.root / "count").read_text()) >= 4


def test_a_watched_run_ends_early_in_rollback(deploycheck: Deploycheck) -> None:
    """An hour was asked for; the trigger fires after its hold, and the run ends."""
    run = deploycheck.run_check(
        FLAPS.format(bad="seen >= 2"),
        "--deploycheck-watch=1h",
        "--deploycheck-interval=50ms",
        marker=ERRORS,
    )
    assert (run.exit_code, run.verdict["verdict"]) == (20, "ROLLBACK"), run.text
    fired = next(t for t in run.verdict["triggers"] if t["id"] == "critical-error-rate")
    states = [span["state"] for span in fired["timeline"]]
    assert states == ["INACTIVE", "PENDING", "FIRING"]
    assert fired["timeline"][0]["from"].endswith("Z")


def test_a_watch_that_was_killed_goes_on_in_the_next(deploycheck: Deploycheck) -> None:
    """Its samples were on the disk; the first of the next run fires what had lasted already."""
    deploycheck.check('assert False, "found 9 %, limit at most 5 %"', marker=ERRORS)
    watch = ["--deploycheck-watch=1h", "--deploycheck-deployed-at=2026-01-31T12:00:00Z"]
    hold = '[triggers.critical-error-rate]\nhold = "{}"\nmin_bad = 3\n'
    file = "suites/environments/scratch.toml"
    deploycheck.write(file, 'extends = "base"\ninterval = "20ms"\n' + hold.format("1h"))
    command = [sys.executable, "-m", "pytest", "-m", "post_5min", "--env=scratch", *watch]
    with subprocess.Popen(
        [*command, f"--deploycheck-release={RELEASE}"],
        cwd=deploycheck.root,
        stdout=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None and len(kept_samples(deploycheck.root)) < 10:
            process.poll()
        process.kill()
    before = len(kept_samples(deploycheck.root))
    deploycheck.write(file, 'extends = "base"\ninterval = "20ms"\n' + hold.format("100ms"))
    run = deploycheck.run(*watch)
    assert run.verdict["verdict"] == "ROLLBACK", run.text
    fired = next(t for t in run.verdict["triggers"] if t["id"] == "critical-error-rate")
    assert fired["held_s"] >= 0.18
    assert len(kept_samples(deploycheck.root)) == before


def kept_samples(root: Path) -> list[str]:
    """The lines of all journals that are bad samples of checks that went on."""
    lines = [
        line
        for file in root.glob("reports/*/*/*/runs/*/journal.jsonl")
        for line in file.read_text().splitlines()
    ]
    return [line for line in lines if '"check_sampled"' in line and '"FAILED"' in line]


def test_a_watch_is_refused_however_xdist_was_asked_for(deploycheck: Deploycheck) -> None:
    """Without -n too: in its processes nothing would be sampled twice."""
    run = deploycheck.run("--deploycheck-watch=1h", "--tx=2*popen", "--dist=load")
    assert run.exit_code == 4
    assert "found --deploycheck-watch with xdist" in run.text


@pytest.mark.parametrize("other", ["--deploycheck-no-wait", "--deploycheck-concurrency=1", "--pdb"])
def test_a_watch_that_could_not_be_kept_is_refused(deploycheck: Deploycheck, other: str) -> None:
    """Better no run than one that seems to have watched."""
    run = deploycheck.run("--deploycheck-watch=1h", other)
    assert run.exit_code == 4
    assert f"found --deploycheck-watch with {other}" in run.text
    assert run.folder is None


def test_a_watch_of_nothing_is_refused(deploycheck: Deploycheck) -> None:
    """A checklist without decision points has no trigger, and nothing would be sampled twice."""
    deploycheck.write("suites/checklist.md", CHECKLIST.partition("## Rollback")[0])
    before, _, after = POLICY.partition("[triggers.critical-error-rate]")
    deploycheck.write(
        "suites/deploycheck.toml", f"{before}[limits]{after.partition('[limits]')[2]}"
    )
    deploycheck.write("suites/environments/scratch.toml", 'extends = "base"\n')
    deploycheck.write(
        "suites/test_others.py",
        f'{HEADER}\n@pytest.mark.check("redis-cache")\ndef test_cache():\n    pass\n',
    )
    deploycheck.check("pass")
    assert deploycheck.run().exit_code == 0
    run = deploycheck.run("--deploycheck-watch=1h")
    assert run.exit_code == 4, run.text
    assert "found --deploycheck-watch, and no trigger in the policy" in run.text
