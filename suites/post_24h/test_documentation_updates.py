"""Documentation Updates: what was done, measured and learned is written down."""

from __future__ import annotations

import pytest

from pytest_deploycheck.clients.attestations import Attestations
from pytest_deploycheck.clients.record import Record
from pytest_deploycheck.config.environment import Environment

pytestmark = pytest.mark.post_24h


@pytest.mark.check("deployment-log")
def test_record_says_who_deployed_what_and_when(record: Record) -> None:
    """Every phase so far has a run with its release, its time, its result and its operator."""
    log, phases = record.log(), record.before("post_24h")
    missing = [phase for phase in phases if phase not in log]
    assert not missing, f"found no run of {', '.join(missing)}; expected one for each phase"
    cut_off = [phase for phase in phases if log[phase].result is None]
    assert not cut_off, f"found no result of {', '.join(cut_off)}; expected a run that has ended"
    others = {entry.release for entry in log.values()} - {record.release}
    assert not others, f"found runs of {', '.join(others)}; expected release {record.release}"
    nameless = [phase for phase, entry in log.items() if not entry.operator]
    assert not nameless, f"found no operator for {', '.join(nameless)}"


@pytest.mark.check("performance-baseline")
def test_new_baseline_is_recorded(record: Record, environment: Environment) -> None:
    """The next deployment is compared with this one: every value was measured anew."""
    lacking = record.lacking_after(environment.baseline)
    assert not lacking, f"found no value of {', '.join(lacking)}; expected each in the new baseline"


@pytest.mark.check("lessons-learned")
def test_lessons_are_written_down(attestations: Attestations) -> None:
    """Issues and their resolutions: who led the deployment names the document."""
    attestations.require("post_24h/lessons-learned")


@pytest.mark.check("process-improvements")
def test_procedures_are_up_to_date(attestations: Attestations) -> None:
    """The procedures are updated, or need no update, which is a person's judgement."""
    attestations.require("post_24h/process-improvements")
