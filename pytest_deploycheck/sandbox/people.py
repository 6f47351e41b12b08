"""What people would have done around a deployment: made-up words, receipts and a baseline.

Each says that it is a demonstration, and counts only where the environment is a rehearsal.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from typing import Final

from pytest_deploycheck.domain.events import (
    Attested,
    BaselineRecorded,
    BaselineValue,
    Event,
    MessageSent,
)
from pytest_deploycheck.sandbox.platform import PREVIOUS_RELEASE, RELEASE

ENVIRONMENT: Final = "sandbox"

_OPERATIONS: Final = ("olivia@sandbox", "Operations Lead")
_PRODUCT: Final = ("pavel@sandbox", "Product Owner")
_SECURITY: Final = ("selma@sandbox", "Security Team")
_CLIENT: Final = ("jorge@sandbox", "Jorge (Client)")

#: Item → who speaks for it, and what would be said.
WORDS: Final = {
    "pre_deploy/compliance": (*_SECURITY, "SOC2 and GDPR controls are in force"),
    "pre_deploy/recovery-procedures": (*_OPERATIONS, "the drill met its objectives"),
    "deploy/change-advisory-board": (
        "board@sandbox", "Change Advisory Board", "the change is approved",
    ),
    "post_24h/user-feedback": (*_CLIENT, "no issue was reported"),
    "post_24h/lessons-learned": (*_OPERATIONS, "nothing went wrong that is not written down"),
    "post_24h/process-improvements": (*_OPERATIONS, "the procedures are up to date"),
    "post_24h/feature-validation": (*_PRODUCT, "each new feature was tried and works"),
    "post_24h/stakeholder-satisfaction": (*_CLIENT, "the platform works for us"),
    "sign_off/operations-lead": (*_OPERATIONS, "the deployment is technically successful"),
    "sign_off/product-owner": (*_PRODUCT, "the business functions are verified"),
    "sign_off/security-team": (*_SECURITY, "the security controls are operational"),
    "sign_off/jorge-client": (*_CLIENT, "the platform's functions are confirmed"),
}  # fmt: skip
_NOTICE_S: Final = 3 * 86400.0


def healthy(deployed_at_s: float) -> list[Event]:
    """Return everything that people do around a deployment that goes well."""
    said: list[Event] = [
        Attested(
            at_s=deployed_at_s + 60,
            id=f"demonstration-{item.replace('/', '-')}",
            item=item,
            environment=ENVIRONMENT,
            release=RELEASE,
            by=by,
            role=role,
            statement=f"Demonstration, nobody said this: {statement}.",
            evidence="https://example.invalid/demonstration",
            demonstration=True,
        )
        for item, (by, role, statement) in WORDS.items()
    ]
    announced = MessageSent(
        at_s=deployed_at_s - _NOTICE_S,
        id=f"scheduled/{RELEASE}",
        kind="scheduled",
        channel="demonstration",
        state="sent",
        subject="Production Deployment Scheduled - Jorge AI Platform",
        detail="Demonstration: nobody was told.",
        demonstration=True,
    )
    before = _baseline(PREVIOUS_RELEASE, deployed_at_s - 3_600)
    return [*said, announced, before, _baseline(RELEASE, deployed_at_s)]


def _baseline(release: str, from_s: float) -> BaselineRecorded:
    return BaselineRecorded(
        at_s=from_s + 300,
        environment=ENVIRONMENT,
        release=release,
        from_s=from_s,
        until_s=from_s + 300,
        values=(
            BaselineValue(name="latency_p95", value=0.12, unit="s", samples=20),
            BaselineValue(name="error_ratio", value=0.002, unit="ratio", samples=20),
            BaselineValue(name="memory_bytes", value=1.18e9, unit="bytes", samples=20),
            BaselineValue(name="cache_hit_ratio", value=0.92, unit="ratio", samples=20),
            BaselineValue(name="latency_p95_observed", value=0.12, unit="s", samples=20),
            BaselineValue(name="latency_p95_24h", value=0.12, unit="s", samples=20),
        ),
    )


def to_lines(said: Iterable[Event]) -> str:
    """Write events as a journal has them, one JSON object a line."""
    return "".join(f"{json.dumps(dataclasses.asdict(event))}\n" for event in said)
