"""Which series PromQL looks at, without evaluating it."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.monitoring_selectors import selectors_of
from pytest_deploycheck.domain.errors import InstrumentError


@pytest.mark.parametrize(
    ("expression", "selectors"),
    [
        ("up == 0", ["up{}"]),
        ('sum by (le) (rate(x_bucket{a=~"b.."}[5m])) > 1', ['x_bucket{a=~"b.."}']),
        ("sum(a) by (b) > 1h30m", ["a{}"]),
        ("a / ignoring(c) group_left (d) sum without (pod) (b)", ["a{}", "b{}"]),
        ('absent(up{job="z"}) or up{job="a"} == bool 0', ['up{job="a"}']),
        ("rate(k:m:n[5m:1m] offset 1w @ 1609746000)", ["k:m:n{}"]),
        ('count({__name__=~"a.*", job="b"})', ['{__name__=~"a.*",job="b"}']),
        ('{"my.metric", a="b"} > 1e-5', ['my.metric{a="b"}']),
        ("topk(3, x) > +Inf # and y", ["x{}"]),
        ("x and on () y unless z", ["x{}", "y{}", "z{}"]),
        ("predict_linear(x[4h], 4 * 3600) < 0", ["x{}"]),
        ("vector(1)", []),
    ],
)
def test_every_selector_is_found(expression: str, selectors: list[str]) -> None:
    """Metrics, not functions, labels of a grouping, durations or comments."""
    assert list(map(str, selectors_of(expression))) == selectors


@pytest.mark.parametrize(
    ("matchers", "present"),
    [
        ('a="b"', ["a"]),
        ('a=""', []),
        ('a!=""', ["a"]),
        ('a!="b"', []),
        ('a=~".*"', []),
        ('a=~".+"', ["a"]),
        ('a!~"b|"', ["a"]),
    ],
)
def test_a_label_is_needed_when_the_empty_text_does_not_match(
    matchers: str, present: list[str]
) -> None:
    """As in PromQL, a label that is not there is the empty text."""
    (selector,) = selectors_of(f"x{{{matchers}}}")
    assert list(selector.present) == present


@pytest.mark.parametrize("text", ["x{a}", "x{a=b}", "x;y", 'x{a="b'])
def test_what_is_no_promql_is_refused(text: str) -> None:
    """A rule that cannot be read is not known to see anything."""
    with pytest.raises(InstrumentError, match="no PromQL"):
        selectors_of(text)
