"""The pages lead somewhere, and every change log fragment is one that towncrier knows."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("**/*.md"))]
LINK = re.compile(r"\[[^]]*\]\(([^)#\s]+)[^)]*\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def dead_links(page: Path) -> list[str]:
    """The relative links of *page* that lead to no file."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = [target for target in LINK.findall(text) if "://" not in target]
    return [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_of_a_page_leads_to_a_file(page: Path) -> None:
    """A reader who follows a link arrives."""
    assert dead_links(page) == []


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")), ids=lambda page: page.name)
def test_a_page_is_found_from_the_readme(page: Path) -> None:
    """What no link leads to, nobody reads."""
    assert f"](docs/{page.name})" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    """The test above can fail."""
    page = tmp_path / "page.md"
    page.write_text("[here](page.md) [gone](gone.md) [web](https://example.org/)", encoding="utf-8")
    assert dead_links(page) == ["gone.md"]


def test_every_fragment_has_a_type_that_towncrier_knows() -> None:
    """Towncrier leaves out a fragment of an unknown type without a word."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    known = {entry["directory"] for entry in settings["tool"]["towncrier"]["type"]}
    fragments = sorted((ROOT / "changelog.d").glob("*.md"))
    unknown = [
        path.name for path in fragments if path.name.split(".")[1:-1] not in [[k] for k in known]
    ]
    assert unknown == [], f"expected <topic>.<type>.md with one of {sorted(known)}"
    assert [path.name for path in fragments if not path.read_text(encoding="utf-8").strip()] == []


@pytest.mark.parametrize(
    "row", ["PROCEED | 0", "OBSERVE | 10", "HOLD | 11", "ROLLBACK | 20"], ids=str.lower
)
def test_the_readme_states_the_exit_code_of_each_verdict(row: str) -> None:
    """A pipeline's author reads the codes there."""
    verdict, code = row.split(" | ")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| {verdict} \|.*\| {code} \|$", readme, re.MULTILINE)
