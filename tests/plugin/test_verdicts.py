"""What a run decides: evidence proceeds, nothing else does."""

from __future__ import annotations

import html
import time

import pytest

from pytest_deploycheck.cli import main
from pytest_deploycheck.domain.events import Waived
from pytest_deploycheck.report import journal, layout
from tests.plugin.scratch import ERRORS, HEADER, Deploycheck

PODS = "post_5min/pod-status"


@pytest.mark.parametrize("args", [(), ("-n1",)], ids=["one-process", "xdist"])
def test_positive_evidence_for_every_item_proceeds(
    deploycheck: Deploycheck, args: tuple[str, ...]
) -> None:
    """Every item passed: PROCEED, exit 0, and a report that says so."""
    run = deploycheck.run_check("pass", *args)
    assert (run.verdict["verdict"], run.exit_code) == ("PROCEED", 0)
    assert {row["state"] for row in run.verdict["items"]} == {"PASSED"}
    assert run.folder is not None
    assert (run.folder / "report.html").is_file()


def test_what_the_environment_weakens_stands_beside_the_verdict(deploycheck: Deploycheck) -> None:
    """In the terminal, on the pages, and in the journal, from which they can be made again."""
    run = deploycheck.run_check("pass")
    line = "settle: found 40ms, below"
    assert f"weaker: {line}" in run.text
    assert run.folder is not None
    pages = [run.folder / "report.html", run.folder.parents[1] / "index.html"]
    for file in (*pages, run.folder / layout.JOURNAL):
        assert line in file.read_text(), file.name


@pytest.mark.parametrize("args", [(), ("-n1",)], ids=["one-process", "xdist"])
@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("assert 1 == 2", "FAILED"),
        ("raise SubjectError('silent')", "FAILED"),
        ("raise InstrumentError('refused')", "INCONCLUSIVE"),
        ("raise KeyError('a bug')", "INCONCLUSIVE"),
        ("pytest.skip('no server')", "INCONCLUSIVE"),
        ("pytest.xfail('known')", "INCONCLUSIVE"),
        ("raise SystemExit(0)", "INCONCLUSIVE"),
        ("raise ExceptionGroup('both', [AssertionError('x'), KeyError('y')])", "FAILED"),
    ],
)
def test_anything_but_a_pass_holds(
    deploycheck: Deploycheck, body: str, state: str, args: tuple[str, ...]
) -> None:
    """A failure without a trigger, and every kind of missing evidence, holds the deployment."""
    run = deploycheck.run_check(body, *args)
    assert run.state_of(PODS) == state
    assert (run.verdict["verdict"], run.exit_code) == ("HOLD", 11)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise InstrumentError('Prometheus: refused')", "Prometheus: refused"),
        ("raise InstrumentError", "InstrumentError"),
        ("raise KeyError('a bug')", "KeyError: 'a bug'"),
        ("pods = [3, 2]\nassert pods.pop() >= 3, 'too few'", "too few\nassert 2 >= 3"),
    ],
)
def test_a_check_is_quoted_without_what_is_pythons(
    deploycheck: Deploycheck, body: str, message: str
) -> None:
    """Neither the class of an error of ours, nor where the values of an assert came from."""
    checks = deploycheck.run_check(body).verdict["checks"]
    assert [c["message"] for c in checks if c["item"] == PODS] == [message]


@pytest.mark.parametrize(
    "decorator",
    ["@pytest.mark.skip", "@pytest.mark.skipif(True, reason='x')", "@pytest.mark.xfail"],
)
def test_a_mark_that_excuses_a_test_excuses_no_check(
    deploycheck: Deploycheck, decorator: str
) -> None:
    """The run is green with each of these; the verdict is not."""
    deploycheck.write(
        "suites/test_pods.py",
        f'{HEADER}\n{decorator}\n@pytest.mark.check("pod-status")\n'
        "def test_pods():\n    assert 0\n",
    )
    assert deploycheck.run().exit_code == 11


def test_a_failed_fixture_is_no_failure_of_the_subject(deploycheck: Deploycheck) -> None:
    """An assertion in set-up is a bug of the set-up: INCONCLUSIVE."""
    deploycheck.write(
        "suites/test_pods.py",
        f"{HEADER}\n@pytest.fixture\ndef ground():\n    assert 0\n"
        '@pytest.mark.check("pod-status")\ndef test_pods(ground):\n    pass\n',
    )
    assert deploycheck.run().state_of(PODS) == "INCONCLUSIVE"


