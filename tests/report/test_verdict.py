"""verdict.json says what was decided, as its published schema promises."""

from __future__ import annotations

import dataclasses
import json
import shlex
from typing import Any

import jsonschema
import pytest

from pytest_deploycheck.domain.events import RunStarted
from pytest_deploycheck.domain.invocation import Invocation
from pytest_deploycheck.domain.judge import judge
from pytest_deploycheck.report.verdict import (
    json_schema,
    next_commands,
    to_json,
    verdict_document,
)
from tests.report import stories
from tests.report.hostile import HOSTILE, hostile_story

VALIDATOR = jsonschema.Draft202012Validator(
    json_schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)


def written(told: stories.Story) -> dict[str, Any]:
    """Return verdict.json as a reader gets it."""
    document = json.loads(to_json(verdict_document(told.decision)).encode())
    assert isinstance(document, dict)
    return document


def test_the_schema_is_one() -> None:
    """Consumers can generate readers from it."""
    VALIDATOR.check_schema(json_schema())


def test_a_verdict_is_valid(told: stories.Story) -> None:
    """Each of the four verdicts keeps to the schema."""
    document = written(told)
    VALIDATOR.validate(document)
    assert document["verdict"] == told.decision.verdict.value
    assert document["exit_code"] == told.decision.verdict.exit_code
    assert set(document) == set(json_schema()["required"])
    assert bool(document["reasons"]) == (document["verdict"] != "PROCEED")
    assert document["next"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_keep_to_the_schema(text: str) -> None:
    """What a target says can break no reader."""
    document = written(hostile_story(text))
    VALIDATOR.validate(document)
    assert document["verdict"] == "ROLLBACK"


def test_every_item_and_check_is_listed() -> None:
    """What did not run is in the ledger too."""
    document = written(stories.rollback())
    assert {item["id"]: item["state"] for item in document["items"]} == {
        "post_5min/pod-status": "FAILED",
        "post_5min/redis-cache": "PASSED",
        "post_5min/load-balancer": "NOT_RUN",
    }
    assert document["partial"] is True
    assert document["items"][-1]["checks"] == [
        "suites/post_5min/test_health.py::test_load-balancer"
    ]
    assert [check["outcome"] for check in document["checks"]] == ["FAILED", "PASSED"]
    (measurement,) = document["checks"][0]["measurements"]
    assert measurement == {
        "name": "error_ratio",
        "value": 0.061,
        "limit": 0.05,
        "unit": "ratio",
        "worse": "above",
    }
    trigger = document["triggers"][0]
    assert (trigger["state"], trigger["held_s"], trigger["hold_s"]) == ("FIRING", 130.0, 120.0)
    assert document["deployed_at"] == "2026-01-01T10:00:00Z"


def test_the_exit_code_is_the_process_own() -> None:
    """A failed plain test turns 0 into 1, and the file says so."""
    assert verdict_document(stories.proceed().decision, exit_code=1)["exit_code"] == 1


OF_THIS = (
    "--env=production --deploycheck-release=2.4.1 --deploycheck-deployed-at=2026-01-01T10:00:00Z"
)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (stories.proceed(), [f"pytest -m post_15min {OF_THIS}"]),
        (stories.observe(), [f"pytest -m post_5min {OF_THIS} --deploycheck-watch=30m"]),
        (
            stories.hold(),
            [
                "deploycheck why post_5min/service-endpoints",
                "deploycheck why post_5min/load-balancer",
                f"pytest -m post_5min {OF_THIS}",
            ],
        ),
        (
            stories.rollback(),
            ["deploycheck rollback --env=production --confirm=production/2.4.1"],
        ),
    ],
)
def test_the_next_command_fits_the_verdict(told: stories.Story, expected: list[str]) -> None:
    """The reader can paste it."""
    assert next_commands(told.decision) == expected


def test_a_command_names_the_environment_as_it_was_given() -> None:
    """`--env` may be the path of a file, and a path may hold blanks."""
    (command,) = next_commands(
        stories.rollback().decision, invocation=Invocation(env="my envs/production.toml")
    )
    assert shlex.split(command)[2] == "--env=my envs/production.toml"


@pytest.mark.parametrize("told", [stories.rollback(), stories.hold(), stories.proceed()])
def test_a_command_names_the_folders_as_they_were_given(told: stories.Story) -> None:
    """Pasted at night, it must find the same project and the same record."""
    given = Invocation(config="our checks", reports="/var/reports")
    for command in next_commands(told.decision, invocation=given):
        prefix = "--deploycheck-" if command.startswith("pytest ") else "--"
        words = shlex.split(command)
        assert f"{prefix}config=our checks" in words
        assert f"{prefix}reports=/var/reports" in words


def test_a_missing_word_of_a_person_names_how_to_give_it() -> None:
    """AWAITING is not mended by running again."""
    from pytest_deploycheck.domain.words import Outcome

    told = stories.story(
        stories.passed("sign", outcome=Outcome.INCONCLUSIVE, awaiting=True, samples=())
    )
    given = (
        "deploycheck attest post_5min/sign --env=production --release=2.4.1 --by=… --statement=…"
    )
    assert next_commands(told.decision)[0] == given
    asked = f"found no word; run {given} --evidence=…"
    told = stories.story(
        stories.passed(
            "sign", outcome=Outcome.INCONCLUSIVE, awaiting=True, samples=(), message=asked
        )
    )
    assert next_commands(told.decision)[0] == f"{given} --evidence=…"


def test_no_next_phase_after_the_last() -> None:
    """Nothing is made up, and no phase is advised that the checklist has no item of."""
    told = stories.story(stories.passed("pod-status"))
    assert told.decision.verdict.value == "PROCEED"
    assert next_commands(told.decision) == []


def test_what_another_run_cannot_mend_is_not_run_again() -> None:
    """A phase without items, and one whose time is over: the same command would end the same."""
    events = [
        dataclasses.replace(event, phases=("post_5min", "post_24h"))
        if isinstance(event, RunStarted)
        else event
        for event in stories.proceed().events
    ]
    decision = judge(stories.proceed().checklist, stories.POLICY, events, stories.ENDED_S)
    assert decision.verdict.value == "HOLD"
    assert "add a box under a heading with <!-- phase: post_24h -->" in decision.reasons[0].text
    assert next_commands(decision) == [f"pytest -m post_5min {OF_THIS}"]
    late = stories.story(
        stories.passed("pod-status", started_at_s=stories.DEPLOYED_S + 700, samples=())
    )
    assert late.decision.reasons[0].text.endswith("stand for the phase, and no later run can")
    assert next_commands(late.decision) == []
