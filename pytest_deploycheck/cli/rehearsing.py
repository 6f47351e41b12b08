"""`deploycheck sandbox`: the embedded platform for several commands, as a rehearsal needs it."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import types
import urllib.error
from collections.abc import Mapping
from pathlib import Path

from pytest_deploycheck.cli.command import Command, say
from pytest_deploycheck.domain.errors import ConfigError
from pytest_deploycheck.report.layout import write_whole

_READY_WITHIN_S = 60.0
_LONGEST_S = 12 * 3600.0
"""Nobody practises for longer; whoever forgets it does not leave it behind for ever."""
_CONTROL = "DEPLOYCHECK_SANDBOX_CONTROL_URL"


def _sandbox(given: argparse.Namespace) -> int:
    match given.action:
        case "start":
            return _start(given.file, given.fault)
        case "serve":
            return _serve(given.file, given.fault)
        case "switch":
            variables = _running(given.file)
            told = _tell(variables, "switch", faults=given.fault)
            _write(given.file, variables | _deployment(told))
            say(f"release {told['release']} was rolled out; next: {_read(given.file)}")
        case _:
            _tell(_running(given.file), "stop")
            say("the sandbox stops")
    return 0


def _start(file: Path, faults: list[str]) -> int:
    """Start a process that serves, and return when it does.

    Raises:
        ConfigError: The file tells of another one that still serves: it would be told of nowhere.
    """
    if _serves(_written(file)):
        raise ConfigError([f"a sandbox serves already ({file}); deploycheck sandbox stop ends it"])
    file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest_deploycheck.cli", "sandbox", "serve", f"--file={file}"]
    log = file.with_name(f"{file.name}.log")
    with log.open("wb") as said:  # our own output must not stay open for as long as it serves
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [*command, *(f"--fault={name}" for name in faults)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
    until_s = time.monotonic() + _READY_WITHIN_S
    while not file.exists():
        if process.poll() is not None:
            say(log.read_text(encoding="utf-8", errors="replace"), error=True)
            return process.returncode
        if time.monotonic() > until_s:
            process.terminate()
            raise ConfigError([f"the sandbox was not ready within {_READY_WITHIN_S:g} s"])
        time.sleep(0.05)
    say(f"the sandbox serves; next: {_read(file)}")
    return 0


def _serve(file: Path, faults: list[str]) -> int:
    """Serve until interrupted or told to stop; the file has the variables to be exported."""
    from pytest_deploycheck import sandbox  # only who rehearses pays for it
    from pytest_deploycheck.sandbox.control import deployed

    with sandbox.start(faults) as running:

        def stop(number: int, frame: types.FrameType | None) -> None:
            del number, frame
            running.stopped.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        _write(file, {**running.variables, **_deployment(deployed(running.platform))})
        running.stopped.wait(timeout=_LONGEST_S)
    file.unlink(missing_ok=True)
    return 0


def _tell(variables: Mapping[str, str], what: str, **body: object) -> dict[str, object]:
    """Tell the sandbox of these *variables*, and return what it runs then.

    Raises:
        ConfigError: None runs, or it refuses.
    """
    from pytest_deploycheck.sandbox.helm import tell

    control = variables.get(_CONTROL)
    if not control:
        found = f"found no sandbox: neither --file nor {_CONTROL} names one"
        raise ConfigError([f"{found}; expected one of deploycheck sandbox start"])
    try:
        return tell(control, what, **body)
    except urllib.error.HTTPError as error:
        raise ConfigError([str(json.loads(error.read()).get("detail"))]) from error
    except OSError as error:
        raise ConfigError([f"{control}: the sandbox does not answer: {error}"]) from error


def _serves(variables: Mapping[str, str]) -> bool:
    """Say whether the sandbox of these *variables* still answers, if only that it refuses."""
    from pytest_deploycheck.sandbox.helm import tell

    try:
        tell(variables[_CONTROL], "nothing")
    except urllib.error.HTTPError:
        return True
    except (KeyError, OSError):
        return False
    return True


def _running(file: Path) -> dict[str, str]:
    """Return the variables of the sandbox that runs: the shell's, else those in *file*."""
    variables = os.environ if _CONTROL in os.environ else _written(file)
    return {k: v for k, v in variables.items() if k.startswith("DEPLOYCHECK_SANDBOX_")}


def _written(file: Path) -> dict[str, str]:
    """Return the variables that `_write` has written to *file*; none where there is none."""
    words = shlex.split(file.read_text(encoding="utf-8")) if file.is_file() else []
    return dict(word.split("=", 1) for word in words if "=" in word)


def _read(file: Path) -> str:
    """Return the command that reads *file*: a name without a folder is looked for on PATH."""
    return f". {shlex.quote(str(file) if len(file.parts) > 1 else f'./{file}')}"


def _deployment(told: Mapping[str, object]) -> dict[str, str]:
    """Return the variables that name the deployment to pytest and to every command."""
    at = datetime.datetime.fromtimestamp(float(str(told["deployed_at_s"])), datetime.UTC)
    return {
        "DEPLOYCHECK_RELEASE": str(told["release"]),
        "DEPLOYCHECK_DEPLOYED_AT": f"{at:%Y-%m-%dT%H:%M:%SZ}",
    }


def _write(file: Path, variables: Mapping[str, str]) -> None:
    """Write *variables* for a shell to read."""
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()]
    write_whole(file, "".join(lines))


def _define(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=["start", "serve", "switch", "stop"],
        help="start: in the background; serve: until it is interrupted; switch: roll out anew, "
        "with these faults only; stop",
    )
    parser.add_argument(
        "--file",
        type=Path,
        default=Path("sandbox.env"),
        metavar="FILE",
        help="where the variables are written, to be read by a shell (default: sandbox.env)",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME",
        help="what is broken (deploycheck faults); repeatable",
    )


COMMANDS = (
    Command(
        name="sandbox",
        help="serve the embedded platform until it is stopped; switch: a new rollout in it",
        define=_define,
        run=_sandbox,
    ),
)
