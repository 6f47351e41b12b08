"""PostgreSQL and Redis asked directly, over the sandbox's wire protocols."""

from __future__ import annotations

import threading

import pytest

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients.cache import Cache
from pytest_deploycheck.clients.database import Database
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError, SubjectError
from pytest_deploycheck.sandbox import Sandbox

DSN = "DEPLOYCHECK_SANDBOX_DATABASE_DSN"
URL = "DEPLOYCHECK_SANDBOX_CACHE_URL"


@pytest.fixture
def database(sandbox: Sandbox) -> Database:
    """The sandbox's database."""
    del sandbox
    return Database(environment.Database(dsn_env=DSN, statements={"alive": "SELECT 1"}))


@pytest.fixture
def cache(sandbox: Sandbox) -> Cache:
    """The sandbox's cache."""
    del sandbox
    return Cache(environment.Cache(url_env=URL))


def test_a_statement_answers_with_its_value(database: Database, sandbox: Sandbox) -> None:
    """And leaves evidence without the password."""
    with evidence.recording() as recorder:
        assert database.value("alive") == 1
    assert recorder.evidence[0].request == "SELECT 1"
    assert recorder.answered[0].startswith("127.0.0.1:")
    assert sandbox.platform.credentials.database_password not in str(recorder.evidence)


@pytest.mark.parametrize("value", [None, "a lot", float("nan")])
def test_what_is_no_number_is_no_evidence(
    database: Database, sandbox: Sandbox, value: float | str | None
) -> None:
    """NULL is not zero."""
    sandbox.platform.database.values["SELECT 1"] = value
    with pytest.raises(InstrumentError, match="expected a number"):
        database.value("alive")


@pytest.mark.parametrize("value", [None, "", 3])
def test_what_is_no_text_is_no_evidence(
    database: Database, sandbox: Sandbox, value: float | str | None
) -> None:
    """A table without a row has no version, and none is no version to compare with."""
    sandbox.platform.database.values["SELECT 1"] = "9f3c"
    assert database.text("alive") == "9f3c"
    sandbox.platform.database.values["SELECT 1"] = value
    with pytest.raises(InstrumentError, match="expected a text"):
        database.text("alive")


def test_a_statement_that_nobody_wrote_is_no_evidence(database: Database) -> None:
    """The near miss is named."""
    with pytest.raises(InstrumentError, match="did you mean alive"):
        database.value("alife")


def test_a_statement_is_told_when_the_deployment_began(sandbox: Sandbox) -> None:
    """Where nobody knows when that was, what came after it cannot be counted."""
    sandbox.platform.database.values["SELECT 27.500"] = 3
    settings = environment.Database(dsn_env=DSN, statements={"since": "SELECT {deployed_at_s}"})
    assert Database(settings, deployed_at_s=27.5).value("since") == 3
    with pytest.raises(InstrumentError, match="nobody knows when"):
        Database(settings).value("since")


@pytest.mark.parametrize(
    ("sqlstate", "message", "blamed"),
    [
        ("57P03", "the database system is starting up", SubjectError),
        ("53300", "sorry, too many clients already", SubjectError),
        ("28P01", "password authentication failed for user", InstrumentError),
        ("3D000", 'database "x" does not exist', InstrumentError),
        ("28000", "no pg_hba.conf entry for host", InstrumentError),
    ],
)
def test_a_refused_connection_is_blamed_on_who_may_have_caused_it(
    database: Database,
    sandbox: Sandbox,
    sqlstate: str,
    message: str,
    blamed: type[DeploycheckError],
) -> None:
    """A wrong password of ours must not roll back; a server that is full may."""
    sandbox.platform.database.refusal = (sqlstate, message)
    with pytest.raises(DeploycheckError) as raised:
        database.as_subject().value("alive")
    assert type(raised.value) is blamed
    with pytest.raises(InstrumentError):
        database.value("alive")


