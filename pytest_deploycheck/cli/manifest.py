"""`deploycheck manifest`: what makes a folder of reports believable, written by the pipeline."""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pytest_deploycheck.cli.command import Command
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.report.layout import write_whole

NAME: Final = "manifest.json"


def manifest(
    folder: Path,
    about: Mapping[str, str],
    *,
    of_image: Iterable[str] = (),
    of_commit: Mapping[str, str] | None = None,
    scanned: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Return the manifest of every file in *folder*.

    Args:
        folder: Where the reports are; files in folders below it are not named.
        about: `release`, `commit`, `image` and `digest`.
        of_image: Names of reports that are about the image, not about the source.
        of_commit: Name of a report → the commit that it is about, where that is another one.
        scanned: Name of a report → how many files its tool looked at.

    Raises:
        ConfigError: The folder has no file, or not one of those that are named.
    """
    counts, commits = dict(scanned or {}), dict(of_commit or {})
    files = {
        file.name: file for file in sorted(folder.glob("*")) if file.is_file() and file.name != NAME
    }
    problems = [f"{folder}: found no file; expected the pipeline's reports"] if not files else []
    problems += [
        f"{name}: found no such file in {folder}; it has {', '.join(files)}"
        for name in (*of_image, *commits, *counts)
        if files and name not in files
    ]
    if problems:
        raise ConfigError(problems)
    entries = {}
    for name, file in files.items():
        made = dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
        subject = "digest" if name in of_image else "commit"
        entries[name] = {
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "made_at": made.isoformat(timespec="seconds"),
            subject: commits.get(name, about[subject]),
        } | ({"scanned": counts[name]} if name in counts else {})
    return {"schema": "deploycheck.artifacts/1", **about, "files": entries}


def _run(given: argparse.Namespace) -> int:
    about = {key: getattr(given, key) for key in ("release", "commit", "image", "digest")}
    try:
        counts = {name: int(count) for name, _, count in (s.partition("=") for s in given.scanned)}
    except ValueError as error:
        found = ", ".join(given.scanned)
        raise ConfigError([f"--scanned: found {found}; expected FILE=NUMBER"]) from error
    commits = {name: sha for name, _, sha in (s.partition("=") for s in given.of_commit)}
    if not all(commits.values()):
        found = ", ".join(given.of_commit)
        raise ConfigError([f"--of-commit: found {found}; expected FILE=SHA"])
    made = manifest(given.folder, about, of_image=given.of_image, of_commit=commits, scanned=counts)
    path = write_whole(given.folder / NAME, json.dumps(made, indent=1) + "\n")
    print(f"{path}: {len(made['files'])} reports of release {given.release}")
    return 0


def _define(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the pipeline's reports are")
    for name, text in (
        ("release", "that was built, for example 1.4.2"),
        ("commit", "that it was built of, 40 digits"),
        ("image", "without tag, for example ghcr.io/owner/name"),
        ("digest", "of the image, sha256:..."),
    ):
        parser.add_argument(f"--{name}", required=True, help=text)
    parser.add_argument(
        "--of-image",
        action="append",
        default=[],
        metavar="FILE",
        help="a report about the image instead of the source, such as Trivy's",
    )
    parser.add_argument(
        "--of-commit",
        action="append",
        default=[],
        metavar="FILE=SHA",
        help="a report about another commit, such as the tests of the release before",
    )
    parser.add_argument(
        "--scanned",
        action="append",
        default=[],
        metavar="FILE=N",
        help="how many files the tool looked at, where its report does not say",
    )


COMMANDS = (
    Command(
        name="manifest",
        help="say which release, commit and image a folder of reports is about",
        define=_define,
        run=_run,
    ),
)
