"""What the platform is for, as state: bots, scores, demonstrations, and what others do for them."""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable
from typing import Any, Final

Json = dict[str, Any]

SCENARIOS: Final = (
    "luxury_agent",
    "mid_market",
    "first_time_buyer",
    "investor_focused",
    "high_volume",
)
LEADS: Final = {"deploycheck-hot": 91.0, "deploycheck-cold": 18.0}
READINESS: Final = {"hot": 88.0, "warm": 55.0, "cold": 12.0}
_TEMPERATURES = ("cold", "cold", "warm", "warm", "hot")


def _roi(scenario: str) -> Json:
    traditional = {"agent_salaries": 180_000, "lead_generation": 48_000, "tools": 12_000}
    jorge = {"platform": 36_000, "setup": 5_000, "training": 3_000}
    values = {"faster_response": 42_000, "higher_accuracy": 31_000, "24_7_availability": 27_000}
    saved = {"staffing_savings": 150_000, "operational_efficiency": 24_000}
    before, after = sum(traditional.values()), sum(jorge.values())
    benefits = sum(values.values()) + sum(saved.values())
    net = benefits - (after - before)
    return {
        "scenario": scenario,
        "time_horizon_months": 12,
        "traditional_costs": traditional,
        "jorge_costs": jorge,
        "jorge_benefits": {
            **{name: {"description": name, "value": value} for name, value in values.items()},
            "cost_reduction": saved,
        },
        "summary": {
            "traditional_total_cost": before,
            "jorge_total_cost": after,
            "total_benefits": benefits,
            "net_savings": net,
            "roi_percentage": net / before * 100,
            "payback_period_months": (after - before) / (net / 12),
            "cost_reduction_percentage": (before - after) / before * 100,
        },
    }


def intent_of(lead: str) -> str:
    """Return the temperature of a known lead by its id: `deploycheck-hot-relocating` is hot."""
    return lead.split("-")[1]


@dataclasses.dataclass(kw_only=True)
class Business:
    """The state of the platform's business, and what can be wrong with it."""

    scores: dict[str, float] = dataclasses.field(default_factory=lambda: dict(LEADS))
    """Lead → its score; any other lead has 50."""
    decodes: Callable[[str], str] = intent_of
    """Known lead → the temperature that the intent decoder takes it for."""
    inference_ms: Callable[[int], float] = lambda index: 18.0 + index % 7
    """What the inference of that number takes, as the platform reports it."""
    working_s: float = 0.03
    """How long it works at a score, which is no less than the inference takes."""
    hesitates_s: float = 0.0
    """How long the seller bot waits before its first answer of a conversation."""
    says: str | None = None
    """What the seller bot says to everything."""
    temperatures: tuple[str, ...] = _TEMPERATURES
    """By how much is known of a seller."""
    writes_to_crm: bool = False
    """The bot under test writes to the real CRM."""
    scheduler: Json = dataclasses.field(
        default_factory=lambda: {
            "status": "healthy",
            "scheduler_running": True,
            "active_jobs": 14,
            "last_error": None,
        }
    )
    followed: dict[str, str] = dataclasses.field(default_factory=dict)
    """Lead → how far its follow-up is: active or completed."""
    plans: bool = True
    """Who is followed up is contacted at a time that is known."""
    keeps_following: bool = False
    """A follow-up that is cancelled goes on."""
    roi: Callable[[str], Json] = _roi
    """Scenario → the calculation."""
    keeps_sessions: bool = False
    """Demonstrations are not deleted."""
    shows: list[Json] = dataclasses.field(default_factory=lambda: [{"name": "Patricia"}])
    """What a demonstration has of everything."""
    counts: bool = True
    """The real-time metrics move."""
    realtime_age_s: float = 0.0
    report_age_s: float = 40.0
    figures: Json = dataclasses.field(
        default_factory=lambda: {"total_revenue": 452_000, "hot_leads": 57, "commission": 27_120}
    )
    """Of the business's report."""
    breakers: dict[str, str] = dataclasses.field(
        default_factory=lambda: {"claude": "closed", "ghl": "closed", "sendgrid": "closed"}
    )
    crm_remaining: int = 187_412
    """Requests that the CRM allows us for the rest of the day."""
    crm_contacts: list[str] = dataclasses.field(default_factory=list)
    mails: list[str] = dataclasses.field(default_factory=list)
    """What has arrived in the mailbox."""
    loses_mail: bool = False
    refuses_mail: bool = False
    stall_s: float = 0.0
    """How long everybody waits behind every twentieth score."""
    stall: threading.Lock = dataclasses.field(default_factory=threading.Lock)
    told: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    """Contact → what it has said to the bot."""
    sessions: dict[str, Json] = dataclasses.field(default_factory=dict)
    numbers: itertools.count[int] = dataclasses.field(default_factory=lambda: itertools.count(1))
    """A counter for everything that needs one."""
