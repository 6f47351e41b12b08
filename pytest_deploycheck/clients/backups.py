"""AWS's backups of the database and of the configuration: an instrument, asked through boto3.

An unknown database has an empty list of snapshots, without any error: nothing found is a failure of
the backup, never a pass.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import tarfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError

_YAML: Final = (".yaml", ".yml")
_OBJECTS: Final = (*_YAML, ".json", ".gz", ".tgz", ".tar")
"""What may hold objects; an archive has other files, as Velero's `metadata/version`."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A snapshot of the database."""

    name: str
    status: str
    age_s: float
    """Since it was begun: what came later is not in it."""
    size_gib: int | None
    """None: of Aurora, whose storage has no fixed size; AWS says 0 or 1 whatever is in it."""

    @property
    def is_empty(self) -> bool:
        """AWS says that there is nothing in it."""
        return self.size_gib is not None and self.size_gib <= 0

    def __str__(self) -> str:
        """Say what it is and how old."""
        size = "of no known size" if self.size_gib is None else f"{self.size_gib} GiB"
        return f"snapshot {self.name}: {self.status}, {size}, {self.age_s:.0f} s old"


@dataclasses.dataclass(frozen=True, kw_only=True)
class ConfigurationBackup:
    """A backup of the cluster's objects."""

    key: str
    age_s: float
    kinds: Mapping[str, int]
    """Kind of object → how many of it."""

    def missing(self, kinds: tuple[str, ...]) -> tuple[str, ...]:
        """Return the kinds of which it has no object."""
        return tuple(kind for kind in kinds if not self.kinds.get(kind))


