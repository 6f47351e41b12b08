"""`python -m pytest_deploycheck.cli` is the command `deploycheck`."""

from __future__ import annotations

import sys

from pytest_deploycheck.cli import main

sys.exit(main())
