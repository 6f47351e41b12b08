"""The manifest that a pipeline writes is one that the checks believe."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_deploycheck.cli import main
from pytest_deploycheck.clients.artifacts import Artifacts
from pytest_deploycheck.config import environment

REPORT = {"version": "1", "results": [], "errors": [], "paths": {"scanned": ["a.py"]}}
ABOUT = ["--release=1.4.2", f"--commit={'a' * 40}", "--image=o/n", f"--digest=sha256:{'b' * 64}"]


def test_reports_of_a_made_manifest_count(tmp_path: Path) -> None:
    """From the command to the check, for a report of the source and one of the image."""
    for name in ("semgrep.json", "image.json"):
        (tmp_path / name).write_text(json.dumps(REPORT))
    counted = ["--of-image=image.json", "--scanned=semgrep.json=12"]
    assert main(["manifest", str(tmp_path), *ABOUT, *counted]) == 0
    files = {
        name: environment.Artifact(path=f"{name}.json", format="semgrep")
        for name in ("semgrep", "image")
    }
    artifacts = Artifacts(environment.Artifacts(folder=str(tmp_path), files=files), release="1.4.2")
    assert artifacts.scan("semgrep").scanned == artifacts.scan("image").scanned == 1
    entries = artifacts.manifest().files
    assert entries["semgrep.json"].scanned == 12
    assert (entries["image.json"].commit, entries["image.json"].digest) == (
        None,
        f"sha256:{'b' * 64}",
    )


def test_a_report_of_another_commit_is_named_with_it(tmp_path: Path) -> None:
    """The tests of the release before are compared with, and are of its commit."""
    (tmp_path / "before.xml").write_text("<testsuite/>")
    before = "c" * 40
    assert main(["manifest", str(tmp_path), *ABOUT, f"--of-commit=before.xml={before}"]) == 0
    file = environment.Artifact(path="before.xml", format="junit", of_release=False)
    settings = environment.Artifacts(folder=str(tmp_path), files={"before": file})
    assert Artifacts(settings, release="1.4.2").commit_of("before") == before


def test_whoever_reads_a_manifest_while_it_is_made_anew_reads_the_old_one(tmp_path: Path) -> None:
    """A check never sees the half of one, which would be no evidence."""
    (tmp_path / "a.json").write_text("{}")
    old = tmp_path / "manifest.json"
    old.write_text("the old one")
    with old.open() as reading:
        assert main(["manifest", str(tmp_path), *ABOUT]) == 0
        assert reading.read() == "the old one"
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.json", "manifest.json"]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "found no file; expected the pipeline's reports"),
        (["--of-image=trivy.json"], "trivy.json: found no such file in"),
        (["--of-commit=a.json"], "--of-commit: found a.json; expected FILE=SHA"),
        (["--of-commit=b.json=1"], "b.json: found no such file in"),
        (["--scanned=a.json=many"], "--scanned: found a.json=many; expected FILE=NUMBER"),
    ],
)
def test_mistake_is_told_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: list[str], said: str
) -> None:
    """Exit 4, as for every other mistake on the command line."""
    if args:
        (tmp_path / "a.json").write_text("{}")
    assert main(["manifest", str(tmp_path), *ABOUT, *args]) == 4
    assert said in capsys.readouterr().err
    assert not (tmp_path / "manifest.json").exists()
