"""The page on people names what a message's template may name."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import jinja2
import pytest
from jinja2 import meta

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "people.md").read_text(encoding="utf-8")
COMMON: Final = {"environment", "release", "deployed_at"}


@pytest.mark.parametrize("kind", ["scheduled", "completed", "rolled-back", "update", "verdict"])
def test_what_a_template_names_is_in_the_table(kind: str) -> None:
    """Whoever writes one for another project has only the page to go by."""
    row = re.search(rf"^\| `{kind}` \|(.*)\|$", PAGE, re.MULTILINE)
    assert row is not None
    template = ROOT / "suites" / "notifications" / f"{kind}.txt.j2"
    environment = jinja2.Environment(autoescape=True)
    environment.filters |= dict.fromkeys(["date", "time", "moment"], str)
    named = meta.find_undeclared_variables(environment.parse(template.read_text(encoding="utf-8")))
    assert named - COMMON <= set(re.findall(r"`(\w+)`", row[1]))
