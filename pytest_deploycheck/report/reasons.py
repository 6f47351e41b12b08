"""The reasons as people read them: what one cause explains is told once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pytest_deploycheck.domain.decision import Reason
from pytest_deploycheck.domain.words import Verdict


@dataclasses.dataclass(frozen=True, kw_only=True)
class Told:
    """A reason, or several with one cause."""

    verdict: Verdict
    text: str
    items: tuple[str, ...]
    """Ids; none: it is about the run itself."""


def told(reasons: Iterable[Reason]) -> list[Told]:
    """Return *reasons* in their order, those with one cause where the first of them stands."""
    groups: dict[tuple[Verdict, str], list[Reason]] = {}
    for reason in reasons:
        groups.setdefault((reason.verdict, reason.cause or reason.text), []).append(reason)
    found = []
    for (verdict, cause), group in groups.items():
        items = tuple(dict.fromkeys(reason.item for reason in group if reason.item))
        text = group[0].text
        if len(group) > 1 and items:
            have = "item has" if len(items) == 1 else "items have"
            text = f"{cause}. {len(items)} {have} no evidence: {', '.join(items)}"
        found.append(Told(verdict=verdict, text=text, items=items))
    return found
