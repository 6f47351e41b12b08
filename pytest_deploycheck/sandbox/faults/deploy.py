"""What went past the gates: unreviewed, unbuilt, unstaged, unapproved, or at the wrong time."""

from __future__ import annotations

import datetime
from typing import Any, Final

from pytest_deploycheck.domain.words import Verdict
from pytest_deploycheck.sandbox import artifacts, github
from pytest_deploycheck.sandbox.faults.day import REGRESSION
from pytest_deploycheck.sandbox.faults.fault import fault
from pytest_deploycheck.sandbox.faults.pre_deploy.items import PIPELINE, RECOVERY, STAGED, WAY_BACK
from pytest_deploycheck.sandbox.platform import RELEASE, Platform

REVIEW: Final = "deploy/code-review"
APPROVAL: Final = "deploy/manual-approval"
WINDOW: Final = "deploy/deployment-window"
BOARD: Final = "deploy/change-advisory-board"
WATCHED: Final = "deploy/monitoring-systems"

#: Who asks the code host anything.
_ASKING: Final = (REVIEW, PIPELINE, STAGED, APPROVAL, WAY_BACK, RECOVERY, REGRESSION)
_RUN: Final = f"actions/runs/{github.RUN}"
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@fault(REVIEW, verdict=Verdict.HOLD)
def commit_past_review(platform: Platform) -> None:
    """A commit of the release came to main without a pull request."""
    platform.code_host.answers[f"commits/{github.COMMIT}/pulls"] = []


@fault(REVIEW, verdict=Verdict.HOLD)
def approved_by_its_author(platform: Platform) -> None:
    """A pull request was approved by its own author only."""
    _review(platform)["user"]["login"] = github.AUTHOR


@fault(REVIEW, verdict=Verdict.HOLD)
def approved_by_a_reader(platform: Platform) -> None:
    """A pull request was approved only by somebody who may not push, as anybody can."""
    reader = {"permission": "read", "role_name": "triage"}
    platform.code_host.answers[f"collaborators/{github.REVIEWER}/permission"] = reader


@fault(REVIEW, verdict=Verdict.HOLD)
def approval_of_older_commit(platform: Platform) -> None:
    """A pull request was changed after its approval."""
    _review(platform)["commit_id"] = "d" * 40


@fault(REVIEW, verdict=Verdict.HOLD)
def reviewer_objects(platform: Platform) -> None:
    """One reviewer approved a pull request, another asked for changes."""
    objection = {"user": {"login": "ines-dev", "type": "User"}, "state": "CHANGES_REQUESTED"}
    platform.code_host.answers["pulls/42/reviews"].append(objection | {"commit_id": "f" * 40})


@fault(REVIEW, verdict=Verdict.HOLD)
def changes_cut_short(platform: Platform) -> None:
    """The code host returns fewer commits than it says there are."""
    _answer(platform, f"compare/{github.PREVIOUS_COMMIT}...{github.COMMIT}")["total_commits"] = 9


@fault(PIPELINE, verdict=Verdict.HOLD)
def pipeline_by_hand(platform: Platform) -> None:
    """The pipeline was started by hand."""
    _run(platform)["event"] = "workflow_dispatch"


@fault(PIPELINE, verdict=Verdict.HOLD)
def required_job_failed(platform: Platform) -> None:
    """The integration tests' job failed, and the pipeline went on."""
    _job(platform, "integration")["conclusion"] = "failure"


@fault(PIPELINE, verdict=Verdict.HOLD)
def required_job_missing(platform: Platform) -> None:
    """The pipeline has no security job any more."""
    jobs = _answer(platform, f"{_RUN}/attempts/1/jobs")["jobs"]
    jobs.remove(_job(platform, "security"))


@fault(PIPELINE, verdict=Verdict.HOLD)
def failure_masked(platform: Platform) -> None:
    """A step of the security job failed and was let through."""
    _job(platform, "security")["steps"][0]["conclusion"] = "failure"


@fault(PIPELINE, verdict=Verdict.HOLD)
def reports_of_another_commit(platform: Platform) -> None:
    """The pipeline built a commit other than the one that the release's tag names."""
    platform.reports.manifest["commit"] = "c" * 40


@fault(PIPELINE, APPROVAL, verdict=Verdict.HOLD)
def pipeline_never_ran(platform: Platform) -> None:
    """The pipeline never ran for the release's commit."""
    _answer(platform, "actions/workflows/deploy.yml/runs")["workflow_runs"] = []


@fault(STAGED, verdict=Verdict.HOLD)
def staging_deployment_failed(platform: Platform) -> None:
    """The deployment to staging failed."""
    _statuses(platform, 902)[0]["state"] = "failure"


@fault(STAGED, verdict=Verdict.HOLD)
def staging_runs_another_commit(platform: Platform) -> None:
    """Something else was deployed to staging since."""
    _deployment(platform, 902)["sha"] = "b" * 40


@fault(STAGED, verdict=Verdict.HOLD)
def staging_runs_another_image(platform: Platform) -> None:
    """Staging runs another build of the same commit."""
    _deployment(platform, 902)["payload"]["digest"] = f"sha256:{'2' * 64}"


@fault(STAGED, verdict=Verdict.HOLD)
def release_tag_moved(platform: Platform) -> None:
    """The image's tag in the registry was moved to another build."""
    platform.code_host.images[f"{github.NAME}:{RELEASE}"] = f"sha256:{'3' * 64}"


