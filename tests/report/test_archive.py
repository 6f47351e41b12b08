"""An archive that is sealed anew still has to agree with its own manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_deploycheck.report import archive

PARTS = {"runs/journal.jsonl": b"{}\n", "verdict.json": b"{}"}


def sealed(parts: Mapping[str, bytes], manifest: Mapping[str, Any] | None) -> bytes:
    """An archive of *parts* whose seal is good, whatever its manifest says; None: it has none."""
    members = {} if manifest is None else {archive.MANIFEST: json.dumps(manifest).encode()}
    body = b"".join(archive._member(path, data) for path, data in (members | dict(parts)).items())
    return body + archive._sealed(body)


def listing(parts: Mapping[str, bytes], **changes: str) -> dict[str, Any]:
    """The manifest of *parts*."""
    listed = [
        {"path": path, "sha256": hashlib.sha256(data).hexdigest()} for path, data in parts.items()
    ]
    return {"schema": archive.SCHEMA, "parts": listed} | changes


def test_an_archive_comes_back_as_it_was_packed() -> None:
    """With what its maker says of it."""
    manifest, parts = archive.unpack(archive.pack(PARTS, {"release": "2.0"}))
    assert (manifest["release"], parts) == ("2.0", PARTS)
    assert archive.unpack(sealed(PARTS, listing(PARTS)))[1] == PARTS


@pytest.mark.parametrize(
    ("parts", "manifest", "message"),
    [
        (PARTS | {"more": b"1"}, listing(PARTS), "the manifest disagrees about more"),
        (PARTS, listing(PARTS | {"gone": b"1"}), "the manifest disagrees about gone"),
        (PARTS | {"verdict.json": b"[]"}, listing(PARTS), "disagrees about verdict.json"),
        (PARTS, listing(PARTS, schema="deploycheck.archive/9"), "schema 'deploycheck.archive/9'"),
        (PARTS, {"schema": archive.SCHEMA}, "manifest.json: found KeyError"),
        (PARTS, None, "manifest.json: found KeyError('manifest.json')"),
    ],
    ids=["not listed", "missing", "changed", "another schema", "no parts", "no manifest"],
)
def test_a_seal_alone_makes_no_archive(
    parts: dict[str, bytes], manifest: dict[str, Any] | None, message: str
) -> None:
    """Anybody can compute a digest."""
    with pytest.raises(archive.ArchiveError) as raised:
        archive.unpack(sealed(parts, manifest))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "change", [lambda data: data[:-1], lambda data: b"x" + data[1:]], ids=["cut", "changed"]
)
def test_a_damaged_archive_is_told(change: Callable[[bytes], bytes]) -> None:
    """Cut off, or changed."""
    with pytest.raises(archive.ArchiveError, match="the archive is damaged"):
        archive.unpack(change(archive.pack(PARTS, {})))


@pytest.mark.parametrize("name", ["../outside", "/outside", "runs/../../outside"])
def test_nothing_is_written_outside_the_folder(tmp_path: Path, name: str) -> None:
    """An archive may come from anywhere."""
    with pytest.raises(archive.ArchiveError, match="expected a path inside the archive"):
        archive.extract({name: b"x"}, tmp_path / "in")
    assert not (tmp_path / "outside").exists()
