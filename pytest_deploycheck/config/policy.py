"""The policy file: phases with their times, triggers with their holds, limits."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, ValidationError, model_validator

from pytest_deploycheck.config.checklist import Document
from pytest_deploycheck.config.environment import (
    Attestations,
    Bound,
    Environment,
    HoldSeconds,
    PhaseTimes,
    Seconds,
    Table,
)
from pytest_deploycheck.config.problems import names_at, problems_of, read_toml, shown, unknown
from pytest_deploycheck.domain import policy as domain
from pytest_deploycheck.domain.items import PHASES, Kind
from pytest_deploycheck.domain.words import Severity

#: One of them is a part of the name of every limit.
_UNITS: Final = frozenset({"s", "ratio", "score", "count", "bytes"})
#: Those of them that a measurement may not mistake; a count is also of pods, or of cores.
_MEASURED: Final = frozenset({"s", "ratio", "bytes"})


class Phase(Table):
    """When a phase belongs, counted from the start of the rollout."""

    title: str
    earliest_s: HoldSeconds | None = Field(default=None, alias="earliest")
    due_s: HoldSeconds | None = Field(default=None, alias="due")
    late_s: HoldSeconds | None = Field(default=None, alias="late")
    watch_s: HoldSeconds = Field(default=0.0, alias="watch")
    """How long its triggers must be looked at without a hole."""


class Trigger(Table):
    """What the sentence of a decision point means."""

    severity: Severity
    hold_s: HoldSeconds = Field(alias="hold")
    min_bad: Annotated[int, Field(ge=1, strict=True)]
    max_gap_s: Seconds = Field(alias="max_gap")
    never_waivable: bool = False


class Limit(Table):
    """A number not to cross; the limit's name says its unit."""

    value: Bound
    worse: domain.Worse
    clear: Bound | None = None
    """Where a breach ends that has begun; None: at the limit."""

    @model_validator(mode="after")
    def _clears_on_the_good_side(self) -> Self:
        bound = domain.Limit(self.value, worse=self.worse)
        if self.clear is not None and bound.is_bad(self.clear):
            raise ValueError("expected `clear` on the good side of `value`")
        return self


class PolicyFile(Table):
    """deploycheck.toml."""

    interval_s: Seconds = Field(alias="interval")
    settle_s: Seconds = Field(alias="settle")
    max_waiver_life_s: Seconds = Field(alias="max_waiver_life")
    review_within_s: Seconds | None = Field(default=None, alias="review_within")
    """How long after a deployment the checklist is reviewed; None: nobody has said."""
    may_not_apply: tuple[str, ...] = ()
    never_waivable: tuple[str, ...] = ()
    phases: dict[str, Phase]
    """Each that the checklist has an item of."""
    triggers: dict[str, Trigger] = Field(default_factory=dict)
    limits: dict[str, Limit] = Field(default_factory=dict)
    owners: dict[str, str] = Field(default_factory=dict)
    """Who is asked first, by the id of an item, a trigger, or a phase."""
    runbooks: dict[str, str] = Field(default_factory=dict)
    """Where it says what to do, by the same names: a link or a sentence."""


def read_policy(
    path: Path, document: Document, checklist: str
) -> tuple[domain.Policy | None, list[str]]:
    """Read *path* against *document*, which was read from the file shown as *checklist*.

    Returns:
        The policy, None when it cannot be told; and every problem.
    """
    raw, problems = read_toml(path)
    if problems:
        return None, problems
    file = shown(path)
    problems = [f"{file}: {problem}" for problem in _mismatches(raw, document)]
    problems += [
        f"{checklist}:{line}: found the decision point {slug} without a trigger; expected "
        f"[triggers.{slug}] in {file}"
        for slug, line in _decision_points(document).items()
        if slug not in names_at(raw, "triggers")
    ]
    try:
        parsed = PolicyFile.model_validate(raw)
    except ValidationError as error:
        found = problems_of(error, model=PolicyFile, raw=raw, place=lambda _: file)
        return None, problems + found
    problems += [
        f"{file}: phases.{name}: {problem}"
        for name, phase in parsed.phases.items()
        if (problem := _disorder(phase))
    ]
    if problems:
        return None, problems
    return _policy(parsed, path.read_bytes(), document), []


def _decision_points(document: Document) -> dict[str, int]:
    """Return the slug of each decision point, and its line."""
    return {
        item.slug: document.lines[item.id]
        for item in document.checklist.items
        if item.kind is Kind.DECISION_POINT
    }


