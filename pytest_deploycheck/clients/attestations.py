"""What people have said of this release, as the record has it; the judge reads it once more."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from typing import Final

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.domain.errors import AwaitingError, InstrumentError, SubjectError
from pytest_deploycheck.domain.events import Attested, Event
from pytest_deploycheck.domain.invocation import USUAL, Invocation
from pytest_deploycheck.domain.people import People
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.units import spoken_time

_SOURCE: Final = "attestations"


class Attestations:
    """Looks for a person's word; reads the record anew each time it is asked.

    Args:
        read: Returns every event of the deployment's people.
        policy: Says whose word counts.
        environment: The environment's name.
        release: That is judged.
        deployed_at_s: When its rollout began, Unix seconds.
        invocation: How the run was asked for.
        clock: Says what time it is, Unix seconds.
    """

    def __init__(
        self,
        read: Callable[[], Sequence[Event]],
        *,
        policy: Policy,
        environment: str,
        release: str,
        deployed_at_s: float,
        invocation: Invocation = USUAL,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self._policy = policy
        self._environment = environment
        self._release = release
        self._deployed_at_s = deployed_at_s
        self._invocation = invocation
        self._clock = clock

    def require(self, item: str) -> Attested:
        """Return the word that counts for *item*, and note it as evidence.

        Raises:
            SubjectError: Somebody spoke who may not.
            AwaitingError: Nobody has spoken yet, or the word does not count; with what to run.
            InstrumentError: The environment does not say whose word it is: nobody can speak.
        """
        if item not in self._policy.words:
            raise InstrumentError(
                f"{item}: found no rule whose word counts; expected it in [attestations.items] of "
                "the environment: before that, nobody can attest it"
            )
        evidence.awaiting()
        events = self._read()
        people = People.of(
            events,
            environment=self._environment,
            release=self._release,
            deployed_at_s=self._deployed_at_s,
        )
        now_s = self._clock()
        word = people.word_on(item, policy=self._policy, at_s=now_s)
        if word is not None:
            evidence.note(_SOURCE, item, _spoken(word))
            return word
        ask = f"run {self._command(item)}"
        said = [event for event in people.attested if event.item == item]
        if not said:
            elsewhere = sorted(
                {e.release for e in events if isinstance(e, Attested) and e.item == item}
                - {self._release}
            )
            found = f"only a word on release {', '.join(elsewhere)}" if elsewhere else "no word"
            raise AwaitingError(
                f"found {found}; expected one on release {self._release} from "
                f"{self._who(item)}; {ask}"
            )
        newest = max(said, key=lambda event: (event.at_s, event.id))
        evidence.note(_SOURCE, item, _spoken(newest))
        objection = people.objection_to(newest, policy=self._policy, at_s=now_s)
        why = objection.text if objection is not None else "it was taken back"
        text = f"found the word of {newest.by} from {spoken_time(newest.at_s)}, but {why}; {ask}"
        if objection is not None and objection.by_stranger:
            raise SubjectError(text)
        raise AwaitingError(text)

    def _who(self, item: str) -> str:
        rule = self._policy.words[item]
        people = ", ".join(rule.people) or "nobody has this role: name somebody"
        return f"{' or '.join(rule.roles)} ({people})"

    def _command(self, item: str) -> str:
        words = [
            "deploycheck", "attest", item, self._invocation.env_option(self._environment),
            *self._invocation.folders(), f"--release={self._release}",
        ]  # fmt: skip
        asked = ["--by=…", "--statement=…"]
        if self._policy.words[item].needs_evidence:
            asked.append("--evidence=…")
        return " ".join([shlex.join(words), *asked])


def _spoken(word: Attested) -> str:
    made_up = "DEMONSTRATION: " if word.demonstration else ""
    not_applicable = ", NOT APPLICABLE" if word.not_applicable else ""
    lines = [
        f"{made_up}{word.by} ({word.role}), {spoken_time(word.at_s)}{not_applicable}",
        word.statement,
    ]
    if word.evidence:
        lines.append(f"evidence: {word.evidence}")
    if word.valid_until_s is not None:
        lines.append(f"valid until {spoken_time(word.valid_until_s)}")
    return "\n".join(lines)
