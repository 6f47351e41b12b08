"""Small charts as inline SVG: a measurement's history, and a trigger over time.

They carry a title and a description, and their colours and strokes as attributes too, so that they
read where a server's policy forbids style sheets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from markupsafe import Markup

from pytest_deploycheck.domain.events import Measurement
from pytest_deploycheck.domain.histories import History
from pytest_deploycheck.domain.reasons import found_against_limit
from pytest_deploycheck.domain.timelines import Span
from pytest_deploycheck.domain.units import spoken, spoken_time
from pytest_deploycheck.domain.words import TriggerState
from pytest_deploycheck.report.text import one_line

_WIDTH: Final = 320
_HEIGHT: Final = 64
_PAD: Final = 4
_MOST_POINTS: Final = 40
_LANE_WIDTH: Final = 1000
_LANE_HEIGHT: Final = 24
#: So many times of a trigger are told in words.
_MOST_TIMES: Final = 8
#: The narrowest bar, in units of _LANE_WIDTH.
_LEAST_WIDTH: Final = 4
#: Height and colour of a bar: what is worse is also taller, so that colour is not all there is.
_BARS: Final[Mapping[TriggerState | None, tuple[int, str]]] = {
    TriggerState.FIRING: (_LANE_HEIGHT, "#c0392b"),
    TriggerState.PENDING: (_LANE_HEIGHT * 2 // 3, "#b9770e"),
    TriggerState.INACTIVE: (_LANE_HEIGHT // 3, "#2e7d4f"),
    None: (0, "none"),
}


def sparkline(measurement: Measurement, *, baseline: float | None) -> Markup:
    """Return the history of *measurement* as a line, with its limit and *baseline* as dashes.

    Of many samples those nearest to the limit's bad side are drawn, so that no peak is lost. Empty
    when there are not two samples.
    """
    history = measurement.history
    if history is None or len(history) < 2:
        return Markup()
    worst = max if measurement.worse == "above" else min
    points = [
        (history.at_s[chunk[0]], worst(history.value[i] for i in chunk))
        for chunk in _chunks(len(history))
    ]
    lines = [value for value in (measurement.limit, baseline) if value is not None]
    low = min([value for _, value in points] + lines)
    high = max([value for _, value in points] + lines)
    first_s, last_s = points[0][0], points[-1][0]

    def x(at_s: float) -> int:
        return round(_WIDTH * (at_s - first_s) / ((last_s - first_s) or 1.0))

    def y(value: float) -> int:
        return round(_HEIGHT - _PAD - (_HEIGHT - 2 * _PAD) * (value - low) / ((high - low) or 1.0))

    path = "M" + "L".join(f"{x(at_s)} {y(value)}" for at_s, value in points)
    parts = [f'<path d="{path}" stroke-width="3"/>']
    if measurement.limit is not None:
        parts.append(f'<path class="limit" d="M0 {y(measurement.limit)}H{_WIDTH}" {_DASHED}/>')
    if baseline is not None:
        parts.append(f'<path class="baseline" d="M0 {y(baseline)}H{_WIDTH}" {_DOTTED}/>')
    return Markup(
        '<svg role="img" width="160" height="32" viewBox="0 0 {w} {h}" fill="none"'
        ' stroke="currentColor"><title>{title}</title><desc>{text}</desc>{parts}</svg>'
    ).format(
        w=_WIDTH,
        h=_HEIGHT,
        title=one_line(found_against_limit(measurement)),
        text=_description(measurement, history, baseline=baseline),
        parts=Markup("".join(parts)),  # noqa: S704 - numbers and constants only
    )


_DASHED: Final = 'stroke="#c0392b" stroke-width="2" stroke-dasharray="8 5"'
_DOTTED: Final = 'stroke-width="2" stroke-dasharray="2 6"'


def lane(spans: Sequence[Span], *, from_s: float, until_s: float) -> Markup:
    """Return one trigger's states as bars over the time from *from_s* to *until_s*.

    Args:
        spans: Oldest first; where nobody knows the state, nothing is drawn.
        from_s: The left edge, Unix seconds.
        until_s: The right edge.
    """
    scale = _LANE_WIDTH / ((until_s - from_s) or 1.0)
    bars = []
    for span in _visible(spans, least_s=_LEAST_WIDTH / scale):
        height, colour = _BARS[span.state]
        x = min(_LANE_WIDTH - _LEAST_WIDTH, (span.from_s - from_s) * scale)
        width = max(_LEAST_WIDTH, (span.until_s - span.from_s) * scale)
        name = span.state.value if span.state else "unknown"
        bars.append(
            f'<rect class="{name}" x="{x:.0f}" y="{_LANE_HEIGHT - height}" width="{width:.0f}"'
            f' height="{height}" fill="{colour}"/>'
        )
    return Markup(  # noqa: S704 - numbers and constants only
        f'<svg class="lane" role="img" width="100%" height="{_LANE_HEIGHT}"'
        f' viewBox="0 0 {_LANE_WIDTH} {_LANE_HEIGHT}" preserveAspectRatio="none">'
        f"<title>{lane_text(spans)}</title>{''.join(bars)}</svg>"
    )


def lane_text(spans: Sequence[Span]) -> str:
    """Say the same in words: when it was anything but INACTIVE, the newest times."""
    told = [
        f"{span.state.value if span.state else 'unknown'} from {spoken_time(span.from_s)} "
        f"to {spoken_time(span.until_s)}"
        for span in spans
        if span.state is not TriggerState.INACTIVE
    ]
    left_out = [f"{len(told) - _MOST_TIMES} more before"] if len(told) > _MOST_TIMES else []
    return "; ".join([*left_out, *told[-_MOST_TIMES:]]) or "INACTIVE throughout"


def _visible(spans: Sequence[Span], *, least_s: float) -> list[Span]:
    """Return *spans*, those too short to be seen drawn into one with the worst of their states."""
    order = [TriggerState.INACTIVE, None, TriggerState.PENDING, TriggerState.FIRING]
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else None
        if last is not None and span.until_s - last.from_s < least_s:
            worst = max(last.state, span.state, key=order.index)
            found[-1] = Span(state=worst, from_s=last.from_s, until_s=span.until_s)
        else:
            found.append(span)
    return found


def _chunks(length: int) -> list[range]:
    """Cut the places of *length* samples into at most _MOST_POINTS neighbouring pieces."""
    size = -(-length // _MOST_POINTS)
    return [range(start, min(length, start + size)) for start in range(0, length, size)]


def _description(measurement: Measurement, history: History, *, baseline: float | None) -> str:
    text = f"{len(history)} samples from {spoken_time(history.at_s[0])}"
    text += f" to {spoken_time(history.at_s[-1])}"
    if baseline is not None:
        text += f", baseline {spoken(baseline, measurement.unit)}"
    return one_line(text)
