"""Controls that do not hold: doors, accounts, network policies."""

from __future__ import annotations

from typing import Any

from pytest_deploycheck.sandbox import foundations
from pytest_deploycheck.sandbox.faults.fault import ENDPOINTS, SECURITY, SECURITY_POINT, fault
from pytest_deploycheck.sandbox.faults.pre_deploy.items import ACCESS
from pytest_deploycheck.sandbox.platform import Platform

_AUTHENTICATION = "staging/authentication"


@fault(ENDPOINTS, SECURITY_POINT, _AUTHENTICATION, trigger=SECURITY)
def expired_token_accepted(platform: Platform) -> None:
    """The API lets a token in that expired long ago."""
    platform.accepts_expired = True


@fault(ENDPOINTS, _AUTHENTICATION, trigger=SECURITY)
def any_password_accepted(platform: Platform) -> None:
    """The API lets everybody in who knows a user's name."""
    platform.accepts_any_password = True


@fault(SECURITY_POINT, ACCESS, trigger=SECURITY)
def account_is_admin(platform: Platform) -> None:
    """Somebody made the service account of the API cluster-admin."""
    binding = foundations.admin_binding(foundations.ACCOUNT)
    platform.objects["clusterrolebindings"].append(binding)


@fault(SECURITY_POINT, ACCESS, trigger=SECURITY)
def account_is_admin_elsewhere(platform: Platform) -> None:
    """In another namespace the service account of the API may do everything."""
    binding = foundations.admin_binding(foundations.ACCOUNT)
    binding["metadata"]["namespace"] = "kube-system"
    platform.objects["rolebindings"].append(binding)


@fault(SECURITY_POINT, trigger=SECURITY)
def network_policies_gone(platform: Platform) -> None:
    """Somebody deleted every NetworkPolicy of the namespace."""
    platform.objects["networkpolicies"].clear()


@fault(SECURITY_POINT, trigger=SECURITY)
def network_policy_allows_everything(platform: Platform) -> None:
    """The NetworkPolicy of the API was written anew, and lets everybody in everywhere."""
    policy: dict[str, Any] = platform.one("networkpolicies", "jorge-revenue-api")
    policy["spec"]["ingress"] = [{}]
