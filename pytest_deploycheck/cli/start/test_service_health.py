"""Service Health: does the platform answer, and does it go on answering?"""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.api import Api

pytestmark = pytest.mark.post_5min


@pytest.mark.check("service-health")
def test_service_is_healthy(api: Api) -> None:
    """The endpoint of the environment file answers with the status, type and keys listed there."""
    api.call("health")


@pytest.mark.check("health-check-failure", trigger="health-check-failure")
def test_service_stays_healthy(api: Api) -> None:
    """Asked again while it fails, until the trigger's hold is reached or it has recovered.

    While nothing else is asked, its silence is HOLD and no ROLLBACK: our network may be the cause.
    """
    api.call("health")
