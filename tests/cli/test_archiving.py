"""`deploycheck archive` and `verify`: whole, recomputed offline, and no byte changes unnoticed."""

from __future__ import annotations

import random
import shutil
import tarfile
from pathlib import Path

import pytest

from pytest_deploycheck.domain.words import Outcome
from pytest_deploycheck.report import archive, layout
from pytest_deploycheck.report.render import VERDICT
from tests.cli.rehearsal import SUITES, Rehearsal

PARTS = {
    "runs/a/journal.jsonl": b'{"a":1}\n' * 40,
    "people/b.jsonl": b"x" * 700,
    "long/" + "n" * 150: b"",
}


@pytest.fixture
def archived(rehearsal: Rehearsal) -> Path:
    """The archive of a deployment with two runs and a person's word."""
    rehearsal.ran("post_5min")
    rehearsal.ran("sign_off", Outcome.FAILED, at_s=rehearsal.deployed_at_s + 90)
    rehearsal.run("attest", "sign_off/operations-lead", "--by=olivia@sandbox", "--statement=done")
    keep_used(rehearsal.folder)
    path = rehearsal.root / "deployment.tar"
    code, printed = rehearsal.run("archive", f"--output={path}")
    assert code == 0, printed
    return path


def keep_used(folder: Path) -> None:
    """Put checklist and policy into the record, as the plugin does when a run begins."""
    from pytest_deploycheck.config import load_project

    project = load_project(SUITES)
    used = layout.used_folder(folder, project.checklist.sha256, project.policy.sha256)
    used.mkdir(parents=True)
    for name in project.files:
        (used / name).write_bytes((SUITES / name).read_bytes())


def verify(rehearsal: Rehearsal, path: Path, *more: str) -> tuple[int, str]:
    """Verify an archive, which needs neither environment nor record."""
    from pytest_deploycheck.cli import main

    rehearsal.capsys.readouterr()
    code = main(["verify", str(path), *more])
    return code, rehearsal.capsys.readouterr().out


def test_every_verdict_is_recomputed(rehearsal: Rehearsal, archived: Path) -> None:
    """From the evidence in the archive alone, with the rules that were used."""
    code, printed = verify(rehearsal, archived)
    assert code == 0, printed
    assert "recomputed: PROCEED post_5min" in printed
    assert "recomputed: ROLLBACK sign_off" in printed


def test_the_same_record_gives_the_same_bytes(rehearsal: Rehearsal, archived: Path) -> None:
    """Two archives of one deployment can be compared."""
    again = rehearsal.root / "again.tar"
    rehearsal.run("archive", f"--output={again}")
    assert again.read_bytes() == archived.read_bytes()


def test_anybody_can_open_it(archived: Path) -> None:
    """It is a plain tar archive, readable when this project is long forgotten."""
    with tarfile.open(archived) as opened:
        names = opened.getnames()
    assert names[0] == "manifest.json"
    assert names[-1] == "SHA256"
    assert any(name.startswith("people/") for name in names)


def test_a_changed_byte_is_found_wherever_it_is(archived: Path) -> None:
    """One byte at a time, a thousand places: headers, padding, content, seal."""
    data = bytearray(archived.read_bytes())
    archive.unpack(bytes(data))
    dice = random.Random(7)  # noqa: S311 - the same places each time
    places = [*range(40), *range(len(data) - 40, len(data)), *dice.sample(range(len(data)), 920)]
    found = 0
    for place in places:
        before = data[place]
        data[place] ^= 1 << dice.randrange(8)
        try:
            archive.unpack(bytes(data))
        except archive.ArchiveError:
            found += 1
        data[place] = before
    assert found == len(places) == 1000


@pytest.mark.parametrize("cut", [0, 1, 511, 1024, 5000])
def test_an_archive_that_was_cut_off_is_found(archived: Path, cut: int) -> None:
    """An upload that ended early is no archive."""
    data = archived.read_bytes()
    with pytest.raises(archive.ArchiveError):
        archive.unpack(data[:cut] if cut < 5000 else data[:-1])


def test_a_rewritten_archive_is_found_by_its_digest_elsewhere(
    rehearsal: Rehearsal, archived: Path
) -> None:
    """Who packs it again makes a whole archive, but not that one."""
    manifest, parts = archive.unpack(archived.read_bytes())
    facts = {k: v for k, v in manifest.items() if k not in ("schema", "parts")}
    archived.write_bytes(archive.pack(parts | {"more": b"1"}, facts))
    assert verify(rehearsal, archived)[0] == 0
    code, printed = verify(rehearsal, archived, f"--sha256={'0' * 64}")
    assert (code, "expected 0000" in printed) == (1, True), printed


