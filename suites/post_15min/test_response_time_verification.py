"""Response Time Verification: the release answers as fast as promised, with real work behind it."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.conversation import converse
from pytest_deploycheck.clients.load import under_load
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.clients.scoring import inference_p95_s
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.post_15min


@pytest.mark.exclusive
@pytest.mark.check("api-response-time")
def test_critical_endpoints_answer_in_time(api: Api, limits: Limits, measure: Measure) -> None:
    """95th percentile of each, from evenly spaced requests with correct answers; never a mean."""
    p95_s = {name: timings.p95_s for name, timings in under_load(api, "critical").items()}
    for name, value_s in p95_s.items():
        measure(f"{name}_p95_s", value_s, limit=limits.latency_p95_s, unit="s")
    assert max(p95_s.values()) <= limits.latency_p95_s


@pytest.mark.check("api-response-time")
def test_users_are_answered_in_time(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """95th percentile of all requests: our own few do not speak for everybody's."""
    history = metrics.history("latency_p95")
    measure("latency_p95_s", history, limit=limits.latency_p95_s)
    assert history.latest <= limits.latency_p95_s


@pytest.mark.check("jorge-bot-response")
def test_bots_answer_users_in_time(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """95th percentile of the bots' real conversations since the deployment."""
    history = metrics.history("bot_response_p95")
    measure("bot_response_p95_s", history, limit=limits.bot_response_p95_s)
    assert history.latest <= limits.bot_response_p95_s


@pytest.mark.writes("a conversation under a contact of its own, which the bot forgets afterwards")
@pytest.mark.check("jorge-bot-response")
def test_no_answer_of_a_conversation_is_late(api: Api, limits: Limits, measure: Measure) -> None:
    """The slowest turn of a script: too few for a percentile, so not one may be late."""
    slowest_s = converse(api, "qualification").slowest_s
    measure("slowest_turn_s", slowest_s, limit=limits.bot_response_p95_s, unit="s")
    assert slowest_s <= limits.bot_response_p95_s


@pytest.mark.exclusive
@pytest.mark.check("ml-inference")
def test_uncached_inference_is_fast(api: Api, limits: Limits, measure: Measure) -> None:
    """95th percentile over known leads, each scored anew: a canned answer is fast too."""
    p95_s = inference_p95_s(api, "inference")
    measure("ml_inference_p95_s", p95_s, limit=limits.ml_inference_p95_s, unit="s")
    assert p95_s <= limits.ml_inference_p95_s


@pytest.mark.check("ml-inference")
def test_inference_for_users_is_fast(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """95th percentile of all predictions since the deployment, as Prometheus has them."""
    history = metrics.history("ml_inference_p95")
    measure("ml_inference_p95_s", history, limit=limits.ml_inference_p95_s)
    assert history.latest <= limits.ml_inference_p95_s
