"""HTTP as checks ask it: whose fault a silence is, and what is never shared."""

from __future__ import annotations

import errno
import http.server
import itertools
import socket
import ssl
import threading
import types
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import trustme

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.clients import http as clients_http
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError, SubjectError
from tests.clients.doubles import USER_AGENT, Handler, answer, http_client


def raising(error: Exception, cause: BaseException | None = None) -> Handler:
    """Return a wire on which every request ends in *error*."""

    def handle(_: httpx.Request) -> httpx.Response:
        raise error from cause

    return handle


def not_verified(code: int) -> ssl.SSLCertVerificationError:
    """Return what OpenSSL raises for its verify code *code*."""
    error = ssl.SSLCertVerificationError("certificate verify failed")
    error.verify_code, error.verify_message = code, "no"
    return error


@pytest.mark.parametrize(
    ("error", "cause", "blamed"),
    [
        (httpx.ConnectError("refused"), ConnectionRefusedError(111, "refused"), SubjectError),
        (httpx.ConnectTimeout("slow to connect"), None, SubjectError),
        (httpx.ReadTimeout("slow"), None, SubjectError),
        (httpx.RemoteProtocolError("closed"), None, SubjectError),
        (httpx.ConnectError("expired"), not_verified(10), SubjectError),
        (httpx.ConnectError("other host"), not_verified(62), SubjectError),
        (httpx.ConnectError("unknown issuer"), not_verified(20), InstrumentError),
        (httpx.ConnectError("self-signed"), not_verified(18), InstrumentError),
        (httpx.ConnectError("dns"), socket.gaierror(-2, "unknown"), InstrumentError),
        (httpx.ConnectError("net"), OSError(errno.ENETUNREACH, "net"), InstrumentError),
        (httpx.ConnectError("files"), OSError(errno.EMFILE, "too many"), InstrumentError),
    ],
    ids=lambda value: str(value) if isinstance(value, Exception) else None,
)
def test_a_silence_is_blamed_on_who_may_have_caused_it(
    error: Exception, cause: BaseException | None, blamed: type[DeploycheckError]
) -> None:
    """Our own DNS, CA or network must never roll a deployment back."""
    client = http_client(raising(error, cause))
    with evidence.recording() as recorder, pytest.raises(DeploycheckError) as raised:
        client.send("GET", "/health")
    assert type(raised.value) is blamed
    assert recorder.silent == ("api.test:443",)
    assert "https://api.test/health" in recorder.evidence[0].request


def test_an_instrument_is_never_the_subject() -> None:
    """What we measure with cannot fail a deployment by being down."""
    client = http_client(raising(httpx.ConnectError("refused")), blame=InstrumentError)
    with pytest.raises(InstrumentError, match="no answer"):
        client.send("GET", "/")


@pytest.mark.parametrize(("method", "asked"), [("GET", 2), ("POST", 1)])
def test_only_a_read_that_could_not_connect_is_tried_again(
    method: str, asked: int, caplog: pytest.LogCaptureFixture
) -> None:
    """A second POST could do twice what was to be done once; the retry is evidence, not a log."""
    requests = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        raise httpx.ConnectError("refused")

    with evidence.recording() as recorder, pytest.raises(SubjectError):
        http_client(handle).send(method, "/")
    assert len(requests) == len(recorder.evidence) == asked
    assert caplog.messages == []


def test_429_is_obeyed_once_and_then_our_fault() -> None:
    """The platform's limiter says nothing about the deployment."""
    slept: list[float] = []
    client = http_client(lambda _: httpx.Response(429, headers={"Retry-After": "2"}), slept=slept)
    with pytest.raises(InstrumentError, match="429"):
        client.send("GET", "/")
    assert slept == [2.0]


