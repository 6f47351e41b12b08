"""What checks print and log while they run side by side: each line is kept for its own check.

pytest captures for the one test whose turn it is. A body on another thread carries an `Output` in a
context variable; the streams and pytest's log handlers look there first. In the check's turn the
main thread writes everything again, and pytest captures it as always.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import pdb  # pytest has loaded it already
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from pytest_deploycheck.domain.errors import InstrumentError

_STREAMS: Final = ("stdout", "stderr")


class Output:
    """The lines of one check, in order."""

    def __init__(self) -> None:
        self._printed: list[tuple[str, str]] = []
        self._logged: list[logging.LogRecord] = []

    @contextlib.contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep what this context prints and logs."""
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def printed(self, stream: str, text: str) -> None:
        """Keep *text*, printed to `stdout` or `stderr`."""
        self._printed.append((stream, text))

    def logged(self, record: logging.LogRecord) -> None:
        """Keep *record*."""
        self._logged.append(record)

    def replay(self, handlers: Sequence[logging.Handler]) -> None:
        """Print and log it again, here and now, and forget it."""
        printed, self._printed = self._printed, []
        logged, self._logged = self._logged, []
        for stream, text in printed:
            getattr(sys, stream).write(text)
        for record in logged:
            for handler in handlers:
                if record.levelno >= handler.level:
                    handler.handle(record)


_current: contextvars.ContextVar[Output | None] = contextvars.ContextVar(
    "deploycheck_output", default=None
)


class _Stream:
    """Stands where a stream stood, and passes on what no check wants."""

    def __init__(self, name: str, stream: Any) -> None:  # noqa: ANN401 # whatever stood there
        self.name_of_stream = name
        self.behind = stream

    def write(self, text: str) -> int:
        output = _current.get()
        if output is None:
            return int(self.behind.write(text))
        output.printed(self.name_of_stream, text)
        return len(text)

    def writelines(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # as the stream behind has it
        return getattr(self.behind, name)


#: By the stream's name and its id, which stays its own: the stand-in keeps the stream.
_stand_ins: Final[dict[str, dict[int, _Stream]]] = {name: {} for name in _STREAMS}


def _stand_in(name: str, stream: object) -> _Stream:
    """Return what stands for *stream*, always the same object, and never freed.

    Before Python 3.13 print() holds no reference to the stream that it finds in `sys`: freed by
    another thread, which puts the next one there, it would take the whole process with it.
    """
    known = _stand_ins[name]
    found = known.get(id(stream))
    if found is None:
        found = known[id(stream)] = _Stream(name, stream)
    return found


_set: Final = types.ModuleType.__setattr__


class _RoutedSys(types.ModuleType):
    """`sys` while checks overlap: a stream put there, as pytest does all the time, is routed."""

    def __setattr__(self, name: str, value: object) -> None:  # a dozen times for each test
        if type(value) is not _Stream and name in _STREAMS and value is not None:
            value = _stand_in(name, value)
        _set(self, name, value)


class _NotOfACheck(logging.Filter):
    """On a handler of pytest's: keeps a check's records from the test whose turn it is."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 # the context decides
        return _current.get() is None


class _ToItsCheck(logging.Handler):
    """On the root logger: keeps a check's records for it."""

    def emit(self, record: logging.LogRecord) -> None:
        output = _current.get()
        if output is not None:
            output.logged(record)


class _Loggers(dict[str, Any]):
    """All loggers; pytest walks through them for each test, while checks elsewhere make some."""

    def values(self) -> Any:  # noqa: ANN401 # a view would change under who walks through it
        return list(super().values())


@contextlib.contextmanager
def routing(handlers: Sequence[logging.Handler], level: int | None) -> Iterator[None]:
    """Route what checks print and log, until the block ends.

    Args:
        handlers: pytest's own, of whichever test's turn it is.
        level: Of the records that pytest is asked to capture; None: as the root logger has it.
    """
    with contextlib.ExitStack() as undo:
        # print() looks `stdout` up in the module itself, and pytest swaps it with every test and
        # every phase, so the only place to stay in its way is where it is assigned.
        kind = sys.__class__
        sys.__class__ = _RoutedSys  # Python allows it for modules
        undo.callback(_unroute, kind)
        for name in _STREAMS:
            setattr(sys, name, getattr(sys, name))
        own = _ToItsCheck()
        root = logging.getLogger()
        root.manager.loggerDict = _Loggers(root.manager.loggerDict)
        root.addHandler(own)
        undo.callback(root.removeHandler, own)
        if level is not None:
            undo.callback(root.setLevel, root.level)
            root.setLevel(min(root.level, level))
        elsewhere = _NotOfACheck()
        for handler in handlers:
            handler.addFilter(elsewhere)
            undo.callback(handler.removeFilter, elsewhere)
        for module, name in ((sys, "breakpointhook"), (pdb, "set_trace")):
            undo.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, _refusing_breakpoint(getattr(module, name)))
        yield


def _unroute(kind: type[types.ModuleType]) -> None:
    sys.__class__ = kind
    for name in _STREAMS:
        stream = getattr(sys, name)
        if isinstance(stream, _Stream):
            setattr(sys, name, stream.behind)


def _refusing_breakpoint(hook: Callable[..., object]) -> Callable[..., object]:
    def breakpointhook(*args: object, **kwargs: object) -> object:
        if _current.get() is not None:
            raise InstrumentError(
                "breakpoint() in a check that runs side by side with others, which would swallow "
                "its prompt; run it with --pdb or --deploycheck-concurrency=1"
            )
        return hook(*args, **kwargs)

    return breakpointhook
