"""The other deployments of an environment: two releases in flight at once are noticed."""

from __future__ import annotations

from pathlib import Path

from pytest_deploycheck.domain.rollbacks import newest_step
from pytest_deploycheck.report import layout
from pytest_deploycheck.report.journal import read_people


def in_flight(deployment: Path) -> list[str]:
    """Return the other releases that were rolled out beside this deployment, or after it.

    One that was rolled back is in flight no more; what cannot be read tells of no rollback.

    Args:
        deployment: Its folder, `reports/<environment>/<release>/<deployed_at>`.
    """
    found = {
        folder.parent.name
        for folder in deployment.parent.parent.glob("*/*/")
        if folder.parent.name != deployment.parent.name
        and layout.is_stamp(folder.name)
        and folder.name >= deployment.name
        and newest_step(read_people(folder), "executed") is None
    }
    return sorted(found)
