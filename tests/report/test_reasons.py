"""What one cause explains is told once, on every surface that people read."""

from __future__ import annotations

from pytest_deploycheck.domain.events import ProblemFound
from pytest_deploycheck.domain.reasons import INTERRUPTED
from pytest_deploycheck.report.annotations import annotation_lines
from pytest_deploycheck.report.reasons import told
from pytest_deploycheck.report.summary import summary_markdown
from pytest_deploycheck.report.terminal import summary_lines
from pytest_deploycheck.report.verdict import verdict_document
from tests.report import stories
from tests.report.pages import Read
from tests.report.test_page import page_of

ONCE = (
    "Prometheus at prometheus.example:9090: connection refused. 3 items have no evidence: "
    "post_5min/error-rate, post_5min/bots, post_5min/database"
)


def test_a_silent_host_is_told_once_with_the_items_that_it_explains() -> None:
    """Six walls of queries hide what a line says."""
    decision = stories.silence().decision
    (reason,) = told(decision.reasons)
    assert (reason.text, len(reason.items)) == (ONCE, 3)
    lines = [line.text for line in summary_lines(decision)]
    assert [line for line in lines if line.startswith("reason: ")] == [f"reason: HOLD {ONCE}"]
    assert summary_markdown(decision).count("connection refused") == 1
    (annotation,) = annotation_lines(decision)
    assert annotation.startswith("::error title=HOLD 3 items::Prometheus at ")


def test_machines_read_one_reason_for_each_item() -> None:
    """With what they have in common as a field of its own."""
    reasons = verdict_document(stories.silence().decision)["reasons"]
    assert [reason["item"] for reason in reasons] == [
        "post_5min/error-rate",
        "post_5min/bots",
        "post_5min/database",
    ]
    assert {reason["cause"] for reason in reasons} == {ONCE.partition(". ")[0]}


def test_the_page_folds_what_one_cause_explains() -> None:
    """The cause is open, each item can be opened, and its trigger is called unknown."""
    read = Read(page_of(stories.silence()))
    assert "Not checked: 3" in read.text
    assert read.text.count(ONCE) == 2
    assert "Health Check Failure (rollback): unknown." in read.text
    for slug in ("error-rate", "bots", "database"):
        assert read.ids.count(f"item-post_5min-{slug}") == 1
    assert [tag for tag, _ in read.tags].count("details") > 3


def test_what_has_a_reason_of_its_own_is_told_alone() -> None:
    """As before: the sentence of the item itself."""
    decision = stories.hold().decision
    assert [reason.text for reason in told(decision.reasons)] == [
        reason.text for reason in decision.reasons
    ]


def test_an_interrupted_run_is_one_reason() -> None:
    """What the run says of itself and what it left undone belong together."""
    problem = ProblemFound(run=stories.RUN, at_s=stories.STARTED_S, text=INTERRUPTED)
    missing = [stories.item(f"box-{n}") for n in range(2)]
    interrupted = stories.story(stories.passed("a"), more_items=missing, more_events=[problem])
    (reason,) = told(interrupted.decision.reasons)
    assert reason.text == (
        "the run was interrupted: run it again. 2 items have no evidence: "
        "post_5min/box-0, post_5min/box-1"
    )
    assert Read(page_of(interrupted)).text.count(reason.text) == 2
