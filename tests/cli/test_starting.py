"""`deploycheck init` writes a project that decides something, and overwrites nothing."""

from __future__ import annotations

import datetime
import re
import shlex
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from pytest_deploycheck.cli import main

_FILES = 6
_NOW = '"$(date -u +%Y-%m-%dT%H:%M:%SZ)"'


@pytest.fixture
def folder(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to begin in, where no environment variable helps."""
    for name in ("DEPLOYCHECK_ENV", "DEPLOYCHECK_RELEASE", "DEPLOYCHECK_DEPLOYED_AT"):
        monkeypatch.delenv(name, raising=False)
    return pytester.path


@pytest.fixture
def project(folder: Path) -> Path:
    """What init writes into an empty folder."""
    assert main(["init"]) == 0
    return folder / "suites"


def advised(printed: str) -> list[str]:
    """The arguments of the pytest command that init prints, with the time of now."""
    found = re.search(r"^  pytest (.*)\\\n(.*)$", printed, re.MULTILINE)
    assert found is not None, printed
    now = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"
    return shlex.split(f"{found[1]} {found[2].replace(_NOW, now)}")


@pytest.mark.parametrize("words", [[], ["checks"], ["my checks"]], ids=["suites", "named", "blank"])
@pytest.mark.parametrize("status", [200, 500])
def test_the_project_decides(
    folder: Path,
    pytester: pytest.Pytester,
    httpserver: HTTPServer,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    status: int,
) -> None:
    """By the command that is printed, and with no variable set: PROCEED when it is healthy."""
    assert main(["init", *words]) == 0
    command = advised(capsys.readouterr().out)
    httpserver.expect_request("/health").respond_with_json({"status": "healthy"}, status)
    local = folder / (words or ["suites"])[0] / "environments" / "local.toml"
    local.write_text(local.read_text().replace(":8000", f":{httpserver.port}"))
    run = pytester.runpytest_inprocess(*command, "--deploycheck-no-wait", "-p", "no:randomly")
    text = run.stdout.str() + run.stderr.str()
    assert (run.ret == 0) is (status == 200), text
    assert ("verdict: PROCEED" in text) is (status == 200), text


def test_a_second_project_breaks_none(
    folder: Path,
    pytester: pytest.Pytester,
    httpserver: HTTPServer,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first is run by its command as before, and the second by its own."""
    assert main(["init"]) == 0
    first = advised(capsys.readouterr().out)
    before = (folder / "pytest.ini").read_text()
    assert main(["init", "mine"]) == 0
    second = advised(capsys.readouterr().out)
    assert (folder / "pytest.ini").read_text() == before
    httpserver.expect_request("/health").respond_with_json({"status": "healthy"})
    for name, command in (("suites", first), ("mine", second)):
        local = folder / name / "environments" / "local.toml"
        local.write_text(local.read_text().replace(":8000", f":{httpserver.port}"))
        run = pytester.runpytest_inprocess(*command, "-p", "no:randomly")
        assert run.ret == 0, run.stdout.str() + run.stderr.str()


def test_the_command_repeats_no_default(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is so anyway is noise in the first command that somebody reads."""
    assert main(["init"]) == 0
    assert advised(capsys.readouterr().out)[:3] == ["-m", "post_5min", "--env=local"]
    assert (folder / ".gitignore").read_text().startswith("/reports/\n")


@pytest.mark.usefixtures("folder")
def test_a_project_elsewhere_says_how_every_command_finds_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a verdict advises at night names no folder: without the variable it is refused."""
    assert main(["init", "my checks"]) == 0
    found = re.search(r"^  export (\S+)=(.*)$", capsys.readouterr().out, re.MULTILINE)
    assert found is not None
    assert main(["items"]) == 4
    assert "DEPLOYCHECK_CONFIG names another" in capsys.readouterr().err
    monkeypatch.setenv(found[1], *shlex.split(found[2]))
    assert main(["items"]) == 0


def test_files_of_another_project_stay(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What git and pytest go by is the user's; the command then names the folder."""
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (folder / ".gitignore").write_text("mine\n")
    assert main(["init"]) == 0
    printed = capsys.readouterr().out
    assert advised(printed)[:3] == ["suites", "-m", "post_5min"]
    assert ".gitignore: /reports/ is to be added" in printed
    assert (folder / ".gitignore").read_text() == "mine\n"
    assert not (folder / "pytest.ini").exists()


def test_without_an_environment_its_own_are_named(project: Path, pytester: pytest.Pytester) -> None:
    """Not one that the project does not have."""
    result = pytester.runpytest_subprocess(str(project), "-p", "no:randomly")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*expected --env=NAME with one of local"])


def test_nothing_is_overwritten(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every file that is in the way is named, and none is touched."""
    capsys.readouterr()
    (project / "checklist.md").write_text("mine")
    (project / "conftest.py").unlink()
    assert main(["init"]) == 4
    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == _FILES - 1
    assert f"{Path('suites/checklist.md')}: found a file; expected none" in errors[0]
    assert (project / "checklist.md").read_text() == "mine"
    assert not (project / "conftest.py").exists()
