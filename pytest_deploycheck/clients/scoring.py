"""Scores of known leads: made anew for us by the model, not remembered and not made up.

When the model fails, the platform still answers 200 with a canned score: 50, with no confidence, no
inference time, another source and a warning. That is a failure in disguise.
"""

from __future__ import annotations

import dataclasses

from pytest_deploycheck.clients.answers import Answer
from pytest_deploycheck.clients.api import Api
from pytest_deploycheck.clients.endpoints import unknown
from pytest_deploycheck.clients.evidence import shown
from pytest_deploycheck.clients.load import load_of, spaced
from pytest_deploycheck.config import environment
from pytest_deploycheck.domain.errors import SubjectError
from pytest_deploycheck.domain.percentiles import percentile

_CANNED_SOURCE = "claude_only"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Score:
    """What the model makes of one lead."""

    lead: str
    value: float
    """0 to 100."""
    inference_s: float
    """As the platform measured it; never more than the whole request took."""
    lowest: float
    highest: float
    """Where the environment expects it."""

    @property
    def in_range(self) -> bool:
        """It lies where the environment expects it."""
        return self.lowest <= self.value <= self.highest


def score(api: Api, lead: str) -> Score:
    """Have the known *lead* scored.

    Raises:
        SubjectError: Silence, a canned or remembered answer, no score.
        InstrumentError: The fault may be ours; the environment knows no such lead.
    """
    known = _lead(api, lead)
    return _read(api, lead, known, _asked(api, known))


def scores(api: Api) -> dict[str, Score]:
    """Have every known lead scored, by its name.

    Raises:
        SubjectError: As `score`.
        InstrumentError: As `score`; the environment knows fewer than two leads.
    """
    if len(api.settings.leads) < 2:
        raise unknown(f"{api.source}.leads", "hot and cold", api.settings.leads)
    return {lead: score(api, lead) for lead in api.settings.leads}


def inference_p95_s(api: Api, load: str) -> float:
    """Score known leads as often as the load says; return the 95th percentile of the inference.

    Raises:
        SubjectError: As `score`; every inference took exactly as long as the others, which is a
            constant and no measurement.
        InstrumentError: As `score`; the environment has no such load.
    """
    names = [*api.settings.leads]
    if not names:
        raise unknown(f"{api.source}.leads", "any", names)
    leads = [names[index % len(names)] for index in range(load_of(api, load).samples)]
    answers = spaced(api, load_of(api, load), lambda index: _asked(api, _lead(api, leads[index])))
    found = [
        _read(api, lead, _lead(api, lead), answer).inference_s
        for lead, answer in zip(leads, answers, strict=True)
    ]
    if len(set(found)) == 1:
        raise SubjectError(
            f"{answers[0].url}: found {found[0] * 1000:g} ms {len(found)} times, "
            "expected measurements: a constant is none"
        )
    return percentile(found, 0.95)


def _lead(api: Api, name: str) -> environment.Lead:
    try:
        return api.settings.leads[name]
    except KeyError:
        raise unknown(f"{api.source}.leads", name, api.settings.leads) from None


def _asked(api: Api, lead: environment.Lead) -> Answer:
    return api.call("lead_score", body=lead.body)


def _read(api: Api, name: str, lead: environment.Lead, answer: Answer) -> Score:
    """Read a score, unless it is canned, remembered, or out of this world."""

    def at(meaning: str) -> str:
        return api.key("lead_score", meaning)

    problems = []
    if answer.value(at("source")) == _CANNED_SOURCE or answer.value(at("warnings")):
        problems.append(
            f"source {answer.value(at('source'))!r}, warnings {shown(answer.value(at('warnings')))}"
        )
    if answer.value(at("cached")) is not False:
        problems.append(f"cached {answer.value(at('cached'))!r}")
    if answer.value(at("inference_ms")) is None:
        problems.append("no inference time")
    elif not 0 < answer.number(at("inference_ms")) / 1000 <= answer.duration_s:
        problems.append(
            f"inference of {answer.number(at('inference_ms')):g} ms in a request of "
            f"{answer.duration_s * 1000:.4g} ms"
        )
    confidence, value = answer.number(at("confidence")), answer.number(at("score"))
    if not 0 < confidence <= 1 or not 0 <= value <= 100:
        problems.append(f"score {value:g} at confidence {confidence:g}")
    if problems:
        raise SubjectError(
            f"{answer.url}: lead {name!r}: found {'; '.join(problems)}; expected a score that the "
            "model has just made"
        )
    return Score(
        lead=name,
        value=value,
        inference_s=answer.number(at("inference_ms")) / 1000,
        lowest=lead.lowest,
        highest=lead.highest,
    )
