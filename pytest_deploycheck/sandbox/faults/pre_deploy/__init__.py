"""What must not be deployed, a module for each section of the checklist."""

from __future__ import annotations

# Each registers its faults as it is imported, and they have the order of the checklist.
# isort: off
from pytest_deploycheck.sandbox.faults.pre_deploy import security
from pytest_deploycheck.sandbox.faults.pre_deploy import testing
from pytest_deploycheck.sandbox.faults.pre_deploy import performance
from pytest_deploycheck.sandbox.faults.pre_deploy import recovery
# isort: on

__all__ = ["performance", "recovery", "security", "testing"]
