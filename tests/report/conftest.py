"""The four verdicts as stories."""

from __future__ import annotations

import pytest

from tests.report import stories

STORIES = {
    "PROCEED": stories.proceed,
    "OBSERVE": stories.observe,
    "HOLD": stories.hold,
    "ROLLBACK": stories.rollback,
}


@pytest.fixture(params=STORIES)
def told(request: pytest.FixtureRequest) -> stories.Story:
    """Each verdict in turn."""
    found = STORIES[request.param]()
    assert found.decision.verdict.value == request.param
    return found
