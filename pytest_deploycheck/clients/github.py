"""What GitHub's REST API answers, as far as a release is judged by it."""

from __future__ import annotations

import dataclasses
from typing import Any

from pydantic import Field

from pytest_deploycheck.clients.shapes import Shape


class User(Shape):
    """Who did something."""

    login: str
    type: str = "User"


class Commit(Shape):
    """A commit, in a comparison or by itself."""

    sha: str = Field(min_length=40)
    author: User | None = None
    """None: the address belongs to no account."""


class Comparison(Shape):
    """What lies between two commits; the list of commits comes in pages."""

    status: str
    total_commits: int
    commits: list[Commit]


class Head(Shape):
    """The newest commit of a pull request's branch."""

    sha: str


class Base(Shape):
    """The branch that a pull request goes to."""

    ref: str


class Pull(Shape):
    """A pull request."""

    number: int
    title: str = ""
    user: User
    merged_at: str | None
    base: Base
    head: Head


class Review(Shape):
    """One review; a later one of the same person replaces it."""

    user: User | None
    state: str
    commit_id: str | None


class Permission(Shape):
    """What somebody may do in the repository."""

    permission: str
    """`admin`, `write` (also of maintainers), `read` (also of who sorts issues), `none`."""


class Run(Shape):
    """One run of a workflow."""

    id: int
    head_sha: str
    head_branch: str | None
    event: str
    status: str | None
    conclusion: str | None
    run_attempt: int = 1
    created_at: str
    actor: User


class Runs(Shape):
    """A page of runs."""

    workflow_runs: list[Run]


class Step(Shape):
    """One step of a job."""

    name: str
    conclusion: str | None


class Job(Shape):
    """One job of a run."""

    name: str
    status: str
    conclusion: str | None
    steps: list[Step] = Field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """It has ended well, and no failed step of it was let through."""
        return self.conclusion == "success" and not self.masked

    @property
    def masked(self) -> tuple[str, ...]:
        """Steps that failed although the job did not: `continue-on-error`."""
        failed = [step.name for step in self.steps if step.conclusion == "failure"]
        return tuple(failed) if self.conclusion == "success" else ()


class Jobs(Shape):
    """A page of jobs."""

    jobs: list[Job]


class DeploymentStatus(Shape):
    """One thing that became of a deployment."""

    state: str
    created_at: str


class DeploymentEntry(Shape):
    """A deployment to one of the code host's environments."""

    id: int
    sha: str
    payload: dict[str, Any] | str | None = None
    created_at: str


class Named(Shape):
    """One of the code host's environments, where it is only named."""

    name: str


class Approval(Shape):
    """A person's word on a run that waited for it."""

    state: str
    user: User
    environments: list[Named]


class Pending(Shape):
    """An environment that a run waits for."""

    environment: Named


class Reviewer(Shape):
    """Who may approve; of a team, *login* is empty."""

    login: str = ""


class ReviewerEntry(Shape):
    """An entry of a rule's reviewers."""

    reviewer: Reviewer


class Rule(Shape):
    """A protection rule of an environment."""

    type: str
    reviewers: list[ReviewerEntry] = Field(default_factory=list)


class Protected(Shape):
    """One of the code host's environments, with its rules."""

    protection_rules: list[Rule]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """One commit of the release, and how it came in."""

    sha: str
    pull: int | None
    """The number of the pull request that brought it to the branch; None: it came past them."""
    title: str
    authors: tuple[str, ...]
    approvers: tuple[str, ...]
    """People other than the authors who may push, and whose newest word on the pull request's last
    commit is yes."""
    objectors: tuple[str, ...]
    """People whose newest word asks for changes."""

    def __str__(self) -> str:
        """Name the commit and its pull request."""
        number = f"#{self.pull} {self.title}" if self.pull is not None else "no pull request"
        return f"commit {self.sha[:12]} ({number}) by {', '.join(self.authors) or 'unknown'}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The run of the pipeline that a commit started, with its newest attempt's jobs."""

    run: Run
    jobs: tuple[Job, ...]

    def named(self, name: str) -> tuple[Job, ...]:
        """Return the jobs of that name: itself, each of a matrix, or in a called workflow."""
        return tuple(
            job
            for job in self.jobs
            if job.name == name
            or job.name.startswith((f"{name} (", f"{name} / "))
            or job.name.endswith(f" / {name}")
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Deployment:
    """The newest deployment to one of the code host's environments."""

    environment: str
    sha: str
    digest: str
    """Of the image, from the payload; empty: it does not say."""
    state: str
    """The newest: `success`, `failure`, `in_progress`, `waiting`."""
    begun_at_s: float | None
    """When it was first in progress, after any approval; None: it is not, or nobody knows."""

    @property
    def waits(self) -> bool:
        """It has not begun, and says so."""
        return self.begun_at_s is None and self.state in ("waiting", "queued", "pending")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decided:
    """What people said to a run that waited for them."""

    approved_by: tuple[str, ...]
    rejected_by: tuple[str, ...]
    started_by: str
