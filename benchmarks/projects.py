"""The scratch projects that are measured: N equal checks of the shipped checklist."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]
DEPLOYED = ("--deploycheck-release=1", "--deploycheck-deployed-at=2026-01-01T00:00:00Z")
#: The plugins of an installation of this project and nothing else (httpx brings anyio): developers
#: of it have others, some of which cost more than pytest itself. pytest-html's page is left out.
PLUGINS = ("anyio", "timeout", "xdist", "xdist.looponfail")
QUIET = (*(f"-p{name}" for name in PLUGINS), "-p", "no:cacheprovider")
ENVIRONMENT = """\
extends = "base"
[api]
url = "http://127.0.0.1:{port}"
[frontend]
url = "http://127.0.0.1:{port}"
[prometheus]
url = "http://127.0.0.1:{port}"
[alertmanager]
url = "http://127.0.0.1:{port}"
[grafana]
url = "http://127.0.0.1:{port}"
[database]
dsn_env = "BENCH_DSN"
[cache]
url_env = "BENCH_CACHE"
[cluster]
workloads = [{{ name = "server", released = false }}]  # no run asks when it was rolled out
"""
SUITE = """\
import http.client
import threading
import time
import pytest

pytestmark = [pytest.mark.post_5min, pytest.mark.check("pod-status")]
numbers = pytest.mark.parametrize("n", range({count}))
"""
BODIES = {
    "pass": """
@numbers
def test_nothing(n):
    pass
""",
    "wait": """
here = threading.local()

@numbers
def test_waits(n):
    if not hasattr(here, "connection"):
        here.connection = http.client.HTTPConnection("127.0.0.1", {port}, timeout=30)
    here.connection.request("GET", "/{delay_ms}")
    answer = here.connection.getresponse()
    answer.read()
    assert answer.status == 200
""",
    "sleep": """
@numbers
def test_sleeps(n):
    time.sleep({delay_ms} / 1000)
""",
    "ask": """
@numbers
def test_asks(n, client):
    answer = client.send("GET", "/{delay_ms}")
    assert answer.status == 200
    assert answer.value("status") == "healthy"
    assert answer.duration_s < {delay_ms} / 1000 + 1.0
""",
}
CONFTEST = """\
import pytest

@pytest.fixture(scope="session")
def client():
    from pytest_deploycheck.clients import evidence, http, rates
    from pytest_deploycheck.config.environment import Http
    from pytest_deploycheck.domain.errors import SubjectError

    if {bare}:
        evidence.note = lambda *args: None
        rates.RateCap.wait = lambda self: 0.0
    settings = Http(url="http://127.0.0.1:{port}", rate_per_s=1e6)
    return http.HttpClient(settings, user_agent="deploycheck", source="api", blame=SubjectError)
"""


class Project:
    """A folder with a suite of *count* checks that do *body*; *bare*: no evidence, no rate cap."""

    def __init__(
        self, folder: Path, *, count: int, body: str, delay_ms: int, port: int, bare: bool = False
    ) -> None:
        """Write it."""
        self.folder, self.count = folder, count
        self.variables = {
            **os.environ, "BENCH_DSN": "dbname=none", "BENCH_CACHE": "redis://none",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # an installation is compiled
        }  # fmt: skip
        suites = folder / "suites"
        (suites / "environments").mkdir(parents=True)
        for name in ("checklist.md", "deploycheck.toml", "environments/base.toml"):
            shutil.copy(ROOT / "suites" / name, suites / name)
        write = {
            "environments/bench.toml": ENVIRONMENT.format(port=port),
            "conftest.py": CONFTEST.format(port=port, bare=bare),
            "test_bench.py": SUITE.format(count=count)
            + BODIES[body].format(port=port, delay_ms=delay_ms),
        }
        for name, text in write.items():
            (suites / name).write_text(text, encoding="utf-8")
        (folder / "pytest.ini").write_text(
            "[pytest]\ntestpaths = suites\nmarkers =\n    post_5min\n    check\n", encoding="utf-8"
        )

    def plain(self) -> tuple[str, ...]:
        """The arguments of pytest without the plugin, which selects the same tests."""
        return (*QUIET, "-m", "post_5min")

    def awake(self, threads: int = 32) -> tuple[str, ...]:
        """The arguments of pytest with the plugin at work."""
        return (
            *QUIET, "-pdeploycheck", "-m", "post_5min", "--env=bench", *DEPLOYED,
            f"--deploycheck-concurrency={threads}",
        )  # fmt: skip


def all_passed(count: int) -> re.Pattern[str]:
    """Matches the last line of a run in which *count* tests passed, and no other did anything."""
    return re.compile(rf"^{count} passed in ", re.MULTILINE)
