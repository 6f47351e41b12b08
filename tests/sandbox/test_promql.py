"""The part of PromQL that the sandbox evaluates, against values worked out by hand."""

from __future__ import annotations

import math

import pytest

from pytest_deploycheck.sandbox import promql
from pytest_deploycheck.sandbox.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    """Two gauges of one metric, and a histogram."""
    made = Metrics()
    made.gauge("g", 2.0, pod="a")
    made.gauge("g", 6.0, pod="b")
    for edge, count in (("1", 50.0), ("2", 90.0), ("+Inf", 100.0)):
        made.gauge("b", count, le=edge)
    made.gauge("idle", 0.0, le="+Inf")
    made.counter("c", 3.0)
    return made


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("-2 + 3", 1.0),
        ("8 / 2 / 2", 2.0),
        ("sum(g)", 8.0),
        ("avg(g) - min(g)", 2.0),
        ("max(g) / count(g)", 3.0),
        ('g{pod="a"}', 2.0),
        ('sum(g{pod!="a"})', 6.0),
        ('sum(g{pod=~"a|b",pod!~"b"})', 2.0),
        ("sum(max_over_time(g[1m]))", 8.0),
        ("sum(min_over_time(g[1m]))", 8.0),
        ("sum(count_over_time(g[1m]))", 8.0),
        ("sum(g > 3)", 6.0),
        ("sum(nothing) or 0 * sum(g)", 0.0),
        ("sum(g) or 0 * sum(g)", 8.0),
        ("sum(g) unless sum(nothing)", 8.0),
        ("histogram_quantile(0.7, b)", 1.5),
        ("histogram_quantile(0.99, b)", 2.0),
    ],
)
def test_an_expression_has_the_value_that_prometheus_gives_it(
    metrics: Metrics, query: str, expected: float
) -> None:
    """Precedence, matchers, aggregation, sets and quantiles are Prometheus's."""
    value = promql.parse(query, metrics)(1e9)
    found = [value] if isinstance(value, float) else list(value.values())
    assert found == [pytest.approx(expected)]


def test_grouping_keeps_the_labels_that_it_names(metrics: Metrics) -> None:
    """`by` gives one value for each group."""
    value = promql.parse("sum by (pod) (g)", metrics)(1e9)
    assert value == {frozenset({("pod", "a")}): 2.0, frozenset({("pod", "b")}): 6.0}


@pytest.mark.parametrize("query", ["sum(rate(c[1m]))", "sum(increase(c[2m])) / 120"])
def test_growth_is_per_second_of_the_range(metrics: Metrics, query: str) -> None:
    """A counter's rate is what it was made to be, give or take its noise."""
    value = promql.parse(query, metrics)(1e9)
    assert not isinstance(value, float)
    assert list(value.values()) == [pytest.approx(3.0, rel=0.03)]


@pytest.mark.parametrize("query", ["0 / 0", "sum(g) * 0 / 0", "histogram_quantile(0.9, idle)"])
def test_nothing_divided_by_nothing_is_not_a_number(metrics: Metrics, query: str) -> None:
    """Without traffic a ratio is NaN, as in Prometheus: the trap that clients must see."""
    value = promql.parse(query, metrics)(1e9)
    found = [value] if isinstance(value, float) else list(value.values())
    assert [math.isnan(one) for one in found] == [True]


def test_a_series_that_stopped_is_gone_after_the_lookback(metrics: Metrics) -> None:
    """For five minutes the last sample looks current: the trap that max_age is for."""
    for one in metrics.find("g", pod="a"):
        one.until_s = 1e9
    node = promql.parse('g{pod="a"}', metrics)
    assert node(1e9 + 280)
    assert node(1e9 + 320) == {}


def test_an_offset_looks_back(metrics: Metrics) -> None:
    """The same hour of a week ago is in the history, and a series may be younger."""
    for one in metrics.find("g", pod="a"):
        one.from_s = 1e9 - 3600
    assert promql.parse('g{pod="a"} offset 30m', metrics)(1e9)
    assert promql.parse('g{pod="a"} offset 1w', metrics)(1e9) == {}
    value = promql.parse("sum(increase(c[1h] offset 1w)) / sum(increase(c[1h]))", metrics)(1e9)
    assert not isinstance(value, float)
    assert list(value.values()) == [pytest.approx(1.0, rel=0.01)]


@pytest.mark.parametrize("query", ["g offset", "g offset 5", "sum(rate(c[1m] offset))"])
def test_an_offset_without_a_duration_is_refused(metrics: Metrics, query: str) -> None:
    """As Prometheus does."""
    with pytest.raises(promql.PromqlError, match="expected a duration"):
        promql.parse(query, metrics)
