"""The share of uptime by the queries of production, over a month in a real Prometheus."""

from __future__ import annotations

import contextlib
import time
import tomllib
from collections.abc import Callable, Iterator
from typing import Final

import pytest

from pytest_deploycheck.clients.histories import MeasuredHistory
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.config import load_project
from pytest_deploycheck.config.environment import Prometheus, Query
from pytest_deploycheck.domain.errors import InstrumentError
from tests.integration import servers
from tests.suites import matrix

SCRAPE_S: Final = 15
MONTH_S, DAY_S, HOUR_S = 30 * 86_400, 86_400, 3_600
LIMIT: Final = load_project(matrix.ROOT / "suites").policy.limits["uptime_ratio"]
JOB: Final = "jorge-revenue-api"

Instance = Callable[[int], int | None]
"""What one answered so many seconds ago: 1, 0 for nothing, None where nobody looked."""


def down(from_ago_s: int, for_s: int, instead: int | None = 0) -> Instance:
    """Up, but not from *from_ago_s* on for *for_s*."""
    return lambda ago_s: instead if from_ago_s - for_s < ago_s <= from_ago_s else 1


#: By job, what each of its instances was.
JOBS: Final[dict[str, tuple[Instance, ...]]] = {
    "well": (
        lambda ago_s: 1 if ago_s >= 15 * DAY_S else None,
        lambda ago_s: None if ago_s >= 15 * DAY_S else 1,
        down(7 * DAY_S, DAY_S),
    ),
    "down": (down(10 * DAY_S - 240, 300), down(10 * DAY_S - 240, 300)),
    "blink": (down(10 * HOUR_S, SCRAPE_S),),
    "unseen": (down(10 * DAY_S, 300, None),),
    "restarted": (down(10 * DAY_S, 180, None),),
    "restarted-twice": (lambda a: down(10 * DAY_S, 180, None)(a) and down(HOUR_S, 180, None)(a),),
    "young": (lambda ago_s: 1 if ago_s <= 29 * DAY_S else None,),
}
#: When each was scraped: one at the very ends of the ranges, all others within them.
OFFSET_S: Final = {"blink": 0.0}


@pytest.fixture(scope="module")
def now_s() -> int:
    """A whole second."""
    return int(time.time())


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, now_s: int) -> Iterator[str]:
    """A Prometheus with its own limits, and a month of every job."""
    lines = [
        f'up{{job="{job}",instance="{number}"}} {value} {now_s - ago_s - OFFSET_S.get(job, 7.25)}'
        for job, instances in JOBS.items()
        for number, instance in enumerate(instances)
        for ago_s in range(MONTH_S + DAY_S, -SCRAPE_S, -SCRAPE_S)
        if (value := instance(ago_s)) is not None
    ]
    text = "\n".join(["# TYPE up gauge", *lines, "# EOF\n"])
    with servers.prometheus(tmp_path_factory.mktemp("prometheus"), text) as address:
        yield address


def asked(url: str, job: str, *, now_s: int, deployed_ago_s: float) -> Metrics:
    """Return a client that asks production's queries about *job*."""
    base = tomllib.loads((matrix.ROOT / "suites/environments/base.toml").read_text("utf-8"))
    queries = {
        name: Query(**query | {"query": query["query"].replace(JOB, job)})
        for name, query in base["prometheus"]["queries"].items()
        if name.startswith("uptime_")
    }
    return Metrics(
        Prometheus.model_validate(
            {"url": url, "rate_per_s": 1_000, "timeout": "10s", "queries": queries}
        ),
        user_agent="tests",
        deployed_at_s=now_s - deployed_ago_s,
        clock=lambda: now_s,
    )


def month_of(url: str, job: str, now_s: int) -> MeasuredHistory:
    """Return the month before a deployment of a minute ago."""
    with contextlib.closing(asked(url, job, now_s=now_s, deployed_ago_s=60)) as client:
        return client.before("uptime_30d")


def test_instances_come_and_go_and_one_is_enough(url: str, now_s: int) -> None:
    """Every scrape of the month, though no instance was there for all of it."""
    month = month_of(url, "well", now_s)
    assert (month.mean, month.missing, len(month.history)) == (1.0, 0, MONTH_S // SCRAPE_S + 1)
    month.demand_whole(least=LIMIT)


def test_an_outage_between_two_multiples_of_ten_minutes_is_seen(url: str, now_s: int) -> None:
    """Five minutes are more than the month may have, and two looks ten minutes apart are none."""
    month = month_of(url, "down", now_s)
    assert month.mean == pytest.approx(1 - 20 / (MONTH_S // SCRAPE_S + 1), abs=1e-6)
    assert month.mean < LIMIT


def test_what_nobody_saw_may_have_been_an_outage(url: str, now_s: int) -> None:
    """As much as one may last is let pass, also twice that is not; no value is carried on."""
    month_of(url, "restarted", now_s).demand_whole(least=LIMIT)
    for job, missing in (("unseen", 20), ("restarted-twice", 24)):
        month = month_of(url, job, now_s)
        assert month.mean == 1.0
        with pytest.raises(InstrumentError, match=rf"found {missing} samples missing of 172801, "):
            month.demand_whole(least=LIMIT)


def test_a_prometheus_that_has_no_month_knows_nothing_of_it(url: str, now_s: int) -> None:
    """It may be new, or keep fifteen days, which is its default."""
    with pytest.raises(InstrumentError, match="found 167"):
        month_of(url, "young", now_s)


def test_one_failed_scrape_is_not_hidden_by_its_neighbour(url: str, now_s: int) -> None:
    """Before version 3 a range has both its ends, so that it may hold two scrapes."""
    for job, well in (("well", True), ("blink", False)):
        with contextlib.closing(asked(url, job, now_s=now_s, deployed_ago_s=DAY_S + 60)) as client:
            day = client.history("uptime_24h")
        day.demand_whole()
        assert (day.mean >= LIMIT) is well
