"""The checklist and how a slug finds its item."""

from __future__ import annotations

import pytest

from pytest_deploycheck.domain.items import Checklist
from tests.domain.builders import BOX, CHECKLIST, GATE, POINT, item


def test_an_id_ends_in_its_slug() -> None:
    """A check names an item by the part after the slash."""
    assert item("post_5min/pod-status").slug == "pod-status"


def test_the_items_of_a_phase_keep_the_order_of_the_document() -> None:
    """The report reads like the checklist; an item of several phases is in each."""
    assert [each.id for each in CHECKLIST.of(["post_5min"])] == [BOX, POINT]
    assert [each.id for each in CHECKLIST.of(["post_15min"])] == [POINT]
    assert CHECKLIST.of([]) == ()
    assert set(CHECKLIST.by_id) == {GATE, BOX, POINT}


@pytest.mark.parametrize(
    ("phases", "following"),
    [
        ([], "pre_deploy"),
        (["pre_deploy"], "post_5min"),
        (["post_5min", "pre_deploy"], "post_15min"),
        (["post_15min"], None),
        (["no such phase"], "pre_deploy"),
    ],
)
def test_the_following_phase_is_the_next_that_has_items(
    phases: list[str], following: str | None
) -> None:
    """After the last of those that were run; a phase without items is passed over."""
    assert CHECKLIST.following(phases) == following


def test_an_item_is_in_a_gate_only_when_no_later_phase_judges_it() -> None:
    """A decision point of a gate and a later phase can still roll back."""
    both = item("x/y", phases=("staging", "post_5min"))
    assert both.in_gate(["staging"])
    assert not both.in_gate(["staging", "post_5min"])
    assert not both.in_gate(["post_24h"])


@pytest.mark.parametrize("slug", ["pods", BOX])
def test_a_slug_or_an_id_finds_its_item(slug: str) -> None:
    """Both spellings mean the same item."""
    assert CHECKLIST.find(slug, ["post_5min"]).id == BOX


def test_a_slug_that_names_none_or_two_items_is_refused() -> None:
    """A check never answers an item by guess."""
    twins = Checklist(items=(item("post_5min/a"), item("post_15min/a")), sha256="")
    with pytest.raises(KeyError, match="a"):
        twins.find("a", ["post_5min", "post_15min"])
    with pytest.raises(KeyError, match="pods"):
        CHECKLIST.find("pods", ["post_15min"])
