"""What load tests, benchmarks, restores and drills report: k6, Locust, and JSON of our own."""

from __future__ import annotations

import dataclasses
import math
from typing import Literal

from pydantic import Field

from pytest_deploycheck.clients.shapes import Shape, read
from pytest_deploycheck.domain.errors import InstrumentError


@dataclasses.dataclass(frozen=True, kw_only=True)
class LoadTest:
    """What a load test measured."""

    tool: str
    requests: int
    duration_s: float
    p95_s: float
    """95 % of the answers took no longer."""
    error_ratio: float
    ended_at_s: float | None = None
    """None: the tool does not say."""

    @property
    def requests_per_s(self) -> float:
        """The load."""
        return self.requests / self.duration_s


class Figure(Shape):
    """One measured value."""

    value: float
    samples: int
    """How many single measurements it is made of."""


class Benchmark(Shape):
    """Our format: values by name, each with the number of its samples."""

    schema_: Literal["deploycheck.benchmark/1"] = Field(alias="schema")
    made_at: str
    measurements: dict[str, Figure] = Field(min_length=1)

    def figure(self, name: str) -> Figure:
        """Return the measurement *name*.

        Raises:
            InstrumentError: There is none.
        """
        if name not in self.measurements:
            have = ", ".join(self.measurements)
            raise InstrumentError(f"the benchmark has no {name!r}, expected it beside {have}")
        return self.measurements[name]


class Restore(Shape):
    """Our format: a snapshot was restored somewhere, and looked at."""

    schema_: Literal["deploycheck.restore/1"] = Field(alias="schema")
    made_at: str
    database: str
    """Identifier of the database that the snapshot was of."""
    snapshot: str
    succeeded: bool
    rows_checked: int


class Drill(Shape):
    """Our format: recovery was rehearsed."""

    schema_: Literal["deploycheck.drill/1"] = Field(alias="schema")
    made_at: str
    succeeded: bool
    recovery_time_s: float
    """From the loss to working again."""
    recovery_point_s: float
    """How much of the newest data was lost."""
    procedure: str
    """Path of the document in the repository that was followed."""


class _K6State(Shape):
    duration_ms: float = Field(alias="testRunDurationMs")


class _K6(Shape):
    metrics: dict[str, dict[str, object]]
    state: _K6State | None = None


def k6(value: object, where: str) -> LoadTest:
    """Read k6's `--summary-export`, or the data of `handleSummary` as JSON."""
    found = read(_K6, value, where=where, what="a summary of k6")

    def number(metric: str, *keys: str) -> float:
        table = found.metrics.get(metric, {})
        inner = table.get("values")
        table = inner if isinstance(inner, dict) else table
        for key in keys:
            candidate = table.get(key)
            if isinstance(candidate, (int, float)) and not isinstance(candidate, bool):
                return float(candidate)
        raise InstrumentError(f"{where}: expected {' or '.join(keys)} of {metric}, found none")

    requests = int(number("http_reqs", "count"))
    _demand_requests(requests, where)
    rate = number("http_reqs", "rate")
    duration_s = found.state.duration_ms / 1000 if found.state else requests / rate if rate else 0.0
    return _checked(
        LoadTest(
            tool="k6",
            requests=requests,
            duration_s=duration_s,
            p95_s=number("http_req_duration", "p(95)") / 1000,
            error_ratio=number("http_req_failed", "rate", "value"),
        ),
        where,
    )


class _LocustEntry(Shape):
    name: str
    requests: int = Field(alias="num_requests")
    failures: int = Field(alias="num_failures")
    start_s: float = Field(alias="start_time")
    last_s: float | None = Field(alias="last_request_timestamp")
    times_ms: dict[str, int] = Field(alias="response_times")


def locust(value: object, where: str) -> LoadTest:
    """Read Locust's `--json`: an entry for each request name, with a histogram in milliseconds."""
    found = read(list[_LocustEntry], value, where=where, what="statistics of Locust")
    entries = [one for one in found if one.requests and one.last_s is not None]
    requests = sum(one.requests for one in entries)
    _demand_requests(requests, where)
    times: dict[float, int] = {}
    for one in entries:
        for time_ms, count in one.times_ms.items():
            times[float(time_ms)] = times.get(float(time_ms), 0) + count
    ended_s = max(one.last_s for one in entries if one.last_s is not None)
    return _checked(
        LoadTest(
            tool="Locust",
            requests=requests,
            duration_s=ended_s - min(one.start_s for one in entries),
            p95_s=_percentile(times, 0.95, where) / 1000,
            error_ratio=sum(one.failures for one in entries) / requests,
            ended_at_s=ended_s,
        ),
        where,
    )


def _percentile(times: dict[float, int], share: float, where: str) -> float:
    """Return the value that *share* of all counted values do not exceed."""
    rest = math.ceil(sum(times.values()) * share)
    for value, count in sorted(times.items()):
        rest -= count
        if rest <= 0 and count > 0:
            return value
    raise InstrumentError(f"{where}: found no response times, expected some")


def _demand_requests(requests: int, where: str) -> None:
    if not requests > 0:
        raise InstrumentError(f"{where}: found no request, expected a load test that sent some")


def _checked(load: LoadTest, where: str) -> LoadTest:
    values = (load.duration_s, load.p95_s, load.error_ratio)
    if not all(math.isfinite(value) and value >= 0 for value in values) or not load.duration_s > 0:
        raise InstrumentError(
            f"{where}: found {load.duration_s:g} s, p95 {load.p95_s:g} s and errors "
            f"{load.error_ratio:g}, expected numbers of a run that took some time"
        )
    return load
