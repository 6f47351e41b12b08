"""Sustained growth: leaks are told from noise, steps back, restarts and sawteeth."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.growth import MOST_BUCKETS, bucket_medians, growth_of
from pytest_deploycheck.domain.histories import History

WINDOW_S = 1800.0


def history(
    shape: Callable[[float], float],
    *,
    noise: float = 1.0,
    window_s: float = WINDOW_S,
    step_s: float = 15.0,
    seed: int = 7,
) -> History:
    """Samples of *shape*, a function of the place in the window (0 to 1), with noise."""
    chance = random.Random(seed)  # noqa: S311 - noise, not a secret
    times = [step_s * index for index in range(int(window_s / step_s) + 1)]
    values = [shape(at_s / window_s) + chance.gauss(0, noise) for at_s in times]
    return History(at_s=tuple(times), value=tuple(values))


def sawtooth(teeth: float, shift: float = 0.0) -> Callable[[float], float]:
    """Memory that grows by half and is given back, *teeth* times in the window."""
    return lambda place: 100 + 50 * ((place * teeth + shift) % 1)


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(lambda _: 100.0, id="flat"),
        pytest.param(lambda x: 100 + 8 * x, id="slow"),
        pytest.param(lambda x: 100 - 20 * x, id="shrinking"),
        pytest.param(lambda x: 100 + 20 * math.sin(math.pi * x), id="up and down again"),
        pytest.param(lambda x: 100 + 20 * (1 - math.exp(-20 * x)), id="warm-up"),
        *(
            pytest.param(sawtooth(teeth, shift), id=f"{teeth} teeth from {shift}")
            for teeth in (1.5, 2, 2.5, 3, 5, 10, 20)
            for shift in (0.0, 0.3, 0.6, 0.9)
        ),
    ],
)
def test_what_is_given_back_is_no_leak(shape: Callable[[float], float]) -> None:
    """None of these grows by 10 % for good."""
    assert growth_of(history(shape), window_s=WINDOW_S).sustained_ratio <= 0.10


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(lambda x: 100 + 15 * x, id="leak"),
        pytest.param(lambda x: 100 + 20 * (x > 0.5), id="step"),
        pytest.param(lambda x: 130.0 if x < 0.05 else 100 + 20 * x, id="restart, then leak"),
        *(
            pytest.param(lambda x, teeth=teeth: sawtooth(teeth)(x) + 25 * x, id=f"{teeth} teeth")
            for teeth in (2, 2.5, 3, 5, 10)
        ),
    ],
)
def test_what_stays_is_a_leak(shape: Callable[[float], float]) -> None:
    """Each of these keeps more than 10 %, also under a sawtooth."""
    assert growth_of(history(shape), window_s=WINDOW_S).sustained_ratio > 0.10


def test_trend_and_net_growth_are_told_in_the_unit_of_the_samples() -> None:
    """A leak of 50 over the window is told as 50 by both."""
    found = growth_of(history(lambda x: 200 + 50 * x, noise=0.5), window_s=WINDOW_S)
    assert found.level == pytest.approx(200, abs=4)
    assert found.trend_change == pytest.approx(50, abs=2)
    assert found.net_change == pytest.approx(50, abs=4)
    assert found.sustained == min(found.trend_change, found.net_change)
    assert found.chance < 1e-9


def test_noise_alone_is_rarely_a_trend() -> None:
    """In a hundred windows of strong noise, none seems to leak."""
    found = [
        growth_of(history(lambda _: 100.0, noise=8.0, seed=seed), window_s=WINDOW_S)
        for seed in range(100)
    ]
    assert not any(each.sustained_ratio > 0.10 for each in found)


def test_a_constant_has_no_trend() -> None:
    """Ties are no order, and a variance of nothing is no error."""
    found = growth_of(history(lambda _: 5.0, noise=0.0), window_s=WINDOW_S)
    assert (found.chance, found.sustained_ratio) == (1.0, 0.0)


def test_growth_from_nothing_has_no_ratio() -> None:
    """From no errors to some: the growth is told, its ratio cannot be."""
    found = growth_of(history(lambda x: 10 * max(0.0, x - 0.5), noise=0.0), window_s=WINDOW_S)
    assert found.sustained > 0
    with pytest.raises(InstrumentError, match="level at the beginning is 0"):
        _ = found.sustained_ratio


def test_too_little_history_is_refused() -> None:
    """Neither a handful of samples nor half a window tells growth."""
    with pytest.raises(InstrumentError, match="found 19 samples; expected at least 20"):
        growth_of(history(lambda _: 1.0, window_s=18.0, step_s=1.0), window_s=18.0)
    with pytest.raises(InstrumentError, match="the samples cover 15m; expected at least 27m"):
        growth_of(history(lambda _: 1.0, window_s=900.0), window_s=WINDOW_S)


def test_a_day_is_judged_by_three_hundred_medians() -> None:
    """Single outliers of a day do not count, and the work does not grow with its samples."""
    day = history(lambda x: 100 + 20 * x, window_s=86_400.0)
    at_s, value = bucket_medians(day, most=MOST_BUCKETS)
    assert len(at_s) == len(value) == MOST_BUCKETS
    assert growth_of(day, window_s=86_400.0).sustained_ratio == pytest.approx(0.20, abs=0.03)


def test_a_hole_leaves_its_buckets_out() -> None:
    """Nothing is made up for the time without samples."""
    whole = history(lambda x: 100 + 20 * x)
    kept = [i for i, at_s in enumerate(whole.at_s) if not 600 <= at_s < 1200]
    holed = History(
        at_s=tuple(whole.at_s[i] for i in kept), value=tuple(whole.value[i] for i in kept)
    )
    at_s, _ = bucket_medians(holed, most=30)
    assert not any(600 <= each < 1200 for each in at_s)
    assert growth_of(holed, window_s=WINDOW_S).sustained_ratio > 0.15
