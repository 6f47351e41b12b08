"""Health reports of every known shape, and what is never read as healthy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_deploycheck.clients import health
from tests.clients.doubles import STEADY

HEALTHY = ("healthy", "ok", "initialized")

SHAPES = {
    "list": {"status": "healthy", "components": [{"name": "database", "status": "healthy"}]},
    "services": {"overall_status": "healthy", "services": [{"name": "database", "status": "ok"}]},
    "by name": {"status": "Healthy", "checks": {"database": {"status": "HEALTHY"}}},
    "words": {"status": "healthy", "services": {"database": "healthy"}},
    "yes": {"status": "healthy", "dependencies": {"database": {"healthy": True}}},
    "bots": {"status": "healthy", "bots": {"database": "initialized"}},
}


@pytest.mark.parametrize("report", SHAPES.values(), ids=SHAPES)
def test_every_known_shape_is_understood(report: object) -> None:
    """Platforms disagree on the shape, and two of one platform do."""
    assert health.parse(report, healthy=HEALTHY).problems(["database"]) == ()


@pytest.mark.parametrize(
    ("report", "problem"),
    [
        ({}, "status: found '', expected 'healthy'"),
        ({"status": "healthy"}, "component 'database' is missing; reported: none"),
        ({"status": "healthy", "components": []}, "component 'database' is missing"),
        (
            {"status": "degraded", "components": [{"name": "database", "status": "healthy"}]},
            "status: found 'degraded'",
        ),
        (
            {
                "status": "healthy",
                "components": [{"name": "database", "status": "down", "error": "refused"}],
            },
            "component 'database': found 'down' (refused)",
        ),
        (
            {"status": "healthy", "components": {"database": "healthy", "voice": "down"}},
            "component 'voice': found 'down'",
        ),
        ({"status": "healthy", "components": {"database": {}}}, "component 'database': found ''"),
        ({"status": "healthy", "components": {"database": None}}, "component 'database'"),
        (
            {"status": "healthy", "components": {"database": "healthy"}, "services": ["odd"]},
            "component '#0': found 'odd'",
        ),
        (
            {
                "status": "healthy",
                "components": [
                    {"name": "database", "status": "down"},
                    {"name": "database", "status": "healthy"},
                ],
            },
            "component 'database': found 'down'",
        ),
        (
            {
                "status": "healthy",
                "components": {"database": "down"},
                "dependencies": {"database": "healthy"},
            },
            "component 'database': found 'down'",
        ),
        (
            {
                "status": "healthy",
                "components": {"database": "healthy"},
                "dependencies": {"database": "down"},
            },
            "component 'database': found 'down'",
        ),
    ],
)
def test_anything_that_is_not_all_well_is_a_problem(report: object, problem: str) -> None:
    """HTTP 200 comes with each of these."""
    found = health.parse(report, healthy=HEALTHY).problems(["database"])
    assert any(problem in line for line in found), found


def test_one_component_can_be_asked_for_by_the_suites_name() -> None:
    """The suites say `cache`; what the platform calls it is the environment's matter."""
    report = health.parse(
        {"status": "degraded", "components": {"redis_cache": "healthy", "database": "down"}},
        healthy=HEALTHY,
        keys={"cache": "redis_cache"},
    )
    assert report.trouble_with("cache") == ""
    assert "found 'down'" in report.trouble_with("database")
    assert "is missing" in report.trouble_with("voice")


def test_keys_say_where_things_stand() -> None:
    """What is somewhere else can be named; nothing else is then looked at."""
    report = health.parse(
        {"result": {"state": "ok", "parts": {"a": "ok"}, "at": 5}, "services": {"b": "down"}},
        healthy=HEALTHY,
        keys={"status": "result.state", "components": "result.parts", "timestamp": "result.at"},
    )
    assert report.problems(["a"]) == ()
    assert report.at_s == 5.0


@pytest.mark.parametrize("report", [None, [], "healthy", 200, True])
def test_what_is_no_table_is_no_report(report: object) -> None:
    """`[]` has no component that is not healthy."""
    with pytest.raises(ValueError, match="expected a health report"):
        health.parse(report, healthy=HEALTHY)


@pytest.mark.parametrize(
    ("found", "at_s"),
    [
        ("2026-01-01T00:00:00Z", 1767225600.0),
        ("2026-01-01T00:00:00", 1767225600.0),
        ("2026-01-01T01:00:00+01:00", 1767225600.0),
        (1767225600, 1767225600.0),
        (1767225600123, 1767225600.123),
        ("yesterday", None),
        (True, None),
        (None, None),
    ],
)
def test_a_time_is_read_in_every_spelling_or_not_at_all(found: object, at_s: float | None) -> None:
    """A report whose age is unknown is not fresh."""
    assert health.written_at_s({"timestamp": found}, None) == at_s


_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*health.STATUS_KEYS, *health.COMPONENT_KEYS, "name", "timestamp", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@STEADY
@given(st.dictionaries(st.sampled_from(["status", "components", "services"]), _VALUES))
def test_no_report_without_the_expected_component_is_healthy(report: dict[str, object]) -> None:
    """Whatever a target answers, reading it ends in an answer, and never in a false one."""
    parsed = health.parse(report, healthy=("absolutely healthy",))
    assert parsed.problems(["database of the platform"])
