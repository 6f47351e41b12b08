"""How far back an expression looks."""

from __future__ import annotations

import pytest

from pytest_deploycheck.domain.ranges import longest_range_s, reach_s, with_ranges_within


@pytest.mark.parametrize(
    ("expression", "range_s"),
    [
        ("min(pg_up)", None),
        ("rate(a[1m]) / rate(b[5m])", 300.0),
        ("max_over_time(a[1h30m:15s] offset 1d)", 5400.0),
        ('increase(a{path="/x[9d]"}[ 500ms ])', 0.5),
        ("sum(increase(a[30d])) / sum(increase(a[90]))", 2_592_000.0),
    ],
)
def test_the_longest_range_of_an_expression(expression: str, range_s: float | None) -> None:
    """How far back it averages; a number without unit is seconds, and a text is no range."""
    assert longest_range_s(expression) == range_s


@pytest.mark.parametrize(
    ("expression", "reach"),
    [
        ("min(pg_up)", (0.0, 0.0)),
        ("rate(a[1m]) / rate(b[5m] offset 1w)", (300.0, 0.0)),
        ("max_over_time(rate(a[1m])[30m:15s])", (60.0, 1800.0)),
        ("max_over_time(a[30m:15s]) / max_over_time(a[1h:15s])", (0.0, 3600.0)),
    ],
)
def test_the_reach_of_a_subquery_comes_on_top(expression: str, reach: tuple[float, float]) -> None:
    """The first value of `rate(a[1m])[30m:]` is 31 minutes old."""
    assert reach_s(expression) == reach


@pytest.mark.parametrize(
    ("expression", "cut"),
    [
        ("rate(a[1m]) / rate(b[5m])", "rate(a[1m]) / rate(b[90s])"),
        ("rate(a[90s]) / rate(b[ 2m ])", "rate(a[90s]) / rate(b[90s])"),
        ("increase(a[1h] offset 1w)", "increase(a[90s] offset 1w)"),
        ("""a{x=~"[5m]",y='[5m]',z=`[5m]`}[5m]""", """a{x=~"[5m]",y='[5m]',z=`[5m]`}[90s]"""),
        ("max_over_time(rate(a[5m])[30m:15s])", "max_over_time(rate(a[90s])[30m:15s])"),
        ("min(pg_up)", "min(pg_up)"),
    ],
)
def test_longer_ranges_are_cut_and_nothing_else(expression: str, cut: str) -> None:
    """A label's text stays as it is, and so does what is short enough; whole seconds are left."""
    assert with_ranges_within(expression, 90.9) == cut
