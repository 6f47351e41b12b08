"""A report counts only when it is this release's, fresh, whole, and of a tool that did its work."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

import pytest

from pytest_deploycheck.clients.artifacts import Artifacts
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import InstrumentError

NOW_S: Final = 1_800_000_000.0
MADE: Final = "2027-01-15T07:00:00Z"
"""An hour before NOW_S."""
COMMIT: Final = "a" * 40
DIGEST: Final = f"sha256:{'b' * 64}"
SEMGREP: Final[dict[str, Any]] = {
    "version": "1",
    "results": [],
    "errors": [],
    "paths": {"scanned": ["a.py"]},
}
JUNIT: Final = (
    '<testsuite tests="1" failures="0"><testcase classname="a" name="test_b"/></testsuite>'
)


class Folder:
    """What a pipeline left, as a test wants it."""

    def __init__(self, path: Path) -> None:
        """Begin with nothing."""
        self.path = path
        self.manifest: dict[str, Any] = {
            "schema": "deploycheck.artifacts/1",
            "release": "1.4.2",
            "commit": COMMIT,
            "image": "ghcr.io/o/n",
            "digest": DIGEST,
            "files": {},
        }

    def put(self, name: str, content: object, **entry: object) -> None:
        """Write a report, and name it in the manifest."""
        text = content if isinstance(content, str) else json.dumps(content)
        (self.path / name).write_text(text)
        known = {
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "made_at": MADE,
            "commit": COMMIT,
        }
        self.manifest["files"][name] = known | entry
        (self.path / "manifest.json").write_text(json.dumps(self.manifest))

    def client(self, format_: str = "semgrep", **changes: Any) -> Artifacts:  # noqa: ANN401
        """A client that knows one report, `it`, in the file `report`."""
        file = environment.Artifact.model_validate(
            {"path": "report", "format": format_, **changes.pop("file", {})}
        )
        settings = environment.Artifacts(folder=str(self.path), files={"it": file}, **changes)
        return Artifacts(settings, release="1.4.2", clock=lambda: NOW_S)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty folder."""
    return Folder(tmp_path)


def test_report_of_this_release_counts(folder: Folder) -> None:
    """The manifest names it by checksum and commit; an hour is not old."""
    folder.put("report", SEMGREP)
    assert folder.client().scan("it").scanned == 1


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"commit": "c" * 40}, "the manifest says commit c"),
        ({"commit": None}, "the manifest says commit None and digest None"),
        ({"digest": f"sha256:{'c' * 64}"}, "digest sha256:c"),
        ({"sha256": "0" * 64}, "its checksum differs"),
        ({"made_at": "2027-01-14T07:59:59Z"}, "made 86401 s ago, expected at most 86400 s"),
        ({"made_at": "2027-01-15T08:05:01Z"}, "made -301 s ago"),
        ({"made_at": "yesterday"}, "neither it nor the manifest says when it was made"),
    ],
)
def test_report_of_something_else_is_refused(
    folder: Folder, entry: dict[str, object], said: str
) -> None:
    """Another commit, another image, another file, or another day."""
    folder.put("report", SEMGREP, **entry)
    with pytest.raises(InstrumentError, match=said):
        folder.client().scan("it")


def test_a_report_of_before_is_of_the_commit_that_the_manifest_names(folder: Folder) -> None:
    """Nothing else tells it from a report of this release under another name."""
    folder.put("report", JUNIT, commit="c" * 40)
    before = folder.client("junit", file={"of_release": False})
    assert before.commit_of("it") == "c" * 40
    (folder.path / "report").write_text(JUNIT.replace("test_b", "test_c"))
    with pytest.raises(InstrumentError, match="its checksum differs"):
        before.commit_of("it")
    folder.put("report", JUNIT, commit=None)
    with pytest.raises(InstrumentError, match="does not say of which commit it is"):
        before.commit_of("it")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"release": "1.4.1"}, r"found release '1\.4\.1', expected '1\.4\.2'"),
        ({"commit": "short"}, "expected a manifest of artifacts, found another shape: commit"),
        ({"schema": "deploycheck.artifacts/2"}, "found another shape: schema"),
        ({"files": {}}, "the manifest does not name it; it has nothing"),
    ],
)
def test_manifest_must_be_this_releases(
    folder: Folder, change: dict[str, object], said: str
) -> None:
    """A download of yesterday's artifacts is complete, and about another release."""
    folder.put("report", SEMGREP)
    (folder.path / "manifest.json").write_text(json.dumps(folder.manifest | change))
    with pytest.raises(InstrumentError, match=said):
        folder.client().scan("it")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "found it empty"),
        ("{", "is it complete"),
        ("[" * 100_000, "expected JSON"),
        ("<html></html>", "expected JSON"),
        ("null", "found another shape"),
        ("[]", "found another shape"),
        ({**SEMGREP, "paths": {"scanned": []}}, "looked at nothing"),
        ({**SEMGREP, "paths": {"scanned": None}}, "another shape: paths.scanned"),
        ({**SEMGREP, "errors": [{"level": "error", "path": "a.py"}]}, "failed on a.py"),
    ],
)
def test_bad_report_is_no_evidence(folder: Folder, content: object, said: str) -> None:
    """Found and expected are told; the rest of the run goes on."""
    folder.put("report", content)
    with pytest.raises(InstrumentError, match=said):
        folder.client().scan("it")


