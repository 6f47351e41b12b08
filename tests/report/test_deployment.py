"""What is rendered over a deployment: phases, the completed checklist, summary, sign-off."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from pytest_deploycheck.config.checklist import read_checklist
from pytest_deploycheck.domain.events import (
    Attested,
    CheckEnded,
    MessageSent,
    PlannedCheck,
    RolledBack,
    RunEnded,
    RunStarted,
    Waived,
)
from pytest_deploycheck.domain.items import Checklist
from pytest_deploycheck.domain.policy import WordRule
from pytest_deploycheck.domain.units import spoken_time
from pytest_deploycheck.domain.words import Outcome
from pytest_deploycheck.report import layout
from pytest_deploycheck.report.deployment import Written, write_deployment
from pytest_deploycheck.report.document import Note, completed, summary_of
from pytest_deploycheck.report.journal import JournalError, JournalWriter, write_people
from pytest_deploycheck.report.overview import Source
from pytest_deploycheck.report.text import for_markdown
from tests.report import stories
from tests.report.hostile import HOSTILE
from tests.report.pages import Read

DOCUMENT = """\
# Checklist

**Version**: 1.0

## Health
- [ ] **Pod Status**: it is as it should
  be, over two lines
  ```bash
  # - [ ] **Pod Status**: not this one
  1. nor this <!-- sums up: post_5min -->
  ```

- [ ] **Redis Cache**: it is as it should be
* [ ] **Error Trend**: it is as it should be

### Summary
1. Health verified <!-- sums up: post_5min/service-health -->
2. Trend verified <!-- sums up: post_24h -->
3. Both <!-- sums up: post_5min/pod-status post_24h/error-trend -->
4. Nothing <!-- sums up: post_5min/no-such-section -->
5. An ordinary line

## Sign-off
- [ ] **Operations Lead**: it is as it should be
"""
CHECKLIST = Checklist(
    items=(
        stories.item("pod-status"),
        stories.item("redis-cache"),
        stories.item("error-trend", phase="post_24h", section="24-Hour Monitoring"),
        stories.item("operations-lead", phase="sign_off", section="Sign-off"),
    ),
    sha256="a" * 64,
)
LINES = {
    "post_5min/pod-status": 6,
    "post_5min/redis-cache": 13,
    "post_24h/error-trend": 14,
    "sign_off/operations-lead": 24,
}
SOURCE = Source(text=DOCUMENT, lines=LINES)
WORD = Attested(
    at_s=stories.STARTED_S,
    id="A-1",
    item="sign_off/operations-lead",
    environment="production",
    release="2.4.1",
    by="cleo",
    role="Operations Lead",
    statement="deployed & done",
)

#: The check of a signature that nobody has given yet.
UNSIGNED = stories.passed(
    "operations-lead",
    phase="sign_off",
    outcome=Outcome.INCONCLUSIVE,
    awaiting=True,
    samples=(),
    message="awaits a word",
)


def record(
    folder: Path,
    *results: CheckEnded,
    phases: tuple[str, ...] = ("post_5min",),
    **more: object,
) -> Path:
    """Write a run of *phases* into the record, and return its folder; *more* is of its start."""
    run_folder = layout.new_run_folder(folder, stories.STARTED_S, phases)
    planned = tuple(PlannedCheck(nodeid=r.nodeid, item=r.item) for r in results)
    (started,) = [e for e in stories.proceed().events if isinstance(e, RunStarted)]
    run = f"run of {phases[0]}"
    rule = WordRule(item=WORD.item, roles=("Operations Lead",), people=("cleo",))
    started = dataclasses.replace(started, run=run, phases=phases, planned=planned, words=(rule,))
    started = dataclasses.replace(started, **more)  # type: ignore[arg-type]  # any field, by name
    with JournalWriter(run_folder / layout.JOURNAL) as journal:
        journal.append(started)
        for result in results:
            journal.append(dataclasses.replace(result, run=run))
        journal.append(RunEnded(run=run, at_s=stories.ENDED_S))
    return run_folder


def write(folder: Path) -> Written:
    """Render over the record."""
    return write_deployment(folder, CHECKLIST, stories.POLICY, SOURCE, at_s=stories.ENDED_S)


def test_the_document_comes_back_with_its_boxes_ticked(tmp_path: Path) -> None:
    """It is still the user's own, and says of each box what was found, when, and where."""
    bad = stories.passed("redis-cache", outcome=Outcome.FAILED, message="refused\nat line 2")
    run = record(tmp_path, stories.passed("pod-status"), bad)
    written = write(tmp_path)
    lines = written.checklist.read_text().splitlines()
    at = lines.index("- [x] **Pod Status**: it is as it should")
    report = f"runs/{run.name}/report.html"
    assert lines[at + 1] == "  be, over two lines"
    assert lines[at + 2] == (
        "  - **PASSED** 2026-01-01 10:01:01Z api GET https\\://api.example/pod-status: "
        f'{{"status": "healthy"}} ([report]({report}#item-post_5min-pod-status))'
    )
    assert lines[at + 3 : at + 7] == DOCUMENT.splitlines()[7:11]
    at = lines.index("- [ ] **Redis Cache**: it is as it should be")
    assert lines[at + 1].startswith("  - **FAILED** 2026-01-01 10:01:01Z refused ([report](")
    at = lines.index("* [ ] **Error Trend**: it is as it should be")
    assert lines[at + 1] == "  - **NOT_RUN**: no run of its phase is recorded"
    kept = [
        line for line in lines if "**" not in line and not line.startswith((">", "1", "2", "3"))
    ]
    assert [line for line in DOCUMENT.splitlines() if line in kept or not line]


