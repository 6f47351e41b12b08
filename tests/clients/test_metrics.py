"""Prometheus's answers, and what is never taken for one."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from pytest_deploycheck.clients import bodies, evidence
from pytest_deploycheck.clients.baselines import Baseline
from pytest_deploycheck.clients.histories import MeasuredHistory
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import BaselineRecorded, BaselineValue
from pytest_deploycheck.domain.histories import History, Sample
from pytest_deploycheck.domain.units import spoken_time
from tests.clients.doubles import USER_AGENT

DEPLOYED_AGO_S = 300.0

Values = Callable[[float], str | None]
"""Seconds since the deployment → the value, None: no sample."""


class Prometheus:
    """Answers any range with what `values` says, and any instant with `traffic`."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.deployed_at_s = time.time() - DEPLOYED_AGO_S
        self.values: Values = lambda _: "0.01"
        self.traffic: list[str] = ["100"]
        self.stale = False
        """It was not scraped lately, and its last value is shown all the same."""
        self.series = 1
        self.moved: Callable[[float], float] = lambda at_s: at_s
        """When a sample says it was taken."""
        self.extra: dict[str, Any] = {}
        self.raw: Response | None = None
        self.asked: list[Request] = []
        server.expect_request("/prometheus/api/v1/query_range").respond_with_handler(self._range)
        server.expect_request("/prometheus/api/v1/query").respond_with_handler(self._instant)

    def _range(self, request: Request) -> Response:
        self.asked.append(request)
        start_s, end_s, step_s = (float(request.args[name]) for name in ("start", "end", "step"))
        times = [start_s + step_s * i for i in range(int((end_s - start_s) / step_s) + 1)]
        samples = [
            [self.moved(at_s), value]
            for at_s in times
            if (value := self.values(at_s - self.deployed_at_s)) is not None
        ]
        series = [{"metric": {}, "values": samples}] * self.series if samples else []
        return self._answer({"resultType": "matrix", "result": series})

    def _instant(self, request: Request) -> Response:
        self.asked.append(request)
        values = self.traffic
        if "count_over_time" in request.args["query"]:
            values = ["1"] if self.stale else []
        series = [{"metric": {}, "value": [0, value]} for value in values]
        return self._answer({"resultType": "vector", "result": series})

    def _answer(self, data: dict[str, Any]) -> Response:
        if self.raw is not None:
            return self.raw
        body = {"status": "success", "data": data} | self.extra
        return Response(json.dumps(body), content_type="application/json")

    def client(self, *, late_s: float = 0.0, timeout_s: float = 10.0, **query: Any) -> Metrics:  # noqa: ANN401
        """Return a client with one query, `errors`, whose clock is *late_s* behind."""
        known: dict[str, Any] = {
            "query": "errors / all",
            "unit": "ratio",
            "worse": "above",
            "window": "30m",
            "step": "15s",
            "min_samples": 4,
            "max_age": "1m",
        }
        settings = environment.Prometheus(
            url=self.server.url_for("/prometheus"),
            rate_per_s=10_000,
            queries={"errors": environment.Query(**(known | query))},
        )
        return Metrics(
            settings.model_copy(update={"timeout_s": timeout_s}),
            user_agent=USER_AGENT,
            deployed_at_s=self.deployed_at_s,
            clock=lambda: time.time() - late_s,
        )


@pytest.fixture
def prometheus(httpserver: HTTPServer) -> Iterator[Prometheus]:
    """A Prometheus below a path, as behind an ingress."""
    yield Prometheus(httpserver)
    httpserver.check_assertions()


def test_a_history_begins_with_the_deployment_and_ends_now(prometheus: Prometheus) -> None:
    """Samples from before do not speak for the release, and old ones not for now.

    An instant shows the newest scrape, which may have been a step before.
    """
    with evidence.recording() as recorder:
        found = prometheus.client().history("errors")
    assert 15 <= found.history.at_s[0] - prometheus.deployed_at_s <= 31
    assert time.time() - found.history.at_s[-1] < 5
    assert (found.latest, found.unit, found.worse) == (0.01, "ratio", "above")
    assert "errors / all" in recorder.evidence[0].request
    assert prometheus.asked[0].headers["User-Agent"] == USER_AGENT


