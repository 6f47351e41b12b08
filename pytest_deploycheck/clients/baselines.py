"""The values that were recorded before the deployment, which later ones are compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.domain.baselines import compared_with
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.events import BaselineRecorded, BaselineValue, Event
from pytest_deploycheck.domain.units import spoken, spoken_duration, spoken_time

_SOURCE: Final = "baseline"


class Baseline:
    """The newest baseline of another release that was measured before the deployment.

    Args:
        read: Returns what people did around the deployment, baselines among it.
        deployed_at_s: When the rollout began, Unix seconds.
        environment: In which it must have been measured.
        release: That is judged; it is no reference for itself.
        max_age_s: How old it may be at the deployment, None: however old; a pinned one may be
            older.
        pinned: The release to compare with, whatever was recorded since; None: the newest.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[Event]],
        *,
        deployed_at_s: float,
        environment: str,
        release: str,
        max_age_s: float | None,
        pinned: str | None,
    ) -> None:
        self._read = read
        self._deployed_at_s = deployed_at_s
        self._environment = environment
        self._release = release
        self._max_age_s = max_age_s
        self._pinned = pinned

    def recorded(self) -> BaselineRecorded | None:
        """Return the baseline to compare with, None when none was recorded in time.

        Raises:
            InstrumentError: The release that is pinned has none.
        """
        return compared_with(
            self._read(),
            deployed_at_s=self._deployed_at_s,
            environment=self._environment,
            release=self._release,
            max_age_s=self._max_age_s,
            pinned=self._pinned,
        )

    def value(self, name: str) -> BaselineValue | None:
        """Return the recorded value of the query *name*, None when none was recorded in time.

        Raises:
            InstrumentError: A release is pinned, and its baseline lacks the value.
        """
        found = self.recorded()
        if found is None:
            return None
        for value in found.values:
            if value.name == name and value.samples > 0:
                evidence.note(
                    _SOURCE,
                    f"{name} of release {found.release}, measured until "
                    f"{spoken_time(found.until_s)}",
                    f"{spoken(value.value, value.unit)}, spread {spoken(value.spread, value.unit)},"
                    f" {value.samples} samples",
                )
                return value
        if self._pinned is not None:
            raise InstrumentError(f"the baseline of the pinned release {self._pinned} lacks {name}")
        return None


def spoken_baseline(event: BaselineRecorded) -> list[str]:
    """Write a baseline for people: a line on it, and one for each value."""
    window, ended = spoken_duration(event.until_s - event.from_s), spoken_time(event.until_s)
    return [
        f"release {event.release} in {event.environment}, {window} until {ended}",
        *(
            f"  {value.name}: {spoken(value.value, value.unit)}, "
            f"spread {spoken(value.spread, value.unit)}, {value.samples} samples"
            for value in event.values
        ),
    ]
