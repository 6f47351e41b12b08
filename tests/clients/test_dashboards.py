"""Grafana's answers: which panels show something, and how old it is."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from pytest_deploycheck.clients.dashboards import Dashboards
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError, SubjectError
from tests.clients.doubles import NOW_S, USER_AGENT

NOW_MS = int(NOW_S * 1000)
WIDE = ("time", "number", "number")
"""Two series in one frame."""


def frame(
    *columns: list[Any], kinds: tuple[str, ...] = ("time", "number"), **labels: str
) -> dict[str, Any]:
    """Return one frame of an answer, whose number has these labels."""
    schema = {
        "fields": [
            {"name": kind, "type": kind} | ({"labels": labels} if kind == "number" else {})
            for kind in kinds
        ]
    }
    return {"schema": schema, "data": {"values": list(columns)}}


class Grafana:
    """One dashboard with one panel; every query gets `frames`."""

    def __init__(self) -> None:
        self.panels: list[dict[str, Any]] = [
            {"title": "Errors", "targets": [{"expr": 'rate(x{env="$environment"}[${__interval}])'}]}
        ]
        self.title = "Main"
        self.found: Any = [{"uid": "m", "title": "Main"}, {"uid": "n", "title": "Main (old)"}]
        self.frames: list[Any] = [frame([NOW_MS - 60_000, NOW_MS - 15_000], [1.0, 2.0])]
        self.result: dict[str, Any] = {}
        self.asked: list[dict[str, Any]] = []

    def client(self, *, uid: str | None = None) -> Dashboards:
        """Return a client of it."""
        settings = environment.Grafana.model_validate(
            {
                "url": "https://g.test",
                "rate_per_s": 10_000,
                "datasource": "prom",
                "variables": {"environment": "production"},
                "dashboards": {"main": {"title": "Main", "uid": uid, "panels": ["Errors"]}},
            }
        )
        transport = httpx.MockTransport(self._answer)
        return Dashboards(settings, user_agent=USER_AGENT, clock=lambda: NOW_S, transport=transport)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/api/search":
            return httpx.Response(200, json=self.found)
        if path == "/api/ds/query":
            self.asked.append(json.loads(request.content)["queries"][0])
            return httpx.Response(
                200, json={"results": {"A": {"frames": self.frames} | self.result}}
            )
        if path == "/api/health":
            return httpx.Response(200, json={"database": "ok", "version": "11"})
        if path == "/api/dashboards/uid/m":
            model = {"title": self.title, "panels": self.panels}
            return httpx.Response(200, json={"dashboard": model})
        return httpx.Response(404, json={"message": "Not found"})


@pytest.fixture
def grafana() -> Grafana:
    """A Grafana that is well."""
    return Grafana()


def test_a_panel_tells_the_age_of_its_newest_value(grafana: Grafana) -> None:
    """Its own query is asked of its own data source, with the variables filled in."""
    (panel,) = grafana.client().panels("main")
    assert (panel.fresh, panel.age_s) == (True, 15.0)
    (asked,) = grafana.asked
    assert asked["expr"] == 'rate(x{env="production"}[1m])'
    assert asked["datasource"]["uid"] == "prom"


def test_a_panel_within_a_row_is_found_with_its_data_source(grafana: Grafana) -> None:
    """Rows that are folded keep their panels inside."""
    inner = grafana.panels[0] | {"datasource": {"uid": "other", "type": "prometheus"}}
    grafana.panels = [{"title": "Row", "type": "row", "panels": [inner]}]
    assert grafana.client(uid="m").panels("main")[0].fresh
    assert grafana.asked[0]["datasource"]["uid"] == "other"


@pytest.mark.parametrize(
    ("frames", "age_s"),
    [
        ([], None),
        ([frame([], [])], None),
        ([frame([NOW_MS], [None])], None),
        ([frame([NOW_MS - 400_000, NOW_MS], [1.0, None])], 400.0),
        ([frame([NOW_MS], ["x"], kinds=("time", "string"))], None),
    ],
    ids=["no-frame", "empty", "null", "stale", "text"],
)
def test_a_panel_without_a_fresh_number_is_not_fresh(
    grafana: Grafana, frames: list[Any], age_s: float | None
) -> None:
    """An empty picture looks as calm as a good one."""
    grafana.frames = frames
    (panel,) = grafana.client().panels("main")
    assert (panel.fresh, panel.age_s) == (False, age_s)


@pytest.mark.parametrize(
    ("frames", "found"),
    [
        (
            [frame([NOW_MS], [1.0], bot="a"), frame([NOW_MS - 400_000], [1.0], bot="b")],
            "found values 400 s old of bot=b",
        ),
        (
            [frame([NOW_MS], [None], bot="a"), frame([NOW_MS], [1.0], bot="b")],
            "found no value of bot=a",
        ),
        (
            [frame([NOW_MS - 400_000, NOW_MS], [1.0, 1.0], [1.0, None], kinds=WIDE, bot="b")],
            "found values 400 s old of bot=b",
        ),
    ],
    ids=["stale", "null", "wide"],
)
def test_every_series_of_a_panel_must_be_fresh(
    grafana: Grafana, frames: list[Any], found: str
) -> None:
    """One line that goes on hides that another one has ended."""
    grafana.frames = frames
    (panel,) = grafana.client().panels("main")
    assert not panel.fresh
    assert found in str(panel)


def test_every_query_of_a_panel_must_answer(grafana: Grafana) -> None:
    """One curve of two is half of the picture; hidden ones are not shown."""
    grafana.panels[0]["targets"] += [{"expr": "y"}, {"expr": "z", "hide": True}]
    assert grafana.client().panels("main")[0].fresh
    assert [one["expr"] for one in grafana.asked][1:] == ["y"]
    grafana.result = {"error": "bad_data"}
    assert not grafana.client().panels("main")[0].fresh


def test_a_panel_that_asks_nothing_shows_nothing(grafana: Grafana) -> None:
    """A text panel under the right title is no evidence."""
    grafana.panels[0]["targets"] = []
    (panel,) = grafana.client().panels("main")
    assert not panel.fresh
    assert "no query" in str(panel)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"panels": []}, SubjectError, "no panel 'Errors'"),
        ({"found": []}, SubjectError, "found 0 dashboards"),
        ({"found": [{"uid": "gone", "title": "Main"}]}, SubjectError, "found 404"),
        ({"found": {}}, InstrumentError, "another shape"),
        ({"title": "Other"}, SubjectError, "expected 'Main'"),
    ],
)
def test_what_is_missing_is_told(
    grafana: Grafana, change: dict[str, Any], error: type[DeploycheckError], text: str
) -> None:
    """A dashboard or panel that was renamed or deleted is no good news."""
    for name, value in change.items():
        setattr(grafana, name, value)
    with pytest.raises(error, match=text):
        grafana.client().panels("main")


def test_health_is_that_of_grafana_and_of_its_data_source(grafana: Grafana) -> None:
    """One may be well without the other."""
    assert grafana.client().health() == "ok"
    with pytest.raises(SubjectError, match="found 404"):
        grafana.client().datasource_health()


def test_an_unknown_dashboard_is_told_with_its_near_misses(grafana: Grafana) -> None:
    """The environment's names are what suites ask for."""
    with pytest.raises(InstrumentError, match="main"):
        grafana.client().panels("mian")
