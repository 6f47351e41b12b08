"""What was probably meant is offered, and nothing else is."""

from __future__ import annotations

import pytest

from pytest_deploycheck.domain.near import meant

ITEMS = ("post_5min/pod-status", "post_5min/redis-cache", "sign_off/security-team")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("sign-off/security", "; did you mean sign_off/security-team?"),
        ("post_5min/redis-cash", "; did you mean post_5min/redis-cache or post_5min/pod-status?"),
        ("lst", ""),
        ("", ""),
    ],
)
def test_only_what_looks_like_it_is_offered(found: str, expected: str) -> None:
    """The nearest first; names that have nothing in common help nobody."""
    assert meant(found, ITEMS) == expected
