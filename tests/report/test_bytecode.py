"""Compiled templates are used again, and are never in the way."""

from __future__ import annotations

import sys
from pathlib import Path

import jinja2
import pytest

from pytest_deploycheck.report.bytecode import BesideModules


@pytest.fixture(autouse=True)
def _writes_bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)


def rendered(folder: Path) -> str:
    """Render the template in *folder*, as a process does that has compiled nothing yet."""
    loader = jinja2.FileSystemLoader(folder)
    environment = jinja2.Environment(loader=loader, autoescape=True, bytecode_cache=BesideModules())
    return environment.get_template("page.j2").render(number=7)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a template that was rendered once."""
    (tmp_path / "page.j2").write_text("{{ number }}")
    assert rendered(tmp_path) == "7"
    return tmp_path


def compiled(folder: Path) -> Path:
    """The one compiled file of *folder*."""
    (found,) = (folder / "__pycache__").iterdir()
    return found


def test_a_template_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next process reads what this one compiled, and so may every other user."""
    assert compiled(folder).name == f"page.{sys.implementation.cache_tag}.pyc"
    assert compiled(folder).stat().st_mode & 0o777 == 0o644
    monkeypatch.delattr(jinja2.Environment, "compile")
    assert rendered(folder) == "7"


def test_a_changed_template_is_compiled_again(folder: Path) -> None:
    """The text decides, not the time of the file."""
    (folder / "page.j2").write_text("{{ number + 1 }}")
    assert rendered(folder) == "8"


@pytest.mark.parametrize("keep", [0, 5, 40])
def test_a_torn_file_is_replaced(folder: Path, keep: int) -> None:
    """Of whatever length."""
    whole = compiled(folder).read_bytes()
    compiled(folder).write_bytes(whole[:keep])
    assert rendered(folder) == "7"
    assert compiled(folder).read_bytes() == whole


def test_a_folder_that_cannot_be_written_is_fine(tmp_path: Path) -> None:
    """Nothing is kept, and the page is there."""
    (tmp_path / "page.j2").write_text("{{ number }}")
    (tmp_path / "__pycache__").write_text("a file, where the folder would be")
    assert rendered(tmp_path) == "7"


def test_python_says_whether_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for modules."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "page.j2").write_text("{{ number }}")
    assert rendered(tmp_path) == "7"
    assert not (tmp_path / "__pycache__").exists()


def test_python_says_where_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for modules."""
    source, elsewhere = tmp_path / "source", tmp_path / "elsewhere"
    source.mkdir()
    (source / "page.j2").write_text("{{ number }}")
    monkeypatch.setattr(sys, "pycache_prefix", str(elsewhere))
    assert rendered(source) == "7"
    assert not (source / "__pycache__").exists()
    assert [file.name.partition(".")[0] for file in elsewhere.rglob("*.pyc")] == ["page"]
