"""What a run is about: one release in one environment, with its checklist and policy."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import pytest

from pytest_deploycheck.clients import rates
from pytest_deploycheck.clients.evidence import register_secrets
from pytest_deploycheck.config import (
    Environment,
    Project,
    environment_of,
    load_project,
    planned_limits,
    planned_queries,
    policy_for,
    project_folder,
    read_draft,
    weaker,
)
from pytest_deploycheck.domain.confirmation import Pace
from pytest_deploycheck.domain.errors import ConfigError, DeploycheckError
from pytest_deploycheck.domain.items import GATES, PHASES
from pytest_deploycheck.domain.lint import problems_of
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.selection import selected_phases
from pytest_deploycheck.domain.units import spoken_duration, spoken_time
from pytest_deploycheck.plugin.options import Options, variable
from pytest_deploycheck.report import layout

_T = TypeVar("_T")


class RunClock:
    """Unix seconds as they go on from the start of the run, whoever sets the system's clock.

    A clock that is set would make two bad samples a long breach, or put the next one off for hours.
    """

    def __init__(self) -> None:
        """Begin with the system's time."""
        self._ahead_s = time.time() - time.monotonic()

    def __call__(self) -> float:
        """Return the time."""
        return time.monotonic() + self._ahead_s

    @property
    def drift_s(self) -> float:
        """By how much the system's clock was set since the start of the run."""
        return time.time() - self()


