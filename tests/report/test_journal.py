"""The journal comes back as it was written, and what is broken in it is found."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import json
import math
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import (
    Attested,
    BaselineRecorded,
    CheckEnded,
    Event,
    MessageSent,
    ProblemFound,
    Revoked,
    RolledBack,
    RunEnded,
    RunStarted,
    Waived,
)
from pytest_deploycheck.report.journal import (
    JournalError,
    JournalWriter,
    from_line,
    read_journal,
    read_record,
    to_line,
    write_people,
)
from tests.report import stories

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))

ENDED = RunEnded(run="r", at_s=2.0)
STARTED = RunStarted(
    run="r",
    at_s=1.0,
    environment="production",
    release="1.0",
    deployed_at_s=0.0,
    phases=("post_5min",),
    planned=(),
)


def build(data: st.DataObject, kind: type[Event]) -> Event:
    """Draw an event of *kind*; what the domain refuses is no event."""
    try:
        event = data.draw(st.builds(kind))
    except InstrumentError:
        assume(False)
        raise
    assert isinstance(event, kind)
    return event


@pytest.mark.parametrize(
    "kind",
    [
        *(RunStarted, CheckEnded, ProblemFound, RunEnded, Attested),
        *(Revoked, Waived, MessageSent, RolledBack, BaselineRecorded),
    ],
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_an_event_comes_back_as_it_was_written(kind: type[Event], data: st.DataObject) -> None:
    """Judging a journal again is judging the same events."""
    event = build(data, kind)
    line = to_line(event)
    assert from_line(line.decode()) == event
    assert line.count(b"\n") == 1


def test_a_run_comes_back_with_histories_and_evidence(tmp_path: Path) -> None:
    """Everything that the judge and the page need survives the file."""
    told = stories.rollback()
    with JournalWriter(tmp_path / "journal.jsonl") as journal:
        for event in told.events:
            journal.append(event)
    assert read_journal(tmp_path / "journal.jsonl") == list(told.events)


def test_each_event_can_be_read_before_the_journal_is_closed(tmp_path: Path) -> None:
    """A killed run leaves every check that had ended."""
    journal = JournalWriter(tmp_path / "journal.jsonl")
    journal.append(STARTED)
    assert read_journal(journal.path) == [STARTED]
    journal.append(ENDED)
    assert read_journal(journal.path) == [STARTED, ENDED]
    journal.close()
    journal.close()


def test_threads_do_not_mix_their_lines(tmp_path: Path) -> None:
    """Checks end side by side."""
    with JournalWriter(tmp_path / "journal.jsonl") as journal:
        journal.append(STARTED)
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(journal.append, [stories.passed(f"item-{i}") for i in range(400)]))
    ended = read_journal(journal.path)[1:]
    assert {e.item for e in ended if isinstance(e, CheckEnded)} == {
        f"post_5min/item-{i}" for i in range(400)
    }
    assert len(ended) == 400


def test_an_existing_journal_is_never_written_to(tmp_path: Path) -> None:
    """Who writes, writes a new journal."""
    (tmp_path / "journal.jsonl").write_text("{}")
    with pytest.raises(FileExistsError):
        JournalWriter(tmp_path / "journal.jsonl")


def test_a_journal_is_never_seen_empty(tmp_path: Path) -> None:
    """Another job that reads the record at that moment finds a run, or none."""
    journal = JournalWriter(tmp_path / "journal.jsonl")
    assert list(tmp_path.iterdir()) == []
    other = JournalWriter(tmp_path / "journal.jsonl")
    journal.append(STARTED)
    assert [path.name for path in tmp_path.iterdir()] == ["journal.jsonl"]
    with pytest.raises(FileExistsError):
        other.append(STARTED)
    journal.close()
    other.close()


def test_a_full_disk_leaves_the_journal_readable(tmp_path: Path) -> None:
    """What was acknowledged stays, and half a line does not follow it."""
    with JournalWriter(tmp_path / "journal.jsonl") as journal:
        journal.append(STARTED)
        size_bytes = journal.path.stat().st_size
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes + 100, before[1]))
        try:
            with pytest.raises(OSError, match="too large"):
                journal.append(stories.passed("pod-status"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert read_journal(journal.path) == [STARTED]
        journal.append(ENDED)
        assert read_journal(journal.path) == [STARTED, ENDED]


def test_a_lone_surrogate_is_replaced_and_hurts_nothing(tmp_path: Path) -> None:
    """What a target answered cannot stop the journal."""
    with JournalWriter(tmp_path / "journal.jsonl") as journal:
        journal.append(STARTED)
        journal.append(stories.passed("pod-status", message="a\ud800b\u2028c"))
    (found,) = [e for e in read_journal(journal.path) if isinstance(e, CheckEnded)]
    assert found.message == "a\ufffdb\u2028c"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_and_may_be_spoken_of(number: float) -> None:
    """JSON has no word for it; a message that names it is a text like any other."""
    with pytest.raises(ValueError, match="JSON"):
        to_line(stories.passed("pod-status", at_s=number))
    said = stories.passed("pod-status", message="found NaN, Infinity, -Infinity")
    assert from_line(to_line(said).decode()) == said


@pytest.mark.parametrize("keep", range(1, 60, 7))
def test_a_torn_last_line_is_reported_and_the_rest_is_kept(tmp_path: Path, keep: int) -> None:
    """A killed run is still evidence, and never a whole one."""
    path = tmp_path / "journal.jsonl"
    line = to_line(stories.passed("pod-status"))
    path.write_bytes(to_line(STARTED) + line[:keep])
    events = read_journal(path)
    assert events[0] == STARTED
    (problem,) = events[1:]
    assert isinstance(problem, ProblemFound)
    assert problem.run == "r"
    assert f"{path}:2: the last line is torn" in problem.text


def test_a_whole_last_line_without_its_end_counts(tmp_path: Path) -> None:
    """Only the newline was lost."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(to_line(STARTED) + to_line(ENDED).rstrip())
    assert read_journal(path) == [STARTED, ENDED]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "no JSON"),
        (b"\xff{}", "no JSON"),
        (b"[]", "should be an object"),
        (b"", "no JSON"),
        (b'{"event": "run_ended", "run": "r", "at_s": 1}\x00', "no JSON"),
        (b'{"event": "run_renamed"}', "event"),
        (b'{"run": "r"}', "event"),
        (b'{"event": "run_ended", "run": "r"}', "at_s"),
        (b'{"event": "run_ended", "run": "r", "at_s": "later"}', "at_s"),
        (b'{"event": "run_ended", "run": "r", "at_s": "1"}', "at_s"),
        (b'{"event": "run_ended", "run": "r", "at_s": NaN}', "at_s"),
        (b'{"event": "run_ended", "run": "r", "at_s": 1e999}', "at_s"),
        (b'{"event": "run_ended", "run": "r", "at_s": 1, "forgiven": true}', "forgiven"),
        (
            to_line(STARTED).rstrip().replace(b"journal/1", b"journal/9"),
            "schema: Input should be 'deploycheck.journal/1'",
        ),
        (
            to_line(STARTED).rstrip().replace(b'"schema":"deploycheck.journal/1",', b""),
            "found no schema",
        ),
    ],
)
def test_any_other_broken_line_is_an_error_with_its_place(
    tmp_path: Path, line: bytes, message: str
) -> None:
    """A journal that somebody changed is not read as if nothing had happened."""
    path = tmp_path / "journal.jsonl"
    path.write_bytes(to_line(STARTED) + line + b"\n" + to_line(ENDED))
    with pytest.raises(JournalError) as caught:
        read_journal(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert message in str(caught.value)


def test_a_number_that_the_domain_refuses_is_an_error_with_its_place(tmp_path: Path) -> None:
    """NaN in a journal is no value."""
    path = tmp_path / "journal.jsonl"
    plain = json.loads(to_line(stories.failing("pod-status", for_s=10, trigger=None)))
    plain["measurements"][0]["value"] = float("nan")
    path.write_bytes(to_line(STARTED) + json.dumps(plain).encode() + b"\n")
    with pytest.raises(JournalError, match=r":2: measurements\.0\.value: .*finite"):
        read_journal(path)


def test_an_infinite_time_is_not_written() -> None:
    """JSON has no word for it, and a reader would refuse the whole file."""
    with pytest.raises(ValueError, match="JSON"):
        to_line(RunEnded(run="r", at_s=float("inf")))


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_an_empty_journal_is_an_error(tmp_path: Path, content: bytes) -> None:
    """Nothing recorded is not nothing wrong."""
    (tmp_path / "journal.jsonl").write_bytes(content)
    with pytest.raises(JournalError):
        read_journal(tmp_path / "journal.jsonl")


def test_a_missing_journal_is_an_error_with_its_path(tmp_path: Path) -> None:
    """The message names what was looked for."""
    with pytest.raises(JournalError, match=r"journal\.jsonl"):
        read_journal(tmp_path / "journal.jsonl")


def test_a_torn_word_of_a_person_is_an_error(tmp_path: Path) -> None:
    """It is written whole or not at all, so somebody changed it."""
    (tmp_path / "word.jsonl").write_bytes(b'{"event": "attes')
    with pytest.raises(JournalError, match=":1: no JSON"):
        read_journal(tmp_path / "word.jsonl")


def test_a_record_is_all_journals_of_its_folder(tmp_path: Path) -> None:
    """Runs and people write files of their own, and merging is copying them."""
    for name in ("a", "b"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        with JournalWriter(tmp_path / "runs" / name / "journal.jsonl") as journal:
            journal.append(STARTED)
    sent = MessageSent(
        at_s=3.0, id="m", kind="verdict", channel="mail", state="sent", subject="PROCEED"
    )
    other = dataclasses.replace(sent, state="failed")
    first = write_people(tmp_path, sent, name="notify/mail")
    assert write_people(tmp_path, other, name="notify/mail") != first
    assert write_people(tmp_path, sent, name="notify/mail") == first
    assert sorted(p.suffix for p in (tmp_path / "people").iterdir()) == [".jsonl", ".jsonl"]
    kept = read_record(tmp_path)
    assert (kept.count(STARTED), kept.count(sent), kept.count(other), len(kept)) == (2, 1, 1, 4)


def test_a_folder_without_journals_is_an_error(tmp_path: Path) -> None:
    """A mistyped folder is not an empty record."""
    with pytest.raises(JournalError, match="expected the folder of a deployment"):
        read_record(tmp_path)
