"""What is wrong with the business: bots, model, demonstrations, and the services of others."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Final

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import usage
from pytest_deploycheck.sandbox.faults.fault import fault
from pytest_deploycheck.sandbox.faults.observation import EXTERNAL
from pytest_deploycheck.sandbox.faults.post_15min import ANALYTICS, SELLER, STAGING_BOTS
from pytest_deploycheck.sandbox.platform import Platform, Reply
from pytest_deploycheck.sandbox.web import Response

LEAD: Final = "post_30min/lead-bot"
INTENT: Final = "post_30min/intent-decoder"
DEMO: Final = "post_30min/demo-environment"
ROI: Final = "post_30min/roi-calculations"
REALTIME: Final = "post_30min/performance-metrics"
CRM: Final = "post_30min/gohighlevel"
CLAUDE: Final = "post_30min/claude-api"
MAIL: Final = "post_30min/email-systems"
EXTERNAL_ISSUES: Final = "external-api-issues"

STAGING_DEMO: Final = "staging/client-demo-environment"
STAGING_SERVICES: Final = "staging/external-integrations"
#: Who asks the services of others directly, besides their own items.
ASKING: Final = (STAGING_SERVICES, "pre_deploy/integration-tests")

_HOLD = Verdict.HOLD
_AGO_S = 300.0
_HOUR_S = 3600.0


@fault(SELLER, STAGING_BOTS, "post_15min/jorge-bot-response", verdict=_HOLD)
def seller_stays_cold(platform: Platform) -> None:
    """The seller bot takes nobody for a hot lead, whatever they say."""
    platform.business.temperatures = ("cold",) * 5


@fault(SELLER, verdict=_HOLD)
def bot_writes_to_crm(platform: Platform) -> None:
    """The bot under test writes its made-up contacts into the real CRM."""
    platform.business.writes_to_crm = True


@fault(LEAD, verdict=_HOLD)
def scheduler_stopped(platform: Platform) -> None:
    """The scheduler of the lead automation does not run, and says so with status 200."""
    platform.business.scheduler |= {"status": "not_started", "scheduler_running": False}


@fault(LEAD, verdict=_HOLD)
def scheduler_idle(platform: Platform) -> None:
    """The scheduler runs, and has no jobs."""
    platform.business.scheduler |= {"active_jobs": 0}


@fault(LEAD, verdict=_HOLD)
def leads_not_taken_in(platform: Platform) -> None:
    """The lead automation takes no new lead in; its scheduler runs, and has its jobs."""
    path = "POST /api/lead-bot/sequences"
    detail = {"detail": "Failed to schedule sequence start"}
    platform.api[path] = Reply(body=lambda: detail, status=500, auth="user")


@fault(LEAD, verdict=_HOLD)
def leads_not_scheduled(platform: Platform) -> None:
    """The lead automation takes a new lead in, and plans nothing for it."""
    platform.business.plans = False


@fault(LEAD, verdict=_HOLD)
def leads_followed_for_ever(platform: Platform) -> None:
    """A follow-up that was cancelled goes on."""
    platform.business.keeps_following = True


@fault(LEAD, verdict=_HOLD)
def calls_stopped(platform: Platform) -> None:
    """For an hour nobody has been called on the seventh day."""
    platform.metrics.grow("lead_bot_day7_calls_total", 0.0, ago_s=_HOUR_S)


@fault(LEAD, verdict=_HOLD)
def sequence_cut_short(platform: Platform) -> None:
    """For an hour nobody has been contacted on the third day, nor on the thirtieth."""
    for name in ("lead_bot_day3_followup_total", "lead_bot_day30_nurture_total"):
        platform.metrics.grow(name, 0.0, ago_s=_HOUR_S)


@fault(LEAD, verdict=_HOLD)
def conversations_stalled(platform: Platform) -> None:
    """The lead automation gives up conversations."""
    platform.metrics.grow("lead_bot_stalled_conversations_total", 0.02, ago_s=_AGO_S)


@fault(INTENT, verdict=_HOLD)
def intents_confused(platform: Platform) -> None:
    """The intent decoder takes everybody for a warm lead."""
    platform.business.decodes = lambda _: "warm"


@fault(INTENT, verdict=_HOLD)
def intents_often_mistaken(platform: Platform) -> None:
    """The intent decoder takes three of twenty known leads for hot ones, and is right elsewhere."""
    mistaken = ("-curious", "-renting", "-someday")
    decoded = platform.business.decodes
    platform.business.decodes = lambda lead: "hot" if lead.endswith(mistaken) else decoded(lead)


@fault(INTENT, verdict=_HOLD)
def intents_inaccurate(platform: Platform) -> None:
    """The intent decoder is right in 86 % of the conversations."""
    platform.metrics.hold("intent_decoder_accuracy_percentage", 86.0, ago_s=_AGO_S)


@fault(ANALYTICS, verdict=_HOLD)
def leads_confused(platform: Platform) -> None:
    """The model scores a cold lead above a hot one."""
    platform.business.scores |= {"deploycheck-hot": 22.0, "deploycheck-cold": 80.0}


@fault(ANALYTICS, verdict=_HOLD)
def model_inaccurate(platform: Platform) -> None:
    """The model is right in 88 % of its predictions."""
    platform.metrics.hold("ml_model_accuracy_percentage", 88.0, ago_s=_AGO_S)


@fault(ANALYTICS, verdict=_HOLD)
def features_drifted(platform: Platform) -> None:
    """The leads of today are not those that the model has learned from."""
    platform.metrics.hold("ml_feature_drift_score", 0.47, ago_s=_AGO_S)


@fault(DEMO, ROI, STAGING_DEMO, verdict=_HOLD)
def demonstration_fails(platform: Platform) -> None:
    """No demonstration can be created."""
    path = "POST /api/v1/client-demonstrations/sessions"
    detail = {"detail": "Internal server error"}
    platform.api[path] = Reply(body=lambda: detail, status=500, auth="user")


@fault(DEMO, STAGING_DEMO, verdict=_HOLD)
def demonstration_empty(platform: Platform) -> None:
    """Demonstrations are created with nothing to show."""
    platform.business.shows = []


@fault(DEMO, ROI, STAGING_DEMO, verdict=_HOLD)
def demonstration_stays(platform: Platform) -> None:
    """A demonstration that was deleted can still be read."""
    platform.business.keeps_sessions = True


@fault(ROI, STAGING_DEMO, DEMO, verdict=_HOLD)
def roi_failed(platform: Platform) -> None:
    """The calculation failed, and the report is an error with status 200."""
    platform.business.roi = lambda _: {"error": "ROI calculation failed", "fallback_roi": "300%"}


@fault(ROI, verdict=_HOLD)
def roi_does_not_add_up(platform: Platform) -> None:
    """The savings in the summary are not those that the parts give."""
    calculated = platform.business.roi

    def wrong(scenario: str) -> dict[str, Any]:
        report = calculated(scenario)
        return report | {"summary": report["summary"] | {"net_savings": 999_000}}

    platform.business.roi = wrong


@fault(ROI, verdict=_HOLD)
def roi_pays_back_before_it_begins(platform: Platform) -> None:
    """The payback period in the summary is -999 months; all sums are right."""
    calculated = platform.business.roi

    def wrong(scenario: str) -> dict[str, Any]:
        report = calculated(scenario)
        return report | {"summary": report["summary"] | {"payback_period_months": -999}}

    platform.business.roi = wrong


@fault(ROI, verdict=_HOLD)
def roi_of_zeros(platform: Platform) -> None:
    """Every number of the ROI report is 0, but for the months: it adds up."""
    calculated = platform.business.roi

    def nothing(part: object) -> object:
        if isinstance(part, dict):
            return {name: nothing(value) for name, value in part.items()}
        return part if isinstance(part, str) else 0

    def empty(scenario: str) -> dict[str, Any]:
        report = calculated(scenario)
        return {name: nothing(v) if isinstance(v, dict) else v for name, v in report.items()}

    platform.business.roi = empty


@fault(ROI, verdict=_HOLD)
def business_report_old(platform: Platform) -> None:
    """The report on the business is from yesterday."""
    platform.business.report_age_s = 86_400.0


@fault(ROI, verdict=_HOLD)
def business_report_empty(platform: Platform) -> None:
    """The report on the business has no figures."""
    platform.business.figures = {}


@fault(ROI, verdict=_HOLD)
def business_report_of_zeros(platform: Platform) -> None:
    """The report on the business could not be calculated: each of its figures is 0."""
    platform.business.figures = dict.fromkeys(platform.business.figures, 0)


@fault(REALTIME, verdict=_HOLD)
def realtime_frozen(platform: Platform) -> None:
    """The real-time metrics have fresh timestamps and always the same values."""
    platform.business.counts = False


@fault(REALTIME, verdict=_HOLD)
def realtime_stale(platform: Platform) -> None:
    """The real-time metrics are from an hour ago."""
    platform.business.realtime_age_s = _HOUR_S


@fault(CRM, SELLER, *ASKING, verdict=_HOLD)
def crm_down(platform: Platform) -> None:
    """Nothing listens where the CRM should be."""
    platform.servers["crm"].refuses = True


@fault(CRM, *ASKING, verdict=_HOLD)
def crm_fails_now_and_then(platform: Platform) -> None:
    """Every ninth time the CRM does not find the location, and answers 503 instead."""
    platform.servers["crm"].alters = _now_and_then('"location"')


@fault(CRM, verdict=_HOLD)
def crm_requests_used_up(platform: Platform) -> None:
    """The CRM allows only a few more requests for the rest of the day."""
    platform.business.crm_remaining = 37


@fault(CRM, SELLER, *ASKING, verdict=_HOLD)
def crm_token_refused(platform: Platform) -> None:
    """The CRM refuses our token, which may be our own fault."""
    platform.credentials.crm_token = "renewed yesterday"  # noqa: S105 - it opens nothing


@fault(CRM, STAGING_SERVICES, EXTERNAL, verdict=_HOLD, trigger=EXTERNAL_ISSUES)
def crm_errors(platform: Platform) -> None:
    """For five minutes 15 % of the platform's calls to the CRM have failed."""
    platform.metrics.grow("external_api_errors_total", 0.3, ago_s=_AGO_S, api="ghl")


