"""The verification of a rollback: the first phase, run on the release that was brought back."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from typing import Final

from pytest_deploycheck.cli.deployments import Deployment
from pytest_deploycheck.domain.events import RolledBack
from pytest_deploycheck.report import layout

PHASE = "post_5min"
"""Its checks are the checklist's: the rollout's status, detailed health, and what stands on it."""

_OF_THE_FAILED: Final = frozenset(
    f"DEPLOYCHECK_{option}"
    for option in (
        "ENV",
        "RELEASE",
        "DEPLOYED_AT",
        "REPORTS",
        "CONFIG",
        "FAULT",
        "SHARD",
        "WATCH",
        "NO_WAIT",
    )
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verified:
    """What the verification found."""

    good: bool
    detail: str


def run_phase(deployment: Deployment, executed: RolledBack, *, release: str) -> Verified:
    """Run the phase as a process of its own; its record lies in that of the failed deployment.

    Args:
        deployment: That was left.
        executed: The rollback.
        release: That runs now, as the cluster says.
    """
    if release == deployment.release:
        return Verified(good=False, detail=f"the cluster still runs release {release}")
    reports = deployment.folder / "rollback" / layout.stamp(executed.at_s)
    command = [
        sys.executable, "-m", "pytest", "-m", PHASE, str(deployment.project.folder),
        f"--deploycheck-env={deployment.env_option}",
        f"--deploycheck-config={deployment.project.folder}",
        f"--deploycheck-release={release}",
        f"--deploycheck-reports={reports}",
    ]  # fmt: skip
    # What the job says of the failed deployment is not so of this one: the cluster tells.
    variables = {name: value for name, value in os.environ.items() if name not in _OF_THE_FAILED}
    ended = subprocess.run(command, env=variables, check=False)  # noqa: S603 - ourselves
    verdict = reports / "latest" / "verdict.json"
    if not verdict.is_file():
        return Verified(good=False, detail=f"{PHASE} ended with {ended.returncode}, no verdict")
    told = json.loads(verdict.read_text(encoding="utf-8"))
    why = "".join(f"; {reason['text']}" for reason in told["reasons"][:3])
    return Verified(
        good=told["verdict"] == "PROCEED" and ended.returncode == 0,
        detail=f"{PHASE} on release {release} ended in {told['verdict']}{why}",
    )
