"""What goes wrong around a run takes no decision away, and never makes one better."""

from __future__ import annotations

import dataclasses
import logging
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from pytest_deploycheck.cli import main
from pytest_deploycheck.plugin import output
from pytest_deploycheck.plugin.deployment import RunClock
from pytest_deploycheck.report import journal
from tests.plugin.scratch import ERRORS, HEADER, RELEASE, Deploycheck, Run

SINCE: Final = "2026-01-31T12:00:00Z"
FOLDER: Final = f"reports/scratch/{RELEASE}/20260131T120000Z"
BURST: Final = 'assert False, "found 9 %, limit at most 5 %"'


def again(deploycheck: Deploycheck, *args: str) -> Run:
    """A run for the deployment whose record lies in FOLDER."""
    return deploycheck.run(f"--deploycheck-deployed-at={SINCE}", *args)


def reasons_of(run: Run) -> str:
    """All reasons in one text."""
    return "\n".join(reason["text"] for reason in run.verdict["reasons"])


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("people/word.jsonl", '{"event": "attes', "no JSON"),
        ("runs/elsewhere/journal.jsonl", "garbage\n", "no JSON"),
        ("runs/elsewhere/journal.jsonl", "", "empty"),
        ("runs/elsewhere/journal.jsonl", '{"event": "run_started", "sch', "no JSON"),
        (
            "runs/elsewhere/journal.jsonl",
            '{"event": "run_ended", "run": "r", "at_s": 1}\n',
            "found run_ended; expected run_started",
        ),
        ("runs/elsewhere/verdict.json", '{"verdict": "ROLLBACK"}', "found no journal.jsonl"),
    ],
    ids=["word", "garbage", "empty", "torn", "no-start", "no-journal"],
)
@pytest.mark.parametrize(("body", "verdict"), [(BURST, "ROLLBACK"), ("pass", "HOLD")])
def test_what_cannot_be_read_takes_nothing_else_with_it(
    deploycheck: Deploycheck, file: str, content: str, told: str, body: str, verdict: str
) -> None:
    """A file of another job is broken: what this run found is decided, and the file is named."""
    deploycheck.write(f"{FOLDER}/{file}", content)
    deploycheck.check(body, marker=ERRORS)
    run = again(deploycheck)
    assert run.verdict["verdict"] == verdict, run.text
    assert file.rpartition("/")[0] in reasons_of(run)
    assert told in reasons_of(run)


@pytest.mark.parametrize("shared", ["waivers", "baselines"])
def test_what_all_releases_share_and_nobody_can_read_is_told(
    deploycheck: Deploycheck, shared: str
) -> None:
    """An older baseline is not taken in its place in silence; once it is mended, all is well."""
    broken = deploycheck.write(f"reports/scratch/{shared}/new.jsonl", '{"event": "wai')
    deploycheck.check("pass")
    run = again(deploycheck)
    assert run.verdict["verdict"] == "HOLD", run.text
    assert f"{shared}/new.jsonl:1: no JSON" in reasons_of(run)
    broken.unlink()
    assert again(deploycheck).verdict["verdict"] == "PROCEED"


def test_a_link_is_no_run(deploycheck: Deploycheck) -> None:
    """An archive would not hold what it points to."""
    first = again(deploycheck, "-k", "nothing")
    assert first.folder is not None
    (first.folder.parent / "linked").symlink_to(first.folder)
    assert "linked: found a link" in reasons_of(again(deploycheck))


def test_a_run_that_has_not_begun_yet_is_nothing(deploycheck: Deploycheck) -> None:
    """Another job makes its folder before its first check."""
    deploycheck.check("pass")
    (deploycheck.root / FOLDER / "runs" / "beginning").mkdir(parents=True)
    assert again(deploycheck).verdict["verdict"] == "PROCEED"


