"""The charts draw what was measured, and lose no peak."""

from __future__ import annotations

import re

import pytest

from pytest_deploycheck.domain.events import Measurement
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.timelines import Span
from pytest_deploycheck.domain.words import TriggerState
from pytest_deploycheck.report.charts import lane, lane_text, sparkline


def measurement(
    values: list[float], *, limit: float | None = None, worse: str = "above"
) -> Measurement:
    """Return a measurement with one sample a second."""
    return Measurement(
        name="latency",
        value=values[-1] if values else 0.0,
        unit="s",
        limit=limit,
        worse="above" if worse == "above" else "below",
        history=History(at_s=tuple(map(float, range(len(values)))), value=tuple(values)),
    )


def heights(chart: str) -> list[int]:
    """Return the y coordinates of the line; 0 is the top."""
    path = re.findall(r'<path d="M([^"]*)"', chart)[0]
    return [int(point.split()[1]) for point in path.split("L")]


@pytest.mark.parametrize("values", [[], [1.0]])
def test_too_few_samples_are_no_line(values: list[float]) -> None:
    """A dot is not a history."""
    assert sparkline(measurement(values), baseline=None) == ""


@pytest.mark.parametrize(("worse", "peak"), [("above", 9.0), ("below", -9.0)])
def test_one_bad_sample_in_thousands_is_drawn(worse: str, peak: float) -> None:
    """What crossed the limit is never averaged away."""
    values = [0.0] * 5000
    values[2345] = peak
    drawn = heights(sparkline(measurement(values, limit=peak / 2, worse=worse), baseline=None))
    assert len(drawn) <= 40
    assert (min(drawn) if peak > 0 else max(drawn)) == (4 if peak > 0 else 60)


def test_a_flat_line_is_drawn() -> None:
    """Equal values are no division by zero."""
    assert len(heights(sparkline(measurement([1.0, 1.0]), baseline=None))) == 2


def test_limit_and_baseline_are_lines_of_their_own() -> None:
    """Title and description say the same in words."""
    chart = sparkline(measurement([0.1, 0.4], limit=0.2), baseline=0.15)
    assert chart.count("stroke-dasharray") == 2
    assert "<title>latency 400 ms, limit at most 200 ms</title>" in chart
    assert (
        "<desc>2 samples from 1970-01-01 00:00:00Z to 1970-01-01 00:00:01Z, baseline 150 ms"
        in chart
    )


def span(state: TriggerState | None, from_s: float, until_s: float) -> Span:
    """Return a piece of a timeline."""
    return Span(state=state, from_s=from_s, until_s=until_s)


def test_each_state_is_a_bar_of_its_own_height() -> None:
    """Colour is not all that tells them apart."""
    spans = [
        span(TriggerState.INACTIVE, 0.0, 40.0),
        span(TriggerState.PENDING, 40.0, 60.0),
        span(TriggerState.FIRING, 60.0, 100.0),
    ]
    chart = lane(spans, from_s=0.0, until_s=100.0)
    assert re.findall(r'class="(\w+)" x="(\d+)" y="\d+" width="(\d+)" height="(\d+)"', chart) == [
        ("INACTIVE", "0", "400", "8"),
        ("PENDING", "400", "200", "16"),
        ("FIRING", "600", "400", "24"),
    ]
    assert (
        "<title>PENDING from 1970-01-01 00:00:40Z to 1970-01-01 00:01:00Z; "
        "FIRING from 1970-01-01 00:01:00Z to 1970-01-01 00:01:40Z</title>"
    ) in chart


def test_a_hole_is_not_drawn_as_health() -> None:
    """Where nobody knows, there is no bar."""
    chart = lane([span(None, 0.0, 100.0)], from_s=0.0, until_s=100.0)
    assert 'height="0"' in chart
    assert "unknown from" in chart


def test_a_short_breach_among_thousands_is_drawn() -> None:
    """Flapping gives few bars, and the worst of each moment."""
    spans = [
        span(TriggerState.FIRING if i == 2500 else TriggerState.INACTIVE, float(i), i + 1.0)
        for i in range(5000)
    ]
    chart = lane(spans, from_s=0.0, until_s=5000.0)
    assert chart.count("<rect") <= 300
    assert chart.count('class="FIRING"') == 1


def test_a_moment_without_length_is_drawn() -> None:
    """One sample at the time of the verdict is no division by zero, and stays inside."""
    chart = lane([span(TriggerState.FIRING, 5.0, 5.0)], from_s=5.0, until_s=5.0)
    assert 'width="4"' in chart
    chart = lane([span(TriggerState.FIRING, 9.0, 9.0)], from_s=5.0, until_s=9.0)
    assert 'x="996"' in chart


def test_many_breaches_are_counted_in_words() -> None:
    """The newest are told, the others counted."""
    spans = [span(TriggerState.PENDING, float(i), float(i)) for i in range(20)]
    assert lane_text(spans).startswith("12 more before; PENDING from")
    assert lane_text([]) == "INACTIVE throughout"
