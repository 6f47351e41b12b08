"""Jorge Bot Ecosystem: the bots and the model do their work, on leads whose answers are known."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.conversation import converse, known_to
from pytest_deploycheck.clients.intents import decoded
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.clients.scoring import scores
from pytest_deploycheck.clients.sequences import followed_up
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.post_30min


@pytest.mark.writes("a conversation under a contact of its own, which the bot forgets afterwards")
@pytest.mark.check("jorge-seller-bot")
def test_seller_is_qualified_and_the_crm_left_alone(api: Api, crm: Api) -> None:
    """A script of several turns, by content; then the CRM itself must not know the contact."""
    talk = converse(api, "qualification")
    assert not known_to(crm, talk.contact), f"found {talk.contact} in the CRM, expected nothing"


@pytest.mark.check("lead-bot")
def test_automation_is_scheduled(api: Api, limits: Limits, measure: Measure) -> None:
    """A scheduler that runs and has nothing to run looks healthy, and nobody is followed up."""
    jobs = api.call("lead_scheduler").number(api.key("lead_scheduler", "jobs"))
    measure("lead_jobs", jobs, limit=limits.lead_job_count, unit="count")
    assert jobs >= limits.lead_job_count


@pytest.mark.writes("a follow-up of a lead that nobody is, a day ahead, which is cancelled at once")
@pytest.mark.check("lead-bot")
def test_a_new_lead_is_followed_up(api: Api) -> None:
    """Taken in, its first contact planned, and cancelled: a scheduler may run and plan nothing."""
    followed_up(api)


@pytest.mark.parametrize("day", [3, 7, 30])
@pytest.mark.check("lead-bot")
def test_leads_are_contacted(day: int, metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """Each step of the sequence moves: contacts of the last half hour."""
    history = metrics.history(f"lead_bot_day{day}")
    measure(f"lead_contacts_day{day}", history, limit=limits.lead_contact_count)
    assert history.latest >= limits.lead_contact_count


@pytest.mark.check("lead-bot")
def test_no_conversation_has_stalled(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """Conversations that the automation gave up since the deployment."""
    history = metrics.history("lead_bot_stalled")
    measure("lead_stalled", history, limit=limits.lead_stalled_count)
    assert history.latest <= limits.lead_stalled_count


@pytest.mark.check("intent-decoder")
def test_known_conversations_are_told_apart(api: Api, limits: Limits, measure: Measure) -> None:
    """Decoded right, as a ratio of conversations whose intent is known; two tell no accuracy."""
    found = decoded(api, least=limits.intent_sample_count)
    wrong = [str(one) for one in found if not one.right]
    ratio, limit = 1 - len(wrong) / len(found), limits.intent_accuracy_ratio
    measure("intent_known_ratio", ratio, limit=limit, unit="ratio")
    assert ratio >= limit, f"found {len(wrong)} of {len(found)} wrong: {', '.join(wrong[:5])}"


@pytest.mark.check("intent-decoder")
def test_intents_are_decoded_accurately(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """The accuracy that the decoder reports of its predictions, which there must be some of."""
    history = metrics.history("intent_accuracy")
    measure("intent_accuracy_ratio", history, limit=limits.intent_accuracy_ratio)
    assert history.latest >= limits.intent_accuracy_ratio


@pytest.mark.check("ml-analytics")
def test_known_leads_score_as_they_should(api: Api) -> None:
    """Each in its range and hot above cold, made anew by the model: its fallback scores 50."""
    found = scores(api)
    for name, score in found.items():
        wanted = f"{score.lowest:g} to {score.highest:g}"
        assert score.in_range, f"lead {name}: found score {score.value:g}, expected {wanted}"
    hot, cold = found["hot"].value, found["cold"].value
    assert hot > cold, f"found the hot lead at {hot:g} and the cold one at {cold:g}, expected above"


@pytest.mark.check("ml-analytics")
def test_model_is_accurate(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """The accuracy of the model's predictions since the deployment."""
    history = metrics.history("ml_accuracy")
    measure("ml_accuracy_ratio", history, limit=limits.ml_accuracy_ratio)
    assert history.latest >= limits.ml_accuracy_ratio


@pytest.mark.check("ml-analytics")
def test_features_have_not_drifted(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """How far the leads of today are from those that the model has learned from."""
    history = metrics.history("drift")
    measure("drift_score", history, limit=limits.drift_score)
    assert history.latest <= limits.drift_score
