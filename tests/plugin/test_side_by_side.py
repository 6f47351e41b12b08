"""Checks side by side in a run of pytest: which overlap, and which take their turn."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.plugin.scratch import HEADER, Deploycheck

FILE = "suites/test_pods.py"
CHECK = '@pytest.mark.check("pod-status")'
#: Asserts where a body runs: tests that pytest runs in their turn run on its main thread.
IN_TURN = "assert threading.current_thread() is threading.main_thread()"
ASIDE = "assert threading.current_thread() is not threading.main_thread()"


def write(deploycheck: Deploycheck, text: str) -> None:
    """Make *text* the checks of post_5min/pod-status."""
    deploycheck.write(FILE, f"import threading, time, sys, logging\n{HEADER}\n{text}\n")


def outcomes(text: str) -> str:
    """What of the run went wrong, for a test's message."""
    return "\n".join(line for line in text.splitlines() if line.startswith(("E ", "reason:")))


def test_bodies_overlap(deploycheck: Deploycheck) -> None:
    """Thirty checks that wait for each other pass, so they run at the same time."""
    write(
        deploycheck,
        f"""
everyone = threading.Barrier(30, timeout=20)

{CHECK}
@pytest.mark.parametrize("n", range(30))
def test_pods(n):
    everyone.wait()
""",
    )
    run = deploycheck.run()
    assert run.verdict["verdict"] == "PROCEED", outcomes(run.text)


@pytest.mark.parametrize(
    "args", [("--deploycheck-concurrency=1",), ("-n2",), ("--pdb",)], ids=lambda args: args[0]
)
def test_overlap_can_be_off(deploycheck: Deploycheck, args: tuple[str, ...]) -> None:
    """By option; in workers of xdist, which see all tests and run some; with a debugger."""
    write(deploycheck, f"{CHECK}\ndef test_pods():\n    {IN_TURN}")
    run = deploycheck.run(*args, subprocess=True)
    assert run.verdict["verdict"] == "PROCEED", run.text


@pytest.mark.parametrize(
    ("before", "arguments"),
    [
        pytest.param("", "own", id="function-fixture"),
        pytest.param("", "modules", id="module-fixture"),
        pytest.param("", "request", id="request"),
        pytest.param("@pytest.mark.usefixtures('own')\n", "", id="usefixtures"),
        pytest.param("@pytest.mark.exclusive\n", "", id="exclusive"),
        pytest.param("@pytest.mark.writes('a pod; deleted again')\n", "", id="writes"),
        pytest.param("@pytest.mark.skipif(False, reason='no')\n", "", id="skipif"),
        pytest.param("@pytest.mark.filterwarnings('error')\n", "", id="filterwarnings"),
        pytest.param("@pytest.mark.parametrize('own', [1], indirect=True)\n", "own", id="indirect"),
    ],
)
def test_what_needs_its_turn_takes_it(
    deploycheck: Deploycheck, before: str, arguments: str
) -> None:
    """Everything that belongs to one test, or must be alone, or may not run at all."""
    deploycheck.write(
        "suites/environments/scratch.toml",
        'extends = "base"\nallow_writes = ["post_5min/pod-status"]\n',
    )
    write(
        deploycheck,
        f"""
@pytest.fixture
def own(): return 1
@pytest.fixture(scope="module")
def modules(): return 1
{before}{CHECK}
def test_pods({arguments}):
    {IN_TURN}
""",
    )
    run = deploycheck.run()
    assert run.verdict["verdict"] == "PROCEED", outcomes(run.text)


@pytest.mark.parametrize(
    ("before", "arguments"),
    [
        pytest.param("", "shared", id="session-fixture"),
        pytest.param("", "environment, limits, measure", id="our-fixtures"),
        pytest.param("@pytest.mark.parametrize('n', [1])\n", "n, shared", id="parametrize"),
        pytest.param("@pytest.mark.parametrize(('a', 'b'), [(1, 2)])\n", "a, b", id="several"),
        pytest.param("@pytest.mark.xfail(strict=True, raises=KeyError)\n", "", id="xfail"),
    ],
)
def test_what_may_overlap_does(deploycheck: Deploycheck, before: str, arguments: str) -> None:
    """Session fixtures and parameters are known before a check's turn."""
    late = "raise KeyError" if "xfail" in before else "pass"
    deploycheck.write(
        "suites/conftest.py",
        "import pytest\n@pytest.fixture(scope='session')\ndef shared(): return 1\n",
    )
    write(
        deploycheck,
        f"""
{before}{CHECK}
def test_pods({arguments}):
    {ASIDE}
    {late}
""",
    )
    run = deploycheck.run()
    assert run.state_of("post_5min/redis-cache") == "PASSED"
    assert "AssertionError" not in run.text, outcomes(run.text)


