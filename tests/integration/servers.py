"""Real servers, as Debian ships them, on free loopback ports until a block ends."""

from __future__ import annotations

import contextlib
import dataclasses
import http
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

HOST: Final = "127.0.0.1"
#: Set in CI: there, a server that is missing is a failure and no reason to skip.
REQUIRED: Final = "DEPLOYCHECK_REQUIRE_SERVERS"
_START_S: Final = 60.0
_PLACES: Final = ("/usr/sbin", *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))))


def program(name: str) -> str:
    """Return the path of a server; without it the test skips, or fails in CI."""
    path = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *_PLACES]))
    if path is None:
        text = f"found no {name}; .ci/run names Debian's packages"
        if os.environ.get(REQUIRED):
            pytest.fail(text)
        pytest.skip(text)
    return path


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def refusing_port() -> Iterator[int]:
    """A port that refuses everybody: it is taken, so that no other test's server gets it."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))  # and never listens
        yield taken.getsockname()[1]


@contextlib.contextmanager
def running(command: Sequence[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; the block begins when it accepts connections."""
    with (
        log.open("ab") as output,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as process,
    ):
        try:
            _wait_for(port, process, log)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(int(_START_S / 0.05)):
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
            break
    pytest.fail(f"{process.args!r} does not listen on {port}:\n{log.read_text()[-2000:]}")


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait for 200: it listens long before it has read its history, and answers 503 till then."""
    for _ in range(int(_START_S / 0.05)):
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(url, timeout=5) as answer,  # noqa: S310 - our own http URL
        ):
            if answer.status == http.HTTPStatus.OK:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.05)
            break
    pytest.fail(f"{url} is not ready")


@contextlib.contextmanager
def prometheus(
    folder: Path, openmetrics: str = "", *, configuration: str = "global: {}\n"
) -> Iterator[str]:
    """Run Prometheus over a history in the OpenMetrics format; yield its URL.

    Args:
        folder: Where its files go, beside the rules that *configuration* may name.
        openmetrics: The history.
        configuration: YAML, with PROMETHEUS for its own address; by default it scrapes nothing.
    """
    data = folder / "prometheus"
    data.mkdir()
    if openmetrics:
        text = folder / "history.om"
        text.write_text(openmetrics)
        subprocess.run(
            [
                program("promtool"),
                "tsdb",
                "create-blocks-from",
                "openmetrics",
                "--max-block-duration=720h",  # else it reads the text anew for every two hours
                str(text),
                str(data),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
    config = folder / "prometheus.yml"
    port = free_port()
    config.write_text(configuration.replace("PROMETHEUS", f"{HOST}:{port}"))
    command = [
        program("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={data}",
        f"--web.listen-address={HOST}:{port}", "--storage.tsdb.retention.time=60d",
    ]  # fmt: skip
    url = f"http://{HOST}:{port}"
    with running(command, port, folder / "prometheus.log") as process:
        _wait_until_ready(f"{url}/-/ready", process)
        yield url


@contextlib.contextmanager
def alertmanager(folder: Path, configuration: str) -> Iterator[str]:
    """Run Alertmanager, alone; yield its URL."""
    config = folder / "alertmanager.yml"
    config.write_text(configuration)
    port = free_port()
    command = [
        program("prometheus-alertmanager"), f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}", f"--web.listen-address={HOST}:{port}",
        "--cluster.listen-address=",
    ]  # fmt: skip
    with running(command, port, folder / "alertmanager.log"):
        yield f"http://{HOST}:{port}"


@contextlib.contextmanager
def redis(folder: Path, *, password: str) -> Iterator[str]:
    """Run Redis; yield its URL with the password."""
    port = free_port()
    command = [
        program("redis-server"), "--bind", HOST, "--port", str(port), "--dir", str(folder),
        "--save", "", "--appendonly", "no", "--requirepass", password,
    ]  # fmt: skip
    with running(command, port, folder / "redis.log"):
        yield f"redis://:{password}@{HOST}:{port}/0"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Postgres:
    """A running PostgreSQL with data checksums, as the platform's should have."""

    port: int
    password: str
    data: Path
    """Its data directory."""

    def dsn(
        self, *, user: str = "checker", password: str | None = None, name: str = "postgres"
    ) -> str:
        """The connection string of a user; `owner` may do everything."""
        secret = self.password if password is None else password
        return f"host={HOST} port={self.port} dbname={name} user={user} password={secret}"


@contextlib.contextmanager
def postgres(*, password: str, schema: str = "") -> Iterator[Postgres]:
    """Run PostgreSQL with *schema* in it; root may not run it, so it runs as `postgres`.

    Its role `checker` has the rights that the documentation asks for, and no others.
    """
    root = os.getuid() == 0
    as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if root else []
    folder = Path(tempfile.mkdtemp(prefix="deploycheck-postgres-"))
    try:
        (folder / "password").write_text(password)
        if root:
            owner = pwd.getpwnam("postgres")
            for path in (folder, folder / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        data = folder / "data"
        subprocess.run(
            [
                *as_user, program("initdb"), "--data-checksums", "--username=owner",
                "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "--no-sync", str(data),
            ],
            check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        port = free_port()
        command = [
            *as_user, program("postgres"), "-D", str(data), "-p", str(port), "-h", HOST,
            "-k", str(folder), "-c", "fsync=off",
        ]  # fmt: skip
        with running(command, port, folder.parent / f"{folder.name}.log"):
            server = Postgres(port=port, password=password, data=data)
            _apply(server, f"{_checker(password)}; {schema}")
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        (folder.parent / f"{folder.name}.log").unlink(missing_ok=True)


def _checker(password: str) -> str:
    return (
        f"CREATE ROLE checker LOGIN PASSWORD '{password}'; "
        "GRANT pg_read_all_stats TO checker; "
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO checker"
    )


def _apply(server: Postgres, schema: str) -> None:
    import psycopg

    for _ in range(200):
        try:
            with psycopg.connect(server.dsn(user="owner"), autocommit=True) as connection:
                connection.execute(schema.encode())
                return
        except psycopg.OperationalError as error:
            if "starting up" not in str(error):
                raise


@contextlib.contextmanager
def nginx(folder: Path, *, certificate: Path, key: Path, locations: str) -> Iterator[int]:
    """Run nginx with TLS; yield its port.

    Args:
        folder: Where its files go.
        certificate: PEM, with the chain.
        key: PEM.
        locations: `location …` blocks.
    """
    port = free_port()
    config = folder / "nginx.conf"
    temporary = "\n".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; events {{}}\n"
        f"http {{ access_log off; {temporary}\n"
        f"server {{ listen {HOST}:{port} ssl; ssl_certificate {certificate}; "
        f"ssl_certificate_key {key};\n{locations} }} }}\n"
    )
    command = [program("nginx"), "-e", "stderr", "-c", str(config), "-p", str(folder)]
    with running(command, port, folder / "nginx.log"):
        yield port


@contextlib.contextmanager
def mute() -> Iterator[int]:
    """Accept connections and never say a word; yield the port."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        port: int = listener.getsockname()[1]
        yield port