def distributed(config: pytest.Config) -> bool:
    """Say whether xdist runs the tests in other processes, however it was asked to."""
    return bool(
        config.getoption("numprocesses", None)
        or config.getoption("tx", None)
        or config.getoption("dist", "no") != "no"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployment:
    """Everything that is settled before the first check runs."""

    options: Options
    project: Project
    environment: Environment
    policy: Policy
    phases: tuple[str, ...]
    release: str
    deployed_at_s: float
    started_at_s: float
    run: str
    """Unique among runs; xdist's workers have it from the controlling process."""
    pace: Pace | None
    clock: RunClock
    environment_sha256: str
    """Of the environment as it is written."""
    weakened: tuple[str, ...]
    """What it lets pass that its base or the policy does not."""

    @property
    def folder(self) -> Path:
        """Where the record of this deployment is kept."""
        return layout.deployment_folder(
            self.options.reports, self.environment.name, self.release, self.deployed_at_s
        )


#: Where a worker of xdist finds the id of the run.
RUN: Final = "deploycheck_run"

#: Set by `deploycheck sandbox`, which serves several commands, or by this plugin for one run.
_RUNNING: Final = "DEPLOYCHECK_SANDBOX_API_URL"

#: How far the clocks of the cluster, of whoever started the rollout, and ours may be apart.
_SKEW_S: Final = 60.0

#: The deployment that this run verifies; absent while the plugin sleeps.
DEPLOYMENT = pytest.StashKey[Deployment]()


def settle(
    config: pytest.Config,
    options: Options,
    mistakes: Sequence[str],
    undo: contextlib.ExitStack,
    *,
    worker: bool,
) -> Deployment:
    """Read everything, start the sandbox if the environment is one, and ask what is deployed.

    Args:
        config: For the root folder and the `-m` expression.
        options: As read from the command line.
        mistakes: What was wrong with them; told with whatever else is wrong.
        undo: Gets whatever has to be undone when the run is over.
        worker: Of xdist: the controlling process has done the asking, and waits are not its own.

    Raises:
        pytest.UsageError: Something of it cannot be used; nothing has run or been written.
    """
    problems = [*mistakes, *_idle_watch(config, options)]
    phases = _noted(problems, lambda: _phases(config))
    root = options.config or config.rootpath / "suites"
    folder = _noted(problems, lambda: project_folder(root))
    project = draft = environment = None
    if folder is not None:
        project = _noted(problems, lambda: load_project(folder))
        draft = _noted(problems, lambda: read_draft(options.env, folder / "environments"))
    if draft is not None:
        if draft.is_rehearsal:
            rehearsing = _noted(problems, lambda: _rehearse(options, undo, worker=worker))
        else:
            problems += _faults_of_a_real_platform(options)
            rehearsing = True
        if rehearsing:  # or the variables of its addresses are missing, every one of them
            environment = _noted(problems, lambda: environment_of(draft, project, os.environ))
    if phases is None or project is None or draft is None or environment is None:
        raise pytest.UsageError("\n".join(problems))
    policy = policy_for(project.policy, environment)
    problems += _idle_gates(policy, environment, options)
    if options.watch_s is not None and not policy.triggers:
        problems.append(
            "found --deploycheck-watch, and no trigger in the policy; expected one: only checks "
            "that name a trigger are watched"
        )
    problems += _ahead(options.deployed_at_s, phases)
    if problems:
        raise pytest.UsageError("\n".join(problems))
    register_secrets(draft.secret_names(), os.environ)
    rates.share(getattr(config, "workerinput", {}).get("workercount", 1))
    release, deployed_at_s = _deployed(options, environment, undo)
    if problems := _ahead(deployed_at_s, phases):
        raise pytest.UsageError("\n".join(problems))
    alone = worker or options.no_wait or distributed(config)
    clock = RunClock()
    return Deployment(
        options=options,
        project=project,
        environment=environment,
        policy=policy,
        phases=phases,
        release=release,
        deployed_at_s=deployed_at_s,
        started_at_s=clock(),
        clock=clock,
        environment_sha256=draft.sha256,
        weakened=tuple(weaker(draft, project.policy, os.environ)),
        run=options.shard.run
        if options.shard
        else getattr(config, "workerinput", {}).get(RUN) or secrets.token_hex(6),
        pace=None
        if alone
        else Pace(
            interval_s=options.interval_s or policy.interval_s,
            settle_s=policy.settle_s,
        ),
    )


def _noted(problems: list[str], read: Callable[[], _T]) -> _T | None:
    """Return what is read; None with its *problems* noted, so that the next are found as well."""
    try:
        return read()
    except ConfigError as error:
        problems += error.problems
        return None


def _phases(config: pytest.Config) -> tuple[str, ...]:
    """Return the phases that are selected.

    Raises:
        ConfigError: None is, or the `-m` expression is none.
    """
    expression = config.getoption("markexpr", "")
    markers = {re.split(r"\W", line, maxsplit=1)[0] for line in config.getini("markers")}
    try:
        phases = selected_phases(expression, markers)
    except ValueError as error:
        raise ConfigError([str(error)]) from error
    if not phases:
        expected = f"an expression that can be true for one of {', '.join(PHASES)}"
        raise ConfigError([f"-m {expression!r} selects no phase; expected {expected}"])
    return phases


def _idle_gates(policy: Policy, environment: Environment, options: Options) -> list[str]:
    """Return what could never fail, as far as that can be told without asking anybody."""
    asked = dataclasses.replace(policy, interval_s=options.interval_s or policy.interval_s)
    return problems_of(
        asked,
        named=policy.triggers,  # which checks there are, `deploycheck doctor` knows
        queries=planned_queries(environment),
        limits=planned_limits(policy),
    )


def _idle_watch(config: pytest.Config, options: Options) -> list[str]:
    """Say what keeps a watch from being kept: it is over all checks at once, in one process."""
    against = {
        "--deploycheck-no-wait": options.no_wait,
        "xdist": distributed(config),
        "--deploycheck-concurrency=1": options.concurrency == 1,
        "--pdb": config.getoption("usepdb", default=False),
        "--trace": config.getoption("trace", default=False),
    }
    found = [name for name, given in against.items() if given]
    if options.watch_s is None or not found:
        return []
    why = "the checks are sampled side by side, again and again"
    return [f"found --deploycheck-watch with {' and '.join(found)}; expected it without: {why}"]


def _ahead(deployed_at_s: float | None, phases: Collection[str]) -> list[str]:
    """Say that a rollout which is still to begin has nothing to verify; gates come before it."""
    ahead_s = (deployed_at_s or 0.0) - time.time()
    if ahead_s <= _SKEW_S or GATES.issuperset(phases):
        return []
    gates = ", ".join(phase for phase in PHASES if phase in GATES)
    found = f"found {spoken_time(time.time() + ahead_s)}, {spoken_duration(ahead_s)} ahead"
    expected = f"expected a rollout that has begun: only the gates ({gates}) come before it"
    return [f"deployed_at: {found}; {expected}"]


def _faults_of_a_real_platform(options: Options) -> list[str]:
    """Say that nothing is broken in a platform that is none of ours."""
    if not options.faults:
        return []
    found = f"--deploycheck-fault={options.faults[0]} --env={options.env}"
    return [f"found {found}; faults are for --env=sandbox only"]


def _rehearse(options: Options, undo: contextlib.ExitStack, *, worker: bool) -> bool:
    """Start the embedded platform, unless it runs; return that it does.

    Raises:
        ConfigError: A fault is asked for that does not exist, or that comes too late.
    """
    if worker:  # it finds the addresses in the variables of the controlling process
        return True
    if os.environ.get(_RUNNING):
        if options.faults:
            found = f"--deploycheck-fault={options.faults[0]}"
            raise ConfigError(
                [f"found {found}, but a sandbox runs already; expected deploycheck sandbox switch"]
            )
        return True
    from pytest_deploycheck import sandbox  # only who rehearses pays for it

    platform = sandbox.start(options.faults)
    undo.callback(platform.stop)
    _export(platform.variables, undo)
    return True


def _export(variables: Mapping[str, str], undo: contextlib.ExitStack) -> None:
    """Set environment variables, for the files that name them and for xdist's workers."""
    for name, value in variables.items():
        before = os.environ.get(name)
        os.environ[name] = value
        if before is None:
            undo.callback(os.environ.pop, name, None)
        else:
            undo.callback(os.environ.__setitem__, name, before)


def _deployed(
    options: Options, environment: Environment, undo: contextlib.ExitStack
) -> tuple[str, float]:
    """Return release and start of the rollout, from the options or else from the cluster.

    Raises:
        pytest.UsageError: Neither says so.
    """
    release, deployed_at_s = options.release, options.deployed_at_s
    if release is None or deployed_at_s is None:
        from pytest_deploycheck.clients.cluster import Cluster

        try:
            cluster = Cluster(environment.cluster, user_agent=environment.user_agent)
            with contextlib.closing(cluster):
                release = release or cluster.release()
                deployed_at_s = cluster.deployed_at_s() if deployed_at_s is None else deployed_at_s
        except DeploycheckError as error:
            release = release or environment.release
            if deployed_at_s is None:
                deployed_at_s = environment.deployed_at_s
            if release is None or deployed_at_s is None:
                raise pytest.UsageError(
                    f"the cluster does not say what is deployed: {error}; "
                    "give --deploycheck-release and --deploycheck-deployed-at"
                ) from error
    # The workers of xdist ask nobody: they read it here.
    _export({variable("release"): release, variable("deployed-at"): _iso(deployed_at_s)}, undo)
    return release, deployed_at_s


def later_than_the_rollout(settled: Deployment) -> list[str]:
    """Return what forbids PROCEED: the option has the rollout begin later than it did.

    Nothing would look at the minutes in between, the worst of a bad release. Gates come before the
    rollout, and where the cluster does not tell, the option stands.
    """
    given_s, settings = settled.options.deployed_at_s, settled.environment.cluster_or_none
    if given_s is None or settings is None or GATES.issuperset(settled.phases):
        return []
    if not any(workload.released for workload in settings.workloads):
        return []
    from pytest_deploycheck.clients.cluster import Cluster

    cluster = Cluster(settings, user_agent=settled.environment.user_agent)
    try:
        with contextlib.closing(cluster):
            began_s = cluster.deployed_at_s()
    except DeploycheckError:
        return []
    if given_s - began_s <= _SKEW_S:
        return []
    early = f"{spoken_time(began_s)}, {spoken_duration(given_s - began_s)} earlier"
    found = f"found {spoken_time(given_s)}, but the rollout in the cluster began at {early}"
    wanted = f"run it again with --deploycheck-deployed-at={_iso(began_s)}"
    return [f"deployed_at: {found}, and nothing looked at what was in between; {wanted}"]


def _iso(at_s: float) -> str:
    import datetime

    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).isoformat()


def operator() -> str:
    """Return who runs this, as the operating system or the CI system has it."""
    names = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME")
    try:
        account = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number that nobody has
        account = f"uid {os.getuid()}"
    return next((os.environ[name] for name in names if os.environ.get(name)), account)


def shown(path: Path, start: Path) -> str:
    """Return *path* relative to *start* when it lies below, for people to read."""
    return str(path.relative_to(start)) if path.is_relative_to(start) else str(path)
