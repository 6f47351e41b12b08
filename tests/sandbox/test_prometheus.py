"""The HTTP API of Prometheus, asked with prometheus-api-client."""

from __future__ import annotations

import datetime
import math
import pathlib
import time
import tomllib
from typing import Any

import httpx
import prometheus_api_client
import prometheus_api_client.exceptions
import pytest

from pytest_deploycheck.sandbox import Sandbox

BASE = pathlib.Path(__file__).parents[2] / "suites" / "environments" / "base.toml"
QUERIES = tomllib.loads(BASE.read_text())["prometheus"]["queries"]


@pytest.fixture
def prometheus(variables: dict[str, str]) -> prometheus_api_client.PrometheusConnect:
    """A client of the sandbox's Prometheus."""
    return prometheus_api_client.PrometheusConnect(url=variables["PROMETHEUS_URL"])


def values(
    prometheus: prometheus_api_client.PrometheusConnect, query: str, *, minutes: float = 45
) -> list[float]:
    """Return the one series that answers, every 15 s until now."""
    now = datetime.datetime.now(datetime.UTC)
    answer = prometheus.custom_query_range(
        query, start_time=now - datetime.timedelta(minutes=minutes), end_time=now, step="15"
    )
    assert len(answer) == 1
    return [float(value) for _, value in answer[0]["values"]]


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_of_the_environments_has_a_history(
    prometheus: prometheus_api_client.PrometheusConnect, name: str
) -> None:
    """Each query, and the traffic behind it, answers one series over 45 minutes, without holes."""
    table: dict[str, Any] = QUERIES[name]
    for query in filter(None, (table["query"], table.get("traffic"))):
        found = values(prometheus, query)
        assert len(found) == 181
        assert all(map(math.isfinite, found))


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("error_ratio", 0.0015, 0.0025),
        ("latency_p95", 0.09, 0.11),
        ("bot_success_ratio", 0.99, 0.995),
        ("health_failing", 0.0, 0.0),
        ("database_up", 1.0, 1.0),
    ],
)
def test_the_healthy_values_keep_clear_of_their_limits(
    prometheus: prometheus_api_client.PrometheusConnect, name: str, low: float, high: float
) -> None:
    """Noise never carries a healthy platform over a limit, so 20 runs of 20 proceed."""
    found = values(prometheus, QUERIES[name]["query"], minutes=4 * 60)
    assert low <= min(found) <= max(found) <= high


@pytest.mark.parametrize(
    "query",
    ["no_such_metric", 'sum(rate(http_requests_total{status="500"}[1m]))'],
    ids=["unknown-metric", "wrong-label"],
)
def test_what_nobody_exposes_has_an_empty_answer(
    prometheus: prometheus_api_client.PrometheusConnect, query: str
) -> None:
    """No data is no data: never a zero."""
    assert prometheus.custom_query(query) == []


@pytest.mark.parametrize("query", ["sum(", "up{job=}", "rate(up)", "nonsense(up)", ""])
def test_what_is_no_expression_is_an_error(
    prometheus: prometheus_api_client.PrometheusConnect, query: str
) -> None:
    """A broken query is refused, not answered with nothing."""
    with pytest.raises(prometheus_api_client.exceptions.PrometheusApiClientException, match="400"):
        prometheus.custom_query(query)


def test_form_and_url_ask_the_same(variables: dict[str, str]) -> None:
    """Long queries come as a form; the answer is the same."""
    url = f"{variables['PROMETHEUS_URL']}/api/v1/query"
    asked = {"query": 'sum(up{job="jorge-revenue-api"})', "time": str(time.time())}
    by_url = httpx.get(url, params=asked, trust_env=False).json()
    assert httpx.post(url, data=asked, trust_env=False).json() == by_url
    assert by_url["data"]["result"][0]["value"][1] == "3.0"


def test_an_error_burst_is_in_the_history_with_its_beginning(
    sandbox: Sandbox, prometheus: prometheus_api_client.PrometheusConnect
) -> None:
    """A fault began at a time: before it the history is healthy, since then it is not."""
    sandbox.switch(["error-burst"])
    found = values(prometheus, QUERIES["error_ratio"]["query"])
    bad = [value > 0.05 for value in found]
    assert not any(bad[:160])
    assert all(bad[-9:])


def test_a_partial_answer_carries_a_warning(sandbox: Sandbox, variables: dict[str, str]) -> None:
    """What Prometheus knows to be incomplete, it says."""
    sandbox.switch(["prometheus-partial"])
    url = f"{variables['PROMETHEUS_URL']}/api/v1/query"
    assert httpx.get(url, params={"query": "up"}, trust_env=False).json()["warnings"]
