"""The journal: one JSON line for each event, whole once written, and read back with care."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Annotated, Self

import pydantic

from pytest_deploycheck.domain.errors import DeploycheckError
from pytest_deploycheck.domain.events import (
    OF_THE_RECORD,
    SCHEMA,
    Event,
    ProblemFound,
    RunEnded,
    RunStarted,
)
from pytest_deploycheck.report import layout

#: What another version or another hand has put into an event could turn a decision: it is refused.
_EVENT: pydantic.TypeAdapter[Event] = pydantic.TypeAdapter(
    Annotated[Event, pydantic.Field(discriminator="event")],
    config=pydantic.ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    ),
)
Runs = Mapping[Path, Sequence[Event]]
"""The journals of a deployment's runs, in the order of their names."""
PEOPLE = "people"
_encoded = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
#: As dump_json writes what is no number, unless a text says so.
_NO_NUMBER = re.compile(rb"NaN|Infinity")
_SURROGATE = re.compile("[\ud800-\udfff]")


class JournalError(DeploycheckError):
    """A journal cannot be read or written; the message names file and line."""


def to_line(event: Event) -> bytes:
    """Return *event* as one line of JSON; lone surrogates become U+FFFD.

    Raises:
        ValueError: A number is NaN or infinite, which JSON has no word for.
    """
    try:
        line = _EVENT.dump_json(event)
        if not _NO_NUMBER.search(line):
            return line + b"\n"
    except ValueError:  # of a lone surrogate
        pass
    text = _encoded(_EVENT.dump_python(event, mode="json"))
    return _SURROGATE.sub("\ufffd", text).encode() + b"\n"


def from_line(line: str) -> Event:
    """Return the event that `to_line` wrote.

    Raises:
        JournalError: It is no event of this schema.
    """
    return _event(line.encode(), "an event")


class JournalWriter:
    """A new journal file, appended to from any thread; an existing file is refused.

    The file appears with its first line in it: who reads the record meanwhile, or after this
    process was killed, never finds an empty journal.
    """

    def __init__(self, path: Path) -> None:
        """Name the file.

        Raises:
            FileExistsError: There is a journal already; whoever writes, writes a new one.
        """
        self.path = path
        self._lock = threading.Lock()
        self._file: FileIO | None = None
        self._size_bytes = 0
        if path.exists():
            raise _taken(path)

    def append(self, event: Event) -> None:
        """Write *event* as one line, which survives the death of this process from then on.

        Raises:
            FileExistsError: Somebody else began this journal meanwhile.
            OSError: It could not be written; the journal is as it was before.
        """
        self.append_line(to_line(event))
        if isinstance(event, RunEnded):
            with self._lock:
                if self._file is not None:
                    os.fsync(self._file.fileno())

    def append_line(self, line: bytes) -> None:
        """Write what `to_line` returned, as `append` does."""
        with self._lock:
            if self._file is None:
                if not _write_new(self.path, line):
                    raise _taken(self.path)
                self._file = self.path.open("ab", buffering=0)
                self._size_bytes = len(line)
            else:
                _append_whole(self._file, line, self._size_bytes)
                self._size_bytes += len(line)

    def close(self) -> None:
        """Force everything to the disk and close the file; a second call does nothing."""
        with self._lock:
            if self._file is not None and not self._file.closed:
                os.fsync(self._file.fileno())
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _taken(path: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, "there is a journal already; expected a new file", path)


def _append_whole(file: FileIO, line: bytes, size_bytes: int) -> None:
    """Write *line* whole or not at all: a torn line in the middle would make all unreadable."""
    left = memoryview(line)
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        file.truncate(size_bytes)
        raise


def read_journal(path: Path) -> list[Event]:
    """Return the events of one journal, in the order they were written.

    The last line of a run that was killed may be torn: it is left out, and a ProblemFound of that
    run says so. A person's word is written whole or not at all, so there a torn line is an error.

    Raises:
        JournalError: A line is no event of this schema, or the file is empty or unreadable.
    """
    try:
        *lines, tail = path.read_bytes().split(b"\n")
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror}; expected a journal") from error
    events: list[Event] = []
    for number, line in enumerate(lines, start=1):
        events.append(_event(line, f"{path}:{number}"))
    if tail:
        events.append(_last(tail, f"{path}:{len(lines) + 1}", events))
    if not events:
        raise JournalError(f"{path}: empty; expected one event a line, the first a run_started")
    return events


def read_record(deployment: Path) -> list[Event]:
    """Return the events of every journal in a deployment's folder; see `read_runs`.

    Raises:
        JournalError: There is none.
    """
    if not any(deployment.glob("runs/*/*.jsonl")) and not any(deployment.glob(f"{PEOPLE}/*.jsonl")):
        raise JournalError(
            f"{deployment}: no runs/*/{layout.JOURNAL} and no people/*.jsonl; expected the folder "
            "of a deployment, reports/<environment>/<release>/<deployed_at>"
        )
    return [*read_events_of_runs(deployment), *read_people(deployment)]


