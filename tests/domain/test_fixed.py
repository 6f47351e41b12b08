"""A question whose answer stands before it is asked is found."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from pytest_deploycheck.domain.fixed import fixed_query, fixed_statement

BASE = Path(__file__).parents[2] / "suites/environments/base.toml"


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("vector(0.1)", "it names no metric"),
        ("0.5", "it names no metric"),
        ("time() - 5", "it names no metric"),
        ("sum by (job) (vector(1))", "it names no metric"),
        ("", "it names no metric"),
        ("0 * sum(up)", "a factor of it is 0"),
        ("(sum(up) * (0.0))", "a factor of it is 0"),
        ("max by (job) (0 * up)", "a factor of it is 0"),
        ("0 / sum(up)", "a factor of it is 0"),
        ("max(up)/max(up)", "both sides of it are the same"),
        ("max(up) - (max( up ))", "both sides of it are the same"),
        ('sum(up{job="a b"}) / sum(up{job="a b"}) # a ratio', "both sides of it are the same"),
        ('sum(up{job="a b"}) / sum(up{job="ab"})', ""),
        ("sum(up) / 0.5", ""),
        ("1 - sum(up)", ""),
        ("sum(a) or 0 * sum(b)", ""),
        ("sum(a) * clamp_min(b * 0 * c, 1)", ""),
        ("up", ""),
        ('{__name__="up"}', ""),
        ("histogram_quantile(0, sum by (le) (rate(x_bucket[1m])))", ""),
        ("-up", ""),
        ("rate(up[5m:15s])", ""),
        ("sum(up) offset 5m", ""),
        ("(", "it names no metric"),
        ("sum(up", ""),
    ],
)
def test_an_expression_that_never_moves(expression: str, why: str) -> None:
    """No metric, a factor of zero, the same on both sides; a part of it alone decides nothing."""
    assert fixed_query(expression) == why


def test_no_query_of_ours_is_taken_for_one() -> None:
    """The lint must not refuse what works."""
    queries = tomllib.loads(BASE.read_text())["prometheus"]["queries"]
    assert len(queries) > 40
    for query in queries.values():
        assert fixed_query(query["query"]) == ""
        assert fixed_query(query.get("traffic", "up")) == ""


@pytest.mark.parametrize(
    ("sql", "fixed"),
    [
        ("SELECT 0", True),
        ("select (0.5)::float AS x;", True),
        ("SELECT -1", True),
        ("SELECT count(*) FROM pg_index", False),
        ("SELECT pg_is_in_recovery()::int", False),
    ],
)
def test_a_statement_that_asks_nothing(sql: str, fixed: bool) -> None:
    """A number that is written in it is no number of the database."""
    assert fixed_statement(sql) is fixed
