"""Which phases a `-m` expression selects."""

from __future__ import annotations

import pytest

from pytest_deploycheck.domain.items import PHASES
from pytest_deploycheck.domain.selection import selected_phases


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("", PHASES),
        ("  ", PHASES),
        ("post_5min", ("post_5min",)),
        ("post_15min or post_5min", ("post_5min", "post_15min")),
        ("post_5min and post_15min", ()),
        ("post_5min and not slow", ("post_5min",)),
        ("slow", PHASES),
        ("not post_5min", tuple(phase for phase in PHASES if phase != "post_5min")),
        ("(staging or deploy) and not staging", ("deploy",)),
        ("True", PHASES),
        ("False", ()),
        ("check(slug='x') and sign_off", ("sign_off",)),
    ],
)
def test_a_phase_is_selected_when_the_expression_can_be_true_with_it_alone(
    expression: str, expected: tuple[str, ...]
) -> None:
    """An item of several phases does not select those that were not asked for."""
    assert selected_phases(expression, ()) == expected


def test_what_is_no_expression_is_refused() -> None:
    """A typing error never selects nothing, or everything."""
    with pytest.raises(ValueError, match="no marker expression"):
        selected_phases("post_5min and", ())
    many = " or ".join(f"m{number}" for number in range(13))
    with pytest.raises(ValueError, match="names 13 markers"):
        selected_phases(many, ())
    assert selected_phases(many.removesuffix(" or m12"), ()) == PHASES


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("post_5mins", "found no phase and no marker 'post_5mins'; did you mean post_5min"),
        ("post_5min or not stagign", "no marker 'stagign'; did you mean staging?"),
        ("post-5min", "is no marker expression: .*; did you mean post_5min"),
    ],
)
def test_what_is_almost_a_phase_is_refused(expression: str, expected: str) -> None:
    """A phase that is not there would leave out its items, or select all phases."""
    with pytest.raises(ValueError, match=expected):
        selected_phases(expression, ())


def test_a_marker_may_look_like_a_phase() -> None:
    """Others have markers too."""
    assert selected_phases("post_5min and not stage", {"stage"}) == ("post_5min",)