def test_a_failed_teardown_takes_the_pass_away(deploycheck: Deploycheck) -> None:
    """Who could not clean up is not known to have left everything well."""
    deploycheck.write(
        "suites/test_pods.py",
        f"{HEADER}\n@pytest.fixture\ndef ground():\n    yield\n    assert 0\n"
        '@pytest.mark.check("pod-status")\ndef test_pods(ground):\n    pass\n',
    )
    assert deploycheck.run().state_of(PODS) == "INCONCLUSIVE"


@pytest.mark.parametrize(
    "args",
    [("-k", "not pods"), ("--deselect", "suites/test_pods.py"), ("--ignore", "suites/test_pods.py"),
     ("suites/test_others.py",), ("suites/test_others.py::test_cache",)],
    ids=["-k", "--deselect", "--ignore", "a-file", "a-test"],
)  # fmt: skip
def test_what_is_left_out_is_in_the_ledger(deploycheck: Deploycheck, args: tuple[str, ...]) -> None:
    """Every item of the phase is listed, however its check was left out."""
    deploycheck.check("pass")
    run = deploycheck.run(*args)
    assert run.state_of(PODS) == "NOT_RUN"
    assert (run.exit_code, run.verdict["partial"]) == (11, True)


def test_a_run_that_stops_early_holds(deploycheck: Deploycheck) -> None:
    """`-x` leaves the rest without an answer."""
    deploycheck.check("pass")
    deploycheck.write(
        "suites/test_first.py",
        f'{HEADER}\n@pytest.mark.check("pod-status")\ndef test_a():\n    assert 0\n',
    )
    run = deploycheck.run("-x", "--deploycheck-concurrency=1")
    assert run.state_of("post_5min/redis-cache") == "NOT_RUN"
    assert run.exit_code == 11


def test_an_empty_selection_holds(deploycheck: Deploycheck) -> None:
    """The usual 5, and with --suppress-no-test-exit-code its 0, is not a decision."""
    run = deploycheck.run("-k", "nothing_is_called_so")
    assert (run.verdict["verdict"], run.exit_code) == ("HOLD", 11)


def test_no_suite_at_all_holds(deploycheck: Deploycheck) -> None:
    """A checklist without checks is not passed."""
    (deploycheck.root / "suites" / "test_others.py").unlink()
    run = deploycheck.run()
    assert (run.verdict["verdict"], run.exit_code) == ("HOLD", 11)


def test_a_collection_error_holds(deploycheck: Deploycheck) -> None:
    """Nobody knows which checks the broken file holds; the verdict names it."""
    deploycheck.check("pass")
    deploycheck.write("suites/test_broken.py", "import no_such_module_anywhere")
    run = deploycheck.run()
    assert (run.verdict["verdict"], run.exit_code) == ("HOLD", 11)
    assert any("test_broken.py" in reason["text"] for reason in run.verdict["reasons"])


def test_a_collection_error_that_pytest_continues_after_holds(deploycheck: Deploycheck) -> None:
    """--continue-on-collection-errors runs the rest, and that is still not everything."""
    deploycheck.check("pass")
    deploycheck.write("suites/test_broken.py", "import no_such_module_anywhere")
    assert deploycheck.run("--continue-on-collection-errors").exit_code == 11


def test_a_crashed_worker_holds(deploycheck: Deploycheck) -> None:
    """A check whose worker died has no answer, and the reason names it."""
    run = deploycheck.run_check("import os; os._exit(9)", "-n1", "--max-worker-restart=0")
    assert (run.verdict["verdict"], run.exit_code) == ("HOLD", 11)
    assert any("crashed" in reason["text"] for reason in run.verdict["reasons"])


def test_a_failed_plain_test_is_never_a_decision(deploycheck: Deploycheck) -> None:
    """It turns exit 0 into 1, and the verdict stays."""
    deploycheck.check("pass")
    deploycheck.write("suites/test_plain.py", f"{HEADER}\ndef test_plain():\n    assert 0\n")
    run = deploycheck.run()
    assert (run.verdict["verdict"], run.exit_code) == ("PROCEED", 1)


def test_a_breach_that_nobody_asserted_is_a_failure(deploycheck: Deploycheck) -> None:
    """A measurement beyond its limit fails the check that only noted it."""
    run = deploycheck.run_check("measure('age', 9.0, limit=5.0, unit='s')", arguments="measure")
    assert run.state_of(PODS) == "FAILED"
    assert "age 9 s, limit at most 5 s" in run.verdict["reasons"][0]["text"]


