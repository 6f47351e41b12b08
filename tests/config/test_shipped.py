"""The files that the project ships: the checklist, the policy, the environments."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Final

import pytest

from pytest_deploycheck.config import (
    Project,
    is_sandbox,
    load_environment,
    load_project,
    policy_for,
)
from pytest_deploycheck.domain.items import PHASES, Kind
from pytest_deploycheck.domain.words import Severity

SUITES: Final = Path(__file__).parents[2] / "suites"

# The boxes and decision points of the checklist that the project began with.
TITLES: Final = {
    "pre_deploy": (
        "Security Scan Results",
        "Secrets Management",
        "Access Controls",
        "Compliance",
        "Unit Tests",
        "Jorge Bot Tests",
        "ML Pipeline Tests",
        "Integration Tests",
        "Load Testing",
        "Baseline Metrics",
        "SLA Targets",
        "Capacity Planning",
        "Database Backup",
        "Configuration Backup",
        "Rollback Plan",
        "Recovery Procedures",
    ),
    "deploy": (
        "Code Review",
        "CI/CD Pipeline",
        "Staging Validation",
        "Manual Approval",
        "Deployment Window",
        "Change Advisory Board",
        "Stakeholder Notification",
        "Monitoring Systems",
    ),
    "staging": (
        "Health Endpoints",
        "Jorge Bot Functionality",
        "Client Demo Environment",
        "Authentication",
        "External Integrations",
        "Response Time",
        "ML Inference",
        "Database Performance",
        "Memory Usage",
        "Resource Consumption",
    ),
    "post_5min": (
        "Pod Status",
        "Service Endpoints",
        "Load Balancer",
        "API Endpoints",
        "Frontend Application",
        "Database Connectivity",
        "Redis Cache",
    ),
    "post_15min": (
        "API Response Time",
        "Jorge Bot Response",
        "ML Inference",
        "Memory Usage",
        "CPU Usage",
        "Database Connections",
        "Cache Hit Rate",
    ),
    "post_30min": (
        "Jorge Seller Bot",
        "Lead Bot",
        "Intent Decoder",
        "ML Analytics",
        "Demo Environment",
        "ROI Calculations",
        "Performance Metrics",
        "GoHighLevel",
        "Claude API",
        "Email Systems",
    ),
    "monitoring": (
        "Prometheus",
        "Grafana Dashboards",
        "Application Metrics",
        "Business Metrics",
        "Alert Rules",
        "Alertmanager",
        "Notification Channels",
        "Test Alert",
        "Operations Center",
        "Jorge Bot Dashboard",
        "Business Intelligence",
        "Security Dashboard",
    ),
    "rollback": (
        "Health Check Failure",
        "Critical Error Rate",
        "Performance Degradation",
        "Jorge Bot Failure",
        "Database Issues",
        "Security Issues",
        "Memory Leaks",
        "Gradual Performance",
        "Error Rate",
        "External API Issues",
    ),
    "post_24h": (
        "Error Rate Trending",
        "Performance Stability",
        "Memory/CPU Usage",
        "Business Metrics",
        "User Feedback",
        "Deployment Log",
        "Performance Baseline",
        "Lessons Learned",
        "Process Improvements",
        "SLA Compliance",
        "Feature Validation",
        "Regression Testing",
        "Stakeholder Satisfaction",
    ),
    "sign_off": (
        "Operations Lead",
        "Product Owner",
        "Security Team",
        "Jorge (Client)",
    ),
}
IMMEDIATE: Final = ("post_5min", "post_15min", "post_30min", "observe_30min", "post_24h")


@pytest.fixture(scope="module")
def project() -> Project:
    """The shipped checklist and policy."""
    return load_project(SUITES)


def variables_of(name: str) -> dict[str, str]:
    """A value for each variable that the environment, or one that it extends, names."""
    text = (SUITES / "environments" / f"{name}.toml").read_text()
    extended = re.search(r'^extends = "(\w+)"', text, re.MULTILINE)
    inherited = variables_of(extended[1]) if extended else {}
    known = dict.fromkeys(re.findall(r"DEPLOYCHECK_\w+", text), "https://localhost:1")
    return inherited | known | {"DEPLOYCHECK_SANDBOX_DEPLOYED_AT": "2026-01-31T14:05:00Z"}


@pytest.mark.parametrize("phase", TITLES)
def test_every_title_of_the_source_is_an_item(project: Project, phase: str) -> None:
    """No box and no decision point of the source checklist is lost, renamed or misplaced."""
    found = [item for item in project.checklist.items if item.id.startswith(f"{phase}/")]
    assert [item.title for item in found] == list(TITLES[phase])


def test_there_are_87_boxes_and_10_decision_points(project: Project) -> None:
    """The checklist has what the source has, and nothing else."""
    kinds = [item.kind for item in project.checklist.items]
    assert (kinds.count(Kind.BOX), kinds.count(Kind.DECISION_POINT)) == (87, 10)


def test_decision_points_belong_to_their_phases(project: Project) -> None:
    """Six triggers are judged after the deployment and in the observation, four in that alone."""
    phases = {item.slug: item.phases for item in project.checklist.items if "rollback/" in item.id}
    immediate = {slug for slug, held in phases.items() if held == IMMEDIATE}
    assert immediate == {
        "health-check-failure",
        "critical-error-rate",
        "performance-degradation",
        "jorge-bot-failure",
        "database-issues",
        "security-issues",
    }
    assert {held for slug, held in phases.items() if slug not in immediate} == {("observe_30min",)}


def test_an_item_says_what_where_and_when(project: Project) -> None:
    """Title, text, section and phase of a box come from the document, without markup."""
    item = project.checklist.by_id["post_5min/redis-cache"]
    assert item.title == "Redis Cache"
    assert item.section == "Application Functionality"
    assert item.phases == ("post_5min",)
    assert item.expectation.startswith("a value written to the cache is read back")


def test_the_document_is_named_and_hashed(project: Project) -> None:
    """A verdict can be traced to the very checklist and policy that it was made with."""
    assert project.checklist.title.startswith("Production Deployment Checklist")
    assert project.checklist.version == "1.1.0"
    for found, file in (
        (project.checklist.sha256, "checklist.md"),
        (project.policy.sha256, "deploycheck.toml"),
    ):
        assert found == hashlib.sha256((SUITES / file).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("slug", "severity", "hold_s", "min_bad"),
    [
        ("health-check-failure", Severity.ROLLBACK, 300, 2),
        ("critical-error-rate", Severity.ROLLBACK, 120, 2),
        ("performance-degradation", Severity.ROLLBACK, 30, 3),
        ("jorge-bot-failure", Severity.ROLLBACK, 300, 2),
        ("database-issues", Severity.ROLLBACK, 30, 3),
        ("security-issues", Severity.ROLLBACK, 0, 1),
        ("memory-leaks", Severity.OBSERVE, 0, 1),
        ("gradual-performance", Severity.OBSERVE, 300, 3),
        ("error-rate", Severity.OBSERVE, 120, 3),
        ("external-api-issues", Severity.OBSERVE, 0, 1),
    ],
)
def test_triggers_mean_what_their_sentences_say(
    project: Project, slug: str, severity: Severity, hold_s: float, min_bad: int
) -> None:
    """The durations of the checklist's sentences are those of the policy."""
    trigger = project.policy.triggers[slug]
    assert (trigger.severity, trigger.hold_s, trigger.min_bad) == (severity, hold_s, min_bad)
    assert trigger.sentence == project.checklist.by_id[f"rollback/{slug}"].expectation


