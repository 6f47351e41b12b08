"""The folders of the record: safe names, no folder used twice, whole files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.report import layout


@given(st.text(st.characters(exclude_categories=[]), max_size=300))
def test_any_text_becomes_one_harmless_component(text: str) -> None:
    """A release named ../../etc stays in its folder."""
    name = layout.component(text)
    assert name not in ("", ".", "..")
    assert "/" not in name
    assert "\\" not in name
    assert name.isascii()
    assert not name.startswith("-")
    assert len(name) < 200


@given(st.text(max_size=200), st.text(max_size=200))
def test_different_texts_have_different_components(one: str, other: str) -> None:
    """Two releases never share a record."""
    assert (layout.component(one) == layout.component(other)) == (one == other)


def test_plain_names_stay_as_they_are() -> None:
    """People find their release by looking."""
    folder = layout.deployment_folder(Path("reports"), "production", "v2.4.1+5", 0.0)
    assert folder == Path("reports/production/v2.4.1+5/19700101T000000Z")


def test_a_run_never_reuses_a_folder(tmp_path: Path) -> None:
    """Two runs that start in one second keep a journal each."""
    folders = [layout.new_run_folder(tmp_path, 0.0, ("post_5min", "monitoring")) for _ in range(3)]
    assert [folder.name for folder in folders] == [
        "19700101T000000Z-post_5min+monitoring",
        "19700101T000000Z-post_5min+monitoring.2",
        "19700101T000000Z-post_5min+monitoring.3",
    ]


def test_latest_is_gone_until_it_is_set_again(tmp_path: Path) -> None:
    """Yesterday's verdict is never published as today's."""
    one, other = tmp_path / "a" / "one", tmp_path / "b" / "other"
    one.mkdir(parents=True)
    other.mkdir(parents=True)
    layout.remove_latest(tmp_path)
    layout.set_latest(tmp_path, one)
    layout.set_latest(tmp_path, other)
    assert (tmp_path / "latest").resolve() == other.resolve()
    assert not (tmp_path / "latest").readlink().is_absolute()
    layout.remove_latest(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_two_runs_may_set_latest_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In two containers that share the folder, each in its process 1."""
    one, other = tmp_path / "one", tmp_path / "other"
    replace = Path.replace

    def beaten(link: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        layout.set_latest(tmp_path, other)
        return link.replace(target)

    monkeypatch.setattr(Path, "replace", beaten)
    layout.set_latest(tmp_path, one)
    assert (tmp_path / "latest").readlink() == Path("one")
    assert [path.name for path in tmp_path.iterdir()] == ["latest"]


def test_a_copied_latest_is_moved_aside(tmp_path: Path) -> None:
    """Without its links a copied tree has a folder there: its verdict is no longer the latest."""
    for _ in range(2):
        (tmp_path / "latest").mkdir()
        (tmp_path / "latest" / "verdict.json").write_text("PROCEED")
        layout.remove_latest(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "latest-copied-1",
        "latest-copied-2",
    ]


def test_a_file_that_cannot_hold_the_record_is_named(tmp_path: Path) -> None:
    """Before anything runs, with what would be right; there is no earlier verdict below a file."""
    file = tmp_path / "file"
    file.write_text("mine")
    layout.remove_latest(file)
    for reports in (file, Path("/proc/x")):
        with pytest.raises(ConfigError, match=f"{reports} cannot be written .*expected a folder"):
            layout.make_reports(reports)
    assert file.read_text() == "mine"


def test_an_earlier_verdict_that_stays_is_named(tmp_path: Path) -> None:
    """It would be published as this run's."""
    with pytest.raises(ConfigError, match=r"latest cannot be removed .*expected no earlier"):
        layout.remove_latest(tmp_path / ("long" * 100))


def test_a_file_is_written_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """Readers see the old file or the new one."""
    layout.write_whole(tmp_path / "x.txt", "old")
    layout.write_whole(tmp_path / "x.txt", "new \ud800")
    assert (tmp_path / "x.txt").read_text() == "new \\ud800"
    assert [path.name for path in tmp_path.iterdir()] == ["x.txt"]


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """A failure in the middle does not cut the file that is there."""
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        layout.write_whole(tmp_path / "folder", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
