"""No check passes on an answer that says nothing, or nothing of now."""

from __future__ import annotations

import concurrent.futures
import contextlib
import re
import tomllib
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from pytest_deploycheck import sandbox
from pytest_deploycheck.config import load_project
from pytest_deploycheck.domain.items import PHASES
from tests.suites import answers, matrix

Runs = dict[str, concurrent.futures.Future[matrix.Ran]]

CHECKLIST: Final = load_project(matrix.ROOT / "suites").checklist
ANSWERS: Final = {
    "nothing": answers.says(""),
    "empty-list": answers.says("[]"),
    "null": answers.says("null"),
    "nan": answers.nan,
    "html": answers.says("<!doctype html><title>Welcome</title>", "text/html"),
    "hollow": answers.hollow,
    "partial": answers.partial,
    "stale": answers.stale,
}
#: Checks that may pass, whatever is answered, and why.
ABOUT_SOMETHING_ELSE: Final = {
    "test_certificate_does_not_end_soon": "the certificate is shown before anything is asked",
    "test_certificate_is_the_platforms_own": "the certificate is shown before anything is asked",
    "test_cache_answers": "the cache is asked for a PONG, and gives it",
    "test_nobody_else_is_let_in[auth_login_wrong]": "the login works, and refuses the password",
    "test_reports_are_of_the_released_commit": "the manifest and the tag lead to the questions",
    "test_staging_was_found_good": "the record has this run of every phase",
    "test_record_says_who_deployed_what_and_when": "the record has this run of every phase",
}
#: Checks that may pass on a hollow answer: they do not go by what is in it.
BY_THE_HEAD: Final = {
    "test_nobody_is_let_in_without_a_token": "a refusal is a status",
    "test_nobody_else_is_let_in[auth_test_anonymous]": "a refusal is a status",
    "test_nobody_else_is_let_in[auth_test_expired]": "a refusal is a status",
    "test_no_job_was_given_up": "where there is no Job, none has failed",
}
#: A message with one of these is about us, not about an answer.
OURS: Final = re.compile(
    r"No such file|ca_file|manifest\.json|takes us for|did you mean|allow_writes|is not set"
)
#: Whose answers bear dates.
DATED: Final = {"metrics", "artifacts", "backups", "dashboards"}
#: What they also say without a date.
UNDATED: Final = {
    "test_prometheus_is_ready_with_its_configuration": "how it is set up",
    "test_every_expected_job_has_a_target": "how it is set up",
    "test_every_expected_rule_is_loaded": "how it is set up",
    "test_prometheus_sends_its_alerts_somewhere": "how it is set up",
    "test_prometheus_collects_everything": "how it is set up, and what is up now",
    "test_prometheus_sends_its_alerts_here": "how it is set up",
    "test_no_alert_is_silenced": "what is in force now",
    "test_platform_reports_the_release": "which release, whenever",
    "test_grafana_is_healthy": "what is so now",
    "test_grafana_reaches_its_data_source": "what is so now",
    "test_grafana_works": "what is so now",
    "test_reports_are_of_the_released_commit": "which commit, whenever",
    "test_certificate_does_not_end_soon": "how long it lasts from now",
    "test_certificate_is_the_platforms_own": "for how long, from now",
}


def name_of(check: dict[str, Any]) -> str:
    """Return the name of a check's function, with its parameters."""
    return str(check["nodeid"]).rpartition("::")[2]


@pytest.fixture(scope="module")
def runs(runner: concurrent.futures.Executor, request: pytest.FixtureRequest) -> Iterator[Runs]:
    """A run of every phase for each answer that a selected test asks for, all under way."""
    with contextlib.ExitStack() as undo:
        yield {
            answer: runner.submit(matrix.run, [], PHASES, ["--deploycheck-no-wait"], variables)
            for answer in matrix.wanted(request, "answer")
            for variables in [undo.enter_context(answering(answer)).variables]
        }


@contextlib.contextmanager
def answering(answer: str) -> Iterator[sandbox.Sandbox]:
    """A sandbox that answers so."""
    with sandbox.start() as running:
        ANSWERS[answer](running.platform)
        running.apply()
        yield running


@pytest.mark.timeout(900)  # of all runs together: each waits for its place among them
@pytest.mark.parametrize("answer", ANSWERS)
def test_every_check_gets_to_its_question(runs: Runs, answer: str) -> None:
    """None is left out, or stopped on its way by our own files and settings."""
    ran = runs[answer].result()
    assert ran.verdict, ran.text
    assert not ran.verdict["partial"]
    assert {check["item"] for check in ran.verdict["checks"]} == set(CHECKLIST.by_id)
    ours = [c["message"] for c in ran.verdict["checks"] if OURS.search(c["message"])]
    assert not ours


@pytest.mark.timeout(900)
@pytest.mark.parametrize("answer", [answer for answer in ANSWERS if answer != "stale"])
def test_no_check_passes_on_it(runs: Runs, answer: str) -> None:
    """Whoever asks, whatever for, has no evidence."""
    ran = runs[answer].result()
    assert ran.exit_code not in (0, 10)
    allowed = ABOUT_SOMETHING_ELSE | (BY_THE_HEAD if answer == "hollow" else {})
    assert {name for name, _ in passed(ran)} <= set(allowed)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("answer", ["stale"])
def test_no_check_passes_on_an_old_answer(runs: Runs, answer: str) -> None:
    """Whoever reads something that bears a date looks at it."""
    fresh = set(dated_paths())
    dated = {name for name, seen in passed(runs[answer].result()) if is_dated(seen, fresh)}
    assert dated <= set(UNDATED)


def passed(ran: matrix.Ran) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the checks that passed, by name, each with its evidence."""
    for check in ran.verdict["checks"]:
        if check["outcome"] == "PASSED":
            yield name_of(check), check["evidence"]


def is_dated(evidence: list[dict[str, Any]], paths: set[str]) -> bool:
    """Say whether some of what came back bears a date: by its source, or by the path it is from."""
    asked = [one["request"].partition("\n")[0].partition(" ")[2] for one in evidence]
    return any(one["source"] in DATED for one in evidence) or any(
        urlsplit(url).path.endswith(tuple(paths)) for url in asked
    )


def dated_paths() -> Iterator[str]:
    """Yield the paths of the endpoints whose answers the environment wants to be fresh."""
    base = tomllib.loads((matrix.ROOT / "suites/environments/base.toml").read_text())
    for table in ("api", "frontend"):
        for endpoint in base[table]["endpoints"].values():
            if "max_age" in endpoint:
                yield re.split(r"\{\w+\}", endpoint["path"])[-1]
