"""`deploycheck init`: a project of one box and one trigger, to grow from."""

from __future__ import annotations

import argparse
import shlex
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Final

from pytest_deploycheck.cli.command import Command
from pytest_deploycheck.domain.errors import ConfigError

NEXT: Final = """\
Next, with the address of your platform in {folder}/environments/local.toml:
  pytest {options}-m post_5min --env=local --deploycheck-release=1.0.0 \\
    --deploycheck-deployed-at="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
Then a line in checklist.md for what must be so, and a function that answers it."""
ELSEWHERE: Final = """\
The commands of deploycheck look into suites, unless --config names another folder or this is set:
  export DEPLOYCHECK_CONFIG={folder}"""

_USUAL: Final = Path("suites")
_PYTEST: Final = {"pytest.ini": "", ".pytest.ini": "", "pytest.toml": "", ".pytest.toml": "",
    "pyproject.toml": "[tool.pytest", "tox.ini": "[pytest]", "setup.cfg": "[tool:pytest]",
}  # fmt: skip
"""Where pytest looks for its configuration, and the beginning of the table that it reads there."""


def _init(given: argparse.Namespace) -> int:
    folder: Path = given.folder
    files = dict(_files(resources.files(__package__).joinpath("start"), PurePosixPath()))
    there = [str(folder / name) for name in files if (folder / name).exists()]
    if there:
        raise ConfigError(
            [f"{path}: found a file; expected none: init overwrites nothing" for path in there]
        )
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        print(path)
    alone = _beside(folder)
    given_anyway = "" if alone else f"{shlex.quote(str(folder))} "
    if folder != _USUAL:
        given_anyway += f"--deploycheck-config={shlex.quote(str(folder))} "
    print(NEXT.format(folder=folder, options=given_anyway))
    if folder != _USUAL:
        print(ELSEWHERE.format(folder=shlex.quote(str(folder))))
    return 0


def _beside(folder: Path) -> bool:
    """Write what a new project has beside its suites; nothing where another one is.

    Returns:
        Whether pytest goes to *folder* by itself.
    """
    ignored = Path(".gitignore")
    if not ignored.exists():
        ignored.write_text("/reports/\n__pycache__/\n", encoding="utf-8")
        print(ignored)
    elif "reports" not in ignored.read_text(encoding="utf-8"):
        print(f"{ignored}: /reports/ is to be added, unless the record is to be kept in git")
    configured = any(
        file.is_file() and table in file.read_text(encoding="utf-8")
        for file, table in ((Path(name), table) for name, table in _PYTEST.items())
    )
    if configured or any(Path().glob("test*")):
        return False
    settings = Path("pytest.ini")
    settings.write_text(
        f"[pytest]\ntestpaths = {shlex.quote(str(folder))}\naddopts = --import-mode=importlib\n",
        encoding="utf-8",
    )
    print(settings)
    return True


def _files(folder: Traversable, below: PurePosixPath) -> list[tuple[PurePosixPath, str]]:
    """Return the path of each file of *folder* and what is in it, in the order of their names."""
    found: list[tuple[PurePosixPath, str]] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            found += _files(entry, below / entry.name)
        elif entry.is_file():
            found.append((below / entry.name, entry.read_text("utf-8")))
    return found


def _define(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        type=Path,
        nargs="?",
        default=_USUAL,
        metavar="DIR",
        help="folder to write into; nothing is overwritten (default: suites)",
    )


COMMANDS = (
    Command(
        name="init",
        help="write a small project: checklist, policy, environment, and a suite of two checks",
        define=_define,
        run=_init,
    ),
)