@pytest.mark.parametrize(
    ("query", "first_s"),
    [
        ("rate(errors[1m]) / rate(all[2m])", 120),
        ("max_over_time(rate(errors[1m])[2m:15s])", 180),
        ("rate(errors[1m] offset 1w)", 60),
    ],
)
def test_no_sample_looks_back_behind_the_deployment(
    prometheus: Prometheus, query: str, first_s: float
) -> None:
    """`rate(x[1m])` of the very deployment is the minute before it, which is the old release's."""
    found = prometheus.client(query=query).history("errors")
    assert first_s <= found.history.at_s[0] - prometheus.deployed_at_s <= first_s + 16
    assert found.query == query


@pytest.mark.parametrize(
    ("query", "least_s"),
    [("rate(errors[1m])", 60), ("rate(errors[30m])", 120), ("errors", 15)],
)
def test_a_deployment_that_is_too_young_says_from_when_it_can_be_told(
    prometheus: Prometheus, query: str, least_s: float
) -> None:
    """Whoever asks too early learns when to ask again; nothing of before is asked instead."""
    young_s = least_s + 3 * 15  # four samples
    prometheus.deployed_at_s = float(int(time.time()) - young_s + 10)
    told = spoken_time(prometheus.deployed_at_s + young_s)
    client = prometheus.client(query=query, max_age="2m")
    with pytest.raises(InstrumentError, match=f"it can be told from {told} on"):
        client.history("errors")
    prometheus.deployed_at_s -= 10
    client = prometheus.client(query=query, max_age="2m")
    assert len(client.history("errors").history) == 4


def test_a_range_that_the_deployment_is_too_young_for_is_cut(prometheus: Prometheus) -> None:
    """What happened within half an hour can be told after five minutes: of those five."""
    client = prometheus.client(query="increase(errors[30m]) and rate(all[2m])")
    found = client.history("errors")
    (cut_s,) = map(int, re.findall(r"increase\(errors\[(\d+)s\]\) and rate\(all\[2m", found.query))
    assert DEPLOYED_AGO_S - 3 * 15 - 2 <= cut_s <= DEPLOYED_AGO_S - 3 * 15
    assert len(found.history) == 4
    assert found.history.at_s[0] - cut_s >= prometheus.deployed_at_s
    assert prometheus.asked[0].args["query"] == found.query


def test_traffic_and_scrapes_of_before_are_none_of_the_release(prometheus: Prometheus) -> None:
    """A release that nobody has used yet would be judged by who used the one before."""
    prometheus.client(traffic="sum(increase(all[1h]))", min_traffic=20, max_age="10m").history(
        "errors"
    )
    asked = [request.args["query"] for request in prometheus.asked[1:]]
    ranges = [int(number) for query in asked for number in re.findall(r"\[(\d+)s\]", query)]
    assert len(ranges) == 3  # of two selectors, and of the traffic
    assert all(DEPLOYED_AGO_S - 2 <= number <= DEPLOYED_AGO_S for number in ranges)


def test_what_was_not_scraped_lately_is_no_evidence(prometheus: Prometheus) -> None:
    """Prometheus shows a last value for five minutes, as if it were current."""
    prometheus.stale = True
    with pytest.raises(InstrumentError, match="was not scraped within 60 s"):
        prometheus.client().history("errors")


def test_a_long_deployment_is_seen_through_the_window(prometheus: Prometheus) -> None:
    """Beyond the window nobody asked."""
    found = prometheus.client(window="1m").history("errors")
    assert len(found.history) in (4, 5)  # we ask in whole seconds


def test_before_is_the_same_window_before_the_deployment(prometheus: Prometheus) -> None:
    """A baseline that reaches over the deployment would compare the release with itself."""
    found = prometheus.client(window="5m").before("errors")
    assert found.history.at_s[-1] <= prometheus.deployed_at_s
    assert prometheus.deployed_at_s - found.history.at_s[0] <= 301


