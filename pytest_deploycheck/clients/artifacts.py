"""The reports that the pipeline left: an instrument.

A report counts when the manifest names it with its checksum and with this release's commit or
digest, its own words do not contradict that, it is fresh, and its tool really looked at something.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeVar

from pydantic import Field

from pytest_deploycheck.clients import artifacts_loads, artifacts_scans, artifacts_tests, evidence
from pytest_deploycheck.clients.artifacts_findings import Scan
from pytest_deploycheck.clients.artifacts_loads import Benchmark, Drill, LoadTest, Restore
from pytest_deploycheck.clients.artifacts_tests import Coverage, TestRun
from pytest_deploycheck.clients.endpoints import unknown
from pytest_deploycheck.clients.shapes import Shape, read, time_s, told_once
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError

SKEW_S: Final = 300.0
"""How far the pipeline's clock may be ahead of ours."""
_R = TypeVar("_R")


class Entry(Shape):
    """What the manifest says of one report."""

    sha256: str
    made_at: str
    """When the tool ran; ISO 8601 with a zone."""
    commit: str | None = None
    digest: str | None = None
    """Of what the tool looked at: the source, or the image; at least one of them."""
    scanned: int | None = None
    """How many files the tool looked at, where its own report does not say."""


class Manifest(Shape):
    """What the pipeline says of its reports."""

    schema_: Literal["deploycheck.artifacts/1"] = Field(alias="schema")
    release: str
    commit: str = Field(min_length=40)
    image: str
    """Without tag and digest."""
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    files: dict[str, Entry]