@pytest.mark.parametrize(
    "mark", ["skip", "skipif(True, reason='no')", "xfail(run=False)", "exclusive"]
)
def test_whatever_comes_first_the_others_overlap(deploycheck: Deploycheck, mark: str) -> None:
    """A first test that is never set up, or takes its turn, does not keep the others from it."""
    deploycheck.write(
        "suites/test_aaa.py", f"{HEADER}\n@pytest.mark.{mark}\n{CHECK}\ndef test_first(): pass\n"
    )
    write(deploycheck, f"{CHECK}\ndef test_pods():\n    {ASIDE}")
    run = deploycheck.run()
    checks = {check["nodeid"]: check for check in run.verdict["checks"]}
    assert checks[f"{FILE}::test_pods"]["outcome"] == "PASSED", outcomes(run.text)


def test_a_method_overlaps_with_its_own_instance(deploycheck: Deploycheck) -> None:
    """Each method has an instance of its own, as always."""
    write(
        deploycheck,
        f"""
class TestPods:
    {CHECK}
    def test_one(self):
        {ASIDE}
        assert not hasattr(self, "seen")
        self.seen = True

    {CHECK}
    def test_two(self):
        {ASIDE}
        assert not hasattr(self, "seen")
        self.seen = True
""",
    )
    run = deploycheck.run()
    assert run.verdict["verdict"] == "PROCEED", outcomes(run.text)


def test_a_check_gets_the_fixture_its_module_defines(deploycheck: Deploycheck) -> None:
    """A session fixture overridden in one module is not handed to, or had from, another."""
    deploycheck.write(
        "suites/conftest.py",
        "import pytest\n@pytest.fixture(scope='session')\ndef where(): return 'conftest'\n",
    )
    write(deploycheck, f"{CHECK}\ndef test_pods(where):\n    assert where == 'conftest'")
    deploycheck.write(
        "suites/test_zzz.py",
        f"{HEADER}\n@pytest.fixture(scope='session')\ndef where(): return 'module'\n"
        f"{CHECK}\ndef test_pods(where):\n    assert where == 'module'\n",
    )
    run = deploycheck.run()
    assert run.verdict["verdict"] == "PROCEED", outcomes(run.text)


def test_a_broken_session_fixture_is_every_users_error(deploycheck: Deploycheck) -> None:
    """No body runs without its fixture, and the others run as if nothing were wrong."""
    write(
        deploycheck,
        f"""
@pytest.fixture(scope="session")
def broken(): raise RuntimeError("no such cluster")
{CHECK}
@pytest.mark.parametrize("n", range(3))
def test_pods(n, broken):
    open("has-run", "w").close()
""",
    )
    run = deploycheck.run()
    assert "3 errors" in run.text
    assert run.state_of("post_5min/pod-status") == "INCONCLUSIVE"
    assert run.state_of("post_5min/redis-cache") == "PASSED"
    assert not (deploycheck.root / "has-run").exists()


def test_an_exclusive_check_runs_alone(deploycheck: Deploycheck) -> None:
    """No body is under way while it runs, neither one begun before nor one begun after."""
    write(
        deploycheck,
        f"""
running = 0
lock = threading.Lock()

def body():
    global running
    with lock:
        running += 1
    time.sleep(0.002)
    with lock:
        running -= 1

{CHECK}
@pytest.mark.parametrize("n", range(40))
def test_before(n):
    body()

@pytest.mark.exclusive
{CHECK}
def test_load():
    for _ in range(20):
        assert running == 0
        time.sleep(0.001)

{CHECK}
@pytest.mark.parametrize("n", range(200))
def test_after(n):
    body()
""",
    )
    run = deploycheck.run()
    assert run.verdict["verdict"] == "PROCEED", outcomes(run.text)


