"""`deploycheck backtest`: what each trigger would have done over recorded history."""

from __future__ import annotations

import argparse
import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

from pytest_deploycheck.cli.command import Command, add_json, say_line
from pytest_deploycheck.cli.deployments import add_environment, required
from pytest_deploycheck.cli.instruments import Place, place_of
from pytest_deploycheck.clients.histories import MeasuredHistory
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.config.problems import unknown
from pytest_deploycheck.domain.backtest import Backtest, Episode, backtest
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.events import Measurement
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.policy import Trigger
from pytest_deploycheck.domain.rolling import growths, increases
from pytest_deploycheck.domain.units import duration_s, spoken_duration, spoken_time, unix_seconds
from pytest_deploycheck.report.verdict import iso

#: As pytest's: what was asked for could not be shown.
_NOT_SHOWN = 1


def _backtest(given: argparse.Namespace) -> int:
    now_s = time.time()
    from_s = _moment("--from", required(given.from_, "--from", "when the history begins"), now_s)
    until_s = _moment("--to", given.to, now_s) if given.to else now_s
    if not from_s < until_s <= now_s:
        given_times = f"{spoken_time(from_s)} and {spoken_time(until_s)}"
        raise ConfigError(
            [f"--from, --to: found {given_times}; expected two times of the past in order"]
        )
    rows, shown, tested = [], True, False
    with place_of(given) as place, _metrics(place) as metrics:
        for trigger in _chosen(given.trigger, place):
            measurements = list(_measurements(trigger, place, metrics, from_s, until_s))
            found = backtest(trigger, measurements)
            shown = shown and not (measurements and found.empty)
            tested = tested or not found.empty
            if given.json:
                rows.append(_row(found, measurements))
            else:
                for line in _lines(found, measurements):
                    say_line(line)
    if given.json:
        print(json.dumps(rows, indent=1))
    return 0 if shown and tested else _NOT_SHOWN


def _chosen(names: list[str], place: Place) -> list[Trigger]:
    """Return the triggers that are asked for, all without a name.

    Raises:
        ConfigError: The policy does not have one, or no query tells how long it is breached.
    """
    known = place.policy.triggers
    judged = _judged(place)
    problems = [
        f"--trigger: {unknown(name, known, what='a trigger')}"
        if name not in known
        else f"--trigger: found {name}, which no query judges; expected one of {', '.join(judged)}"
        for name in names
        if name not in judged
    ]
    if problems:
        raise ConfigError(problems)
    return [trigger for name, trigger in known.items() if not names or name in names]


def _judged(place: Place) -> list[str]:
    """Return the triggers whose duration any query of the environment tells."""
    queries = place.environment.queries.values()
    return sorted({name for q in queries for name in (*q.triggers, *q.increases, *q.growths)})


def _measurements(
    trigger: Trigger, place: Place, metrics: Metrics, from_s: float, until_s: float
) -> Iterator[Measurement]:
    """Yield the history of each query that judges *trigger*, as it judges it."""
    limits = place.policy.limits
    for name, query in place.environment.queries.items():
        if trigger.id in query.triggers:
            past = metrics.past(name, from_s, until_s)
            yield _measurement(past, past.history, limits[query.triggers[trigger.id]], past.unit)
        if trigger.id in query.increases:
            past = metrics.past(name, from_s - 2 * query.window_s, until_s)
            grown = increases(past.history, window_s=query.window_s).since(from_s)
            yield _measurement(past, grown, limits[query.increases[trigger.id]], "ratio")
        if trigger.id in query.growths:
            past = metrics.past(name, from_s - query.window_s, until_s)
            step_s = min(trigger.max_gap_s, query.window_s / 10)
            grown = growths(past.history, window_s=query.window_s, step_s=step_s).since(from_s)
            yield _measurement(past, grown, limits[query.growths[trigger.id]], "ratio")


def _measurement(past: MeasuredHistory, history: History, limit: float, unit: str) -> Measurement:
    return Measurement(
        name=past.name,
        value=history.latest if len(history) else limit,
        unit=unit,
        limit=limit,
        worse=past.worse,
        history=history,
        query=past.query,
    )


def _lines(found: Backtest, measurements: list[Measurement]) -> Iterator[str]:
    trigger = found.trigger
    head = f"{trigger.id} ({trigger.severity.value}, hold {spoken_duration(trigger.hold_s)})"
    if not measurements:
        yield f"{head}: no query tells how long it is breached; there is no history to run it over"
        return
    if found.empty:
        names = ", ".join(measurement.name for measurement in measurements)
        yield f"{head}: found no sample of {names}; that shows nothing"
        return
    count = sum(len(m.history) for m in measurements if m.history)
    pending = len(found.episodes) - len(found.fired)
    unknown_s = f", unknown for {spoken_duration(found.unknown_s)}" if found.unknown_s else ""
    yield f"{head}: fired {len(found.fired)}, only pending {pending}{unknown_s}, {count} samples"
    for episode in found.episodes:
        yield f"  {_spoken(episode)}"


def _spoken(episode: Episode) -> str:
    fired = f"FIRING {spoken_time(episode.fired_s)}" if episode.fired_s is not None else "not fired"
    lasted = spoken_duration(episode.until_s - episode.pending_s)
    end = "ended" if episode.told else "or longer, the data ended"
    return f"PENDING {spoken_time(episode.pending_s)}, {fired}, {lasted} {end}"


def _row(found: Backtest, measurements: list[Measurement]) -> dict[str, Any]:
    return {
        "trigger": found.trigger.id,
        "severity": found.trigger.severity.value,
        "hold_s": found.trigger.hold_s,
        "queries": [
            {"name": m.name, "limit": m.limit, "samples": len(m.history) if m.history else 0}
            for m in measurements
        ],
        "unknown_s": found.unknown_s,
        "episodes": [
            {
                "pending_at": iso(episode.pending_s),
                "fired_at": None if episode.fired_s is None else iso(episode.fired_s),
                "until": iso(episode.until_s),
                "told": episode.told,
            }
            for episode in found.episodes
        ],
    }


def _metrics(place: Place) -> contextlib.closing[Metrics]:
    client = Metrics(
        place.environment.prometheus,
        user_agent=place.environment.user_agent,
        deployed_at_s=0.0,
    )
    return contextlib.closing(client)


def _moment(option: str, text: str, now_s: float) -> float:
    """Read a time, or how long ago it was."""
    try:
        return now_s - duration_s(text)
    except ValueError:
        pass
    try:
        return unix_seconds(text)
    except ValueError as error:
        raise ConfigError(
            [f"{option}: found {text!r}; {error}, or how long ago, for example 168h"]
        ) from None


def _define(parser: argparse.ArgumentParser) -> None:
    add_environment(parser)
    parser.add_argument(
        "--from",
        dest="from_",
        metavar="TIME",
        help="begin, ISO 8601 with a zone or how long ago, for example 168h",
    )
    parser.add_argument("--to", metavar="TIME", help="end, in the same way (default: now)")
    parser.add_argument(
        "--trigger",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one; repeatable (default: all)",
    )
    add_json(parser)


COMMANDS = (
    Command(
        name="backtest",
        help="run the policy's triggers over what Prometheus has recorded",
        define=_define,
        run=_backtest,
    ),
)
