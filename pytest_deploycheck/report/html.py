"""`report.html`: the decision as one page, complete without JavaScript and without the network.

Every string on it passes `neutral` and then jinja2's escaping, in one place: `_environment`.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Final

import jinja2
from markupsafe import Markup

from pytest_deploycheck.domain.decision import Decision
from pytest_deploycheck.domain.events import BaselineValue, Event, Measurement
from pytest_deploycheck.domain.invocation import USUAL, Invocation
from pytest_deploycheck.domain.policy import Policy
from pytest_deploycheck.domain.reasons import spoken_hold, spoken_state
from pytest_deploycheck.domain.timelines import Span
from pytest_deploycheck.domain.units import spoken, spoken_duration, spoken_time
from pytest_deploycheck.domain.words import State, Verdict
from pytest_deploycheck.report import charts
from pytest_deploycheck.report.bytecode import BesideModules
from pytest_deploycheck.report.entries import anchor
from pytest_deploycheck.report.terminal import counts, overdue, sampled
from pytest_deploycheck.report.text import http_url, neutral, one_line
from pytest_deploycheck.report.verdict import iso
from pytest_deploycheck.report.view import Lane, PhaseEntry, page_of

MARKS: Final = {
    State.PASSED: "✓",
    State.FAILED: "✗",
    State.INCONCLUSIVE: "?",
    State.NOT_RUN: "-",
    State.AWAITING: "…",
    State.WAIVED: "~",
    State.NOT_APPLICABLE: "○",
}
_SHAPES: Final = {
    Verdict.PROCEED: "M4 13l5 5L20 6",
    Verdict.OBSERVE: "M2 12c5-9 15-9 20 0c-5 9-15 9-20 0M12 9a3 3 0 1 0 .1 0",
    Verdict.HOLD: "M8 5v14M16 5v14",
    Verdict.ROLLBACK: "M12 5L5 12l7 7M20 5l-7 7l7 7",
}
#: The class that colours a verdict's word: as the state that asks for as much.
_TONES: Final = {
    Verdict.PROCEED: "good",
    Verdict.OBSERVE: "calm",
    Verdict.HOLD: "PENDING",
    Verdict.ROLLBACK: "FIRING",
}
_SAID_OF_A_CUT: Final = len("… (99 more characters in verdict.json)")
_PLAIN: Final = re.compile(r"[^A-Za-z0-9 ._+-]")


def report_page(
    decision: Decision,
    events: Sequence[Event],
    policy: Policy,
    *,
    invocation: Invocation = USUAL,
    over_time: Mapping[str, Sequence[Span]] | None = None,
) -> str:
    """Return the page; the same arguments give the same bytes.

    Args:
        decision: What was judged.
        events: Of the whole record, in any order.
        policy: As the environment has it.
        invocation: How the run was asked for.
        over_time: The timeline of each trigger; None: it is worked out from *events*.
    """
    page = page_of(decision, events, policy, invocation=invocation, over_time=over_time)
    title = f"{decision.verdict.value}: {decision.release} in {decision.environment}, "
    title += f"{', '.join(decision.phases)}, {spoken_time(decision.at_s)}"
    return render_page(
        "report.html.j2",
        decision.verdict,
        title=title,
        end=f"{len(decision.items)} items, decided {spoken_time(decision.at_s)}",
        page=page,
        counts=counts(decision),
        samples=sampled(decision),
        overdue=overdue(decision),
    )


def render_page(template: str, verdict: Verdict, *, title: str, end: str, **context: object) -> str:
    """Render a template that extends `base.html.j2`; *title* heads each printed page too."""
    style = _asset("page.css") + _print_header(title)
    script = _asset("page.js")
    return (
        _environment()
        .get_template(template)
        .render(
            title=title,
            verdict=verdict.value,
            icon=_icon(verdict),
            end=end,
            style=Markup(style),  # noqa: S704 - of this package, and `_print_header` escapes
            style_hash=_hash(style),
            script=Markup(script),  # noqa: S704 - of this package
            script_hash=_hash(script),
            marks=MARKS,
            tones=_TONES,
            **context,
        )
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pytest_deploycheck.report"),
        bytecode_cache=BesideModules(),
        autoescape=True,
        finalize=_finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        anchor=anchor,
        asked=spoken_state,
        chart=_lane,
        cut=_cut,
        duration=spoken_duration,
        held=spoken_hold,
        iso=iso,
        line=_line,
        told=charts.lane_text,
        spark=_spark,
        spoken=spoken,
        time=spoken_time,
        timeliness=timeliness,
        url=http_url,
    )
    return environment


def _finalize(value: object) -> object:
    """Make whatever an expression gives harmless; markup of our own passes."""
    return neutral(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("templates", name).read_text("utf-8")


def _hash(content: str) -> str:
    """Return *content*'s hash as a content security policy wants it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def _print_header(title: str) -> str:
    """Return the style that puts *title* at the top of each printed page."""
    text = _PLAIN.sub(lambda found: f"\\{ord(found[0]):x} ", one_line(title, longest=110))
    return (
        f'@page{{margin:16mm 12mm;@top-left{{content:"{text}";font:9pt sans-serif}}'
        '@bottom-right{content:counter(page) " of " counter(pages);font:9pt sans-serif}}'
    )


def _icon(verdict: Verdict) -> Markup:
    return Markup(
        '<svg aria-hidden="true" width="32" height="32" viewBox="0 0 24 24" fill="none"'
        ' stroke="currentColor" stroke-width="3"><path d="{}"/></svg>'
    ).format(_SHAPES[verdict])


def _cut(text: str, longest: int) -> str:
    clean = neutral(text)
    if len(clean) <= longest + _SAID_OF_A_CUT:  # no shorter when it is cut
        return clean
    return f"{clean[:longest]}… ({len(clean) - longest} more characters in verdict.json)"


def _line(text: str, longest: int) -> str:
    return one_line(text, longest=longest)


def _spark(measurement: Measurement, baseline: BaselineValue | None) -> Markup:
    return charts.sparkline(measurement, baseline=baseline.value if baseline else None)


def _lane(lane: Lane, from_s: float, until_s: float) -> Markup:
    return charts.lane(lane.spans, from_s=from_s, until_s=until_s)


def timeliness(entry: PhaseEntry, decision: Decision) -> str:
    """Say when a phase was due, and when each run first looked at it."""
    parts = []
    if entry.phase is not None and entry.phase.due_s is not None:
        due_s = decision.deployed_at_s + entry.phase.due_s
        parts.append(f"due {spoken_time(due_s)}")
    for visit in decision.visits:
        if visit.phase.name == entry.name:
            at = spoken_time(decision.deployed_at_s + visit.after_s)
            standing = "" if visit.timeliness.stands else ", and does not stand for the phase"
            parts.append(f"first sample {at}, {visit.timeliness}{standing}")
    return "; ".join(parts) or "no sample, and no due time"
