"""Grafana: its health, its data source, and whether the panels of dashboards show fresh data."""

from __future__ import annotations

import dataclasses
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx
from pydantic import Field

from pytest_deploycheck.clients.endpoints import unknown
from pytest_deploycheck.clients.monitoring_api import JsonApi
from pytest_deploycheck.clients.shapes import Shape
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import SubjectError

#: What Grafana itself puts for its own variables.
_OWN: Final = {
    "__rate_interval": "5m",
    "__interval": "1m",
    "__range": "30m",
    "__range_s": "1800",
    "__interval_ms": "60000",
}
_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)|\[\[(\w+)\]\]")
_STEP_MS: Final = 15_000
_MOST_POINTS: Final = 200


class _Health(Shape):
    database: str
    version: str


class _SourceHealth(Shape):
    status: str
    message: str = ""


class _Found(Shape):
    uid: str
    title: str


class _Target(Shape):
    expr: str = ""
    hide: bool = False


class _Panel(Shape):
    title: str = ""
    type: str = ""
    datasource: dict[str, Any] | str | None = None
    targets: list[_Target] = Field(default_factory=list)
    panels: list[_Panel] = Field(default_factory=list)


class _Model(Shape):
    title: str
    panels: list[_Panel] = Field(default_factory=list)


class _Whole(Shape):
    dashboard: _Model


class _Field(Shape):
    type: str = ""
    labels: dict[str, str] | None = None


class _Schema(Shape):
    fields: list[_Field] = Field(default_factory=list)


class _Values(Shape):
    values: list[list[Any]] = Field(default_factory=list)


class _Frame(Shape):
    schema_: _Schema = Field(alias="schema")
    data: _Values


class _Result(Shape):
    error: str = ""
    frames: list[_Frame] = Field(default_factory=list)


