"""The code host over its wire: whole lists, other shapes, and whose word counts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from pytest_deploycheck import sandbox as embedded
from pytest_deploycheck.clients.registry import Registry
from pytest_deploycheck.clients.repository import Repository
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import AwaitingError, InstrumentError, SubjectError
from pytest_deploycheck.sandbox import github
from tests.clients.doubles import USER_AGENT


@pytest.fixture
def repository(sandbox: embedded.Sandbox) -> Iterator[Repository]:
    """A client for the sandbox's code host."""
    with contextlib.closing(client(sandbox)) as asking:
        yield asking


def client(sandbox: embedded.Sandbox, **changes: Any) -> Repository:  # noqa: ANN401
    """The same with other settings."""
    url = sandbox.variables["DEPLOYCHECK_SANDBOX_REPOSITORY_URL"]
    here = {"url": url, "token_env": "DEPLOYCHECK_SANDBOX_REPOSITORY_TOKEN", "rate_per_s": 10_000}
    settings = {
        **here,
        "name": github.NAME,
        "workflow": "deploy.yml",
        "required_jobs": ("unit",),
        "approvers": ("ops-lead",),
        "registry": {**here, "hosts": ("ghcr.io",)},
    }
    return Repository(
        environment.Repository.model_validate(settings | changes),
        user_agent=USER_AGENT,
        release="1.4.2",
        deployed_at_s=sandbox.platform.deployed_at_s,
    )


def test_every_page_of_the_changes_is_read(
    sandbox: embedded.Sandbox, repository: Repository
) -> None:
    """A release of 250 commits comes in three pages."""
    answers = sandbox.platform.code_host.answers
    comparison = answers[f"compare/{github.PREVIOUS_COMMIT}...{github.COMMIT}"]
    comparison["commits"] = [comparison["commits"][0]] * 249 + [comparison["commits"][1]]
    comparison["total_commits"] = 250
    changes = repository.changes()
    assert len(changes) == 250
    assert changes[-1].sha == github.COMMIT
    comparison["total_commits"] = 251
    with pytest.raises(InstrumentError, match="found 250 commits of 251, expected all"):
        repository.changes()


def test_no_change_and_no_earlier_release_are_no_evidence(
    sandbox: embedded.Sandbox, repository: Repository
) -> None:
    """An empty list of changes has no unreviewed one in it."""
    answers = sandbox.platform.code_host.answers
    comparison = answers[f"compare/{github.PREVIOUS_COMMIT}...{github.COMMIT}"]
    comparison |= {"commits": [], "total_commits": 0}
    with pytest.raises(InstrumentError, match="found no commit between"):
        repository.changes()
    answers["deployments"] = answers["deployments"][:2]
    with pytest.raises(InstrumentError, match="found no earlier deployment to 'production'"):
        repository.changes()


@pytest.mark.parametrize(
    ("reviews", "approvers", "objectors"),
    [
        ([("a", "APPROVED", "f")], ("a",), ()),
        ([("a", "APPROVED", "f"), ("a", "COMMENTED", "f")], ("a",), ()),
        ([("a", "APPROVED", "f"), ("a", "DISMISSED", "f")], (), ()),
        ([("a", "CHANGES_REQUESTED", "e"), ("a", "APPROVED", "f")], ("a",), ()),
        ([("a", "APPROVED", "f"), ("a", "CHANGES_REQUESTED", "f")], (), ("a",)),
        ([("a", "APPROVED", "e")], (), ()),
        ([(github.AUTHOR, "APPROVED", "f")], (), ()),
        ([], (), ()),
    ],
)
def test_newest_word_of_each_person_counts(
    sandbox: embedded.Sandbox,
    repository: Repository,
    reviews: list[tuple[str, str, str]],
    approvers: tuple[str, ...],
    objectors: tuple[str, ...],
) -> None:
    """On the last commit, by somebody else; a comment takes nothing back."""
    answers = sandbox.platform.code_host.answers
    answers["collaborators/a/permission"] = {"permission": "admin"}
    answers["pulls/42/reviews"] = [
        {"user": {"login": login, "type": "User"}, "state": state, "commit_id": sha * 40}
        for login, state, sha in reviews
    ]
    change = repository.changes()[-1]
    assert (change.approvers, change.objectors) == (approvers, objectors)


