"""Alertmanager, by its API of version 2: in the checks that are about it, the subject."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final
from urllib.parse import quote, urlencode

import httpx
from pydantic import Field

from pytest_deploycheck.clients.alerts_routing import Configuration, Matcher, configuration_of
from pytest_deploycheck.clients.monitoring_api import JsonApi
from pytest_deploycheck.clients.shapes import Shape
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError

ID: Final = "deploycheck_id"
"""The label that makes a test alert unique."""
#: By whether it is equal, and by an expression.
_TESTS: Final = {
    (True, False): "=",
    (False, False): "!=",
    (True, True): "=~",
    (False, True): "!~",
}
_COUNTER: Final = re.compile(r"^(\w+)\{([^}]*)\}\s+(\S+)", re.MULTILINE)
#: Each try; a notification that is tried again and again has not failed yet.
_TOTAL: Final = "alertmanager_notification_requests_total"
_FAILED: Final = "alertmanager_notification_requests_failed_total"


class _Cluster(Shape):
    status: str


class _Config(Shape):
    original: str


class _Status(Shape):
    cluster: _Cluster
    config: _Config


class _Receiver(Shape):
    name: str


class _State(Shape):
    state: str


class _Alert(Shape):
    labels: dict[str, str]
    receivers: list[_Receiver]
    status: _State


class _Matcher(Shape):
    name: str
    value: str
    is_regex: bool = Field(default=False, alias="isRegex")
    is_equal: bool = Field(default=True, alias="isEqual")


class _Silence(Shape):
    id: str
    status: _State
    matchers: list[_Matcher]
    ends: str = Field(alias="endsAt")
    by: str = Field(default="", alias="createdBy")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Silence:
    """One that is in force: nobody is told of an alert that all its matchers fit."""

    id: str
    matchers: tuple[Matcher, ...]
    ends: str
    by: str

    def hides(self, labels: Mapping[str, str]) -> bool:
        """Say whether nobody would be told of an alert with *labels*."""
        return all(matcher.fits(labels) for matcher in self.matchers)

    def __str__(self) -> str:
        """Say whose it is, for a message."""
        return f"silence {self.id} of {self.by or 'nobody'}, until {self.ends}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of a test alert."""

    id: str
    state: str
    """`active`, or `suppressed` by a silence or another alert; empty: it was never seen."""
    receivers: tuple[str, ...]
    """Whom Alertmanager means it for."""
    arrived: bool
    took_s: float
    """Until it arrived, or until waiting ended."""

    def __str__(self) -> str:
        """Say what became of it, for a message."""
        means = ", ".join(self.receivers) or "nobody"
        end = f"{'arrived' if self.arrived else 'not arrived'} after {self.took_s:.1f} s"
        return f"alert {self.id}: {self.state or 'unknown'}, for {means}, {end}"


