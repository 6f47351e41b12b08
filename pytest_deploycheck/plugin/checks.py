"""Runs the checks of this process: side by side where that is safe, each in its turn where not."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import logging
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Final

import pytest

from pytest_deploycheck.domain.errors import DeploycheckError, InstrumentError, outcome_of
from pytest_deploycheck.domain.events import CheckEnded, CheckSample, CheckSampled, PlannedCheck
from pytest_deploycheck.domain.record import Record, cut_off_s
from pytest_deploycheck.plugin import deadline, garbage, ledger, output
from pytest_deploycheck.plugin.deployment import Deployment, distributed
from pytest_deploycheck.plugin.execution import Execution, Ground, message
from pytest_deploycheck.plugin.heartbeat import Heartbeat
from pytest_deploycheck.plugin.launch import Early, is_async
from pytest_deploycheck.plugin.overlap import Pool
from pytest_deploycheck.plugin.redaction import redact_report
from pytest_deploycheck.plugin.signals import Signals
from pytest_deploycheck.plugin.watching import Watch
from pytest_deploycheck.report import journal
from pytest_deploycheck.report.journal import to_line

#: Attributes of a report, as text: results cross xdist only as builtin types.
EVENT: Final = "deploycheck_event"
PLANNED: Final = "deploycheck_planned"
#: What a worker could not make of the suites.
MISTAKES: Final = "deploycheck_mistakes"

_LULL_S: Final = 0.03
"""A wait of this length is for a network: every check that may run by then has been asked for."""

#: What is needed when all checks have ended, and imported while they wait for a network.
AT_THE_END: Final = (
    "pytest_deploycheck.plugin.consequences",
    "pytest_deploycheck.report.deployment",
    "pytest_deploycheck.report.render",
)

_INSIST_S: Final = 0.5
"""How long a signal that the main thread has swallowed stays without an effect."""

_EXECUTION = pytest.StashKey[Execution]()
"""Of the test's newest run."""
_LAUNCHED = pytest.StashKey[Execution]()
"""Begun before the test's turn, which has not come yet."""


