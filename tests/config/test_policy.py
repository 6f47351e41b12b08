"""The policy file, alone and against the checklist, and what an environment makes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_deploycheck.config import load_project, policy_for
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.domain.policy import Phase, Trigger
from pytest_deploycheck.domain.words import Severity
from tests.config.scratch import POLICY, Scratch

PHASES = (
    "deploy, monitoring, observe_30min, post_15min, post_24h, post_30min, post_5min, pre_deploy, "
    "sign_off, staging"
)


def test_the_policy_is_read_in_seconds(scratch: Scratch) -> None:
    """Durations become seconds; a trigger takes its title and sentence from the checklist."""
    scratch.replace("deploycheck.toml", 'title = "post_5min"', 'title = "Soon"\ndue = "5m"')
    policy = load_project(scratch.root).policy
    assert policy.triggers["critical-error-rate"] == Trigger(
        id="critical-error-rate",
        title="Critical Error Rate",
        sentence=">5% for >2 minutes",
        severity=Severity.ROLLBACK,
        hold_s=120,
        min_bad=2,
        max_gap_s=60,
    )
    assert policy.triggers["security-issues"].never_waivable
    assert policy.phases["post_5min"] == Phase(name="post_5min", title="Soon", due_s=300)
    assert (policy.interval_s, policy.settle_s, policy.max_waiver_life_s) == (10, 30, 30 * 86400)
    assert policy.limits == {"error_ratio": 0.05, "success_ratio": 0.95}
    assert policy.may_not_apply == {"post_5min/redis-cache"}
    assert policy.never_waivable == frozenset()


@pytest.mark.parametrize("below", ["", "deploycheck.toml"])
def test_a_project_is_found_by_its_folder_or_its_policy(scratch: Scratch, below: str) -> None:
    """`--deploycheck-config` may name either."""
    assert load_project(scratch.root / below).folder == scratch.root


def test_a_project_is_found_in_the_folder_suites(scratch: Scratch, tmp_path: Path) -> None:
    """The root of a repository is enough."""
    suites = tmp_path / "repository" / "suites"
    suites.mkdir(parents=True)
    for file in ("checklist.md", "deploycheck.toml"):
        (suites / file).write_bytes((scratch.root / file).read_bytes())
    assert load_project(suites.parent).folder == suites


@pytest.mark.parametrize("below", ["nowhere", "nowhere/deploycheck.toml"])
def test_no_project_is_said(tmp_path: Path, below: str) -> None:
    """A wrong folder is named, and what a right one holds."""
    with pytest.raises(ConfigError) as raised:
        load_project(tmp_path / below)
    assert str(raised.value) == (
        f"{tmp_path / below}: found no deploycheck.toml; "
        "expected the folder that holds deploycheck.toml and checklist.md: "
        "DEPLOYCHECK_CONFIG names another, deploycheck init writes one"
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            'settle = "30s"',
            "",
            'settle: found nothing; expected a duration, for example "5m" or "1m30s"',
        ),
        (
            'severity = "rollback"\nhold = "2m"',
            'hold = "2m"',
            (
                "triggers.critical-error-rate.severity: found nothing; "
                'expected "observe" or "rollback"'
            ),
        ),
        (
            'settle = "30s"',
            'setle = "30s"',
            (
                "setle: found an unknown key; expected one of interval, settle, max_waiver_life, "
                "review_within, "
                "may_not_apply, never_waivable, phases, triggers, limits, owners, runbooks; "
                "did you mean settle?"
            ),
        ),
        (
            'hold = "2m"',
            'hold = "2 minutes"',
            (
                'triggers.critical-error-rate.hold: found "2 minutes"; '
                'expected a duration, for example "5m" or "1m30s"'
            ),
        ),
        (
            'hold = "2m"',
            "hold = 120",
            (
                "triggers.critical-error-rate.hold: found 120; "
                'expected a duration in quotes, for example "5m" or "1m30s"'
            ),
        ),
        (
            'hold = "2m"',
            'hold = "-2m"',
            'triggers.critical-error-rate.hold: found "-2m"; expected greater than or equal to 0',
        ),
        (
            'max_gap = "60s"',
            'max_gap = "0s"',
            'triggers.critical-error-rate.max_gap: found "0s"; expected greater than 0',
        ),
        (
            'severity = "rollback"',
            'severity = "rolback"',
            (
                'triggers.critical-error-rate.severity: found "rolback"; '
                "expected 'observe' or 'rollback'; did you mean rollback?"
            ),
        ),
        (
            "min_bad = 2",
            "min_bad = true",
            "triggers.critical-error-rate.min_bad: found true; expected a valid integer",
        ),
        (
            "min_bad = 2",
            "min_bad = 0",
            "triggers.critical-error-rate.min_bad: found 0; expected greater than or equal to 1",
        ),
        (
            "value = 0.05",
            "value = nan",
            "limits.error_ratio.value: found nan; expected a finite number",
        ),
        (
            "value = 0.05",
            'value = "5%"',
            'limits.error_ratio.value: found "5%"; expected a valid number',
        ),
        (
            'worse = "above"',
            'worse = "over"',
            (
                "limits.error_ratio.worse: found \"over\"; expected 'above' or 'below'; did you "
                "mean above?"
            ),
        ),
        (
            'worse = "above"',
            'worse = "above", clear = 0.06',
            ("limits.error_ratio: found a table; expected `clear` on the good side of `value`"),
        ),
        (
            'error_ratio = { value = 0.05, worse = "above" }',
            "error_ratio = 0.05",
            "limits.error_ratio: found a number; expected a table of value, worse, clear",
        ),
        (
            "error_ratio = {",
            "errors = {",
            (
                "limits.errors: found no unit; expected one of bytes, count, ratio, s, score in "
                "the name"
            ),
        ),
        (
            "[phases.post_5min]",
            "[phases.post_5mins]",
            (
                f'phases.post_5mins: found "post_5mins"; expected a phase, one of {PHASES}; '
                "did you mean post_5min or post_15min?"
            ),
        ),
        (
            "[phases.post_5min]",
            "[phases.post_5mins]",
            "phases.post_5min: found nothing; expected a table for each phase of the checklist",
        ),
        (
            'title = "post_5min"',
            'title = "x"\nearliest = "0s"\ndue = "10m"\nlate = "5m"',
            "phases.post_5min: found due 600 s after late 300 s; expected it before",
        ),
        (
            "[triggers.security-issues]",
            "[triggers.security-issue]",
            (
                'triggers.security-issue: found "security-issue"; expected the slug of a '
                "decision point, "
                "one of critical-error-rate, security-issues; did you mean security-issues?"
            ),
        ),
        (
            '"post_5min/redis-cache"',
            '"post_5min/redis"',
            (
                'may_not_apply: found "post_5min/redis"; expected the id of an item, one of '
                "post_5min/pod-status, post_5min/redis-cache, rollback/critical-error-rate, "
                "rollback/security-issues; did you mean post_5min/redis-cache or "
                "post_5min/pod-status?"
            ),
        ),
        (
            '"post_5min/redis-cache"',
            '"rollback/security-issues"',
            (
                'may_not_apply: found "rollback/security-issues", a decision point; expected a '
                "box: a trigger always applies"
            ),
        ),
        (
            "may_not_apply =",
            'never_waivable = ["post_5min/redis-cache"]\nmay_not_apply =',
            (
                'may_not_apply: found "post_5min/redis-cache"; expected an item that is not in '
                "never_waivable"
            ),
        ),
        (
            "[limits]",
            '[owners]\npost_5mn = "Operations"\n[limits]',
            (
                'owners: found "post_5mn"; expected an item, a trigger or a phase, '
                "one of 16 known ones; did you mean post_5min or post_15min?"
            ),
        ),
        (
            'may_not_apply = ["post_5min/redis-cache"]',
            "never_waivable = 7",
            "never_waivable: found a number; expected a valid list",
        ),
    ],
)
def test_a_wrong_policy_is_refused(scratch: Scratch, old: str, new: str, problem: str) -> None:
    """Each problem names the key, what was found, what would be right, and what was meant."""
    scratch.replace("deploycheck.toml", old, new)
    assert f"deploycheck.toml: {problem}" in scratch.problems()


def test_a_phase_without_an_item_needs_no_table(scratch: Scratch) -> None:
    """A short checklist has a short policy."""
    scratch.write("deploycheck.toml", re.sub(r"\[phases.s.*\n.*\n", "", POLICY))
    phases = load_project(scratch.root).policy.phases
    assert ", ".join(sorted(phases)) == PHASES
    assert (phases["staging"].title, phases["staging"].late_s) == ("staging", None)


def test_a_phase_may_be_over_at_once(scratch: Scratch) -> None:
    """What comes after the rollout has begun is then always late."""
    scratch.replace("deploycheck.toml", 'title = "staging"', 'title = "x"\ndue = "0s"\nlate = "0s"')
    staging = load_project(scratch.root).policy.phases["staging"]
    assert (staging.due_s, staging.late_s) == (0, 0)


def test_a_decision_point_wants_a_trigger(scratch: Scratch) -> None:
    """A sentence of the rollback policy that nothing measures would never fire."""
    scratch.add("checklist.md", "- **Memory Leaks**: growth\n")
    assert scratch.problems() == [
        (
            "checklist.md:10: found the decision point memory-leaks without a trigger; "
            "expected [triggers.memory-leaks] in deploycheck.toml"
        )
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "[limits]\nx = = 1\n",
            (
                "deploycheck.toml:2: found broken TOML: Invalid value (at line 2, column 5); "
                "expected valid TOML"
            ),
        ),
        (
            '[limits]\nx = "\n',
            (
                "deploycheck.toml:2: found broken TOML: "
                "Illegal character '\\n' (at line 2, column 6); expected valid TOML"
            ),
        ),
        (
            "[limits]\nx = [1,\n",
            (
                "deploycheck.toml:3: found broken TOML: Invalid value (at end of document); "
                "expected valid TOML"
            ),
        ),
        (b"\xfe", "deploycheck.toml:1: found bytes that are no UTF-8; expected UTF-8"),
        (
            b"\xef\xbb\xbftitle = 1",
            "deploycheck.toml:1: found a byte order mark; expected UTF-8 without one",
        ),
    ],
)
def test_broken_toml_is_said_with_its_line(
    scratch: Scratch, text: str | bytes, problem: str
) -> None:
    """A policy that cannot be read at all says where reading ended."""
    scratch.write("deploycheck.toml", text)
    assert scratch.problems() == [problem]


def test_a_limit_has_the_unit_of_its_name(scratch: Scratch) -> None:
    """As surely as the name says it, and also where an environment is stricter."""
    names = {"answer_p95_s": "s", "size_bytes": "bytes", "load_per_s": "", "pod_count": ""}
    wanted = "".join(f'{name} = {{ value = 2.0, worse = "above" }}\n' for name in names)
    scratch.replace("deploycheck.toml", "[limits]\n", f"[limits]\n{wanted}")
    scratch.add("environments/live.toml", "\n[limits]\nanswer_p95_s = 1.0\n")
    limits = policy_for(load_project(scratch.root).policy, scratch.environment()).limits
    assert {name: limits[name].unit for name in names} == names


def test_an_environment_sets_its_own_holds(scratch: Scratch) -> None:
    """What an environment sets replaces the policy's; everything else stays."""
    scratch.replace("environments/live.toml", "[api]", 'interval = "1s"\n[api]')
    scratch.add(
        "environments/live.toml",
        '[triggers.critical-error-rate]\nhold = "0s"\nmin_bad = 1\n[limits]\nerror_ratio = 0.01\n',
    )
    before = load_project(scratch.root).policy
    after = policy_for(before, scratch.environment())
    trigger = after.triggers["critical-error-rate"]
    assert (trigger.hold_s, trigger.min_bad, trigger.max_gap_s) == (0.0, 1, 60.0)
    assert trigger.severity is Severity.ROLLBACK
    assert after.triggers["security-issues"] == before.triggers["security-issues"]
    assert after.limits == {"error_ratio": 0.01, "success_ratio": 0.95}
    assert (after.interval_s, after.settle_s) == (1.0, 30.0)
    assert after.sha256 == before.sha256
    assert before.limits["error_ratio"] == 0.05


def test_the_policy_knows_whom_to_ask(scratch: Scratch) -> None:
    """Owners and runbooks are named for items, triggers and phases."""
    scratch.add(
        "deploycheck.toml",
        '[owners]\n"post_5min/redis-cache" = "Operations"\n'
        '[runbooks]\nsecurity-issues = "https://wiki.example/security"\n',
    )
    policy = load_project(scratch.root).policy
    assert policy.owners == {"post_5min/redis-cache": "Operations"}
    assert policy.runbooks == {"security-issues": "https://wiki.example/security"}


@pytest.mark.parametrize("sandbox", [True, False])
def test_a_made_up_word_counts_in_a_rehearsal_only(scratch: Scratch, sandbox: bool) -> None:
    """No environment but a sandbox accepts attestations that were made for a demonstration."""
    scratch.at_home()
    scratch.replace("environments/live.toml", "[api]", f"sandbox = {str(sandbox).lower()}\n[api]")
    policy = policy_for(load_project(scratch.root).policy, scratch.environment())
    assert policy.accepts_demonstrations is sandbox
