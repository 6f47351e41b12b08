"""AWS: the two questions about RDS snapshots and the two about a bucket, as boto3 asks them.

moto was tried first: its server adds 1.8 s to every rehearsal, and forty packages to what
users install; these four answers do without. Real boto3 against moto is in tests/integration.
"""

from __future__ import annotations

import dataclasses
import datetime
import gzip
import json
import time
from typing import Any, Final
from xml.sax.saxutils import escape

from pytest_deploycheck.sandbox.web import Request, Response

DATABASE: Final = "jorge-production-db"
BUCKET: Final = "jorge-platform-backups"
PREFIX: Final = "configurations/"
RESTORED: Final = f"{DATABASE}-weekly"
"""The snapshot that was restored for a test."""
KINDS: Final = (
    "Deployment",
    "StatefulSet",
    "Service",
    "Ingress",
    "ConfigMap",
    "HorizontalPodAutoscaler",
    "NetworkPolicy",
)
_RDS: Final = "http://rds.amazonaws.com/doc/2014-10-31/"
_S3: Final = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclasses.dataclass(kw_only=True)
class Snapshot:
    """A snapshot of a database instance."""

    name: str
    age_s: float
    status: str = "available"
    size_gib: int = 50
    database: str = DATABASE
    encrypted: bool = True


@dataclasses.dataclass(kw_only=True)
class Vault:
    """What is backed up; faults change it."""

    access_key: str
    snapshots: list[Snapshot]
    objects: dict[str, tuple[float, bytes]]
    """Key in the bucket → age in seconds, and content."""


def healthy(access_key: str) -> Vault:
    """Return a vault with recent backups; RDS lists snapshots oldest first."""
    return Vault(
        access_key=access_key,
        snapshots=[
            Snapshot(name=RESTORED, age_s=3 * 86_400),
            Snapshot(name="jorge-production-db-yesterday", age_s=86_400),
            Snapshot(name="jorge-production-db-before-release", age_s=1_500),
        ],
        objects={
            f"{PREFIX}config-2.json.gz": (5_400, manifests(KINDS)),
            f"{PREFIX}config-3.json.gz": (1_800, manifests(KINDS)),
        },
    )


def manifests(kinds: tuple[str, ...]) -> bytes:
    """Return a backup of the configuration that holds an object of each kind."""
    items = [{"apiVersion": "v1", "kind": kind, "metadata": {"name": "one"}} for kind in kinds]
    return gzip.compress(json.dumps({"kind": "List", "items": items}).encode())


def answer(vault: Vault, request: Request) -> Response:
    """Answer as RDS where an action is asked for, else as S3."""
    if f"Credential={vault.access_key}/" not in request.headers.get("authorization", ""):
        return _error("InvalidClientTokenId", 403)
    action = request.query.get("Action")
    if action == "DescribeDBSnapshots":
        return _snapshots(vault, request.query.get("DBInstanceIdentifier"))
    if action == "DescribeDBClusterSnapshots":
        return _rds("DescribeDBClusterSnapshots", "<DBClusterSnapshots></DBClusterSnapshots>")
    if action is not None:
        return _error("InvalidAction", 400)
    bucket, _, key = request.path.lstrip("/").partition("/")
    if bucket != BUCKET:
        return _error("NoSuchBucket", 404)
    return _object(vault, key) if key else _listed(vault, request.query.get("prefix", ""))


def _snapshots(vault: Vault, database: str | None) -> Response:
    """List the snapshots of a database; of an unknown one there are none, and that is no error."""
    found = "".join(
        f"<DBSnapshot>{_fields(snapshot)}</DBSnapshot>"
        for snapshot in vault.snapshots
        if database in (None, snapshot.database)
    )
    return _rds("DescribeDBSnapshots", f"<DBSnapshots>{found}</DBSnapshots>")


def _fields(snapshot: Snapshot) -> str:
    fields: dict[str, Any] = {
        "DBSnapshotIdentifier": snapshot.name,
        "DBInstanceIdentifier": snapshot.database,
        "SnapshotCreateTime": _time(snapshot.age_s),
        "Status": snapshot.status,
        "AllocatedStorage": snapshot.size_gib,
        "Encrypted": str(snapshot.encrypted).lower(),
        "SnapshotType": "manual",
        "Engine": "postgres",
    }
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())


def _listed(vault: Vault, prefix: str) -> Response:
    entries = "".join(
        f"<Contents><Key>{escape(key)}</Key><LastModified>{_time(age_s)}</LastModified>"
        f"<Size>{len(data)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        for key, (age_s, data) in vault.objects.items()
        if key.startswith(prefix)
    )
    return _xml(
        f'<ListBucketResult xmlns="{_S3}"><Name>{BUCKET}</Name><Prefix>{escape(prefix)}</Prefix>'
        f"<IsTruncated>false</IsTruncated>{entries}</ListBucketResult>"
    )


def _object(vault: Vault, key: str) -> Response:
    if key not in vault.objects:
        return _error("NoSuchKey", 404)
    age_s, data = vault.objects[key]
    when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - age_s))
    return Response(
        body=data, media_type="application/octet-stream", headers={"Last-Modified": when}
    )


def _rds(action: str, inner: str) -> Response:
    return _xml(
        f'<{action}Response xmlns="{_RDS}"><{action}Result>{inner}</{action}Result>'
        f"<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></{action}Response>"
    )


def _error(code: str, status: int) -> Response:
    body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>"
    wrapped = f"<ErrorResponse>{body}</ErrorResponse>" if status in (400, 403) else body
    return dataclasses.replace(_xml(wrapped), status=status)


def _xml(text: str) -> Response:
    return Response(body=f'<?xml version="1.0" encoding="UTF-8"?>{text}', media_type="text/xml")


def _time(age_s: float) -> str:
    when = datetime.datetime.fromtimestamp(time.time() - age_s, datetime.UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%S.000Z")
