"""What a trigger would have done over recorded history."""

from __future__ import annotations

import dataclasses

import pytest

from pytest_deploycheck.domain.backtest import backtest
from tests.domain.builders import DEPLOYED_S, error_ratio, trigger

ASKED = trigger(hold_s=20.0)


@pytest.mark.parametrize(
    ("letters", "episodes"),
    [
        ("PPPP", []),
        ("PFFP", [(10, None, 30, True)]),
        ("PFFFP", [(10, 30, 40, True)]),
        ("PFFF", [(10, 30, 30, False)]),
        ("FPFFFFP", [(0, None, 10, True), (20, 40, 60, True)]),
    ],
)
def test_each_breach_is_told_with_the_time_it_would_have_fired(
    letters: str, episodes: list[tuple[float, float | None, float, bool]]
) -> None:
    """Pending since, fired at, until, and whether its end was seen."""
    found = backtest(ASKED, [error_ratio(letters)])
    assert [
        (
            episode.pending_s - DEPLOYED_S,
            None if episode.fired_s is None else episode.fired_s - DEPLOYED_S,
            episode.until_s - DEPLOYED_S,
            episode.told,
        )
        for episode in found.episodes
    ] == episodes
    assert len(found.fired) == sum(fired is not None for _, fired, _, _ in episodes)
    assert (found.unknown_s, found.empty) == (0.0, False)


def test_a_hole_ends_an_episode_without_telling_its_end() -> None:
    """Nobody would have known how long it lasted."""
    found = backtest(ASKED, [error_ratio("FF", step_s=100.0)])
    assert [episode.told for episode in found.episodes] == [False, False]
    assert found.unknown_s == 100.0
    assert not found.fired


def test_no_history_is_no_calm_trigger() -> None:
    """A backtest over nothing says so."""
    nothing = dataclasses.replace(error_ratio("P"), history=None)
    assert backtest(ASKED, [nothing]).empty


def test_the_worst_of_several_histories_counts() -> None:
    """A trigger over two services fires when one of them is bad for the hold."""
    found = backtest(ASKED, [error_ratio("P" * 6), error_ratio("PFFFFP")])
    assert [episode.fired_s for episode in found.episodes] == [DEPLOYED_S + 30]
