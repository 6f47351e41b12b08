"""What every command has in common: mistakes, paths that cannot be used, pipes that are closed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from pytest_deploycheck.cli import main

ROOT: Final = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["exlpain"], "invalid choice: 'exlpain'"),
        (["exlpain"], "; did you mean explain?"),
        (["sandbox", "strat"], "; did you mean start?"),
        (["faults", "--jsno"], "found --jsno; expected none of it; did you mean --json?"),
        (["items", "two"], "found two; expected none of it\n"),
        (["why"], "the following arguments are required: item"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_a_mistake_on_the_command_line_is_a_usage_error(
    words: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 4 as everywhere; 2 is that of an interrupted run."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 4
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["init", "{file}"],
        ["init", "/proc/x"],
        ["sandbox", "start", "--file={file}/y"],
    ],
)
def test_a_path_that_cannot_be_used_is_named(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line with the path and the reason, exit code 4, no traceback."""
    file = tmp_path / "file"
    file.write_text("mine")
    assert main([word.format(file=file) for word in words]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("deploycheck: ")
    assert file.read_text() == "mine"


def test_a_closed_pipe_is_a_quiet_end() -> None:
    """`deploycheck faults | head -1` has shown what was asked for; it is still no success."""
    command = [sys.executable, "-m", "pytest_deploycheck.cli", "faults"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    """As whoever reports a fault is asked for."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("pytest-deploycheck 0.")


def test_no_message_has_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever a command says on its way out goes through one function, which takes secrets out."""
    assert main(["baseline", "show", "--env=https://user:s3cret@host"]) == 4
    assert "s3cret" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [("doctor",), ("baseline", "show"), ("attest", "pre_deploy/compliance")],
    ids=" ".join,
)
def test_a_forgotten_environment_lists_those_there_are(
    command: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever forgot the option does not know the names by heart either."""
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("DEPLOYCHECK_ENV", raising=False)
    assert main([*command]) == 4
    expected = "--env: found nothing; expected one of production, rehearsal, sandbox, staging"
    assert expected in capsys.readouterr().err
