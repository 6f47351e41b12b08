"""Client Demonstration: what clients are shown can be shown, and its numbers are true."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.demonstrations import (
    calculation,
    demonstration,
    read,
    scenarios_of,
)
from pytest_deploycheck.clients.readings import growth

pytestmark = pytest.mark.post_30min


@pytest.mark.writes("a demonstration of each scenario, which is deleted at once")
@pytest.mark.check("demo-environment")
def test_each_scenario_can_be_shown(api: Api) -> None:
    """Created, read with something in it, deleted and really gone: one scenario is not all."""
    for scenario in scenarios_of(api):
        with demonstration(api, scenario) as session:
            read(api, scenario, session)


@pytest.mark.writes("a demonstration of each scenario, which is deleted at once")
@pytest.mark.check("roi-calculations")
def test_numbers_of_the_roi_report_add_up(api: Api) -> None:
    """Every total and ratio worked out again from the parts; a failed calculation is a 200 too."""
    for scenario in scenarios_of(api):
        with demonstration(api, scenario) as session:
            found = calculation(api, session)
        assert found.scenario == scenario, f"found the report of {found.scenario}, not {scenario}"
        wrong = found.stated.differences(found.by_its_parts)
        assert not wrong, f"{scenario}: {'; '.join(wrong)}"


@pytest.mark.check("roi-calculations")
def test_business_report_is_of_now(api: Api) -> None:
    """Unlike what is calculated for us, it may be old, or all zeros: the calculation has failed."""
    figures = api.call("business_report").numbers(api.key("business_report", "figures"))
    assert figures, "found no number in the report, expected some figures"
    assert any(figures), f"found {len(figures)} figures, each of them 0; expected some that are not"


@pytest.mark.check("performance-metrics")
def test_real_time_metrics_move(api: Api) -> None:
    """A counter that grows between readings: a constant with a new timestamp is not real time."""
    grown = growth(api, "realtime")
    assert grown > 0, f"the counter grew by {grown:g} between two readings, expected more than 0"
