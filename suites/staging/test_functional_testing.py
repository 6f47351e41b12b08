"""Functional Testing: staging does what production will have to do."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.conversation import converse
from pytest_deploycheck.clients.demonstrations import demonstration, read, scenarios_of
from pytest_deploycheck.clients.load import repeated
from pytest_deploycheck.plugin.fixtures import Limits, Measure
from pytest_deploycheck.plugin.staging import Staging

pytestmark = pytest.mark.staging


@pytest.mark.check("health-endpoints")
def test_detailed_health_is_good(staging: Staging) -> None:
    """A fresh report that names every component and calls each healthy; 200 alone says nothing."""
    staging.api.call("health_detailed")


@pytest.mark.check("health-endpoints")
def test_bots_and_model_call_themselves_healthy(staging: Staging) -> None:
    """They have reports of their own, with what each of them needs."""
    staging.api.call("bots_health")
    staging.api.call("ml_health")


@pytest.mark.writes("a conversation under a contact of its own, which the bot forgets afterwards")
@pytest.mark.check("jorge-bot-functionality")
def test_seller_is_qualified(staging: Staging) -> None:
    """A script of several turns, judged by what the bot says and makes of it, not by status 200."""
    converse(staging.api, "qualification")


@pytest.mark.writes("a demonstration of each scenario, which is deleted at once")
@pytest.mark.check("client-demo-environment")
def test_each_scenario_can_be_shown(staging: Staging) -> None:
    """Created, read with something in it, deleted and really gone: one scenario is not all."""
    for scenario in scenarios_of(staging.api):
        with demonstration(staging.api, scenario) as session:
            read(staging.api, scenario, session)


@pytest.mark.check("authentication")
def test_the_right_user_is_let_in(staging: Staging) -> None:
    """A login gives a token, and the token opens a protected endpoint."""
    staging.api.call("auth_test")


@pytest.mark.parametrize("door", ["auth_test_anonymous", "auth_login_wrong", "auth_test_expired"])
@pytest.mark.check("authentication", trigger="security-issues")
def test_nobody_else_is_let_in(door: str, staging: Staging) -> None:
    """No token, a wrong password, a token that was good once: each positive test passes anyway."""
    assert staging.api.turns_away(door), f"{door}: found an answer, expected a refusal"


@pytest.mark.check("external-integrations")
def test_crm_answers(staging: Staging) -> None:
    """An authenticated read with staging's own credentials, every time it is asked."""
    repeated(staging.crm, "repeated")


@pytest.mark.check("external-integrations")
def test_claude_answers(staging: Staging) -> None:
    """The same, with a call that costs nothing: the models that may be used."""
    newest = repeated(staging.claude, "repeated")[-1]
    assert newest.value(staging.claude.key("models", "first")), "found no model, expected one"


@pytest.mark.parametrize("service", ["crm", "claude"])
@pytest.mark.check("external-integrations")
def test_staging_reaches_them(
    service: str, staging: Staging, limits: Limits, measure: Measure
) -> None:
    """Staging's own calls that failed, as a ratio of all: our way is not the platform's."""
    history = staging.metrics.history(f"{service}_error_ratio")
    measure(f"{service}_error_ratio", history, limit=limits.external_error_ratio)
    assert history.latest <= limits.external_error_ratio
