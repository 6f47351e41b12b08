"""The shape of a fault, and the words that faults are written in."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox.platform import Platform

PODS: Final = "post_5min/pod-status"
SERVICES: Final = "post_5min/service-endpoints"
BALANCER: Final = "post_5min/load-balancer"
ENDPOINTS: Final = "post_5min/api-endpoints"
FRONTEND: Final = "post_5min/frontend-application"
DATABASE: Final = "post_5min/database-connectivity"
CACHE: Final = "post_5min/redis-cache"
HEALTH_POINT: Final = "rollback/health-check-failure"
ERROR_POINT: Final = "rollback/critical-error-rate"
LATENCY_POINT: Final = "rollback/performance-degradation"
BOT_POINT: Final = "rollback/jorge-bot-failure"
DATABASE_POINT: Final = "rollback/database-issues"
SECURITY_POINT: Final = "rollback/security-issues"

HEALTH: Final = "health-check-failure"
ERRORS: Final = "critical-error-rate"
LATENCY: Final = "performance-degradation"
BOT: Final = "jorge-bot-failure"
DATABASE_ISSUES: Final = "database-issues"
SECURITY: Final = "security-issues"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong, and who must notice it."""

    name: str
    summary: str
    """What is wrong, in a sentence."""
    items: tuple[str, ...]
    """Ids of exactly the items that react: FAILED, INCONCLUSIVE, or PASSED after recovering."""
    trigger: str | None
    """The rollback trigger that is about it, PENDING or FIRING; None: none is either."""
    verdict: Verdict
    """Of a run of all its items' phases in the sandbox's environment."""
    break_: Callable[[Platform], None]
    """Changes a healthy platform."""


#: Every fault, in the order of its module and then of its line.
FAULTS: Final[list[Fault]] = []


def fault(
    *items: str, verdict: Verdict = Verdict.ROLLBACK, trigger: str | None = None
) -> Callable[[Callable[[Platform], None]], Callable[[Platform], None]]:
    """Make a fault of a function: its name is the fault's, its docstring the summary."""

    def register(break_: Callable[[Platform], None]) -> Callable[[Platform], None]:
        FAULTS.append(
            Fault(
                name=break_.__name__.replace("_", "-"),
                summary=" ".join((break_.__doc__ or "").split()),
                items=tuple(dict.fromkeys(items)),  # causes that are shared overlap
                trigger=trigger,
                verdict=verdict,
                break_=break_,
            )
        )
        return break_

    return register
