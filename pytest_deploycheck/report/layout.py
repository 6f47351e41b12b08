"""Where the files of a deployment lie: safe names, written whole or not at all."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import os
import re
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pytest_deploycheck.domain.errors import ConfigError

JOURNAL = "journal.jsonl"
STAMP = "%Y%m%dT%H%M%SZ"
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
_LONGEST = 120


def component(text: str) -> str:
    """Return *text* as one harmless path component; different texts stay different.

    What had to be changed gets a piece of its SHA-256, so that `a/b` and `a-b` do not share a
    folder.
    """
    safe = _UNSAFE.sub("-", text).strip(".-")[:_LONGEST]
    if safe and safe == text:
        return safe
    digest = hashlib.sha256(text.encode("utf-8", errors="backslashreplace")).hexdigest()[:8]
    return f"{safe or 'unnamed'}~{digest}"


def stamp(at_s: float) -> str:
    """Return *at_s* as UTC in a path: `20260723T141500Z`, without the colons archives refuse."""
    return datetime.datetime.fromtimestamp(at_s, datetime.UTC).strftime(STAMP)


def is_stamp(name: str) -> bool:
    """Say whether *name* is a time as `stamp` writes it."""
    return re.fullmatch(r"\d{8}T\d{6}Z", name) is not None


def deployment_folder(reports: Path, environment: str, release: str, deployed_at_s: float) -> Path:
    """Return where the record of one deployment is kept; nothing is created."""
    return reports / component(environment) / component(release) / stamp(deployed_at_s)


def used_folder(deployment: Path, checklist_sha256: str, policy_sha256: str) -> Path:
    """Return where the checklist and the policy of a run are kept, as they were when it ran."""
    return deployment / "used" / f"{checklist_sha256[:16]}-{policy_sha256[:16]}"


def waivers_folder(reports: Path, environment: str) -> Path:
    """Return where the waivers of any release are kept; each that is used is copied from there."""
    return reports / component(environment) / "waivers"


def baselines_folder(reports: Path, environment: str) -> Path:
    """Return where baselines are recorded; what a deployment is compared with is copied from there.

    When a baseline is recorded, the deployment that it is for has no folder yet.
    """
    return reports / component(environment) / "baselines"


def new_run_folder(deployment: Path, started_at_s: float, phases: Sequence[str]) -> Path:
    """Create and return the folder of a new run; an existing one is never used again."""
    runs = deployment / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    name = f"{stamp(started_at_s)}-{component('+'.join(phases))}"
    attempt = 1
    while True:
        folder = runs / (name if attempt == 1 else f"{name}.{attempt}")
        try:
            folder.mkdir()
        except FileExistsError:
            attempt += 1
            continue
        return folder


def remove_latest(reports: Path) -> None:
    """Remove `reports/latest`, so that an earlier verdict is not published as this run's.

    A folder of that name, as copying the tree without its links leaves one, is moved aside.

    Raises:
        ConfigError: It cannot be removed.
    """
    latest = reports / "latest"
    try:
        if latest.is_dir() and not latest.is_symlink():
            names = (reports / f"latest-copied-{number}" for number in itertools.count(1))
            latest.rename(next(name for name in names if not name.exists()))
        else:
            latest.unlink(missing_ok=True)
    except NotADirectoryError:
        return  # *reports* is a file: nothing is below it
    except OSError as error:
        raise ConfigError(
            [f"{latest} cannot be removed ({error.strerror}); expected no earlier verdict there"]
        ) from error


def make_reports(reports: Path) -> None:
    """Make *reports*, and see that files can be written there.

    Raises:
        ConfigError: They cannot.
    """
    try:
        reports.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=reports).close()
    except OSError as error:
        raise ConfigError(
            [f"{reports} cannot be written ({error.strerror}); expected a folder"]
        ) from error


def set_latest(reports: Path, run_folder: Path) -> None:
    """Point `reports/latest` at *run_folder*, by a relative link that survives moving the tree."""
    link = reports / f".latest-{secrets.token_hex(8)}"  # each container has a process 1
    link.symlink_to(os.path.relpath(run_folder, reports), target_is_directory=True)
    try:
        link.replace(reports / "latest")
    finally:
        link.unlink(missing_ok=True)


def write_whole(path: Path, content: str) -> Path:
    """Write *content* to *path* by way of a temporary file: a reader sees the old or the new.

    Lone surrogates, which UTF-8 cannot carry, are written as their escapes.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode("utf-8", errors="backslashreplace"))
            os.fchmod(file.fileno(), 0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path
