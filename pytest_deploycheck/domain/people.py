"""A person's word: which attestation or waiver is in force for an item at a time."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from pytest_deploycheck.domain.events import Attested, Event, Revoked, Waived
from pytest_deploycheck.domain.items import Item, Kind
from pytest_deploycheck.domain.policy import Policy, WordRule
from pytest_deploycheck.domain.units import spoken_duration, spoken_time


@dataclasses.dataclass(frozen=True, kw_only=True)
class Objection:
    """Why a word does not count."""

    text: str
    by_stranger: bool = False
    """Somebody spoke who may not: that is worse than nobody having spoken."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class People:
    """Every attestation and waiver of one release in one environment, and what was revoked."""

    attested: tuple[Attested, ...]
    waived: tuple[Waived, ...]
    deployed_at_s: float
    """When the rollout began, Unix seconds."""

    @classmethod
    def of(
        cls, events: Iterable[Event], *, environment: str, release: str, deployed_at_s: float
    ) -> People:
        """Pick what concerns *release* in *environment* out of *events* and was not revoked."""
        kept = list(events)
        revoked = {event.id for event in kept if isinstance(event, Revoked)}
        return cls(
            attested=tuple(
                event
                for event in kept
                if isinstance(event, Attested)
                and event.id not in revoked
                and (event.environment, event.release) == (environment, release)
            ),
            waived=tuple(
                event
                for event in kept
                if isinstance(event, Waived)
                and event.id not in revoked
                and event.environment == environment
                and event.release in (None, release)
            ),
            deployed_at_s=deployed_at_s,
        )

    def word_on(self, item_id: str, *, policy: Policy, at_s: float) -> Attested | None:
        """Return the newest attestation of *item_id* that counts at *at_s*, if any."""
        valid = [
            event
            for event in self.attested
            if event.item == item_id and self.objection_to(event, policy=policy, at_s=at_s) is None
        ]
        return max(valid, key=lambda event: (event.at_s, event.id), default=None)

    def objection_to(self, word: Attested, *, policy: Policy, at_s: float) -> Objection | None:
        """Say why *word* does not count at *at_s*; None: it does. Nothing else decides this.

        Args:
            word: On this release in this environment, not necessarily in the record yet.
            policy: Says whose word counts.
            at_s: Unix seconds.
        """
        rule = policy.words.get(word.item)
        if word.demonstration and not policy.accepts_demonstrations:
            return Objection(text="it is a demonstration, and this is no rehearsal")
        if rule is None or word.by not in rule.people:
            may = ", ".join(rule.people) if rule and rule.people else "nobody"
            return Objection(
                text=f"{word.by} may not speak for it; expected {may}", by_stranger=True
            )
        other = self._taken(word, rule, policy)
        if other is not None:
            return Objection(
                text=f"{word.by} has spoken for {other.item} already, and the two roles exclude "
                "each other",
                by_stranger=True,
            )
        phase = policy.phases.get(word.item.partition("/")[0])
        after_s = (phase.earliest_s if phase is not None else None) or 0.0
        for text in _untimely(
            word, rule, at_s=at_s, deployed_at_s=self.deployed_at_s, after_s=after_s
        ):
            return Objection(text=text)
        if rule.needs_evidence and not word.evidence:
            return Objection(text="it names no evidence; expected a link to what it speaks of")
        if word.not_applicable and word.item not in policy.may_not_apply:
            return Objection(text="the policy does not let the item be NOT_APPLICABLE")
        return None

    def _taken(self, word: Attested, rule: WordRule, policy: Policy) -> Attested | None:
        """Return an earlier word of the same person for an item that excludes *word*'s."""
        for earlier in self.attested:
            other = policy.words.get(earlier.item)
            if (
                rule.distinct
                and other is not None
                and other.distinct == rule.distinct
                and _plain(earlier.by) == _plain(word.by)
                and earlier.item != word.item
                and (earlier.at_s, earlier.id) < (word.at_s, word.id)
                and earlier.by in other.people
            ):
                return earlier
        return None

    def waiver_of(
        self, item: Item, *, triggers: Sequence[str | None], policy: Policy, at_s: float
    ) -> Waived | None:
        """Return the waiver of *item* in force at *at_s*, if any.

        Args:
            item: The item.
            triggers: Those that its checks name.
            policy: Says what can never be waived, and for how long anything can.
            at_s: Unix seconds.
        """
        if not waivable(item, triggers=triggers, policy=policy):
            return None
        valid = [
            event
            for event in self.waived
            if event.item == item.id
            and event.at_s <= at_s < event.until_s
            and event.until_s - event.at_s <= policy.max_waiver_life_s
            and objection_to_approval(event.author, event.approver, policy) is None
        ]
        return max(valid, key=lambda event: (event.at_s, event.id), default=None)

    def expired_waiver_of(self, item_id: str, *, at_s: float) -> Waived | None:
        """Return the newest waiver of *item_id* that has run out, to be told of."""
        gone = [event for event in self.waived if event.item == item_id and event.until_s <= at_s]
        return max(gone, key=lambda event: (event.until_s, event.id), default=None)


def _untimely(
    word: Attested, rule: WordRule, *, at_s: float, deployed_at_s: float, after_s: float
) -> Iterator[str]:
    """Say what of the time of *word* forbids that it counts at *at_s*.

    Its item's phase begins *after_s* after the deployment: what is asked then, nobody knows before.
    """
    if word.at_s > at_s:
        yield f"it is dated {spoken_time(word.at_s)}, which has not come yet"
    if rule.after_deployment and word.at_s < deployed_at_s:
        yield (
            f"it is dated {spoken_time(word.at_s)}, before the deployment "
            f"({spoken_time(deployed_at_s)}) that it speaks of"
        )
    elif rule.after_deployment and word.at_s < deployed_at_s + after_s:
        yield (
            f"it is dated {spoken_time(word.at_s)}, less than {spoken_duration(after_s)} after the "
            "deployment: nobody knew then what it speaks of"
        )
    ends = [word.valid_until_s, None if rule.max_age_s is None else word.at_s + rule.max_age_s]
    end_s = min((end for end in ends if end is not None), default=None)
    if end_s is not None and at_s >= end_s:
        yield f"it was valid until {spoken_time(end_s)}"


def objection_to_approval(author: str, approver: str, policy: Policy) -> str | None:
    """Say why *approver* cannot grant what *author* asks for; None: they can. Nothing else does."""
    if approver not in policy.approvers:
        may = (
            ", ".join(sorted(policy.approvers))
            or "nobody: [attestations] of the environment names no approvers"
        )
        return f"{approver} may not approve a waiver; expected {may}"
    if _plain(approver) == _plain(author):
        return f"{approver} asks for it; expected the approval of somebody else"
    return None


def _plain(name: str) -> str:
    """Return *name* as far as it tells people apart: no case, no punctuation, no look-alikes."""
    kept = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in kept if letter.isalnum())


def waivable(item: Item, *, triggers: Sequence[str | None], policy: Policy) -> bool:
    """Say whether the policy lets anyone waive *item*, whose checks name *triggers*."""
    named = {*triggers, item.slug if item.kind is Kind.DECISION_POINT else None}
    return item.id not in policy.never_waivable and not any(
        trigger.never_waivable for name, trigger in policy.triggers.items() if name in named
    )
