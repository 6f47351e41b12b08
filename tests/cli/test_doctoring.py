"""A gate that cannot fail is found before anybody trusts it, everything at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_deploycheck import sandbox
from pytest_deploycheck.cli import main
from tests.cli.rehearsal import Rehearsal

NOBODY = "http://127.0.0.1:1"
#: In the order in which they are asked.
INSTRUMENTS = (
    *("api", "frontend", "cluster", "metrics", "alerts", "dashboards", "database", "cache"),
    *("claude", "crm", "mail", "repository", "artifacts", "backups", "calendar"),
    *("notifications", "rollback", "archive"),
)


def _problems(text: str) -> list[str]:
    return [line.removeprefix("problem: ") for line in text.splitlines() if "problem: " in line]


def test_the_shipped_sandbox_is_sound(rehearsal: Rehearsal) -> None:
    """Every trigger has its check, every query its series, every instrument answers."""
    code, text = rehearsal.run("doctor", named=False)
    assert code == 0, text
    assert "cluster: runs release 1.4.2" in text
    assert text.rstrip().endswith("found 0 problems in rehearsal")
    said = [line.partition(":")[0] for line in text.splitlines()]
    assert tuple(name for name in said if name in INSTRUMENTS) == INSTRUMENTS


def test_a_broken_platform_is_no_misconfiguration(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Errors, a bot that failed, a database that takes nobody in: the environment is right."""
    faults = ["page-fails", "bot-failed", "error-burst", "database-out-of-connections"]
    with sandbox.start([*faults, "cache-loading", "pod-crash-looping", "target-down"]) as broken:
        for name, value in broken.variables.items():
            monkeypatch.setenv(name, value)
        code, text = rehearsal.run("doctor", named=False)
    assert code == 0, text
    assert "no verdict: whether the platform is well, the phases say" in text


def test_everything_out_of_reach_is_said_at_once(rehearsal: Rehearsal) -> None:
    """Each instrument's silence or refusal is a problem that names the table to look at."""
    rehearsal.configure(
        f"[api]\nurl = '{NOBODY}'\n[frontend]\nurl = '{NOBODY}'\n"
        f"[cluster]\nserver = '{NOBODY}'\n[prometheus]\nurl = '{NOBODY}'\n"
        f"[alertmanager]\nurl = '{NOBODY}'\n[grafana]\nurl = '{NOBODY}'\n"
        f"[integrations.claude]\nurl = '{NOBODY}'\n[integrations.crm]\nurl = '{NOBODY}'\n"
        "[database]\ndsn_env = 'ELSEWHERE_DSN'\n[cache]\nurl_env = 'ELSEWHERE_CACHE'\n"
        f"[mail]\nserver = '127.0.0.1:1'\n[repository]\nurl = '{NOBODY}'\n"
        f"[artifacts]\nfolder = 'nowhere'\n[backups]\nendpoint_url = '{NOBODY}'\n"
        "[change]\ncalendar = 'no.toml'\n[rollback]\nhelm = 'no-such-helm'\n"
        "[notifications.channels.team]\nurl_env = 'ELSEWHERE_TEAM'\n"
    )
    rehearsal.reports.write_text("a file where the folder should be")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ELSEWHERE_DSN", "host=127.0.0.1 port=1 user=nobody password=no-secret")
        patch.setenv("ELSEWHERE_CACHE", "redis://127.0.0.1:1/0")
        patch.setenv("ELSEWHERE_TEAM", "nonsense://room")
        code, text = rehearsal.run("doctor", named=False)
    assert code == 1, text
    found = dict.fromkeys(line.partition(":")[0] for line in _problems(text))
    assert tuple(name for name in found if name in INSTRUMENTS) == INSTRUMENTS, text
    for expected in (
        "connection refused; expected an answer, unless the platform is down; see [api] in",
        "helm: found no program no-such-helm on PATH; expected it, or its path; see [rollback] in",
        "holds no URL that apprise knows; see [notifications.channels] in",
        "a folder for the record: --reports",
    ):
        assert expected in text, (expected, text)


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        (
            "[api.endpoints.health_detailed]\npath = '/helth'\n",
            "/helth: found 404, expected 200: endpoints.health_detailed.path; see [api] in",
        ),
        (
            "[frontend.endpoints.health]\npath = '/'\n",
            "/: found text/html, expected application/json: endpoints.health; see [frontend] in",
        ),
        (
            "[api]\npassword_env = 'DEPLOYCHECK_SANDBOX_ADMIN_KEY'\n",
            "it refuses our user name and password (from DEPLOYCHECK_SANDBOX_USERNAME",
        ),
        ("[cluster]\nnamespace = 'elsewhere'\n", "namespace elsewhere is empty"),
        (
            "[cluster]\nservices = ['jorge-revenue-api-svc', 'gone']\n",
            (
                "cluster: found no endpoint of service gone in namespace jorge-revenue-platform; "
                "expected the name of a service whose selector matches pods: services"
            ),
        ),
        (
            "[cluster]\ningresses = [{ name = 'gone', host = 'localhost' }]\n",
            "cluster: found no Ingress gone",
        ),
        (
            "[database.statements]\nalive = 'SELECT gone'\n",
            "database: statements.",
        ),
        ("[grafana]\ntoken_env = 'DEPLOYCHECK_SANDBOX_ADMIN_KEY'\n", "it refuses our credentials"),
        ("[repository]\nname = 'somebody/else'\n", "repository: GET "),
        ("[backups]\ndatabase = 'gone'\n", "backups: found no snapshot of the instance gone"),
        (
            "[monitoring]\ncounted = 'sum(http_requests_total{job=\"gone\"})'\n",
            (
                'monitoring.counted: http_requests_total{job="gone"} never existed in Prometheus; '
                "expected labels that its series have"
            ),
        ),
        (
            "[prometheus.queries.database_up]\nquery = 'pg_up{pod!=\"\"}'\n",
            'queries.database_up: pg_up{pod!=""} never existed in Prometheus',
        ),
        (
            "[prometheus.queries.database_up]\nquery = 'http_requests_total'\n",
            "series, expected 1: sum them, or name one",
        ),
        (
            "[prometheus.queries.database_up]\nquery = 'min(pg_up'\n",
            "queries.database_up: GET ",
        ),
        (
            "[prometheus.queries.error_ratio]\ntraffic = 'sum(gone_total)'\n",
            "queries.error_ratio.traffic: gone_total never existed in Prometheus",
        ),
    ],
)
def test_a_name_that_nothing_has_is_a_problem(
    rehearsal: Rehearsal, toml: str, expected: str
) -> None:
    """A path, a label, a service, a statement: found, expected, and where to mend it."""
    rehearsal.configure(toml)
    code, text = rehearsal.run("doctor", named=False)
    assert code == 1, text
    assert any(expected in problem for problem in _problems(text)), text


