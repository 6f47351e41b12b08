"""What runs in the cluster, as far as a deployment is judged by it.

The Kubernetes API is an instrument; a workload that is missing is the subject's fault.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pytest_deploycheck.clients import objects
from pytest_deploycheck.clients.clocks import MAX_SKEW_S
from pytest_deploycheck.clients.foundations import Foundations
from pytest_deploycheck.clients.kubernetes_api import PLURALS, KubernetesApi
from pytest_deploycheck.clients.objects import Ingress, Job, Json, Pod, ServiceEndpoints, Workload
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError

_OVERDUE_S: Final = 30.0 + MAX_SKEW_S
"""A node has so long to report that a pod has ended whose grace is over."""


class Cluster(Foundations):
    """Reads the cluster; opened without I/O, safe to use from many threads.

    Args:
        settings: The environment's `[cluster]`.
        user_agent: Who we say we are.
        release: The release that is being judged; None: whatever the cluster runs.
        deployed_at_s: When its rollout began; None: what the cluster says.
        api: Replaces the connection, in tests.
        clock: Unix seconds.
    """

    def __init__(
        self,
        settings: environment.Cluster,
        *,
        user_agent: str,
        release: str | None = None,
        deployed_at_s: float | None = None,
        api: KubernetesApi | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._api = api or KubernetesApi(settings, user_agent=user_agent)
        self._release = release
        self._deployed_at_s = deployed_at_s

    @property
    def expected_release(self) -> str:
        """The release that is being judged."""
        return self._release if self._release is not None else self.release()

    def workloads(self) -> tuple[Workload, ...]:
        """Return every workload that the environment names, with its pods.

        Raises:
            SubjectError: One is missing.
            InstrumentError: No usable answer; the namespace is empty.
        """
        found = self._in_namespace(self._settings.namespace, self._settings.workloads)
        return tuple(found)

    def ingress_controller(self) -> Workload:
        """Return the workload that serves the ingresses.

        Raises:
            SubjectError: It is missing.
            InstrumentError: No usable answer; the environment names none.
        """
        wanted = self._settings.ingress_controller
        if wanted is None:
            raise InstrumentError("[cluster] names no ingress_controller")
        namespace = self._settings.ingress_controller_namespace or self._settings.namespace
        return next(self._in_namespace(namespace, [wanted]))

    def pods(self) -> tuple[Pod, ...]:
        """Return every pod of the namespace that is to run: no Job's, and none that has ended well.

        One that failed counts if it did so since the deployment. What ends well by itself is nobody
        to wait for: `helm test` leaves such pods, and so does a person who looked around. Neither
        is what a ReplicaSet has made another for.

        Raises:
            InstrumentError: No usable answer, or no pod at all.
        """
        return tuple(pod for pod in self._pods() if not pod.replaced)

    def left_behind(self) -> tuple[Pod, ...]:
        """Return the pods that others have replaced, and that are not gone as they should be.

        Evicted since the deployment, lost with their node, or held by a finalizer.

        Raises:
            InstrumentError: No usable answer, or no pod at all.
        """
        late_s = self._clock() - _OVERDUE_S
        return tuple(
            pod
            for pod in self._pods()
            if pod.replaced and (pod.gone_at_s is None or pod.gone_at_s <= late_s)
        )

    def jobs(self) -> tuple[Job, ...]:
        """Return the Jobs that ended since the deployment, of each CronJob the newest.

        Raises:
            InstrumentError: No usable answer.
        """
        since_s = self._since_s()
        ended: dict[str, tuple[float, Job]] = {}
        for found in map(
            objects.job, self._list("apis/batch/v1", self._settings.namespace, "jobs")
        ):
            at_s, newest_s = found.ended_at_s, ended.get(found.owner, (since_s,))[0]
            if at_s is not None and at_s >= newest_s:
                ended[found.owner] = (at_s, found)
        return tuple(job for _, job in ended.values())

    def services(self) -> tuple[ServiceEndpoints, ...]:
        """Return how many endpoints each service of the environment has; none: 0, not absent.

        Raises:
            InstrumentError: No usable answer; the environment names no services.
        """
        if not self._settings.services:
            raise InstrumentError("[cluster] names no services")
        slices = self._list("apis/discovery.k8s.io/v1", self._settings.namespace, "endpointslices")
        ready = dict.fromkeys(self._settings.services, 0)
        not_ready = dict.fromkeys(self._settings.services, 0)
        for found in slices:
            service = objects.labels_of(found).get("kubernetes.io/service-name", "")
            if service not in ready:
                continue
            for endpoint in found.get("endpoints") or ():
                # "ready" left out means ready, says the API.
                is_ready = (endpoint.get("conditions") or {}).get("ready") is not False
                counts = ready if is_ready else not_ready
                counts[service] += len(endpoint.get("addresses") or ())
        return tuple(
            ServiceEndpoints(name=name, ready=ready[name], not_ready=not_ready[name])
            for name in self._settings.services
        )

    def ingresses(self) -> tuple[Ingress, ...]:
        """Return every ingress that the environment names.

        Raises:
            SubjectError: One is missing.
            InstrumentError: No usable answer; the environment names no ingresses.
        """
        if not self._settings.ingresses:
            raise InstrumentError("[cluster] names no ingresses")
        have = {
            found["metadata"]["name"]: found
            for found in self._list(
                "apis/networking.k8s.io/v1", self._settings.namespace, "ingresses"
            )
        }
        return tuple(objects.ingress(have, wanted) for wanted in self._settings.ingresses)

    def annotation(self, name: str) -> str | None:
        """Return an annotation of the workloads that carry the release; None: none has it.

        Raises:
            SubjectError: A workload is missing.
            InstrumentError: No usable answer.
        """
        for settings, found in self._specified():
            value = (found["metadata"].get("annotations") or {}).get(name)
            if settings.released and value is not None:
                return str(value)
        return None

    def migration_head(self) -> str | None:
        """Return the head of the migrations of the release, as its chart says; None: nobody asks.

        Raises:
            SubjectError: A workload is missing.
            InstrumentError: No usable answer; the chart does not say.
        """
        name = self._settings.migration_head_annotation
        found = self.annotation(name) if name else None
        if name and not found:
            raise InstrumentError(
                f"found no annotation {name} on a workload that carries the release; expected its "
                'chart to set it, or migration_head_annotation = "" in [cluster]'
            )
        return found

    def release(self) -> str:
        """Return the release that the cluster is set to run.

        Raises:
            SubjectError: The workload that carries it is missing.
            InstrumentError: No usable answer; no single workload carries the release.
        """
        carriers = [workload for workload in self._settings.workloads if workload.released]
        found = {w.release for w in self._in_namespace(self._settings.namespace, carriers)}
        if len(found) != 1 or "" in found:
            raise InstrumentError(
                f"expected one release in the cluster, found {sorted(found) or 'none'}: "
                f"label {self._settings.release_label!r}, or name the release"
            )
        return found.pop()

    def deployed_at_s(self) -> float:
        """Return when the rollout of the release began, in Unix seconds.

        That is when its newest revision was made; one that a rollback took up again is older than
        that, so there its first pod counts.

        Raises:
            SubjectError: The workload that carries the release is missing.
            InstrumentError: No usable answer, or none that tells the time.
        """
        starts = [
            self._rollout_s(workload) for workload in self._settings.workloads if workload.released
        ]
        if not starts:
            raise InstrumentError("[cluster] marks no workload as released = true")
        return max(starts)

    def close(self) -> None:
        """Close every connection."""
        self._api.close()

    def _since_s(self) -> float:
        """Return the deployment's time in whole seconds, as Kubernetes writes all of its times."""
        return math.floor(
            self.deployed_at_s() if self._deployed_at_s is None else self._deployed_at_s
        )

    def _pods(self) -> list[Pod]:
        since_s = self._since_s()
        found = [
            objects.pod(pod, None, since_s)
            for pod in self._list("api/v1", self._settings.namespace, "pods")
        ]
        if not found:
            raise InstrumentError(
                f"namespace {self._settings.namespace} has no pods: is it the right one?"
            )
        return [
            pod
            for pod in found
            if not pod.of_job
            and pod.phase != "Succeeded"
            and (pod.ended_at_s is None or pod.ended_at_s >= since_s)
        ]

    def _list(self, group: str, namespace: str, plural: str) -> list[Json]:
        return self._api.list(f"/{group}/namespaces/{namespace}/{plural}")

    def _in_namespace(
        self, namespace: str, wanted: Iterable[environment.Workload]
    ) -> Iterator[Workload]:
        """Yield the workloads of one namespace, from one list of each kind."""
        wanted = tuple(wanted)
        kinds = dict.fromkeys(workload.kind for workload in wanted)
        have = {
            (kind, found["metadata"]["name"]): found
            for kind in kinds
            for found in self._list("apis/apps/v1", namespace, PLURALS[kind])
        }
        pods = self._list("api/v1", namespace, "pods")
        if not have and not pods:
            raise InstrumentError(f"namespace {namespace} is empty: is it the right one?")
        sets = self._list("apis/apps/v1", namespace, "replicasets") if "Deployment" in kinds else []
        since_s = math.floor(self._deployed_at_s or 0.0)
        for settings in wanted:
            found = have.get((settings.kind, settings.name))
            if found is None:
                raise SubjectError(
                    f"found no {settings.kind} {settings.name} in namespace {namespace}; "
                    f"it has {', '.join(name for _, name in have) or 'none'}"
                )
            yield objects.workload(
                settings, found, pods, sets, since_s, self._settings.release_label
            )

    def _rollout_s(self, settings: environment.Workload) -> float:
        """Return when the newest revision of one workload was made, or taken up again."""
        namespace = self._settings.namespace
        path = f"/apis/apps/v1/namespaces/{namespace}"
        found = self._api.get(f"{path}/{PLURALS[settings.kind]}/{settings.name}")
        if found is None:
            raise SubjectError(f"found no {settings.kind} {settings.name} in namespace {namespace}")
        if settings.kind == "StatefulSet":
            name = (found.get("status") or {}).get("updateRevision") or ""
            newest = self._api.get(f"{path}/controllerrevisions/{name}") if name else None
        else:
            newest = objects.newest_set(found, self._list("apis/apps/v1", namespace, "replicasets"))
        if newest is None:
            raise InstrumentError(
                f"{settings.kind} {settings.name} has no revision: name the time of the deployment"
            )
        made_s = objects.time_of(newest["metadata"].get("creationTimestamp"))
        if objects.REVISIONS_BEFORE in (newest["metadata"].get("annotations") or {}):
            revision = objects.labels_of(newest).get("pod-template-hash", "")
            pods = self._list("api/v1", namespace, "pods")
            of_it = [
                pod for pod in pods if objects.labels_of(pod).get("pod-template-hash") == revision
            ]
            made_s = min(
                (objects.pod(pod, None, 0.0).created_at_s for pod in of_it), default=made_s
            )
        if made_s is None:
            raise InstrumentError(f"{settings.kind} {settings.name}: its revision has no time")
        return made_s
