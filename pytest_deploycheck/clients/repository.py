"""The code host: who reviewed what, what the pipeline did, who approved. An instrument.

GitHub's REST API; lists are read to their last page, for half of the changes proves nothing.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import httpx

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.github import (
    Approval,
    Change,
    Commit,
    Comparison,
    Decided,
    Deployment,
    DeploymentEntry,
    DeploymentStatus,
    Jobs,
    Pending,
    Permission,
    Pipeline,
    Protected,
    Pull,
    Review,
    Run,
    Runs,
)
from pytest_deploycheck.clients.http import HttpClient
from pytest_deploycheck.clients.registry import Registry
from pytest_deploycheck.clients.shapes import read, time_s
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import AwaitingError, InstrumentError, SubjectError

PAGE: Final = 100
_VERSION: Final = "2022-11-28"
_S = TypeVar("_S")


class Repository:
    """Asks the code host about one release; opened without I/O, safe to use from many threads.

    Args:
        settings: The environment's `[repository]`.
        user_agent: Who we say we are.
        release: That is being judged.
        deployed_at_s: When its rollout begins or began, Unix seconds.
        transport: Replaces the wire, in tests.
    """

    def __init__(
        self,
        settings: environment.Repository,
        *,
        user_agent: str,
        release: str,
        deployed_at_s: float,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._release = release
        self.deployed_at_s = deployed_at_s
        self._http = HttpClient(
            settings,
            user_agent=user_agent,
            source="repository",
            blame=InstrumentError,
            transport=transport,
        )
        self._registry = (
            None
            if settings.registry is None
            else Registry(settings.registry, user_agent=user_agent, transport=transport)
        )

    def commit(self) -> str:
        """Return the SHA of the commit that the release's tag names.

        Raises:
            InstrumentError: No usable answer, or there is no such tag.
        """
        tag = self._settings.tag.format(release=self._release)
        return self._one(f"commits/{quote(f'tags/{tag}', safe='/')}", Commit, "a commit").sha

    def commit_before(self) -> str:
        """Return the SHA of the commit that production ran before this release.

        Raises:
            InstrumentError: No usable answer, or no earlier deployment is known.
        """
        return self._previous(self.commit())

    def changes(self) -> tuple[Change, ...]:
        """Return every commit since the release that production ran before, at least one.

        Raises:
            InstrumentError: No usable answer, nothing changed, or no earlier deployment is known.
        """
        head = self.commit()
        base = self._previous(head)
        commits = list(self._between(base, head))
        if not commits:
            raise InstrumentError(f"found no commit between {base[:12]} and {head[:12]}")
        may_write = functools.cache(self._may_write)
        return tuple(self._change(commit, may_write) for commit in commits)

    def pipeline(self) -> Pipeline:
        """Return the newest run of the pipeline for the release's commit, a push's before others.

        Raises:
            SubjectError: The pipeline never ran for it.
            InstrumentError: No usable answer.
        """
        sha, wanted = self.commit(), self._settings
        path = f"actions/workflows/{quote(wanted.workflow)}/runs?head_sha={sha}"
        runs = [
            run
            for page in self._pages(path, Runs, "runs of a workflow")
            for run in page.workflow_runs
            if run.head_sha == sha
        ]
        if not runs:
            raise SubjectError(f"found no run of {wanted.workflow} for commit {sha[:12]}")
        run = max(runs, key=self._precedence)
        jobs = f"actions/runs/{run.id}/attempts/{run.run_attempt}/jobs"
        return Pipeline(
            run=run,
            jobs=tuple(job for page in self._pages(jobs, Jobs, "jobs") for job in page.jobs),
        )

    def deployment(self, name: str) -> Deployment:
        """Return the newest deployment to the code host's environment *name*.

        Raises:
            SubjectError: There was none.
            InstrumentError: No usable answer.
        """
        found = next(self._deployments(name), None)
        if found is None:
            raise SubjectError(f"found no deployment to the environment {name!r}")
        statuses = self._statuses(found)
        begun = [s.created_at for s in statuses if s.state == "in_progress"]
        payload = _payload(found.payload)
        return Deployment(
            environment=name,
            sha=found.sha,
            digest=str(payload.get(self._settings.digest_key) or ""),
            state=statuses[0].state if statuses else "none",
            begun_at_s=min(
                (time_s(at, where=f"deployment {found.id}") for at in begun), default=None
            ),
        )

    def decided(self) -> Decided:
        """Return what people said to the pipeline's production deployment.

        Raises:
            SubjectError: The pipeline never ran for the release's commit.
            AwaitingError: It waits for somebody's word right now.
            InstrumentError: No usable answer.
        """
        run, production = self.pipeline().run, self._settings.production
        path = f"actions/runs/{run.id}"
        words = [
            word
            for word in self._list(f"{path}/approvals", list[Approval], "approvals")
            if any(one.name == production for one in word.environments)
        ]
        pending = self._list(f"{path}/pending_deployments", list[Pending], "pending deployments")
        if not words and any(one.environment.name == production for one in pending):
            raise AwaitingError(
                f"run {run.id} waits for the approval of {', '.join(self._settings.approvers)}"
            )
        return Decided(
            approved_by=tuple(word.user.login for word in words if word.state == "approved"),
            rejected_by=tuple(word.user.login for word in words if word.state == "rejected"),
            started_by=run.actor.login,
        )

    def reviewers(self) -> tuple[str, ...]:
        """Return whom the production environment waits for; empty: it waits for nobody.

        Raises:
            InstrumentError: No usable answer.
        """
        path = f"environments/{quote(self._settings.production, safe='')}"
        rules = self._one(path, Protected, "an environment").protection_rules
        return tuple(
            entry.reviewer.login or "a team"
            for rule in rules
            if rule.type == "required_reviewers"
            for entry in rule.reviewers
        )

    def document(self, path: str) -> str:
        """Return the text of the file *path* at the release's commit.

        Raises:
            SubjectError: There is no such file, or it is empty.
            InstrumentError: No usable answer.
        """
        sha = self.commit()
        answer = self._ask(
            f"contents/{quote(path)}?ref={sha}", accept="application/vnd.github.raw+json"
        )
        if answer.status == httpx.codes.NOT_FOUND:
            raise SubjectError(f"found no file {path} at commit {sha[:12]}")
        self._demand_ok(answer)
        if not answer.text.strip():
            raise SubjectError(f"found the file {path} empty at commit {sha[:12]}")
        return answer.text

    def image_digest(self, reference: str) -> str | None:
        """Return the digest of an image in the registry, None when it has none of that name.

        Raises:
            InstrumentError: No usable answer; the environment names no registry that holds it.
        """
        if self._registry is None:
            raise InstrumentError(
                "[repository] has no registry: whether an image exists is unknown"
            )
        return self._registry.digest(reference)

    def close(self) -> None:
        """Close every connection."""
        self._http.close()
        if self._registry is not None:
            self._registry.close()

    def _precedence(self, run: Run) -> tuple[bool, str]:
        pushed = run.event == "push" and run.head_branch == self._settings.branch
        return pushed, run.created_at

    def _previous(self, head: str) -> str:
        """Return the commit that was deployed to production before."""
        for found in self._deployments(self._settings.production):
            if found.sha == head:
                continue
            # A success becomes inactive when the next one succeeds.
            if any(status.state == "success" for status in self._statuses(found)):
                return found.sha
        raise InstrumentError(
            f"found no earlier deployment to {self._settings.production!r}: "
            "which changes this release brings is unknown"
        )

    def _between(self, base: str, head: str) -> Iterator[Commit]:
        """Yield every commit after *base* up to *head*."""
        path, found, total = f"compare/{base}...{head}", 0, 0
        for page in self._pages(path, Comparison, "a comparison"):
            yield from page.commits
            found, total = found + len(page.commits), page.total_commits
        if found != total:
            raise InstrumentError(f"{path}: found {found} commits of {total}, expected all")

    def _change(self, commit: Commit, may_write: Callable[[str], bool]) -> Change:
        pulls = self._list(f"commits/{commit.sha}/pulls", list[Pull], "pull requests")
        merged = [
            pull for pull in pulls if pull.merged_at and pull.base.ref == self._settings.branch
        ]
        author = (commit.author.login,) if commit.author else ()
        if not merged:
            return Change(
                sha=commit.sha, pull=None, title="", authors=author, approvers=(), objectors=()
            )
        pull = merged[0]
        authors = tuple(dict.fromkeys((pull.user.login, *author)))
        last: dict[str, Review] = {}
        for review in self._list(f"pulls/{pull.number}/reviews", list[Review], "reviews"):
            # A comment afterwards takes nothing back.
            if review.user and review.user.type != "Bot" and review.state != "COMMENTED":
                last[review.user.login] = review
        approved = [
            login
            for login, review in last.items()
            if review.state == "APPROVED"
            and review.commit_id == pull.head.sha
            and login not in authors
        ]
        return Change(
            sha=commit.sha,
            pull=pull.number,
            title=pull.title,
            authors=authors,
            approvers=tuple(login for login in approved if may_write(login)),
            objectors=tuple(k for k, v in last.items() if v.state == "CHANGES_REQUESTED"),
        )

    def _may_write(self, login: str) -> bool:
        """Say whether somebody may push to the repository; anybody may write a review."""
        path = f"collaborators/{quote(login, safe='')}/permission"
        return self._one(path, Permission, "a permission").permission in ("admin", "write")

    def _deployments(self, name: str) -> Iterator[DeploymentEntry]:
        """Yield the deployments to an environment, newest first."""
        path = f"deployments?{urlencode({'environment': name})}"
        for page in self._pages(path, list[DeploymentEntry], "deployments"):
            yield from page

    def _statuses(self, found: DeploymentEntry) -> list[DeploymentStatus]:
        """Return what became of a deployment, newest first."""
        path = f"deployments/{found.id}/statuses"
        return self._list(path, list[DeploymentStatus], "deployment statuses")

    def _list(self, path: str, shape: type[list[_S]], what: str) -> list[_S]:
        return [one for page in self._pages(path, shape, what) for one in page]

    def _one(self, path: str, shape: type[_S], what: str) -> _S:
        answer = self._ask(path)
        self._demand_ok(answer)
        return read(shape, answer.json, where=f"GET {answer.url}", what=what)

    def _pages(self, path: str, shape: type[_S], what: str) -> Iterator[_S]:
        """Yield every page of a list, as its `Link` header has them."""
        following: str | None = f"{path}{'&' if '?' in path else '?'}per_page={PAGE}"
        while following is not None:
            answer = self._ask(following)
            self._demand_ok(answer)
            yield read(shape, answer.json, where=f"GET {answer.url}", what=what)
            links = httpx.Response(200, headers=dict(answer.headers)).links
            following = links.get("next", {}).get("url")

    def _ask(self, path: str, *, accept: str = "application/vnd.github+json") -> Answer:
        if not path.startswith("http"):
            path = f"repos/{self._settings.name}/{path}"
        headers = {"Accept": accept, "X-GitHub-Api-Version": _VERSION}
        if self._settings.token_env is not None:
            token = evidence.secret_from(self._settings.token_env)
            headers["Authorization"] = f"Bearer {token}"
        return self._http.send("GET", path, headers=headers)

    def _demand_ok(self, answer: Answer) -> None:
        if answer.status != httpx.codes.OK:
            raise InstrumentError(
                f"GET {answer.url}: found status {answer.status}, expected 200 "
                "(GitHub says 404 also to who may not see it)"
            )


def _payload(payload: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    """Return a deployment's payload as a table; older clients send it as text."""
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            return {}
    return payload if isinstance(payload, dict) else {}
