"""What a deployment's messages promised, and whether it was kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pytest_deploycheck.domain.events import Event, MessageSent
from pytest_deploycheck.domain.units import spoken_time


@dataclasses.dataclass(frozen=True, kw_only=True)
class Promise:
    """News that were promised until a time."""

    id: str
    """Of the message that promised them."""
    due_s: float
    kept_at_s: float | None
    """When they were sent; None: not yet."""

    def overdue(self, at_s: float) -> bool:
        """Say whether they are missing at *at_s*."""
        return self.kept_at_s is None and at_s >= self.due_s

    def __str__(self) -> str:
        """Say what was promised, and what became of it."""
        kept = "not sent yet" if self.kept_at_s is None else f"sent {spoken_time(self.kept_at_s)}"
        return f"the update promised until {spoken_time(self.due_s)}: {kept}"


def promises(events: Iterable[Event]) -> list[Promise]:
    """Return what the messages among *events* promised, oldest first, each once."""
    sent = [e for e in events if isinstance(e, MessageSent) and e.state == "sent"]
    made: dict[str, MessageSent] = {}
    for event in sorted(sent, key=lambda event: event.at_s):
        if event.promised_by_s is not None:
            made.setdefault(event.id, event)
    updates = sorted(event.at_s for event in sent if event.kind == "update")
    return [
        Promise(
            id=event.id,
            due_s=event.promised_by_s or 0.0,
            kept_at_s=next((at_s for at_s in updates if at_s >= event.at_s), None),
        )
        for event in made.values()
    ]
