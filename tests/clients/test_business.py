"""Conversations, scores, intents, demonstrations and readings, against the sandbox."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_deploycheck import sandbox as embedded
from pytest_deploycheck.clients import demonstrations, intents, readings, scoring, sequences
from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.conversation import converse, known_to
from pytest_deploycheck.config import Environment, load_environment, load_project
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError
from pytest_deploycheck.sandbox.business import Business
from pytest_deploycheck.sandbox.platform import Reply
from pytest_deploycheck.sandbox.web import Response
from tests.clients.doubles import USER_AGENT

SUITES = Path(__file__).parents[2] / "suites"
LEADS = ("hot", "cold")


@pytest.fixture
def settings(sandbox: embedded.Sandbox) -> Environment:
    """The shipped environment of the sandbox, asked as often as one likes."""
    return load_environment("sandbox", load_project(SUITES), sandbox.variables)


@pytest.fixture
def api(settings: Environment) -> Iterator[Api]:
    """Its API."""
    client = Api(settings.api, user_agent=USER_AGENT)
    yield client
    client.close()


@pytest.fixture
def business(sandbox: embedded.Sandbox) -> Business:
    """What can be wrong with it."""
    return sandbox.platform.business


def test_a_conversation_goes_by_its_script_and_is_forgotten(api: Api, business: Business) -> None:
    """Every turn is answered, and the bot keeps nothing of a contact that never existed."""
    talk = converse(api, "qualification")
    assert len(talk.answers) == 4
    assert talk.slowest_s < 3
    assert business.told == {}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"says": "Thanks."}, "turn 2: found 'Thanks.', expected an answer of its own"),
        ({"says": " "}, "turn 1: found ' '"),
        ({"temperatures": ("cold",) * 5}, "turn 4: temperature: found 'cold', expected 'hot'"),
    ],
)
def test_a_bot_that_answers_without_sense_fails(
    api: Api, business: Business, wrong: dict[str, Any], reason: str
) -> None:
    """Status 200 and a text are not a conversation; it is forgotten all the same."""
    for name, value in wrong.items():
        setattr(business, name, value)
    with pytest.raises(SubjectError, match=reason):
        converse(api, "qualification")
    assert business.told == {}


def test_a_conversation_that_gets_nowhere_fails(api: Api, sandbox: embedded.Sandbox) -> None:
    """Each answer is another and the last lead is hot, but nothing was learned."""
    turns = iter(range(1, 9))
    sandbox.platform.api["POST /test/seller"] = Reply(
        body=lambda: {
            "turn": (turn := next(turns)),
            "response": f"{turn}",
            "temperature": "hot",
            "extracted_data": {},
        }
    )
    with pytest.raises(SubjectError, match="found 0, 0, 0, 0 over the turns, expected it to grow"):
        converse(api, "qualification")


def test_a_conversation_that_breaks_off_is_forgotten(api: Api, sandbox: embedded.Sandbox) -> None:
    """What a check writes is undone also when it fails."""
    asked: list[str] = []
    sandbox.platform.api["DELETE /test/session/x"] = Reply(body=dict)
    sandbox.platform.api["POST /test/seller"] = Reply(body=dict, status=500)
    sandbox.platform.asked = asked.append  # type: ignore[assignment,method-assign] # to listen in
    with pytest.raises(SubjectError, match="found status 500"):
        converse(api, "qualification")
    assert asked[-1].startswith("DELETE /test/session/deploycheck-")


def test_the_crm_says_whether_it_knows_a_contact(
    api: Api, settings: Environment, business: Business, sandbox: embedded.Sandbox
) -> None:
    """What the bot under test wrote is found; a CRM that does not answer proves neither."""
    crm = Api(settings.integrations["crm"], user_agent=USER_AGENT, source="crm")
    assert not known_to(crm, converse(api, "qualification").contact)
    business.writes_to_crm = True
    assert known_to(crm, converse(api, "qualification").contact)
    sandbox.platform.servers["crm"].status = 500
    with pytest.raises(InstrumentError, match="does not say whether it knows x"):
        known_to(crm, "x")
    crm.close()


def test_known_leads_are_scored(api: Api) -> None:
    """In their ranges, with the model's own time."""
    found = scoring.scores(api)
    assert tuple(found) == LEADS
    assert all(score.in_range and 0 < score.inference_s < 0.05 for score in found.values())


