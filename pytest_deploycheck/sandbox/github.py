"""The code host: GitHub's REST API over what happened to two releases, and its image registry."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import re
from collections.abc import Mapping
from typing import Any, Final

from pytest_deploycheck.sandbox.web import Request, Response

NAME: Final = "jorge-salas/revenue-platform"
IMAGE: Final = f"ghcr.io/{NAME}"
COMMIT: Final = "7f3c2a9be1d04c58a6b2f90e4d817c35ab60e9d2"
PREVIOUS_COMMIT: Final = "1a9d4e07c3b8f652e0d7a1b4c96f38d25e7b04f1"
FIRST_COMMIT: Final = "5be80c41d7f92a36b1c4e8d0f7a2935c6e1b8d47"
"""Of the two commits between both releases, the older one."""
DIGEST: Final = f"sha256:{'0' * 64}"
PREVIOUS_DIGEST: Final = f"sha256:{'1' * 64}"
RUN: Final = 7001
JOBS: Final = ("lint", "unit", "integration", "security", "build", "deploy-staging")
AUTHOR, REVIEWER, APPROVER = "mara-dev", "tomas-dev", "ops-lead"
PROCEDURE: Final = "docs/recovery.md"

_LISTS: Final = ("workflow_runs", "jobs", "commits")
"""Where an object that comes in pages has its list."""


@dataclasses.dataclass(kw_only=True)
class CodeHost:
    """What the code host knows; faults change it."""

    token: str
    answers: dict[str, Any]
    """Path below the repository → JSON, or text of a file."""
    images: dict[str, str]
    """`name:tag` → digest."""


def healthy(deployed_at_s: float, *, token: str, release: str, previous: str) -> CodeHost:
    """Return a release of two reviewed pull requests, built, staged, approved and deployed.

    Args:
        deployed_at_s: When its rollout started, in Unix seconds.
        token: That a client must bring.
        release: The one that was deployed, and *previous* the one before.
        previous: See *release*.
    """

    def at(before_s: float) -> str:
        when = datetime.datetime.fromtimestamp(deployed_at_s - before_s, datetime.UTC)
        return when.strftime("%Y-%m-%dT%H:%M:%SZ")

    def commit(sha: str) -> dict[str, Any]:
        return {"sha": sha, "author": {"login": AUTHOR, "type": "User"}, "commit": {}}

    def pull(number: int, title: str, head: str) -> list[dict[str, Any]]:
        merged = {"merged_at": at(7200), "base": {"ref": "main"}, "head": {"sha": head}}
        return [{"number": number, "title": title, "user": {"login": AUTHOR}} | merged]

    def review(head: str) -> list[dict[str, Any]]:
        user = {"login": REVIEWER, "type": "User"}
        return [{"user": user, "state": "APPROVED", "commit_id": head, "submitted_at": at(7500)}]

    def deployment(number: int, environment: str, sha: str, digest: str) -> dict[str, Any]:
        payload = {"digest": digest}
        place = {"environment": environment, "payload": payload, "created_at": at(3600)}
        return {"id": number, "sha": sha, "ref": "main"} | place

    def statuses(*states: tuple[str, float]) -> list[dict[str, Any]]:
        return [{"state": state, "created_at": at(before_s)} for state, before_s in states]

    run = {
        "id": RUN,
        "name": "Deploy",
        "head_sha": COMMIT,
        "head_branch": "main",
        "event": "push",
        "status": "in_progress",
        "conclusion": None,
        "run_attempt": 1,
        "created_at": at(7100),
        "actor": {"login": AUTHOR},
    }
    jobs = [
        {
            "name": name,
            "status": "completed",
            "conclusion": "success",
            "steps": [{"name": f"Run {name}", "conclusion": "success"}],
        }
        for name in JOBS
    ]
    answers: dict[str, Any] = {
        f"commits/tags/v{release}": commit(COMMIT),
        f"commits/tags/v{previous}": commit(PREVIOUS_COMMIT),
        f"compare/{PREVIOUS_COMMIT}...{COMMIT}": {
            "status": "ahead",
            "total_commits": 2,
            "commits": [commit(FIRST_COMMIT), commit(COMMIT)],
        },
        f"commits/{FIRST_COMMIT}/pulls": pull(41, "Answer sellers in Spanish", "e" * 40),
        f"commits/{COMMIT}/pulls": pull(42, "Score leads by area", "f" * 40),
        "pulls/41/reviews": review("e" * 40),
        "pulls/42/reviews": review("f" * 40),
        f"collaborators/{REVIEWER}/permission": {"permission": "write", "role_name": "write"},
        "actions/workflows/deploy.yml/runs": {"total_count": 1, "workflow_runs": [run]},
        f"actions/runs/{RUN}/attempts/1/jobs": {"total_count": len(jobs), "jobs": jobs},
        f"actions/runs/{RUN}/approvals": [
            {
                "state": "approved",
                "comment": "",
                "user": {"login": APPROVER, "type": "User"},
                "environments": [{"id": 2, "name": "production"}],
            }
        ],
        f"actions/runs/{RUN}/pending_deployments": [],
        "environments/production": {
            "name": "production",
            "protection_rules": [
                {
                    "type": "required_reviewers",
                    "prevent_self_review": True,
                    "reviewers": [{"type": "User", "reviewer": {"login": APPROVER}}],
                }
            ],
        },
        "deployments": [
            deployment(903, "production", COMMIT, DIGEST),
            deployment(902, "staging", COMMIT, DIGEST),
            deployment(901, "production", PREVIOUS_COMMIT, PREVIOUS_DIGEST),
        ],
        "deployments/903/statuses": statuses(("in_progress", 60), ("waiting", 3000)),
        "deployments/902/statuses": statuses(("success", 3500), ("in_progress", 3600)),
        "deployments/901/statuses": statuses(("inactive", 90), ("success", 20 * 86400)),
        f"contents/{PROCEDURE}": "# Recovery\n\n1. Restore the newest snapshot.\n",
    }
    images = {f"{NAME}:{release}": DIGEST, f"{NAME}:{previous}": PREVIOUS_DIGEST}
    return CodeHost(token=token, answers=answers, images=images)


def answer(host: CodeHost, request: Request) -> Response:
    """Answer as the code host, and below /v2 and /token as its registry."""
    if request.path == "/token":
        return _token(host, request)
    if request.path.startswith("/v2/"):
        return _manifest(host, request)
    if request.headers.get("authorization") != f"Bearer {host.token}":
        return Response.of({"message": "Bad credentials"}, status=401)
    found = host.answers.get(request.path.removeprefix(f"/repos/{NAME}/"))
    if found is None or request.method != "GET":
        return Response.of({"message": "Not Found"}, status=404)
    if isinstance(found, str):
        return Response(body=found, media_type="application/vnd.github.raw+json")
    return _page(_filtered(found, request.query), request)


def _filtered(found: Any, query: Mapping[str, str]) -> Any:  # noqa: ANN401 - any JSON
    """Keep what the query asks for, where it asks for something that we know."""
    wanted = {key: query[key] for key in ("environment", "head_sha") if key in query}

    def keep(rows: list[Any]) -> list[Any]:
        return [row for row in rows if all(row.get(k) == v for k, v in wanted.items())]

    if isinstance(found, list):
        return keep(found)
    return found | {key: keep(found[key]) for key in _LISTS if key in found and wanted}


def _page(found: Any, request: Request) -> Response:  # noqa: ANN401 - any JSON
    """Return one page of a list, with a link to the next."""
    key = next((key for key in _LISTS if isinstance(found, dict) and key in found), None)
    rows = found[key] if key else found
    if not isinstance(rows, list):
        return Response.of(found)
    size, number = int(request.query.get("per_page", 30)), int(request.query.get("page", 1))
    shown = rows[(number - 1) * size : number * size]
    headers = {}
    if number * size < len(rows):
        others = "&".join(f"{k}={v}" for k, v in request.query.items() if k != "page")
        url = f"http://{request.headers['host']}{request.path}?{others}&page={number + 1}"
        headers["Link"] = f'<{url}>; rel="next"'
    answered = Response.of(found | {key: shown} if key else shown)
    return dataclasses.replace(answered, headers=headers)


def _token(host: CodeHost, request: Request) -> Response:
    sent = request.headers.get("authorization", "").removeprefix("Basic ")
    try:
        password = base64.b64decode(sent).decode().partition(":")[2]
    except ValueError:
        password = ""
    if password != host.token:
        return Response.of({"errors": [{"code": "DENIED"}]}, status=403)
    return Response.of({"token": f"registry-{host.token}"})


def _manifest(host: CodeHost, request: Request) -> Response:
    if request.headers.get("authorization") != f"Bearer registry-{host.token}":
        realm = f'realm="http://{request.headers["host"]}/token",service="ghcr.io"'
        challenge = f'Bearer {realm},scope="repository:{NAME}:pull"'
        refusal = Response.of({"errors": [{"code": "UNAUTHORIZED"}]}, status=401)
        return dataclasses.replace(refusal, headers={"WWW-Authenticate": challenge})
    match = re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", request.path)
    digest = host.images.get(f"{match[1]}:{match[2]}") if match else None
    if digest is None:
        return Response.of({"errors": [{"code": "MANIFEST_UNKNOWN"}]}, status=404)
    return Response(
        media_type="application/vnd.oci.image.index.v1+json",
        headers={"Docker-Content-Digest": digest},
    )