def test_missing_report_and_folder_are_told(folder: Folder) -> None:
    """With the name of what is not there."""
    with pytest.raises(InstrumentError, match=r"manifest\.json: found no such file"):
        folder.client().scan("it")
    folder.put("report", SEMGREP)
    (folder.path / "report").unlink()
    with pytest.raises(InstrumentError, match="report: found no such file"):
        folder.client().scan("it")


def test_gigabytes_and_pipes_are_not_read(folder: Folder) -> None:
    """What is too large, never ends, or lies elsewhere is refused before it is opened."""
    folder.put("report", SEMGREP)
    with (folder.path / "report").open("wb") as file:
        file.truncate(5 * 1024**3)
    with pytest.raises(InstrumentError, match="found 5368709120 bytes, expected at most 67108864"):
        folder.client().scan("it")
    (folder.path / "report").unlink()
    os.mkfifo(folder.path / "report")
    with pytest.raises(InstrumentError, match="found no such file"):
        folder.client().scan("it")
    folder.manifest["files"]["../report"] = folder.manifest["files"]["report"]
    (folder.path / "manifest.json").write_text(json.dumps(folder.manifest))
    with pytest.raises(InstrumentError, match="lies outside"):
        folder.client(file={"path": "../report"}).scan("it")


def test_tool_that_counts_nothing_needs_the_manifests_word(folder: Folder) -> None:
    """A secret scan says what it found, and never how many files it saw."""
    report = {"version": "1", "plugins_used": [{}], "results": {}, "generated_at": MADE}
    folder.put("report", report)
    with pytest.raises(InstrumentError, match="looked at nobody knows what"):
        folder.client("detect-secrets").scan("it")
    folder.put("report", report, scanned=12)
    assert not folder.client("detect-secrets").scan("it").open


def test_report_that_names_another_image_is_refused(folder: Folder) -> None:
    """What the tool says itself goes before what the pipeline says of it."""
    image = {"RepoDigests": [f"ghcr.io/o/n@sha256:{'c' * 64}"]}
    report = {"SchemaVersion": 2, "ArtifactName": "n", "Metadata": image}
    folder.put("report", report | {"Results": [{"Target": "debian"}]})
    with pytest.raises(InstrumentError, match="is about digest sha256:c"):
        folder.client("trivy").scan("it")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (JUNIT.replace('tests="1"', 'tests="9"'), "says 9 tests"),
        (JUNIT.replace('failures="0"', 'errors="2"'), "with 2 failures, but holds 1"),
        ('<testsuite tests="0"/>', "found no test"),
        (JUNIT[:-9], "is it complete"),
        ("<coverage/>", "found the element 'coverage'"),
        (
            '<!DOCTYPE t [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>' + JUNIT.replace("test_b", "&b;"),
            "found entities",
        ),
        (
            '<!DOCTYPE t [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
            + JUNIT.replace("test_b", "&a;"),
            "found entities",
        ),
    ],
)
def test_bad_junit_is_no_evidence(folder: Folder, text: str, said: str) -> None:
    """Cut, contradicting itself, of another tool, or with entities."""
    folder.put("report", text)
    with pytest.raises(InstrumentError, match=said):
        folder.client("junit").tests("it")


@pytest.mark.parametrize("kind", ["flakyFailure", "flakyError", "rerunFailure", "rerunError"])
def test_green_on_retry_does_not_exist(folder: Folder, kind: str) -> None:
    """Surefire's and Gradle's word for a test that passed only when it was run again."""
    case = '<testcase classname="a" name="test_b"'
    folder.put("report", JUNIT.replace(f"{case}/>", f"{case}><{kind} message='x'/></testcase>"))
    run = folder.client("junit").tests("it")
    assert (run.passed, run.failed) == ((), ("a.test_b",))


def test_a_title_that_two_tests_share_is_no_retry(folder: Folder) -> None:
    """Some runners do not ask for unique names; they count both."""
    case = '<testcase classname="a" name="test_b"/>'
    folder.put("report", JUNIT.replace(case, case * 2).replace('tests="1"', 'tests="2"'))
    assert len(folder.client("junit").tests("it").passed) == 2


def cobertura(*hits: object, valid: int, covered: int) -> str:
    """A report of one file, whose head says how many lines there are and were run."""
    lines = "".join(f'<line number="{n}" hits="{hit}"/>' for n, hit in enumerate(hits, 1))
    return (
        f'<coverage timestamp="1799996400000" lines-valid="{valid}" lines-covered="{covered}">'
        f"<packages><package><classes><class><methods><method><lines>{lines}</lines></method>"
        f"</methods><lines>{lines}</lines></class></classes></package></packages></coverage>"
    )