def _mismatches(raw: Mapping[str, object], document: Document) -> Iterator[str]:
    """Say which names of the policy the checklist does not have, and the other way round."""
    for name in names_at(raw, "phases"):
        if name not in PHASES:
            yield f"phases.{name}: {unknown(name, PHASES, what='a phase')}"
    asked = {phase for item in document.checklist.items for phase in item.phases}
    for phase in PHASES:
        if phase in asked and phase not in names_at(raw, "phases"):
            expected = "expected a table for each phase of the checklist"
            yield f"phases.{phase}: found nothing; {expected}"
    points = _decision_points(document)
    for name in names_at(raw, "triggers"):
        if name not in points:
            yield f"triggers.{name}: {unknown(name, points, what='the slug of a decision point')}"
    for key in ("may_not_apply", "never_waivable"):
        for name in names_at(raw, key):
            if name not in document.checklist.by_id:
                yield f"{key}: {unknown(name, document.checklist.by_id, what='the id of an item')}"
    for name in names_at(raw, "may_not_apply"):
        if name.partition("/")[2] in points and name in document.checklist.by_id:
            text = f'found "{name}", a decision point; expected a box: a trigger always applies'
            yield f"may_not_apply: {text}"
        if name in names_at(raw, "never_waivable"):
            text = f'found "{name}"; expected an item that is not in never_waivable'
            yield f"may_not_apply: {text}"
    answerable = {*document.checklist.by_id, *points, *PHASES}
    for key in ("owners", "runbooks"):
        for name in names_at(raw, key):
            if name not in answerable:
                yield f"{key}: {unknown(name, answerable, what='an item, a trigger or a phase')}"
    for name in names_at(raw, "limits"):
        if _UNITS.isdisjoint(name.split("_")):
            units = ", ".join(sorted(_UNITS))
            yield f"limits.{name}: found no unit; expected one of {units} in the name"


def _disorder(phase: Phase) -> str | None:
    bounds = (("earliest", phase.earliest_s), ("due", phase.due_s), ("late", phase.late_s))
    given = [(name, at_s) for name, at_s in bounds if at_s is not None]
    for (early, early_s), (late, late_s) in itertools.pairwise(given):
        if early_s > late_s:
            return f"found {early} {early_s:g} s after {late} {late_s:g} s; expected it before"
    return None


def _policy(file: PolicyFile, data: bytes, document: Document) -> domain.Policy:
    items = document.checklist.by_id
    return domain.Policy(
        triggers={
            slug: domain.Trigger(
                id=slug,
                title=items[f"rollback/{slug}"].title,
                sentence=items[f"rollback/{slug}"].expectation,
                **trigger.model_dump(),
            )
            for slug, trigger in file.triggers.items()
        },
        phases={
            name: domain.Phase(name=name, **file.phases[name].model_dump())
            if name in file.phases
            else domain.Phase(name=name, title=name)
            for name in PHASES
        },
        limits={
            name: domain.Limit(
                limit.value, worse=limit.worse, clear=limit.clear, unit=_unit_of(name)
            )
            for name, limit in file.limits.items()
        },
        interval_s=file.interval_s,
        settle_s=file.settle_s,
        never_waivable=frozenset(file.never_waivable),
        may_not_apply=frozenset(file.may_not_apply),
        max_waiver_life_s=file.max_waiver_life_s,
        review_within_s=file.review_within_s,
        owners=file.owners,
        runbooks=file.runbooks,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _unit_of(name: str) -> str:
    """Return the unit that the limit *name* has by its name, empty where it is not sure."""
    parts = name.split("_")
    units = [part for part in parts if part in _MEASURED]
    return units[0] if len(units) == 1 and "per" not in parts else ""


def policy_for(policy: domain.Policy, environment: Environment) -> domain.Policy:
    """Return *policy* with what *environment* sets otherwise: triggers, limits, interval, settle.

    The environment was checked against the policy when it was loaded; its own `sha256` stays.
    """
    triggers = {
        slug: dataclasses.replace(
            trigger, **environment.triggers[slug].model_dump(exclude_none=True)
        )
        if slug in environment.triggers
        else trigger
        for slug, trigger in policy.triggers.items()
    }
    return dataclasses.replace(
        policy,
        triggers=triggers,
        phases=phases_for(policy, environment.phases),
        limits={
            name: _stricter(limit, environment.limits[name])
            if name in environment.limits
            else limit
            for name, limit in policy.limits.items()
        },
        interval_s=environment.interval_s or policy.interval_s,
        settle_s=environment.settle_s or policy.settle_s,
        words=words_of(environment.attestations),
        approvers=approvers_of(environment.attestations),
        accepts_demonstrations=environment.sandbox,  # a made-up word counts in a rehearsal only
    )


def _stricter(limit: domain.Limit, value: float) -> domain.Limit:
    """Return *limit* at *value*; a breach ends no later than there."""
    bound = domain.Limit(value, worse=limit.worse)
    clear = limit.clear
    if clear is not None and bound.is_bad(clear):
        clear = None
    return domain.Limit(value, worse=limit.worse, clear=clear, unit=limit.unit)


def phases_for(policy: domain.Policy, times: Mapping[str, PhaseTimes]) -> dict[str, domain.Phase]:
    """Return the phases with what the environment's *times* set otherwise."""
    return {
        name: dataclasses.replace(phase, **times[name].model_dump(exclude_none=True))
        if name in times
        else phase
        for name, phase in policy.phases.items()
    }


def words_of(attestations: Attestations) -> dict[str, domain.WordRule]:
    """Return whose word counts, by item id."""
    return {
        item: domain.WordRule(
            item=item,
            people=_people(attestations, word.roles),
            **word.model_dump(),
        )
        for item, word in attestations.items.items()
    }


def approvers_of(attestations: Attestations) -> frozenset[str]:
    """Return who may approve a waiver."""
    return frozenset(_people(attestations, attestations.approvers))


def _people(attestations: Attestations, roles: Iterable[str]) -> tuple[str, ...]:
    """Return the people of *roles*, each once."""
    named = (person for role in roles for person in attestations.roles.get(role, ()))
    return tuple(dict.fromkeys(named))