GOOD_SCORE = {
    "ml_score": 91.0,
    "ml_confidence": 0.9,
    "ml_inference_time_ms": 0.001,
    "cache_hit": False,
    "score_source": "ml_model",
    "warnings": [],
}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"score_source": "claude_only"}, "source 'claude_only'"),
        ({"ml_inference_time_ms": None}, "no inference time"),
        ({"ml_inference_time_ms": 0}, "inference of 0 ms"),
        ({"ml_inference_time_ms": 99_000}, "inference of 99000 ms in a request of"),
        ({"ml_confidence": 0}, "score 91 at confidence 0"),
        ({"ml_score": 101}, "score 101"),
        ({"ml_score": "91"}, "expected a finite number at 'ml_score'"),
        ({"ml_score": None}, "expected a finite number at 'ml_score'"),
        ({"warnings": ["ML scoring failed"]}, "warnings: found"),
        ({"cache_hit": True}, "cache_hit: found True"),
    ],
)
def test_a_score_that_nobody_made_is_none(
    api: Api, sandbox: embedded.Sandbox, wrong: dict[str, object], reason: str
) -> None:
    """Canned, remembered, made up or no number at all: each with status 200."""
    body = GOOD_SCORE | wrong
    sandbox.platform.api["POST /api/v1/ml/score"] = Reply(body=lambda: body, auth="user")
    with pytest.raises(SubjectError, match=reason):
        scoring.score(api, "hot")


def test_inference_is_timed_over_known_leads(api: Api, business: Business) -> None:
    """At least as many as the environment says, each made anew."""
    assert scoring.inference_p95_s(api, "inference") == pytest.approx(0.024)
    assert next(business.numbers) > 100


def test_a_constant_is_no_measurement(api: Api, business: Business) -> None:
    """The platform has endpoints that report 42 ms whatever happens."""
    business.inference_ms = lambda _: 20.0
    with pytest.raises(SubjectError, match="found 20 ms 100 times, expected measurements"):
        scoring.inference_p95_s(api, "inference")


def test_a_lead_is_followed_up_until_it_is_cancelled(api: Api, business: Business) -> None:
    """Nothing of ours is left to be contacted."""
    found = sequences.followed_up(api)
    assert found.value("next_action.action") == "Day 3 SMS"
    assert list(business.followed.values()) == ["completed"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"plans": False}, "next_action.scheduled_for: found None, expected when the lead is"),
        ({"keeps_following": True}, "status: found 'active', expected 'completed'"),
    ],
)
def test_a_lead_that_is_forgotten_or_never_forgotten_fails(
    api: Api, business: Business, wrong: dict[str, bool], said: str
) -> None:
    """That the scheduler runs says neither that it plans, nor that it stops."""
    for name, value in wrong.items():
        setattr(business, name, value)
    with pytest.raises(SubjectError, match=said):
        sequences.followed_up(api)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [(500, {}, "found status 500"), (200, {"success": False}, "success: found False")],
)
def test_a_lead_that_may_have_been_taken_in_is_cancelled(
    api: Api, sandbox: embedded.Sandbox, status: int, body: dict[str, object], said: str
) -> None:
    """The failure that is told is the first one, not that there was nothing to cancel."""
    asked: list[str] = []
    sandbox.platform.asked = asked.append  # type: ignore[assignment,method-assign] # to listen in
    reply = Reply(body=lambda: body, status=status, auth="user")
    sandbox.platform.api["POST /api/lead-bot/sequences"] = reply
    with pytest.raises(SubjectError, match=said):
        sequences.followed_up(api)
    assert asked[-1].endswith("/cancel")


def test_another_lead_than_ours_is_no_evidence(api: Api, sandbox: embedded.Sandbox) -> None:
    """A canned sequence would pass for every lead."""
    canned = {"lead_id": "x", "status": "active", "current_day": "day_3"}
    sandbox.platform.servers["api"].spares = "/api/auth/login|/api/lead-bot/sequences"
    sandbox.platform.servers["api"].alters = lambda _: Response.of(canned)
    with pytest.raises(SubjectError, match="found the lead 'x', expected 'deploycheck-"):
        sequences.followed_up(api)


