"""Which tests are worse off than in the run before."""

from __future__ import annotations

import time

import pytest

from pytest_deploycheck.clients import artifacts_tests


def run(*, passed: str = "", failed: str = "", skipped: str = "") -> artifacts_tests.TestRun:
    """Return a run of tests with names of one letter."""
    return artifacts_tests.TestRun(
        passed=tuple(passed), failed=tuple(failed), skipped=tuple(skipped), made_at=None
    )


@pytest.mark.parametrize(
    ("now", "before", "worse"),
    [
        (run(passed="abc"), run(passed="ab"), ""),
        (run(passed="a", failed="b"), run(passed="ab"), "b"),
        (run(passed="a", failed="b"), run(passed="a", failed="b"), ""),
        (run(passed="ab"), run(passed="a", failed="b"), ""),
        (run(passed="a"), run(passed="ab"), "b"),
        (run(passed="a", skipped="b"), run(passed="ab"), "b"),
        (run(passed="a", failed="c"), run(passed="ab"), "cb"),
    ],
    ids=["better", "fails", "still-fails", "mended", "gone", "skipped", "new-and-gone"],
)
def test_a_test_is_worse_off_when_it_fails_anew_or_does_not_pass_any_more(
    now: artifacts_tests.TestRun, before: artifacts_tests.TestRun, worse: str
) -> None:
    """A test that is taken out, or skipped, has not passed."""
    assert now.worse_than(before) == tuple(worse)


def test_many_tests_are_compared_at_once() -> None:
    """Each name is looked up, not looked for: twenty thousand take no longer than a moment."""
    names = tuple(map(str, range(20_000)))
    now = artifacts_tests.TestRun(passed=names[1:], failed=names[:1], skipped=(), made_at=None)
    before = artifacts_tests.TestRun(passed=names, failed=(), skipped=(), made_at=None)
    started_s = time.process_time()
    assert now.worse_than(before) == ("0",)
    assert time.process_time() - started_s < 2
