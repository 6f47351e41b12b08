"""Another shape of the cluster's answer is no evidence, wherever it is, whoever reads it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from pytest_deploycheck.clients.cluster import Cluster
from pytest_deploycheck.clients.kubernetes_api import KubernetesApi
from pytest_deploycheck.clients.objects import Json
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError
from pytest_deploycheck.sandbox import Sandbox, foundations
from tests.clients.doubles import USER_AGENT

Reader = Callable[[Cluster], object]

READERS: Final[dict[str, tuple[Reader, ...]]] = {
    "clusterrolebindings": (Cluster.accounts,),
    "clusterroles": (Cluster.accounts,),
    "apis": (Cluster.external_secrets,),
    "configmaps": (Cluster.secret_places,),
    "deployments": (
        Cluster.accounts,
        Cluster.deployed_at_s,
        Cluster.room,
        Cluster.secret_places,
        Cluster.way_back,
        Cluster.workloads,
        lambda cluster: cluster.annotation("deploycheck/irreversible"),
    ),
    "endpointslices": (Cluster.services,),
    "externalsecrets": (Cluster.external_secrets,),
    "horizontalpodautoscalers": (Cluster.room,),
    "ingresses": (Cluster.ingresses,),
    "jobs": (Cluster.jobs,),
    "nodes": (Cluster.room,),
    "pods": (Cluster.pods, Cluster.room, Cluster.workloads),
    "replicasets": (Cluster.deployed_at_s, Cluster.workloads),
    "resourcequotas": (Cluster.room,),
    "secrets": (Cluster.way_back,),
    "serviceaccounts": (Cluster.accounts,),
    "statefulsets": (Cluster.accounts, Cluster.room, Cluster.workloads),
}
WRONG: Final = (None, "text", 7, ["text"], [None], {"a": "text"})


class Answers(KubernetesApi):
    """Answers from memory: what it says can be anything."""

    def __init__(self, settings: environment.Cluster, objects: dict[str, list[Any]]) -> None:
        """Know *objects* by the plural of their kind."""
        super().__init__(settings, user_agent=USER_AGENT)
        self.objects = objects

    def _ask(self, method: str, path: str, body: Json | None = None) -> tuple[int, Json]:
        del body
        if method == "POST":
            return 201, {"status": {"userInfo": {"username": "reader"}}}
        *_, plural, name = ["", *path.partition("?")[0].split("/")]
        if plural == "apis":
            return 200, self.objects["apis"][0]
        if name in self.objects:
            return 200, {"kind": "AnyList", "items": self.objects[name]}
        named = (one for one in self.objects[plural] if _name(one) == name)
        return next(((200, one) for one in named), (404, {}))


def _name(one: Any) -> object:  # noqa: ANN401 - JSON
    metadata = one.get("metadata") if isinstance(one, dict) else None
    return metadata.get("name") if isinstance(metadata, dict) else None


@pytest.fixture
def answers(sandbox: Sandbox, cluster_settings: environment.Cluster) -> Answers:
    """The API of the sandbox's cluster, of which an environment asks all that can be asked."""
    settings = cluster_settings.model_copy(
        update={"helm_release": foundations.HELM_RELEASE, "secret_variables": "PASSWORD"}
    )
    group = {"preferredVersion": {"version": "v1"}}
    return Answers(settings, sandbox.platform.objects | {"apis": [group]})


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 - JSON
    """The path of everything inside of *value*; of several like things the first will do."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1])
    for key, one in list(inner):
        yield (*path, key)
        if isinstance(one, dict | list):
            yield from places(one, (*path, key))


@pytest.mark.parametrize("plural", READERS)
def test_nothing_but_our_own_errors_comes_of_another_shape(answers: Answers, plural: str) -> None:
    """Each part of an object, replaced by what an API might answer there: never a KeyError."""
    cluster = Cluster(answers._settings, user_agent=USER_AGENT, release="1.4.2", api=answers)
    for ask in READERS[plural]:
        ask(cluster)
        for *way, last in places(answers.objects[plural]):
            parent: Any = answers.objects[plural]
            for key in way:
                parent = parent[key]
            before = parent[last]
            for wrong in WRONG:
                parent[last] = wrong
                with contextlib.suppress(InstrumentError, SubjectError):
                    ask(cluster)
            parent[last] = before


@pytest.mark.parametrize("ask", [Cluster.release, Cluster.deployed_at_s, Cluster.way_back])
def test_a_hollow_workload_says_what_is_missing(answers: Answers, ask: Reader) -> None:
    """With what was asked, and what was expected there."""
    name = answers._settings.workloads[0].name
    answers.objects["deployments"] = [{"metadata": {"name": name}, "spec": {}}]
    cluster = Cluster(answers._settings, user_agent=USER_AGENT, api=answers)
    with pytest.raises(
        InstrumentError, match=r"GET /apis/apps/v1/.*spec\.template: Field required"
    ):
        ask(cluster)
