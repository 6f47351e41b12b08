"""Which messages have left, as the receipts in the record have it."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Sequence
from typing import Final

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.domain.errors import SubjectError
from pytest_deploycheck.domain.events import Event, MessageSent
from pytest_deploycheck.domain.invocation import USUAL, Invocation
from pytest_deploycheck.domain.units import spoken_time

_SOURCE: Final = "notifications"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Told:
    """A message that every channel has taken."""

    subject: str
    at_s: float
    """When the last channel took it, Unix seconds."""
    ahead_s: float
    """How long before the deployment that was."""


class Notifications:
    """Reads the receipts of messages; it never sends one.

    Args:
        read: Returns every event of the deployment's people.
        channels: Message → names of the channels that it goes to.
        environment: The environment's name.
        deployed_at_s: When the rollout began, Unix seconds.
        invocation: How the run was asked for.
        rehearsal: Receipts that were made up for a demonstration count.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[Event]],
        *,
        channels: dict[str, tuple[str, ...]],
        environment: str,
        deployed_at_s: float,
        invocation: Invocation = USUAL,
        rehearsal: bool,
    ) -> None:
        self._read = read
        self._channels = channels
        self._environment = environment
        self._deployed_at_s = deployed_at_s
        self._invocation = invocation
        self._rehearsal = rehearsal

    def require(self, kind: str) -> Told:
        """Return when *kind* was sent: on each channel that the environment has for it.

        Raises:
            SubjectError: It was not sent at all, or not on every channel.
        """
        sent = {
            event.channel: event
            for event in self._read()
            if isinstance(event, MessageSent)
            and (event.kind, event.state) == (kind, "sent")
            and (self._rehearsal or not event.demonstration)
        }
        for receipt in sent.values():
            evidence.note(_SOURCE, f"{kind} to {receipt.channel}", _spoken(receipt))
        missing = [name for name in self._channels.get(kind, ()) if name not in sent]
        if not sent or missing:
            raise SubjectError(
                f"found no receipt of the message {kind!r}"
                f"{' from ' + ', '.join(missing) if sent else ''}; expected one; "
                f"run {self._command(kind)}"
            )
        last = max(sent.values(), key=lambda event: event.at_s)
        return Told(subject=last.subject, at_s=last.at_s, ahead_s=self._deployed_at_s - last.at_s)

    def _command(self, kind: str) -> str:
        env = self._invocation.env_option(self._environment)
        return shlex.join(["deploycheck", "notify", kind, env, *self._invocation.folders()])


def _spoken(receipt: MessageSent) -> str:
    made_up = "DEMONSTRATION: " if receipt.demonstration else ""
    return f"{made_up}{receipt.subject}, taken {spoken_time(receipt.at_s)}. {receipt.detail}"
