"""The deployment that commands are run on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.rehearsal import Rehearsal


@pytest.fixture
def rehearsal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Rehearsal:
    """A deployment six minutes ago, of which the record has nothing yet."""
    return Rehearsal(tmp_path, capsys)