class _Answered(Shape):
    results: dict[str, _Result]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel, and how old the newest value is of whichever of its series is the oldest."""

    dashboard: str
    title: str
    age_s: float | None
    """None: that series, or the panel, shows nothing."""
    max_age_s: float
    series: str = ""
    """The labels of that series; empty: it has none."""
    error: str = ""

    @property
    def fresh(self) -> bool:
        """Each of its series shows a value that is young enough."""
        return not self.error and self.age_s is not None and self.age_s <= self.max_age_s

    def __str__(self) -> str:
        """Say what it shows, for a message."""
        shows = "no value" if self.age_s is None else f"values {self.age_s:.0f} s old"
        shows += f" of {self.series}" if self.series else ""
        return (
            f"{self.dashboard}, panel {self.title!r}: found {self.error or shows}, "
            f"expected one of at most {self.max_age_s:.0f} s"
        )


class Dashboards:
    """Asks Grafana; opened without I/O, safe to use from many threads.

    Args:
        settings: The environment's `[grafana]`.
        user_agent: Who we say we are.
        clock: Unix seconds.
        transport: Replaces the wire, in tests.
    """

    def __init__(
        self,
        settings: environment.Grafana,
        *,
        user_agent: str,
        clock: Callable[[], float] = time.time,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.expected = settings
        self._clock = clock
        self._api = JsonApi(
            settings, source="dashboards", user_agent=user_agent, transport=transport
        )

    def health(self) -> str:
        """Return the state of Grafana's own database, `ok` when it is well.

        Raises:
            SubjectError: No usable answer.
        """
        return self._api.read("/api/health", _Health, "Grafana's health").database

    def datasource_health(self) -> str:
        """Return the state of the data source, `OK` when Grafana reaches it.

        Raises:
            SubjectError: No usable answer, or there is no such data source.
        """
        path = f"/api/datasources/uid/{quote(self.expected.datasource)}/health"
        return self._api.read(path, _SourceHealth, "a data source's health").status

    def panels(self, name: str) -> tuple[Panel, ...]:
        """Return what the required panels of the dashboard *name* show, at least one.

        Raises:
            SubjectError: No usable answer; no such dashboard, or it lacks a panel.
            InstrumentError: The environment has no such dashboard.
        """
        try:
            wanted = self.expected.dashboards[name]
        except KeyError:
            raise unknown("grafana.dashboards", name, self.expected.dashboards) from None
        found = self._api.read(
            f"/api/dashboards/uid/{quote(wanted.uid or self._uid(wanted.title))}",
            _Whole,
            "a dashboard",
        ).dashboard
        if found.title != wanted.title:
            raise SubjectError(f"found dashboard {found.title!r}, expected {wanted.title!r}")
        have = {panel.title: panel for panel in _all(found.panels)}
        missing = [title for title in wanted.panels if title not in have]
        if missing:
            raise SubjectError(
                f"dashboard {wanted.title!r}: found no panel {', '.join(map(repr, missing))}; "
                f"it has {', '.join(map(repr, have))}"
            )
        return tuple(self._asked(wanted.title, have[title]) for title in wanted.panels)

    def close(self) -> None:
        """Close every connection."""
        self._api.close()

    def _uid(self, title: str) -> str:
        path = f"/api/search?type=dash-db&query={quote(title)}"
        found = self._api.read(path, list[_Found], "a list of dashboards")
        uids = [one.uid for one in found if one.title == title]
        if len(uids) != 1:
            raise SubjectError(f"found {len(uids)} dashboards titled {title!r}, expected 1")
        return uids[0]

    def _asked(self, dashboard: str, panel: _Panel) -> Panel:
        """Ask what *panel* asks; every one of its queries must answer."""
        errors: list[str] = []
        shown: list[tuple[float, str]] = []
        asked = [one for one in panel.targets if one.expr and not one.hide]
        for target in asked:
            result = self._query(panel, target)
            errors += [result.error] if result.error else []
            shown += list(self._series(result)) or [(math.inf, "")]
        age_s, series = max(shown, default=(math.inf, ""))
        return Panel(
            dashboard=dashboard,
            title=panel.title,
            age_s=age_s if math.isfinite(age_s) else None,
            max_age_s=self.expected.max_age_s,
            series=series,
            error="; ".join(errors) or ("" if asked else "no query"),
        )

    def _query(self, panel: _Panel, target: _Target) -> _Result:
        now_ms = round(self._clock() * 1000)
        body = {
            "from": str(now_ms - round(self.expected.window_s * 1000)),
            "to": str(now_ms),
            "queries": [
                {
                    "refId": "A",
                    "datasource": {"uid": self._source(panel), "type": "prometheus"},
                    "expr": self._filled(target.expr),
                    "range": True,
                    "instant": False,
                    "intervalMs": _STEP_MS,
                    "maxDataPoints": _MOST_POINTS,
                }
            ],
        }
        answered = self._api.read(
            "/api/ds/query", _Answered, "a query's answer", method="POST", body=body
        )
        return answered.results.get("A", _Result(error="no answer to the query"))

    def _source(self, panel: _Panel) -> str:
        named = panel.datasource.get("uid") if isinstance(panel.datasource, Mapping) else None
        return named if isinstance(named, str) and "$" not in named else self.expected.datasource

    def _filled(self, expression: str) -> str:
        """Put values for the variables; one that nobody knows stays, and its query fails."""
        known = {**_OWN, **self.expected.variables}

        def value(match: re.Match[str]) -> str:
            return known.get(next(filter(None, match.groups())), match[0])

        return _VARIABLE.sub(value, expression)

    def _series(self, result: _Result) -> Iterator[tuple[float, str]]:
        """Yield for each series the age of its newest number, infinite without any, and its labels.

        Prometheus leaves a series in the picture when it has ended: that others go on hides it.
        """
        now_s = self._clock()
        for frame in result.frames:
            fields, columns = frame.schema_.fields, dict(enumerate(frame.data.values))
            kinds = [field.type for field in fields]
            times = next((columns[i] for i, kind in enumerate(kinds) if kind == "time"), [])
            for place, field in enumerate(fields):
                if field.type == "number":
                    ages_s = (
                        now_s - at_ms / 1000
                        for at_ms, value in zip(times, columns.get(place, []), strict=False)
                        if isinstance(value, int | float) and math.isfinite(value)
                    )
                    labels = ", ".join(f"{k}={v}" for k, v in (field.labels or {}).items())
                    yield min(ages_s, default=math.inf), labels


def _all(panels: list[_Panel]) -> Iterator[_Panel]:
    """Yield *panels*, and those within rows."""
    for panel in panels:
        yield panel
        yield from _all(panel.panels)
