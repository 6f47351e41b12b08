"""What a check saw: kept for that check, redacted, and capped."""

from __future__ import annotations

import base64
import json
import threading
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import Measurement
from tests.clients.doubles import STEADY

SECRET = 'pä"ss/w&rd +>?1'


@pytest.mark.parametrize(
    "spelled",
    [
        SECRET,
        urllib.parse.quote(SECRET),
        urllib.parse.quote(SECRET, safe=""),
        urllib.parse.quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        json.dumps(SECRET),
        json.dumps(SECRET, ensure_ascii=False),
        repr(SECRET),
    ],
    ids=["raw", "path", "url", "form", "base64", "base64url", "json", "json-utf8", "python"],
)
def test_a_registered_secret_is_taken_out_however_it_is_spelled(spelled: str) -> None:
    """A report that is published holds no secret, whichever layer has escaped it."""
    evidence.register_secret(SECRET)
    assert spelled.strip("\"'") not in evidence.redact(f"before {spelled} after")


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("authorization: bearer abc.def-123", "abc.def-123"),
        ("postgresql://jorge:s3cret@db:5432/x", "s3cret"),
        ("https://token@host/path", "token@"),
        ('{"access_token": "abc\\"def"}', "def"),
        ('{"password":"hunter2","user":"jorge"}', "hunter2"),
        ("host=db user=jorge password=hunter2 dbname=x", "hunter2"),
        ("host=db password='hun ter2'", "ter2"),
    ],
)
def test_a_secret_is_known_by_its_place(text: str, gone: str) -> None:
    """A token that nobody registered, because an answer brought it, is not published either."""
    assert gone not in evidence.redact(text)


def test_a_short_secret_does_not_blacken_every_word() -> None:
    """A password of one letter must not make a report unreadable."""
    evidence.register_secret("q")
    assert evidence.redact("quick q") == f"quick {evidence.REDACTED}"


def test_an_empty_secret_redacts_nothing() -> None:
    """An unset variable is no secret: replacing nothing would insert the mark everywhere."""
    evidence.register_secret("")
    assert evidence.redact("quiet") == "quiet"


def test_a_token_learnt_later_is_taken_out_of_what_was_seen_before() -> None:
    """The answer of a login is noted before anybody knows that its token is a secret."""
    with evidence.recording() as recorder:
        evidence.note("api", "POST /login", "token tok-4711-later")
        evidence.register_secret("tok-4711-later")
    assert "4711" not in recorder.evidence[0].answer


