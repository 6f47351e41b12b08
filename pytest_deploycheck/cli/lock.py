"""One at a time: a file that one process holds, and whoever it has started."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from pytest_deploycheck.domain.errors import InstrumentError


@contextlib.contextmanager
def locked(path: Path, *, by: str, take_over: bool) -> Iterator[int]:
    """Hold *path* until the block ends; who is killed leaves it, and so leaves word of it.

    Args:
        path: The file.
        by: Who holds it, and for what.
        take_over: Although it was left behind; not while somebody still holds it.

    Yields:
        Its file descriptor: a process that keeps it open holds the file, too, also when we are
        killed.

    Raises:
        InstrumentError: Somebody else holds it, or was killed while holding it.
    """
    flags = os.O_RDWR | os.O_CREAT | (0 if take_over else os.O_EXCL)
    try:
        file = os.fdopen(os.open(path, flags, 0o644), "r+", encoding="utf-8")
    except FileExistsError:
        raise InstrumentError(
            f"{path}: held by {_holder(path)}: a rollback runs, or was cut off; when none runs any "
            "more, see what the cluster runs and give --take-over"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InstrumentError(
                f"{path}: held by {_holder(path)}, whose rollback, or the helm that it left, still "
                "runs here; expected it to end first"
            ) from None
        if not _is(path, file):
            raise InstrumentError(f"{path}: was held until just now; try again")
        file.truncate(0)
        file.write(by)
        file.flush()
        try:
            yield file.fileno()
        finally:
            if _is(path, file):
                path.unlink()


def _holder(path: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8") or "somebody"
    return "somebody"


def _is(path: Path, file: IO[str]) -> bool:
    """Say whether *file* is still what *path* names: who leaves removes it."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    return False
