"""A user's mistake: what was found, what would be right, exit 4, nothing run, nothing written."""

from __future__ import annotations

import datetime
import os

import pytest

from pytest_deploycheck.config import load_project
from pytest_deploycheck.plugin.inventory import inventory
from tests.plugin.scratch import HEADER, Deploycheck

CHECK = '@pytest.mark.check({})\ndef test_pods():\n    open("has-run", "w").close()\n'


@pytest.mark.parametrize(
    ("suite", "expected"),
    [
        (
            f"{HEADER}\n{CHECK.format(chr(34) + 'pod-statas' + chr(34))}",
            ["suites/test_pods.py::test_pods", "'pod-statas'", "did you mean pod-status"],
        ),
        (
            f"{HEADER}\n{CHECK.format(repr('pod-status') + ', trigger=' + repr('error-rates'))}",
            ["'error-rates'", "did you mean critical-error-rate"],
        ),
        (f"{HEADER}\n{CHECK.format('')}", ["test_pods: found check(); expected check(slug)"]),
        (
            f"{HEADER}\n{CHECK.format(repr('pod-status') + ', ' + repr('redis-cache'))}",
            ["found check('pod-status', 'redis-cache'); expected check(slug)", "one item each"],
        ),
        (
            f"{HEADER}\n{CHECK.format(repr('pod-status') + ', triger=' + repr('x'))}",
            ["found check('pod-status', triger='x')", "or check(slug, trigger=…)"],
        ),
        (f"import pytest\n{CHECK.format(repr('pod-status'))}", ["has no phase", "post_5min"]),
        (
            f"{HEADER}\n@pytest.mark.writes()\n{CHECK.format(repr('pod-status'))}",
            ["writes() says nothing"],
        ),
    ],
    ids=[
        "slug",
        "trigger",
        "no-slug",
        "two-slugs",
        "misspelt-argument",
        "no-phase",
        "silent-writes",
    ],
)
@pytest.mark.parametrize("args", [(), ("-n1",)], ids=["one-process", "xdist"])
def test_a_check_that_answers_nothing_is_refused(
    deploycheck: Deploycheck, suite: str, expected: list[str], args: tuple[str, ...]
) -> None:
    """The check is named with what is wrong and the near misses, before any check runs."""
    deploycheck.write("suites/test_pods.py", suite)
    run = deploycheck.run(*args)
    assert run.exit_code == 4, run.text
    assert all(text in run.text for text in expected), run.text
    assert not (deploycheck.root / "has-run").exists()
    assert not list(deploycheck.root.glob("reports/*"))
    assert "tests.html" not in run.text


def test_a_mistake_takes_nothing_of_an_earlier_run_away(deploycheck: Deploycheck) -> None:
    """Only what it has begun itself is gone."""
    since = "--deploycheck-deployed-at=2026-01-31T12:00:00Z"
    first = deploycheck.run(since).folder
    assert first is not None
    there = set(deploycheck.root.glob("reports/scratch/**/*"))
    deploycheck.write("suites/test_a.py", f"{HEADER}\n{CHECK.format(repr('typo'))}")
    assert deploycheck.run(since).exit_code == 4
    assert set(deploycheck.root.glob("reports/scratch/**/*")) == there


