"""Backups as boto3 reads them, from moto's server: the wire is AWS's, not ours."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
from collections.abc import Iterator
from typing import Any, Final

import boto3  # type: ignore[import-untyped] # as shipped
import pytest
from moto.server import ThreadedMotoServer

from pytest_deploycheck.clients.backups import Backups
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError, SubjectError

BUCKET: Final = "backups"
LIST: Final = {"kind": "List", "items": [{"kind": "Service"}, {"kind": "Ingress"}]}


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    """The URL of an AWS of our own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any key is good enough for moto."""
    monkeypatch.setenv("AWS_KEY", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET", "not-a-secret")


def client(aws: str, service: str) -> Any:  # noqa: ANN401 - boto3 makes its classes as it runs
    """A client that sets things up."""
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=aws,
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )


def backups(aws: str, clock_s: float | None = None, **changes: Any) -> Backups:  # noqa: ANN401
    """The client under test."""
    settings = {
        "region": "us-east-1",
        "endpoint_url": aws,
        "access_key_env": "AWS_KEY",
        "secret_key_env": "AWS_SECRET",
        "database": "unknown",
        "bucket": BUCKET,
        "kinds": ("Service", "Ingress"),
    }
    return Backups(
        environment.Backups(**(settings | changes)),
        user_agent="deploycheck-tests/1",
        clock=lambda: time.time() if clock_s is None else clock_s,
    )


def snapshots(aws: str, kind: str, name: str, *, count: int) -> None:
    """Make a database and take snapshots of it."""
    rds = client(aws, "rds")
    login = {"MasterUsername": "admin", "MasterUserPassword": "not-a-secret"}
    if kind == "cluster":
        rds.create_db_cluster(DBClusterIdentifier=name, Engine="aurora-postgresql", **login)
        for index in range(count):
            rds.create_db_cluster_snapshot(
                DBClusterIdentifier=name, DBClusterSnapshotIdentifier=f"{name}-{index}"
            )
        return
    rds.create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=50,
        **login,
    )
    for index in range(count):
        rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=f"{name}-{index}")


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_newest_snapshot_is_found_behind_a_hundred_others(aws: str, kind: str) -> None:
    """RDS pages its lists; the newest of all is returned, with its age and size."""
    name = f"many-{kind}"
    snapshots(aws, kind, name, count=104)
    hour_later = backups(aws, time.time() + 3_600, database=name, kind=kind).database()
    assert hour_later.name.startswith(f"{name}-")
    assert hour_later.status == "available"
    assert 3_599 < hour_later.age_s < 3_700
    assert hour_later.size_gib == (50 if kind == "instance" else None)
    assert not hour_later.is_empty
    assert len(backups(aws, database=name, kind=kind).snapshots()) >= 104


@pytest.mark.parametrize("kind", ["instance", "cluster"])
def test_an_unknown_database_was_never_backed_up(aws: str, kind: str) -> None:
    """AWS answers an empty list without any error; `--max-records 1` would have passed it."""
    with pytest.raises(SubjectError, match=f"found no snapshot of the {kind} nobody"):
        backups(aws, database="nobody", kind=kind).database()


def packed(names: dict[str, bytes]) -> bytes:
    """A tar archive of these files."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in names.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("config.json", json.dumps(LIST).encode()),
        ("config.json.gz", gzip.compress(json.dumps(LIST).encode())),
        (
            "config.yaml.gz",
            gzip.compress(b"kind: Service\n---\n") + gzip.compress(b"kind: Ingress"),
        ),
        ("config.yaml", b"kind: Service\n---\nkind: Ingress\n---\n"),
        ("config.tar.gz", packed({"a.yaml": b"kind: Service\n", "b.json": b'{"kind":"Ingress"}'})),
        (
            "velero.tar.gz",
            packed(
                {
                    "metadata/version": b"1.1.0\n",
                    "resources/services/namespaces/a/a.json": b'{"kind":"Service"}',
                    "resources/ingresses/namespaces/a/a.json": b'{"kind":"Ingress"}',
                }
            ),
        ),
    ],
    ids=["json", "gzip", "gzip of two parts", "yaml", "tar", "as Velero leaves it"],
)
def test_configuration_backup_is_read(aws: str, key: str, data: bytes) -> None:
    """In each of the forms that backup jobs leave, and only below the prefix."""
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket=BUCKET)
    prefix = f"{key}/"
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}{key}", Body=data)
    s3.put_object(Bucket=BUCKET, Key="other/newer.json", Body=b"{}")
    found = backups(aws, prefix=prefix).configuration()
    assert found.key == f"{prefix}{key}"
    assert dict(found.kinds) == {"Service": 1, "Ingress": 1}
    assert found.age_s < 120
    assert found.missing(("Service", "Deployment")) == ("Deployment",)