def test_failing_checks_are_confirmed_wherever_they_run(deploycheck: Deploycheck) -> None:
    """Overlapping, in their turn, exclusive or one by one: each is sampled until it is decided."""
    deploycheck.write(
        "suites/test_more.py",
        f"""{HEADER}
ERRORS = pytest.mark.check("critical-error-rate", trigger="critical-error-rate")
@ERRORS
def test_aside(): assert False
@ERRORS
def test_in_turn(tmp_path): assert False
@ERRORS
@pytest.mark.exclusive
def test_exclusive(): assert False
""",
    )
    for args in ((), ("--deploycheck-concurrency=1",)):
        run = deploycheck.run(*args)
        (trigger,) = (t for t in run.verdict["triggers"] if t["id"] == "critical-error-rate")
        assert trigger["state"] == "FIRING", run.text
        assert run.verdict["verdict"] == "ROLLBACK"
        failed = [check for check in run.verdict["checks"] if check["outcome"] == "FAILED"]
        assert len(failed) == 3
        assert all(check["duration_s"] >= 0.1 for check in failed)


COLLECTOR = """
import json, pytest

def pytest_runtest_logreport(report):
    if report.when == "call":
        with open("sections.jsonl", "a") as file:
            print(json.dumps([report.nodeid, report.sections]), file=file)
"""


@pytest.mark.parametrize("args", [(), ("--capture=sys",)], ids=["fd", "sys"])
def test_every_line_is_under_its_own_check(deploycheck: Deploycheck, args: tuple[str, ...]) -> None:
    """Two thousand checks print and log at once; none of it is another's, none on the terminal."""
    deploycheck.write("suites/conftest.py", COLLECTOR)
    write(
        deploycheck,
        f"""
@pytest.mark.parametrize("n", range(2000))
{CHECK}
def test_pods(n):
    print(f"<out {{n}}>")
    sys.stderr.write(f"<err {{n}}>\\n")
    logging.getLogger("suite").warning("<log %s>", n)
    logging.getLogger("suite").info("<hidden %s>", n)
    print(f"<end {{n}}>")
""",
    )
    run = deploycheck.run("--deploycheck-concurrency=64", *args, subprocess=True)
    assert run.verdict["verdict"] == "PROCEED", outcomes(run.text)
    lines = (deploycheck.root / "sections.jsonl").read_text().splitlines()
    seen = {nodeid: dict(sections) for nodeid, sections in map(json.loads, lines)}
    assert len([nodeid for nodeid in seen if nodeid.startswith(FILE)]) == 2000
    for n in range(2000):
        sections = seen[f"{FILE}::test_pods[{n}]"]
        assert sections["Captured stdout call"] == f"<out {n}>\n<end {n}>\n"
        assert sections["Captured stderr call"] == f"<err {n}>\n"
        (logged,) = sections["Captured log call"].splitlines()
        assert logged.startswith("WARNING")
        assert logged.endswith(f"<log {n}>")
    for word in ("<out", "<err", "<log", "<end", "<hidden"):
        assert word not in run.text


def test_the_log_level_asked_for_is_kept(deploycheck: Deploycheck) -> None:
    """`--log-level=INFO` keeps what a check logs before any test has its turn."""
    deploycheck.write("suites/conftest.py", COLLECTOR)
    write(deploycheck, f"{CHECK}\ndef test_pods():\n    logging.getLogger('suite').info('<log>')")
    deploycheck.run("--log-level=INFO")
    seen = map(json.loads, (deploycheck.root / "sections.jsonl").read_text().splitlines())
    (sections,) = (sections for nodeid, sections in seen if nodeid == f"{FILE}::test_pods")
    assert "<log>" in dict(sections)["Captured log call"]


def test_the_streams_are_as_before_after_the_run(deploycheck: Deploycheck) -> None:
    """What took their place while checks overlapped is gone, for whoever runs pytest in-process."""
    import sys

    kind = type(sys), sys.breakpointhook
    deploycheck.run()
    assert (type(sys), sys.breakpointhook) == kind
    assert type(sys.stdout).__module__ != "pytest_deploycheck.plugin.output"


def test_breakpoint_fails_with_the_way_out(deploycheck: Deploycheck) -> None:
    """A prompt among other checks' output would be swallowed, and the run would hang."""
    run = deploycheck.run_check("breakpoint()")
    assert run.state_of("post_5min/pod-status") == "INCONCLUSIVE"
    (check,) = (c for c in run.verdict["checks"] if c["item"] == "post_5min/pod-status")
    assert "--deploycheck-concurrency=1" in check["message"]


