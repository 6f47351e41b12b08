"""Who gets an alert: Alertmanager's routing tree, as in the configuration that it has loaded."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml  # type: ignore[import-untyped] # its stubs are a package of their own

from pytest_deploycheck.clients.evidence import shown
from pytest_deploycheck.domain.errors import InstrumentError

_MATCHER: Final = re.compile(
    r"""\s*(?P<label>[\w.:-]+)\s*(?P<test>=~|!~|!=|=)\s*(?:"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<bare>[^,}"]*?))\s*(?:,|$)""",
    re.ASCII,
)
_CONFIGS: Final = "_configs"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Matcher:
    """What one label of an alert must be; a label that it lacks is the empty text."""

    label: str
    test: str
    """`=`, `!=`, `=~`, `!~`."""
    text: str

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Say whether an alert with *labels* is meant."""
        value = labels.get(self.label, "")
        if "~" in self.test:
            found = re.fullmatch(self.text, value) is not None
        else:
            found = value == self.text
        return found == (self.test in ("=", "=~"))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Node:
    """One route, with those below it."""

    receiver: str
    matchers: tuple[Matcher, ...]
    goes_on: bool
    """`continue`: its siblings are asked too."""
    routes: tuple[Node, ...]

    def receivers(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """Return who gets an alert with *labels*, in order; empty: this route does not fit it."""
        if not all(matcher.fits(labels) for matcher in self.matchers):
            return ()
        found: list[str] = []
        for route in self.routes:
            below = route.receivers(labels)
            found += below
            if below and not route.goes_on:
                break
        return tuple(dict.fromkeys(found)) or (self.receiver,)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Configuration:
    """What Alertmanager has loaded."""

    receivers: Mapping[str, tuple[str, ...]]
    """Name → the kinds of integrations it has: `slack`, `email`."""
    root: Node


def configuration_of(text: str) -> Configuration:
    """Read the configuration as Alertmanager tells it.

    Raises:
        InstrumentError: It is none.
    """
    try:
        document = yaml.safe_load(text)
        return Configuration(
            receivers={
                one["name"]: tuple(
                    key.removesuffix(_CONFIGS)
                    for key, configs in one.items()
                    if key.endswith(_CONFIGS) and configs
                )
                for one in document["receivers"]
            },
            root=_node(document["route"], ""),
        )
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, re.error) as error:
        raise InstrumentError(
            f"expected Alertmanager's configuration with route and receivers, found {shown(error)}"
        ) from error


def _node(route: Mapping[str, Any], inherited: str) -> Node:
    receiver = route.get("receiver") or inherited
    return Node(
        receiver=receiver,
        matchers=(
            *(_equal(label, "=", text) for label, text in (route.get("match") or {}).items()),
            *(_equal(label, "=~", text) for label, text in (route.get("match_re") or {}).items()),
            *(found for line in _lines(route.get("matchers")) for found in _matchers(line)),
        ),
        goes_on=bool(route.get("continue")),
        routes=tuple(_node(below, receiver) for below in route.get("routes") or ()),
    )


def _equal(label: str, test: str, text: object) -> Matcher:
    return Matcher(label=label, test=test, text=str(text))


def _lines(matchers: str | Sequence[str] | None) -> Sequence[str]:
    return [matchers] if isinstance(matchers, str) else matchers or ()


def _matchers(line: str) -> list[Matcher]:
    text, found, at = line.strip().removeprefix("{").removesuffix("}"), [], 0
    while at < len(text):
        match = _MATCHER.match(text, at)
        if match is None:
            raise InstrumentError(f"expected matchers of labels, found {line!r}")
        quoted = match["quoted"]
        value = match["bare"] if quoted is None else re.sub(r'\\([\\"])', r"\1", quoted)
        found.append(Matcher(label=match["label"], test=match["test"], text=value))
        at = match.end()
    return found
