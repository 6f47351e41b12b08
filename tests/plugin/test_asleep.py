"""Without an environment the plugin changes nothing in anyone's test run."""

from __future__ import annotations

import re

import pytest

TESTS = """
import pytest
def test_passes(): print("hello")
@pytest.mark.parametrize("x", [1, 2])
def test_params(x): assert x == 1
@pytest.fixture
def api(): return 7
def test_own_fixture_of_the_same_name(api): assert api == 7
@pytest.mark.skip
def test_skipped(): pass
class TestClass:
    def test_method(self): raise ValueError
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An unrelated project."""
    monkeypatch.delenv("DEPLOYCHECK_ENV", raising=False)
    pytester.makepyfile(TESTS)
    return pytester


def printed(result: pytest.RunResult) -> list[str]:
    """The output without times, addresses and the list of plugins."""
    lines = [re.sub(r"\d+\.\d+s|0x[0-9a-f]+", "", line) for line in result.outlines]
    return [line.strip("= ") for line in lines if not line.startswith(("plugins:", "metadata:"))]


@pytest.mark.parametrize("args", [("-q",), ("-v", "-rA"), ("--collect-only", "-q")])
def test_an_unrelated_run_is_what_it_was(project: pytest.Pytester, args: tuple[str, ...]) -> None:
    """The same is collected, run and printed with the plugin and without it."""
    common = ("-p", "no:randomly", "-p", "no:cacheprovider", *args)
    with_it = project.runpytest_subprocess(*common)
    without = project.runpytest_subprocess(*common, "-p", "no:deploycheck")
    assert printed(with_it) == printed(without)
    assert with_it.ret == without.ret
    assert not (project.path / "reports").exists()


def test_a_conftest_may_define_env_itself(project: pytest.Pytester) -> None:
    """Two definitions would end pytest's start; theirs stays, ours has a longer name too."""
    project.makeconftest(
        'def pytest_addoption(parser):\n    parser.addoption("--env", default="theirs")\n'
        "import pytest\n@pytest.fixture\ndef env(request):\n"
        '    return request.config.getoption("--env")\n'
    )
    project.makepyfile('def test_env(env): assert env == "mine"')
    assert project.runpytest_inprocess("--env=mine", "-p", "no:randomly").ret == pytest.ExitCode.OK


def test_the_markers_are_documented(project: pytest.Pytester) -> None:
    """`pytest --markers` has all phases, and check, writes and exclusive."""
    text = project.runpytest_inprocess("--markers").stdout.str()
    for name in ("pre_deploy", "post_5min", "sign_off", "check(slug", "writes(text)", "exclusive"):
        assert f"@pytest.mark.{name}" in text


def test_the_options_are_documented(project: pytest.Pytester) -> None:
    """`pytest --help` has --env and every option with its environment variable."""
    text = project.runpytest_inprocess("--help").stdout.str()
    assert "--env=NAME" in text
    for name in ("RELEASE", "DEPLOYED_AT", "CONFIG", "REPORTS", "NO_WAIT", "WATCH", "FAULT"):
        assert f"DEPLOYCHECK_{name}" in text
