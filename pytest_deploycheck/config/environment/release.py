"""What a release comes with: the pipeline's reports, the code host, backups, the calendar."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from pytest_deploycheck.config.environment.http import Http
from pytest_deploycheck.config.environment.tables import OWNED, Seconds, Table, Url


class Artifact(Table):
    """One report that the pipeline left."""

    path: str
    """Below the folder."""
    format: Literal[
        "bandit", "benchmark", "cobertura", "detect-secrets", "drill", "junit", "k6", "locust",
        "pip-audit", "restore", "safety", "sarif", "semgrep", "trivy",
    ]  # fmt: skip
    max_age_s: Seconds | None = Field(default=None, alias="max_age")
    """Where it may be older than the others."""
    expect: tuple[str, ...] = ()
    """Of tests: parts of names; a passed test must have each of them in its name."""
    of_release: bool = True
    """It is about this release's commit or image; False: about procedures, as a drill is."""


class Artifacts(Table):
    """The reports of the pipeline, in a folder: an instrument."""

    folder: str
    manifest: str = "manifest.json"
    """Names release, commit, digest, and each report's checksum."""
    max_age_s: Seconds = Field(default=86_400.0, alias="max_age")
    """How long ago the tool may have run."""
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    """The largest report that is read."""
    files: dict[str, Artifact]
    """By the name that the suites use."""


class Registry(Http):
    """The image registry, asked by the OCI distribution API."""

    hosts: tuple[str, ...] = Field(min_length=1)
    """How image references begin that it holds, for example `ghcr.io`."""


class Repository(Http):
    """The code host, by GitHub's REST API: an instrument."""

    name: str = Field(pattern=OWNED)
    """`owner/repository`."""
    branch: str = "main"
    tag: str = "v{release}"
    """How a release's commit is found: `{release}` is put in."""
    workflow: str
    """File name of the pipeline, for example `deploy.yml`."""
    required_jobs: tuple[str, ...] = Field(min_length=1)
    staging: str = "staging"
    """Name of the code host's environment for it."""
    production: str = "production"
    """The same."""
    digest_key: str = "digest"
    """Where the payload of a deployment has the image's digest."""
    approvers: tuple[str, ...] = Field(min_length=1)
    """Logins of who may approve a production deployment."""
    registry: Registry | None = None


class Backups(Table):
    """AWS: an instrument."""

    region: str
    endpoint_url: Url | None = None
    """None: Amazon's."""
    access_key_env: str | None = None
    """Environment variable; None: boto3's usual chain, for example the pod's role."""
    secret_key_env: str | None = None
    """The same."""
    ca_file: str | None = None
    timeout_s: Seconds = Field(default=10.0, alias="timeout")
    database: str
    """Identifier of the RDS instance, or of the Aurora cluster."""
    kind: Literal["instance", "cluster"] = "instance"
    bucket: str
    prefix: str = ""
    """Where the backups of the configuration lie."""
    kinds: tuple[str, ...] = Field(min_length=1)
    """Every kind of object that a backup of the configuration must hold."""
    max_bytes: int = Field(default=64 * 1024 * 1024, gt=0)
    """The largest backup of the configuration that is read, packed and unpacked."""


class Change(Table):
    """When the platform may be changed."""

    calendar: str
    """Path of the file with the windows and the days without changes."""