@pytest.mark.parametrize(
    ("measured", "state"),
    [
        ("measure('up', 0.9, limit=limits.success_ratio)", "FAILED"),
        ("measure('up', 0.99, limit=limits.success_ratio)", "PASSED"),
        ("measure('errors', 0.9, limit=limits.error_ratio)", "FAILED"),
        ("measure('up', 0.99, limit=limits.success_ratio, worse='above')", "INCONCLUSIVE"),
    ],
)
def test_a_limit_knows_on_which_side_it_is_bad(
    deploycheck: Deploycheck, measured: str, state: str
) -> None:
    """It is said once, in the policy; a check that contradicts it is no evidence."""
    run = deploycheck.run_check(measured, arguments="measure, limits")
    assert run.state_of("post_5min/pod-status") == state


def test_a_measurement_has_the_unit_of_its_limit(deploycheck: Deploycheck) -> None:
    """Milliseconds below a limit in seconds are a pass for a thousand times too long."""
    told = "measure('errors', 0.01, limit=limits.error_ratio)"
    run = deploycheck.run_check(told, arguments="measure, limits")
    (pods,) = [check for check in run.verdict["checks"] if check["item"] == PODS]
    assert [one["unit"] for one in pods["measurements"]] == ["ratio"]
    wrong = "measure('errors', 0.01, limit=limits.error_ratio, unit='ms')"
    run = deploycheck.run_check(wrong, arguments="measure, limits")
    assert run.state_of(PODS) == "INCONCLUSIVE"
    expected = "errors: found unit ms; expected ratio, that of its limit"
    assert expected in run.verdict["reasons"][0]["text"]


@pytest.mark.parametrize(
    ("measured", "told"),
    [
        ("measure('up', 0.5, limit=0.9, worse='lower')", "up: found worse 'lower'"),
        ("measure('up', 0.5, unit=1)", "found 1; expected a word"),
        ("measure(7, 0.5)", "found 7; expected a word"),
    ],
)
def test_a_measurement_that_no_journal_can_hold_is_no_evidence(
    deploycheck: Deploycheck, measured: str, told: str
) -> None:
    """Else nobody could read what the other checks of the run found, a rollback among it."""
    deploycheck.check("assert False, 'found 9 %, limit at most 5 %'", marker=ERRORS)
    run = deploycheck.run_check(measured, arguments="measure")
    assert run.state_of(PODS) == "INCONCLUSIVE", run.text
    assert any(told in reason["text"] for reason in run.verdict["reasons"])
    assert run.exit_code == 20


#: As a plugin does that runs coroutines.
ASYNC = """\
import asyncio
import inspect
def pytest_pyfunc_call(pyfuncitem):
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True
"""


def test_a_measurement_that_nobody_keeps_is_no_pass(deploycheck: Deploycheck) -> None:
    """The body of an async check is another plugin's to run: a breach in it was lost."""
    shipped = (deploycheck.root / "suites/conftest.py").read_text()
    deploycheck.write("suites/conftest.py", f"{shipped}\n{ASYNC}")
    deploycheck.write(
        "suites/test_pods.py",
        f'{HEADER}\n@pytest.mark.check("pod-status")\n'
        'async def test_pods(measure):\n    measure("error_ratio", 0.5, limit=0.05)\n',
    )
    run = deploycheck.run()
    assert run.state_of(PODS) == "INCONCLUSIVE"
    assert "where nobody judges it" in run.text


def test_a_limit_says_where_a_breach_ends(deploycheck: Deploycheck) -> None:
    """What flaps around its limit is one breach: it has lasted for the hold."""
    file = deploycheck.root / "suites/deploycheck.toml"
    ends = '0.05, worse = "above", clear = 0.02'
    file.write_text(file.read_text().replace('0.05, worse = "above"', ends))
    flaps = """\
import html
import time
from pytest_deploycheck.domain.histories import History
values = (0.09, 0.04) * 4 + (0.09,)
times = tuple(time.time() - 8 + n for n in range(9))
measure("errors", History(at_s=times, value=values), limit=limits.error_ratio, unit="ratio")"""
    run = deploycheck.run_check(flaps, arguments="measure, limits", marker=ERRORS)
    assert run.verdict["verdict"] == "ROLLBACK", run.text
    fired = next(t for t in run.verdict["triggers"] if t["id"] == "critical-error-rate")
    assert fired["held_s"] == pytest.approx(8, abs=0.1)


