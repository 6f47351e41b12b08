"""`deploycheck baseline`: what later values are compared with, recorded before a deployment."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import time
from collections.abc import Callable

from pytest_deploycheck.cli.command import Command, add_json, project_of, say_line
from pytest_deploycheck.cli.deployments import add_deployment, deployment_of, named_environment
from pytest_deploycheck.cli.instruments import Place, place_of
from pytest_deploycheck.clients.baselines import spoken_baseline
from pytest_deploycheck.clients.histories import MeasuredHistory
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.config import environment_name
from pytest_deploycheck.config.environment import Query
from pytest_deploycheck.domain.comparison import Level
from pytest_deploycheck.domain.errors import ConfigError, DeploycheckError, InstrumentError
from pytest_deploycheck.domain.events import BaselineRecorded, BaselineValue
from pytest_deploycheck.domain.ranges import longest_range_s
from pytest_deploycheck.domain.rollbacks import newest_step
from pytest_deploycheck.domain.units import spoken_duration, spoken_time, unix_seconds
from pytest_deploycheck.report import journal, layout

_LONGEST_S = 86_400.0
"""Queries that look further back are about a month, not about the moment before a deployment."""


_RELEASE = "DEPLOYCHECK_RELEASE"


class IncompleteError(DeploycheckError):
    """A value that the environment wants is not to be had; nothing was recorded."""


def _baseline(given: argparse.Namespace) -> int:
    match given.action:
        case "record":
            return _record(given)
        case "update":
            return _update(given)
        case _:
            return _show(given)


def _record(given: argparse.Namespace) -> int:
    """Record the windows that end now, or at `--until`, as those of the release that runs."""
    until_s = _until_s(given.until)
    with place_of(given) as place:
        release = given.release or _release(place)
        with _metrics(place, deployed_at_s=until_s, until_s=until_s) as metrics:
            values, spans = _measured(place, metrics.before)
        event = BaselineRecorded(
            at_s=time.time(),
            environment=place.environment.name,
            release=release,
            from_s=min(spans),
            until_s=until_s,
            values=values,
        )
    folder = layout.baselines_folder(given.reports, event.environment)
    path = journal.write_event(folder, event, name=f"baseline-{release}")
    _print(event)
    if release == os.environ.get(_RELEASE):
        say_line(
            f"note: {_RELEASE} is {release} as well; a deployment is never compared with the "
            "baseline of its own release: record it before the rollout, or give --release"
        )
    print(f"record: {path}")
    return 0


def _update(given: argparse.Namespace) -> int:
    """Record what is since the deployment: the next one is compared with it.

    Raises:
        ConfigError: It is too young for that, or was rolled back.
    """
    given.release = given.release or os.environ.get(_RELEASE)
    deployment = deployment_of(given)
    now_s = time.time()
    gone = newest_step(deployment.people(), "executed")
    if gone is not None:
        found = f"release {deployment.release}, which was rolled back at {spoken_time(gone.at_s)}"
        raise ConfigError([f"found {found}; expected one that stayed: only that is a reference"])
    with place_of(given) as place:
        earliest_s = place.policy.phases["post_24h"].earliest_s or 0.0
        if now_s < deployment.deployed_at_s + earliest_s:
            since = spoken_duration(now_s - deployment.deployed_at_s)
            expected = f"at least {spoken_duration(earliest_s)}: only then is it a good reference"
            found = f"found release {deployment.release} deployed {since} ago"
            raise ConfigError([f"{found}; expected {expected}"])
        with _metrics(place, deployed_at_s=deployment.deployed_at_s, until_s=now_s) as metrics:
            values, spans = _measured(place, metrics.history)
        event = BaselineRecorded(
            at_s=now_s,
            environment=place.environment.name,
            release=deployment.release,
            from_s=max(min(spans), deployment.deployed_at_s),
            until_s=now_s,
            values=values,
        )
    name = f"baseline-{deployment.release}"
    path = deployment.write(event, name=name)
    journal.write_event(layout.baselines_folder(given.reports, event.environment), event, name=name)
    _print(event)
    print(f"record: {path}")
    return 0


def _show(given: argparse.Namespace) -> int:
    project = project_of(given)
    name = environment_name(named_environment(given, project), project)
    found = [
        event
        for event in journal.read_events(layout.baselines_folder(given.reports, name))
        if isinstance(event, BaselineRecorded) and given.release in (None, event.release)
    ]
    found.sort(key=lambda event: event.until_s)
    if given.json:
        print(json.dumps([dataclasses.asdict(event) for event in found], indent=1))
        return 0
    if not found:
        say_line(f"found no baseline in {name}; deploycheck baseline record makes one")
    for event in found:
        _print(event)
    return 0


def _measured(
    place: Place, ask: Callable[[str], MeasuredHistory]
) -> tuple[tuple[BaselineValue, ...], list[float]]:
    """Return the values, and when the samples of each began; say what has none.

    Raises:
        IncompleteError: A value that the environment wants is missing.
    """
    values, begun_s, missing = [], [], []
    wanted = place.environment.baseline
    for name, query in place.environment.queries.items():
        if name not in wanted and not _is_of_the_moment(query):
            continue
        try:
            found = ask(name)
        except InstrumentError as error:
            if name in wanted:
                missing.append(str(error))
            else:
                say_line(f"left out: {error}")
            continue
        level = Level.of(found.history.value)
        begun_s.append(found.history.at_s[0])
        values.append(
            BaselineValue(
                name=name,
                value=level.median,
                unit=found.unit,
                samples=level.samples,
                spread=level.mad,
            )
        )
    missing += [
        f"baseline: found {name}, which is no query; expected one of [prometheus.queries]"
        for name in wanted
        if name not in place.environment.queries
    ]
    if not values and not missing:
        missing.append("no query has a value")
    if missing:
        raise IncompleteError("\n".join([*missing, "nothing was recorded"]))
    return tuple(values), begun_s


def _is_of_the_moment(query: Query) -> bool:
    ranges_s = (query.window_s, longest_range_s(query.query) or 0.0)
    return max(ranges_s) <= _LONGEST_S


def _metrics(place: Place, *, deployed_at_s: float, until_s: float) -> contextlib.closing[Metrics]:
    settings = place.environment.prometheus.model_copy(update={"compare_with": "before"})
    return contextlib.closing(
        Metrics(
            settings,
            user_agent=place.environment.user_agent,
            deployed_at_s=deployed_at_s,
            clock=lambda: max(until_s, time.time()),
        )
    )


def _release(place: Place) -> str:
    from pytest_deploycheck.clients.cluster import Cluster

    try:
        client = Cluster(place.environment.cluster, user_agent=place.environment.user_agent)
        with contextlib.closing(client):
            return client.release()
    except DeploycheckError as error:
        found = f"found nothing, and the cluster does not say which release runs: {error}"
        raise ConfigError([f"--release: {found}; expected the one that runs now"]) from error


def _until_s(text: str | None) -> float:
    if text is None:
        return time.time()
    try:
        until_s = unix_seconds(text)
    except ValueError as error:
        raise ConfigError([f"--until: found {text!r}; {error}"]) from None
    if until_s > time.time():
        raise ConfigError(
            [f"--until: found {spoken_time(until_s)}, which is ahead; expected a time by now"]
        )
    return until_s


def _print(event: BaselineRecorded) -> None:
    for line in spoken_baseline(event):
        say_line(line)


def _define(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("record", "show", "update"),
        help="before a deployment, at any time, after its 24-hour phase",
    )
    add_deployment(parser)
    # What is deployed next is not what runs: the variable of the pipeline counts for `update` only.
    parser.set_defaults(release=None)
    parser.add_argument(
        "--until", metavar="TIME", help="record: end of the windows, ISO 8601 (default: now)"
    )
    add_json(parser)


COMMANDS = (
    Command(
        name="baseline",
        help="record, show or update the values that a deployment is compared with",
        define=_define,
        run=_baseline,
    ),
)
