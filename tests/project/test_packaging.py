"""The wheel holds what an installed plugin needs, and nothing of the project's own."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pytest_deploycheck"


def normal(name: str) -> str:
    """The name of a distribution as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imports(source: str) -> Iterator[str]:
    """The top-level packages that *source* imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            yield node.module.split(".")[0]


def strangers(source: str, declared: set[str]) -> list[str]:
    """The packages that *source* imports and no distribution in *declared* brings."""
    providers = importlib.metadata.packages_distributions()
    known = {*sys.stdlib_module_names, PACKAGE.name}
    return sorted(
        package
        for package in set(imports(source)) - known
        if not declared & {normal(name) for name in providers.get(package, [])}
    )


@pytest.fixture(scope="module")
def declared() -> set[str]:
    """The distributions that come with the package or with one of its extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"]]
    for extra in project["optional-dependencies"].values():
        wanted.extend(extra)
    return {normal(re.split(r"[^A-Za-z0-9_.-]", requirement)[0]) for requirement in wanted}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_module_imports_declared_dependencies_only(path: Path, declared: set[str]) -> None:
    """What only the development groups bring is missing where users install the package."""
    assert strangers(path.read_text(encoding="utf-8"), declared) == []


def test_an_undeclared_import_is_found(declared: set[str]) -> None:
    """The test above can fail, also for an import inside a function."""
    source = "import os, httpx\nfrom . import near\ndef f():\n    from hypothesis import given\n"
    assert strangers(source, declared) == ["hypothesis"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built as a release builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_is_typed_and_licensed(wheel: zipfile.ZipFile) -> None:
    """Type checkers look for py.typed, lawyers for the licence."""
    names = wheel.namelist()
    assert "pytest_deploycheck/py.typed" in names
    assert "pytest_deploycheck-0.1.0.dist-info/licenses/LICENSE" in names


def test_the_wheel_announces_plugin_and_command(wheel: zipfile.ZipFile) -> None:
    """Without these lines pytest and the shell do not find the package."""
    text = wheel.read("pytest_deploycheck-0.1.0.dist-info/entry_points.txt").decode()
    assert "deploycheck = pytest_deploycheck.cli:main" in text
    assert "[pytest11]\ndeploycheck = pytest_deploycheck.plugin" in text


def test_the_wheel_brings_one_top_level_package(wheel: zipfile.ZipFile) -> None:
    """A `tests` in site-packages would shadow other people's."""
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"pytest_deploycheck", "pytest_deploycheck-0.1.0.dist-info"}
