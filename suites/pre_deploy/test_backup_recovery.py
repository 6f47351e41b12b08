"""Backup & Recovery: there is a way back, and it was tried."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.artifacts import Artifacts
from pytest_deploycheck.clients.attestations import Attestations
from pytest_deploycheck.clients.backups import Backups
from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.clients.plans import plan
from pytest_deploycheck.clients.repository import Repository
from pytest_deploycheck.config.environment import Environment
from pytest_deploycheck.plugin.fixtures import Limits, Measure

pytestmark = pytest.mark.pre_deploy


@pytest.mark.check("database-backup")
def test_newest_snapshot_is_usable_and_recent(
    backups: Backups, limits: Limits, measure: Measure
) -> None:
    """By its time, not its place in the list: RDS lists the oldest first, and none for a typo."""
    snapshot = backups.database()
    assert snapshot.status == "available", f"{snapshot}, expected available"
    assert not snapshot.is_empty, f"{snapshot}, expected it not empty"
    measure("snapshot_age", snapshot.age_s, limit=limits.recovery_point_s, unit="s")
    assert snapshot.age_s <= limits.recovery_point_s


@pytest.mark.check("database-backup")
def test_snapshot_was_restored_lately(
    artifacts: Artifacts, limits: Limits, measure: Measure
) -> None:
    """A backup that nobody ever restored is a hope; this one was, and had rows in it."""
    restore, least = artifacts.restore("restore"), limits.restored_row_count
    assert restore.succeeded, f"found the restore of {restore.snapshot} failed, expected it to work"
    measure("rows_checked", restore.rows_checked, limit=least, unit="count")
    assert restore.rows_checked >= least


@pytest.mark.check("database-backup")
def test_restored_snapshot_is_one_of_this_database(artifacts: Artifacts, backups: Backups) -> None:
    """AWS must know it too: a restore of anything else says nothing about these backups."""
    restore, database = artifacts.restore("restore"), backups.expected.database
    known = [snapshot.name for snapshot in backups.snapshots()]
    assert restore.database == database, f"found {restore.database} restored, expected {database}"
    assert restore.snapshot in known, (
        f"found {restore.snapshot} restored, expected one of {', '.join(known)}"
    )


@pytest.mark.check("configuration-backup")
def test_newest_configuration_backup_is_complete(
    backups: Backups, limits: Limits, measure: Measure
) -> None:
    """Read and counted: a job that may list nothing leaves a file with nothing in it."""
    backup, limit = backups.configuration(), limits.configuration_backup_age_s
    missing = backup.missing(backups.expected.kinds)
    assert not missing, f"{backup.key}: found no {', '.join(missing)}"
    measure("configuration_backup_age", backup.age_s, limit=limit, unit="s")
    assert backup.age_s <= limit


@pytest.mark.check("rollback-plan")
def test_there_is_a_revision_to_go_back_to(cluster: Cluster) -> None:
    """One that was rolled out well, with another release: the one before may itself have failed."""
    back = cluster.way_back()
    assert back.good, (
        f"{back}: found none of its pods ready, expected it to run well, or Helm's word"
    )
    assert back.images, f"{back}: found no image in it"


@pytest.mark.check("rollback-plan")
def test_rollback_has_its_command(cluster: Cluster, environment: Environment) -> None:
    """What `deploycheck rollback` would run: Helm's own number, in the cluster that is named."""
    settings, release = environment.rollback, cluster.expected_release
    assert settings is not None, environment.no_way_back
    assert release not in settings.irreversible, f"irreversible: {settings.irreversible[release]}"
    command = plan(cluster, settings, environment.cluster).command
    assert command, "found no command to roll back with, expected Helm's"


@pytest.mark.check("rollback-plan")
def test_its_image_still_exists(cluster: Cluster, repository: Repository) -> None:
    """Registries are tidied up; a revision without its image cannot start."""
    back = cluster.way_back()
    assert back.images, f"{back}: found no image in it"
    for image in back.images:
        assert repository.image_digest(image), f"{back}: its image {image} is gone"


@pytest.mark.check("recovery-procedures")
def test_recovery_drill_met_its_objectives(
    artifacts: Artifacts, limits: Limits, measure: Measure
) -> None:
    """How long it took, and how much was lost, as it was measured."""
    drill = artifacts.drill("drill")
    assert drill.succeeded, "the drill did not succeed"
    measure("recovery_time", drill.recovery_time_s, limit=limits.recovery_time_s, unit="s")
    measure("recovery_point", drill.recovery_point_s, limit=limits.recovery_point_s, unit="s")
    assert drill.recovery_time_s <= limits.recovery_time_s
    assert drill.recovery_point_s <= limits.recovery_point_s


@pytest.mark.check("recovery-procedures")
def test_recovery_procedure_is_written_down(artifacts: Artifacts, repository: Repository) -> None:
    """The document that the drill followed is in the release's own source."""
    path = artifacts.drill("drill").procedure
    assert repository.document(path), f"{path}: found it empty, expected the procedure"


@pytest.mark.check("recovery-procedures")
def test_recovery_drill_is_attested(attestations: Attestations) -> None:
    """A drill within the last 30 days met its objectives: who led it says so, and where it says."""
    attestations.require("pre_deploy/recovery-procedures")
