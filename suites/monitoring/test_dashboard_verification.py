"""Dashboard Verification: who looks, sees what is, and not an empty or yesterday's picture."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.dashboards import Dashboards

pytestmark = pytest.mark.monitoring


@pytest.mark.check("operations-center")
def test_main_dashboard_shows_fresh_data(dashboards: Dashboards) -> None:
    """The first page that is opened when something is wrong."""
    for panel in dashboards.panels("operations_center"):
        assert panel.fresh, f"{panel}"


@pytest.mark.check("jorge-bot-dashboard")
def test_bot_dashboard_shows_fresh_data(dashboards: Dashboards) -> None:
    """How the bots do: metrics of their own, which an exporter may lose on its own."""
    for panel in dashboards.panels("jorge_bots"):
        assert panel.fresh, f"{panel}"


@pytest.mark.check("business-intelligence")
@pytest.mark.parametrize("name", ["business_intelligence", "business_performance"])
def test_business_dashboard_shows_fresh_data(dashboards: Dashboards, name: str) -> None:
    """ROI and performance, as the business reads them."""
    for panel in dashboards.panels(name):
        assert panel.fresh, f"{panel}"


@pytest.mark.check("security-dashboard")
def test_security_dashboard_shows_fresh_data(dashboards: Dashboards) -> None:
    """No failed login in the picture must mean that none happened."""
    for panel in dashboards.panels("security"):
        assert panel.fresh, f"{panel}"