@fault(CLAUDE, *ASKING, verdict=_HOLD)
def claude_down(platform: Platform) -> None:
    """Nothing listens where the AI service should be."""
    platform.servers["claude"].refuses = True


@fault(CLAUDE, *ASKING, verdict=_HOLD)
def claude_fails_now_and_then(platform: Platform) -> None:
    """Every ninth time the AI service is overloaded, and answers 503."""
    platform.servers["claude"].alters = _now_and_then('"data"')


@fault(CLAUDE, verdict=_HOLD)
def claude_slow(platform: Platform) -> None:
    """For five minutes 5 % of the AI service's answers have taken more than six seconds."""
    usage.slow(platform.metrics, "claude_api_request_duration_seconds", 6.5, ago_s=_AGO_S)


@fault(CLAUDE, STAGING_SERVICES, EXTERNAL, verdict=_HOLD, trigger=EXTERNAL_ISSUES)
def claude_errors(platform: Platform) -> None:
    """For five minutes 20 % of the platform's calls to the AI service have failed."""
    platform.metrics.grow("external_api_errors_total", 0.3, ago_s=_AGO_S, api="claude")


@fault(CLAUDE, verdict=_HOLD)
def breaker_open(platform: Platform) -> None:
    """The platform has stopped to call the AI service: its circuit breaker is open."""
    platform.business.breakers["claude"] = "open"


@fault(MAIL, verdict=_HOLD)
def mail_lost(platform: Platform) -> None:
    """The mail server accepts mails, and they arrive nowhere."""
    platform.business.loses_mail = True


@fault(MAIL, verdict=_HOLD)
def mail_refused(platform: Platform) -> None:
    """The mail server refuses the recipient."""
    platform.business.refuses_mail = True


@fault(MAIL, verdict=_HOLD)
def mail_server_down(platform: Platform) -> None:
    """Nothing listens where the mail server should be."""
    platform.servers["mail"].refuses = True


@fault(MAIL, verdict=_HOLD)
def mailbox_unreadable(platform: Platform) -> None:
    """The mailbox for tests cannot be asked: nobody knows whether mail arrives."""
    platform.servers["mailbox"].refuses = True


def _now_and_then(key: str) -> Callable[[Response], Response]:
    """Return what spoils every ninth answer with *key* in its body."""
    count = itertools.count(1)
    busy = Response.of({"message": "Service Unavailable"}, status=503)

    def alter(response: Response) -> Response:
        return busy if key in str(response.body) and next(count) % 9 == 0 else response

    return alter
