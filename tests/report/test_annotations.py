"""GitHub shows the reasons, and obeys nothing that is in them."""

from __future__ import annotations

import re

import pytest

from pytest_deploycheck.report.annotations import annotation_lines
from tests.report import stories
from tests.report.hostile import HOSTILE, hostile_story


def test_each_reason_is_an_annotation() -> None:
    """The page of the run says why, without opening a file."""
    first, second = annotation_lines(stories.rollback().decision)
    assert first.startswith(
        "::error title=ROLLBACK post_5min/pod-status::post_5min/pod-status FAILED"
    )
    assert "error_ratio 6.1 %25, limit at most 5 %25" in first
    assert second.startswith("::error title=HOLD post_5min/load-balancer::")


def test_observe_is_a_warning() -> None:
    """It asks for eyes, not for hands."""
    (line,) = annotation_lines(stories.observe().decision)
    assert line.startswith("::warning title=OBSERVE post_5min/pod-status::")


def test_proceed_says_nothing() -> None:
    """There is no reason against it."""
    assert annotation_lines(stories.proceed().decision) == []


def test_the_rest_is_counted() -> None:
    """The runner shows ten and drops the others in silence."""
    many = [stories.failing(f"item-{i}", for_s=10, trigger=None) for i in range(30)]
    lines = annotation_lines(stories.story(*many).decision)
    assert len(lines) == 10
    assert lines[-1] == "::error title=HOLD::21 more reasons in report.html"


@pytest.mark.parametrize("text", HOSTILE)
def test_a_reason_is_one_command_and_no_other(text: str) -> None:
    """What a target says neither ends the command nor starts another one."""
    for line in annotation_lines(hostile_story(text).decision):
        assert re.fullmatch(r"::(error|warning) title=[^:,\n]*::[^\n\r]*", line)