class Backups:
    """Asks AWS; opened without I/O, safe to use from many threads.

    Args:
        settings: The environment's `[backups]`.
        user_agent: Who we say we are.
        clock: Unix seconds.
    """

    def __init__(
        self,
        settings: environment.Backups,
        *,
        user_agent: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.expected = settings
        self._user_agent = user_agent
        self._clock = clock
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}

    def database(self) -> Snapshot:
        """Return the newest snapshot of the database, whatever its status.

        Raises:
            SubjectError: There is none: the database was never backed up, or is called otherwise.
            InstrumentError: No usable answer.
        """
        return self.snapshots()[0]

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return every snapshot of the database, newest first, at least one.

        Raises:
            SubjectError: There is none: the database was never backed up, or is called otherwise.
            InstrumentError: No usable answer.
        """
        name = self.expected.database
        found = sorted(self._snapshots(), key=lambda snapshot: snapshot.age_s)
        evidence.note("backups", f"snapshots of {name}", "\n".join(map(str, found)) or "none")
        if not found:
            raise SubjectError(f"found no snapshot of the {self.expected.kind} {name}")
        return tuple(found)

    def configuration(self) -> ConfigurationBackup:
        """Return the newest backup of the configuration, read.

        Raises:
            SubjectError: There is none, or it is empty or cannot be read as objects.
            InstrumentError: No usable answer; it is larger than we read.
        """
        settings = self.expected
        place = f"s3://{settings.bucket}/{settings.prefix}"
        with self._asking("s3") as client:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=settings.bucket, Prefix=settings.prefix
            )
            found = [one for page in pages for one in page.get("Contents") or ()]
        if not found:
            raise SubjectError(f"found no object in {place}")
        newest = max(found, key=lambda one: one["LastModified"])
        key, size = str(newest["Key"]), int(newest["Size"])
        evidence.note("backups", f"newest of {len(found)} in {place}", f"{key}, {size} bytes")
        if size > settings.max_bytes:
            raise InstrumentError(
                f"{key}: found {size} bytes, expected at most {settings.max_bytes}"
            )
        with self._asking("s3") as client:
            body = client.get_object(Bucket=settings.bucket, Key=key)["Body"]
            data = body.read(settings.max_bytes + 1)
        return ConfigurationBackup(
            key=key,
            age_s=self._clock() - newest["LastModified"].timestamp(),
            kinds=_kinds(key, data, settings.max_bytes),
        )

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            clients, self._clients = self._clients, {}
        for client in clients.values():
            client.close()

    def _snapshots(self) -> list[Snapshot]:
        """Return every snapshot of the database, on all pages."""
        cluster = self.expected.kind == "cluster"
        operation, kind, identifier = (
            ("describe_db_cluster_snapshots", "DBClusterSnapshot", "DBClusterIdentifier")
            if cluster
            else ("describe_db_snapshots", "DBSnapshot", "DBInstanceIdentifier")
        )
        with self._asking("rds") as client:
            pages = client.get_paginator(operation).paginate(**{identifier: self.expected.database})
            return [
                self._snapshot(one, kind) for page in pages for one in page.get(f"{kind}s") or ()
            ]

    def _snapshot(self, found: Mapping[str, Any], kind: str) -> Snapshot:
        begun = found.get("SnapshotCreateTime")  # missing while it is being made
        has_size = not str(found.get("Engine")).startswith("aurora")
        return Snapshot(
            name=str(found.get(f"{kind}Identifier")),
            status=str(found.get("Status")),
            age_s=self._clock() - begun.timestamp() if begun else 0.0,
            size_gib=int(found.get("AllocatedStorage") or 0) if has_size else None,
        )

    @contextlib.contextmanager
    def _asking(self, service: Literal["rds", "s3"]) -> Iterator[Any]:
        """Hand out a client, and say in our words what goes wrong with it."""
        client = self._client(service)
        import botocore.exceptions  # type: ignore[import-untyped] # as shipped

        url = urlsplit(client.meta.endpoint_url)
        host = f"{url.hostname}:{url.port or (443 if url.scheme == 'https' else 80)}"
        try:
            yield client
        except botocore.exceptions.ClientError as error:
            evidence.answered(host)
            raise InstrumentError(f"{service}: {error}") from error
        except (botocore.exceptions.BotoCoreError, OSError) as error:
            evidence.silent(host)
            raise InstrumentError(f"{service} at {host}: no answer, {error}") from error
        evidence.answered(host)

    def _client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its classes as it runs
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._connected(service)
            return self._clients[service]

    def _connected(self, service: str) -> Any:  # noqa: ANN401 - as above
        try:
            import boto3  # type: ignore[import-untyped] # as shipped
            import botocore.config  # type: ignore[import-untyped] # as shipped
        except ModuleNotFoundError as error:
            raise InstrumentError(
                "boto3 is not installed: pip install 'pytest-deploycheck[aws]'"
            ) from error
        settings = self.expected
        keys = {}
        if settings.access_key_env is not None and settings.secret_key_env is not None:
            keys = {
                "aws_access_key_id": evidence.secret_from(settings.access_key_env),
                "aws_secret_access_key": evidence.secret_from(settings.secret_key_env),
            }
        return boto3.session.Session().client(
            service,
            region_name=settings.region,
            endpoint_url=settings.endpoint_url,
            verify=settings.ca_file,
            config=botocore.config.Config(
                connect_timeout=settings.timeout_s,
                read_timeout=settings.timeout_s,
                retries={"total_max_attempts": 2, "mode": "standard"},
                user_agent_extra=self._user_agent.split()[0],
                s3={"addressing_style": "path"} if settings.endpoint_url else None,
            ),
            **keys,
        )


def _kinds(key: str, data: bytes, max_bytes: int) -> Mapping[str, int]:
    """Count the objects in a backup by their kind.

    Raises:
        SubjectError: It is empty, or cannot be read as objects.
        InstrumentError: It unpacks to more than *max_bytes*.
    """
    kinds: dict[str, int] = {}
    try:
        for document in _documents(key, data, max_bytes):
            for one in _objects(document):
                kind = str(one.get("kind", ""))
                kinds[kind] = kinds.get(kind, 0) + 1
    except (
        ValueError,
        tarfile.TarError,
        gzip.BadGzipFile,
        zlib.error,
        EOFError,
        RecursionError,
    ) as error:
        raise SubjectError(f"{key}: cannot be read as Kubernetes objects ({error})") from error
    if not kinds:
        raise SubjectError(f"{key}: found no object in it")
    return kinds


def _documents(key: str, data: bytes, max_bytes: int) -> Iterator[object]:
    """Yield every JSON or YAML document of a file, packed or not."""
    name = key.lower()
    if name.endswith((".gz", ".tgz")):
        data = _unpacked(key, data, max_bytes)
        name = name.removesuffix(".gz").replace(".tgz", ".tar")
    if name.endswith(".tar"):
        with tarfile.open(fileobj=BytesIO(data)) as archive:
            for member in archive:
                readable = member.isfile() and member.name.lower().endswith(_OBJECTS)
                inner = archive.extractfile(member) if readable else None
                if inner is not None:
                    yield from _documents(member.name, inner.read(), max_bytes)
    elif name.endswith(_YAML):
        import yaml  # type: ignore[import-untyped] # as shipped; kubernetes brings it

        try:
            yield from yaml.safe_load_all(data)
        except yaml.YAMLError as error:
            raise ValueError(f"no YAML: {str(error).splitlines()[0]}") from error
    elif name.endswith(".json"):
        yield json.loads(data)
    else:
        raise ValueError("expected .json, .yaml or .tar, packed with gzip or not")


def _unpacked(key: str, data: bytes, max_bytes: int) -> bytes:
    with gzip.open(BytesIO(data)) as packed:  # also of several parts, one behind the other
        plain = packed.read(max_bytes + 1)
    if len(plain) > max_bytes:
        raise InstrumentError(f"{key}: unpacks to more than {max_bytes} bytes")
    return plain


def _objects(document: object) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of a document: itself, or those that it lists."""
    if isinstance(document, dict) and isinstance(document.get("items"), list):
        for one in document["items"]:
            yield from _objects(one)
    elif isinstance(document, dict) and document.get("kind"):
        yield document
    elif document is not None:
        raise ValueError(f"expected an object with a kind, found {evidence.shown(document)}")