def test_all_mistakes_in_checks_are_told_at_once(deploycheck: Deploycheck) -> None:
    """One error a run is one run too many."""
    deploycheck.write("suites/test_a.py", f"{HEADER}\n{CHECK.format(repr('first-typo'))}")
    deploycheck.write("suites/test_b.py", f"{HEADER}\n{CHECK.format(repr('second-typo'))}")
    text = deploycheck.run().text
    assert "first-typo" in text
    assert "second-typo" in text


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (("-m", "post_5min and staging"), "selects no phase"),
        (("-m", "post_5mins"), "no marker 'post_5mins'; did you mean post_5min"),
        (("-m", "post_5min or sign-off"), "no marker 'sign - off'; did you mean sign_off"),
        (("--deploycheck-watch=soon",), "expected a duration, for example 30m"),
        (("--deploycheck-interval=-5s",), "above zero"),
        (("--deploycheck-concurrency=0",), "at least 1"),
        (("--deploycheck-deployed-at=2026-01-31T14:05:00",), "expected a zone"),
        (("--deploycheck-deployed-at=noon",), "expected ISO 8601"),
        (("--deploycheck-fault=error-burst",), "faults are for --env=sandbox only"),
        (("--deploycheck-config=nowhere",), "found no deploycheck.toml"),
        (("--deploycheck-config=nowhere",), "deploycheck init writes one"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused(
    deploycheck: Deploycheck, args: tuple[str, ...], expected: str
) -> None:
    """Option, found and expected in one line; no traceback."""
    deploycheck.check("pass")
    run = deploycheck.run(*args)
    assert (run.exit_code, run.folder) == (4, None)
    assert expected in run.text
    assert "Traceback" not in run.text


@pytest.mark.parametrize(
    ("phases", "ahead_s", "refused"),
    [
        ("post_5min", 3600, True),
        ("post_5min", 30, False),
        ("pre_deploy or staging or deploy", 3600, False),
        ("deploy or post_5min", 3600, True),
    ],
)
def test_a_rollout_that_is_still_to_begin_is_for_gates_only(
    deploycheck: Deploycheck, phases: str, ahead_s: int, refused: bool
) -> None:
    """What is verified before it is there is the release before; clocks may differ a little."""
    at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=ahead_s)
    run = deploycheck.run("-m", phases, f"--deploycheck-deployed-at={at:%Y-%m-%dT%H:%M:%SZ}")
    assert ("ahead; expected a rollout that has begun" in run.text) is refused, run.text
    assert (run.exit_code == 4) is refused


@pytest.mark.parametrize("reports", ["pyproject.toml", "/proc/x", "long" * 100])
def test_a_folder_that_cannot_hold_the_record_is_refused(
    deploycheck: Deploycheck, reports: str
) -> None:
    """Before anything runs: its answer could be kept nowhere."""
    deploycheck.check('open("has-run", "w").close()')
    run = deploycheck.run(f"--deploycheck-reports={reports}", subprocess=True)
    assert run.exit_code == 4, run.text
    assert "--deploycheck-reports: " in run.text
    assert "Traceback" not in run.text
    assert not (deploycheck.root / "has-run").exists()


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("suites/environments/scratch.toml", "extends = [", "scratch.toml"),
        ("suites/environments/scratch.toml", 'extends = "base"\nintervall = "1s"\n', "interval"),
        (
            "suites/environments/scratch.toml",
            'extends = "base"\n[triggers.no-such]\nhold = "1s"\n',
            "no-such",
        ),
        ("suites/deploycheck.toml", "[limits\n", "deploycheck.toml"),
        (
            "suites/checklist.md",
            "## H\n<!-- phase: post_5min -->\n- [ ] **Pods**: a\n- [ ] **Pods**: b\n",
            "Pods",
        ),
    ],
    ids=["broken-toml", "unknown-key", "unknown-trigger", "broken-policy", "equal-titles"],
)
def test_a_configuration_that_cannot_be_used_is_refused(
    deploycheck: Deploycheck, file: str, text: str, expected: str
) -> None:
    """The file and the place are named; an earlier run's files are left as they are."""
    before = deploycheck.run_check("pass")
    assert before.folder is not None
    kept = (before.folder / "verdict.json").read_bytes()
    deploycheck.write(file, text)
    run = deploycheck.run()
    assert (run.exit_code, run.folder) == (4, None)
    assert expected in run.text
    assert "Traceback" not in run.text
    assert (before.folder / "verdict.json").read_bytes() == kept