def test_a_hung_check_is_inconclusive_with_its_own_line(deploycheck: Deploycheck) -> None:
    """The others are unharmed, and the process does not wait for it at the end."""
    write(
        deploycheck,
        f"""
@pytest.mark.timeout(0.3)
{CHECK}
def test_hangs():
    threading.Event().wait()  # here

{CHECK}
def test_waits_longer_than_that(tmp_path):
    time.sleep(0.5)
""",
    )
    run = deploycheck.run("--tb=long", subprocess=True)
    assert run.exit_code == 11
    checks = {check["nodeid"]: check for check in run.verdict["checks"]}
    hung = checks[f"{FILE}::test_hangs"]
    assert hung["outcome"] == "INCONCLUSIVE"
    assert f"no answer within 0.3 s: hangs at {deploycheck.root / FILE}:" in hung["message"]
    assert ">       threading.Event().wait()  # here" in run.text
    assert checks[f"{FILE}::test_waits_longer_than_that"]["outcome"] == "PASSED"


def test_a_hung_check_in_its_turn_is_inconclusive(deploycheck: Deploycheck) -> None:
    """pytest-timeout guards what runs on the main thread, also when nobody configured it."""
    write(
        deploycheck,
        f"""
@pytest.mark.timeout(0.3)
{CHECK}
def test_hangs(tmp_path):
    threading.Event().wait()

{CHECK}
def test_has_a_deadline(request):
    assert request.node.get_closest_marker("timeout").args[0] > 0
""",
    )
    run = deploycheck.run(subprocess=True)
    checks = {check["nodeid"]: check for check in run.verdict["checks"]}
    assert checks[f"{FILE}::test_hangs"]["outcome"] == "INCONCLUSIVE"
    assert checks[f"{FILE}::test_has_a_deadline"]["outcome"] == "PASSED"


def test_pytest_timeout_does_not_blame_the_queue(deploycheck: Deploycheck) -> None:
    """A check that waits for its thread, or for its next sample, is not timed out meanwhile."""
    write(
        deploycheck,
        f"""
@pytest.mark.parametrize("n", range(4))
{CHECK}
def test_pods(n):
    time.sleep(0.3)
""",
    )
    deploycheck.write(
        "suites/environments/scratch.toml",
        'extends = "base"\ninterval = "20ms"\nsettle = "40ms"\n'
        '[triggers.critical-error-rate]\nhold = "1s"\nmin_bad = 2\n',
    )
    deploycheck.write(
        "suites/test_more.py",
        f"""{HEADER}
ERRORS = pytest.mark.check("critical-error-rate", trigger="critical-error-rate")
@ERRORS
def test_aside(): assert False
@ERRORS
def test_in_turn(tmp_path): assert False
""",
    )
    run = deploycheck.run("--timeout=0.8", "--deploycheck-concurrency=2", subprocess=True)
    assert run.verdict["verdict"] == "ROLLBACK", run.text
    assert "Timeout" not in run.text


@pytest.mark.parametrize(
    ("body", "expected"),
    [("return True", "returned bool"), ("return 1 == 2", "returned bool")],
)
def test_a_check_that_returns_its_answer_is_refused(
    deploycheck: Deploycheck, body: str, expected: str
) -> None:
    """It asserts nothing, so it would pass whatever it found."""
    run = deploycheck.run_check(body)
    assert run.state_of("post_5min/pod-status") == "INCONCLUSIVE"
    assert expected in run.text


def test_an_async_check_is_not_passed_unseen(deploycheck: Deploycheck) -> None:
    """Calling it would only make a coroutine; pytest itself says so."""
    write(deploycheck, f"{CHECK}\nasync def test_pods():\n    assert False")
    run = deploycheck.run("-p", "no:asyncio", "-p", "no:anyio")
    assert run.state_of("post_5min/pod-status") == "INCONCLUSIVE"


def test_a_failed_subtest_fails_its_check(deploycheck: Deploycheck) -> None:
    """The body itself raises nothing then; the report of the subtest is what counts."""
    run = deploycheck.run_check("with subtests.test(): assert 0", arguments="subtests")
    assert run.state_of("post_5min/pod-status") == "FAILED"
    run = deploycheck.run_check("with subtests.test(): pass", arguments="subtests")
    assert run.state_of("post_5min/pod-status") == "PASSED"


THREAD = """\
import threading
def look():
    assert 0
thread = threading.Thread(target=look)
thread.start()
thread.join()
"""
#: As plugins do that collect all that does not hold, and go on.
SOFT = """\
import pytest
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call" and item.name == "test_pods":
        report.outcome, report.longrepr = "failed", "1 soft assert failed"
    return report
"""


