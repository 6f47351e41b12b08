"""How far a rollback has come is what the record says, not what was meant."""

from __future__ import annotations

import dataclasses
import itertools

from pytest_deploycheck.domain.events import Event, RolledBack, RunEnded
from pytest_deploycheck.domain.rollbacks import newest_step


def test_a_step_is_reached_when_the_record_has_it() -> None:
    """The newest of its kind, in whatever order they are read; a later other step is none."""
    first = RolledBack(
        at_s=1.0, id="R-1", step="executed", release="2.0", revision="7", command="", by="ann"
    )
    second = dataclasses.replace(first, at_s=2.0)
    advised = dataclasses.replace(first, at_s=3.0, step="advised")
    events: list[Event] = [first, second, advised, RunEnded(run="r", at_s=4.0)]
    for order in itertools.permutations(events):
        assert newest_step(order, "executed") is second
        assert newest_step(order, "verified") is None