def test_coverage_is_counted_from_the_lines(folder: Folder) -> None:
    """Each line once, although it stands under its method too."""
    folder.put("report", cobertura(3, 0, 1, 0, valid=4, covered=2))
    found = folder.client("cobertura").coverage("it")
    assert (found.lines, found.line_ratio) == (4, 0.5)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (cobertura(*[0] * 9, valid=1000, covered=870), "says 870 of 1000 lines, but holds 0 of 9"),
        (cobertura(1, 0, valid=2, covered=2), "says 2 of 2 lines, but holds 1 of 2"),
        (cobertura(valid=0, covered=0), "found no line"),
        (cobertura("many", valid=1, covered=1), "expected Cobertura XML"),
        ('<coverage line-rate="0.87"/>', "expected Cobertura XML"),
    ],
)
def test_coverage_that_its_lines_do_not_bear_out_is_none(
    folder: Folder, report: str, said: str
) -> None:
    """The head of a report is a claim; its lines are what was measured."""
    folder.put("report", report)
    with pytest.raises(InstrumentError, match=said):
        folder.client("cobertura").coverage("it")


def test_expected_tests_must_be_among_those_that_passed(folder: Folder) -> None:
    """By a part of their names; to expect nothing is an error."""
    folder.put("report", JUNIT)
    expecting = folder.client("junit", file={"expect": ["test_b", "lead_bot"]})
    assert expecting.untested("it") == ("lead_bot",)
    with pytest.raises(InstrumentError, match="expects no test"):
        folder.client("junit").untested("it")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"http_reqs": {"count": 0, "rate": 0}}, "found no request"),
        ({"http_req_duration": {"avg": 5.0}}, r"expected p\(95\) of http_req_duration"),
        ({"http_reqs": {"count": 9}}, "expected rate of http_reqs"),
        ({"http_req_failed": {}}, "expected rate or value of http_req_failed"),
    ],
)
def test_load_test_without_its_numbers_is_none(
    folder: Folder, change: dict[str, Any], said: str
) -> None:
    """No request, no percentile, no rate, no errors: each is told."""
    metrics = {
        "http_reqs": {"count": 90, "rate": 9.0},
        "http_req_duration": {"p(95)": 80.0},
        "http_req_failed": {"value": 0.0},
    }
    folder.put("report", {"metrics": metrics | change})
    with pytest.raises(InstrumentError, match=said):
        folder.client("k6").load("it")


def test_benchmark_has_the_figure_or_says_so(folder: Folder) -> None:
    """Our own format: each value with the number of its samples, none of them NaN."""
    figures = {"p95_s": {"value": 1.5, "samples": 9}}
    report = {"schema": "deploycheck.benchmark/1", "made_at": MADE, "measurements": figures}
    folder.put("report", report)
    benchmark = folder.client("benchmark").benchmark("it")
    assert benchmark.figure("p95_s").value == 1.5
    with pytest.raises(InstrumentError, match="has no 'p99_s', expected it beside p95_s"):
        benchmark.figure("p99_s")
    folder.put("report", json.dumps(report).replace("1.5", "NaN"))
    with pytest.raises(InstrumentError, match="found another shape"):
        folder.client("benchmark").benchmark("it")


def test_a_key_that_stands_twice_says_nothing(folder: Folder) -> None:
    """Of a report and of the manifest: we would read the last one, and others the first."""
    folder.put("report", json.dumps(SEMGREP).replace("{", '{"results": [{}], ', 1))
    with pytest.raises(InstrumentError, match=r"report: .* found the key 'results' twice in one"):
        folder.client().scan("it")
    folder.put("report", SEMGREP)
    manifest = folder.path / "manifest.json"
    manifest.write_text(manifest.read_text().replace("{", '{"release": "1.4.1", ', 1))
    with pytest.raises(InstrumentError, match=r"manifest\.json: .* found the key 'release' twice"):
        folder.client().scan("it")


def test_report_of_a_procedure_needs_no_commit(folder: Folder) -> None:
    """A drill is about how people recover; only its age counts."""
    drill = {
        "schema": "deploycheck.drill/1",
        "made_at": MADE,
        "succeeded": True,
        "recovery_time_s": 60.0,
        "recovery_point_s": 5.0,
        "procedure": "docs/r.md",
    }
    (folder.path / "report").write_text(json.dumps(drill))
    client = folder.client("drill", file={"of_release": False})
    assert client.drill("it").recovery_time_s == 60.0
    (folder.path / "report").write_text(json.dumps(drill | {"made_at": "2026-01-15T07:00:00Z"}))
    with pytest.raises(InstrumentError, match="expected at most 86400 s"):
        client.drill("it")


def test_unknown_report_names_the_near_misses(folder: Folder) -> None:
    """A suite that asks for a report that the environment calls otherwise."""
    with pytest.raises(InstrumentError, match=r"\[artifacts.files\] has no 'its'; did you mean it"):
        folder.client().scan("its")
    with pytest.raises(InstrumentError, match="has the format semgrep"):
        folder.client().tests("it")