class Artifacts:
    """Reads the reports by the names that the environment gives them.

    Args:
        settings: The environment's `[artifacts]`.
        release: That the reports must be about.
        clock: Unix seconds.
    """

    def __init__(
        self,
        settings: environment.Artifacts,
        *,
        release: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._release = release
        self._clock = clock

    def manifest(self) -> Manifest:
        """Return the manifest of this release.

        Raises:
            InstrumentError: There is none, it is none, or it is another release's.
        """
        found = self.listed()
        if found.release != self._release:
            raise InstrumentError(
                f"{self._settings.manifest}: found release {found.release!r}, "
                f"expected {self._release!r}"
            )
        return found

    def listed(self) -> Manifest:
        """Return the manifest, of whatever release it is.

        Raises:
            InstrumentError: There is none, or it is none.
        """
        name = self._settings.manifest
        return read(Manifest, self._json(name), where=name, what="a manifest of artifacts")

    def scan(self, name: str) -> Scan:
        """Return what the scanner *name* reported, once it is known to have scanned something.

        Raises:
            InstrumentError: No usable report of this release.
        """
        file, path = self._file(name, artifacts_scans.FORMATS)
        entry = self._entry(file, path)
        found = artifacts_scans.FORMATS[file.format](self._json(path, entry), path)
        self._demand_fresh(file, path, found.made_at, entry.made_at if entry else None)
        self._demand_about(path, found)
        scanned = found.scanned if found.scanned is not None else (entry and entry.scanned)
        if not scanned:
            seen = "nothing" if scanned == 0 else "nobody knows what"
            raise InstrumentError(
                f"{path}: {found.tool} looked at {seen}, expected a count above 0 "
                "(its own, or `scanned` in the manifest)"
            )
        self._note(path, f"{found.tool}: {scanned} scanned, {len(found.findings)} findings")
        return found

    def tests(self, name: str) -> TestRun:
        """Return what became of the tests of the run *name*, at least one.

        Raises:
            InstrumentError: No usable report of this release.
        """
        file, path = self._file(name, ("junit",))
        found = artifacts_tests.junit(self._read(path, self._entry(file, path)), path)
        self._demand_fresh(file, path, found.made_at, self._made_at(file, path))
        counts = f"{len(found.passed)} passed, {len(found.failed)} failed"
        self._note(path, f"{counts}, {len(found.skipped)} skipped")
        return found

    def commit_of(self, name: str) -> str:
        """Return the commit that the report *name* is of, for one that is not of this release.

        Raises:
            InstrumentError: The manifest does not name it with its commit, or it is another file.
        """
        _, path = self._file(name, ("junit",))
        entry = self.manifest().files.get(path)
        if entry is None or entry.commit is None:
            raise InstrumentError(
                f"{path}: the manifest does not say of which commit it is, expected it to; "
                f"run deploycheck manifest with --of-commit {path}=SHA"
            )
        self._read(path, entry)
        return entry.commit

    def untested(self, name: str) -> tuple[str, ...]:
        """Return what the environment expects the run *name* to test, and no passed test names.

        Raises:
            InstrumentError: No usable report of this release; the environment expects nothing.
        """
        file, _ = self._file(name, ("junit",))
        if not file.expect:
            raise InstrumentError(f"[artifacts.files.{name}] expects no test by name")
        return self.tests(name).missing(file.expect)

    def coverage(self, name: str) -> Coverage:
        """Return how much of the code the tests ran.

        Raises:
            InstrumentError: No usable report of this release.
        """
        file, path = self._file(name, ("cobertura",))
        found = artifacts_tests.cobertura(self._read(path, self._entry(file, path)), path)
        self._demand_fresh(file, path, found.made_at, self._made_at(file, path))
        self._note(path, f"{found.line_ratio:.1%} of {found.lines} lines")
        return found

    def load(self, name: str) -> LoadTest:
        """Return what the load test *name* measured.

        Raises:
            InstrumentError: No usable report of this release.
        """
        file, path = self._file(name, ("k6", "locust"))
        entry = self._entry(file, path)
        parse = artifacts_loads.k6 if file.format == "k6" else artifacts_loads.locust
        found = parse(self._json(path, entry), path)
        self._demand_fresh(file, path, found.ended_at_s, entry.made_at if entry else None)
        self._note(path, str(found))
        return found

    def benchmark(self, name: str) -> Benchmark:
        """Return the measurements of the benchmark *name*.

        Raises:
            InstrumentError: No usable report of this release.
        """
        return self._own(name, "benchmark", Benchmark)

    def restore(self, name: str) -> Restore:
        """Return how the restore test *name* went.

        Raises:
            InstrumentError: No usable report.
        """
        return self._own(name, "restore", Restore)

    def drill(self, name: str) -> Drill:
        """Return how the recovery drill *name* went.

        Raises:
            InstrumentError: No usable report.
        """
        return self._own(name, "drill", Drill)

    def _own(self, name: str, format_: str, shape: type[_R]) -> _R:
        """Read a report in one of our own formats."""
        file, path = self._file(name, (format_,))
        value = self._json(path, self._entry(file, path))
        found = read(shape, value, where=path, what=f"a report in the format {format_}")
        self._demand_fresh(file, path, getattr(found, "made_at"), None)  # noqa: B009 - of each shape
        self._note(path, str(found))
        return found

    def _file(self, name: str, formats: object) -> tuple[environment.Artifact, str]:
        """Return the settings of the report *name*, and its path below the folder."""
        try:
            found = self._settings.files[name]
        except KeyError:
            raise unknown("artifacts.files", name, self._settings.files) from None
        if found.format not in formats:  # type: ignore[operator] # tuple or table of them
            raise InstrumentError(f"[artifacts.files.{name}] has the format {found.format}")
        return found, found.path

    def _entry(self, file: environment.Artifact, path: str) -> Entry | None:
        """Return what the manifest says of a report of this release; None: it need not."""
        if not file.of_release:
            return None
        manifest = self.manifest()
        entry = manifest.files.get(path)
        if entry is None:
            have = ", ".join(manifest.files) or "nothing"
            raise InstrumentError(f"{path}: the manifest does not name it; it has {have}")
        about = ((entry.commit, manifest.commit), (entry.digest, manifest.digest))
        if not any(f for f, _ in about) or any(f not in (None, wanted) for f, wanted in about):
            raise InstrumentError(
                f"{path}: the manifest says commit {entry.commit} and digest {entry.digest}, "
                f"expected {manifest.commit} or {manifest.digest}"
            )
        return entry

    def _made_at(self, file: environment.Artifact, path: str) -> str | None:
        entry = self._entry(file, path)
        return entry.made_at if entry else None

    def _demand_fresh(
        self, file: environment.Artifact, path: str, own: str | float | None, named: str | None
    ) -> None:
        """Refuse a report whose tool ran long ago, by its own time or by the manifest's."""
        limit_s = file.max_age_s or self._settings.max_age_s
        times = [at_s for at_s in (_at_s(own, path), _at_s(named, path)) if at_s is not None]
        if not times:
            raise InstrumentError(f"{path}: neither it nor the manifest says when it was made")
        for at_s in times:
            age_s = self._clock() - at_s
            if not -SKEW_S <= age_s <= limit_s:
                raise InstrumentError(
                    f"{path}: made {age_s:.0f} s ago, expected at most {limit_s:g} s"
                )

    def _demand_about(self, path: str, found: Scan) -> None:
        """Refuse a report that says itself that it is about something else."""
        manifest = self.manifest()
        for what, have, wanted in (
            ("commit", found.commits, manifest.commit),
            ("digest", found.digests, manifest.digest),
        ):
            if have and wanted not in have:
                raise InstrumentError(
                    f"{path}: is about {what} {', '.join(have)}, expected {wanted}"
                )

    def _json(self, path: str, entry: Entry | None = None) -> object:
        data = self._read(path, entry)
        try:
            value: object = json.loads(data, object_pairs_hook=told_once)
        except (ValueError, RecursionError) as error:
            raise InstrumentError(
                f"{path}: expected JSON, found {error}: is it complete?"
            ) from error
        return value

    def _read(self, path: str, entry: Entry | None = None) -> bytes:
        """Return a file's content, which must be what the manifest's checksum says."""
        folder = Path(self._settings.folder).resolve()
        file = (folder / path).resolve()
        if not file.is_relative_to(folder):
            raise InstrumentError(f"{path}: lies outside of {self._settings.folder}")
        try:
            if not file.is_file():
                raise InstrumentError(f"{path}: found no such file in {self._settings.folder}")
            size = file.stat().st_size
            if size > self._settings.max_bytes:
                limit = self._settings.max_bytes
                raise InstrumentError(f"{path}: found {size} bytes, expected at most {limit}")
            data = file.read_bytes()
        except OSError as error:
            raise InstrumentError(f"{path}: cannot be read ({error.strerror})") from error
        if not data.strip():
            raise InstrumentError(f"{path}: found it empty")
        if entry is not None and hashlib.sha256(data).hexdigest() != entry.sha256.lower():
            raise InstrumentError(f"{path}: is not the file of the manifest, its checksum differs")
        return data

    def _note(self, path: str, answer: str) -> None:
        evidence.note("artifacts", f"read {self._settings.folder}/{path}", answer)


def _at_s(at: str | float | None, path: str) -> float | None:
    """Return a time in Unix seconds; None where there is none, or none that has a zone."""
    if at is None or isinstance(at, float):
        return at
    try:
        return time_s(at, where=path)
    except InstrumentError:
        return None