def test_database_and_security_cannot_be_waived(project: Project) -> None:
    """Nobody waives a lost database or a failed security control."""
    held = {slug for slug, trigger in project.policy.triggers.items() if trigger.never_waivable}
    assert held == {"database-issues", "security-issues"}


def test_every_phase_has_its_time(project: Project) -> None:
    """The due times of the checklist's headings are those of the policy; gates have none."""
    due_s = {name: phase.due_s for name, phase in project.policy.phases.items()}
    assert tuple(due_s) == PHASES
    assert (due_s["post_5min"], due_s["post_15min"], due_s["post_30min"]) == (300, 900, 1800)
    assert due_s["pre_deploy"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("error_ratio_critical", 0.05),
        ("error_ratio_sla", 0.01),
        ("latency_p95_s", 0.2),
        ("latency_increase_ratio_critical", 0.5),
        ("latency_increase_ratio_gradual", 0.25),
        ("bot_success_ratio_critical", 0.95),
        ("bot_success_ratio", 0.985),
        ("bot_response_p95_s", 3),
        ("ml_inference_p95_s", 0.05),
        ("ml_accuracy_ratio", 0.92),
        ("drift_score", 0.3),
        ("intent_accuracy_ratio", 0.9),
        ("memory_ratio", 0.8),
        ("cpu_ratio", 0.7),
        ("memory_growth_ratio", 0.1),
        ("uptime_ratio", 0.9999),
        ("unit_test_count", 650),
        ("coverage_ratio", 0.8),
    ],
)
def test_limits_are_the_numbers_of_the_checklist(project: Project, name: str, value: float) -> None:
    """Each number that the checklist states is the limit that is used."""
    assert project.policy.limits[name] == value


@pytest.mark.parametrize("name", ["production", "sandbox", "staging"])
def test_the_shipped_environments_load(project: Project, name: str) -> None:
    """With its variables set, every environment is complete and right."""
    assert name in project.environments
    environment = load_environment(name, project, variables_of(name))
    assert environment.name == name
    assert environment.sandbox == is_sandbox(name, project) == (name == "sandbox")


def test_environments_share_what_checks_ask(project: Project) -> None:
    """A check that works in the sandbox finds the same endpoints and queries anywhere."""
    names = {
        (
            tuple(found.api.endpoints),
            tuple(found.frontend.endpoints),
            tuple(found.prometheus.queries),
            tuple(found.database.statements),
        )
        for name in project.environments
        for found in [load_environment(name, project, variables_of(name))]
    }
    assert len(names) == 1


def test_no_query_makes_health_out_of_nothing() -> None:
    """A query that answers zero for a metric that nobody has ever seen would pass without data."""
    for file in (SUITES / "environments").glob("*.toml"):
        assert not re.search(r"(vector|absent)\s*\(", file.read_text())


def test_the_sandbox_waits_for_seconds(project: Project) -> None:
    """A rehearsal takes seconds where the policy takes minutes, but rolls back for two minutes."""
    sandbox = load_environment("sandbox", project, variables_of("sandbox"))
    policy = policy_for(project.policy, sandbox)
    assert policy.triggers["health-check-failure"].hold_s <= 3
    assert policy.triggers["critical-error-rate"].hold_s == 120
    assert (policy.interval_s, policy.settle_s) == (0.5, 1.0)