@pytest.mark.parametrize("method", ["history", "before"])
def test_no_data_is_no_evidence(prometheus: Prometheus, method: str) -> None:
    """Neither a healthy release nor a baseline is read from an empty answer."""
    prometheus.values = lambda _: None
    with pytest.raises(InstrumentError, match="found 0 series, expected 1"):
        getattr(prometheus.client(), method)("errors")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (lambda _: "NaN", "the newest value is nan"),
        (lambda _: "+Inf", "the newest value is inf"),
        (lambda since_s: "NaN" if since_s > 280 else "0", "the newest value is nan"),
        (lambda since_s: "0" if since_s > 265 else None, "found 3 samples since"),
        (lambda since_s: "0" if since_s > 265 else "NaN", "found 3 samples since"),
        (lambda since_s: "0" if since_s < 200 else None, "s old at .*, expected at most 60 s"),
        (lambda _: "a lot", "no usable answer"),
    ],
    ids=["nan", "inf", "nan now", "few", "few finite", "stale", "text"],
)
def test_thin_stale_or_strange_data_is_no_evidence(
    prometheus: Prometheus, values: Values, problem: str
) -> None:
    """Each of these compares as "not above the limit"."""
    prometheus.values = values
    with pytest.raises(InstrumentError, match=problem):
        prometheus.client().history("errors")


def test_a_time_without_traffic_is_a_hole_and_not_the_end(prometheus: Prometheus) -> None:
    """0/0 an hour ago must not spoil the evidence of now; the judge sees the hole."""
    prometheus.values = lambda since_s: "NaN" if 100 < since_s < 200 else "0.5"
    found = prometheus.client().history("errors")
    assert max(b - a for a, b in zip(found.history.at_s, found.history.at_s[1:], strict=False)) > 90


def test_two_series_are_ambiguous(prometheus: Prometheus) -> None:
    """Judging the first one would be a lottery."""
    prometheus.series = 2
    with pytest.raises(InstrumentError, match="found 2 series, expected 1"):
        prometheus.client().history("errors")


@pytest.mark.parametrize(
    ("traffic", "refused"),
    [(["20"], False), (["19.9"], True), (["NaN"], True), ([], True), (["50", "50"], True)],
)
def test_a_ratio_of_hardly_anything_is_no_evidence(
    prometheus: Prometheus, traffic: list[str], refused: bool
) -> None:
    """One failure of two requests is not 50 %."""
    prometheus.traffic = traffic
    client = prometheus.client(traffic="sum(all)", min_traffic=20)
    if refused:
        with pytest.raises(InstrumentError, match="expected at least 20"):
            client.history("errors")
    else:
        assert client.history("errors").latest == 0.01


@pytest.mark.parametrize("key", ["warnings", "infos"])
def test_a_partial_answer_is_no_evidence(prometheus: Prometheus, key: str) -> None:
    """prometheus-api-client drops what Prometheus says about its own answer."""
    prometheus.extra = {key: ["remote read failed: partial response"]}
    with pytest.raises(InstrumentError, match="partial response"):
        prometheus.client().history("errors")


def test_a_part_of_an_answer_is_no_evidence(prometheus: Prometheus) -> None:
    """So does VictoriaMetrics answer for the storage nodes that it can reach."""
    prometheus.extra = {"isPartial": True}
    with pytest.raises(InstrumentError, match="doubts its answer: isPartial"):
        prometheus.client().history("errors")


@pytest.mark.parametrize(
    ("moved", "refused"),
    [
        (lambda at_s: at_s - 3600, True),
        (lambda at_s: at_s - 40, True),
        (lambda at_s: at_s + 40, True),
        (lambda at_s: at_s + 3600, True),
        (lambda _: time.time() // 1, True),
        (lambda at_s: at_s - at_s % 15, False),
    ],
    ids=["an hour ago", "before", "after", "in an hour", "one for all", "whole steps"],
)
def test_samples_of_another_time_are_no_evidence(
    prometheus: Prometheus, moved: Callable[[float], float], refused: bool
) -> None:
    """A cache's answer to another question; servers that round to whole steps answer ours."""
    prometheus.moved = moved
    client = prometheus.client()
    if refused:
        with pytest.raises(InstrumentError, match="samples of other times than asked for"):
            client.history("errors")
        with pytest.raises(InstrumentError, match="samples of other times than asked for"):
            client.past("errors", prometheus.deployed_at_s, time.time())
    else:
        assert client.history("errors").latest == 0.01


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (Response("<html>login</html>", content_type="text/html"), "expected JSON"),
        (Response('{"status":"error","error":"parse error"}', 400), "found 400 parse error"),
        (Response("{}", 401), "found 401"),
        (Response('{"status":"error","error":"slow"}', 503), "found 503"),
        (Response("", 302, {"Location": "/login"}), "found 302"),
        (Response('{"status":"success"}'), "no usable answer"),
        (Response('{"status":"success","data":{"result":[{}]}}'), "no usable answer"),
    ],
    ids=["html", "error", "401", "503", "redirect", "no data", "odd"],
)
def test_anything_but_a_whole_answer_is_no_evidence(
    prometheus: Prometheus, response: Response, problem: str
) -> None:
    """A login page is neither zero errors nor all errors."""
    prometheus.raw = response
    with pytest.raises(InstrumentError, match=problem):
        prometheus.client().history("errors")