def test_all_that_cannot_fail_is_said_at_once(rehearsal: Rehearsal) -> None:
    """A silent instrument, an absent series, a window too short, a limit out of reach."""
    rehearsal.configure(
        "[grafana]\nurl = 'http://127.0.0.1:1'\n"
        "[prometheus.queries.error_ratio]\nwindow = '1m'\nmin_samples = 4\n"
        "[prometheus.queries.gone]\nquery = 'gone_total'\n"
        "unit = '1'\nworse = 'above'\nwindow = '5m'\n"
        "[limits]\nuptime_ratio = 1.0\ncache_hit_drop_ratio = 0.0\n"
        "[triggers.error-rate]\nmax_gap = '5s'\n"
    )
    code, text = rehearsal.run("doctor", named=False)
    assert code == 1, text
    problems = [line for line in text.splitlines() if line.startswith("problem: ")]
    for expected in (
        "problem: dashboards: ",
        "problem: queries.gone: gone_total never existed in Prometheus",
        "problem: queries.error_ratio: window is 60 s; expected at least the hold of",
        "problem: queries.error_ratio: step is 15 s; expected at most max_gap of error-rate, 5 s",
    ):
        assert any(line.startswith(expected) for line in problems), (expected, text)


def test_what_an_environment_weakens_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is allowed, so it is no problem; but nobody has to compare files to see it."""
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    local = tmp_path / "suites/environments/local.toml"
    local.write_text(local.read_text() + "endpoints.health.expect_status = [200, 202]\n")
    main(["doctor", "--env=local"])
    printed = capsys.readouterr().out
    expected = "weaker: api.endpoints.health.expect_status: adds 202 (differs from base)"
    assert expected in printed.splitlines()
    assert f"problem: {expected}" not in printed
    assert "rollback: no way back is configured: [rollback] in local.toml" in printed
