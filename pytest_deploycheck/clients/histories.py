"""The samples of one query of Prometheus, and what they mean."""

from __future__ import annotations

import dataclasses
import math
import statistics

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.domain.comparison import Level, change
from pytest_deploycheck.domain.errors import InstrumentError
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.policy import Worse


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeasuredHistory:
    """The samples of one query, and what they mean."""

    name: str
    """As the environment calls the query."""
    history: History
    """Never empty."""
    unit: str
    worse: Worse
    query: str
    recorded: Level | None = None
    """Of a recorded baseline: what its one sample is the middle of."""
    missing: int | None = None
    """How many samples there are room for in what was asked, and are not there; None: not known."""

    @property
    def level(self) -> Level:
        """Where the values lie, and how surely."""
        return self.recorded or Level.of(self.history.value)

    @property
    def latest(self) -> float:
        """The newest value, in *unit*."""
        return self.history.latest

    @property
    def median(self) -> float:
        """The middle value, in *unit*."""
        return statistics.median(self.history.value)

    @property
    def mean(self) -> float:
        """The mean value, in *unit*."""
        return statistics.fmean(self.history.value)

    @property
    def worst(self) -> float:
        """The worst value, in *unit*: no later good one hides it."""
        return max(self.history.value) if self.worse == "above" else min(self.history.value)

    def demand_whole(self, *, least: float | None = None) -> None:
        """Refuse a hole: where hardly a bad moment is allowed, none may be unseen.

        Args:
            least: What the mean must reach: so many samples may be missing that it does even if
                each of them were 0. None: none may.

        Raises:
            InstrumentError: More are missing, or nobody knows whether any are.
        """
        if self.missing is None:
            raise InstrumentError(
                f"query {self.name!r}: found nothing that says how many samples there must be: "
                f"{self.query}"
            )
        total = self.missing + len(self.history)
        if self.missing and (least is None or math.fsum(self.history.value) < least * total):
            so_few = "none" if least is None else f"a mean of {least:g} even if each were 0"
            raise InstrumentError(
                f"query {self.name!r}: found {self.missing} samples missing of {total}, "
                f"expected {so_few}: {self.query}"
            )

    def increase_over(self, baseline: MeasuredHistory) -> MeasuredHistory:
        """Return by which ratio each sample exceeds the median of *baseline*: 0.5 is 50 % more.

        How much more the window is in all, and how surely, is evidence of its own.

        Raises:
            InstrumentError: Either has too few samples, or the baseline is not above zero.
        """
        try:
            found = change(self.level, baseline.level)
        except InstrumentError as error:
            raise InstrumentError(f"{self.name} against before: {error}") from error
        evidence.note("metrics", f"{self.name} against before", str(found))
        before = baseline.median
        return dataclasses.replace(
            self,
            name=f"{self.name}_increase",
            history=History(
                at_s=self.history.at_s,
                value=tuple(value / before - 1 for value in self.history.value),
            ),
            unit="ratio",
            query=f"({self.query}) / {before:g} - 1",
            recorded=None,
        )
