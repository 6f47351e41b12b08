"""Makes a test's report safe to show: no secrets, and nothing that its reader would obey."""

from __future__ import annotations

import re
from typing import Final

import pytest

from pytest_deploycheck.clients import evidence
from pytest_deploycheck.report.text import for_log

#: Colours, which pytest puts into the comparisons it explains.
_COLOUR: Final = re.compile("\x1b\\[[0-9;]*m")


def redact(text: str) -> str:
    """Return *text* without secrets and colours, and with nothing that a terminal or CI obeys."""
    return for_log(_COLOUR.sub("", evidence.redact(text)))


def redact_report(report: pytest.TestReport) -> None:
    """Redact what failed and what was printed, and keep the shape that pytest's summary reads."""
    if report.longrepr is None and not report.sections:
        return
    report.sections = [(title, redact(text)) for title, text in report.sections]
    longrepr = report.longrepr
    if isinstance(longrepr, tuple):
        path, line, reason = longrepr
        report.longrepr = (path, line, redact(reason))
    elif longrepr is not None and not _redact_chain(longrepr):
        report.longrepr = redact(str(longrepr))


def _redact_chain(longrepr: object) -> bool:
    """Redact the traceback of an exception and its causes; False when it is of another shape."""
    chain = getattr(longrepr, "chain", None)
    if chain is None:
        return False
    for traceback, crash, _ in chain:
        if crash is not None:
            crash.message = redact(crash.message)
        for entry in traceback.reprentries:
            entry.lines = [redact(line) for line in entry.lines]
            if getattr(entry, "reprfuncargs", None):
                entry.reprfuncargs.args = [(k, redact(v)) for k, v in entry.reprfuncargs.args]
            if getattr(entry, "reprlocals", None):
                entry.reprlocals.lines = [redact(line) for line in entry.reprlocals.lines]
    # The crash of the report is an object of its own, beside the one in the chain.
    outer = getattr(longrepr, "reprcrash", None)
    if outer is not None:
        outer.message = redact(outer.message)
    return True