@pytest.mark.parametrize(("most", "problem"), [(10**9, "not complete after"), (99, "more than 99")])
def test_an_answer_that_never_ends_is_no_evidence(
    prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch, most: int, problem: str
) -> None:
    """Each piece of it comes in time; together they would fill the machine."""
    monkeypatch.setattr(bodies, "MAX_BYTES", most)
    prometheus.raw = Response(itertools.repeat(b" "), content_type="application/json")
    with pytest.raises(InstrumentError, match=problem):
        prometheus.client(timeout_s=0.2).history("errors")


@pytest.mark.parametrize("late_s", [-60.0, 60.0])
def test_clocks_that_disagree_are_no_evidence(prometheus: Prometheus, late_s: float) -> None:
    """What is "since the deployment" by one clock is before it by the other."""
    with pytest.raises(InstrumentError, match="clock is"):
        prometheus.client(late_s=late_s).history("errors")


def test_an_unreachable_prometheus_is_no_evidence() -> None:
    """Its silence holds the deployment, and blames nobody."""
    settings = environment.Prometheus(
        url="http://127.0.0.1:1",
        queries={
            "x": environment.Query.model_validate(
                {"query": "x", "unit": "1", "worse": "above", "window": "1m"}
            )
        },
    )
    client = Metrics(settings, user_agent=USER_AGENT, deployed_at_s=time.time() - 60)
    with evidence.recording() as recorder, pytest.raises(InstrumentError, match="refused"):
        client.history("x")
    assert recorder.silent == ("127.0.0.1:1",)
    client.close()


def test_a_query_that_the_environment_does_not_name_is_no_evidence(prometheus: Prometheus) -> None:
    """The near miss is named."""
    with pytest.raises(InstrumentError, match="did you mean errors"):
        prometheus.client().history("error")


def test_an_increase_is_measured_against_the_middle_of_the_baseline(
    prometheus: Prometheus,
) -> None:
    """One slow minute before the deployment must not excuse slowness after it."""
    prometheus.values = lambda since_s: "0.3" if since_s > 0 else ("9" if since_s < -270 else "0.2")
    client = prometheus.client(window="5m")
    with evidence.recording() as recorder:
        increase = client.history("errors").increase_over(client.before("errors"))
    assert increase.latest == pytest.approx(0.5)
    assert recorder.evidence[-1].answer.startswith("+50.0 % (")
    assert increase.unit == "ratio"
    assert "/ 0.2 - 1" in increase.query


def test_a_history_that_nobody_counted_is_not_whole(prometheus: Prometheus) -> None:
    """What has lost its count on the way must not pass for one without a hole."""
    client = prometheus.client(window="5m")
    client.history("errors").increase_over(client.before("errors")).demand_whole()
    with pytest.raises(InstrumentError, match="nothing that says how many samples"):
        client.past("errors", time.time() - 300, time.time()).demand_whole()


@pytest.mark.parametrize(
    ("seen", "missing", "least", "whole"),
    [
        ([1.0] * 9, 0, None, True),
        ([1.0] * 9, 1, None, False),
        ([1.0] * 9, 1, 0.9, True),
        ([1.0] * 9, 1, 0.91, False),
        ([1.0] * 8 + [0.0], 1, 0.9, False),
        ([0.0] * 9, 0, 0.9, True),
    ],
    ids=["whole", "one", "one that may", "one that may not", "used up", "bad, and all of it"],
)
def test_so_much_may_be_missing_as_may_be_bad(
    seen: list[float], missing: int, least: float | None, whole: bool
) -> None:
    """Nobody saw it: it may have been the worst. How bad the rest is, is the check's own matter."""
    history = History.of(Sample(at_s=at, value=value) for at, value in enumerate(seen))
    found = MeasuredHistory(
        name="up", history=history, unit="ratio", worse="below", query="up", missing=missing
    )
    refused = pytest.raises(InstrumentError, match="found 1 samples missing of 10, expected")
    with contextlib.nullcontext() if whole else refused:
        found.demand_whole(least=least)