def test_robot_approves_nothing(sandbox: embedded.Sandbox, repository: Repository) -> None:
    """A bot that approves what it is told to is nobody."""
    answers = sandbox.platform.code_host.answers
    answers["pulls/42/reviews"][0]["user"] = {"login": "merge[bot]", "type": "Bot"}
    assert repository.changes()[-1].approvers == ()


@pytest.mark.parametrize(
    ("permission", "counts"), [("admin", True), ("write", True), ("read", False), ("none", False)]
)
def test_approval_of_who_may_not_push_is_none(
    sandbox: embedded.Sandbox, repository: Repository, permission: str, counts: bool
) -> None:
    """Whoever can see a repository may write a review of a change to it."""
    answers = sandbox.platform.code_host.answers
    answers[f"collaborators/{github.REVIEWER}/permission"] = {"permission": permission}
    assert repository.changes()[-1].approvers == ((github.REVIEWER,) if counts else ())
    del answers[f"collaborators/{github.REVIEWER}/permission"]
    with pytest.raises(InstrumentError, match="404 also to who may not see it"):
        repository.changes()


def test_push_goes_before_a_later_run_by_hand(
    sandbox: embedded.Sandbox, repository: Repository
) -> None:
    """Somebody ran it again by hand; what the push started is still there to be judged."""
    runs = sandbox.platform.code_host.answers["actions/workflows/deploy.yml/runs"]
    later = {"id": 9, "event": "workflow_dispatch", "created_at": "2099-01-01T00:00:00Z"}
    runs["workflow_runs"].append(runs["workflow_runs"][0] | later)
    assert repository.pipeline().run.id == github.RUN


def test_jobs_of_a_matrix_are_all_meant(sandbox: embedded.Sandbox, repository: Repository) -> None:
    """`unit` is `unit (3.11)`, `unit / linux` and `called / unit`, and not `units`."""
    jobs = sandbox.platform.code_host.answers[f"actions/runs/{github.RUN}/attempts/1/jobs"]["jobs"]
    jobs += [jobs[1] | {"name": name} for name in ("unit (3.11)", "called / unit", "units")]
    found = [job.name for job in repository.pipeline().named("unit")]
    assert found == ["unit", "unit (3.11)", "called / unit"]


def test_waiting_for_an_approval_is_not_a_failure(
    sandbox: embedded.Sandbox, repository: Repository
) -> None:
    """A person's word is missing, and the message says whose."""
    answers = sandbox.platform.code_host.answers
    answers[f"actions/runs/{github.RUN}/approvals"] = []
    answers[f"actions/runs/{github.RUN}/pending_deployments"] = [
        {"environment": {"name": "production"}}
    ]
    with pytest.raises(AwaitingError, match="waits for the approval of ops-lead"):
        repository.decided()
    answers[f"actions/runs/{github.RUN}/pending_deployments"] = [
        {"environment": {"name": "staging"}}
    ]
    assert repository.decided().approved_by == ()


def test_payload_may_be_text_and_may_say_nothing(
    sandbox: embedded.Sandbox, repository: Repository
) -> None:
    """Older clients send the payload as text; without a digest it is empty, not some other."""
    staged = sandbox.platform.code_host.answers["deployments"][1]
    staged["payload"] = json.dumps({"digest": "sha256:1"})
    assert repository.deployment("staging").digest == "sha256:1"
    nothing: tuple[object, ...] = ("", "no json", None, {})
    for payload in nothing:
        staged["payload"] = payload
        assert repository.deployment("staging").digest == ""
    with pytest.raises(SubjectError, match="found no deployment to the environment 'nowhere'"):
        repository.deployment("nowhere")