def test_an_empty_digest_is_none_to_compare_with(rehearsal: Rehearsal, archived: Path) -> None:
    """A job whose variable is not set must not think that it has compared."""
    code, printed = verify(rehearsal, archived, "--sha256=")
    assert (code, "whole" in printed) == (4, False), printed


def test_a_forged_journal_gives_another_verdict(rehearsal: Rehearsal, archived: Path) -> None:
    """Who turns a failure into a pass, and seals it again, disagrees with the manifest."""
    manifest, parts = archive.unpack(archived.read_bytes())
    facts = {k: v for k, v in manifest.items() if k not in ("schema", "parts")}
    name = next(n for n in parts if "sign_off/journal" in n)
    forged = parts | {name: parts[name].replace(b'"FAILED"', b'"PASSED"')}
    archived.write_bytes(archive.pack(forged, facts))
    code, printed = verify(rehearsal, archived)
    assert (code, "the archive says otherwise" in printed) == (1, True), printed


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b'{"verdict": "PROCEED"}', "expected the ROLLBACK that its journal gives"),
        (b"[]", "verdict.json: found list; expected an object"),
        (b"{", "verdict.json: no JSON"),
    ],
)
def test_a_written_verdict_that_the_journal_contradicts_is_wrong(
    rehearsal: Rehearsal, archived: Path, written: bytes, expected: str
) -> None:
    """Whoever reads verdict.json alone was told something else than the evidence bears out."""
    manifest, parts = archive.unpack(archived.read_bytes())
    name = next(n for n in parts if "sign_off/journal" in n).replace("journal.jsonl", VERDICT)
    facts = {k: v for k, v in manifest.items() if k not in ("schema", "parts")}
    for run in facts["runs"]:
        if "sign_off" in run["phases"]:
            run["written"] = "PROCEED"
    archived.write_bytes(archive.pack(parts | {name: written}, facts))
    code, printed = verify(rehearsal, archived)
    assert (code, expected in printed, "verify: FAILED" in printed) == (1, True, True), printed
    (rehearsal.folder / name).write_bytes(written)
    again = rehearsal.root / "again.tar"
    code, printed = rehearsal.run("archive", f"--output={again}")
    assert (code, expected in printed, again.exists()) == (4, True, False), printed


def test_a_record_without_a_run_is_no_evidence(rehearsal: Rehearsal, archived: Path) -> None:
    """Nothing was judged, so nothing is archived, and nothing is called recomputed."""
    manifest, parts = archive.unpack(archived.read_bytes())
    facts = {k: v for k, v in manifest.items() if k not in ("schema", "parts")} | {"runs": []}
    people = {name: data for name, data in parts.items() if name.startswith("people/")}
    archived.write_bytes(archive.pack(people, facts))
    code, printed = verify(rehearsal, archived)
    assert (code, "wrong: found no run" in printed) == (1, True), printed
    shutil.rmtree(rehearsal.folder / "runs")
    code, printed = rehearsal.run("archive", f"--output={rehearsal.root / 'again.tar'}")
    assert (code, "found no run" in printed) == (4, True), printed


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "a/../../outside"])
def test_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    """An archive comes from somebody else."""
    with pytest.raises(archive.ArchiveError, match="inside"):
        archive.extract({name: b"x"}, tmp_path / "here")


def test_no_secret_is_archived(rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever put it there: a file with the value of a secret variable is not packed."""
    monkeypatch.setenv("DEPLOYCHECK_SANDBOX_PASSWORD", "c4nary-s3cret")
    rehearsal.ran("post_5min")
    keep_used(rehearsal.folder)
    (rehearsal.folder / "note.txt").write_text("the password is c4nary-s3cret")
    code, printed = rehearsal.run("archive", f"--output={rehearsal.root / 'a.tar'}")
    assert (code, "note.txt: holds the value of DEPLOYCHECK_SANDBOX_PASSWORD" in printed) == (
        4,
        True,
    )
    assert "c4nary" not in printed
    assert not (rehearsal.root / "a.tar").exists()


def test_parts_survive_packing() -> None:
    """Empty files, long names and any bytes."""
    manifest, parts = archive.unpack(archive.pack(PARTS, {"release": "1"}))
    assert parts == PARTS
    assert manifest["release"] == "1"
