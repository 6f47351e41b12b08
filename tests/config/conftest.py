"""The fixtures of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config.scratch import BASE, CHECKLIST, LIVE, POLICY, Scratch


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    """A small project without a fault."""
    scratch = Scratch(tmp_path)
    scratch.write("checklist.md", CHECKLIST)
    scratch.write("deploycheck.toml", POLICY)
    scratch.write("environments/base.toml", BASE)
    scratch.write("environments/live.toml", LIVE)
    return scratch
