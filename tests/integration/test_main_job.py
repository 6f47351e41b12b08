"""The main job on real input: real Prometheus, nginx, PostgreSQL and Redis decide a deployment."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from pytest_deploycheck import sandbox
from pytest_deploycheck.sandbox.foundations import MIGRATION_HEAD
from tests.integration import servers
from tests.integration.histories import SERVICES, between, platform_history

ROOT = Path(__file__).parents[2]
SCHEMA = (
    "CREATE TABLE alembic_version (version_num text); "  # noqa: S608 - our own constant
    f"INSERT INTO alembic_version VALUES ('{MIGRATION_HEAD}')"
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class World:
    """Everything that runs but Prometheus, which each test has its own history for."""

    folder: Path
    environment: str
    """The file's text, without Prometheus."""
    variables: dict[str, str]
    deployed_at_s: float

    def run(self, prometheus_url: str) -> tuple[int, dict[str, Any], str]:
        """Run the job as a user would; return exit code, verdict and output."""
        file = self.folder / "real.toml"
        file.write_text(f'{self.environment}\n[prometheus]\nurl = "{prometheus_url}"\n')
        deployed_at = datetime.datetime.fromtimestamp(self.deployed_at_s, datetime.UTC)
        reports = self.folder / "reports"
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", "-m", "post_5min", f"--env={file}",
                f"--deploycheck-deployed-at={deployed_at.isoformat()}",
                f"--deploycheck-reports={reports}", "-p", "no:cacheprovider",
            ],
            cwd=ROOT, env={**os.environ, **self.variables}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        verdict = reports / "latest" / "verdict.json"
        assert verdict.is_file(), done.stdout + done.stderr
        return done.returncode, json.loads(verdict.read_text()), done.stdout + done.stderr

    @contextlib.contextmanager
    def prometheus(self, **history: Any) -> Iterator[str]:  # noqa: ANN401 - functions and numbers
        """Run Prometheus with a history of the platform."""
        now_s = time.time()
        from_s, until_s = self.deployed_at_s - 3600, now_s + 900
        text = platform_history(from_s, until_s, jobs=SERVICES, **history)
        with servers.prometheus(self.folder, text) as url:
            yield url


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The cluster's API and the platform from the sandbox, the platform behind a real nginx."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    certificate, key, ca_file = (tmp_path / name for name in ("cert.pem", "key.pem", "ca.pem"))
    certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(ca_file)
    with (
        sandbox.start() as platform,
        servers.redis(tmp_path, password="cache-secret") as cache_url,
        servers.postgres(password="database-secret", schema=SCHEMA) as database,
    ):
        of = {
            name.removeprefix("DEPLOYCHECK_SANDBOX_"): value
            for name, value in platform.variables.items()
        }
        proxies = f"location / {{ proxy_pass {of['API_URL']}; proxy_ssl_verify off; }}"
        pages = f"location / {{ proxy_pass {of['FRONTEND_URL']}; proxy_ssl_verify off; }}"
        (tmp_path / "pages").mkdir()
        with (
            servers.nginx(tmp_path, certificate=certificate, key=key, locations=proxies) as api,
            servers.nginx(
                tmp_path / "pages", certificate=certificate, key=key, locations=pages
            ) as frontend,
        ):
            yield World(
                folder=tmp_path,
                deployed_at_s=time.time() - 390,
                variables={
                    "REAL_USER": of["USERNAME"],
                    "REAL_PASSWORD": of["PASSWORD"],
                    "REAL_EXPIRED_TOKEN": of["EXPIRED_TOKEN"],
                    "REAL_CLUSTER_TOKEN": of["CLUSTER_TOKEN"],
                    "REAL_DSN": database.dsn(),
                    "REAL_CACHE_URL": cache_url,
                },
                environment=f"""\
extends = "base"
allow_writes = ["post_5min/redis-cache"]
[api]
url = "https://localhost:{api}"
ca_file = "{ca_file}"
rate_per_s = 50
username_env = "REAL_USER"
password_env = "REAL_PASSWORD"
expired_token_env = "REAL_EXPIRED_TOKEN"
[frontend]
url = "https://localhost:{frontend}"
ca_file = "{ca_file}"
rate_per_s = 50
[cluster]
server = "{of["CLUSTER_URL"]}"
ca_file = "{of["CA_FILE"]}"
token_env = "REAL_CLUSTER_TOKEN"
ingresses = [{{ name = "jorge-revenue-api-ingress", host = "localhost" }}]
[alertmanager]
url = "http://127.0.0.1:9"
[grafana]
url = "http://127.0.0.1:9"
[database]
dsn_env = "REAL_DSN"
[cache]
url_env = "REAL_CACHE_URL"
""",
            )


def test_a_healthy_deployment_proceeds(world: World) -> None:
    """Every item has positive evidence from real servers."""
    with world.prometheus() as url:
        code, verdict, text = world.run(url)
    assert (code, verdict["verdict"]) == (0, "PROCEED"), text
    assert len(verdict["items"]) == 13


def test_an_error_burst_in_a_real_prometheus_rolls_back(world: World) -> None:
    """Over two minutes above 5 %: ROLLBACK at once, with found, limit and duration."""
    burst = between(time.time() - 200, time.time() + 900, 0.09, 0.002)
    with world.prometheus(error_ratio=burst) as url:
        code, verdict, text = world.run(url)
    assert (code, verdict["verdict"]) == (20, "ROLLBACK"), text
    reason = verdict["reasons"][0]
    assert (reason["item"], reason["trigger"]) == (
        "rollback/critical-error-rate",
        "critical-error-rate",
    )
    assert "limit at most 5 %" in reason["text"]
    assert "9 %" in reason["text"]
    trigger = next(t for t in verdict["triggers"] if t["id"] == "critical-error-rate")
    assert trigger["state"] == "FIRING"
    assert trigger["held_s"] >= trigger["hold_s"] == 120.0


def test_a_stopped_prometheus_holds(world: World) -> None:
    """No instrument, no evidence: HOLD, and no trigger fires for it."""
    with world.prometheus() as url:
        pass
    code, verdict, text = world.run(url)
    assert (code, verdict["verdict"]) == (11, "HOLD"), text
    assert all(trigger["state"] == "INACTIVE" for trigger in verdict["triggers"])
