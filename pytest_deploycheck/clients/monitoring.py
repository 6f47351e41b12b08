"""Prometheus itself as the subject: what it scrapes, which rules it evaluates, whom it tells."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode

import durationpy
import httpx
from pydantic import Field

from pytest_deploycheck.clients.monitoring_api import JsonApi
from pytest_deploycheck.clients.monitoring_selectors import Selector, is_constant, selectors_of
from pytest_deploycheck.clients.shapes import Shape, time_s
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError

_S = TypeVar("_S")
#: Labels of the scrape, which every series of a job has from its first sample on.
_OF_THE_SCRAPE: Final = ("job",)


class _Whole(Shape, Generic[_S]):
    status: str
    data: _S
    warnings: list[str] = Field(default_factory=list)


class _Target(Shape):
    labels: dict[str, str]
    scrape_url: str = Field(alias="scrapeUrl")
    health: str
    last_error: str = Field(alias="lastError")
    last_scrape: str = Field(alias="lastScrape")
    interval: str = Field(alias="scrapeInterval")


class _Targets(Shape):
    active: list[_Target] = Field(alias="activeTargets")


class _Rule(Shape):
    type: str
    name: str
    query: str
    health: str
    last_error: str = Field(default="", alias="lastError")
    last_evaluation: str = Field(alias="lastEvaluation")
    state: str = ""
    labels: dict[str, str] = Field(default_factory=dict)


class _Group(Shape):
    name: str
    interval: float
    rules: list[_Rule]


class _Groups(Shape):
    groups: list[_Group]


class _Known(Shape):
    url: str


class _Alertmanagers(Shape):
    active: list[_Known] = Field(alias="activeAlertmanagers")


class _Runtime(Shape):
    reloaded: bool = Field(alias="reloadConfigSuccess")


class _Sample(Shape):
    value: list[float | str] = Field(min_length=2)


class _Vector(Shape):
    result: list[_Sample]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """One thing that is scraped."""

    job: str
    url: str
    up: bool
    error: str
    age_s: float
    """Of the newest scrape."""
    interval_s: float

    def __str__(self) -> str:
        """Say how it is, for a message."""
        state = "up" if self.up else f"down ({self.error or 'no reason told'})"
        return f"job {self.job}, {self.url}: {state}, scraped {self.age_s:.0f} s ago"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rule:
    """One alert rule."""

    name: str
    expression: str
    health: str
    """`ok`, `err`, or `unknown` before its first evaluation."""
    error: str
    age_s: float
    """Of the newest evaluation."""
    interval_s: float
    firing: bool
    group: str
    labels: Mapping[str, str]
    """That its alerts have besides those of the series: `severity`, `team`."""

    def __str__(self) -> str:
        """Say how it is, for a message."""
        why = f" ({self.error})" if self.error else ""
        return f"rule {self.name}: {self.health}{why}, evaluated {self.age_s:.0f} s ago"


class Monitoring:
    """Asks Prometheus about itself: here it is judged, so its silence is a failure.

    Args:
        settings: The environment's `[prometheus]`.
        expected: Its `[monitoring]`.
        user_agent: Who we say we are.
        clock: Unix seconds.
        transport: Replaces the wire, in tests.
    """

    def __init__(
        self,
        settings: environment.Prometheus,
        expected: environment.Monitoring | None,
        *,
        user_agent: str,
        clock: Callable[[], float] = time.time,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._expected = expected
        self._clock = clock
        self._api = JsonApi(settings, source="metrics", user_agent=user_agent, transport=transport)

    @property
    def expected(self) -> environment.Monitoring:
        """What the environment expects of it.

        Raises:
            InstrumentError: Nothing: then nothing can be missing.
        """
        if self._expected is None:
            raise InstrumentError("the environment has no [monitoring]")
        return self._expected

    def ready(self) -> bool:
        """Say whether it serves, and took its configuration when it was last told to.

        Raises:
            SubjectError: No usable answer.
        """
        self._api.ask("/-/ready")
        return self._get("/api/v1/status/runtimeinfo", _Runtime, "its state").reloaded

    def targets(self) -> tuple[Target, ...]:
        """Return everything that is scraped.

        Raises:
            SubjectError: No usable answer, or nothing is.
        """
        found = self._get("/api/v1/targets?state=active", _Targets, "its targets").active
        if not found:
            raise SubjectError("Prometheus has no target, expected some for each job")
        now_s = self._clock()
        return tuple(
            Target(
                job=one.labels.get("job", ""),
                url=one.scrape_url,
                up=one.health == "up",
                error=one.last_error,
                age_s=now_s - time_s(one.last_scrape, where=one.scrape_url),
                interval_s=durationpy.from_str(one.interval).total_seconds(),
            )
            for one in found
        )

    def rules(self) -> tuple[Rule, ...]:
        """Return every alert rule that is loaded, at least one.

        Raises:
            SubjectError: No usable answer, or none is.
        """
        groups = self._get("/api/v1/rules?type=alert", _Groups, "its rules").groups
        now_s = self._clock()
        found = tuple(
            Rule(
                name=rule.name,
                expression=rule.query,
                health=rule.health,
                error=rule.last_error,
                age_s=now_s - time_s(rule.last_evaluation, where=f"rule {rule.name}"),
                interval_s=group.interval,
                firing=rule.state == "firing",
                group=group.name,
                labels=rule.labels,
            )
            for group in groups
            for rule in group.rules
            if rule.type == "alerting"
        )
        if not found:
            raise SubjectError("Prometheus has loaded no alert rule")
        return found

    def blind(self, rules: Iterable[Rule]) -> tuple[str, ...]:
        """Return a line for each selector of *rules* that no series answers to.

        A rule on a metric, label or job that does not exist can never fire. The text of other
        labels is not asked for: `status_code=~"5.."` has no series while all is well. Nor can one
        that looks at nothing, unless it fires all the time: that is a watchdog.

        Raises:
            SubjectError: No usable answer.
            InstrumentError: An expression that cannot be read.
        """
        names = set(self._values("/api/v1/label/__name__/values"))
        asked: dict[Selector, str] = {}
        lines = []
        for rule in rules:
            if is_constant(rule.expression) and not rule.firing:
                lines.append(f"{rule.name}: found no series at all in {rule.expression}")
            for selector in selectors_of(rule.expression):
                if selector not in asked:
                    asked[selector] = self._lacks(selector, names)
                if asked[selector]:
                    lines.append(f"{rule.name}: {asked[selector]}")
        return tuple(lines)

    def alertmanagers(self) -> tuple[str, ...]:
        """Return the addresses that alerts are sent to.

        Raises:
            SubjectError: No usable answer.
        """
        path = "/api/v1/alertmanagers"
        return tuple(one.url for one in self._get(path, _Alertmanagers, "Alertmanagers").active)

    def absent(self, series: Iterable[str]) -> tuple[str, ...]:
        """Return those of *series* that have no number now (older than 5 minutes is not now).

        Raises:
            SubjectError: No usable answer.
        """
        return tuple(one for one in series if not self._is_there(one))

    def close(self) -> None:
        """Close every connection."""
        self._api.close()

    def _is_there(self, series: str) -> bool:
        query = urlencode({"query": f"count({series} == {series})"})  # NaN is not equal to itself
        found = self._get(f"/api/v1/query?{query}", _Vector, "a vector").result
        return any(float(one.value[1]) > 0 for one in found)

    def _lacks(self, selector: Selector, names: set[str]) -> str:
        """Say what of *selector* no series has; empty: nothing."""
        if not selector.name:
            any_name = list(self._values("/api/v1/labels", str(selector)))
            return "" if any_name else f"found no series {selector}"
        if selector.name not in names:
            return f"found no series {selector.name}"
        have = set(self._values("/api/v1/labels", selector.name)) if selector.present else set()
        missing = [label for label in selector.present if label not in have]
        if missing:
            return f"found no series of {selector.name} with the label {', '.join(missing)}"
        for label in _OF_THE_SCRAPE:
            wanted = selector.exact.get(label)
            if wanted and wanted not in self._values(
                f"/api/v1/label/{label}/values", selector.name
            ):
                return f'found no series {selector.name}{{{label}="{wanted}"}}'
        return ""

    def _values(self, path: str, metric: str | None = None) -> Iterator[str]:
        now_s = self._clock()
        query = {"start": f"{now_s - self.expected.series_age_s:.0f}", "end": f"{now_s:.0f}"}
        if metric is not None:
            query["match[]"] = metric
        yield from self._get(f"{path}?{urlencode(query)}", list[str], "names")

    def _get(self, path: str, shape: type[_S], what: str) -> _S:
        answer = self._api.read(path, _Whole[shape], f"{what} from Prometheus")  # type: ignore[valid-type] # pydantic's generic
        if answer.status != "success" or answer.warnings:
            doubt = "; ".join(answer.warnings) or answer.status
            raise InstrumentError(f"{path}: Prometheus doubts its answer: {doubt}")
        return answer.data