class Alerts:
    """Asks Alertmanager; opened without I/O, safe to use from many threads.

    Args:
        settings: The environment's `[alertmanager]`.
        user_agent: Who we say we are.
        clock: Unix seconds.
        sleep: Waits for that many seconds.
        transport: Replaces the wire, in tests.
    """

    def __init__(
        self,
        settings: environment.Alertmanager,
        *,
        user_agent: str,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.expected = settings
        self._clock = clock
        self._sleep = sleep
        self._api = JsonApi(settings, source="alerts", user_agent=user_agent, transport=transport)
        sink = settings.test.sink
        self._sink = (
            None
            if sink is None
            else JsonApi(
                sink,
                source="alerts",
                user_agent=user_agent,
                blame=InstrumentError,
                transport=transport,
            )
        )

    def ready(self) -> str:
        """Return the state of its cluster, `ready` or `disabled` (alone), once it serves.

        Raises:
            SubjectError: No usable answer.
        """
        self._api.ask("/-/ready")
        return self._status().cluster.status

    def configuration(self) -> Configuration:
        """Return the routes and receivers that it has loaded.

        Raises:
            SubjectError: No usable answer.
            InstrumentError: An answer of another shape.
        """
        return configuration_of(self._status().config.original)

    def firing(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Return the names of active alerts with *labels*; a silenced one is none.

        Raises:
            SubjectError: No usable answer.
        """
        found = self._alerts(labels)
        return tuple(
            one.labels.get("alertname", "?") for one in found if one.status.state == "active"
        )

    def silences(self) -> tuple[Silence, ...]:
        """Return every silence that is in force.

        Raises:
            SubjectError: No usable answer.
        """
        found = self._api.read("/api/v2/silences", list[_Silence], "a list of silences")
        return tuple(
            Silence(id=one.id, matchers=_matchers(one.matchers), ends=one.ends, by=one.by)
            for one in found
            if one.status.state == "active"
        )

    def send_test(self) -> Delivery:
        """Send a test alert, wait until it has arrived or its time is over, and end it.

        Where no sink shows what arrived, it has when Alertmanager has sent a notification that can
        only be the test's.

        Raises:
            SubjectError: Alertmanager does not answer or take it.
            InstrumentError: The sink does not answer; without one, Alertmanager does not count the
                test's notifications apart from others.
        """
        test = self.expected.test
        counted = self._counted_by() if self._sink is None else ""
        before = self._sent(counted) if counted else 0.0
        name, begun_s = secrets.token_hex(6), self._clock()
        self._post(name, begun_s, begun_s + test.life_s)
        try:
            while True:
                delivery = self._delivery(name, begun_s, counted, before)
                if delivery.arrived or delivery.took_s >= test.within_s:
                    return delivery
                self._sleep(test.poll_s)
        finally:
            self._post(name, begun_s, self._clock())

    def close(self) -> None:
        """Close every connection."""
        self._api.close()
        if self._sink is not None:
            self._sink.close()

    def _status(self) -> _Status:
        return self._api.read("/api/v2/status", _Status, "Alertmanager's status")

    def _alerts(self, labels: Mapping[str, str]) -> list[_Alert]:
        filters = urlencode([("filter", f'{label}="{text}"') for label, text in labels.items()])
        return self._api.read(f"/api/v2/alerts?{filters}", list[_Alert], "a list of alerts")

    def _post(self, name: str, starts_s: float, ends_s: float) -> None:
        alert = {
            "labels": {**self.expected.test.labels, ID: name},
            "annotations": {"summary": "A test of the way that alerts take; nothing is wrong."},
            "startsAt": _iso(starts_s),
            "endsAt": _iso(ends_s),
        }
        self._api.ask("/api/v2/alerts", method="POST", body=[alert])

    def _delivery(self, name: str, begun_s: float, counted: str, before: float) -> Delivery:
        seen = self._alerts({ID: name})
        return Delivery(
            id=name,
            state=seen[0].status.state if seen else "",
            receivers=tuple(one.name for one in seen[0].receivers) if seen else (),
            arrived=self._sent(counted) > before if counted else self._arrived(name),
            took_s=self._clock() - begun_s,
        )

    def _arrived(self, name: str) -> bool:
        """Say whether the sink has it."""
        sink = self.expected.test.sink
        if sink is None or self._sink is None:
            return False
        answer = self._sink.ask(sink.path.replace("{id}", quote(name)))
        found = answer.value(sink.found)
        if not isinstance(found, list):
            raise InstrumentError(f"{answer.url}: expected a list at {sink.found!r}")
        return any(name in str(one) for one in found)

    def _counted_by(self) -> str:
        """Return the label that only counters of the test's notifications have.

        Alertmanager counts by receiver only when it is told to; else by kind of integration, which
        is as good where no other receiver has one of that kind.
        """
        test = self.expected.test
        by_receiver = f'receiver_name="{test.receiver}"'
        if by_receiver in self._api.ask("/metrics").text:
            return by_receiver
        others = [
            name
            for name, kinds in self.configuration().receivers.items()
            if name != test.receiver and test.integration in kinds
        ]
        if others:
            raise InstrumentError(
                f"found notifications by {test.integration} of {', '.join(others)} counted with "
                f"those of {test.receiver}, expected its own alone: name a sink in "
                "[alertmanager.test.sink], or start Alertmanager with "
                "--enable-feature=receiver-name-in-metrics"
            )
        return f'integration="{test.integration}"'

    def _sent(self, label: str) -> float:
        """Return how many notifications of *label* have left and not failed."""
        counted = dict.fromkeys((_TOTAL, _FAILED), 0.0)
        told = False
        for counter, labels, value in _COUNTER.findall(self._api.ask("/metrics").text):
            if counter in counted and label in labels:
                counted[counter] += float(value)
                told = True
        if not told:
            raise SubjectError(f"Alertmanager counts no notifications of {label}")
        return counted[_TOTAL] - counted[_FAILED]


def _matchers(found: Iterable[_Matcher]) -> tuple[Matcher, ...]:
    return tuple(
        Matcher(
            label=one.name,
            test=_TESTS[one.is_equal, one.is_regex],
            text=one.value,
        )
        for one in found
    )


def _iso(at_s: float) -> str:
    return dt.datetime.fromtimestamp(at_s, dt.UTC).isoformat()