def test_all_mistakes_are_told_at_once(
    deploycheck: Deploycheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of options, policy and environment: who mends them runs it once more, not three times."""
    monkeypatch.delenv("DSN")
    environment = deploycheck.root / "suites/environments/scratch.toml"
    environment.write_text(environment.read_text().replace("20ms", "20"))
    policy = deploycheck.root / "suites/deploycheck.toml"
    policy.write_text(policy.read_text().replace('interval = "10s"', ""))
    run = deploycheck.run(
        "--deploycheck-watch=soon", "--deploycheck-concurrency=0", "--deploycheck-fault=x",
        "--deploycheck-reports=pyproject.toml", "-m", "post_5min and staging",
    )  # fmt: skip
    assert (run.exit_code, run.folder) == (4, None)
    for found in (
        "watch: found 'soon'", "concurrency: found '0'", "reports: ", "selects no phase",
        "faults are for --env=sandbox only", "deploycheck.toml: interval: found nothing",
        "scratch.toml: interval: found", "DSN",
    ):  # fmt: skip
        assert found in run.text, run.text


def test_an_unset_secret_is_named_and_not_shown(
    deploycheck: Deploycheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable's name helps; a value has no place in a message."""
    monkeypatch.delenv("DSN")
    run = deploycheck.run_check("pass")
    assert run.exit_code == 4
    assert "DSN" in run.text
    assert "s3cret" not in run.text


def test_an_unknown_environment_lists_those_there_are(deploycheck: Deploycheck) -> None:
    """The near miss is offered."""
    run = deploycheck.run(env="scrath")
    assert run.exit_code == 4
    assert "scratch" in run.text


def test_the_suites_refuse_to_run_without_an_environment(deploycheck: Deploycheck) -> None:
    """A green run that verified nothing must not exist; collecting alone is fine."""
    deploycheck.check("pass")
    pytester = deploycheck.pytester
    result = pytester.runpytest_inprocess("-p", "no:randomly")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*the suites need an environment*--env*"])
    assert pytester.runpytest_inprocess("--collect-only", "-q").ret == pytest.ExitCode.OK


def test_an_unreachable_cluster_asks_for_the_options(deploycheck: Deploycheck) -> None:
    """Without release and time nothing can be judged; the message says what to give."""
    deploycheck.write(
        "suites/environments/scratch.toml",
        'extends = "base"\n[cluster]\nserver = "http://127.0.0.1:9"\n',
    )
    result = deploycheck.pytester.runpytest_inprocess("-m", "post_5min", "--env=scratch")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*give --deploycheck-release and --deploycheck-deployed-at*"])


@pytest.mark.parametrize("given", ["release", "deployed-at"])
def test_what_was_asked_for_stands_when_the_cluster_is_silent(
    deploycheck: Deploycheck, given: str
) -> None:
    """The environment tells only what no option does: the verdict is on no other release."""
    deploycheck.write(
        "suites/environments/scratch.toml",
        'extends = "base"\nrelease = "1.4.2"\ndeployed_at = "2026-01-01T00:00:00Z"\n'
        '[cluster]\nserver = "http://127.0.0.1:9"\n',
    )
    options = {"release": "1.5.0", "deployed-at": "2026-02-02T00:00:00Z"}
    deploycheck.pytester.runpytest_inprocess(
        "-m", "post_5min", "--env=scratch", f"--deploycheck-{given}={options[given]}",
        "-p", "no:randomly",
    )  # fmt: skip
    folder = (deploycheck.root / "reports" / "latest").resolve().parents[1]
    expected = {
        "release": ("1.5.0", "20260101T000000Z"),
        "deployed-at": ("1.4.2", "20260202T000000Z"),
    }
    assert (folder.parent.name, folder.name) == expected[given]


def test_what_checks_there_are_depends_on_no_variable(
    deploycheck: Deploycheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options that are meant for runs hide nothing here, and verify nothing."""
    deploycheck.check("pass")
    suites = deploycheck.root / "suites"
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--ignore={suites / 'test_pods.py'} --env=scratch")
    nodeids = [check.nodeid for check in inventory(load_project(suites))]
    assert any("test_pods" in nodeid for nodeid in nodeids)
    assert os.environ["PYTEST_ADDOPTS"].endswith("--env=scratch")
    assert not (deploycheck.root / "reports").exists()
