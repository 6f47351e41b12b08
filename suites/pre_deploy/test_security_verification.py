"""Security Verification: nothing known to be wrong is released."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.artifacts import Artifacts
from pytest_deploycheck.clients.attestations import Attestations
from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.config.environment import Environment
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.pre_deploy


@pytest.mark.check("security-scan-results")
@pytest.mark.parametrize("scanner", ["bandit", "dependencies", "semgrep", "container"])
def test_scanner_found_nothing_serious(
    artifacts: Artifacts, limits: Limits, measure: Measure, scanner: str
) -> None:
    """It looked at this commit or image, and left nothing open that is critical or high."""
    scan = artifacts.scan(scanner)
    limit = limits.serious_finding_count
    measure("serious_findings", len(scan.serious), limit=limit, unit="count")
    assert len(scan.serious) <= limit, f"{scan.tool}: found {'; '.join(map(str, scan.serious[:5]))}"


@pytest.mark.check("secrets-management")
@pytest.mark.parametrize("place", ["secrets", "manifests"])
def test_no_secret_is_written_down(
    artifacts: Artifacts, limits: Limits, measure: Measure, place: str
) -> None:
    """Neither in the commit nor in the manifests that are rendered from it."""
    scan = artifacts.scan(place)
    measure("secrets", len(scan.open), limit=limits.secret_count, unit="count")
    assert len(scan.open) <= limits.secret_count, f"found {'; '.join(map(str, scan.open[:5]))}"


@pytest.mark.check("secrets-management")
def test_workloads_take_secrets_by_reference(cluster: Cluster) -> None:
    """A value in a variable, an argument or a ConfigMap is known to whoever may read that."""
    for place in cluster.secret_places():
        assert place.by_reference, f"{place}: found its value, expected a reference to a Secret"


@pytest.mark.check("secrets-management")
def test_secrets_of_a_vault_are_up_to_date(cluster: Cluster) -> None:
    """What could not be fetched is missing, or is the password of last month."""
    for secret in cluster.external_secrets():
        assert not secret.trouble, f"ExternalSecret {secret.name}: {secret.trouble}, expected True"


@pytest.mark.check("access-controls")
def test_workloads_run_under_their_own_accounts(cluster: Cluster) -> None:
    """The default account has whatever anybody in the namespace ever gave it."""
    for account in cluster.accounts():
        expected = account.expected or "an account named in the environment"
        assert account.name == account.expected, (
            f"{account.workload}: found service account {account.name}, expected {expected}"
        )


@pytest.mark.check("access-controls")
def test_accounts_may_do_only_what_is_allowed(cluster: Cluster, environment: Environment) -> None:
    """Every rule that any binding gives them, held against the allowed list; no wildcard fits."""
    for account in cluster.accounts():
        for grant in account.grants:
            assert grant.within(environment.cluster.permissions), (
                f"{account.workload}: {account.name} may {grant}, which is not allowed"
            )


@pytest.mark.check("access-controls")
def test_no_account_is_cluster_admin(cluster: Cluster) -> None:
    """One binding, made in a hurry, and every pod may do everything everywhere."""
    for account in cluster.accounts():
        bindings = ", ".join(account.admin_by)
        assert not account.admin_by, (
            f"{account.workload}: {account.name} is cluster-admin by {bindings}"
        )


@pytest.mark.check("access-controls")
def test_pods_hold_no_token_that_they_do_not_need(cluster: Cluster) -> None:
    """A token that is mounted serves whoever takes over the pod; left out means mounted."""
    for account in cluster.accounts():
        assert not account.mounts_token, (
            f"{account.workload}: found the token of {account.name} mounted into its pods, "
            "expected automountServiceAccountToken: false"
        )


@pytest.mark.check("compliance")
def test_compliance_is_attested(attestations: Attestations) -> None:
    """SOC2 and GDPR controls: a person attests them for this release, and names the evidence."""
    attestations.require("pre_deploy/compliance")
