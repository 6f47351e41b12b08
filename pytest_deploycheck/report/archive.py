"""One file with everything of a deployment, in which no byte can change unnoticed.

It is a plain tar archive. Its first member is the manifest, with the SHA-256 of every other; its
last member is the SHA-256 of all bytes before it. What follows that digest is rebuilt and compared,
so a changed byte anywhere is found.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pytest_deploycheck.domain.errors import DeploycheckError

SCHEMA: Final = "deploycheck.archive/1"
MANIFEST: Final = "manifest.json"
_SEAL: Final = "SHA256"
_BLOCK: Final = 512


class ArchiveError(DeploycheckError):
    """An archive is damaged, or cannot be made; the message says which part."""


def parts_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a deployment's folder by its path in it, without links and leftovers."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink() and not path.name.startswith(".")
        and not _through_link(path, folder)
    }  # fmt: skip


def pack(parts: Mapping[str, bytes], facts: Mapping[str, Any]) -> bytes:
    """Return the archive of *parts*; the same parts and facts give the same bytes.

    Args:
        parts: Content by path.
        facts: What the manifest says besides: plain JSON values.
    """
    manifest = {
        "schema": SCHEMA,
        **facts,
        "parts": [
            {"path": path, "size_bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for path, data in sorted(parts.items())
        ],
    }
    text = json.dumps(manifest, indent=1, sort_keys=True, allow_nan=False) + "\n"
    body = _member(MANIFEST, text.encode())
    body += b"".join(_member(path, data) for path, data in sorted(parts.items()))
    return body + _sealed(body)


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return the manifest and the parts of an archive that is whole.

    Raises:
        ArchiveError: Any byte of it is not as it was.
    """
    seal_bytes = len(_sealed(b""))
    body, seal = data[:-seal_bytes], data[-seal_bytes:]
    if len(data) <= seal_bytes or _sealed(body) != seal:
        raise ArchiveError(
            "the archive is damaged: its bytes do not have the SHA-256 that it was sealed with"
        )
    members = _members(body)
    try:
        manifest = json.loads(members.pop(MANIFEST))
        listed = {part["path"]: part["sha256"] for part in manifest["parts"]}
        schema = manifest["schema"]
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveError(f"{MANIFEST}: found {error!r}; expected {SCHEMA}") from error
    if schema != SCHEMA:
        raise ArchiveError(f"{MANIFEST}: schema {schema!r}; this version reads {SCHEMA!r}")
    differing = sorted(
        path
        for path in {*listed, *members}
        if path not in members
        or path not in listed
        or hashlib.sha256(members[path]).hexdigest() != listed[path]
    )
    if differing:
        raise ArchiveError(f"the manifest disagrees about {', '.join(differing[:5])}")
    return manifest, members


def extract(parts: Mapping[str, bytes], folder: Path) -> None:
    """Write the parts below *folder*.

    Raises:
        ArchiveError: A path would lead out of it.
    """
    for name, data in parts.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ArchiveError(f"{name!r}: expected a path inside the archive")
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def _members(body: bytes) -> dict[str, bytes]:
    try:
        with tarfile.open(fileobj=io.BytesIO(body + bytes(2 * _BLOCK))) as archive:
            found = {}
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                if file is None or member.name in found:
                    raise ArchiveError(f"{member.name!r}: expected one regular file of this name")
                found[member.name] = file.read()
    except tarfile.TarError as error:
        raise ArchiveError(f"found no tar archive: {error}") from error
    return found


def _member(name: str, data: bytes) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mode = 0o644
    header = info.tobuf(format=tarfile.PAX_FORMAT)
    return header + data + bytes(-len(data) % _BLOCK)


def _sealed(body: bytes) -> bytes:
    """Return the last member, and the end of the archive."""
    digest = f"{hashlib.sha256(body).hexdigest()}\n"
    return _member(_SEAL, digest.encode()) + bytes(2 * _BLOCK)


def _through_link(path: Path, folder: Path) -> bool:
    return any(parent.is_symlink() for parent in path.parents if parent.is_relative_to(folder))
