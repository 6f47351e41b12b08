"""What else shows a run: pytest-html's page, the deployment's pages, annotations, the log."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest

from tests.plugin.scratch import Deploycheck, Run

HOSTILE = """\
import pytest
TEXT = (
    "<img src=x onerror=alert(1)></script>\\n::error::owned\\n##[error]x\\x1b[31m\\u202e"
    + chr(0xD800)
)

@pytest.mark.check("pod-status")
@pytest.mark.post_5min
@pytest.mark.parametrize("value", ["<svg onload=alert(1)>"])
def test_pods(value):
    print(TEXT)
    assert value == TEXT, TEXT

def test_extras(extras):
    from pytest_html import extras as make
    extras.append(make.html(TEXT))
    extras.append(make.url("javascript:alert(1)", name=TEXT))
    extras.append(make.url("https://wiki.example/", name="wiki"))
"""


def table_of(run: Run) -> dict[str, Any]:
    """Return the data that tests.html shows: its script makes HTML of nearly all of it."""
    assert run.folder is not None, run.text
    page = (run.folder / "tests.html").read_text()
    (blob,) = re.findall(r'data-jsonblob="([^"]*)"', page)
    data: dict[str, Any] = json.loads(html.unescape(blob))
    return data


def test_the_detail_page_has_our_columns_and_the_verdict(deploycheck: Deploycheck) -> None:
    """Phase, item, severity and trigger of each check, gravest first, under the decision."""
    run = deploycheck.run_check("assert 0")
    assert run.folder is not None
    page = (run.folder / "tests.html").read_text()
    header = re.findall(r'data-column-type="(\w+)"', page)
    assert header[1:5] == ["phase", "item", "severity", "trigger"]
    assert "<strong>HOLD</strong>" in page
    assert 'href="report.html">The decision</a>' in page
    data = table_of(run)
    assert data["initialSort"] == "severity"
    (row,) = data["tests"]["suites/test_pods.py::test_pods"]
    link = '<a href="report.html#item-post_5min-pod-status">post_5min/pod-status</a>'
    assert row["resultsTableRow"][1:5] == [
        '<td class="col-phase">post_5min</td>',
        f'<td class="col-item">{link}</td>',
        '<td class="col-severity"><!--2--></td>',
        '<td class="col-trigger"></td>',
    ]
    (row,) = data["tests"]["suites/test_others.py::test_errors"]
    assert '<td class="col-severity"><!--3-->rollback</td>' in row["resultsTableRow"]


def test_nothing_that_a_target_says_runs_on_the_detail_page(deploycheck: Deploycheck) -> None:
    """Ids, messages, output, attached HTML and links are shown, in letters."""
    deploycheck.write("suites/test_pods.py", HOSTILE)
    run = deploycheck.run()
    data = table_of(run)
    for tests in data["tests"].values():
        for test in tests:
            shown = [*test["resultsTableRow"], test["log"]]
            shown += [extra["content"] for extra in test["extras"]]
            for piece in shown:
                assert not re.search(r"<(?!/?(td|a|span|pre)\b|!--\d-->)", piece), piece
                assert "\x1b" not in piece
                assert "\u202e" not in piece
            links = re.findall(r'href="([^"]*)"', " ".join(test["resultsTableRow"]))
            assert all(link.startswith(("https://", "report.html#")) for link in links)
    assert run.verdict["verdict"] == "HOLD"


def test_a_ci_runner_obeys_nothing_in_the_log(deploycheck: Deploycheck) -> None:
    """What a check printed or compared is a command to nobody."""
    deploycheck.write("suites/test_pods.py", HOSTILE)
    run = deploycheck.run()
    assert "owned" in run.text
    for line in run.text.splitlines():
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
        assert "\x1b" not in line


def test_the_row_of_a_check_whose_worker_died_is_there(deploycheck: Deploycheck) -> None:
    """pytest-html drops it by itself: the page would say that nothing failed."""
    deploycheck.check("import os; os._exit(1)")
    run = deploycheck.run("-n1", subprocess=True)
    assert run.verdict["verdict"] == "HOLD"
    (row,) = table_of(run)["tests"]["suites/test_pods.py::test_pods"]
    assert row["result"] == "Error"
    assert '<td class="col-phase">post_5min</td>' in row["resultsTableRow"]
    assert "crashed while running" in html.unescape(row["log"])


def test_a_run_renders_over_its_deployment(deploycheck: Deploycheck) -> None:
    """The index and the completed checklist follow each run."""
    run = deploycheck.run_check("pass")
    assert run.folder is not None
    deployment = run.folder.parents[1]
    assert "PROCEED" in (deployment / "index.html").read_text()
    assert "- [x] **Pod Status**" in (deployment / "checklist.md").read_text()
    document = json.loads((deployment / "deployment.json").read_text())
    assert document["runs"][0]["verdict"] == "PROCEED"
    assert re.search(r"^deployment: reports/.*/index\.html$", run.text, re.MULTILINE)


@pytest.mark.parametrize("args", [(), ("-n1",)], ids=["one-process", "xdist"])
def test_the_verdict_has_the_last_word(deploycheck: Deploycheck, args: tuple[str, ...]) -> None:
    """What pytest counts may be green where we hold, and the end of a log is what is read."""
    run = deploycheck.run("-k", "not errors", *args, subprocess=True)
    lines = [line for line in run.text.splitlines() if line]
    assert " passed" in lines[-3]
    assert lines[-2].startswith("verdict: HOLD (exit 11) release 1.2.3 in scratch")
    assert re.fullmatch(r"report: reports/.*/report\.html", lines[-1])
    assert run.text.count(lines[-2]) == run.text.count(lines[-1]) == 2


@pytest.mark.parametrize(("value", "count"), [("true", 1), ("", 0)])
def test_reasons_are_annotations_on_githubs_runner_only(
    deploycheck: Deploycheck, monkeypatch: pytest.MonkeyPatch, value: str, count: int
) -> None:
    """Elsewhere they would be noise."""
    monkeypatch.setenv("GITHUB_ACTIONS", value)
    run = deploycheck.run_check("assert 0, 'pods are gone'")
    found = re.findall(r"^::error title=HOLD post_5min/pod-status::.*pods are gone", run.text, re.M)
    assert len(found) == count