def test_taking_our_lines_out_gives_the_document_back(tmp_path: Path) -> None:
    """Nothing else was touched."""
    record(tmp_path, stories.passed("pod-status"), stories.passed("redis-cache"))
    added = ("> ", "  - **", "1. [", "2. [", "3. [", "4. [")
    lines = write(tmp_path).checklist.read_text().replace("[x]", "[ ]").splitlines()
    ours = [line for line in lines if line and not line.startswith(added)]
    theirs = [line for line in DOCUMENT.splitlines() if line and " <!-- sums up" not in line]
    fenced = "  1. nor this <!-- sums up: post_5min -->"
    assert [line for line in ours if line != fenced] == theirs
    assert fenced in ours


def test_the_summary_is_computed(tmp_path: Path) -> None:
    """A line is ticked when every item behind it is satisfied, and never when there is none."""
    record(tmp_path, stories.passed("pod-status"), stories.passed("redis-cache"))
    written = write(tmp_path)
    told = {
        line.text: (line.ticked, line.satisfied, len(line.items))
        for line in written.deployment.summary
    }
    assert told == {
        "Health verified": (True, 2, 2),
        "Trend verified": (False, 0, 1),
        "Both": (False, 1, 2),
        "Nothing": (False, 0, 0),
    }
    assert (
        "1. [x] Health verified: **PASSED**, 2 of 2 items "
        "<!-- sums up: post_5min/service-health -->"
    ) in written.checklist.read_text().splitlines()


def test_the_index_shows_every_phase_also_those_not_run(tmp_path: Path) -> None:
    """A phase that nobody ran is not health."""
    record(tmp_path, stories.passed("pod-status"), stories.passed("redis-cache"))
    text = Read(write(tmp_path).index.read_text()).text
    assert "PROCEED so far" in text
    assert "Not run yet: post_24h, sign_off." in text
    assert "PROCEED 2 of 2 satisfied" in text
    assert "phase post_5min ended in PROCEED" not in text
    assert "post_24h not run yet" in text


def test_the_index_tells_what_the_runs_let_pass(tmp_path: Path) -> None:
    """Which limits were not the base's is part of what was decided."""
    line = "cluster.max_restarts: found 9, above 0 (differs from base)"
    run = record(tmp_path, stories.passed("pod-status"), weakened=(line,))
    read = Read(write(tmp_path).index.read_text())
    assert line in read.text
    assert "#weaker" in read.links
    assert line in (run / layout.JOURNAL).read_text()