def test_a_full_disk_takes_no_rollback_away(deploycheck: Deploycheck) -> None:
    """Neither journal nor page can be written, and the exit code says what was found."""
    deploycheck.check(BURST, marker=ERRORS)
    largest = 2500  # bytes: the copies of checklist and policy are smaller, the journal is not

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    done = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-m", "post_5min", "--env=scratch",
            "-p", "no:randomly", "-p", "no:cacheprovider",
            f"--deploycheck-release={RELEASE}", f"--deploycheck-deployed-at={SINCE}",
        ],
        cwd=deploycheck.root, preexec_fn=limit, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 20, done.stdout + done.stderr
    assert "verdict: ROLLBACK (exit 20)" in done.stderr
    assert "the journal could not be written: File too large" in done.stderr
    assert "the report could not be written" in done.stderr
    assert not (deploycheck.root / "reports" / "latest").exists()


def test_advice_that_cannot_be_written_takes_no_rollback_away(deploycheck: Deploycheck) -> None:
    """The command is told all the same, and so is the exit code."""
    environment = deploycheck.root / "suites/environments/scratch.toml"
    environment.write_text(environment.read_text() + "[rollback]\n")
    deploycheck.write(f"{FOLDER}/people", "where the folder should be\n")
    deploycheck.check(BURST, marker=ERRORS)
    run = again(deploycheck)
    assert (run.exit_code, run.verdict["verdict"]) == (20, "ROLLBACK"), run.text
    assert any("rollout history" in command for command in run.verdict["next"])
    assert "the advice could not be recorded: File exists" in run.text


def test_a_message_that_cannot_be_claimed_changes_no_verdict(deploycheck: Deploycheck) -> None:
    """What cannot be written in the record does not leave, and says so; the run is decided."""
    environment = deploycheck.root / "suites/environments/scratch.toml"
    environment.write_text(
        environment.read_text() + '[notifications]\nverdicts = ["PROCEED"]\n'
        '[notifications.channels.log]\nurl_env = "NOWHERE_URL"\nmessages = ["verdict"]\n'
    )
    deploycheck.write("suites/notifications/verdict.txt.j2", "Subject: {{ verdict }}\n\nIt is.\n")
    deploycheck.write(f"{FOLDER}/people", "where the folder should be\n")
    deploycheck.check("pass")
    run = again(deploycheck)
    assert (run.exit_code, run.verdict["exit_code"]) == (0, 0), run.text
    assert "told: nobody: [Errno 17] File exists" in run.text


def test_a_run_that_is_interrupted_after_its_last_check_holds(deploycheck: Deploycheck) -> None:
    """Somebody wanted it to end: who renders it later finds no PROCEED."""
    deploycheck.check("pass")
    deploycheck.write(
        "suites/test_zz.py", f"{HEADER}\n\ndef test_zz():\n    raise KeyboardInterrupt\n"
    )
    run = deploycheck.run(subprocess=True)
    assert (run.exit_code, run.verdict["verdict"]) == (2, "HOLD")
    assert "the run was interrupted: run it again" in reasons_of(run)
    assert "HOLD (exit 2, the verdict's is 11)" in run.text


