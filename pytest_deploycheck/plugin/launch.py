"""Which checks may begin before their turn, and what their bodies are called with."""

from __future__ import annotations

import dataclasses
import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import pytest

from pytest_deploycheck.plugin import ledger

_OWN: Final = "deploycheck_launch"
#: Marks that decide how a body runs; `exclusive` and `writes` are our own.
_IN_ITS_TURN: Final = frozenset({"exclusive", "writes", "filterwarnings"})

Begin = Callable[[Iterable[tuple[pytest.Function, Mapping[str, object]]]], None]


@dataclasses.dataclass(frozen=True)
class _Needs:
    """What the bodies of one function are called with."""

    session: tuple[str, ...]
    """Session fixtures, also those that are only used."""
    direct: tuple[str, ...]
    """Arguments whose values `parametrize` gives without a fixture of that name."""


class Early:
    """The tests that may begin early, in the order of their turns."""

    def __init__(self) -> None:
        """None yet."""
        self.items: list[pytest.Function] = []
        self._needs: dict[int, _Needs | None] = {}
        """By the id of what pytest knows of a function's fixtures, shared by its parameters."""

    def takes(self, item: pytest.Item) -> bool:
        """Take *item* if nothing but session fixtures stands between it and its body."""
        # Other plugins' kinds of test have their own ways to run.
        if type(item) is not pytest.Function or ledger.CHECK not in item.stash:
            return False
        marks = list(item.iter_markers())
        if _may_be_skipped(marks) or any(mark.name in _IN_ITS_TURN for mark in marks):
            return False
        info = id(item._fixtureinfo)
        if info not in self._needs:
            self._needs[info] = _needs(item)
        if self._needs[info] is None:
            return False
        self.items.append(item)
        return True

    def use(self, items: Iterable[pytest.Item]) -> None:
        """Have the launcher's fixture set up with the first of *items* that is set up at all.

        Not by autouse: every test would pay for it.
        """
        for item in items:
            if isinstance(item, pytest.Function) and not _may_be_skipped(item.iter_markers()):
                item.fixturenames = [_OWN, *item.fixturenames]
                return

    def launcher(self, begin: Begin) -> types.ModuleType:
        """Return a plugin that calls *begin* with each test that may begin, and its arguments.

        It does so in a fixture: session fixtures can be had only while a test is set up.
        """

        @pytest.fixture(scope="session", name=_OWN)
        def launch(request: pytest.FixtureRequest) -> None:
            """Begin the checks that only wait for a network."""
            names = (needs.session for needs in self._needs.values() if needs is not None)
            for name in dict.fromkeys(name for group in names for name in group):
                try:
                    request.getfixturevalue(name)
                # Whatever is wrong with it, pytest says so when the first user has its turn.
                except (Exception, pytest.skip.Exception, pytest.fail.Exception):  # noqa: BLE001, S112
                    continue
            begin(
                (item, arguments)
                for item in self.items
                if (arguments := self._arguments(item)) is not None
            )

        plugin = types.ModuleType("deploycheck_launcher")  # of an object it would be a method
        plugin.launch = launch  # type: ignore[attr-defined] # that is how modules are made
        return plugin

    def _arguments(self, item: pytest.Function) -> dict[str, object] | None:
        """Return what to call the body with, None when one of its fixtures has no value yet."""
        needs = self._needs[id(item._fixtureinfo)]
        if needs is None:
            return None
        values = {name: item.callspec.params[name] for name in needs.direct}
        for name in needs.session:
            definition = _definition(item, name)
            # Had under another name's definition, or failed: the check waits for its turn.
            if definition is None or definition.cached_result is None:
                return None
            value, _, failure = definition.cached_result
            if failure is not None:
                return None
            values[name] = value
        return values


def _may_be_skipped(marks: Iterable[pytest.Mark]) -> bool:
    """Say whether one of an item's *marks* may keep it from being set up."""
    return any(
        mark.name in ("skip", "skipif")
        or (mark.name == "xfail" and mark.kwargs.get("run") is False)
        for mark in marks
    )


def is_async(item: pytest.Function) -> bool:
    """Say whether the body is not a plain function: calling it would only make a coroutine."""
    return inspect.iscoroutinefunction(item.obj) or inspect.isasyncgenfunction(item.obj)


def _needs(item: pytest.Function) -> _Needs | None:
    """Return what the function of *item* needs, None when it belongs to one test only."""
    # An autouse fixture of the session may ask for the request; a body that does is one test's.
    if is_async(item) or "request" in item._fixtureinfo.argnames:
        return None
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    direct = tuple(name for name in _direct_parameters(item) if name in parameters)
    session = tuple(name for name in item.fixturenames if name not in {"request", *direct})
    for name in session:
        definition = _definition(item, name)
        if definition is None or definition.scope != "session" or name in parameters:
            return None
    return _Needs(session, direct)


def _definition(item: pytest.Function, name: str) -> pytest.FixtureDef[object] | None:
    # What pytest itself will use for this very test: a module may override a session's fixture.
    definitions = item._fixtureinfo.name2fixturedefs.get(name)
    return definitions[-1] if definitions else None


def _direct_parameters(item: pytest.Function) -> set[str]:
    names: set[str] = set()
    for mark in item.iter_markers("parametrize"):
        if mark.kwargs.get("indirect") or len(mark.args) > 2:  # the third: indirect
            continue
        found = mark.args[0] if mark.args else mark.kwargs["argnames"]
        names.update(
            [part.strip() for part in found.split(",")] if isinstance(found, str) else found
        )
    return names