@pytest.mark.parametrize(
    ("key", "data", "said"),
    [
        ("empty.json", b"", "cannot be read"),
        ("nothing.json", b'{"kind": "List", "items": []}', "found no object"),
        ("cut.json.gz", gzip.compress(json.dumps(LIST).encode())[:-9], "ended before the end"),
        ("torn.json.gz", gzip.compress(json.dumps(LIST).encode()) + b"torn", "Not a gzipped file"),
        ("page.json", b"<html></html>", "cannot be read"),
        ("secret.json.gpg", b"\x85\x01\x0c", "expected .json, .yaml or .tar"),
        ("broken.yaml", b"a: [", "no YAML"),
        ("other.tgz", packed({"README": b"no"}), "found no object"),
    ],
    ids=["empty", "nothing", "cut", "torn", "page", "encrypted", "broken", "other"],
)
def test_useless_configuration_backup_fails(aws: str, key: str, data: bytes, said: str) -> None:
    """A file that is there, and holds no objects, is no backup."""
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=f"bad/{key}/{key}", Body=data)
    with pytest.raises(SubjectError, match=said):
        backups(aws, prefix=f"bad/{key}/").configuration()


def test_gigabytes_are_not_read(aws: str) -> None:
    """Neither as they lie there, nor when they unpack."""
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="large/one.json.gz", Body=gzip.compress(b" " * 100_000))
    with pytest.raises(InstrumentError, match="unpacks to more than 2000 bytes"):
        backups(aws, prefix="large/", max_bytes=2_000).configuration()
    with pytest.raises(InstrumentError, match="expected at most 20"):
        backups(aws, prefix="large/", max_bytes=20).configuration()


def test_a_backup_may_be_as_large_as_is_read(aws: str) -> None:
    """The limit itself is still good, packed and unpacked."""
    s3 = client(aws, "s3")
    s3.create_bucket(Bucket=BUCKET)
    plain = json.dumps(LIST).encode().ljust(2_000)
    s3.put_object(Bucket=BUCKET, Key="just/one.json.gz", Body=gzip.compress(plain))
    found = backups(aws, prefix="just/", max_bytes=2_000).configuration()
    assert dict(found.kinds) == {"Service": 1, "Ingress": 1}


def test_no_backup_fails_and_no_bucket_is_no_evidence(aws: str) -> None:
    """Nothing below the prefix is the backup's fault; a bucket that is not there may be ours."""
    client(aws, "s3").create_bucket(Bucket=BUCKET)
    with pytest.raises(SubjectError, match="found no object in s3://backups/none/"):
        backups(aws, prefix="none/").configuration()
    with pytest.raises(InstrumentError, match="NoSuchBucket"):
        backups(aws, bucket="nowhere").configuration()


def test_silence_is_no_evidence() -> None:
    """Nobody listens where AWS should be."""
    nobody = backups("http://127.0.0.1:9", timeout="1s")
    with pytest.raises(InstrumentError, match=r"rds at 127\.0\.0\.1:9: no answer"):
        nobody.database()
    nobody.close()
