"""What is wrong with staging; the sandbox is its own."""

from __future__ import annotations

from typing import Final

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import usage
from pytest_deploycheck.sandbox.faults.fault import fault
from pytest_deploycheck.sandbox.platform import Platform

DATABASE: Final = "staging/database-performance"
MEMORY: Final = "staging/memory-usage"

#: Who sees the same growth when it goes on after the deployment.
_LATER: Final = ("rollback/memory-leaks", "post_24h/memory-cpu-usage")
_HOLD = Verdict.HOLD
_AGO_S = 300.0


@fault(DATABASE, verdict=_HOLD)
def queries_slow(platform: Platform) -> None:
    """For five minutes 5 % of the queries have taken more than 90 ms."""
    usage.slow(platform.metrics, "database_query_duration_seconds", 0.09, ago_s=_AGO_S)


@fault(DATABASE, verdict=_HOLD)
def query_stuck(platform: Platform) -> None:
    """A query has been running for 42 seconds, which no percentile of the others shows."""
    platform.database.values["query_start"] = 42.0


@fault(MEMORY, *_LATER, trigger="memory-leaks", verdict=_HOLD)
def memory_leaks(platform: Platform) -> None:
    """Since the deployment memory has grown steadily, by a quarter within six minutes."""
    usage.leak(platform.metrics, ratio=0.24, ago_s=platform.deployed_ago_s)


@fault(MEMORY, *_LATER, trigger="memory-leaks", verdict=_HOLD)
def memory_leaks_slowly(platform: Platform) -> None:
    """Since the deployment memory has grown steadily, by a sixth within six minutes."""
    usage.leak(platform.metrics, ratio=0.17, ago_s=platform.deployed_ago_s)
