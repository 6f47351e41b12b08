"""Prometheus: an instrument. An absent, partial, stale or thin answer is no answer."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import itertools
import math
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn

import urllib3
from prometheus_api_client import PrometheusConnect

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.baselines import Baseline
from pytest_deploycheck.clients.endpoints import unknown
from pytest_deploycheck.clients.monitoring import Monitoring
from pytest_deploycheck.clients.monitoring_selectors import selectors_of
from pytest_deploycheck.clients.prometheus import Answers, Session
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.baselines import window_end_s
from pytest_deploycheck.domain.comparison import Level, change
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.growth import Growth, growth_of
from pytest_deploycheck.domain.histories import History, Sample
from pytest_deploycheck.domain.policy import Worse
from pytest_deploycheck.domain.ranges import reach_s, with_ranges_within
from pytest_deploycheck.domain.series import require_fresh, require_samples, require_traffic
from pytest_deploycheck.domain.units import spoken_time

_MOST_POINTS: Final = 10_000


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasuredHistory:
    """The samples of one query, and what they mean."""

    name: str
    """As the environment calls the query."""
    history: History
    """Never empty."""
    unit: str
    worse: Worse
    query: str
    recorded: Level | None = None
    """Of a recorded baseline: what its one sample is the middle of."""
    missing: int | None = None
    """How many samples there are room for in what was asked, and are not there; None: not known."""

    @property
    def level(self) -> Level:
        """Where the values lie, and how surely."""
        return self.recorded or Level.of(self.history.value)

    @property
    def latest(self) -> float:
        """The newest value, in *unit*."""
        return self.history.latest

    @property
    def median(self) -> float:
        """The middle value, in *unit*."""
        return statistics.median(self.history.value)

    @property
    def mean(self) -> float:
        """The mean value, in *unit*."""
        return statistics.fmean(self.history.value)

    @property
    def worst(self) -> float:
        """The worst value, in *unit*: no later good one hides it."""
        return max(self.history.value) if self.worse == "above" else min(self.history.value)

    def demand_whole(self, *, least: float | None = None) -> None:
        """Refuse a hole: where hardly a bad moment is allowed, none may be unseen.

        Args:
            least: What the mean must reach: so many samples may be missing that it does even if
                each of them were 0. None: none may.

        Raises:
            InstrumentError: More are missing, or nobody knows whether any are.
        """
        if self.missing is None:
            raise InstrumentError(
                f"query {self.name!r}: found nothing that says how many samples there must be: "
                f"{self.query}"
            )
        total = self.missing + len(self.history)
        if self.missing and (least is None or math.fsum(self.history.value) < least * total):
            so_few = "none" if least is None else f"a mean of {least:g} even if each were 0"
            raise InstrumentError(
                f"query {self.name!r}: found {self.missing} samples missing of {total}, "
                f"expected {so_few}: {self.query}"
            )

    def increase_over(self, baseline: MeasuredHistory) -> MeasuredHistory:
        """Return by which ratio each sample exceeds the median of *baseline*: 0.5 is 50 % more.

        How much more the window is in all, and how surely, is evidence of its own.

        Raises:
            InstrumentError: Either has too few samples, or the baseline is not above zero.
        """
        try:
            found = change(self.level, baseline.level)
        except InstrumentError as error:
            raise InstrumentError(f"{self.name} against before: {error}") from error
        evidence.note("metrics", f"{self.name} against before", str(found))
        before = baseline.median
        return dataclasses.replace(
            self,
            name=f"{self.name}_increase",
            history=History(
                at_s=self.history.at_s,
                value=tuple(value / before - 1 for value in self.history.value),
            ),
            unit="ratio",
            query=f"({self.query}) / {before:g} - 1",
            recorded=None,
        )


class Metrics:
    """Asks Prometheus by the names of the environment's queries.

    Args:
        settings: The environment's `[prometheus]`.
        user_agent: Who we say we are.
        deployed_at_s: What was before it does not speak for the deployment.
        monitoring: The environment's `[monitoring]`: what Prometheus itself is expected to do.
        baseline: What was recorded before the deployment; None: Prometheus tells all of it.
        clock: Unix seconds.
    """

    def __init__(
        self,
        settings: environment.Prometheus,
        *,
        user_agent: str,
        deployed_at_s: float,
        monitoring: environment.Monitoring | None = None,
        baseline: Baseline | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self.monitoring = Monitoring(settings, monitoring, user_agent=user_agent, clock=clock)
        """Prometheus itself, as the subject."""
        self._user_agent = user_agent
        self._deployed_at_s = deployed_at_s
        self._baseline = baseline
        self._clock = clock
        self._local = threading.local()
        self._lock = threading.Lock()
        self._sessions: list[Session] = []

    def history(self, name: str) -> MeasuredHistory:
        """Return the samples of the query *name* that speak for the release, within its window.

        Raises:
            InstrumentError: No usable answer: unreachable, partial, not one series, no number, too
                few samples, too old, too little traffic; or the deployment is too young for it.
        """
        now_s = self._clock()
        query, first_s = self._of_release(name, now_s)
        return self._asked(name, query, max(first_s, now_s - query.window_s), now_s)

    def before(self, name: str) -> MeasuredHistory:
        """Return what the query *name* was before the deployment, as the environment compares.

        A recorded baseline is one sample, its median. Else it is the query's window that ended at
        the deployment, or at this hour of the newest day or week before it.

        Raises:
            InstrumentError: As `history`; above all, there is nothing from before.
        """
        query = self._query(name)
        compared = self._settings.compare_with
        if compared == "recorded" and self._baseline is not None:
            value = self._baseline.value(name)
            if value is not None and value.unit != query.unit:
                _refuse(
                    name,
                    query,
                    f"found it recorded in {value.unit} before the deployment, expected "
                    f'{query.unit}; compare_with = "before" asks Prometheus for it',
                )
            if value is not None:
                sample = Sample(at_s=self._deployed_at_s, value=value.value)
                return MeasuredHistory(
                    name=name,
                    history=History.of([sample]),
                    unit=query.unit,
                    worse=query.worse,
                    query=query.query,
                    recorded=Level.of_baseline(value),
                )
        end_s = window_end_s(compared, deployed_at_s=self._deployed_at_s, now_s=self._clock())
        return self._asked(name, query, end_s - query.window_s, end_s)

    def past(self, name: str, from_s: float, until_s: float) -> MeasuredHistory:
        """Return all that Prometheus has of the query *name*, holes and all, possibly nothing.

        Where there was too little traffic for a ratio, there is no sample.

        Raises:
            InstrumentError: No usable answer: unreachable, partial, more than one series.
        """
        query = self._query(name)
        found = dict(self._in_chunks(name, query, query.query, from_s, until_s))
        if query.traffic is not None:
            traffic = dict(self._in_chunks(name, query, query.traffic, from_s, until_s))
            found = {
                at_s: value
                for at_s, value in found.items()
                if traffic.get(at_s, 0.0) >= (query.min_traffic or 0.0)
            }
        history = History.of(Sample(at_s=at_s, value=value) for at_s, value in found.items())
        return MeasuredHistory(
            name=name, history=history, unit=query.unit, worse=query.worse, query=query.query
        )

    def ever_existed(self, selector: str, *, since_s: float) -> bool:
        """Say whether any series of *selector*, such as `up{job="api"}`, has existed since then.

        Raises:
            InstrumentError: No usable answer.
        """
        start, end = (dt.datetime.fromtimestamp(at_s, dt.UTC) for at_s in (since_s, self._clock()))
        with Answers(selector):
            return bool(self._prometheus().get_series(start, end, {"match[]": selector}))

    def _in_chunks(
        self, name: str, query: environment.Query, expression: str, from_s: float, until_s: float
    ) -> Iterator[tuple[float, float]]:
        """Yield the finite samples."""
        start_s = float(math.ceil(from_s))
        asked = query.model_copy(update={"query": expression})
        steps = max(0, math.floor((until_s - start_s) / query.step_s))
        for at_s, value in self._samples(name, asked, start_s, steps):
            if math.isfinite(value):
                yield at_s, value

    def _samples(
        self, name: str, query: environment.Query, start_s: float, steps: int
    ) -> Iterator[tuple[float, float]]:
        """Yield what the one series is at each step, where it is anything.

        Prometheus refuses more than 11,000 samples of a series at once: they come in pieces.
        """
        for first in range(0, steps + 1, _MOST_POINTS):
            last = min(first + _MOST_POINTS - 1, steps)
            from_s, until_s = (start_s + step * query.step_s for step in (first, last))
            series = self._range(query, from_s, until_s)
            if len(series) > 1:
                _refuse(name, query, f"found {len(series)} series, expected 1")
            with Answers(query.query):
                for at_s, value in series[0]["values"] if series else ():
                    yield float(at_s), float(value)

    def window_s(self, name: str) -> float:
        """Return how long the window of the query *name* is.

        Raises:
            InstrumentError: The environment has no such query.
        """
        return self._query(name).window_s

    def growth(self, name: str) -> Growth:
        """Return what the samples of the query *name* say about growth over its window.

        Raises:
            InstrumentError: As `history`; or they do not cover the window.
        """
        measured = self.history(name)
        with _about(name, measured.query):
            return growth_of(measured.history, window_s=self.window_s(name))

    def now(self, query: str) -> float:
        """Return the one number that the PromQL *query* is now.

        Raises:
            InstrumentError: No usable answer, not one series, or no number.
        """
        series = self._instant(query, self._clock())
        with Answers(query):
            found = float(series[0]["value"][1]) if len(series) == 1 else math.nan
        if not math.isfinite(found):
            raise InstrumentError(f"found {len(series)} series, expected 1 number: {query}")
        return found

    def series_count(self, query: str) -> int:
        """Return how many series the PromQL *query* answers now.

        Raises:
            InstrumentError: No usable answer; it is no PromQL.
        """
        return len(self._instant(query, self._clock()))

    def risen(self, query: str, before: float) -> float:
        """Return the number that *query* is, once it exceeds *before*, or when time is over.

        Raises:
            InstrumentError: As `now`.
        """
        expected = self.monitoring.expected
        until_s = self._clock() + expected.counted_within_s
        while (found := self.now(query)) <= before and self._clock() < until_s:
            time.sleep(expected.poll_s)
        return found

    def close(self) -> None:
        """Close every thread's connections."""
        with self._lock:
            sessions, self._sessions = self._sessions, []
            self._local = threading.local()
        for session in sessions:
            session.close()
        self.monitoring.close()

    def _query(self, name: str) -> environment.Query:
        try:
            return self._settings.queries[name]
        except KeyError:
            raise unknown("prometheus.queries", name, self._settings.queries) from None

    def _of_release(self, name: str, now_s: float) -> tuple[environment.Query, float]:
        """Return the query *name* as it can be asked of the release, and when that can begin.

        A sample looks back over the ranges of its query, or a step where it looks at instants: the
        first one that speaks for the release is that much later than the deployment. Ranges too
        long for the time since then are cut to what leaves room for `min_samples`, but not below
        `max_age`: a series that counts as fresh may have no sample in a shorter one.

        Raises:
            InstrumentError: The deployment is too young; from when on it can be told.
        """
        query = self._query(name)
        deployed_s = float(math.ceil(self._deployed_at_s))
        since_s = math.floor(now_s) - deployed_s
        longest_s, subquery_s = reach_s(query.query)
        others_s = (query.min_samples - 1) * query.step_s + subquery_s
        least_s = max(min(longest_s, query.max_age_s), query.step_s)
        room_s = since_s - others_s
        if room_s < least_s:
            _refuse(
                name,
                query,
                f"found a deployment of {since_s:.0f} s ago, and what was before it does not speak "
                f"for it; it can be told from {spoken_time(deployed_s + least_s + others_s)} on",
            )
        cut = {
            "query": with_ranges_within(query.query, room_s),
            "traffic": query.traffic and with_ranges_within(query.traffic, since_s),
            "max_age_s": min(query.max_age_s, since_s),
        }
        back_s = max(min(longest_s, room_s), query.step_s) + subquery_s
        return query.model_copy(update=cut), deployed_s + back_s

    def _asked(
        self,
        name: str,
        query: environment.Query,
        start_s: float,
        end_s: float,
    ) -> MeasuredHistory:
        """Ask a range that ends in a sample at *end_s*, and refuse what is no evidence."""
        end_s = float(math.floor(end_s))  # the library asks in whole seconds
        steps = max(0, math.floor((end_s - math.ceil(start_s)) / query.step_s))
        samples = [*self._samples(name, query, end_s - steps * query.step_s, steps)]
        if not samples:
            _refuse(name, query, "found 0 series, expected 1")
        # 0/0 while nobody asks is a hole in the data; a hole is for the judge, unless it is now.
        finite = [Sample(at_s=at, value=value) for at, value in samples if math.isfinite(value)]
        if not math.isfinite(samples[-1][1]):
            _refuse(name, query, f"the newest value is {samples[-1][1]}: no data, not zero")
        history = History.of(finite)
        with _about(name, query.query):
            require_samples(history, query.min_samples, since_s=start_s)
            require_fresh(history, at_s=end_s, max_age_s=query.max_age_s)
        self._demand_fresh(name, query, end_s)
        if query.traffic is not None and query.min_traffic is not None:
            self._demand_traffic(name, query, query.traffic, query.min_traffic, end_s)
        return MeasuredHistory(
            name=name,
            history=history,
            unit=query.unit,
            worse=query.worse,
            query=query.query,
            missing=steps + 1 - len(finite),
        )

    def _demand_fresh(self, name: str, query: environment.Query, at_s: float) -> None:
        """Refuse what was not scraped lately.

        An evaluation at any time shows a series' last value for five minutes more, as if it were
        current; so each selector is asked whether it has a sample of its own within `max_age`.
        """
        stale = " or ".join(
            f"(count({selector}) unless count(count_over_time({selector}[{query.max_age_s:.0f}s])))"
            for selector in selectors_of(query.query)
        )
        if stale and self._instant(stale, at_s):
            _refuse(
                name,
                query,
                f"a series was not scraped within {query.max_age_s:g} s: what it shows is old",
            )

    def _demand_traffic(
        self, name: str, query: environment.Query, traffic: str, least: float, at_s: float
    ) -> None:
        """Ask how many events the ratio is of, and refuse hardly any."""
        series = self._instant(traffic, at_s)
        with Answers(traffic):
            found = float(series[0]["value"][1]) if len(series) == 1 else math.nan
        with _about(name, query.query):
            require_traffic(found, least, of=traffic)

    def _range(self, query: environment.Query, start_s: float, end_s: float) -> Any:  # noqa: ANN401
        """Ask for a range, and refuse samples that were not asked for.

        Some round a range to whole steps, so that it may begin or end a step further out.
        """
        with Answers(query.query):
            series = self._prometheus().custom_query_range(
                query.query,
                dt.datetime.fromtimestamp(start_s, dt.UTC),
                dt.datetime.fromtimestamp(end_s, dt.UTC),
                f"{query.step_s:g}",
            )
            columns = [[float(at_s) for at_s, _ in one["values"]] for one in series]
        first_s, last_s = start_s - query.step_s, end_s + query.step_s
        for times in columns:
            in_range = all(first_s <= at_s <= last_s for at_s in times)
            if not in_range or any(b <= a for a, b in itertools.pairwise(times)):
                raise InstrumentError(
                    f"found samples of other times than asked for, {spoken_time(start_s)} to "
                    f"{spoken_time(end_s)}, or one of them twice: {query.query}"
                )
        return series

    def _instant(self, query: str, at_s: float) -> Any:  # noqa: ANN401 - an untyped library's JSON
        with Answers(query):
            return self._prometheus().custom_query(query, {"time": f"{at_s:.0f}"})

    def _prometheus(self) -> PrometheusConnect:
        """Return this thread's client: a requests session is not for sharing."""
        known: PrometheusConnect | None = getattr(self._local, "prometheus", None)
        if known is not None:
            return known
        session = Session(self._settings, self._user_agent, self._clock)
        with self._lock:
            self._sessions.append(session)
        client = PrometheusConnect(
            self._settings.url.rstrip("/"), session=session, retry=urllib3.Retry(0, redirect=False)
        )
        self._local.prometheus = client
        return client


@contextlib.contextmanager
def _about(name: str, query: str) -> Iterator[None]:
    """Say of which query it is what the domain refuses."""
    try:
        yield
    except InstrumentError as error:
        raise InstrumentError(f"query {name!r}: {error}: {query}") from error


def _refuse(name: str, query: environment.Query, reason: str) -> NoReturn:
    raise InstrumentError(f"query {name!r}: {reason}: {query.query}")
