"""The platform of the checklist as local servers, and the faults that can be switched on in it."""

from __future__ import annotations

from pytest_deploycheck.sandbox.faults import FAULTS, Fault
from pytest_deploycheck.sandbox.server import Sandbox, start

__all__ = ["Fault", "Sandbox", "faults", "start"]


def faults() -> tuple[Fault, ...]:
    """Return everything that can be broken."""
    return tuple(FAULTS)
