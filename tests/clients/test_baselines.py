"""Which baseline a deployment is compared with."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pytest_deploycheck.clients.baselines import Baseline
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import BaselineRecorded, BaselineValue

DEPLOYED_S = 1_000_000.0


def recorded(release: str, *, until_s: float, value: float = 0.1) -> BaselineRecorded:
    """A baseline of one value."""
    return BaselineRecorded(
        at_s=until_s,
        environment="production",
        release=release,
        from_s=until_s - 300,
        until_s=until_s,
        values=(BaselineValue(name="latency_p95", value=value, unit="s", samples=20),),
    )


OLD = recorded("1.0", until_s=DEPLOYED_S - 90_000)
NEW = recorded("1.1", until_s=DEPLOYED_S - 60)
OWN = recorded("2.0", until_s=DEPLOYED_S - 30)
AFTER = recorded("1.2", until_s=DEPLOYED_S + 1)


def baseline(*events: BaselineRecorded, **more: Any) -> Baseline:  # noqa: ANN401 - passed on
    """What release 2.0 is compared with."""
    return Baseline(
        lambda: events,
        deployed_at_s=DEPLOYED_S,
        environment="production",
        release="2.0",
        **{"max_age_s": None, "pinned": None} | more,
    )


@pytest.mark.parametrize(
    ("events", "more", "release"),
    [
        ([OLD, NEW, OWN, AFTER], {}, "1.1"),
        ([OLD, NEW], {"pinned": "1.0"}, "1.0"),
        ([OLD], {"max_age_s": 90_000.0}, "1.0"),
        ([OLD], {"max_age_s": 89_999.0}, None),
        ([OLD], {"max_age_s": 60.0, "pinned": "1.0"}, "1.0"),
        ([OWN, AFTER], {}, None),
    ],
    ids=["newest", "pinned", "just in time", "too old", "pinned may be old", "own or later"],
)
def test_the_newest_of_another_release_from_before(
    events: list[BaselineRecorded], more: dict[str, Any], release: str | None
) -> None:
    """Its own values are no reference for a release, and what came after the rollout is none."""
    found = baseline(*events, **more).recorded()
    assert (found.release if found else None) == release


@pytest.mark.parametrize("more", [{}, {"pinned": "1.1"}])
def test_another_environment_is_no_reference(more: dict[str, Any]) -> None:
    """A folder that was copied brings the figures of another platform along."""
    assert baseline(NEW, **more).recorded() == NEW
    elsewhere = dataclasses.replace(NEW, environment="staging")
    there = baseline(elsewhere, **more)
    if more:
        with pytest.raises(InstrumentError, match="found no baseline of the pinned release"):
            there.recorded()
    else:
        assert there.recorded() is None


def test_a_pinned_release_without_a_baseline_is_no_evidence() -> None:
    """Another one would silently take its place."""
    with pytest.raises(InstrumentError, match=r"found no baseline of the pinned release 0\.9"):
        baseline(NEW, pinned="0.9").value("latency_p95")


def test_a_value_that_was_not_recorded_is_none() -> None:
    """Prometheus then tells what was before; for a pinned release nobody can."""
    assert baseline(NEW).value("error_ratio") is None
    unmeasured = dataclasses.replace(NEW.values[0], samples=0)
    empty = dataclasses.replace(NEW, values=(unmeasured,))
    assert baseline(empty).value("latency_p95") is None
    with pytest.raises(InstrumentError, match=r"the pinned release 1\.1 lacks error_ratio"):
        baseline(NEW, pinned="1.1").value("error_ratio")
