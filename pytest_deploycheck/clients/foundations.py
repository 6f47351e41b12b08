"""What a deployment stands on in the cluster: permissions, secrets, room, and a way back."""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Iterator
from typing import Final

from pytest_deploycheck.clients import access, capacity, evidence, revisions
from pytest_deploycheck.clients.access import Account, ExternalSecret, Rbac, SecretPlace
from pytest_deploycheck.clients.capacity import Room
from pytest_deploycheck.clients.kubernetes_api import PLURALS, ForbiddenError, KubernetesApi
from pytest_deploycheck.clients.objects import Json
from pytest_deploycheck.clients.revisions import Revision
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError

_RBAC: Final = "/apis/rbac.authorization.k8s.io/v1"
_EXTERNAL: Final = "/apis/external-secrets.io"
_TELLING: Final = 6
"""A literal of so many characters is kept out of every report; a shorter one may be any word."""


@contextlib.contextmanager
def _an_outage_is_no_breach() -> Iterator[None]:
    """Take what is missing for no evidence: what is not there has no control that could fail."""
    try:
        yield
    except SubjectError as error:
        raise InstrumentError(f"its controls cannot be judged: {error}") from error


class Foundations(abc.ABC):
    """The part of the cluster client that the checks before a deployment ask."""

    _settings: environment.Cluster
    _api: KubernetesApi

    @property
    @abc.abstractmethod
    def expected_release(self) -> str:
        """The release that is being judged."""

    def accounts(self) -> tuple[Account, ...]:
        """Return the service account of each workload, with all that it may do.

        Raises:
            SubjectError: A workload is missing.
            InstrumentError: No usable answer; a role that is given cannot be read.
        """
        namespace = self._settings.namespace
        accounts = self._api.list(f"/api/v1/namespaces/{namespace}/serviceaccounts")
        rbac = Rbac(
            roles={
                access.key_of(kind, found["metadata"]): found
                for kind, plural in (("ClusterRole", "clusterroles"), ("Role", "roles"))
                for found in self._api.list(f"{_RBAC}/{plural}")
            },
            bindings=(
                *self._api.list(f"{_RBAC}/clusterrolebindings"),
                *self._api.list(f"{_RBAC}/rolebindings"),  # any namespace may let our account in
            ),
            accounts={found["metadata"]["name"]: found for found in accounts},
        )
        if not rbac.roles:
            raise InstrumentError("found no role in the cluster: we may not see them all")
        return tuple(
            access.account(
                settings,
                found["spec"]["template"],
                rbac,
                namespace=namespace,
                default_roles=self._settings.default_roles,
            )
            for settings, found in self._specified()
        )

    def admins(self) -> tuple[str, ...]:
        """Return each workload whose account is cluster-admin, with the binding that makes it so.

        Raises:
            InstrumentError: No usable answer, or a workload is missing: that is an outage, and no
                control that failed.
        """
        with _an_outage_is_no_breach():
            return tuple(
                f"{account.workload} ({account.name}, by {', '.join(account.admin_by)})"
                for account in self.accounts()
                if account.admin_by
            )

    def exposed(self) -> tuple[str, ...]:
        """Return each workload that must be isolated, and that no NetworkPolicy isolates.

        Raises:
            InstrumentError: No usable answer, or a workload is missing; none must be isolated.
        """
        wanted = [one.name for one in self._settings.workloads if one.isolated]
        if not wanted:
            raise InstrumentError("[cluster] marks no workload as isolated = true")
        policies = self._api.list(
            f"/apis/networking.k8s.io/v1/namespaces/{self._settings.namespace}/networkpolicies"
        )
        with _an_outage_is_no_breach():
            return tuple(
                settings.name
                for settings, found in self._specified()
                if settings.isolated and not access.is_isolated(found["spec"]["template"], policies)
            )

    def secret_places(self) -> tuple[SecretPlace, ...]:
        """Return every place in the workloads that holds a secret, at least one.

        Raises:
            SubjectError: A workload is missing.
            InstrumentError: No usable answer; nothing has such a name, so nothing was looked at.
        """
        names, values = self._settings.secret_variables, self._settings.secret_values
        if not names:
            raise InstrumentError("[cluster] has no secret_variables: which are secrets is unknown")
        found: list[SecretPlace] = []
        for settings, workload in self._specified():
            spec = workload["spec"]["template"]["spec"]
            held = {name: self._config_map(name) for name in access.config_maps_of(spec)}
            found += access.secret_places(settings.name, spec, held, names=names, values=values)
        if not found:
            raise InstrumentError(f"found no variable whose name matches {names!r}")
        for place in found:
            if len(place.literal or "") >= _TELLING:
                evidence.register_secret(place.literal or "")
        return tuple(found)

    def external_secrets(self) -> tuple[ExternalSecret, ...]:
        """Return what an operator fetches from a vault; nothing where the cluster has no such kind.

        Raises:
            InstrumentError: No usable answer.
        """
        group = self._api.get(_EXTERNAL)
        if group is None:
            return ()
        path = f"{_EXTERNAL}/{group['preferredVersion']['version']}"
        found = self._api.list(f"{path}/namespaces/{self._settings.namespace}/externalsecrets")
        return tuple(map(access.external_secret, found))

    def room(self) -> tuple[Room, ...]:
        """Return for each workload what bounds it, and how many more of its pods would fit.

        Raises:
            SubjectError: A workload is missing.
            InstrumentError: No usable answer; there is no node.
        """
        mine = f"namespaces/{self._settings.namespace}"
        nodes = self._api.list("/api/v1/nodes")
        pods = self._api.list("/api/v1/pods")
        quotas = self._api.list(f"/api/v1/{mine}/resourcequotas")
        scalers = self._api.list(f"/apis/autoscaling/v2/{mine}/horizontalpodautoscalers")
        rooms = []
        for settings, found in self._specified():
            spec = found["spec"]["template"]["spec"]
            asked = capacity.requests_of(spec)
            rooms.append(
                Room(
                    workload=settings.name,
                    unbounded=capacity.unbounded(spec),
                    scaled=settings.autoscaled,
                    scaling=capacity.scaling(settings.name, scalers),
                    rollout_needs=capacity.surge(found) if settings.kind == "Deployment" else 0,
                    nodes_hold=capacity.nodes_hold(
                        asked, [node for node in nodes if capacity.takes(node, spec)], pods
                    ),
                    quota_holds=capacity.quota_holds(
                        asked, quotas, limits=capacity.limits_of(spec)
                    ),
                )
            )
        return tuple(rooms)

    def way_back(self) -> Revision:
        """Return the newest good revision that runs another release than the one being judged.

        Before the rollout that is what runs now, afterwards what ran before it.

        Raises:
            SubjectError: There is none; the workload that carries the release is missing.
            InstrumentError: No usable answer.
        """
        return max(self.ways_back(), key=lambda one: one.number)

    def ways_back(self) -> tuple[Revision, ...]:
        """Return what `way_back` does, for each Deployment where Helm does not speak for them all.

        Raises:
            SubjectError: There is none; the workload that carries the release is missing.
            InstrumentError: No usable answer.
        """
        found = self._revisions()
        others = [one for one in found if one.release != self.expected_release]
        if not others:
            told = ", ".join(map(str, found)) or "none"
            raise SubjectError(
                f"expected a good revision besides release {self.expected_release}, found {told}"
            )
        return tuple(
            max((one for one in others if one.workload == workload), key=lambda one: one.number)
            for workload in dict.fromkeys(one.workload for one in others)
        )

    def _config_map(self, name: str) -> dict[str, str]:
        """Return what a ConfigMap holds.

        Raises:
            InstrumentError: There is none of this name: what it will hold is unknown.
        """
        found = self._api.get(f"/api/v1/namespaces/{self._settings.namespace}/configmaps/{name}")
        if found is None:
            raise InstrumentError(
                f"found no ConfigMap {name}, which a workload takes variables from"
            )
        return dict(found.get("data") or {})

    def _revisions(self) -> list[Revision]:
        """Return every good revision that Helm knows, else those that the ReplicaSets keep."""
        carriers = [(s, found) for s, found in self._specified() if s.released]
        if self._settings.helm_release is not None:
            images = [
                revisions.without_tag(container["image"])
                for _, found in carriers
                for container in found["spec"]["template"]["spec"]["containers"]
            ]
            known = self._helm(self._settings.helm_release)
            if known:
                return revisions.from_helm(known, images)
        path = f"/apis/apps/v1/namespaces/{self._settings.namespace}/replicasets"
        sets = self._api.list(path)
        return [
            revision
            for settings, found in carriers
            for revision in revisions.from_sets(
                found, sets, settings.container, self._settings.release_label
            )
        ]

    def _helm(self, release: str) -> list[Json]:
        """Return what Helm keeps of a release; nothing where we may not read Secrets."""
        path = f"/api/v1/namespaces/{self._settings.namespace}/secrets"
        try:
            return self._api.list(path, labels=f"owner=helm,name={release}")
        except ForbiddenError:
            return []

    def _specified(self) -> Iterator[tuple[environment.Workload, Json]]:
        """Yield every workload of the environment with its object."""
        namespace = self._settings.namespace
        for settings in self._settings.workloads:
            plural = PLURALS[settings.kind]
            path = f"/apis/apps/v1/namespaces/{namespace}/{plural}/{settings.name}"
            found = self._api.get(path)
            if found is None:
                raise SubjectError(
                    f"found no {settings.kind} {settings.name} in namespace {namespace}"
                )
            yield settings, found