class Checks:
    """Registered in every process that runs tests."""

    def __init__(self, config: pytest.Config, settled: Deployment) -> None:
        """Run nothing yet."""
        self._settled = settled
        self._worker = hasattr(config, "workerinput")
        self._ground = Ground(
            run=settled.run,
            deployed_at_s=settled.deployed_at_s,
            pace=settled.pace,
            clock=settled.clock,
            watch=None if self._worker else watch_of(settled),
            sampled=functools.partial(_keep_sample, config),
        )
        self._collected: list[pytest.Item] = []
        self._planned: tuple[PlannedCheck, ...] = ()
        self._told = False
        self._handlers: tuple[logging.Handler, ...] = ()
        self._timeouts = False
        self._deadline: object = None
        self._signals: Signals | None = None
        self._early = Early()
        self._pool = None
        if _may_overlap(config, settled.options.concurrency):
            self._pool = Pool(settled.options.concurrency, settled.clock)
            if self._ground.watch is not None:
                self._ground.watch.on_over = self._pool.hurry
            config.pluginmanager.register(self._early.launcher(self._begin), "deploycheck-launcher")
        if not self._worker:
            config.pluginmanager.register(
                Heartbeat(self._pool, self._ground), "deploycheck-heartbeat"
            )
            self._signals = Signals(config)
            config.pluginmanager.register(self._signals, "deploycheck-signals")

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Keep every test as it is collected: a plugin may take some away before anybody counts."""
        self._collected.append(item)

    @pytest.hookimpl(tryfirst=True)  # before -m and -k take items away
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Write down what the selected phases owe."""
        settled = self._settled
        collected, self._collected = self._collected, []
        try:
            self._planned = ledger.read(
                collected, settled.project.checklist, settled.policy, settled.phases
            )
        except pytest.UsageError as error:
            if not self._worker:
                raise
            # Raised in a worker it would be a crash: the controlling process tells the user.
            config.workeroutput[MISTAKES] = str(error)  # type: ignore[attr-defined]  # xdist's
            items.clear()
            return
        record = config.pluginmanager.get_plugin("deploycheck-record")
        if record is not None:
            record.planned(self._planned)
        if settled.options.shard is not None:
            others = ledger.of_others(self._planned, settled.options.shard)
            config.hook.pytest_deselected(items=[i for i in items if i.nodeid in others])
            items[:] = [item for item in items if item.nodeid not in others]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell the checks that may begin early from those that pytest-timeout has to guard."""
        self._timeouts = session.config.pluginmanager.hasplugin("timeout")
        self._deadline = deadline.of_the_run(session.config)
        for item in session.items:
            if ledger.CHECK not in item.stash:
                continue
            if self._pool is None or not self._early.takes(item):
                self._guard(item)
        if self._pool is not None:
            self._early.use(session.items)
        garbage.spare_what_is_loaded()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Let checks overlap while tests run."""
        if self._pool is None:
            return (yield)
        self._handlers = _log_handlers(session.config)
        level = _log_level(session.config)
        with contextlib.closing(self._pool), output.routing(self._handlers, level):
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # the wait for others is nobody's timeout
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Run an exclusive check when no other runs, and start none beside it."""
        if self._pool is None or _LAUNCHED in item.stash:
            return (yield)
        if not item.get_closest_marker("exclusive"):
            return (yield)
        with self._pool.alone():
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> object | None:
        """Run the body of a check until it is decided, and end as its newest sample did."""
        planned = pyfuncitem.stash.get(ledger.CHECK, None)
        if planned is None:
            return None
        launched = pyfuncitem.stash.get(_LAUNCHED, None)
        if launched is None and is_async(pyfuncitem):
            return None
        if launched is None:
            execution = self._execution(pyfuncitem, planned, pyfuncitem.funcargs)
            pyfuncitem.stash[_EXECUTION] = execution
            self._in_its_turn(pyfuncitem, execution)
        else:
            del pyfuncitem.stash[_LAUNCHED]  # a rerun is a run of its own
            execution = pyfuncitem.stash[_EXECUTION] = launched
            self._stop_timer(pyfuncitem)
            self._wait_for(execution)
        execution.output.replay(self._handlers)
        if execution.error is not None:
            raise execution.error
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put what a check found on its report, and take secrets out of it."""
        if call.excinfo is not None and item.config.option.tbstyle == "short":
            _shorten(call.excinfo.value, str(item.path))
        report = yield
        planned = item.stash.get(ledger.CHECK, None)
        if planned is not None:
            ended = self._ended(item, planned, call)
            if ended is not None:
                setattr(report, EVENT, to_line(ended).decode())
        if self._worker and not self._told:
            self._told = True
            setattr(report, PLANNED, planned_to_text(self._planned))
        redact_report(report)
        if call.when == "teardown" and _EXECUTION in item.stash:
            del item.stash[_EXECUTION]  # its evidence may be large, and has been written down
        return report

    def _wait_for(self, execution: Execution) -> None:
        """Wait until it is decided, or somebody ends the run."""
        if not execution.done.wait(_LULL_S):
            for name in AT_THE_END:
                importlib.import_module(name)
        while not execution.done.wait(_INSIST_S):
            if self._signals is not None:
                self._signals.insist()

    def _in_its_turn(self, item: pytest.Function, execution: Execution) -> None:
        """Sample on this thread; once it fails, its samples take turns with the others'."""
        due_s = execution.step()
        if due_s is None:
            return
        self._stop_timer(item)
        if self._pool is not None and not item.get_closest_marker("exclusive"):
            self._pool.add(execution, due_s=due_s)
            self._wait_for(execution)
            return
        while due_s is not None:
            with contextlib.nullcontext() if self._pool is None else self._pool.ajar():
                time.sleep(max(0.0, due_s - self._settled.clock()))
            due_s = execution.step()

    def _begin(self, ready: Iterable[tuple[pytest.Function, Mapping[str, object]]]) -> None:
        """Have the bodies of tests run before their turn."""
        if self._pool is None:
            return
        executions = []
        for item, arguments in ready:
            execution = self._execution(item, item.stash[ledger.CHECK], arguments)
            item.stash[_LAUNCHED] = execution
            executions.append(execution)
        self._pool.add(*executions)
        for item in self._early.items:
            if _LAUNCHED not in item.stash:
                self._guard(item)

    def _guard(self, item: pytest.Item) -> None:
        """Give a check that pytest-timeout would let run for ever a deadline of its kind."""
        if self._timeouts and self._deadline is None and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(deadline.DEADLINE_S))

    def _execution(
        self, item: pytest.Function, planned: PlannedCheck, arguments: Mapping[str, object]
    ) -> Execution:
        names = item._fixtureinfo.argnames  # as pytest's own pyfunc_call reads it
        body = functools.partial(item.obj, **{name: arguments[name] for name in names})
        marks = ledger.closest(item)
        if "writes" in marks and planned.item not in self._settled.environment.allow_writes:
            body = functools.partial(_refuse_write, planned.item, self._settled.environment.name)
        return Execution(
            planned,
            body,
            self._settled.policy.triggers.get(planned.trigger or ""),
            self._ground,
            file=str(item.path),
            deadline_s=deadline.deadline_s(item.nodeid, marks.get("timeout"), self._deadline),
        )

    def _stop_timer(self, item: pytest.Item) -> None:
        """Stop pytest-timeout: it would count the wait, and blame this check for its queue."""
        if self._timeouts:
            item.config.hook.pytest_timeout_cancel_timer(item=item)

    def _ended(
        self, item: pytest.Item, planned: PlannedCheck, call: pytest.CallInfo[None]
    ) -> CheckEnded | None:
        """Return what this phase of the test's protocol has to say, if anything."""
        error = call.excinfo.value if call.excinfo else None
        execution = item.stash.get(_EXECUTION, None)
        if call.when == "call" and execution is not None and execution.ended is not None:
            return execution.ended
        # Before its body has ended, it is a subtest that is reported.
        if error is None and (call.when != "call" or execution is not None):
            return None
        outcome = outcome_of(error, in_body=call.when == "call")
        # pytest reports a subtest of unittest's as if it had run in 1970.
        start_s, stop_s = (at_s or self._settled.clock() for at_s in (call.start, call.stop))
        return CheckEnded(
            run=self._ground.run,
            at_s=stop_s,
            started_at_s=start_s,
            nodeid=planned.nodeid,
            item=planned.item,
            outcome=outcome,
            message=f"{call.when}: {message(error)}" if error else "",
            trigger=planned.trigger,
            samples=(CheckSample(at_s=start_s, outcome=outcome, message=message(error)),),
        )


