"""How far a rollback has come."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_deploycheck.domain.events import Event, RolledBack


def newest_step(events: Iterable[Event], step: str) -> RolledBack | None:
    """Return the newest of this step of a rollback; None: it was never reached."""
    steps = [e for e in events if isinstance(e, RolledBack) and e.step == step]
    return max(steps, key=lambda event: event.at_s, default=None)