@pytest.mark.parametrize("after", ["3600", "Wed, 21 Oct 2026 07:28:00 GMT", ""])
def test_a_429_without_a_short_wait_is_not_waited_for(after: str) -> None:
    """A check has a deadline of its own."""
    slept: list[float] = []
    client = http_client(lambda _: httpx.Response(429, headers={"Retry-After": after}), slept=slept)
    with pytest.raises(InstrumentError, match="429"):
        client.send("GET", "/")
    assert slept == []


def test_a_proxy_that_wants_a_password_is_our_fault() -> None:
    """Whatever stands between us and the platform is not the platform."""
    with pytest.raises(InstrumentError, match="proxy"):
        http_client(lambda _: httpx.Response(407)).send("GET", "/")


def test_a_redirect_is_shown_and_not_followed() -> None:
    """Where it leads may be anybody's, and a login page is 200."""
    requests = []

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request.url.path)
        return httpx.Response(302, headers={"Location": "/login"})

    assert http_client(handle).send("GET", "/private").status == 302
    assert requests == ["/private"]


def test_we_say_who_we_are_and_keep_no_cookie() -> None:
    """The platform slows library agents down, and a cookie would be a login."""
    seen: list[httpx.Headers] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return httpx.Response(200, headers={"Set-Cookie": "session=1; Path=/"})

    client = http_client(handle)
    client.send("GET", "/")
    client.send("GET", "/")
    assert [headers["user-agent"] for headers in seen] == [USER_AGENT] * 2
    assert not any("cookie" in headers for headers in seen)


@pytest.mark.parametrize("agent", ["", "robot/1", "curl/8", "Python-Requests/2"])
def test_an_agent_that_the_platform_slows_down_is_refused(agent: str) -> None:
    """It would be measured at a quarter of its rate, or blocked."""
    with pytest.raises(InstrumentError, match="user_agent"):
        clients_http.HttpClient(
            http_client().settings, user_agent=agent, source="api", blame=SubjectError
        )


def test_another_host_is_never_asked() -> None:
    """A link in a page must not lead our credentials away."""
    with pytest.raises(ValueError, match=r"evil\.test"):
        http_client().send("GET", "https://evil.test/")


@pytest.mark.parametrize(
    "body",
    ["<html>maintenance</html>", "", '{"value": NaN}', "{'a': 1}"],
    ids=["html", "empty", "nan", "python"],
)
def test_what_is_no_json_is_the_subjects_fault_with_found_and_expected(body: str) -> None:
    """A maintenance page with 200 is no answer."""
    with pytest.raises(SubjectError, match="expected JSON"):
        _ = answer(body).json


@pytest.mark.parametrize(
    "body",
    [
        '{"status": "unhealthy", "status": "healthy"}',
        '{"parts": [{"status": "healthy", "st\\u0061tus": "healthy"}]}',
    ],
)
def test_a_key_that_stands_twice_says_nothing(body: str) -> None:
    """Whoever reads it takes one of the two; which one was meant, only its writer knows."""
    with pytest.raises(SubjectError, match="found the key 'status' twice in one object"):
        _ = answer(body).json


def test_a_key_path_finds_its_value_or_names_what_is_there() -> None:
    """The reader of the report sees which step was missing."""
    found = answer({"services": [{"name": "database", "ms": 4}]})
    assert found.value("services.0.name") == "database"
    assert found.number("services.0.ms") == 4.0
    with pytest.raises(SubjectError, match="no 'nme' in name, ms"):
        found.value("services.0.nme")


@pytest.mark.parametrize("value", [True, "4", None, [4]])
def test_a_number_is_a_number(value: object) -> None:
    """A flag is no number: true is not 1, and "4" is not 4."""
    with pytest.raises(SubjectError, match="expected a finite number"):
        answer({"ms": value}).number("ms")


@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 400], ids=["inf", "-inf", "huge"])
def test_a_number_is_finite(text: str) -> None:
    """What no float can hold reads as infinity, which passes every limit of "at least"."""
    found = answer(f'{{"ms": {text}}}')
    with pytest.raises(SubjectError, match="expected a finite number"):
        found.number("ms")
    with pytest.raises(SubjectError, match="expected a finite number in header"):
        answer("", headers={"x-left": "9" * 400}).header_number("x-left")


