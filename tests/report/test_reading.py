"""A verdict.json alone still gives the pages, and a changed one is not believed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_deploycheck.domain.items import Checklist
from pytest_deploycheck.report import layout
from pytest_deploycheck.report.journal import JournalWriter
from pytest_deploycheck.report.reading import VerdictError, read_verdict
from pytest_deploycheck.report.render import render, write_run
from pytest_deploycheck.report.terminal import summary_lines
from pytest_deploycheck.report.verdict import to_json, verdict_document
from tests.report import stories
from tests.report.hostile import HOSTILE, hostile_story
from tests.report.test_surfaces import waived_story

NOTHING = Checklist(items=(), sha256="")


def test_a_verdict_comes_back_as_it_was_written(told: stories.Story, tmp_path: Path) -> None:
    """Nothing that the file holds is lost on the way."""
    path = tmp_path / "verdict.json"
    document = verdict_document(told.decision)
    path.write_text(to_json(document))
    again = read_verdict(path, told.checklist)
    assert verdict_document(again) == document
    known = [line for line in summary_lines(told.decision) if not line.text.startswith("samples: ")]
    assert summary_lines(again) == known


@pytest.mark.parametrize("told", [stories.rollback(), stories.silence(), waived_story()])
def test_no_judgement_is_made_up(told: stories.Story, tmp_path: Path) -> None:
    """Which row of the table each check is in, and what kind its item is, is in the file."""
    path = tmp_path / "verdict.json"
    path.write_text(to_json(verdict_document(told.decision)))
    again = read_verdict(path, told.checklist)
    for read, judged in zip(again.items, told.decision.items, strict=True):
        assert (read.item.kind, read.verdict) == (judged.item.kind, judged.verdict)
        assert [(c.case, c.verdict, c.trigger_state, c.held_s) for c in read.checks] == [
            (c.case, c.verdict, c.trigger_state, c.held_s) for c in judged.checks
        ]


def changed(document: dict[str, Any], **changes: Any) -> dict[str, Any]:  # noqa: ANN401 # any value
    """A document in which every item, or check, that has a field has another value in it."""
    for name, value in changes.items():
        for row in [*document["items"], *document["checks"]]:
            if name in row:
                row[name] = value
    return document


PROCEEDS: dict[str, Any] = {"verdict": "PROCEED", "reasons": []}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d | {"verdict": "PROCEED"}, "the verdict is PROCEED, and post_5min/pod-status"),
        (lambda d: d | {"verdict": "PROCEED", "items": []}, "PROCEED, and a reason says ROLLBACK"),
        (lambda d: d | {"partial": False}, "partial is false, and post_5min/load-balancer has no"),
        (
            lambda d: changed(d, verdict="PROCEED", state="PASSED") | PROCEEDS,
            "post_5min/pod-status is PROCEED, and its checks say ROLLBACK",
        ),
        (
            lambda d: changed(d, verdict="PROCEED", waiver="W-1") | PROCEEDS,
            "post_5min/pod-status is PROCEED, and its checks say ROLLBACK",
        ),
        (
            lambda d: changed(d, verdict="PROCEED", state="WAIVED", waiver=None) | PROCEEDS,
            "post_5min/pod-status is PROCEED, and its checks say ROLLBACK",
        ),
        (
            lambda d: changed(d, verdict="PROCEED", case="SATISFIED") | PROCEEDS,
            "test_pod_status is FAILED and SATISFIED",
        ),
        (
            lambda d: changed(d, verdict="PROCEED", case="SATISFIED", outcome="PASSED") | PROCEEDS,
            "post_5min/load-balancer is PROCEED, and its checks say HOLD",
        ),
    ],
    ids=[
        "verdict",
        "no items",
        "whole",
        "passed",
        "waived in name",
        "waived by nobody",
        "other row",
        "not run",
    ],
)
def test_a_verdict_milder_than_what_it_stands_on_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], dict[str, Any]], message: str
) -> None:
    """A ROLLBACK is not turned into a PROCEED page by an editor."""
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(change(verdict_document(stories.rollback().decision))))
    with pytest.raises(VerdictError) as caught:
        read_verdict(path, NOTHING)
    assert message in str(caught.value)


def test_the_journal_beside_a_verdict_is_what_counts(tmp_path: Path) -> None:
    """A verdict is made from it; where it was cut off, that is what the pages say."""
    told = stories.proceed()
    written = write_run(tmp_path, told.decision, told.events, policy=told.policy)
    with JournalWriter(tmp_path / layout.JOURNAL) as journal:
        for event in told.events[:-1]:
            journal.append(event)
    assert render(written.verdict, told.checklist, told.policy).decision.verdict.value == "HOLD"


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_come_back(text: str, tmp_path: Path) -> None:
    """Reading is as safe as writing."""
    path = tmp_path / "verdict.json"
    document = verdict_document(hostile_story(text).decision)
    path.write_text(to_json(document))
    assert verdict_document(read_verdict(path, NOTHING))["reasons"] == document["reasons"]


def test_the_pages_are_made_again_from_the_verdict_alone(
    told: stories.Story, tmp_path: Path
) -> None:
    """An archive may have kept only that file, and the page says so."""
    written = write_run(tmp_path, told.decision, told.events, policy=told.policy, exit_code=1)
    before = written.verdict.read_bytes()
    for path in (written.report, written.junit, written.summary):
        path.unlink()
    again = render(tmp_path, told.checklist, told.policy)
    assert again.decision.verdict is told.decision.verdict
    assert again.verdict.read_bytes() == before
    page = again.report.read_text()
    assert "verdict.json alone" in page
    for reason in told.decision.reasons:
        assert (reason.item or "") in page
    assert again.junit.exists()
    assert again.summary.exists()
    assert render(written.verdict, told.checklist, told.policy).report.read_text() == page


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no JSON"),
        (b'{"schema": "deploycheck.verdict/1", "verdict": "PROCE', "is it cut off"),
        (b"[]", "schema None"),
        (b'{"schema": "deploycheck.verdict/9"}', "verdict/9"),
        (b'{"schema": "deploycheck.verdict/1"}', "KeyError"),
    ],
)
def test_what_is_no_verdict_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    """A truncated file is told from a good one."""
    (tmp_path / "verdict.json").write_bytes(content)
    with pytest.raises(VerdictError, match=r"verdict\.json") as caught:
        read_verdict(tmp_path / "verdict.json", NOTHING)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("verdict", "FINE"),
        ("finished_at", "later"),
        ("finished_at", "2026-01-31T12:00:00"),  # anywhere in the world
        ("partial", "false"),
        ("items", None),
        ("checks", {"a": 1}),
    ],
)
def test_a_changed_verdict_is_refused(tmp_path: Path, key: str, value: object) -> None:
    """A word that is none of ours is not shown as one."""
    document = {**verdict_document(stories.rollback().decision), key: value}
    (tmp_path / "verdict.json").write_text(json.dumps(document))
    with pytest.raises(VerdictError):
        read_verdict(tmp_path / "verdict.json", NOTHING)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The message says what was looked for."""
    with pytest.raises(VerdictError, match="expected a verdict"):
        read_verdict(tmp_path / "verdict.json", NOTHING)