@pytest.mark.parametrize(
    "args", [("--deploycheck-concurrency=1",), ("-n1",)], ids=["one-process", "xdist"]
)
@pytest.mark.parametrize(
    ("plugin", "body", "why"),
    [
        ("", THREAD, "pytest.PytestUnhandledThreadException"),
        (SOFT, "pass", "1 soft assert failed"),
    ],
    ids=["a-thread", "soft-asserts"],
)
def test_what_pytest_calls_failed_has_not_passed(
    deploycheck: Deploycheck, plugin: str, body: str, why: str, args: tuple[str, ...]
) -> None:
    """The body raised nothing, but somebody found something."""
    if plugin:
        shipped = (deploycheck.root / "suites/conftest.py").read_text()
        deploycheck.write("suites/conftest.py", f"{shipped}\n{plugin}")
    run = deploycheck.run_check(body, *args)
    assert run.state_of("post_5min/pod-status") == "INCONCLUSIVE"
    assert run.exit_code == 11
    messages = [check["message"] for check in run.verdict["checks"]]
    assert any(message.startswith(f"pytest calls it failed: {why}") for message in messages)


def test_a_thread_that_breaks_beside_other_checks_holds(deploycheck: Deploycheck) -> None:
    """Nobody knows whose it was: it is told of the check whose turn it is."""
    run = deploycheck.run_check(THREAD)
    assert run.exit_code == 11
    messages = [check["message"] for check in run.verdict["checks"]]
    assert any("PytestUnhandledThreadException" in message for message in messages)


def test_a_subtest_of_unittests_fails_now(deploycheck: Deploycheck) -> None:
    """No time is told of it, and yet it is no sample from before the deployment, and rolls back."""
    text = """
import unittest

class Doors(unittest.TestCase):
    @pytest.mark.check("security-issues", trigger="security-issues")
    def test_doors(self):
        for door in ("front", "back"):
            with self.subTest(door):
                assert door == "front"
"""
    deploycheck.write("suites/test_doors.py", f"{HEADER}{text}")
    deploycheck.check("pass")
    run = deploycheck.run()
    assert run.verdict["verdict"] == "ROLLBACK", run.text
    assert "before the deployment" not in run.text


def test_a_subtest_that_fails_later_is_not_passed_over(deploycheck: Deploycheck) -> None:
    """The answer of the sample before it was good."""
    deploycheck.write(
        "suites/test_aaa.py",
        f"""{HEADER}
taken = []
@pytest.mark.exclusive
@pytest.mark.check("pod-status", trigger="critical-error-rate")
def test_pods(subtests):
    taken.append(1)
    with subtests.test(): assert len(taken) == 1
""",
    )
    run = deploycheck.run("--deploycheck-watch=300ms")
    assert run.exit_code == 11, run.text
    assert run.state_of("post_5min/pod-status") == "INCONCLUSIVE"


def test_threads_of_a_check_belong_to_it(deploycheck: Deploycheck) -> None:
    """Bound by in_this_check, they print and note for the check that started them."""
    deploycheck.write("suites/conftest.py", COLLECTOR)
    write(
        deploycheck,
        f"""
from pytest_deploycheck.clients import evidence

@pytest.mark.parametrize("n", range(20))
{CHECK}
def test_pods(n):
    def ask(k):
        print(f"<thread {{n}}>")
        evidence.note("api", f"GET {{n}}", f"{{k}}")
    threads = [threading.Thread(target=evidence.in_this_check(ask), args=(k,)) for k in range(3)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
""",
    )
    run = deploycheck.run()
    lines = (deploycheck.root / "sections.jsonl").read_text().splitlines()
    seen = {nodeid: dict(sections) for nodeid, sections in map(json.loads, lines)}
    checks = {check["nodeid"]: check for check in run.verdict["checks"]}
    for n in range(20):
        nodeid = f"{FILE}::test_pods[{n}]"
        assert seen[nodeid]["Captured stdout call"].split("\n") == [f"<thread {n}>"] * 3 + [""]
        assert [e["request"] for e in checks[nodeid]["evidence"]] == [f"GET {n}"] * 3


def test_nothing_is_run_twice(deploycheck: Deploycheck, tmp_path: Path) -> None:
    """A body that was begun before its turn is not begun again in it."""
    write(
        deploycheck,
        f"""
@pytest.mark.parametrize("n", range(50))
{CHECK}
def test_pods(n):
    with open({str(tmp_path / "runs")!r}, "a") as file:
        print(n, file=file)
""",
    )
    deploycheck.run()
    runs = (tmp_path / "runs").read_text().split()
    assert sorted(map(int, runs)) == list(range(50))
