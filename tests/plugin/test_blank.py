"""`--env NAME` with a blank: pytest takes the name for a path until the option is defined."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import slowness
from tests.plugin.scratch import Deploycheck

#: Only an initial conftest may define options: pytest reads it before it reads the command line.
OPTION = 'def pytest_addoption(parser):\n    parser.addoption("--mine")\n'


def blank(deploycheck: Deploycheck, name: str, *args: str) -> pytest.RunResult:
    """Run with a blank after `--env`."""
    return deploycheck.pytester.runpytest_inprocess(
        "-m", "post_5min", "--env", name, "--deploycheck-release=1.2.3",
        "--deploycheck-deployed-at=2026-01-31T14:05:00Z", "-p", "no:randomly", *args,
    )  # fmt: skip


def test_the_conftests_of_testpaths_are_read_in_time(deploycheck: Deploycheck) -> None:
    """The commonest spelling loses no option that the suites define, nor what they refuse."""
    conftest = (deploycheck.root / "suites/conftest.py").read_text()
    deploycheck.write("suites/conftest.py", conftest + OPTION)
    deploycheck.check("pass")
    result = blank(deploycheck, "scratch", "--mine=yes")
    result.stdout.fnmatch_lines(["*verdict: *"])
    assert (deploycheck.root / "reports" / "latest" / "verdict.json").is_file()


@pytest.mark.parametrize("there", ["production", "elsewhere/production.toml"])
def test_a_path_after_a_blank_is_refused(deploycheck: Deploycheck, there: str) -> None:
    """By then it has been looked at for the configuration and the conftests of the run."""
    if there.endswith(".toml"):
        deploycheck.write(there, "")
    else:
        (deploycheck.root / there).mkdir()
    result = blank(deploycheck, there)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*--env {there}: found a path after a blank*--env={there}"])


def test_a_conftest_that_defines_env_itself_takes_its_own_words(
    pytester: pytest.Pytester,
) -> None:
    """Their option, their spelling: a path behind it is theirs."""
    pytester.makeconftest('def pytest_addoption(parser): parser.addoption("--env")\n')
    pytester.makepyfile("def test_passes(): pass")
    (pytester.path / "there").mkdir()
    result = pytester.runpytest_inprocess("--env", "there", "-p", "no:randomly")
    assert result.ret == pytest.ExitCode.OK


def test_suites_have_a_place_in_the_order_of_our_tests() -> None:
    """Whatever is run with these tests, sorting them ends no run."""
    assert slowness(Path("suites/post_5min/test_others.py").absolute()) == 0
