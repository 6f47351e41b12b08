"""The pytest plugin: asleep without an environment, else it turns a run into a decision.

Nothing but the standard library and pytest is imported until an environment is named.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Generator

import pytest

from pytest_deploycheck.plugin import options

MARKERS = (
    "pre_deploy: phase, a gate: before anything is deployed",
    "staging: phase, a gate: on the staging environment",
    "deploy: phase, a gate: the deployment itself",
    "post_5min: phase: immediate health checks, within 5 minutes of the deployment",
    "post_15min: phase: performance, within 15 minutes",
    "post_30min: phase: business functions, within 30 minutes",
    "monitoring: phase: metrics, alerts and dashboards",
    "observe_30min: phase: the 30-minute observation",
    "post_24h: phase: 24-hour follow-up, documentation and success criteria",
    "sign_off: phase: the final word of each role",
    "check(slug, *, trigger=None): the item that a test answers, and the trigger its failure means",
    "writes(text): what a check changes and how it is undone; runs only where allow_writes says so",
    "exclusive: the check runs alone, for example because it measures times under load",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Define the options that nobody else defines."""
    options.define(parser)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, None, None]:
    """Define `--env` last, and only if no conftest has: two definitions end pytest's start.

    Whatever pytest refuses from here on, an earlier verdict is not published as this run's.

    Raises:
        pytest.UsageError: pytest took the environment for a path, and has gone by it.
    """
    ours = True
    path = options.path_after_blank(early_config, args)
    try:
        yield
    finally:
        # Whoever defined it already keeps it; --deploycheck-env is always there.
        try:
            options.define_env(parser)
        except (ValueError, argparse.ArgumentError):
            ours = False
        known = early_config.known_args_namespace
        if options.is_named(known, args if ours else [], os.environ) and not known.help:
            from pytest_deploycheck.domain.errors import ConfigError
            from pytest_deploycheck.report.layout import remove_latest

            try:
                remove_latest(options.reports(early_config, known, os.environ))
            except ConfigError as error:
                raise pytest.UsageError(f"--deploycheck-reports: {error}") from error
    if path is not None and ours:
        raise pytest.UsageError(
            f"--env {path}: found a path after a blank, where pytest looks for its configuration; "
            f"write --env={path}"
        )


@pytest.hookimpl(tryfirst=True)  # pytest-html reads in its own pytest_configure where to write
def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and wake up when an environment is named."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    if options.environment_name(config, os.environ) is None or config.option.help:
        return
    from pytest_deploycheck.plugin import garbage

    with garbage.none_expected():
        from pytest_deploycheck.plugin import awake  # nothing of it is loaded while asleep

        awake.wake(config)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """Let nobody make 0 of a verdict's exit code: no plugin that forgives, and not `--fixtures`.

    Nor lose it: what another plugin cannot write (a full disk) comes after the decision.
    """
    lost: OSError | None = None
    status: object = None
    try:
        status = yield
    except OSError as error:
        lost = error
    record = config.pluginmanager.get_plugin("deploycheck-record")
    code: int = getattr(record, "exit_code", 0)
    if lost is None:
        return status or code
    if record is None or not code:
        raise lost
    record.print_decision(lost)
    return code