def test_a_firing_trigger_rolls_back(deploycheck: Deploycheck) -> None:
    """Bad for its hold: ROLLBACK, exit 20, and the reason has trigger and duration."""
    run = deploycheck.run_check("assert 0", marker=ERRORS)
    assert (run.verdict["verdict"], run.exit_code) == ("ROLLBACK", 20)
    reason = run.verdict["reasons"][0]
    assert (reason["item"], reason["trigger"]) == (
        "rollback/critical-error-rate",
        "critical-error-rate",
    )
    assert "FIRING" in reason["text"]


@pytest.mark.parametrize("args", [("--deploycheck-no-wait",), ("-n1",)], ids=["no-wait", "xdist"])
def test_without_waiting_a_failure_stays_pending(
    deploycheck: Deploycheck, args: tuple[str, ...]
) -> None:
    """One sample proves no duration: OBSERVE."""
    run = deploycheck.run_check("assert 0", *args, marker=ERRORS)
    assert (run.verdict["verdict"], run.exit_code) == ("OBSERVE", 10)


def test_a_check_that_recovers_is_marked(deploycheck: Deploycheck) -> None:
    """Good again for `settle` before the hold was reached: PASSED, recovered, OBSERVE."""
    run = deploycheck.run_check(
        "seen.append(1)\nassert len(seen) > 1", arguments="seen=[]", marker=ERRORS
    )
    assert (run.verdict["verdict"], run.exit_code) == ("OBSERVE", 10)
    assert [row["id"] for row in run.verdict["items"] if row["recovered"]] == [
        "rollback/critical-error-rate"
    ]


def test_a_check_that_writes_runs_only_where_it_may(deploycheck: Deploycheck) -> None:
    """Elsewhere it is INCONCLUSIVE with that reason, and its body never runs."""
    deploycheck.write(
        "suites/test_pods.py",
        f'{HEADER}\n@pytest.mark.writes("a file, removed")\n@pytest.mark.check("pod-status")\n'
        "def test_pods():\n    open('written', 'w').close()\n",
    )
    run = deploycheck.run()
    assert run.state_of(PODS) == "INCONCLUSIVE"
    assert f"found no {PODS} in allow_writes of scratch.toml" in run.verdict["reasons"][0]["text"]
    assert not (deploycheck.root / "written").exists()
    deploycheck.write(
        "suites/environments/writable.toml",
        'extends = "scratch"\nallow_writes = ["post_5min/pod-status"]\n',
    )
    assert deploycheck.run(env="writable").state_of(PODS) == "PASSED"
    assert (deploycheck.root / "written").exists()


def test_yesterdays_verdict_is_never_published_again(deploycheck: Deploycheck) -> None:
    """`reports/latest` is gone after a usage error, and the earlier run itself is kept."""
    first = deploycheck.run_check("pass")
    again = deploycheck.run(env="no-such-environment")
    assert (again.exit_code, again.folder) == (4, None)
    assert first.folder is not None
    assert (first.folder / "verdict.json").is_file()


@pytest.mark.parametrize("typo", ["--deploycheck-fualt=x", "--deploycheck-concurrency=many"])
def test_nor_after_a_mistake_on_the_command_line(deploycheck: Deploycheck, typo: str) -> None:
    """Also what pytest refuses before it is configured, or we before an environment is read."""
    assert deploycheck.run_check("pass").folder is not None
    again = deploycheck.run(typo, subprocess=True)
    assert (again.exit_code, again.folder) == (4, None)


@pytest.mark.parametrize("part", ["deploycheck-checks", "deploycheck-record"])
def test_what_decides_cannot_be_switched_off(deploycheck: Deploycheck, part: str) -> None:
    """A green run without a verdict must not exist."""
    run = deploycheck.run("-p", f"no:{part}")
    assert (run.exit_code, run.folder) == (4, None)
    assert f"found -p no:{part}" in run.text