def test_a_body_that_is_not_text_is_decoded_somehow() -> None:
    """Report writers end the run at the first invalid character."""

    def handle(_: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200, content=b"\xff\xfe", headers={"Content-Type": "text/x; charset=nope"}
        )

    assert http_client(handle).send("GET", "/").text == "\ufffd\ufffd"


def test_a_flood_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless answer must not eat the memory of the runner."""
    monkeypatch.setattr(clients_http, "MAX_BODY_BYTES", 1000)
    with pytest.raises(SubjectError, match="more than 1000 bytes"):
        http_client(lambda _: httpx.Response(200, content=b"x" * 1001)).send("GET", "/")


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that refuses the certificate hangs up: that is what is tested."""


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers everything."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Length", "20")
        self.end_headers()
        self.wfile.write(b"x" * 20)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Whom the clients trust."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """Its certificate, as a file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return str(path)


@pytest.fixture
def tls_port(authority: trustme.CA) -> Iterator[int]:
    """A server with a certificate for `localhost`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_end_of_the_certificate_is_known(tls_port: int, ca_file: str) -> None:
    """A certificate that ends tomorrow is seen today."""
    client = http_client(url=f"https://localhost:{tls_port}", ca_file=ca_file)
    assert client.send("GET", "/").tls_life_s > 0
    client.close()


def test_without_tls_there_is_no_certificate_to_be_content_with() -> None:
    """Plain HTTP where TLS is expected is a failure, not a certificate that never ends."""
    with pytest.raises(SubjectError, match="found no TLS"):
        _ = answer("").tls_life_s


def test_an_unknown_authority_may_be_our_missing_ca_file(tls_port: int) -> None:
    """Who forgot to name the CA must not roll back."""
    client = http_client(url=f"https://localhost:{tls_port}")
    with pytest.raises(InstrumentError, match="ca_file"):
        client.send("GET", "/")
    client.close()


def test_a_certificate_for_another_host_is_the_subjects_fault(tls_port: int, ca_file: str) -> None:
    """Every user's browser refuses it."""
    client = http_client(url=f"https://127.0.0.1:{tls_port}", ca_file=ca_file)
    with pytest.raises(SubjectError, match="another"):
        client.send("GET", "/")
    client.close()


def test_a_ca_file_that_is_not_there_is_our_fault() -> None:
    """A typing error in the environment says nothing about the platform."""
    client = http_client(url="https://localhost:1", ca_file="/nowhere/ca.pem")
    with pytest.raises(InstrumentError, match="/nowhere/ca"):
        client.send("GET", "/")


def test_a_server_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timeout that starts anew with each byte would wait for ever."""
    now_s = itertools.count()
    clock = types.SimpleNamespace(time=lambda: 0.0, monotonic=lambda: float(next(now_s)))
    monkeypatch.setattr(clients_http, "time", clock)
    client = http_client(lambda _: httpx.Response(200, content=iter([b"x"] * 100)))
    with pytest.raises(SubjectError, match="not complete after 5 s"):
        client.send("GET", "/")


def test_32_threads_share_nothing_but_the_cap(tls_port: int, ca_file: str) -> None:
    """Each check gets its own evidence from one client, over connections of its own thread."""
    client = http_client(url=f"https://localhost:{tls_port}", ca_file=ca_file)
    together = threading.Barrier(32)
    found: dict[int, set[str]] = {}

    def check(number: int) -> None:
        with evidence.recording() as recorder:
            together.wait()
            for _ in range(5):
                client.send("GET", f"/{number}")
        found[number] = {note.request.rpartition("/")[2] for note in recorder.evidence}

    threads = [threading.Thread(target=check, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    assert found == {number: {str(number)} for number in range(32)}
