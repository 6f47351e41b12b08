"""Reads health reports, of whatever shape: a status, named components, and when it was written.

Platforms answer HTTP 200 with a body that says degraded, so the body is what counts. Known shapes:
the status under `status` or `overall_status`; components as a list of tables with a name, or as a
table by name, under `components`, `services`, `checks`, `external_services`, `dependencies` or
`bots`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from pytest_deploycheck.clients.evidence import shown

STATUS_KEYS: Final = ("status", "overall_status", "health_status", "state", "healthy")
COMPONENT_KEYS: Final = (
    "components",
    "services",
    "checks",
    "external_services",
    "dependencies",
    "bots",
)
TIME_KEYS: Final = ("timestamp", "checked_at", "last_updated", "generated_at", "time")
_DETAIL_KEYS: Final = ("error", "message", "detail")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Component:
    """One part as its platform sees it."""

    name: str
    status: str
    """In the platform's word; empty when it gives none."""
    detail: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class HealthReport:
    """What a health endpoint says, and which words mean that all is well."""

    status: str
    components: Mapping[str, Component]
    at_s: float | None
    """When it was written; None when it does not say."""
    healthy: tuple[str, ...]
    aliases: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """The suites' name of a component → the platform's."""

    def is_healthy(self, word: str) -> bool:
        """Say whether *word* means healthy, in whatever case."""
        return word.casefold() in {good.casefold() for good in self.healthy}

    def problems(self, expected: Collection[str]) -> tuple[str, ...]:
        """Return a line for everything that is not well.

        Args:
            expected: Names of the components that must be there; any other that the report has
                must be healthy too.
        """
        return tuple(self._problems(expected))

    def trouble_with(self, name: str) -> str:
        """Say what is wrong with the component *name*, found against expected; empty: healthy."""
        wanted = self.aliases.get(name, name)
        found = self.components.get(wanted)
        if found is None:
            named = ", ".join(self.components) or "none"
            return f"component {wanted!r} is missing; reported: {named}"
        if self.is_healthy(found.status):
            return ""
        detail = f" ({found.detail})" if found.detail else ""
        return f"component {wanted!r}: found {found.status!r}{detail}, expected {self._words}"

    @property
    def _words(self) -> str:
        return " or ".join(map(repr, self.healthy))

    def _problems(self, expected: Collection[str]) -> Iterator[str]:
        if not self.is_healthy(self.status):
            yield f"status: found {self.status!r}, expected {self._words}"
        for name in dict.fromkeys((*expected, *self.components)):
            trouble = self.trouble_with(name)
            if trouble:
                yield trouble


def parse(
    report: object, *, healthy: Collection[str], keys: Mapping[str, str] | None = None
) -> HealthReport:
    """Read a health report from its JSON.

    Args:
        report: The decoded JSON.
        healthy: The words that mean healthy.
        keys: Where things stand when not under a known key: `status`, `components` and `timestamp`
            → dotted key path. Any other entry is another name for a component.

    Raises:
        ValueError: It is no table: found and expected.
    """
    if not isinstance(report, Mapping):
        raise ValueError(f"found {shown(report)}, expected a health report with a status")  # noqa: TRY004
    keys = keys or {}
    status = _at(report, keys["status"]) if "status" in keys else _first(report, STATUS_KEYS)
    if "components" in keys:
        parts = [_at(report, keys["components"])]
    else:
        parts = [report[key] for key in COMPONENT_KEYS if key in report]
    components: dict[str, Component] = {}
    well = {word.casefold() for word in healthy}
    for part in (part for found in parts for part in _components(found)):
        # Of two with one name the healthy one hides nothing.
        if part.name not in components or part.status.casefold() not in well:
            components[part.name] = part
    aliases = {k: v for k, v in keys.items() if k not in ("status", "components", "timestamp")}
    return HealthReport(
        status=_word(status),
        components=components,
        at_s=written_at_s(report, keys.get("timestamp")),
        healthy=tuple(healthy),
        aliases=aliases,
    )


def written_at_s(report: object, path: str | None) -> float | None:
    """Read when *report* was written, in Unix seconds; None when it does not say.

    Args:
        report: The decoded JSON.
        path: Dotted key path of the time; None: under one of the usual keys.
    """
    if not isinstance(report, Mapping):
        return None
    found = _at(report, path) if path else _first(report, TIME_KEYS)
    if isinstance(found, int | float) and not isinstance(found, bool):
        return found / 1000 if found > 1e11 else float(found)  # JavaScript counts milliseconds
    if not isinstance(found, str):
        return None
    try:
        when = dt.datetime.fromisoformat(found)
    except ValueError:
        return None
    # Python's utcnow() writes no zone; a server's health report is in UTC.
    return (when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp()


def _components(found: object) -> Iterator[Component]:
    """Yield the components of one list or table."""
    if isinstance(found, Mapping):
        for name, part in found.items():
            yield _component(str(name), part)
    elif isinstance(found, list):
        for index, part in enumerate(found):
            named = part.get("name") if isinstance(part, Mapping) else None
            yield _component(str(named or f"#{index}"), part)


def _component(name: str, part: object) -> Component:
    if not isinstance(part, Mapping):
        return Component(name=name, status=_word(part))
    return Component(
        name=name,
        status=_word(_first(part, STATUS_KEYS)),
        detail=_word(_first(part, _DETAIL_KEYS)),
    )


def _word(value: object) -> str:
    """Return *value* as a status; true is what every platform means by healthy."""
    if isinstance(value, bool):
        return "healthy" if value else "unhealthy"
    return "" if value is None else str(value).strip()


def _first(table: Mapping[str, object], keys: Collection[str]) -> object:
    return next((table[key] for key in keys if key in table), None)


def _at(table: Mapping[str, object], path: str) -> object:
    found: object = table
    for step in path.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
