"""Automated Deployment Pipeline: reviewed, built, staged and approved, in this order."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.artifacts import Artifacts
from pytest_deploycheck.clients.record import Record
from pytest_deploycheck.clients.repository import Repository
from pytest_deploycheck.config.environment import Environment

pytestmark = pytest.mark.deploy


@pytest.mark.check("code-review")
def test_every_change_came_by_a_pull_request(repository: Repository) -> None:
    """Whoever may push past the rules leaves a commit that nobody looked at."""
    for change in repository.changes():
        assert change.pull is not None, f"{change}: found no pull request that was merged"


@pytest.mark.check("code-review")
def test_every_change_was_approved_by_somebody_else(repository: Repository) -> None:
    """An approval of the last commit; an older one does not cover what came after it."""
    for change in repository.changes():
        assert change.approvers, f"{change}: found no approval by anybody else"
        objectors = ", ".join(change.objectors)
        assert not change.objectors, f"{change}: {objectors} still ask for changes"


@pytest.mark.check("ci-cd-pipeline")
def test_push_started_the_pipeline(repository: Repository, environment: Environment) -> None:
    """A run by hand can be of anything, with anything left out."""
    run, settings = repository.pipeline().run, environment.repository
    assert settings is not None
    assert run.event == "push", f"run {run.id}: found it started by {run.event}, expected a push"
    assert run.head_branch == settings.branch, f"run {run.id}: found branch {run.head_branch}"
    assert run.conclusion in (None, "success"), f"run {run.id}: found {run.conclusion}"


@pytest.mark.check("ci-cd-pipeline")
def test_every_required_job_succeeded(repository: Repository, environment: Environment) -> None:
    """Each by name: a job that was skipped or taken out lets the run succeed all the same."""
    pipeline, settings = repository.pipeline(), environment.repository
    assert settings is not None
    for name in settings.required_jobs:
        jobs = pipeline.named(name)
        assert jobs, f"run {pipeline.run.id}: found no job {name}"
        for job in jobs:
            masked = ", ".join(job.masked)
            assert not masked, (
                f"job {job.name}: found steps that failed and were let through: {masked}"
            )
            assert job.succeeded, f"job {job.name}: found {job.conclusion or job.status}"


@pytest.mark.check("ci-cd-pipeline")
def test_reports_are_of_the_released_commit(artifacts: Artifacts, repository: Repository) -> None:
    """The pipeline says which commit it built; the release's tag must name the same one."""
    built, tagged = artifacts.manifest().commit, repository.commit()
    assert built == tagged, f"found reports of commit {built}, expected {tagged}"


@pytest.mark.check("staging-validation")
def test_staging_deployment_succeeded(repository: Repository, environment: Environment) -> None:
    """The newest one: a later deployment of something else has replaced this release."""
    assert environment.repository is not None
    staged, commit = repository.deployment(environment.repository.staging), repository.commit()
    assert staged.sha == commit, (
        f"found commit {staged.sha[:12]} on staging, expected {commit[:12]}"
    )
    assert staged.state == "success", f"found the deployment to staging {staged.state}"


@pytest.mark.check("staging-validation")
def test_staging_runs_this_very_image(
    artifacts: Artifacts, repository: Repository, environment: Environment
) -> None:
    """By digest, as it was scanned and as the registry has it: a tag can be moved."""
    assert environment.repository is not None
    manifest, staging = artifacts.manifest(), environment.repository.staging
    staged = repository.deployment(staging).digest
    stored = repository.image_digest(f"{manifest.image}:{manifest.release}")
    assert staged == manifest.digest, f"found {staged or 'none'} on staging, not {manifest.digest}"
    assert stored == manifest.digest, f"found {stored or 'none'} stored, not {manifest.digest}"


@pytest.mark.check("staging-validation")
def test_staging_was_found_good(record: Record) -> None:
    """That it runs there is not yet that it works there: the phase of staging says that."""
    doubt = record.doubt_about("staging")
    assert not doubt, doubt


@pytest.mark.check("manual-approval")
def test_an_authorized_person_approved(repository: Repository, environment: Environment) -> None:
    """Somebody from the list, who did not start the run."""
    decided, settings = repository.decided(), environment.repository
    assert settings is not None
    entitled = set(settings.approvers) - {decided.started_by}
    by = ", ".join(decided.approved_by) or "nobody"
    assert entitled & set(decided.approved_by), f"found it approved by {by}, not {sorted(entitled)}"
    assert not decided.rejected_by, f"found it rejected by {', '.join(decided.rejected_by)}"


@pytest.mark.check("manual-approval")
def test_production_waits_for_its_approvers(
    repository: Repository, environment: Environment
) -> None:
    """Without the rule, the approval of this run came about by good manners only."""
    assert environment.repository is not None
    reviewers = repository.reviewers()
    assert reviewers, (
        f"environment {environment.repository.production}: found no required reviewers"
    )


@pytest.mark.check("manual-approval")
def test_rollout_began_after_the_approval(repository: Repository, environment: Environment) -> None:
    """The approved run deploys; what was rolled out before it began had no approval."""
    assert environment.repository is not None
    deployment = repository.deployment(environment.repository.production)
    assert deployment.sha == repository.commit(), f"found commit {deployment.sha[:12]} deployed"
    if not deployment.waits:
        assert deployment.begun_at_s is not None, f"found it {deployment.state}, and never begun"
        early_s = deployment.begun_at_s - repository.deployed_at_s
        assert early_s <= 0, f"found the rollout begun {early_s:.0f} s before the approved run"