def test_a_failed_plain_test_is_remembered(
    deploycheck: Deploycheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is rendered again from the journal ends in the same exit code, not in 0."""
    deploycheck.check("pass")
    deploycheck.write("suites/test_plain.py", f"{HEADER}\ndef test_plain():\n    assert 0\n")
    run = deploycheck.run()
    assert (run.exit_code, run.verdict["verdict"]) == (1, "PROCEED")
    assert run.verdict["exit_code"] == 1
    assert run.folder is not None
    monkeypatch.chdir(deploycheck.root)
    assert main(["render", str(run.folder)]) == 1
    assert run.verdict["exit_code"] == 1


@pytest.mark.parametrize(
    "setting", ["python_functions=test_cache test_errors test_security", "python_files=test_o*.py"]
)
def test_a_setting_that_hides_checks_is_told(deploycheck: Deploycheck, setting: str) -> None:
    """What pytest never collected is in no ledger."""
    deploycheck.check("pass")
    run = deploycheck.run("-o", setting)
    assert run.verdict["verdict"] == "HOLD"
    assert f"-o {setting} hides checks" in reasons_of(run)


@pytest.mark.parametrize(
    ("paths", "exit_code"),
    [
        (["suites/test_pods.py", "suites/test_others.py"], 11),
        (["suites"], 0),
        (["."], 0),
        ([], 0),
    ],
    ids=["some-files", "the-suites", "more", "no-path"],
)
def test_a_path_that_hides_checks_is_told(
    deploycheck: Deploycheck, paths: list[str], exit_code: int
) -> None:
    """Every item has an answer, and a file that was left out may have another one."""
    deploycheck.check("pass")
    deploycheck.write(
        "suites/deep/test_more.py",
        f'{HEADER}\n@pytest.mark.check("pod-status")\n'
        f"def test_more():\n    assert {exit_code} == 0\n",
    )
    run = deploycheck.run(*paths)
    assert run.exit_code == exit_code, run.text
    assert ("test_others.py was collected" in reasons_of(run)) == (len(paths) > 1)


def test_a_plugin_that_takes_checks_away_leaves_them_owed(deploycheck: Deploycheck) -> None:
    """Even where its hook comes before everybody else's."""
    deploycheck.check("pass")
    deploycheck.write(
        "suites/deep/conftest.py",
        "import pytest\n@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_collection_modifyitems(items):\n"
        "    items[:] = [item for item in items if 'cache' not in item.name]\n",
    )
    deploycheck.write("suites/deep/test_nothing.py", "")
    run = deploycheck.run()
    assert run.state_of("post_5min/redis-cache") == "NOT_RUN"
    assert run.exit_code == 11


def test_a_misspelt_fixture_is_named(deploycheck: Deploycheck) -> None:
    """The error of pytest says it with an object of ours in brackets."""
    deploycheck.write(
        "suites/test_pods.py",
        f'{HEADER}\n@pytest.mark.check("pod-status")\ndef test_pods(clustr):\n    pass\n',
    )
    assert "INCONCLUSIVE: setup: fixture 'clustr' not found; " in reasons_of(deploycheck.run())


def test_the_reason_of_a_collection_error_is_told(deploycheck: Deploycheck) -> None:
    """In the verdict too, where whoever is woken looks first."""
    deploycheck.write("suites/test_typo.py", "import pytst\n")
    assert "No module named 'pytst'" in reasons_of(deploycheck.run())


def test_events_of_a_time_to_come_are_not_passed_over(deploycheck: Deploycheck) -> None:
    """The clock of another job is an hour ahead: its failure is not simply unknown."""
    deploycheck.check(BURST, marker=ERRORS)
    first = again(deploycheck)
    assert first.folder is not None
    kept = journal.read_journal(first.folder / "journal.jsonl")
    (first.folder / "journal.jsonl").unlink()
    with journal.JournalWriter(first.folder / "journal.jsonl") as writer:
        for event in kept:
            writer.append(dataclasses.replace(event, at_s=event.at_s + 3600))
    deploycheck.check("pass", marker=ERRORS)
    run = again(deploycheck)
    assert run.verdict["verdict"] == "HOLD", run.text
    assert "events dated later than now" in reasons_of(run)


def test_the_clock_of_a_run_goes_on_when_the_systems_is_set(
    deploycheck: Deploycheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Durations are true whoever sets it, and the run says that somebody did."""
    real = time.time
    clock = RunClock()
    monkeypatch.setattr(time, "time", lambda: real() + 100)
    assert abs(clock() - real()) < 5
    assert 95 < clock.drift_s < 105
    monkeypatch.setattr(time, "time", real)
    deploycheck.check("import time; now = time.time; time.time = lambda: now() + 100")
    run = deploycheck.run()
    monkeypatch.setattr(time, "time", real)
    assert run.verdict["verdict"] == "HOLD"
    assert "clock was set by 100 s during the run" in reasons_of(run)


def test_loggers_may_be_made_while_pytest_walks_through_them() -> None:
    """It does so for each test, on its own thread, while checks run on others."""
    with output.routing([], None):
        walk = iter(logging.root.manager.loggerDict.values())
        next(walk)
        logging.getLogger(f"{__name__}.made.meanwhile")
        assert list(walk)


def test_no_journal_is_left_half_written(deploycheck: Deploycheck) -> None:
    """What stands against a run is in its journal from the beginning: a kill does not lose it."""
    deploycheck.check("pass")
    run = deploycheck.run("-o", "python_files=test_*.py")
    assert run.folder is not None
    lines = (run.folder / "journal.jsonl").read_text().splitlines()
    assert [journal.from_line(line).event for line in lines[:2]] == ["run_started", "problem_found"]
    assert Path(run.folder / "verdict.json").is_file()
