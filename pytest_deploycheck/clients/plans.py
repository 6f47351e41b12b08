"""How a release is left again: what a check promises, a verdict advises, and we run."""

from __future__ import annotations

import dataclasses

from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.clients.helm import Helm, undo
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """A way back that has a command."""

    command: str
    """As a person types it."""
    revision: int | None
    """Helm's number of where it goes; None: Helm does not manage the release, a person types it."""
    target: str
    """Where it goes, in words; empty where only its number is known."""


def plan(
    cluster: Cluster,
    settings: environment.Rollback,
    where: environment.Cluster,
    *,
    revision: int | None = None,
) -> Plan:
    """Return how the release that is judged is left.

    Args:
        cluster: Tells of the revisions.
        settings: The environment's `[rollback]`.
        where: The environment's `[cluster]`.
        revision: Helm's number of the one to go back to; None: that of the environment, else the
            newest good one.

    Raises:
        SubjectError: There is no good revision; the workload that carries the release is missing.
        InstrumentError: Nobody can say where to go back to, or nothing names the cluster.
    """
    if where.helm_release is None:
        ways = cluster.ways_back()
        told = " and ".join(map(str, ways))
        return Plan(command=undo(ways, settings, where), revision=None, target=told)
    helm, target = Helm(settings, where), ""
    number = revision or settings.revision
    if number is None:
        found = cluster.way_back()
        number, target = found.number, str(found)
        if found.source != "Helm":
            raise InstrumentError(
                f"found the way back to {target}, but not Helm's number of it: its Secrets cannot "
                f"be read, or hold none; find it by helm history {where.helm_release} "
                f"-n {where.namespace}, and give it as --revision, or as revision in [rollback]"
            )
    return Plan(command=helm.spoken(number), revision=number, target=target)