def test_the_index_leads_to_the_run_that_answered(tmp_path: Path) -> None:
    """From the box to the evidence in one step."""
    run = record(tmp_path, stories.passed("pod-status"), stories.passed("redis-cache"))
    read = Read(write(tmp_path).index.read_text())
    assert f"runs/{run.name}/report.html#item-post_5min-pod-status" in read.links
    assert f"runs/{run.name}/report.html" in read.links
    assert len(set(read.ids)) == len(read.ids)


def test_sign_off_names_who_signed(tmp_path: Path) -> None:
    """As on the last page of the source."""
    record(tmp_path, stories.passed("pod-status"), stories.passed("redis-cache"))
    record(tmp_path, UNSIGNED, phases=("sign_off",))
    assert "Not signed." in Read(write(tmp_path).index.read_text()).text
    write_people(tmp_path, WORD, name="attest")
    written = write(tmp_path)
    assert (
        "cleo, Operations Lead, 2026-01-01 10:01:00Z: deployed & done"
        in Read(written.index.read_text()).text
    )
    assert "- [x] **Operations Lead**" in written.checklist.read_text()
    assert "cleo, Operations Lead: deployed &amp; done" in written.checklist.read_text()


def test_messages_and_rollbacks_are_told(tmp_path: Path) -> None:
    """What followed belongs to the record."""
    record(tmp_path, stories.passed("pod-status"), stories.passed("redis-cache"))
    sent = MessageSent(
        at_s=stories.STARTED_S,
        id="m",
        kind="verdict",
        channel="mail",
        state="sent",
        subject="Hello",
    )
    write_people(tmp_path, sent, name="a")
    step = RolledBack(
        at_s=stories.STARTED_S,
        id="r",
        step="verified",
        release="2.4.1",
        revision="41",
        command="helm rollback",
        by="ann",
    )
    write_people(tmp_path, step, name="b")
    text = Read(write(tmp_path).index.read_text()).text
    assert "verdict to mail: sent. Hello" in text
    assert "rollback verified from 2.4.1 to 41 by ann" in text


def went_back(step: str, at_s: float, detail: str = "") -> RolledBack:
    """Return a step of one rollback."""
    return RolledBack(
        at_s=at_s,
        id="R-1",
        step=step,  # type: ignore[arg-type]  # one of them
        release="2.4.1",
        revision="41",
        command="helm rollback",
        by="ann",
        detail=detail,
    )


def test_a_release_that_was_rolled_back_is_shown_as_such_at_the_top(tmp_path: Path) -> None:
    """The verdict is of what is gone; whether what came back was looked at stands beside it."""
    record(tmp_path, stories.failing("pod-status", for_s=130, trigger="health-check-failure"))
    write_people(tmp_path, went_back("executed", stories.ENDED_S - 9), name="executed")
    written = write(tmp_path)
    page = Read(written.index.read_text())
    assert "ROLLBACK, rolled back" in page.text
    assert "by ann to revision 41; nobody has verified it yet." in page.text
    assert "**ROLLBACK, rolled back**" in written.checklist.read_text()
    assert "Next: " not in page.text
    step = went_back("not_verified", stories.ENDED_S - 8, "post_5min ended in HOLD")
    write_people(tmp_path, step, name="looked")
    text = Read(write(tmp_path).index.read_text()).text
    assert "looked at, and not verified" in text
    assert "post_5min ended in HOLD" in text
    record(tmp_path, stories.passed("pod-status"), at_s=stories.ENDED_S - 5, phases=("post_24h",))
    assert "rolled back" not in Read(write(tmp_path).index.read_text()).text.partition("Phases")[0]


