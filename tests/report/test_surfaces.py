"""JUnit, job summary, terminal and pytest-html: the same decision on each surface, and harmless."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import junitparser
import pytest
from defusedxml import ElementTree

from pytest_deploycheck.domain.events import CheckSample, ProblemFound, Waived
from pytest_deploycheck.domain.words import Outcome, Verdict
from pytest_deploycheck.report import detail, summary
from pytest_deploycheck.report.junit import junit_xml
from pytest_deploycheck.report.summary import summary_markdown
from pytest_deploycheck.report.terminal import sampled, summary_lines
from tests.report import stories
from tests.report.hostile import HOSTILE, hostile_story
from tests.report.test_page import page_of

SHORT, LONG = 3, 14
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def cases_of(told: stories.Story) -> list[junitparser.TestCase]:
    """Return the cases as a CI server reads them."""
    parsed = junitparser.JUnitXml.fromstring(junit_xml(told.decision).encode())
    return [case for suite in parsed for case in suite]


def properties_of(told: stories.Story) -> dict[str, str]:
    """Return the properties of the first case."""
    case = ElementTree.fromstring(junit_xml(told.decision)).find(".//testcase")
    assert case is not None
    return {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}


def test_junit_has_a_case_for_each_check_and_each_missing_answer() -> None:
    """A CI server sees what did not run as an error, not as nothing."""
    found = {
        case.name: [type(r).__name__ for r in case.result] for case in cases_of(stories.rollback())
    }
    assert found == {
        "suites/post_5min/test_health.py::test_pod_status": ["Failure"],
        "suites/post_5min/test_health.py::test_redis_cache": [],
        "suites/post_5min/test_health.py::test_load-balancer": ["Error"],
    }
    root = ElementTree.fromstring(junit_xml(stories.rollback().decision))
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("3", "1", "1")


def test_junit_tells_state_trigger_and_measurement_as_properties() -> None:
    """Dashboards of CI servers can group by them."""
    properties = properties_of(stories.rollback())
    assert properties["item"] == "post_5min/pod-status"
    assert properties["trigger_state"] == "FIRING"
    assert properties["measurement.error_ratio"] == "error_ratio 6.1 %, limit at most 5 %"


def test_junit_names_are_unique() -> None:
    """GitLab keeps only the first of two equal names."""
    one = stories.passed("pod-status")
    told = stories.story(
        one,
        stories.passed("redis", nodeid=one.nodeid + "\ud800"),
        stories.passed("cache", nodeid=one.nodeid + "\\ud800"),
    )
    names = [case.name for case in cases_of(told)]
    assert len(set(names)) == len(names) == 3


def test_an_inconclusive_check_is_an_error_in_junit() -> None:
    """No evidence is not a pass there either."""
    results = {c.name.rpartition("::")[2]: c.result for c in cases_of(stories.hold())}
    assert [type(r).__name__ for r in results["test_service_endpoints"]] == ["Error"]
    assert results["test_pod_status"] == []


def waived_story(*, trigger: str | None = None) -> stories.Story:
    """Return a run in which a failure is waived."""
    waiver = Waived(
        at_s=stories.STARTED_S,
        id="W-7",
        item="post_5min/pod-status",
        environment="production",
        release=None,
        until_s=stories.ENDED_S + 9,
        reason="known",
        author="ann",
        approver="bob",
        ticket="T-1",
    )
    bad = stories.failing("pod-status", for_s=130, trigger=trigger)
    return stories.story(bad, stories.passed("redis"), more_events=[waiver])


def test_a_waived_failure_passes_in_junit_and_says_so() -> None:
    """As in the verdict."""
    told = waived_story()
    (case, _) = cases_of(told)
    assert told.decision.verdict is Verdict.PROCEED
    assert case.result == []
    assert properties_of(told)["waiver"] == "W-7"


def test_a_waiver_hides_no_firing_trigger_in_junit() -> None:
    """The verdict is ROLLBACK, so this file is not green."""
    told = waived_story(trigger="health-check-failure")
    (case, _) = cases_of(told)
    assert told.decision.verdict is Verdict.ROLLBACK
    assert [type(r).__name__ for r in case.result] == ["Failure"]


def test_what_stands_against_the_run_itself_is_an_error_in_junit() -> None:
    """A collection error has no item, and a CI server that reads only this file must see it."""
    problem = ProblemFound(run=stories.RUN, at_s=stories.STARTED_S, text="x could not be collected")
    told = stories.story(stories.passed("pod-status"), more_events=[problem])
    found = {case.name: [type(r).__name__ for r in case.result] for case in cases_of(told)}
    assert found.pop("x could not be collected") == ["Error"]
    assert list(found.values()) == [[]]


@pytest.mark.parametrize(
    ("history", "verdict", "results"),
    [
        (SHORT, Verdict.OBSERVE, []),  # it recovered, and nothing was proven
        (LONG, Verdict.HOLD, ["Failure"]),  # it reached its hold, and has ended
    ],
)
def test_a_check_that_passes_again_fails_in_junit_where_it_holds(
    history: int, verdict: Verdict, results: list[str]
) -> None:
    """Green there is never better than the verdict."""
    times = [stories.STARTED_S + 10 * i for i in range(history)]
    samples = [CheckSample(at_s=at_s, outcome=Outcome.FAILED) for at_s in times]
    samples.append(CheckSample(at_s=times[-1] + 10, outcome=Outcome.PASSED))
    check = stories.passed(
        "pod-status", trigger="health-check-failure", at_s=times[-1] + 11, samples=tuple(samples)
    )
    told = stories.story(check)
    assert told.decision.verdict is verdict
    assert [[type(r).__name__ for r in case.result] for case in cases_of(told)] == [results]


@pytest.mark.parametrize("text", HOSTILE)
def test_junit_stays_valid_xml(text: str) -> None:
    """Characters that XML forbids are written as their escapes."""
    parsed = ElementTree.fromstring(junit_xml(hostile_story(text).decision).encode())
    assert len(parsed.findall(".//testcase")) == 5


def test_the_summary_says_the_same(told: stories.Story) -> None:
    """Verdict first, then why, then what to do."""
    page = summary_markdown(told.decision)
    assert told.decision.verdict.value in page.splitlines()[0]
    assert page.count("\n- **") == len(told.decision.reasons)
    for item in told.decision.items:
        assert item.state.value in page


def test_the_summary_is_capped() -> None:
    """GitHub drops a summary over 1 MiB whole."""
    many = [stories.passed(f"item-{i}") for i in range(5000)]
    page = summary_markdown(stories.story(*many).decision)
    assert len(page.encode()) <= summary.LONGEST_BYTES
    assert re.search(r"Cut here: \d+ more lines are in report.html\.\n$", page)


def test_the_terminal_shows_verdict_reasons_and_report(told: stories.Story) -> None:
    """Whoever looks at the log knows what was decided, why, and what to do next."""
    lines = [line.text for line in summary_lines(told.decision)]
    assert lines[0].startswith(f"verdict: {told.decision.verdict.value} (exit ")
    assert sum(line.startswith("reason: ") for line in lines) == len(told.decision.reasons)
    assert any(line.startswith("next: ") for line in lines)


def test_the_terminal_names_found_limit_and_what_was_not_checked() -> None:
    """Five facts of a rollback, each on a line of its own."""
    text = "\n".join(line.text for line in summary_lines(stories.rollback().decision))
    assert "error_ratio 6.1 %, limit at most 5 %" in text
    assert "trigger: health-check-failure FIRING (rollback) for 2m 10s (hold 2m)" in text
    assert "unchecked: post_5min/load-balancer NOT_RUN" in text
    assert "next: deploycheck rollback --env=production" in text


def test_a_watch_says_what_it_has_looked_at() -> None:
    """How many samples, over which time, of how many checks: a green line alone proves nothing."""
    times = [stories.STARTED_S + 15 * n for n in range(9)]
    samples = tuple(CheckSample(at_s=at_s, outcome=Outcome.PASSED) for at_s in times)
    told = stories.story(
        stories.passed("pod-status", samples=samples, trigger="health-check-failure"),
        stories.passed("error-rate", samples=samples, trigger="error-rate"),
        stories.passed("redis-cache"),
    )
    said = "18 over 2m, of 2 checks, none bad"
    assert f"samples: {said}" in [line.text for line in summary_lines(told.decision)]
    assert f"Samples: {said}." in summary_markdown(told.decision)
    assert f"Samples: {said}." in page_of(told)
    assert not [
        line for line in summary_lines(stories.proceed().decision) if "samples" in line.text
    ]


def test_samples_that_tell_nothing_are_not_counted_among_the_good() -> None:
    """`none bad` over a platform that nobody reached would be half a lie."""
    samples = tuple(
        CheckSample(at_s=stories.STARTED_S + n, outcome=outcome)
        for n, outcome in enumerate([Outcome.PASSED, Outcome.INCONCLUSIVE, Outcome.INCONCLUSIVE])
    )
    told = stories.story(
        stories.passed("pod-status", samples=samples, trigger="health-check-failure")
    )
    assert sampled(told.decision) == "3 over 2 s, of 1 check, none bad, 2 INCONCLUSIVE"


def test_a_phase_that_was_looked_at_late_says_so_where_the_verdict_stands() -> None:
    """Overdue still counts; nobody has to find it in the table of the run."""
    at_s = stories.DEPLOYED_S + 400
    told = stories.story(stories.passed("pod-status", started_at_s=at_s, samples=()))
    said = (
        "post_5min was due 5m after the deployment, and its first sample came after 6m 40s; "
        "it still counts"
    )
    assert told.decision.verdict is Verdict.PROCEED
    assert f"overdue: {said}" in [line.text for line in summary_lines(told.decision)]
    assert said in summary_markdown(told.decision).replace("\\", "")
    page = page_of(told)
    assert page.index(said) < page.index("<main>")


def test_the_exit_code_of_the_process_is_told_where_it_is_another() -> None:
    """A plain test that failed turns 0 into 1, and PROCEED (exit 0) would be a lie."""
    first, *_ = summary_lines(stories.proceed().decision, exit_code=1)
    assert first.text.startswith("verdict: PROCEED (exit 1, the verdict's is 0) release 2.4.1")


def test_the_terminal_needs_at_most_a_screen() -> None:
    """A thousand failures do not push the verdict away."""
    many = [stories.failing(f"item-{i}", for_s=10, trigger=None) for i in range(200)]
    lines = summary_lines(stories.story(*many).decision)
    assert len(lines) <= 24
    assert any("195 more in the report" in line.text for line in lines)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_log_obeys_nothing(text: str) -> None:
    """Neither a terminal nor a runner finds a command in the summary."""
    decision = hostile_story(text).decision
    for line in [line.text for line in summary_lines(decision)] + summary_markdown(
        decision
    ).splitlines():
        assert not UNSEEN.search(line)
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "##vso[" not in line


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.found += [name for name, _ in attrs if name.startswith("on")]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_detail_page_gets_only_harmless_pieces(text: str) -> None:
    """pytest-html writes cells, ids and its summary as they come."""
    decision = hostile_story(text).decision
    tags = _Tags()
    for piece in (
        detail.cell(text, column="Item"),
        detail.inert(text),
        detail.banner(decision),
        *map(detail.header_cell, detail.COLUMNS),
    ):
        assert not UNSEEN.search(piece)
        tags.feed(piece)
    assert set(tags.found) == {"td", "p", "strong", "a", "th"}


def test_a_link_of_the_detail_page_leads_only_to_the_web() -> None:
    """What pytest-html would take as it is."""
    cell = detail.links_cell({"<b>": "https://wiki.example/", "x": "javascript:alert(1)"})
    assert cell.count("href=") == 1
    assert "&lt;b&gt;" in cell
    assert "x: javascript:alert(1)" in cell


def test_columns_of_pytest_html_are_known_by_their_cells() -> None:
    """Each is replaced in its place, for a row must keep its length."""
    assert detail.column_of('<td class="col-testId">a::b</td>') == "testId"
    assert detail.column_of("<td>") == ""


def test_the_cell_of_an_item_leads_to_the_decision() -> None:
    """A plain test has none."""
    assert 'href="report.html#item-post_5min-pod-status"' in detail.item_cell(
        "post_5min/pod-status"
    )
    assert detail.item_cell("") == '<td class="col-item"></td>'


def test_waivers_and_many_unchecked_items_are_named_in_the_terminal() -> None:
    """The first three, and how many more; and where the page is."""
    missing = [stories.item(f"box-{i}") for i in range(5)]
    told = stories.story(stories.passed("pod-status"), more_items=missing)
    lines = [line.text for line in summary_lines(told.decision, report=Path("r/report.html"))]
    assert any(line.startswith("unchecked: ") and line.endswith(", 2 more") for line in lines)
    assert lines[-1] == "report: r/report.html"
    waived = [line.text for line in summary_lines(waived_story().decision)]
    assert "waived: post_5min/pod-status (W-7)" in waived


def test_what_an_environment_weakens_is_told_wherever_the_verdict_is() -> None:
    """In the terminal at most three lines of it; summary and page have them all."""
    lines = [f"limits.{name}: found 9, above 5 (differs from base)" for name in "abcd"]
    told = stories.story(stories.passed("pod-status"), weakened=lines)
    printed = [line.text for line in summary_lines(told.decision)]
    assert [line for line in printed if line.startswith("weaker: ")] == [
        *(f"weaker: {line}" for line in lines[:3]),
        "weaker: 1 more in the report",
    ]
    page, markdown = page_of(told), summary_markdown(told.decision)
    assert all(line in page and line in markdown.replace("\\", "") for line in lines)
    assert '<a href="#weaker">Weaker settings: 4</a>' in page
    assert 'id="weaker"' not in page_of(stories.proceed())


def test_severities_sort_gravest_first() -> None:
    """A reader of the detail page sees what failed on top, rollback triggers first."""
    wanted = [
        detail.severity_cell(severity, passed=passed)
        for passed in (False, True)
        for severity in ("rollback", "observe", "")
    ]
    assert sorted(wanted) == wanted