def test_nothing_is_an_increase_over_zero(prometheus: Prometheus) -> None:
    """A division by zero would be infinitely more, or no number."""
    prometheus.values = lambda since_s: "0.3" if since_s > 0 else "0"
    client = prometheus.client()
    with pytest.raises(
        InstrumentError, match="errors against before: the level before is 0; expected more than 0"
    ):
        client.history("errors").increase_over(client.before("errors"))


def test_32_threads_ask_one_prometheus(prometheus: Prometheus) -> None:
    """A requests session is not for sharing; each check gets its own answer and evidence."""
    client = prometheus.client()
    together = threading.Barrier(32)
    found: list[tuple[float, int]] = []

    def check() -> None:
        with evidence.recording() as recorder:
            together.wait()
            latest = client.history("errors").latest
        found.append((latest, len(recorder.evidence)))

    threads = [threading.Thread(target=check) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert found == [(0.01, 2)] * 32  # the history, and whether it is fresh


def with_baseline(prometheus: Prometheus, value: BaselineValue) -> Metrics:
    """A client that compares with *value*, recorded before the deployment."""
    client = prometheus.client()
    event = BaselineRecorded(
        at_s=1.0, environment="e", release="1", from_s=0.0, until_s=1.0, values=(value,)
    )
    client._baseline = Baseline(
        lambda: [event],
        deployed_at_s=prometheus.deployed_at_s,
        environment="e",
        release="2",
        max_age_s=None,
        pinned=None,
    )
    return client


def test_a_recorded_baseline_goes_before_prometheus(prometheus: Prometheus) -> None:
    """Its median is what later values are compared with; Prometheus is not asked at all."""
    client = with_baseline(
        prometheus, BaselineValue(name="errors", value=0.25, unit="ratio", samples=20)
    )
    assert client.before("errors").median == 0.25
    assert prometheus.asked == []


def test_a_baseline_in_another_unit_is_no_evidence(prometheus: Prometheus) -> None:
    """A query that was rewritten from milliseconds to seconds would be a thousand times better."""
    client = with_baseline(
        prometheus, BaselineValue(name="errors", value=25.0, unit="percent", samples=20)
    )
    with pytest.raises(InstrumentError, match=r"found it recorded in percent .*, expected ratio"):
        client.before("errors")


@pytest.mark.parametrize(("compared", "days"), [("previous_day", 1), ("previous_week", 7)])
def test_before_may_be_the_same_hour_of_another_day(
    prometheus: Prometheus, compared: str, days: int
) -> None:
    """Traffic has its hours: the newest such day before the deployment, up to this very time."""
    client = prometheus.client(window="5m")
    client._settings = client._settings.model_copy(update={"compare_with": compared})
    found = client.before("errors")
    ago_s = time.time() - found.history.at_s[-1]
    assert 0 <= ago_s - days * 86_400 < 5


def test_the_worst_value_is_on_the_side_that_is_bad(prometheus: Prometheus) -> None:
    """No later good value hides it."""
    prometheus.values = lambda after_s: f"{0.2 if 30 <= after_s < 60 else 0.1}"
    assert prometheus.client(min_samples=4).history("errors").worst == 0.2
    assert prometheus.client(min_samples=4, worse="below").history("errors").worst == 0.1


def test_growth_is_told_over_the_window_of_the_query(prometheus: Prometheus) -> None:
    """What covers less than the window tells no growth over it."""
    prometheus.values = lambda after_s: f"{1 + after_s / DEPLOYED_AGO_S}"
    grown = prometheus.client(window="5m", step="10s").growth("errors")
    assert grown.sustained_ratio == pytest.approx(1.0, rel=0.15)
    with pytest.raises(InstrumentError, match="'errors': the samples cover"):
        prometheus.client(window="30m", step="10s").growth("errors")


@pytest.mark.parametrize("answer", [[], ["NaN"], ["1", "2"]], ids=["none", "nan", "two"])
def test_now_is_one_number(prometheus: Prometheus, answer: list[str]) -> None:
    """Nothing, no number and several are no number."""
    prometheus.traffic = ["7"]
    assert prometheus.client().now("x") == 7.0
    prometheus.traffic = answer
    with pytest.raises(InstrumentError, match="expected 1 number"):
        prometheus.client().now("x")
