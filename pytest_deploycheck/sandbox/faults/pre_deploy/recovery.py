"""What must not be deployed without a way back: thin backups, no release, no practised recovery."""

from __future__ import annotations

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import artifacts, aws, github
from pytest_deploycheck.sandbox.faults.fault import fault
from pytest_deploycheck.sandbox.faults.pre_deploy.items import (
    CONFIGURATION,
    DATABASE,
    RECOVERY,
    WAY_BACK,
)
from pytest_deploycheck.sandbox.platform import PREVIOUS_RELEASE, Platform


@fault(DATABASE, verdict=Verdict.HOLD)
def snapshot_old(platform: Platform) -> None:
    """The newest snapshot of the database is a day old."""
    platform.vault.snapshots.pop()


@fault(DATABASE, verdict=Verdict.HOLD)
def snapshot_failed(platform: Platform) -> None:
    """The newest snapshot of the database failed."""
    platform.vault.snapshots[-1].status = "failed"


@fault(DATABASE, verdict=Verdict.HOLD)
def snapshot_of_nobody(platform: Platform) -> None:
    """The database has another name: RDS answers an empty list, without any error."""
    for snapshot in platform.vault.snapshots:
        snapshot.database = "jorge-revenue-production"


@fault(DATABASE, verdict=Verdict.HOLD)
def restore_never_tested(platform: Platform) -> None:
    """The last test of a restore was three months ago."""
    platform.reports.files["restore.json"]["made_at"] = artifacts.ago(90 * 86_400)


@fault(DATABASE, verdict=Verdict.HOLD)
def restore_was_empty(platform: Platform) -> None:
    """The last test of a restore worked, and there was no row in it."""
    platform.reports.files["restore.json"]["rows_checked"] = 0


@fault(DATABASE, verdict=Verdict.HOLD)
def restore_of_no_snapshot(platform: Platform) -> None:
    """The snapshot whose restore was tested is none that the database has."""
    platform.reports.files["restore.json"]["snapshot"] = "a-snapshot-that-never-was"


@fault(DATABASE, verdict=Verdict.HOLD)
def restore_of_another_database(platform: Platform) -> None:
    """The restore that was tested was of the database of staging."""
    platform.reports.files["restore.json"]["database"] = "jorge-staging-db"


@fault(CONFIGURATION, verdict=Verdict.HOLD)
def configuration_backup_empty(platform: Platform) -> None:
    """The newest backup of the configuration holds no object."""
    _back_up(platform, aws.manifests(()))


@fault(CONFIGURATION, verdict=Verdict.HOLD)
def configuration_backup_lacks(platform: Platform) -> None:
    """The newest backup of the configuration has no Ingress in it."""
    _back_up(platform, aws.manifests(tuple(kind for kind in aws.KINDS if kind != "Ingress")))


@fault(CONFIGURATION, verdict=Verdict.HOLD)
def configuration_backup_old(platform: Platform) -> None:
    """The configuration was last backed up yesterday."""
    vault = platform.vault
    vault.objects = {key: (86_400, data) for key, (_, data) in vault.objects.items()}


@fault(DATABASE, CONFIGURATION, verdict=Verdict.HOLD)
def aws_refuses_us(platform: Platform) -> None:
    """AWS does not know our key."""
    platform.vault.access_key = "ANOTHERACCESSKEY"


@fault(WAY_BACK, verdict=Verdict.HOLD)
def no_way_back(platform: Platform) -> None:
    """Every revision before this one failed."""
    platform.one("secrets", "sh.helm")["metadata"]["labels"]["status"] = "failed"


@fault(WAY_BACK, verdict=Verdict.HOLD)
def way_back_unproven(platform: Platform) -> None:
    """We may not read Helm's Secrets, and no pod of the previous release tells how it ran."""
    platform.forbidden.add("secrets")


@fault(WAY_BACK, verdict=Verdict.HOLD)
def previous_image_gone(platform: Platform) -> None:
    """The registry has removed the image of the previous release."""
    del platform.code_host.images[f"{github.NAME}:{PREVIOUS_RELEASE}"]


@fault(WAY_BACK, verdict=Verdict.HOLD)
def helm_history_forbidden(platform: Platform) -> None:
    """Our account may not read the Secrets in which Helm keeps the numbers of its revisions."""
    platform.forbidden.add("secrets")


@fault(RECOVERY, verdict=Verdict.HOLD)
def recovery_too_slow(platform: Platform) -> None:
    """In the last drill, recovery took an hour."""
    platform.reports.files["drill.json"]["recovery_time_s"] = 3_600.0


@fault(RECOVERY, verdict=Verdict.HOLD)
def recovery_undocumented(platform: Platform) -> None:
    """The procedure that the drill followed is not in the repository."""
    del platform.code_host.answers[f"contents/{github.PROCEDURE}"]


@fault(RECOVERY, verdict=Verdict.HOLD)
def recovery_unattested(platform: Platform) -> None:
    """Nobody has attested the recovery drill."""
    platform.unsay(RECOVERY)


def _back_up(platform: Platform, data: bytes) -> None:
    newest = min(platform.vault.objects, key=lambda key: platform.vault.objects[key][0])
    platform.vault.objects[newest] = (platform.vault.objects[newest][0], data)
