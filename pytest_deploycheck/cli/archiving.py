"""`deploycheck archive` and `deploycheck verify`: kept for the audit, and recomputed by it."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_deploycheck.cli.command import Command
from pytest_deploycheck.cli.deployments import Deployment, add_deployment, deployment_of, required
from pytest_deploycheck.config import load_project, secret_names
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.events import RunStarted
from pytest_deploycheck.report import archive, journal, layout
from pytest_deploycheck.report.render import VERDICT, decision_of
from pytest_deploycheck.report.text import log_line

_DIFFERS = 1
_SHORTEST_SECRET = 6


def _archive(given: argparse.Namespace) -> int:
    deployment = deployment_of(given)
    parts = archive.parts_of(deployment.folder)
    _refuse_secrets(parts, deployment)
    runs = list(_runs(deployment.folder))
    problems = _objections(runs)
    if problems:
        raise ConfigError([f"{deployment.folder}: {problem}" for problem in problems])
    data = archive.pack(
        parts,
        {
            "environment": deployment.environment,
            "release": deployment.release,
            "deployed_at_s": deployment.deployed_at_s,
            "runs": runs,
        },
    )
    stem = f"{deployment.environment}-{deployment.release}-{deployment.folder.name}"
    path: Path = given.output or Path(f"{layout.component(stem)}.tar")
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    for run in runs:
        print(log_line(_spoken(run)))
    print(f"archive: {path}, {len(parts)} files, {len(data)} bytes")
    print(f"sha256: {hashlib.sha256(data).hexdigest()} (keep it elsewhere)")
    return 0


def _verify(given: argparse.Namespace) -> int:
    if given.sha256 is not None:  # as of a variable that is not set: it would compare with nothing
        required(given.sha256, "--sha256", "what deploycheck archive printed")
    try:
        data = given.file.read_bytes()
    except OSError as error:
        raise ConfigError([f"{given.file}: {error.strerror}; expected an archive"]) from error
    wrong: list[str] = []
    digest = hashlib.sha256(data).hexdigest()
    if given.sha256 and given.sha256 != digest:
        wrong.append(f"found SHA-256 {digest}; expected {given.sha256}")
    try:
        manifest, parts = archive.unpack(data)
        with tempfile.TemporaryDirectory(prefix="deploycheck-verify-") as name:
            archive.extract(parts, Path(name))
            found = list(_runs(Path(name)))
    except (archive.ArchiveError, journal.JournalError, ConfigError) as error:
        wrong.append(str(error))
    else:
        expected = manifest.get("runs", [])
        wrong += [
            f"{_spoken(run)}; the archive says otherwise" for run in found if run not in expected
        ]
        wrong += [f"{_spoken(run)}; not found" for run in expected if run not in found]
        wrong += _objections(found)
        for run in found:
            print(log_line(f"recomputed: {_spoken(run)}"))
    for line in wrong:
        print(log_line(f"wrong: {line}", longest=2000))
    print(f"verify: {'FAILED' if wrong else 'whole, and every verdict recomputed'} ({given.file})")
    return _DIFFERS if wrong else 0


def _objections(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Say why nobody may rely on *runs*: there is none, or one wrote what its journal denies."""
    if not runs:
        return ["found no run; expected one at least: without it nothing was judged"]
    return [
        f"{run['folder']}: {VERDICT} says {run['written']}; expected the {run['verdict']} that its "
        "journal gives: deploycheck render writes it anew"
        for run in runs
        if run["written"] not in (None, run["verdict"])
    ]


def _runs(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield each run of a deployment, and of the verifications inside it, judged once more.

    Raises:
        JournalError: A journal is broken, or a verdict.json.
        ConfigError: The checklist or the policy that a run used is not there.
    """
    for path in sorted(folder.rglob(f"runs/*/{layout.JOURNAL}")):
        starts = [e for e in journal.read_journal(path) if isinstance(e, RunStarted)]
        if not starts:
            raise journal.JournalError(f"{path}: no run_started in it")
        started = starts[-1]
        deployment = path.parents[2]
        used = layout.used_folder(deployment, started.checklist_sha256, started.policy_sha256)
        project = load_project(used)
        if (project.checklist.sha256, project.policy.sha256) != (
            started.checklist_sha256,
            started.policy_sha256,
        ):
            raise ConfigError([f"{used}: found another checklist or policy than the run used"])
        decision, _ = decision_of(path.parent, project.checklist, project.policy)
        yield {
            "folder": path.parent.relative_to(folder).as_posix(),
            "run": started.run,
            "phases": list(started.phases),
            "verdict": decision.verdict.value,
            "items": {item.item.id: item.state.value for item in decision.items},
            "written": _written(path.parent / VERDICT),
        }


def _written(path: Path) -> str | None:
    """Return the verdict that the run wrote; None: it was cut off before.

    Raises:
        JournalError: It is no JSON object.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise journal.JournalError(f"{path}: no JSON: {error}") from error
    if not isinstance(told, dict):
        raise journal.JournalError(f"{path}: found {type(told).__name__}; expected an object")
    return str(told.get("verdict"))


def _spoken(run: dict[str, Any]) -> str:
    written = run["written"]
    if written is None:
        note = ", wrote none"
    else:
        note = "" if written == run["verdict"] else f", wrote {written}"
    return f"{run['verdict']} {'+'.join(run['phases'])} ({run['folder']}{note})"


def _refuse_secrets(parts: dict[str, bytes], deployment: Deployment) -> None:
    """Refuse to pack a file that has the value of a secret variable in it.

    Raises:
        ConfigError: One has; its name is told, not the value.
    """
    names = secret_names(deployment.env_option, deployment.project)
    values = {name: os.environ.get(name, "") for name in names}
    problems = [
        f"{path}: holds the value of {name}; expected no secret: it is not archived"
        for path, data in parts.items()
        for name, value in values.items()
        if len(value) >= _SHORTEST_SECRET and value.encode() in data
    ]
    if problems:
        raise ConfigError(problems)


def _define_archive(parser: argparse.ArgumentParser) -> None:
    add_deployment(parser)
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: named after the deployment, .tar"
    )


def _define_verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="as deploycheck archive wrote it")
    parser.add_argument("--sha256", metavar="HEX", help="what deploycheck archive printed")


COMMANDS = (
    Command(
        name="archive",
        help="pack a deployment's record into one file, with the SHA-256 of every part",
        define=_define_archive,
        run=_archive,
    ),
    Command(
        name="verify",
        help="recompute every verdict of an archive, offline, and find any changed byte",
        define=_define_verify,
        run=_verify,
    ),
)