def test_known_conversations_are_decoded(api: Api) -> None:
    """Temperature and readiness of each, beside what it must be."""
    found = intents.decoded(api, least=20)
    assert len(found) == 20
    assert all(one.right for one in found)
    assert {one.readiness for one in found if one.temperature == "hot"} == {88}


def test_a_conversation_that_is_decoded_wrongly_is_named(api: Api, business: Business) -> None:
    """By the lead, by what was made of it, and by what it is."""
    business.decodes = lambda _: "warm"
    wrong = [str(one) for one in intents.decoded(api, least=20) if not one.right]
    assert len(wrong) == 14
    assert wrong[0] == "deploycheck-hot-relocating as 'warm', not 'hot'"


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({}, "found 0 known conversations, expected at least 4"),
        (dict.fromkeys("abc", "hot"), "found 3 known conversations, expected at least 4"),
        (dict.fromkeys("abcde", "hot") | {"f": "cold"}, "found 'hot' 5 times of 6, expected no"),
    ],
)
def test_few_or_like_conversations_tell_no_accuracy(
    settings: Environment, known: dict[str, str], said: str
) -> None:
    """Whoever always says the same must not pass, nor whoever was lucky twice."""
    api = Api(settings.api.model_copy(update={"intents": known}), user_agent=USER_AGENT)
    with pytest.raises(InstrumentError, match=said):
        intents.decoded(api, least=4)


@pytest.mark.parametrize("wrong", [{"frsScore": 101}, {"processingTimeMs": 0}, {"frsScore": None}])
def test_an_intent_that_nobody_decoded_is_none(
    api: Api, sandbox: embedded.Sandbox, wrong: dict[str, object]
) -> None:
    """A score beyond its range, or in no time, was not worked out."""
    body = {"frsScore": 88, "temperature": "hot", "processingTimeMs": 31} | wrong
    path = "GET /api/intent-decoder/deploycheck-hot-relocating/score"
    sandbox.platform.api[path] = Reply(body=lambda: body, auth="admin")
    with pytest.raises(SubjectError, match="expected a"):
        intents.decoded(api, least=20)


@pytest.mark.parametrize(
    ("ask", "table"),
    [
        (lambda api: converse(api, "small-talk"), "conversations"),
        (lambda api: scoring.score(api, "lukewarm"), "leads"),
        (lambda api: scoring.inference_p95_s(api, "none"), "loads"),
        (lambda api: readings.growth(api, "nothing"), "readings"),
    ],
    ids=["conversation", "lead", "load", "reading"],
)
def test_what_the_environment_does_not_have_is_no_evidence(
    api: Api, ask: Callable[[Api], object], table: str
) -> None:
    """A missing name is the checker's gap, never a pass and never the platform's failure."""
    with pytest.raises(InstrumentError, match=rf"\[api\.{table}\] has no"):
        ask(api)


def test_an_environment_without_leads_or_scenarios_proves_nothing(settings: Environment) -> None:
    """A loop over nothing would pass."""
    bare = settings.api.model_copy(update={"leads": {}, "scenarios": ()})
    api = Api(bare, user_agent=USER_AGENT)
    for ask in (scoring.scores, demonstrations.scenarios_of):
        with pytest.raises(InstrumentError):
            ask(api)
    with pytest.raises(InstrumentError):
        scoring.inference_p95_s(api, "inference")


def test_a_demonstration_lives_as_long_as_its_block(api: Api, business: Business) -> None:
    """Created, read, and gone."""
    with demonstrations.demonstration(api, "mid_market") as session:
        found = demonstrations.read(api, "mid_market", session)
        assert found.value("session_id") == session
    assert business.sessions == {}


def test_a_demonstration_is_deleted_when_the_check_fails(api: Api, business: Business) -> None:
    """What a check writes is undone whatever happens to it."""
    with pytest.raises(ZeroDivisionError), demonstrations.demonstration(api, "mid_market"):
        raise ZeroDivisionError
    assert business.sessions == {}