def test_asserts_cannot_be_switched_off(
    deploycheck: Deploycheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of test files stay in pytest's hands; what they import loses its own."""
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    deploycheck.check("assert 0")
    run = deploycheck.run("--assert=plain", subprocess=True)
    assert (run.exit_code, run.folder) == (4, None)
    assert "found python -O or PYTHONOPTIMIZE" in run.text


def test_nor_when_a_conftest_cannot_be_loaded(deploycheck: Deploycheck) -> None:
    """The suites' own: pytest ends before anything is configured."""
    assert deploycheck.run_check("pass").folder is not None
    deploycheck.write("suites/conftest.py", "import no_such_module\n")
    again = deploycheck.run(subprocess=True)
    assert (again.exit_code, again.folder) == (4, None)


def test_another_plugin_cannot_make_a_0_of_it(deploycheck: Deploycheck) -> None:
    """As those do that let a pipeline go on after failures."""
    deploycheck.write(
        "suites/slow/conftest.py",
        "import pytest\n@pytest.hookimpl(trylast=True)\n"
        "def pytest_sessionfinish(session): session.exitstatus = 0\n",
    )
    deploycheck.write("suites/slow/test_nothing.py", "")
    run = deploycheck.run_check("assert False")
    assert (run.verdict["verdict"], run.exit_code) == ("HOLD", 11)


def test_a_run_that_only_lists_is_no_success(deploycheck: Deploycheck) -> None:
    """`--fixtures` runs nothing, and pytest's own exit code is 0."""
    run = deploycheck.run("--fixtures")
    assert (run.verdict["verdict"], run.exit_code) == ("HOLD", 11)


def test_a_silent_instrument_is_shown_at_the_line_of_the_check(deploycheck: Deploycheck) -> None:
    """Its causes, down to the socket, are in the message; `--tb=long` shows them all."""
    body = """\
try:
    raise OSError("no route")
except OSError as error:
    raise InstrumentError(f"Prometheus: {error}") from error"""
    short = deploycheck.run_check(body).text
    assert "InstrumentError: Prometheus: no route" in short
    assert "direct cause" not in short
    assert "direct cause" in deploycheck.run_check(body, "--tb=long").text


def test_what_the_environment_does_not_have_is_no_evidence(deploycheck: Deploycheck) -> None:
    """A check that asks a database of a service without one holds, and names the table."""
    base = deploycheck.root / "suites/environments/base.toml"
    base.write_text(base.read_text().replace('[database]\ndsn_env = "DSN"\n', ""))
    run = deploycheck.run_check("database.value('alive')", arguments="database")
    assert (run.verdict["verdict"], run.state_of(PODS)) == ("HOLD", "INCONCLUSIVE")
    assert "[database] is not in the environment" in run.text


@pytest.mark.parametrize("kind", ["AwaitingError", "InstrumentError"])
def test_a_reason_names_no_class(deploycheck: Deploycheck, kind: str) -> None:
    """Whoever reads why is told what is missing; only a mistake of the check's own has a class."""
    body = f"from pytest_deploycheck.domain import errors\nraise errors.{kind}('no word yet')"
    (reason,) = deploycheck.run_check(body).verdict["reasons"]
    assert ": no word yet; " in reason["text"]
    assert kind not in reason["text"]
    (reason,) = deploycheck.run_check("raise KeyError('a bug')").verdict["reasons"]
    assert "KeyError: 'a bug'" in reason["text"]


def test_a_waiver_of_any_release_counts_until_it_is_taken_back(deploycheck: Deploycheck) -> None:
    """Every deployment takes it into its record, and with it that it is in force no more."""
    now_s = time.time()
    who = deploycheck.root / "suites" / "environments" / "scratch.toml"
    people = '[attestations]\napprovers = ["Lead"]\nroles = { Lead = ["bob"] }\n'
    who.write_text(f"{who.read_text()}{people}")
    waiver = Waived(
        at_s=now_s, id="W-1", item="post_5min/pod-status", environment="scratch", release=None,
        until_s=now_s + 3600, reason="first", author="ann", approver="bob", ticket="T-1",
    )  # fmt: skip
    reports = deploycheck.root / "reports"
    journal.write_event(layout.waivers_folder(reports, "scratch"), waiver, name="waive")
    run = deploycheck.run_check("assert 0")
    assert (run.exit_code, run.state_of("post_5min/pod-status")) == (0, "WAIVED"), run.text
    back = ("--by=bob", "--reason=mended", "--env=scratch", "--any-release")
    assert main(["waive", "revoke", "W-1", *back, f"--reports={reports}"]) == 0
    run = deploycheck.run_check("assert 0")
    assert (run.exit_code, run.state_of("post_5min/pod-status")) == (11, "FAILED"), run.text


def test_advised_commands_find_the_folders_again(deploycheck: Deploycheck) -> None:
    """On the terminal and on both pages: what is pasted looks where this run has looked."""
    deploycheck.check("assert False")
    text = deploycheck.run("--deploycheck-reports=else where").text
    advised = "deploycheck why post_5min/pod-status '--reports=else where'"
    assert advised in text
    (report,) = deploycheck.root.glob("else where/*/*/*/runs/*/report.html")
    (index,) = deploycheck.root.glob("else where/*/*/*/index.html")
    for page in (report, index):
        assert "--reports=else where" in html.unescape(page.read_text())
