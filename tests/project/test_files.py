"""What is in the repository is clean, names no machine, and pins every dependency by hash."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONSTRAINTS = ROOT / "constraints.txt"
FOLDERS = [
    ".ci", ".github", "benchmarks", "changelog.d", "docs", "pytest_deploycheck", "suites", "tests",
]  # fmt: skip
BINARY = {".gz", ".ico", ".png", ".woff2"}
CONFLICT = re.compile(r"^(<{7}|>{7}) ", re.MULTILINE)
REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9_.-]+)==\S+( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n"
)


def text_files() -> Iterator[Path]:
    """The files that people edit: those at the top, and those in the folders of the project."""
    candidates = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        candidates.extend((ROOT / folder).rglob("*"))
    for path in sorted(candidates):
        generated = "__pycache__" in path.parts or path.name.startswith(".coverage")
        if path.is_file() and not generated and path.suffix not in BINARY:
            yield path


def untidy(text: str) -> list[str]:
    """What a reviewer would send *text* back for."""
    found = []
    if text and not text.endswith("\n"):
        found.append("no newline at the end")
    if text.endswith("\n\n"):
        found.append("empty lines at the end")
    if "\r" in text:
        found.append("carriage return")
    if CONFLICT.search(text):
        found.append("conflict mark")
    found.extend(
        f"trailing blank in line {number}"
        for number, line in enumerate(text.split("\n"), start=1)
        if line != line.rstrip()
    )
    return found


def normal(name: str) -> str:
    """The name of a distribution as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_file_is_tidy() -> None:
    """Blanks and half-merged files make noise in reviews."""
    problems = {
        str(path.relative_to(ROOT)): found
        for path in text_files()
        if (found := untidy(path.read_text(encoding="utf-8")))
    }
    assert problems == {}


def test_an_untidy_file_is_found() -> None:
    """The test above can fail, in each of its ways."""
    assert untidy("a \n\n") == ["empty lines at the end", "trailing blank in line 1"]
    assert untidy("a\r\nb") == [
        "no newline at the end",
        "carriage return",
        "trailing blank in line 1",
    ]
    assert untidy("<" * 7 + " ours\n") == ["conflict mark"]


def test_the_constraints_name_no_host_and_no_folder() -> None:
    """They install from whichever registry a machine is set up for."""
    text = CONSTRAINTS.read_text(encoding="utf-8")
    assert re.findall(r".*(?:://|--index|--extra|--find-links|file:| @ ).*", text) == []


def test_every_line_of_the_constraints_is_a_pin_with_hashes() -> None:
    """One requirement without a hash makes pip refuse all of them."""
    text = CONSTRAINTS.read_text(encoding="utf-8")
    body = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    assert REQUIREMENT.sub("", body) == ""


def test_every_dependency_is_in_the_constraints() -> None:
    """A dependency added without `make lock` is missing on a fresh machine only."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [*settings["build-system"]["requires"], *settings["project"]["dependencies"]]
    for extra in settings["project"]["optional-dependencies"].values():
        wanted.extend(extra)
    for group in settings["dependency-groups"].values():
        wanted.extend(entry for entry in group if isinstance(entry, str))
    names = {normal(re.split(r"[^A-Za-z0-9_.-]", requirement)[0]) for requirement in wanted}
    text = CONSTRAINTS.read_text(encoding="utf-8")
    pinned = {normal(match["name"]) for match in REQUIREMENT.finditer(text)}
    assert names - pinned == set()
