"""A baseline is recorded before a deployment, used by it, and renewed after it."""

from __future__ import annotations

import json
import time

import pytest

from pytest_deploycheck.domain.events import BaselineRecorded, RolledBack
from pytest_deploycheck.report import journal, layout
from tests.cli.rehearsal import RELEASE, Rehearsal


def recorded(rehearsal: Rehearsal) -> list[BaselineRecorded]:
    """The baselines of the environment."""
    events = journal.read_events(layout.baselines_folder(rehearsal.reports, "rehearsal"))
    return [event for event in events if isinstance(event, BaselineRecorded)]


def test_a_baseline_has_every_value_with_its_samples(rehearsal: Rehearsal) -> None:
    """Recorded outside of any deployment: the one that it is for has no folder yet."""
    code, text = rehearsal.run("baseline", "record", "--release=1.4.1", named=False)
    assert code == 0, text
    (event,) = recorded(rehearsal)
    assert (event.release, event.environment) == ("1.4.1", "rehearsal")
    values = {value.name: value for value in event.values}
    assert values["latency_p95"].samples > 100
    assert values["latency_p95"].unit == "s"
    # A month is no moment before a deployment.
    assert not {"latency_p95_30d", "uptime_30d"} & set(values)
    assert event.until_s - event.from_s > 1700
    code, text = rehearsal.run("baseline", "show", "--json", named=False)
    assert [row["release"] for row in json.loads(text)] == ["1.4.1"]


def test_the_release_that_runs_is_recorded_whatever_is_deployed_next(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pipeline's variable names the new one, whose own baseline nobody compares with."""
    monkeypatch.setenv("DEPLOYCHECK_RELEASE", "1.5.0")
    code, text = rehearsal.run("baseline", "record", named=False)
    assert (code, [event.release for event in recorded(rehearsal)]) == (0, [RELEASE]), text
    assert "note:" not in text
    code, text = rehearsal.run("baseline", "show", named=False)
    assert RELEASE in text
    monkeypatch.setenv("DEPLOYCHECK_RELEASE", RELEASE)
    code, text = rehearsal.run("baseline", "record", named=False)
    assert "note: DEPLOYCHECK_RELEASE is 1.4.2 as well; a deployment is never compared" in text


def test_a_release_that_nobody_names_is_asked_for(rehearsal: Rehearsal) -> None:
    """Where no cluster says which release runs, the option that does is named."""
    rehearsal.configure('[cluster]\nserver = "https://127.0.0.1:9"\n')
    code, printed = rehearsal.run("baseline", "record", named=False)
    assert code == 4
    assert "--release: found nothing, and the cluster does not say which" in printed
    assert printed.endswith("; expected the one that runs now\n")


def test_a_value_that_is_wanted_and_missing_records_nothing(rehearsal: Rehearsal) -> None:
    """Half a baseline would be found missing after the deployment, when it is too late."""
    rehearsal.configure(
        'baseline = ["latency_p95", "gone"]\n'
        '[prometheus.queries.gone]\nquery = "gone_total"\n'
        'unit = "1"\nworse = "above"\nwindow = "5m"\n'
    )
    code, text = rehearsal.run("baseline", "record", "--release=1.4.1", named=False)
    assert code == 4
    assert "query 'gone': found 0 series, expected 1" in text
    assert "nothing was recorded" in text
    assert recorded(rehearsal) == []


def test_an_update_is_of_the_deployment_and_for_the_next(rehearsal: Rehearsal) -> None:
    """Its samples are all from after the deployment; it lies in the record and for all to use."""
    rehearsal.folder.mkdir(parents=True)
    code, text = rehearsal.run("baseline", "update")
    assert code == 0, text
    (event,) = recorded(rehearsal)
    assert event.release == RELEASE
    assert rehearsal.deployed_at_s <= event.from_s < event.until_s <= time.time()
    assert event in journal.read_people(rehearsal.folder)


def test_a_release_that_was_not_watched_for_a_day_is_no_reference(rehearsal: Rehearsal) -> None:
    """The update comes after the 24-hour phase."""
    rehearsal.folder.mkdir(parents=True)
    rehearsal.configure('[phases.post_24h]\nearliest = "24h"\n')
    code, text = rehearsal.run("baseline", "update")
    assert code == 4
    assert "expected at least 24h" in text
    assert recorded(rehearsal) == []


def test_a_release_that_was_rolled_back_is_no_reference(rehearsal: Rehearsal) -> None:
    """What runs since then is another release, and this one was taken away for a reason."""
    gone = RolledBack(
        at_s=rehearsal.deployed_at_s + 90, id="R-1", step="executed", release=RELEASE, revision="6",
        command="helm rollback", by="ann",
    )  # fmt: skip
    journal.write_people(rehearsal.folder, gone, name="rollback")
    code, text = rehearsal.run("baseline", "update")
    assert (code, "was rolled back" in text) == (4, True), text
    assert recorded(rehearsal) == []