def read_events_of_runs(deployment: Path) -> list[Event]:
    """Return the events of every run of a deployment; nothing when there is none yet."""
    return [event for events in read_runs(deployment).values() for event in events]


def read_runs(deployment: Path) -> Runs:
    """Return what `read_events_of_runs` does, by journal.

    What cannot be read does not take the rest with it: it is a problem of the whole record.
    """
    found: dict[Path, Sequence[Event]] = {}
    for folder in sorted(deployment.glob("runs/*/")):
        journals = sorted(folder.glob("*.jsonl"))
        if folder.is_symlink():
            found[folder] = [_problem(f"{folder}: found a link; expected the run's own folder")]
        elif not journals and any(folder.iterdir()):  # one that is empty has not begun yet
            found[folder] = [_problem(f"{folder}: found no {layout.JOURNAL}; expected the run's")]
        else:
            found |= {journal: _of_a_run(journal) for journal in journals}
    return found


def read_people(deployment: Path) -> list[Event]:
    """Return what people did around a deployment; nothing when nobody has done anything."""
    return read_events(deployment / PEOPLE)


def read_events(folder: Path) -> list[Event]:
    """Return the events of every journal in *folder*; nothing when there is none.

    What cannot be read is a problem of the whole record, as in `read_runs`.
    """
    return [event for file in sorted(folder.glob("*.jsonl")) for event in _or_problem(file)]


def _of_a_run(path: Path) -> Sequence[Event]:
    events = _or_problem(path)
    if isinstance(events[0], RunStarted | ProblemFound):
        return events
    return [_problem(f"{path}:1: found {events[0].event}; expected run_started")]


def _or_problem(path: Path) -> Sequence[Event]:
    """Return the events of a journal, or that it cannot be read."""
    try:
        return read_journal(path)
    except JournalError as error:
        return [_problem(str(error))]


def _problem(text: str) -> ProblemFound:
    """Return a problem of no run in particular, known from the beginning."""
    return ProblemFound(run=OF_THE_RECORD, at_s=0.0, text=text)


def write_people(deployment: Path, event: Event, *, name: str) -> Path:
    """Write one person's word, waiver, message or rollback step as a small journal of its own.

    It is whole and on the disk when this returns. Two different events never share a name, in
    whichever folder they were written: folders merge by copying.

    Args:
        deployment: The deployment's folder.
        event: What happened.
        name: A part of the file's name; the time is put before it, a piece of the content's
            SHA-256 after it.
    """
    return write_event(deployment / PEOPLE, event, name=name)


def write_event(folder: Path, event: Event, *, name: str) -> Path:
    """Write one event as a small journal in *folder*; see `write_people`."""
    line = to_line(event)
    digest = hashlib.sha256(line).hexdigest()[:12]
    path = folder / f"{layout.stamp(event.at_s)}-{layout.component(name)}-{digest}.jsonl"
    _write_new(path, line)
    return path


def claim(deployment: Path, event: Event, *, name: str) -> bool:
    """Write *event* under *name* unless somebody has already; say whether it was us.

    Of any number of processes that try at once, exactly one is told so.
    """
    path = deployment / PEOPLE / f"{layout.component(name)}.jsonl"
    return _write_new(path, to_line(event))


def _write_new(path: Path, line: bytes) -> bool:
    """Write a file whole or not at all; False: there is one of that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(line)
            os.fchmod(file.fileno(), 0o644)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temporary)  # unlike a rename, it never replaces a file
        except FileExistsError:
            return False
        _sync(path.parent)
        return True
    finally:
        temporary.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Force the name of a new file to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _last(tail: bytes, where: str, before: list[Event]) -> Event:
    """Read a last line that has no end: whole by luck, or torn."""
    try:
        return _event(tail, where)
    except JournalError:
        started = [event for event in before if isinstance(event, RunStarted)]
        if not started:
            raise
        return ProblemFound(
            run=started[-1].run,
            at_s=max(event.at_s for event in before),
            text=f"{where}: the last line is torn: the run was cut off there",
        )


def _event(line: bytes, where: str) -> Event:
    try:
        event = _EVENT.validate_json(line)
    except pydantic.ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        first = next((one for one in found if one["loc"][-1:] == ("schema",)), found[0])
        if first["type"] == "json_invalid":
            raise JournalError(
                f"{where}: no JSON ({first['msg']}); expected one event a line"
            ) from error
        key = ".".join(map(str, first["loc"][1:]))
        raise JournalError(f"{where}: {key or 'event'}: {first['msg']}") from error
    except DeploycheckError as error:  # a number or history that the domain refuses
        raise JournalError(f"{where}: {error}") from error
    if isinstance(event, RunStarted) and b'"schema"' not in line:
        raise JournalError(f"{where}: found no schema; expected {SCHEMA!r}")
    return event
