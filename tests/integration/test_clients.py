"""Each client against the real server: its healthy answer, and whose fault each failure is."""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.cache import Cache
from pytest_deploycheck.clients.database import Database
from pytest_deploycheck.clients.metrics import Metrics
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError, SubjectError
from tests.integration import servers
from tests.integration.histories import platform_history

PASSWORD = "the-right-password"
AGENT = "deploycheck/test"
DEPLOYED_AGO_S = 600.0
Fails = Callable[[], object]
_closing = contextlib.ExitStack()


@pytest.fixture(autouse=True)
def _close_clients() -> Iterator[None]:
    """Leave no connection open."""
    yield
    _closing.close()


def failure(question: Fails) -> DeploycheckError:
    """Return what *question* raises, which must be one of ours and say something."""
    with pytest.raises(DeploycheckError) as raised:
        question()
    assert str(raised.value)
    assert PASSWORD not in str(raised.value)
    return raised.value


# --- PostgreSQL -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def postgres() -> Iterator[servers.Postgres]:
    """A PostgreSQL with one table."""
    with servers.postgres(
        password=PASSWORD, schema="CREATE TABLE t (n int); GRANT INSERT ON t TO checker"
    ) as server:
        yield server


def database(dsn: str, monkeypatch: pytest.MonkeyPatch, **statements: str) -> Database:
    """Open a client on *dsn*."""
    monkeypatch.setenv("DSN", dsn)
    settings = environment.Database.model_validate(
        {"dsn_env": "DSN", "timeout": "1s", "statements": {"alive": "SELECT 1", **statements}}
    )
    return _closing.enter_context(contextlib.closing(Database(settings)))


def test_a_database_answers(postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """One row with one value is a number."""
    assert database(postgres.dsn(), monkeypatch).value("alive") == 1


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("INSERT INTO t VALUES (1) RETURNING n", "read-only"),
        ("SELECT pg_sleep(30)", "timeout"),
        ("SELECT n FROM t", "row"),
        ("SELECT NULL", "None"),
        ("SELECT 'NaN'::float", "nan"),
        ("SELECT no_such_column", "no_such_column"),
    ],
    ids=["write", "slow", "no-row", "null", "nan", "wrong"],
)
def test_a_statement_without_a_good_answer_is_no_evidence(
    postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch, statement: str, says: str
) -> None:
    """Nothing is written, nothing waits for ever, and no absence is a zero."""
    client = database(postgres.dsn(), monkeypatch, asked=statement)
    error = failure(lambda: client.value("asked"))
    assert isinstance(error, InstrumentError)
    assert says.lower() in str(error).lower()