@STEADY
@given(st.text(max_size=50), st.integers(0, 70_000))
def test_an_excerpt_is_capped_and_valid(text: str, repeats: int) -> None:
    """Whatever a target answers, what is kept is small and can be written as UTF-8."""
    kept = evidence.excerpt(text * (repeats // max(1, len(text))))
    assert len(kept.encode()) <= evidence.EXCERPT_BYTES


def test_a_lone_surrogate_does_not_end_the_run() -> None:
    """Report writers encode strictly."""
    assert evidence.excerpt("\ud800") == "?"


CANARY = "c4nary-k7Qm2vXw9TzR"


def halves(text: str) -> set[str]:
    """Return what of the canary is in *text*: every five characters of it in a row."""
    return {CANARY[i : i + 5] for i in range(len(CANARY) - 4) if CANARY[i : i + 5] in text}


@STEADY
@given(
    longest=st.sampled_from([40, 80, 300, evidence.EXCERPT_BYTES]),
    before=st.integers(-30, 30),
    repeats=st.integers(1, 3),
    behind=st.sampled_from([0, 100, 9_000, 70_000]),
)
def test_a_secret_at_the_cut_leaves_no_half(
    longest: int, before: int, repeats: int, behind: int
) -> None:
    """Cut before redaction, the head of a secret that the cut divides would stay."""
    evidence.register_secret(CANARY)
    text = "x" * max(0, longest - before) + CANARY * repeats + "y" * behind
    assert not halves(evidence.shortened(text, longest))
    assert not halves(evidence.excerpt(text))
    assert not halves(evidence.shown([text]))
    assert len(evidence.shortened(text, longest)) <= longest


@pytest.mark.parametrize("length", [65_536, 8_192 + 4_096])
def test_a_secret_where_nobody_reads_on_leaves_no_half(length: int) -> None:
    """However far what was redacted before shrank the text: what ends it may be half a secret."""
    token = "t0k3n-" * 1_500
    evidence.register_secret(token)
    evidence.register_secret(CANARY)
    for offset in range(len(CANARY)):
        text = (token * 12)[: length - offset] + CANARY + "z" * 100_000
        assert not halves(evidence.excerpt(text))


def test_a_secret_as_long_as_a_certificate_is_taken_out_whole() -> None:
    """A kubeconfig in a variable is longer than all that is kept of an answer."""
    key = "".join(f"{number:05d}" for number in range(5_000))
    evidence.register_secret(key)
    assert evidence.shortened(f"found {key}", 80) == f"found {evidence.REDACTED}"
    assert "00010" not in evidence.shortened(f"{'x' * 70}{key}{'y' * 90_000}", 80)


def test_an_excerpt_says_that_it_is_one() -> None:
    """What is cut names how long it was; what only got shorter by redaction is whole."""
    evidence.register_secret(CANARY)
    assert evidence.excerpt("x" * 5_000).endswith(" … (5000 characters)")
    assert evidence.excerpt("x" * 20_000).endswith(" … (20000 characters)")
    assert evidence.excerpt(CANARY * 250) == evidence.REDACTED * 250


def test_outside_of_a_check_notes_go_nowhere() -> None:
    """Clients are asked before the first check too: what is deployed, and since when."""
    evidence.note("cluster", "GET /", "ok")
    evidence.answered("host:1")
    evidence.silent("host:1")
    evidence.awaiting()
    evidence.measured(Measurement(name="x", value=1, unit="1"))
    assert evidence.current() is None


def test_a_host_that_answered_anything_is_not_silent() -> None:
    """One lost request of many is no silence."""
    with evidence.recording() as recorder:
        evidence.silent("a:1")
        evidence.silent("b:1")
        evidence.answered("a:1")
    assert (recorder.answered, recorder.silent) == (("a:1",), ("b:1",))


def test_a_check_that_never_stops_asking_keeps_its_first_notes_and_says_so() -> None:
    """Left-out evidence is named, not forgotten."""
    with evidence.recording() as recorder:
        for number in range(evidence.MAX_NOTES + 3):
            evidence.note("api", f"GET /{number}", "ok")
    assert len(recorder.evidence) == evidence.MAX_NOTES + 1
    assert recorder.evidence[-1].request == "3 more requests"


def test_32_checks_side_by_side_see_only_their_own() -> None:
    """Evidence of one check in another one's report would be a lie."""
    together = threading.Barrier(32)
    found: dict[int, set[str]] = {}

    def check(number: int) -> None:
        with evidence.recording() as recorder:
            together.wait()
            for _ in range(20):
                evidence.note("api", f"GET /{number}", "ok")
            helper = threading.Thread(
                target=evidence.in_this_check(evidence.note), args=("api", f"GET /{number}", "ok")
            )
            helper.start()
            helper.join()
        assert len(recorder.evidence) == 21
        found[number] = {note.request for note in recorder.evidence}

    threads = [threading.Thread(target=check, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: {f"GET /{number}"} for number in range(32)}


def test_a_thread_that_is_not_bound_notes_to_nobody() -> None:
    """Context variables do not enter threads: this is why `in_this_check` exists."""
    with evidence.recording() as recorder:
        helper = threading.Thread(target=evidence.note, args=("api", "GET /", "ok"))
        helper.start()
        helper.join()
    assert recorder.evidence == ()


def test_an_unset_secret_is_named_and_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty password would be sent, refused, and blamed on the platform."""
    monkeypatch.setenv("DEPLOYCHECK_TEST_PASSWORD", "")
    with pytest.raises(InstrumentError, match="DEPLOYCHECK_TEST_PASSWORD is not set"):
        evidence.secret_from("DEPLOYCHECK_TEST_PASSWORD")