def test_the_run_that_verified_a_rollback_is_told_apart(tmp_path: Path) -> None:
    """It is of the release that came back, and its verdict none of this deployment's."""
    record(tmp_path, stories.failing("pod-status", for_s=130, trigger="health-check-failure"))
    brought_back = tmp_path / "rollback/20260101T100500Z/production/2.4.0/20260101T093000Z"
    run = record(brought_back, stories.passed("pod-status"), release="2.4.0")
    (run / "verdict.json").write_text('{"verdict": "PROCEED"}')
    read = Read(write(tmp_path).index.read_text())
    assert f"{run.relative_to(tmp_path)}/report.html" in read.links
    assert "PROCEED post_5min of release 2.4.0, which the rollback brought back," in read.text
    assert "ROLLBACK" in read.text.partition("Phases")[0]


def test_what_a_person_refers_to_is_one_step_away(tmp_path: Path) -> None:
    """The evidence that an attestation names is linked at its box; a script is not."""
    record(tmp_path, UNSIGNED, phases=("sign_off",))
    for name, link in (("a", "https://wiki.example/42"), ("b", "javascript:alert(1)")):
        at_s = stories.STARTED_S + ord(name)
        write_people(tmp_path, dataclasses.replace(WORD, evidence=link, at_s=at_s), name=name)
        written = write(tmp_path)
        read = Read(written.index.read_text())
        assert read.links.count(link) == (2 if name == "a" else 0)
        assert link in read.text
        assert f"(evidence {for_markdown(link)})" in written.checklist.read_text()


def test_the_data_says_the_same(tmp_path: Path) -> None:
    """For whoever reads many deployments."""
    run = record(tmp_path, stories.passed("pod-status"), stories.passed("redis-cache"))
    (run / "verdict.json").write_text('{"verdict": "PROCEED"}')
    data = json.loads(write(tmp_path).data.read_text())
    assert data["schema"] == "deploycheck.deployment/1"
    assert data["verdict"]["verdict"] == "PROCEED"
    assert {phase["name"]: phase["verdict"] for phase in data["phases"]} == {
        "post_5min": "PROCEED",
        "post_24h": None,
        "sign_off": None,
    }
    assert data["runs"] == [
        {
            "run": "run of post_5min",
            "folder": f"runs/{run.name}",
            "phases": ["post_5min"],
            "started_at": "2026-01-01T10:01:00Z",
            "verdict": "PROCEED",
            "ended": True,
        }
    ]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"verdict": "FINE"}', b"[]", b"\xff"])
def test_a_run_without_a_readable_verdict_has_none(tmp_path: Path, content: bytes) -> None:
    """It was cut off, and that is what is shown."""
    run = record(tmp_path, stories.passed("pod-status"), stories.passed("redis-cache"))
    (run / "verdict.json").write_bytes(content)
    written = write(tmp_path)
    assert written.deployment.runs[0].verdict is None
    assert "no verdict" in Read(written.index.read_text()).text


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_target_or_a_person_says_runs(tmp_path: Path, text: str) -> None:
    """The index and the document are as safe as the report."""
    bad = stories.passed("pod-status", outcome=Outcome.FAILED, message=text)
    record(tmp_path, bad, stories.passed("redis-cache"))
    write_people(tmp_path, dataclasses.replace(WORD, by=text, statement=text), name="x")
    sent = MessageSent(
        at_s=1.0, id=text, kind=text, channel=text, state="sent", subject=text, detail=text
    )
    write_people(tmp_path, sent, name="y")
    written = write(tmp_path)
    read = Read(written.index.read_text())
    assert sum(tag == "script" for tag, _ in read.tags) == 1
    assert not {"img", "b onmouseover", "iframe"} & {tag for tag, _ in read.tags}
    assert all(not name.startswith("on") for _, attributes in read.tags for name in attributes)
    assert all(link.startswith(("#", "runs/", "checklist.md")) for link in read.links)
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(written.checklist.read_text())
    inline = [child for token in tokens for child in token.children or ()]
    allowed = "<!-- sums up"
    assert all(c.content.startswith(allowed) for c in inline if c.type == "html_inline")
    assert not [token for token in tokens if token.type == "html_block"]
    assert all(
        str(child.attrGet("href")).startswith("runs/")
        for child in inline
        if child.type == "link_open"
    )


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([stories.passed("pod-status", evidence=())], "its check passed"),
        (
            [
                stories.passed("pod-status", evidence=()),
                stories.passed("pod-status", evidence=(), nodeid="second"),
            ],
            "2 checks passed",
        ),
        ([stories.failing("pod-status", for_s=10, trigger=None, message="")], "error_ratio 6.1 %"),
        (
            [stories.passed("pod-status", outcome=Outcome.FAILED, evidence=(), samples=())],
            "**FAILED** 2026-01-01 10:01:01Z FAILED",
        ),
    ],
)
def test_a_box_says_in_a_line_what_was_found(
    tmp_path: Path, checks: list[CheckEnded], expected: str
) -> None:
    """What is wrong, else a number, else that it passed."""
    record(tmp_path, *checks, stories.passed("redis-cache"))
    assert expected in write(tmp_path).checklist.read_text()