def test_our_wrong_password_is_ours_even_where_the_database_is_judged(
    postgres: servers.Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is fine; nobody rolls back for a mistyped secret."""
    client = database(postgres.dsn(password="wrong"), monkeypatch).as_subject()
    assert isinstance(failure(lambda: client.value("alive")), InstrumentError)


@pytest.mark.parametrize("judged", [False, True], ids=["instrument", "subject"])
def test_a_database_that_is_down_fails_only_where_it_is_judged(
    monkeypatch: pytest.MonkeyPatch, judged: bool
) -> None:
    """Silence of an instrument is no evidence, silence of the subject is a failure."""
    client = database(f"host=127.0.0.1 port={servers.free_port()} user=x password=x", monkeypatch)
    error = failure(lambda: (client.as_subject() if judged else client).value("alive"))
    assert isinstance(error, SubjectError if judged else InstrumentError)


def test_a_mute_database_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who accepts and says nothing does not hold the run."""
    with servers.mute() as port:
        client = database(f"host=127.0.0.1 port={port} user=x password=x", monkeypatch)
        assert isinstance(failure(lambda: client.value("alive")), InstrumentError)


# --- Redis ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis with a password."""
    with servers.redis(tmp_path_factory.mktemp("redis"), password=PASSWORD) as url:
        yield url


def cache(url: str, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """Open a client on *url*."""
    monkeypatch.setenv("CACHE_URL", url)
    settings = environment.Cache.model_validate({"url_env": "CACHE_URL", "timeout": "1s"})
    return _closing.enter_context(contextlib.closing(Cache(settings)))


def test_a_cache_answers_and_keeps(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written is read back, and no key stays."""
    client = cache(redis_url, monkeypatch)
    assert client.ping()
    written, read = client.as_subject().echo()
    assert written == read
    assert not client.info("keyspace")


def test_our_wrong_password_for_the_cache_is_ours(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the database."""
    client = cache(redis_url.replace(PASSWORD, "wrong"), monkeypatch).as_subject()
    assert isinstance(failure(client.echo), InstrumentError)


@pytest.mark.parametrize("judged", [False, True], ids=["instrument", "subject"])
def test_a_cache_that_is_down_fails_only_where_it_is_judged(
    monkeypatch: pytest.MonkeyPatch, judged: bool
) -> None:
    """As with the database."""
    client = cache(f"redis://127.0.0.1:{servers.free_port()}/0", monkeypatch)
    error = failure((client.as_subject() if judged else client).ping)
    assert isinstance(error, SubjectError if judged else InstrumentError)


def test_a_mute_cache_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the database."""
    with servers.mute() as port:
        client = cache(f"redis://127.0.0.1:{port}/0", monkeypatch)
        assert isinstance(failure(client.ping), InstrumentError)


# --- Prometheus -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prometheus_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus with two hours of a healthy platform."""
    now_s = time.time()
    text = platform_history(now_s - 7200, now_s + 900)
    with servers.prometheus(tmp_path_factory.mktemp("prometheus"), text) as url:
        yield url


def metrics(url: str, query: str = "sum(up)", **settings: object) -> Metrics:
    """Open a client with one query, `asked`."""
    client = Metrics(
        environment.Prometheus.model_validate(
            {
                "url": url,
                "timeout": "2s",
                "rate_per_s": 100,
                "queries": {
                    "asked": {
                        "query": query,
                        "unit": "1",
                        "worse": "above",
                        "window": "5m",
                        "max_age": "1m",
                    }
                    | settings
                },
            }
        ),
        deployed_at_s=time.time() - DEPLOYED_AGO_S,
        user_agent=AGENT,
    )
    return _closing.enter_context(contextlib.closing(client))


def test_prometheus_answers_with_a_history(prometheus_url: str) -> None:
    """Five minutes at 15 s, oldest first, and none from before the deployment."""
    client = metrics(prometheus_url, min_samples=15)
    found = client.history("asked")
    assert len(found.history) >= 15
    assert found.latest == 1
    assert found.history.at_s[0] >= time.time() - DEPLOYED_AGO_S - 5
    assert client.before("asked").history.at_s[-1] <= time.time() - DEPLOYED_AGO_S + 5


@pytest.mark.parametrize(
    ("query", "settings"),
    [
        ("no_such_metric", {}),
        ("up == 99", {}),
        ("0 * up / 0", {}),
        ("http_requests_total", {}),
        ("sum(up", {}),
        ("sum(up)", {"min_samples": 1000}),
        ("sum(up)", {"traffic": "sum(increase(http_requests_total[1m]))", "min_traffic": 1e9}),
        ("sum(up)", {"traffic": "no_such_metric", "min_traffic": 1}),
    ],
    ids=[
        "absent", "empty", "nan", "two-series", "syntax", "few-samples", "little-traffic",
        "no-traffic",
    ],
)  # fmt: skip
def test_an_answer_that_is_no_evidence_is_none(
    prometheus_url: str, query: str, settings: dict[str, object]
) -> None:
    """An absent series, NaN, a wrong label or too little of anything is not health."""
    error = failure(lambda: metrics(prometheus_url, query, **settings).history("asked"))
    assert isinstance(error, InstrumentError)


def test_a_stale_series_is_no_evidence(tmp_path: Path) -> None:
    """The five-minute lookback would show the last value as if it were current."""
    now_s = time.time()
    text = platform_history(now_s - 3600, now_s - 200)
    with servers.prometheus(tmp_path, text) as url:
        error = failure(lambda: metrics(url, "up").history("asked"))
    assert isinstance(error, InstrumentError)


def test_a_prometheus_that_is_down_or_mute_is_no_evidence() -> None:
    """Connection refused, and a connection without an answer."""
    refused = metrics(f"http://127.0.0.1:{servers.free_port()}")
    assert isinstance(failure(lambda: refused.history("asked")), InstrumentError)
    with servers.mute() as port:
        silent = metrics(f"http://127.0.0.1:{port}")
        assert isinstance(failure(lambda: silent.history("asked")), InstrumentError)


# --- nginx with TLS ---------------------------------------------------------------------------

AUTHORITY = trustme.CA()
LOCATIONS = """
location = /good { default_type application/json; return 200 '{"status": "healthy"}'; }
location = /html { default_type text/html; return 200 '<html>Sorry</html>'; }
location = /broken { default_type application/json; return 200 '{"status": '; }
location = /missing { return 404; }
location = /gateway { return 502; }
location = /limited { return 429; }
location = /away { return 302 https://elsewhere.invalid/; }
"""


@contextlib.contextmanager
def nginx(folder: Path, certificate: trustme.LeafCert) -> Iterator[int]:
    """Run nginx with *certificate*."""
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(key)
    with servers.nginx(folder, certificate=chain, key=key, locations=LOCATIONS) as port:
        yield port


def api(url: str, ca_file: Path | None) -> Api:
    """Open a client with an endpoint for each location."""
    paths = ("good", "html", "broken", "missing", "gateway", "limited", "away")
    settings = environment.Api.model_validate(
        {
            "url": url,
            "timeout": "2s",
            "rate_per_s": 100,
            "ca_file": None if ca_file is None else str(ca_file),
            "endpoints": {name: {"path": f"/{name}", "healthy": ["healthy"]} for name in paths},
        }
    )
    return _closing.enter_context(contextlib.closing(Api(settings, user_agent=AGENT)))


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate authority that we trust."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    AUTHORITY.cert_pem.write_to_path(path)
    return path


@pytest.fixture(scope="module")
def nginx_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A healthy nginx."""
    with nginx(tmp_path_factory.mktemp("nginx"), AUTHORITY.issue_cert("localhost")) as port:
        yield f"https://localhost:{port}"


def test_an_api_behind_tls_answers(nginx_url: str, ca_file: Path) -> None:
    """Status, type and body are as expected, and the certificate's life is known."""
    answer = api(nginx_url, ca_file).call("good")
    assert (answer.status, answer.json) == (200, {"status": "healthy"})
    assert answer.tls_life_s > 0


@pytest.mark.parametrize(
    ("endpoint", "blamed"),
    [
        ("html", SubjectError),
        ("broken", SubjectError),
        ("missing", SubjectError),
        ("gateway", SubjectError),
        ("away", SubjectError),
        ("limited", InstrumentError),
    ],
)
def test_a_wrong_answer_is_the_subjects_and_a_limit_is_ours(
    nginx_url: str, ca_file: Path, endpoint: str, blamed: type[DeploycheckError]
) -> None:
    """A redirect is not followed, HTML is no JSON, and 429 says that we ask too often."""
    assert isinstance(failure(lambda: api(nginx_url, ca_file).call(endpoint)), blamed)


def test_an_unknown_authority_is_ours(nginx_url: str, tmp_path: Path) -> None:
    """Without its CA file nobody can say that the platform is wrong."""
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    assert isinstance(failure(lambda: api(nginx_url, other).call("good")), InstrumentError)


def test_an_expired_certificate_is_the_subjects(tmp_path: Path, ca_file: Path) -> None:
    """Its users see the same."""
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    expired = AUTHORITY.issue_cert("localhost", not_after=yesterday)
    with nginx(tmp_path, expired) as port:
        error = failure(lambda: api(f"https://localhost:{port}", ca_file).call("good"))
    assert isinstance(error, SubjectError)
    assert "expired" in str(error)


def test_a_certificate_for_another_host_is_the_subjects(tmp_path: Path, ca_file: Path) -> None:
    """As above."""
    with nginx(tmp_path, AUTHORITY.issue_cert("elsewhere.test")) as port:
        error = failure(lambda: api(f"https://localhost:{port}", ca_file).call("good"))
    assert isinstance(error, SubjectError)


def test_a_silent_platform_is_the_subjects_and_an_unknown_name_is_ours(ca_file: Path) -> None:
    """Refused or mute: its fault. A name that our DNS does not know: ours."""
    refused = api(f"https://localhost:{servers.free_port()}", ca_file)
    assert isinstance(failure(lambda: refused.call("good")), SubjectError)
    with servers.mute() as port:
        silent = api(f"https://localhost:{port}", ca_file)
        assert isinstance(failure(lambda: silent.call("good")), SubjectError)
    unknown = api("https://no-such-host.invalid", ca_file)
    assert isinstance(failure(lambda: unknown.call("good")), InstrumentError)