@pytest.mark.parametrize(
    ("reference", "digest"),
    [
        ("ghcr.io/jorge-salas/revenue-platform:1.4.2", github.DIGEST),
        ("ghcr.io/jorge-salas/revenue-platform:9.9.9", None),
    ],
)
def test_registry_is_asked_with_a_token_of_its_own(
    repository: Repository, reference: str, digest: str | None
) -> None:
    """It sends us to its token service first; an image that is gone is None, no error."""
    assert repository.image_digest(reference) == digest


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ({"token": "t"}, "sha256:1"),
        ({"access_token": "t"}, "sha256:1"),
        ({"token": "t", "access_token": "t"}, "sha256:1"),
        ({"expires_in": 300}, "expected a token, found another shape"),
    ],
)
def test_a_registry_calls_its_token_by_either_name(told: dict[str, object], found: str) -> None:
    """Docker's specification has both names, and one is enough."""
    assert found in _digest(told, realm="https://images.test/token")


@pytest.mark.parametrize("realm", ["https://elsewhere.test/token", "Registry Realm"])
def test_no_token_is_asked_for_elsewhere(realm: str) -> None:
    """Our credentials go to the registry's own host only."""
    assert "expected one at its host" in _digest({"token": "t"}, realm=realm)


def _digest(told: dict[str, object], *, realm: str) -> str:
    """Ask a registry that sends us to *realm* for a digest; return it, or what was wrong."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            return httpx.Response(200, json=told)
        if request.headers.get("Authorization") != "Bearer t":
            return httpx.Response(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'})
        return httpx.Response(200, headers={"Docker-Content-Digest": "sha256:1"})

    registry = Registry(
        environment.Registry(url="https://images.test", hosts=("images.test",)),
        user_agent=USER_AGENT,
        transport=httpx.MockTransport(answer),
    )
    try:
        return str(registry.digest("images.test/one:1"))
    except InstrumentError as error:
        return str(error)


def test_image_of_another_registry_is_not_guessed_at(
    sandbox: embedded.Sandbox, repository: Repository
) -> None:
    """Nor is anything said where no registry is named."""
    with pytest.raises(InstrumentError, match=r"expected it in ghcr\.io"):
        repository.image_digest("docker.io/library/postgres:15")
    with pytest.raises(InstrumentError, match="has no registry"):
        client(sandbox, registry=None).image_digest("ghcr.io/o/n:1")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "<html></html>", "expected JSON"),
        (200, "null", "found another shape"),
        (200, "[]", "found another shape"),
        (200, '{"sha": null}', "found another shape: sha"),
        (401, '{"message": "Bad credentials"}', "found status 401, expected 200"),
        (403, '{"message": "rate limit"}', "found status 403"),
        (404, '{"message": "Not Found"}', "404 also to who may not see it"),
        (500, "", "found status 500"),
    ],
)
def test_answer_of_another_kind_is_no_evidence(
    sandbox: embedded.Sandbox, repository: Repository, status: int, body: str, said: str
) -> None:
    """Every question begins with the release's commit, and ends there when it gets no answer."""
    manner = sandbox.platform.servers["repository"]
    manner.status, manner.body = status, body
    for ask in (repository.changes, repository.pipeline, repository.decided):
        with pytest.raises(InstrumentError, match=said):
            ask()


def test_silence_is_no_evidence() -> None:
    """Nobody listens there."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    settings = environment.Repository(
        url="https://code.test",
        name="o/n",
        workflow="w.yml",
        required_jobs=("unit",),
        approvers=("a",),
    )
    silent = Repository(
        settings,
        user_agent=USER_AGENT,
        release="1",
        deployed_at_s=0.0,
        transport=httpx.MockTransport(refuse),
    )
    with pytest.raises(InstrumentError, match="no answer"):
        silent.commit()
    silent.close()


def test_document_is_of_the_released_commit(
    sandbox: embedded.Sandbox, repository: Repository
) -> None:
    """There, and not empty."""
    assert repository.document(github.PROCEDURE).startswith("# Recovery")
    with pytest.raises(SubjectError, match=r"found no file docs/none\.md"):
        repository.document("docs/none.md")
    sandbox.platform.code_host.answers[f"contents/{github.PROCEDURE}"] = " \n"
    with pytest.raises(SubjectError, match="empty"):
        repository.document(github.PROCEDURE)
