"""report.html tells everything in its order, and nothing that a target says can run on it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re

import pytest

from pytest_deploycheck.domain.events import (
    Attested,
    CheckEnded,
    CheckSample,
    Event,
    Evidence,
    ProblemFound,
    Revoked,
    RunStarted,
    Waived,
)
from pytest_deploycheck.domain.words import Outcome, State
from pytest_deploycheck.report.html import report_page
from tests.report import stories
from tests.report.hostile import HOSTILE, hostile_story
from tests.report.pages import Read


def page_of(told: stories.Story) -> str:
    """Return the page of a story."""
    return report_page(told.decision, told.events, told.policy)


@pytest.mark.parametrize(("checks", "times"), [(1, 0), (2, 2)])
def test_what_the_reason_says_is_not_said_again(checks: int, times: int) -> None:
    """On a phone the same five lines twice are a screen; of two checks each says its own."""
    results = [
        stories.passed(
            "pod-status",
            nodeid=f"suites/post_5min/test_health.py::test_{n}",
            outcome=Outcome.FAILED,
            message=f"pod {n} is down",
            measurements=(),
        )
        for n in range(checks)
    ]
    page = page_of(stories.story(*results))
    assert "pod 0 is down" in page
    assert page.count('<pre class="message">') == times


def test_the_page_tells_what_was_decided_first(told: stories.Story) -> None:
    """At three in the morning nobody scrolls for the verdict."""
    page = page_of(told)
    text = Read(page).text
    verdict = told.decision.verdict.value
    assert page.index(f"> {verdict}</h1>") < page.index("<main>")
    if told.decision.reasons:
        assert told.decision.reasons[0].text[:100] in text
    assert f'<meta name="deploycheck-verdict" content="{verdict}">' in page
    assert f"End of report: {verdict}, " in text
    assert page.endswith(f"<!-- deploycheck: end of report, verdict {verdict} -->\n")


def test_the_same_run_gives_the_same_bytes(told: stories.Story) -> None:
    """An archived page can be made again and compared."""
    assert page_of(told) == page_of(told)


def test_every_item_reason_and_check_is_on_the_page(told: stories.Story) -> None:
    """Nothing is left to a script, or to another file."""
    read = Read(page_of(told))
    for result in told.decision.items:
        assert read.ids.count(f"item-{result.item.id.replace('/', '-')}") == 1
        assert result.item.title in read.text
        for check in result.checks:
            assert check.ended.nodeid in read.text
    passed = sum(item.state is State.PASSED for item in told.decision.items)
    assert f"{passed} of {len(told.decision.items)} passed" in read.text
    for reason in told.decision.reasons:
        assert reason.text in read.text


def test_a_failure_tells_all_that_decides_it() -> None:
    """Found against limit, how long, under which trigger, who owns it, and how to run just it."""
    text = Read(page_of(stories.rollback())).text
    for fact in (
        "error_ratio 6.1 %, limit at most 5 % beyond its limit; 15 samples over 4m 49s",
        "sum(rate(errors[1m])) / sum(rate(requests[1m]))",
        "Health Check Failure (rollback): FIRING since 2026-01-01 10:02:40Z, for 2m 10s (hold 2m).",
        "Any service failing health checks >5 minutes",
        "14 samples over 2m 10s, 14 bad",
        "On-call SRE",
        "https://runbooks.example/health",
        "GET https://api.example/pod-status",
        "Just this check: pytest suites/post_5min/test_health.py::test_pod_status --env=production",
        "baseline 1 %",
        "before it 2.4.0",
        "due 2026-01-01 10:05:00Z; first sample 2026-01-01 10:01:01Z, on time",
        "release-bot, version 0.1.0",
    ):
        assert fact in text, fact


def test_the_page_shows_what_the_deployment_was_compared_with() -> None:
    """Not what was written down last, its own values, or those of afterwards or elsewhere."""
    told = stories.rollback()
    others = [
        dataclasses.replace(
            stories.BASELINE,
            release=release,
            at_s=stories.DEPLOYED_S + 30,
            until_s=stories.DEPLOYED_S + until_s,
            values=(dataclasses.replace(stories.BASELINE.values[0], value=value),),
        )
        for release, until_s, value in (("2.3.0", -900, 0.03), ("2.4.1", -60, 0.04), ("9", 1, 0.09))
    ]
    others.append(dataclasses.replace(others[1], environment="staging", release="2.3.9"))
    for events in ((*told.events, *others), (*others, *told.events)):
        text = Read(page_of(dataclasses.replace(told, events=events))).text
        assert "before it 2.4.0" in text
        assert "baseline 1 %" in text
        assert not re.search("baseline [349] %", text)


def test_what_could_not_be_checked_comes_before_what_failed() -> None:
    """Missing evidence is the thing readers overlook."""
    page = page_of(stories.rollback())
    places = [
        page.index(f'<section id="{name}">')
        for name in ("unchecked", "troubled", "timeline", "checklist", "measurements", "run")
    ]
    assert places == sorted(places)
    assert places[0] < page.index("</code> did not run.") < places[1]


def test_a_problem_of_the_run_itself_is_shown() -> None:
    """A collection error has no item, and is still a reason."""
    problem = ProblemFound(run=stories.RUN, at_s=stories.STARTED_S, text="suites could not load")
    told = stories.story(stories.passed("pod-status"), more_events=[problem])
    read = Read(page_of(told))
    assert told.decision.verdict.value == "HOLD"
    assert read.text.count("suites could not load") >= 2
    assert "Not checked: 1" in read.text


def test_waivers_and_attestations_are_listed_with_what_counted() -> None:
    """An auditor sees whose word stood in for evidence."""
    fields = {"environment": "production", "release": "2.4.1", "at_s": stories.STARTED_S}
    waiver = Waived(
        id="W-7",
        item="post_5min/pod-status",
        until_s=stories.ENDED_S + 60,
        reason="known flake",
        author="ann",
        approver="bob",
        ticket="https://tickets.example/7",
        **fields,  # type: ignore[arg-type]  # three fields by name
    )
    word = Attested(
        id="A-1",
        item="post_5min/redis",
        by="cleo",
        role="Operations Lead",
        statement="seen it",
        evidence="javascript:alert(1)",
        valid_until_s=stories.ENDED_S + 60,
        demonstration=True,
        **fields,  # type: ignore[arg-type]  # three fields by name
    )
    gone = dataclasses.replace(word, id="A-2", statement="taken back")
    bad = stories.passed("pod-status", outcome=Outcome.FAILED, samples=(), message="broken")
    told = stories.story(
        bad,
        stories.passed("redis"),
        more_events=[
            waiver,
            word,
            gone,
            Revoked(at_s=stories.STARTED_S, id="A-2", by="cleo", reason="wrong"),
        ],
    )
    read = Read(page_of(told))
    assert "Waiver W-7 in force: post_5min/pod-status until 2026-01-01 10:06:00Z." in read.text
    assert "asked by ann, approved by bob" in read.text
    assert "https://tickets.example/7" in read.links
    assert "by cleo, Operations Lead" in read.text
    assert "Made up for a demonstration." in read.text
    assert "javascript:alert(1)" not in read.links
    assert "taken back" not in read.text


def test_the_difference_from_the_run_before_is_told() -> None:
    """New, still and recovered: what to look at first."""
    now = stories.story(
        stories.passed("new", outcome=Outcome.FAILED, samples=()),
        stories.passed("still", outcome=Outcome.FAILED, samples=()),
        stories.passed("recovered"),
        stories.passed("fine"),
    )
    (started,) = [e for e in now.events if isinstance(e, RunStarted)]
    before_s = stories.DEPLOYED_S + 10
    earlier: list[Event] = [
        dataclasses.replace(started, run="run-0", at_s=before_s),
        *(
            dataclasses.replace(
                e,
                run="run-0",
                at_s=before_s + 1,
                outcome=Outcome.PASSED if e.item.endswith(("new", "fine")) else Outcome.FAILED,
            )
            for e in now.events
            if isinstance(e, CheckEnded)
        ),
    ]
    text = Read(report_page(now.decision, [*now.events, *earlier], now.policy)).text
    assert (
        "The run before began 2026-01-01 10:00:10Z. New post_5min/new Still post_5min/still "
        "Recovered post_5min/recovered"
    ) in text


def test_a_late_phase_says_so() -> None:
    """A health check two hours later does not stand for the first five minutes."""
    at_s = stories.DEPLOYED_S + 700
    told = stories.story(stories.passed("pod-status", started_at_s=at_s, samples=()))
    assert ", late, and does not stand for the phase" in Read(page_of(told)).text


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_a_target_says_runs(text: str) -> None:
    """Every field at once is hostile, and the page is still ours."""
    page = page_of(hostile_story(text))
    ours = Read(page_of(hostile_story("harmless")))
    read = Read(page)
    allowed = {tag for tag, _ in ours.tags}
    assert {tag for tag, _ in read.tags} <= allowed
    assert sum(tag == "script" for tag, _ in read.tags) == 1
    assert sum(tag == "style" for tag, _ in read.tags) == 1
    for _, attributes in read.tags:
        assert not any(name.startswith("on") for name in attributes)
    assert all(link.startswith(("#", "https://")) or link in FILES for link in read.links)
    assert len(read.comments) == 1
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page
    )


FILES = ("verdict.json", "tests.html", "junit.xml", "journal.jsonl")


@pytest.mark.parametrize("text", HOSTILE)
def test_the_policy_of_the_page_admits_only_its_own_script_and_style(text: str) -> None:
    """The hashes fit, also where a release's name is in the printed page's header."""
    page = page_of(hostile_story(text))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        ((content),) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy.replace("&#39;", "'")
    assert 'style="' not in page


def big(items: int) -> stories.Story:
    """Return a run of many items, each with measurement, history and evidence."""
    evidence = Evidence(
        at_s=stories.STARTED_S,
        source="api",
        request="GET https://api.example/health/detailed",
        answer='{"status": "healthy", "components": ' + '{"database": "<ok>"},' * 100,
        duration_s=0.1,
    )
    template = stories.failing("x", for_s=130, trigger=None)
    results = [
        stories.passed(
            f"item-number-{i}",
            evidence=(evidence, evidence),
            measurements=template.measurements,
            samples=(CheckSample(at_s=stories.STARTED_S + 1, outcome=Outcome.PASSED),),
        )
        if i % 10
        else stories.failing(f"item-number-{i}", for_s=130, trigger="health-check-failure")
        for i in range(items)
    ]
    return stories.story(*results)


@pytest.mark.parametrize(("items", "limit_bytes"), [(97, 300_000), (1000, 2_000_000)])
def test_the_page_stays_small(items: int, limit_bytes: int) -> None:
    """It opens on a phone, whatever was in the answers."""
    page = page_of(big(items))
    Read(page)
    assert len(page.encode()) < limit_bytes
    assert "more characters in verdict.json" in page


def test_evidence_of_what_failed_comes_before_that_of_what_passed() -> None:
    """The room on the page goes to what decides."""
    long = Evidence(at_s=stories.STARTED_S, source="api", request="GET /", answer="y" * 2900)
    results = [stories.passed(f"item-{i}", evidence=(long,) * 40) for i in range(9)]
    bad = stories.passed("bad", outcome=Outcome.FAILED, samples=(), evidence=(long,))
    assert "y" * 2900 in page_of(stories.story(*results, bad))
