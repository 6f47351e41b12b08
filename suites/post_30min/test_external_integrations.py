"""External Integrations: what the platform needs from others answers us, and answers it."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.load import repeated
from pytest_deploycheck.clients.mail import Mail
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.post_30min


@pytest.mark.check("gohighlevel")
def test_crm_answers_with_requests_to_spare(crm: Api, limits: Limits, measure: Measure) -> None:
    """An authenticated read, every time it is asked; without requests left, leads are lost."""
    newest = repeated(crm, "repeated")[-1]
    left = newest.header_number(crm.key("location", "remaining"))
    limit = limits.crm_remaining_count
    measure("crm_requests_left", left, limit=limit, unit="count")
    assert left >= limit


@pytest.mark.check("gohighlevel")
def test_platform_reaches_the_crm(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """The platform's own calls that failed, as a ratio of all: our way is not the platform's."""
    history = metrics.history("crm_error_ratio")
    measure("crm_error_ratio", history, limit=limits.external_error_ratio)
    assert history.latest <= limits.external_error_ratio


@pytest.mark.check("claude-api")
def test_claude_answers(claude: Api) -> None:
    """An authenticated call that costs nothing, every time it is asked: once may be luck."""
    newest = repeated(claude, "repeated")[-1]
    assert newest.value(claude.key("models", "first")), "found no model, expected at least one"


@pytest.mark.check("claude-api")
def test_claude_answers_the_platform_in_time(
    metrics: Metrics, limits: Limits, measure: Measure
) -> None:
    """95th percentile of the platform's own calls since the deployment."""
    history = metrics.history("claude_response_p95")
    measure("claude_response_p95_s", history, limit=limits.claude_response_p95_s)
    assert history.latest <= limits.claude_response_p95_s


@pytest.mark.check("claude-api")
def test_platform_reaches_claude(metrics: Metrics, limits: Limits, measure: Measure) -> None:
    """The platform's own calls that failed, as a ratio of all."""
    history = metrics.history("claude_error_ratio")
    measure("claude_error_ratio", history, limit=limits.external_error_ratio)
    assert history.latest <= limits.external_error_ratio


@pytest.mark.check("claude-api")
def test_no_circuit_breaker_is_open(api: Api) -> None:
    """Behind an open breaker the platform does not even try, and its errors look few."""
    api.call("circuit_breakers")


@pytest.mark.writes("a mail to the mailbox for tests, where it is deleted")
@pytest.mark.check("email-systems")
def test_mail_arrives(mail: Mail, measure: Measure) -> None:
    """Accepted is not delivered: a mail with an id of its own is seen in a mailbox."""
    measure("mail_delivery_s", mail.deliver(), unit="s")