def test_a_demonstration_that_stays_fails(api: Api, business: Business) -> None:
    """Deleted means that nobody can read it any more, not that somebody said so."""
    business.keeps_sessions = True
    with (
        pytest.raises(SubjectError, match="found status 200, expected 404"),
        demonstrations.demonstration(api, "mid_market"),
    ):
        pass


def test_a_demonstration_of_something_else_fails(api: Api) -> None:
    """Each scenario shows its own."""
    with (
        demonstrations.demonstration(api, "mid_market") as session,
        pytest.raises(SubjectError, match="found 'mid_market', expected 'high_volume'"),
    ):
        demonstrations.read(api, "high_volume", session)


def test_a_demonstration_with_nothing_to_show_fails(api: Api, business: Business) -> None:
    """An empty list is no demonstration."""
    business.shows = []
    with (
        demonstrations.demonstration(api, "mid_market") as session,
        pytest.raises(SubjectError, match=r"leads: found \[\], expected some"),
    ):
        demonstrations.read(api, "mid_market", session)


def test_a_calculation_is_read_with_its_parts(api: Api) -> None:
    """What is stated comes out of the parts, at any depth; texts describe them."""
    with demonstrations.demonstration(api, "mid_market") as session:
        found = demonstrations.calculation(api, session)
    assert found.scenario == "mid_market"
    assert found.by_its_parts.total_after == 44_000
    assert found.stated.differences(found.by_its_parts) == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"error": "ROI calculation failed", "jorge_costs": None}, "jorge_costs: found None"),
        ({"jorge_costs": {}}, r"jorge_costs: found {}, expected a table of numbers"),
        (
            {"jorge_costs": {"platform": True}},
            "expected a finite number at 'jorge_costs.platform', found True",
        ),
        (
            {"jorge_costs": {"platform": {"setup": None}}},
            "at 'jorge_costs.platform.setup', found None",
        ),
        ({"jorge_costs": {"platform": 0}}, "costs after: found 0 in all"),
        ({"summary": {}}, "summary.traditional_total_cost"),
        ({"time_horizon_months": "12"}, "expected a finite number at 'time_horizon_months'"),
    ],
)
def test_what_is_no_calculation_is_a_failure(
    api: Api, business: Business, change: dict[str, object], said: str
) -> None:
    """Empty, failed and null are problems, never a report without contradictions."""
    calculated = business.roi
    business.roi = lambda scenario: calculated(scenario) | change
    with (
        demonstrations.demonstration(api, "mid_market") as session,
        pytest.raises(SubjectError, match=said),
    ):
        demonstrations.calculation(api, session)


@pytest.mark.parametrize(
    ("counts", "growth"), [((1, 5, 6), 1), ((1, 1, 2), 0), ((5, 9, 7), -2), ((3, 3, 3), 0)]
)
def test_a_counter_must_grow_each_time(
    settings: Environment, counts: tuple[int, ...], growth: float
) -> None:
    """A random number changes too; it takes three readings to catch it falling."""
    left = iter(counts)

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("login"):
            return httpx.Response(200, json={"access_token": "t"})
        metrics = {"events_processed": next(left)}
        return httpx.Response(200, json={"metrics": metrics, "last_updated": 1_800_000_000})

    client = Api(
        settings.api,
        user_agent=USER_AGENT,
        transport=httpx.MockTransport(handler),
        clock=lambda: 1_800_000_000.0,
    )
    slept: list[float] = []
    assert readings.growth(client, "realtime", sleep=slept.append) == growth
    assert slept == [0.1, 0.1]


def test_values_for_a_path_stay_in_their_place(settings: Environment) -> None:
    """An id that a target answers cannot make us ask for something else."""
    paths: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        paths.append(request.url.raw_path.decode())
        return httpx.Response(200, json={})

    bare = copy.deepcopy(settings.api)
    api = Api(bare, user_agent=USER_AGENT, transport=httpx.MockTransport(handler))
    api.ask("seller_forget", at={"contact_id": "../../admin?x=1#"})
    assert paths == ["/test/session/..%2F..%2Fadmin%3Fx%3D1%23"]
    with pytest.raises(InstrumentError, match="takes other values"):
        api.ask("seller_forget")