def test_a_refused_statement_is_our_fault(database: Database, sandbox: Sandbox) -> None:
    """A missing table or right is a matter of the environment file."""
    sandbox.platform.database.errors["SELECT 1"] = ("42501", "permission denied for table x")
    with pytest.raises(InstrumentError, match="permission denied"):
        database.as_subject().value("alive")


@pytest.mark.parametrize("text", ["host=127.0.0.1 port=1", "no connection string"])
def test_nobody_there_or_nothing_to_read(
    database: Database, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    """A closed port is the database's silence; a broken string is ours."""
    monkeypatch.setenv(DSN, text)
    expected = SubjectError if "port=1" in text else InstrumentError
    with pytest.raises(expected):
        database.as_subject().value("alive")


def test_32_threads_ask_one_database(database: Database) -> None:
    """Each question has its own connection, and each check its own evidence."""
    found: list[tuple[float, int]] = []
    together = threading.Barrier(32)

    def check() -> None:
        with evidence.recording() as recorder:
            together.wait()
            value = database.value("alive")
        found.append((value, len(recorder.evidence)))

    threads = [threading.Thread(target=check) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [(1.0, 1)] * 32


# --- the cache -------------------------------------------------------------------------------


def test_a_cache_answers_and_is_asked_without_writing(cache: Cache, sandbox: Sandbox) -> None:
    """Reading leaves nothing behind."""
    assert cache.ping() is True
    assert cache.info("persistence")["loading"] == 0
    assert sandbox.platform.cache.data == {}
    cache.close()


def test_what_is_written_is_read_and_deleted(cache: Cache, sandbox: Sandbox) -> None:
    """The one thing that the first phase writes is gone again."""
    with evidence.recording() as recorder:
        written, read = cache.as_subject().echo()
    assert written == read
    assert sandbox.platform.cache.data == {}
    assert [note.request.split()[0] for note in recorder.evidence] == ["SET", "GET"]
    assert sandbox.platform.credentials.cache_password not in str(recorder.evidence)
    cache.close()


def test_a_cache_that_forgets_does_not_give_back(cache: Cache, sandbox: Sandbox) -> None:
    """It acknowledges everything, and PING is PONG."""
    sandbox.platform.cache.forgets = True
    written, read = cache.echo()
    assert read != written
    cache.close()


@pytest.mark.parametrize(
    ("refusal", "blamed"),
    [
        ("LOADING Redis is loading the dataset in memory", SubjectError),
        ("OOM command not allowed when used memory > 'maxmemory'", SubjectError),
        ("NOAUTH Authentication required.", InstrumentError),
        ("WRONGPASS invalid username-password pair", InstrumentError),
        ("NOPERM this user has no permissions", InstrumentError),
    ],
    ids=lambda value: value.split()[0] if isinstance(value, str) else None,
)
def test_a_refusal_is_blamed_on_who_may_have_caused_it(
    cache: Cache, sandbox: Sandbox, refusal: str, blamed: type[DeploycheckError]
) -> None:
    """Our wrong password is INCONCLUSIVE; a full cache is not."""
    sandbox.platform.cache.refusal = refusal
    with pytest.raises(DeploycheckError) as raised:
        cache.as_subject().ping()
    assert type(raised.value) is blamed
    with pytest.raises(InstrumentError):
        cache.ping()
    cache.close()


def test_a_silent_cache_is_silent(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens; judged, that is a failure, else no evidence."""
    monkeypatch.setenv(URL, "redis://127.0.0.1:1/0")
    with evidence.recording() as recorder, pytest.raises(InstrumentError, match="refused"):
        cache.ping()
    assert recorder.silent == ("127.0.0.1:1",)
    with pytest.raises(SubjectError, match="refused"):
        cache.as_subject().ping()


def test_a_url_that_is_none_is_our_fault(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named by its variable, and not shown."""
    monkeypatch.setenv(URL, "http://user:hunter2@host")
    with pytest.raises(InstrumentError, match=URL) as raised:
        cache.ping()
    assert "hunter2" not in str(raised.value)