@fault(APPROVAL, verdict=Verdict.HOLD)
def approved_by_a_stranger(platform: Platform) -> None:
    """The production deployment was approved by somebody who may not."""
    _answer(platform, f"{_RUN}/approvals")[0]["user"]["login"] = "interim-admin"


@fault(APPROVAL, verdict=Verdict.HOLD)
def approval_rejected(platform: Platform) -> None:
    """The production deployment was rejected."""
    _answer(platform, f"{_RUN}/approvals")[0]["state"] = "rejected"


@fault(APPROVAL, verdict=Verdict.HOLD)
def approval_awaited(platform: Platform) -> None:
    """The pipeline still waits for somebody to approve the production deployment."""
    platform.code_host.answers[f"{_RUN}/approvals"] = []
    pending = [{"environment": {"name": "production"}}]
    platform.code_host.answers[f"{_RUN}/pending_deployments"] = pending


@fault(APPROVAL, verdict=Verdict.HOLD)
def approval_not_required(platform: Platform) -> None:
    """The production environment has no required reviewers any more."""
    _answer(platform, "environments/production")["protection_rules"] = []


@fault(APPROVAL, verdict=Verdict.HOLD)
def rolled_out_before_approval(platform: Platform) -> None:
    """The rollout began five minutes before the approved run did."""
    begun = datetime.datetime.fromtimestamp(platform.deployed_at_s + 300, datetime.UTC)
    _statuses(platform, 903)[0]["created_at"] = begun.strftime("%Y-%m-%dT%H:%M:%SZ")


@fault(APPROVAL, verdict=Verdict.HOLD)
def deployment_without_history(platform: Platform) -> None:
    """The code host tells nothing of what became of the production deployment."""
    _statuses(platform, 903).clear()


@fault(*_ASKING, verdict=Verdict.HOLD)
def code_host_refuses_us(platform: Platform) -> None:
    """The code host does not know our token."""
    platform.code_host.token = "another"  # noqa: S105 - known to everyone


@fault(*_ASKING, verdict=Verdict.HOLD)
def code_host_answers_html(platform: Platform) -> None:
    """A proxy answers for the code host, with a friendly page."""
    server = platform.servers["repository"]
    server.status, server.media_type = 200, "text/html"
    server.body = "<html><title>Sign in</title></html>"


@fault(WINDOW, verdict=Verdict.HOLD)
def outside_the_window(platform: Platform) -> None:
    """The change calendar has its windows on other days."""
    began = datetime.datetime.fromtimestamp(platform.deployed_at_s, datetime.UTC)
    other = _DAYS[(began.weekday() + 3) % 7]
    platform.reports.calendar = artifacts.calendar(days=f'"{other}"')


@fault(WINDOW, verdict=Verdict.HOLD)
def day_is_frozen(platform: Platform) -> None:
    """The change calendar has a freeze that includes the day of the deployment."""
    began = datetime.datetime.fromtimestamp(platform.deployed_at_s, datetime.UTC).date()
    first, last = began - datetime.timedelta(days=1), began + datetime.timedelta(days=1)
    platform.reports.calendar = artifacts.calendar(freeze=(f"{first}", f"{last}"))


@fault(WINDOW, verdict=Verdict.HOLD)
def calendar_unreadable(platform: Platform) -> None:
    """The change calendar is no TOML."""
    platform.reports.calendar = "<html>Sign in</html>"


@fault(BOARD, verdict=Verdict.HOLD)
def change_unapproved(platform: Platform) -> None:
    """Nobody says that the change advisory board approved."""
    platform.unsay(BOARD)


@fault(WATCHED, verdict=Verdict.HOLD)
def critical_alert_fires(platform: Platform) -> None:
    """A critical alert fires before the deployment."""
    now = datetime.datetime.now(datetime.UTC)
    platform.watching.alerting.alerts.append(
        {
            "labels": {"alertname": "HighErrorRate", "severity": "critical"},
            "startsAt": (now - datetime.timedelta(minutes=9)).isoformat(),
            "endsAt": (now + datetime.timedelta(hours=1)).isoformat(),
            "posted_s": now.timestamp() - 540,
        }
    )


@fault(WATCHED, "monitoring/alertmanager", verdict=Verdict.HOLD)
def alertmanager_unsettled(platform: Platform) -> None:
    """Alertmanager has not found its peers, and holds its notifications back."""
    platform.watching.alerting.cluster = "settling"


def _answer(platform: Platform, path: str) -> Any:  # noqa: ANN401 - any JSON
    return platform.code_host.answers[path]


def _review(platform: Platform) -> dict[str, Any]:
    review: dict[str, Any] = _answer(platform, "pulls/42/reviews")[0]
    return review


def _run(platform: Platform) -> dict[str, Any]:
    run: dict[str, Any] = _answer(platform, "actions/workflows/deploy.yml/runs")["workflow_runs"][0]
    return run


def _job(platform: Platform, name: str) -> dict[str, Any]:
    jobs = _answer(platform, f"{_RUN}/attempts/1/jobs")["jobs"]
    return next(job for job in jobs if job["name"] == name)


def _deployment(platform: Platform, number: int) -> dict[str, Any]:
    return next(one for one in _answer(platform, "deployments") if one["id"] == number)


def _statuses(platform: Platform, number: int) -> list[dict[str, Any]]:
    statuses: list[dict[str, Any]] = _answer(platform, f"deployments/{number}/statuses")
    return statuses
