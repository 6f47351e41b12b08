"""The reports that the pipeline of a healthy release left, in the formats of the real tools."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
import math
import time
from pathlib import Path
from typing import Any, Final

from pytest_deploycheck.sandbox import aws, github

MADE_AGO_S: Final = 3_600.0
REGRESSION_BEFORE: Final = "junit-regression-before.xml"
"""Of the release before."""
_UNIT_TESTS: Final = 672
_BOT_TESTS: Final = ("seller_bot", "lead_bot", "intent_decoder")
_EXTERNAL: Final = ("ghl", "claude")


@dataclasses.dataclass(kw_only=True)
class Reports:
    """The files of the pipeline; faults change them before they are written."""

    files: dict[str, Any]
    """Name → JSON value, or text as it is."""
    manifest: dict[str, Any]
    """Without the checksums, which are those of the files as they are written."""
    entries: dict[str, dict[str, Any]]
    """Name → what the manifest says of it otherwise than usual."""
    calendar: str
    """The change calendar, TOML."""

    def write(self, folder: Path) -> None:
        """Write everything to *folder*, and nothing else may be there afterwards."""
        folder.mkdir(exist_ok=True)
        for stale in folder.iterdir():
            stale.unlink()
        entries = {}
        for name, content in self.files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (folder / name).write_text(text)
            entries[name] = {
                "sha256": hashlib.sha256(text.encode()).hexdigest(),
                "made_at": ago(MADE_AGO_S),
                "commit": self.manifest["commit"],
            } | self.entries.get(name, {})
        manifest = self.manifest | {"files": entries}
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
        (folder / "calendar.toml").write_text(self.calendar)


def ago(age_s: float) -> str:
    """Return the time *age_s* ago in ISO 8601."""
    when = datetime.datetime.fromtimestamp(time.time() - age_s, datetime.UTC)
    return when.isoformat(timespec="seconds")


def healthy(release: str) -> Reports:
    """Return the reports of a release that may go out."""
    made_at = ago(MADE_AGO_S)
    image = {"digest": github.DIGEST, "commit": None}
    return Reports(
        files={
            "bandit.json": {
                "errors": [],
                "generated_at": made_at,
                "metrics": {"_totals": {"loc": 41200}, "platform/api/main.py": {"loc": 41200}},
                "results": [],
            },
            "pip-audit.json": {
                "dependencies": [
                    {"name": "fastapi", "version": "0.115.6", "vulns": []},
                    {"name": "httpx", "version": "0.28.1", "vulns": []},
                ],
                "fixes": [],
            },
            "semgrep.json": {
                "version": "1.101.0",
                "results": [],
                "errors": [],
                "paths": {"scanned": ["platform/api/main.py"]},
            },
            "trivy.json": {
                "SchemaVersion": 2,
                "CreatedAt": made_at,
                "ArtifactName": f"{github.IMAGE}:{release}",
                "ArtifactType": "container_image",
                "Metadata": {"RepoDigests": [f"{github.IMAGE}@{github.DIGEST}"]},
                "Results": [
                    {"Target": "debian 12.8", "Class": "os-pkgs", "Type": "debian"},
                    {"Target": "Python", "Class": "lang-pkgs", "Type": "python-pkg"},
                ],
            },
            "secrets.json": _secrets(made_at),
            "secrets-manifests.json": _secrets(made_at),
            "junit-unit.xml": junit("platform.tests", _UNIT_TESTS),
            "junit-bots.xml": "".join(("<testsuites>", *map(_suite, _BOT_TESTS), "</testsuites>")),
            "junit-integration.xml": "".join(
                ("<testsuites>", *map(_suite, _EXTERNAL), "</testsuites>")
            ),
            "junit-regression.xml": junit("regression", 118),
            REGRESSION_BEFORE: junit("regression", 112),
            "coverage.xml": coverage(0.87),
            "bots.json": benchmark(
                seller_bot_response_p95_s=2.1,
                seller_bot_success_ratio=0.992,
                lead_bot_lifecycle_ratio=1.0,
                intent_accuracy_ratio=0.94,
            ),
            "ml.json": benchmark(
                inference_p95_s=0.0423, accuracy_ratio=0.95, feature_drift_score=0.12
            ),
            "k6.json": load(p95_ms=142.0),
            "restore.json": {
                "schema": "deploycheck.restore/1",
                "made_at": ago(2 * 86_400),
                "database": aws.DATABASE,
                "snapshot": aws.RESTORED,
                "succeeded": True,
                "rows_checked": 182_400,
            },
            "drill.json": {
                "schema": "deploycheck.drill/1",
                "made_at": ago(9 * 86_400),
                "succeeded": True,
                "recovery_time_s": 640.0,
                "recovery_point_s": 240.0,
                "procedure": github.PROCEDURE,
            },
        },
        manifest={
            "schema": "deploycheck.artifacts/1",
            "release": release,
            "commit": github.COMMIT,
            "image": github.IMAGE,
            "digest": github.DIGEST,
        },
        entries={
            "trivy.json": image,
            REGRESSION_BEFORE: {"commit": github.PREVIOUS_COMMIT},
            "secrets.json": {"scanned": 812},
            "secrets-manifests.json": {"scanned": 34},
        },
        calendar=calendar(),
    )


def calendar(*, days: str = "", freeze: tuple[str, str] | None = None) -> str:
    """Return a change calendar.

    Args:
        days: Of the one window, quoted and with commas; empty: every day.
        freeze: The first and last day without changes, `2026-12-24`; None: there is none.
    """
    every = '"mon", "tue", "wed", "thu", "fri", "sat", "sun"'
    frozen = ""
    if freeze is not None:
        frozen = f'[[freeze]]\nfrom = {freeze[0]}\nuntil = {freeze[1]}\nreason = "rehearsal"\n'
    return (
        'time_zone = "America/New_York"\n[[windows]]\n'
        f'days = [{days or every}]\nfrom = "00:00"\nuntil = "24:00"\n' + frozen
    )


def junit(suite: str, count: int, *, failing: int = 0, skipping: int = 0, retried: int = 0) -> str:
    """Return JUnit XML of *count* tests: the first failed, the next were skipped, the rest passed.

    Args:
        suite: The class of every test.
        count: How many there are.
        failing: How many of them failed.
        skipping: How many were skipped.
        retried: How many of the last passed only when they were run again.
    """
    outcomes = (
        *('<failure message="assert 0">assert 0</failure>',) * failing,
        *('<skipped message="later"/>',) * skipping,
        *("",) * (count - failing - skipping - retried),
        *('<flakyFailure message="assert 0">assert 0</flakyFailure>',) * retried,
    )
    cases = "".join(
        f'<testcase classname="{suite}" name="test_{index}" time="0.01">{outcome}</testcase>'
        for index, outcome in enumerate(outcomes)
    )
    return (
        f'<testsuite name="{suite}" tests="{count}" failures="{failing}" errors="0" '
        f'skipped="{skipping}" timestamp="{ago(MADE_AGO_S)}">{cases}</testsuite>'
    )


def _suite(name: str) -> str:
    return junit(f"tests.{name}", 24)


def coverage(line_ratio: float) -> str:
    """Return Cobertura XML of 1,000 lines of which that share ran."""
    valid = 1_000
    covered = math.floor(valid * line_ratio)
    lines = "".join(
        f'<line number="{number}" hits="{int(number <= covered)}"/>'
        for number in range(1, valid + 1)
    )
    return (
        f'<coverage version="7.6" timestamp="{(time.time() - MADE_AGO_S) * 1000:.0f}" '
        f'lines-valid="{valid}" lines-covered="{covered}" line-rate="{line_ratio}">'
        '<packages><package name="platform"><classes><class name="main.py" filename="main.py">'
        f"<lines>{lines}</lines></class></classes></package></packages>"
        "</coverage>"
    )


def benchmark(*, samples: int = 400, **values: float) -> dict[str, Any]:
    """Return a benchmark in our own format."""
    figures = {name: {"value": value, "samples": samples} for name, value in values.items()}
    return {
        "schema": "deploycheck.benchmark/1",
        "made_at": ago(MADE_AGO_S),
        "measurements": figures,
    }


def load(*, p95_ms: float, failed_ratio: float = 0.002, duration_s: float = 600) -> dict[str, Any]:
    """Return a summary of k6 at 80 requests a second."""
    count = int(80 * duration_s)
    return {
        "metrics": {
            "http_reqs": {"count": count, "rate": 80.0},
            "http_req_duration": {"avg": p95_ms / 2, "med": p95_ms / 2, "p(95)": p95_ms},
            "http_req_failed": {"value": failed_ratio, "passes": int(count * failed_ratio)},
        }
    }


def _secrets(made_at: str) -> dict[str, Any]:
    plugins = [{"name": "AWSKeyDetector"}, {"name": "PrivateKeyDetector"}]
    found: dict[str, Any] = {"version": "1.5.0", "plugins_used": plugins, "filters_used": []}
    return found | {"results": {}, "generated_at": made_at}