def test_a_waiver_ticks_no_box_while_a_trigger_fires(tmp_path: Path) -> None:
    """It never silences one."""
    bad = stories.failing("pod-status", for_s=130, trigger="health-check-failure")
    record(tmp_path, bad, stories.passed("redis-cache"))
    waiver = Waived(
        at_s=stories.STARTED_S,
        id="W-7",
        item="post_5min/pod-status",
        environment="production",
        release="2.4.1",
        until_s=stories.ENDED_S + 9,
        reason="known",
        author="ann",
        approver="bob",
        ticket="T-1",
    )
    write_people(tmp_path, waiver, name="waive")
    text = write(tmp_path).checklist.read_text()
    assert "- [ ] **Pod Status**" in text
    said = f"waived by bob until {spoken_time(waiver.until_s)}: known (T-1, W-7)"
    assert for_markdown(said) in text


def test_a_complete_record_is_not_so_far(tmp_path: Path) -> None:
    """Every phase was run, and the word stands alone."""
    results = [stories.passed("pod-status"), stories.passed("redis-cache")]
    trend = stories.passed("error-trend", phase="post_24h")
    sign = stories.passed("operations-lead", phase="sign_off")
    record(tmp_path, *results, trend, sign, phases=("post_5min", "post_24h", "sign_off"))
    written = write(tmp_path)
    assert "so far" not in written.index.read_text()
    assert "Not run yet" not in written.checklist.read_text()


def test_a_document_that_has_changed_since_keeps_its_summary() -> None:
    """A line that was not computed stays as it is."""
    line = "1. Something new <!-- sums up: post_5min -->"
    assert completed(f"{line}\n", {}, {}, head=[], summary=()) == f"{line}\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("invisible", ["\u2028", "\x0c", "\x85"])
def test_a_note_stands_at_its_item(tmp_path: Path, invisible: str, end: str) -> None:
    """Lines are Markdown's: a separator pasted from elsewhere puts no tick at the next box."""
    path = tmp_path / "checklist.md"
    lines = [
        "# Title", "<!-- phase: deploy -->", f"Some{invisible}words.", "",
        "- [ ] **One**: is so", "- [ ] **Two**: is so",
    ]  # fmt: skip
    path.write_bytes(end.join([*lines, ""]).encode())
    document, problems = read_checklist(path)
    assert not problems
    notes = {"deploy/one": Note(ticked=True, text="it is")}
    told = completed(document.text, document.lines, notes, head=[], summary=())
    assert "- [x] **One**: is so\n  - it is\n- [ ] **Two**: is so\n" in told


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    """There is nothing to tell."""
    write_people(tmp_path, WORD, name="attest")
    with pytest.raises(JournalError, match="found no run"):
        write(tmp_path)


def test_the_shipped_summary_has_twelve_lines_that_name_items() -> None:
    """A name that fits nothing would leave its line unticked for ever."""
    from pytest_deploycheck.config import load_project

    project = load_project(Path(__file__).parents[2])
    document = (project.folder / "checklist.md").read_text()
    lines = summary_of(document, project.checklist, {})
    assert len(lines) == 12
    assert all(line.items for line in lines)
