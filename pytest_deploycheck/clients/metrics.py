"""Prometheus: an instrument. An absent, partial, stale or thin answer is no answer."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Final, NoReturn

from pytest_deploycheck.clients.baselines import Baseline
from pytest_deploycheck.clients.endpoints import unknown
from pytest_deploycheck.clients.histories import MeasuredHistory
from pytest_deploycheck.clients.monitoring import Monitoring
from pytest_deploycheck.clients.monitoring_selectors import selectors_of
from pytest_deploycheck.clients.prometheus import Answers, Prometheus
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.baselines import window_end_s
from pytest_deploycheck.domain.comparison import Level
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.growth import Growth, growth_of
from pytest_deploycheck.domain.histories import History, Sample
from pytest_deploycheck.domain.ranges import reach_s, with_ranges_within
from pytest_deploycheck.domain.series import require_fresh, require_samples, require_traffic
from pytest_deploycheck.domain.units import spoken_time

_MOST_POINTS: Final = 10_000


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
        self._deployed_at_s = deployed_at_s
        self._baseline = baseline
        self._clock = clock
        self._prometheus = Prometheus(settings, user_agent=user_agent, clock=clock)

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
        return bool(self._prometheus.series(selector, since_s, self._clock()))

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
            series = self._prometheus.range(query, from_s, until_s)
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
        series = self._prometheus.instant(query, self._clock())
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
        return len(self._prometheus.instant(query, self._clock()))

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
        self._prometheus.close()
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
        if stale and self._prometheus.instant(stale, at_s):
            _refuse(
                name,
                query,
                f"a series was not scraped within {query.max_age_s:g} s: what it shows is old",
            )

    def _demand_traffic(
        self, name: str, query: environment.Query, traffic: str, least: float, at_s: float
    ) -> None:
        """Ask how many events the ratio is of, and refuse hardly any."""
        series = self._prometheus.instant(traffic, at_s)
        with Answers(traffic):
            found = float(series[0]["value"][1]) if len(series) == 1 else math.nan
        with _about(name, query.query):
            require_traffic(found, least, of=traffic)


@contextlib.contextmanager
def _about(name: str, query: str) -> Iterator[None]:
    """Say of which query it is what the domain refuses."""
    try:
        yield
    except InstrumentError as error:
        raise InstrumentError(f"query {name!r}: {error}: {query}") from error


def _refuse(name: str, query: environment.Query, reason: str) -> NoReturn:
    raise InstrumentError(f"query {name!r}: {reason}: {query.query}")
