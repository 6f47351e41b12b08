"""Sign-off: the final word of each role, on this release, after everything else."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.attestations import Attestations

pytestmark = pytest.mark.sign_off


@pytest.mark.check("operations-lead")
def test_operations_lead_has_signed(attestations: Attestations) -> None:
    """Deployment technically successful: a person of that role says so, after the rollout."""
    attestations.require("sign_off/operations-lead")


@pytest.mark.check("product-owner")
def test_product_owner_has_signed(attestations: Attestations) -> None:
    """Business functionality verified: by somebody else than the others who sign."""
    attestations.require("sign_off/product-owner")


@pytest.mark.check("security-team")
def test_security_team_has_signed(attestations: Attestations) -> None:
    """Security controls operational: a person of the team says so, not a scan."""
    attestations.require("sign_off/security-team")


@pytest.mark.check("jorge-client")
def test_client_has_signed(attestations: Attestations) -> None:
    """Platform functionality confirmed: by the client, whom nobody can stand in for."""
    attestations.require("sign_off/jorge-client")
