"""Sends a message once to each channel: who claims it first sends it, and leaves a receipt."""

from __future__ import annotations

import concurrent.futures
import contextlib
import contextvars
import dataclasses
import io
import logging
import os
import time
import types
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from pytest_deploycheck.clients.evidence import redact, register_address, shortened
from pytest_deploycheck.config.environment import Channel
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.events import Event, MessageSent

_LONGEST_DETAIL: Final = 500

_hearing: contextvars.ContextVar[io.StringIO | None] = contextvars.ContextVar(
    "_hearing", default=None
)
"""Where goes what is logged of the channel that is being asked."""

#: Messages that are no bad news: they wake nobody.
_CALM: Final = frozenset({"scheduled", "completed", "update"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of a message on one channel."""

    channel: str
    state: Literal["sent", "sent before", "failed", "unknown"]
    """`unknown`: somebody claimed it and has not said what became of it."""
    detail: str = ""

    @property
    def arrived(self) -> bool:
        """It was sent, now or before."""
        return self.state in ("sent", "sent before")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ledger:
    """The record, as far as messages need it."""

    read: Callable[[], Sequence[Event]]
    claim: Callable[[Event, str], bool]
    """Writes an event under a name unless somebody has; says whether it was us."""
    write: Callable[[Event, str], object]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Letter:
    """A message and what its receipt says of it."""

    kind: str
    id: str
    """Of its occasion: it leaves once for each."""
    subject: str
    body: str
    by: str
    calm: bool = False
    """It is no bad news, so it goes to no channel that wakes somebody."""
    changes: tuple[str, ...] = ()
    promised_by_s: float | None = None


def deliver(
    letter: Letter,
    channels: Mapping[str, Channel],
    ledger: Ledger,
    *,
    again: bool = False,
    timeout_s: float,
    clock: Callable[[], float] = time.time,
) -> list[Delivery]:
    """Send *letter* to each channel that takes its kind, side by side.

    Args:
        letter: The message.
        channels: The environment's.
        ledger: Where claims and receipts are kept.
        again: Send also where somebody claimed it and has not said what became of it.
        timeout_s: After this a channel counts as failed.
        clock: Unix seconds.

    Raises:
        ConfigError: apprise is not installed, or no channel takes this kind.
    """
    chosen = {name: channel for name, channel in channels.items() if takes(channel, letter)}
    if not chosen:
        raise ConfigError(
            [f"found no channel for {letter.kind!r}; expected one in [notifications.channels]"]
        )
    with warnings.catch_warnings():
        # Of the libraries that apprise loads; in a run of pytest a warning may be an error.
        warnings.simplefilter("ignore")
        return _side_by_side(letter, chosen, ledger, again=again, timeout_s=timeout_s, clock=clock)


def _side_by_side(
    letter: Letter,
    chosen: Mapping[str, Channel],
    ledger: Ledger,
    *,
    again: bool,
    timeout_s: float,
    clock: Callable[[], float],
) -> list[Delivery]:
    _apprise()  # before the threads: importing it takes a while
    pool = concurrent.futures.ThreadPoolExecutor(len(chosen), thread_name_prefix="channel")
    waiting = {
        name: pool.submit(_one, letter, name, channel, ledger, again=again, clock=clock)
        for name, channel in chosen.items()
    }
    concurrent.futures.wait(waiting.values(), timeout=timeout_s)
    pool.shutdown(wait=False, cancel_futures=True)
    late = f"no answer within {timeout_s:g} s"
    return [
        future.result()
        if future.done() and not future.cancelled()
        else Delivery(channel=name, state="unknown", detail=late)
        for name, future in waiting.items()
    ]


def takes(channel: Channel, letter: Letter) -> bool:
    """Say whether *letter* goes to *channel*: nothing that is well wakes anybody."""
    calm = letter.calm or letter.kind in _CALM
    return letter.kind in channel.messages and not (channel.pages and calm)


def _one(
    letter: Letter,
    name: str,
    channel: Channel,
    ledger: Ledger,
    *,
    again: bool,
    clock: Callable[[], float],
) -> Delivery:
    before = [
        event
        for event in ledger.read()
        if isinstance(event, MessageSent) and (event.id, event.channel) == (letter.id, name)
    ]
    if any(event.state == "sent" for event in before):
        return Delivery(channel=name, state="sent before")
    claimed = max((event.attempt for event in before), default=0)
    answered = {event.attempt for event in before if event.state == "failed"}
    attempt = claimed + 1 if again or claimed in answered else max(claimed, 1)

    def event(state: Literal["claimed", "sent", "failed"], detail: str = "") -> MessageSent:
        return MessageSent(
            at_s=clock(),
            id=letter.id,
            kind=letter.kind,
            channel=name,
            state=state,
            subject=letter.subject,
            attempt=attempt,
            detail=detail,
            by=letter.by,
            changes=letter.changes,
            promised_by_s=letter.promised_by_s,
        )

    # The name is the same for everybody who tries, so only one of them gets it.
    if not ledger.claim(event("claimed"), f"claim-{letter.id}-{name}-{attempt}".replace("/", "-")):
        return Delivery(
            channel=name,
            state="unknown",
            detail="another job has claimed it and left no receipt yet; --again sends it again",
        )
    trouble = _send(channel, letter)
    receipt = event("failed", trouble) if trouble else event("sent")
    ledger.write(receipt, f"{letter.kind}-{name}-{receipt.state}")
    return Delivery(channel=name, state=receipt.state, detail=trouble)  # type: ignore[arg-type]  # never claimed


def trouble(channel: Channel) -> str:
    """Say why nothing can be sent to *channel*, without sending; empty: apprise knows its URL.

    Raises:
        ConfigError: apprise is not installed.
    """
    with _logged():
        found = _room(channel)
    return found if isinstance(found, str) else ""


def _room(channel: Channel) -> Any:  # noqa: ANN401 - of an untyped library
    """Return what sends to *channel*, or a text that says why nothing can.

    Raises:
        ConfigError: apprise is not installed.
    """
    url = os.environ.get(channel.url_env, "")
    if not url:
        return f"found {channel.url_env}, which is not set; expected a URL of apprise in it"
    register_address(url)
    room = _apprise().Apprise()
    return room if room.add(url) else f"{channel.url_env} holds no URL that apprise knows"


def _send(channel: Channel, letter: Letter) -> str:
    """Hand *letter* to apprise; return what went wrong, nothing when it was taken."""
    with _logged() as said:
        room = _room(channel)
        if isinstance(room, str):
            return room
        try:
            taken = room.notify(
                title=redact(letter.subject), body=redact(letter.body), body_format="text"
            )
        # Some hundred plugins, each with mistakes of its own: none may change a verdict.
        except Exception as error:  # noqa: BLE001
            return shortened(f"{type(error).__name__}: {error}", _LONGEST_DETAIL)
        if taken:
            return ""
        return shortened(said.getvalue().strip() or "not taken", _LONGEST_DETAIL)


@contextlib.contextmanager
def _logged() -> Iterator[io.StringIO]:
    """Collect what apprise logs: it is the only place where it says what went wrong."""
    said = io.StringIO()
    heard = _hearing.set(said)
    handler = logging.StreamHandler(said)
    handler.addFilter(lambda _: _hearing.get() is said)  # one log has the words of all channels
    logger = logging.getLogger("apprise")
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)
        _hearing.reset(heard)


def _apprise() -> types.ModuleType:
    """Return apprise, which is an extra.

    Raises:
        ConfigError: It is not installed.
    """
    try:
        import apprise
    except ImportError as error:
        raise ConfigError(
            ["found no apprise; expected it: pip install 'pytest-deploycheck[notify]'"]
        ) from error
    return apprise