def _shorten(error: BaseException, file: str) -> None:
    """Have an error of ours shown at the line of the check in *file*, without what is below it.

    The words of its causes are in its message; down to the socket they are a hundred lines for
    each check of an instrument that is silent. `--tb=long` shows them all.
    """
    if not isinstance(error, DeploycheckError):
        return
    error.__cause__ = None
    error.__suppress_context__ = True
    entry, own = error.__traceback__, None
    while entry is not None:
        if entry.tb_frame.f_code.co_filename == file:
            own = entry
        entry = entry.tb_next
    if own is not None:
        own.tb_next = None


def watch_of(settled: Deployment) -> Watch | None:
    """Return the observation that was asked for, with what earlier runs of this deployment saw."""
    given = settled.options
    if given.watch_s is None or settled.pace is None:
        return None
    known = journal.read_events_of_runs(settled.folder)
    earlier = Record.of(known, settled.project.checklist, settled.policy, run=None).all_of
    return Watch(
        for_s=given.watch_s,
        interval_s=settled.pace.interval_s,
        deployed_at_s=settled.deployed_at_s,
        earlier=earlier,
        begun_s=cut_off_s(
            known,
            at_s=settled.clock(),
            max_gap_s=min(trigger.max_gap_s for trigger in settled.policy.triggers.values()),
        ),
    )


def _keep_sample(config: pytest.Config, event: CheckSampled) -> None:
    """Write a sample into the journal, so that a run which is cut off leaves it."""
    record = config.pluginmanager.get_plugin("deploycheck-record")
    if record is not None:
        record.sampled(event)


def planned_to_text(planned: Sequence[PlannedCheck]) -> str:
    """Write the ledger of a worker as text."""
    return json.dumps([[check.nodeid, check.item, check.trigger] for check in planned])


def planned_from_text(text: str) -> tuple[PlannedCheck, ...]:
    """Read what planned_to_text wrote."""
    return tuple(
        PlannedCheck(nodeid=nodeid, item=item, trigger=trigger)
        for nodeid, item, trigger in json.loads(text)
    )


def _may_overlap(config: pytest.Config, concurrency: int) -> bool:
    """Say whether checks run side by side in this process.

    Not in a worker of xdist, which sees all tests and runs some; not where a debugger may ask, or
    where nothing is to run at all.
    """
    return (
        concurrency > 1
        and not hasattr(config, "workerinput")
        and not distributed(config)
        and not any(
            config.getoption(name, default=False)
            for name in ("usepdb", "trace", "setuponly", "setupplan", "collectonly")
        )
    )


def _log_handlers(config: pytest.Config) -> tuple[logging.Handler, ...]:
    """Return the handlers that pytest's logging plugin captures with; no hook gives them."""
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    names = ("caplog_handler", "report_handler", "log_cli_handler", "log_file_handler")
    return tuple(getattr(plugin, name) for name in names if hasattr(plugin, name))


def _log_level(config: pytest.Config) -> int | None:
    """Return the lowest level that pytest is asked to capture, None when it is not asked."""
    names = ("log_level", "log_cli_level", "log_file_level")
    found = [config.getoption(name, None) or config.getini(name) for name in names]
    levels = [logging.getLevelName(str(name).upper()) for name in found if name]
    return min((level for level in levels if isinstance(level, int)), default=None)


def _refuse_write(item: str, environment: str) -> None:
    raise InstrumentError(
        f"the check writes: found no {item} in allow_writes of {environment}.toml; expected it "
        "there, if the check may change this platform"
    )
