"""What a run's exit code is, and what of its command line forbids PROCEED."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.words import Verdict

#: What pytest exits with when all tests had their turn.
_COMPLETE = frozenset(
    {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED}
)
#: Settings that say which files and functions are tests at all.
_COLLECTION = frozenset(
    {
        "collect_imported_tests",
        "norecursedirs",
        "python_classes",
        "python_files",
        "python_functions",
        "testpaths",
    }
)


def interrupted(pytest_status: int, *, collection_failed: bool) -> bool:
    """Say whether the run ended before its end.

    Args:
        pytest_status: What pytest itself would exit with.
        collection_failed: pytest's 2 means that, not an interruption.
    """
    if collection_failed and pytest_status == pytest.ExitCode.INTERRUPTED:
        return False
    return pytest_status not in _COMPLETE


def exit_status(decision: Decision, pytest_status: int, *, collection_failed: bool) -> int:
    """Return the process's exit code; see `interrupted`."""
    if pytest_status == pytest.ExitCode.INTERNAL_ERROR:
        return pytest_status
    if decision.verdict is not Verdict.ROLLBACK and interrupted(
        pytest_status, collection_failed=collection_failed
    ):
        return pytest_status
    return decision.exit_code


def narrowing(config: pytest.Config, suites: Path) -> list[str]:
    """Return a problem for each option that may hide checks before the ledger can see them.

    Args:
        config: With the arguments.
        suites: The folder with the checklist, and mostly all of its checks.
    """
    named = [argument for argument in config.args if "::" in argument]
    if not named and not _whole(config, suites):
        named = config.args
    problems = [f"only {', '.join(named)} was collected: the phase's other checks are unknown"]
    problems = problems if named else []
    for option in ("ignore", "ignore_glob", "lf"):
        if config.getoption(option, None):
            problems.append(f"--{option.replace('_', '-')} hides checks from the collection")
    for setting in config.option.override_ini or ():
        if setting.partition("=")[0].strip() in _COLLECTION:
            problems.append(f"-o {setting} hides checks from the collection")
    return problems


def _whole(config: pytest.Config, suites: Path) -> bool:
    """Say whether all of *suites* was collected, or what the project itself calls its tests."""
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        return True
    given = [(config.invocation_params.dir / argument).resolve() for argument in config.args]
    return any(map(suites.resolve().is_relative_to, given)) or not any(suites.rglob("*.py"))
