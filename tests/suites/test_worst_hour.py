"""The day after, by the queries of production: what was bad for some minutes of an hour is seen."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator
from typing import Final

import pytest

from pytest_deploycheck import sandbox
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.config import load_project
from pytest_deploycheck.config.environment import Prometheus, Query
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.sandbox import healthy
from pytest_deploycheck.sandbox.metrics import Metrics as Scraped
from tests.suites import matrix

DAY_S: Final = 86_400.0
AGO_S: Final = 10 * 3_600.0
LIMITS: Final = load_project(matrix.ROOT / "suites").policy.limits


@pytest.fixture(scope="module")
def running() -> Iterator[sandbox.Sandbox]:
    """A platform that was deployed a day and an hour ago."""
    with sandbox.Sandbox(deployed_ago_s=DAY_S + 3_600) as started:
        yield started


@pytest.fixture(autouse=True)
def scraped(running: sandbox.Sandbox) -> Scraped:
    """What its Prometheus has, healthy."""
    running.switch([])
    return running.platform.metrics


@pytest.fixture
def metrics(running: sandbox.Sandbox) -> Iterator[Metrics]:
    """Its Prometheus, asked as production's."""
    base = tomllib.loads((matrix.ROOT / "suites/environments/base.toml").read_text("utf-8"))
    named = base["prometheus"]["queries"]
    settings = Prometheus(
        url=running.variables["DEPLOYCHECK_SANDBOX_PROMETHEUS_URL"],
        rate_per_s=10_000,
        compare_with="before",
        queries={name: Query(**query) for name, query in named.items()},
    )
    deployed_at_s = running.platform.deployed_at_s
    client = Metrics(settings, user_agent="tests", deployed_at_s=deployed_at_s)
    yield client
    client.close()


def test_a_healthy_day_has_no_bad_hour(metrics: Metrics) -> None:
    """Each hour is within its limit."""
    before = metrics.before("latency_p95_24h")
    slower = metrics.history("latency_p95_hourly").increase_over(before)
    assert metrics.history("error_ratio_hourly").worst < LIMITS["error_ratio_sla"]
    assert metrics.history("bot_success_hourly").worst > LIMITS["bot_success_ratio"]
    assert slower.worst < LIMITS["latency_increase_ratio_gradual"]


def test_errors_of_twenty_minutes_make_an_hour_bad(metrics: Metrics, scraped: Scraped) -> None:
    """They are too few for the day, and the middle of that hour's minutes is good."""
    for per_s, ago_s in ((9.0, AGO_S), (0.06, AGO_S - 1_200)):
        scraped.grow("http_requests_total", per_s, ago_s=ago_s, status_code="500")
    limit = LIMITS["error_ratio_sla"]
    assert metrics.history("error_ratio_day").latest < limit
    assert metrics.history("error_ratio_hourly").worst > 5 * limit


def test_bots_that_fail_for_twenty_minutes_make_an_hour_bad(
    metrics: Metrics, scraped: Scraped
) -> None:
    """It is long over when the day is judged."""
    for per_s, ago_s in ((0.6, AGO_S), (0.016, AGO_S - 1_200)):
        scraped.grow("jorge_seller_bot_failures_total", per_s, ago_s=ago_s)
    hours = metrics.history("bot_success_hourly")
    assert hours.latest > LIMITS["bot_success_ratio"] > hours.worst


def test_bots_that_nobody_reaches_for_five_hours_were_not_used_as_usual(
    metrics: Metrics, scraped: Scraped
) -> None:
    """The middle of the day's hours is as usual, and so is its end."""
    assert metrics.history("bot_volume_24h").worst > 0.9
    for per_s, ago_s in ((0.0, AGO_S), (2.0, AGO_S - 5 * 3_600)):
        scraped.grow("jorge_seller_bot_interactions_total", per_s, ago_s=ago_s)
    volume, limit = metrics.history("bot_volume_24h"), LIMITS["bot_volume_ratio"]
    assert min(volume.latest, volume.median) > limit > volume.worst


def test_every_scrape_of_the_day_counts_for_uptime(metrics: Metrics, scraped: Scraped) -> None:
    """One in which no instance answered is more than may be; one that nobody made may be that."""
    metrics.history("uptime_24h").demand_whole()
    began_s = time.time() - AGO_S
    for series in scraped.find("up", job="jorge-revenue-api"):
        series.unseen_s = began_s, began_s + 60
    with pytest.raises(InstrumentError, match=r"found 4 samples missing of 576\d, expected none"):
        metrics.history("uptime_24h").demand_whole()
    for up, ago_s in ((0.0, AGO_S / 2), (1.0, AGO_S / 2 - 15)):
        scraped.hold("up", up, ago_s=ago_s, job="jorge-revenue-api")
    assert metrics.history("uptime_24h").mean < LIMITS["uptime_ratio"]


def test_slowness_of_twenty_minutes_makes_an_hour_bad(metrics: Metrics, scraped: Scraped) -> None:
    """The 95th percentile of an hour is that of its requests, not the middle of its minutes."""
    for p95_s, ago_s in ((0.4, AGO_S), (0.1, AGO_S - 1_200)):
        for edge, share in healthy.latency_buckets(p95_s=p95_s):
            per_s = healthy.REQUESTS_PER_S * share
            scraped.grow(f"{healthy.LATENCY}_bucket", per_s, ago_s=ago_s, le=edge)
    hours = metrics.history("latency_p95_hourly")
    slower = hours.increase_over(metrics.before("latency_p95_24h"))
    assert metrics.history("latency_p95_day").latest < LIMITS["latency_p95_s"]
    assert slower.latest < LIMITS["latency_increase_ratio_gradual"] < slower.worst


def test_a_control_that_failed_in_the_night_has_failed(metrics: Metrics, scraped: Scraped) -> None:
    """Any failure is a decision point, whether or not a run was under way when it happened."""
    name, limit = "security_control_failures", LIMITS["security_failure_count"]
    assert metrics.history(name).worst == limit
    for per_s, ago_s in ((0.1, AGO_S), (0.0, AGO_S - 60)):
        scraped.grow("security_events_total", per_s, ago_s=ago_s, event_type="control_failure")
    found = metrics.history(name)
    assert found.latest <= limit < found.worst


def test_a_control_that_failed_for_the_first_time_in_the_night_has_failed(
    metrics: Metrics, scraped: Scraped
) -> None:
    """Its counter has not increased since."""
    series = {"name": "security_events_total", "event_type": "control_failure"}
    scraped.hold(**series, value=1.0, ago_s=2 * DAY_S)
    for one in scraped.find(**series):
        one.from_s = time.time() - AGO_S
    found = metrics.history("security_control_first_failures")
    assert found.latest <= LIMITS["security_failure_count"] < found.worst
