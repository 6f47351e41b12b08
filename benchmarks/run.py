"""What the plugin costs and saves, side by side in one run; writes the table of docs/benchmarks.md.

Run it by `make bench`, on a machine that does nothing else, for about half an hour; `--runs=1` is a
first look. Everything is asked in turns, so that a slow minute hits all of a comparison. It fails
only when a run did not do what it should: it is no timed test.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import math
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.projects import Project, all_passed
from benchmarks.rooms import rooms

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end of measured -->\n"


@dataclasses.dataclass(frozen=True)
class Cost:
    """Of one process and its children: seconds on the wall, seconds of CPU, mebibytes at most."""

    wall_s: float
    cpu_s: float
    peak_mib: float


def cost_of(project: Project, *args: str) -> Cost:
    """Run pytest in *project*; a run that does not pass all its tests is no measurement."""
    shutil.rmtree(project.folder / "reports", ignore_errors=True)
    done = timed("-m", "pytest", "-q", *args, cwd=project.folder, variables=project.variables)
    if not all_passed(project.count).search(done.stdout):
        sys.exit(f"{' '.join(done.args)} in {project.folder}:\n{done.stdout}{done.stderr}")
    return cost_in(done)


def cost_alone(port: int, count: int, delay_ms: int, threads: int) -> Cost:
    """Ask the server over httpx, without pytest; a failure is no measurement."""
    script = Path(__file__).with_name("alone.py")
    done = timed(str(script), *map(str, (port, count, delay_ms, threads)))
    if done.returncode:
        sys.exit(f"{' '.join(done.args)}:\n{done.stdout}{done.stderr}")
    return cost_in(done)


def timed(
    *args: str, cwd: Path | None = None, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Python with *args*, and take the time."""
    command = [sys.executable, str(Path(__file__).with_name("timed.py")), *args]
    return subprocess.run(
        command, cwd=cwd, env=variables, capture_output=True, text=True, check=False
    )


def cost_in(done: subprocess.CompletedProcess[str]) -> Cost:
    """Read what `timed` has printed last."""
    wall_s, cpu_s, peak_mib = map(float, done.stderr.splitlines()[-1].split())
    return Cost(wall_s, cpu_s, peak_mib)


@contextlib.contextmanager
def server() -> Iterator[int]:
    """The server with known delays; its port."""
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("server.py"))],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None  # noqa: S101 # a pipe was asked for
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def medians(runs: int, ways: Mapping[str, Callable[[], Cost]]) -> dict[str, Cost]:
    """Take all *ways* in turns, and the median of each number."""
    taken: dict[str, list[Cost]] = {name: [] for name in ways}
    for number in range(runs):
        for name, way in ways.items():
            taken[name].append(way())
            sys.stderr.write(f"{number + 1}/{runs} {name}: {taken[name][-1]}\n")
    return {
        name: Cost(
            *(statistics.median(column) for column in zip(*map(tuple_of, costs), strict=True))
        )
        for name, costs in taken.items()
    }


def tuple_of(cost: Cost) -> tuple[float, float, float]:
    """The numbers of *cost*, in order."""
    return cost.wall_s, cost.cpu_s, cost.peak_mib


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def overlap(folder: Path, port: int, runs: int, sizes: Sequence[tuple[int, int, int]]) -> str:
    """N checks that wait: this plugin, plain pytest, xdist, and the ideal."""
    text = "## Checks that wait\n\n"
    one = Project(folder / "one", count=1, body="wait", delay_ms=0, port=port)
    for count, delay_ms, threads in sizes:
        project = Project(
            folder / f"{count}", count=count, body="wait", delay_ms=delay_ms, port=port
        )
        ways = {
            "start-up": functools.partial(cost_of, one, *one.awake()),
            "this plugin": functools.partial(cost_of, project, *project.awake(threads)),
        }
        ways["plain pytest"] = functools.partial(cost_of, project, *project.plain())
        for workers in (2, 4, 8, 16):
            ways[f"xdist -n {workers}"] = functools.partial(
                cost_of, project, *project.plain(), f"-n{workers}"
            )
        found = medians(runs, ways)
        waits_s = math.ceil(count / threads) * delay_ms / 1000
        ideal_s = found["start-up"].wall_s + waits_s
        ours_s = found["this plugin"].wall_s
        text += f"{count} checks of {delay_ms} ms, {threads} threads:\n\n"
        text += table(
            ["way", "wall", "to this plugin", "CPU", "peak memory"],
            [["ideal: start-up + waits", f"{ideal_s:.2f} s", f"{ideal_s / ours_s:.2f}", "", ""]]
            + [
                [name, f"{c.wall_s:.2f} s", f"{c.wall_s / ours_s:.2f}", f"{c.cpu_s:.2f} s",
                 f"{c.peak_mib:.0f} MiB"]
                for name, c in found.items()
            ],
        )  # fmt: skip
        best_s = min(c.wall_s for name, c in found.items() if name.startswith("xdist"))
        text += (
            f"This plugin takes {ours_s / ideal_s:.2f} times the ideal; the best xdist takes "
            f"{best_s / ours_s:.1f} times as long as this plugin.\n\n"
        )
    return text


def clients(folder: Path, port: int, runs: int) -> str:
    """Checks with the suites' own HTTP client, against pytest's own time for as many no-ops."""
    text = "## Checks with the suites' own API client\n\n"
    text += (
        'Each asserts status, a JSON field and a time limit. "Bare" is without evidence and rate '
        'cap. The no-ops are plain pytest\'s. "httpx alone" asks as often from as many threads, '
        "without pytest: added to the no-ops it is the least that can be had with this client, "
        'where one interpreter does both. "Sleeps" waits as long as the server does, and has no '
        "client at all.\n\n"
    )
    rows = []
    for count, delay_ms, threads in ((400, 50, 64), (4000, 5, 32)):
        noop = Project(folder / f"noop{count}", count=count, body="pass", delay_ms=0, port=port)
        ask = Project(folder / f"ask{count}", count=count, body="ask", delay_ms=delay_ms, port=port)
        sleep = Project(
            folder / f"sleep{count}", count=count, body="sleep", delay_ms=delay_ms, port=port
        )
        bare = Project(
            folder / f"bare{count}", count=count, body="ask", delay_ms=delay_ms, port=port,
            bare=True,
        )  # fmt: skip
        found = medians(
            runs,
            {
                "plain pytest, no-ops": functools.partial(cost_of, noop, *noop.plain()),
                "httpx alone": functools.partial(cost_alone, port, count, delay_ms, threads),
                "this plugin, no-ops": functools.partial(cost_of, noop, *noop.awake(threads)),
                "this plugin, sleeps": functools.partial(cost_of, sleep, *sleep.awake(threads)),
                "this plugin, bare": functools.partial(cost_of, bare, *bare.awake(threads)),
                "this plugin, with evidence": functools.partial(cost_of, ask, *ask.awake(threads)),
            },
        )
        base_s = found["plain pytest, no-ops"].wall_s
        rows += [
            [f"{count} of {delay_ms} ms, {threads} threads", name, f"{c.wall_s:.2f} s",
             f"{c.wall_s / base_s:.2f}", f"{c.cpu_s:.2f} s"]
            for name, c in found.items()
        ]  # fmt: skip
    return text + table(["checks", "way", "wall", "to no-ops", "CPU"], rows)


def overhead(folder: Path, port: int, runs: int) -> str:
    """What the plugin costs a check that does nothing, and a run that it has no part in."""
    many = Project(folder / "many", count=10_000, body="pass", delay_ms=0, port=port)
    one = Project(folder / "single", count=1, body="pass", delay_ms=0, port=port)
    found = medians(
        runs,
        {
            "10,000 trivial checks, plain pytest": functools.partial(cost_of, many, *many.plain()),
            "10,000 trivial checks, this plugin": functools.partial(cost_of, many, *many.awake(32)),
            "1 trivial check, plain pytest": functools.partial(cost_of, one, *one.plain()),
            "1 trivial check, this plugin": functools.partial(cost_of, one, *one.awake(32)),
        },
    )
    cpu_s = {name: cost.cpu_s for name, cost in found.items()}
    plain_s = cpu_s["10,000 trivial checks, plain pytest"] - cpu_s["1 trivial check, plain pytest"]
    ours_s = cpu_s["10,000 trivial checks, this plugin"] - cpu_s["1 trivial check, this plugin"]
    return (
        "## What it costs\n\n"
        + table(
            ["run", "wall", "CPU", "peak memory"],
            [
                [name, f"{c.wall_s:.2f} s", f"{c.cpu_s:.2f} s", f"{c.peak_mib:.0f} MiB"]
                for name, c in found.items()
            ],
        )
        + f"A trivial check costs {ours_s / 10:.2f} ms of CPU with journal, verdict and reports, "
        f"{ours_s / plain_s:.2f} times plain pytest's {plain_s / 10:.2f} ms. "
        f"Asleep, the plugin adds {asleep_ms(4 * runs):.1f} ms of CPU to a run.\n\n"
    )


ASLEEP = """
import time
import pytest
parser = pytest.Parser(_ispytest=True)
begun_s = time.process_time()
from pytest_deploycheck import plugin
plugin.pytest_addoption(parser)
print(1000 * (time.process_time() - begun_s))
"""


def asleep_ms(runs: int) -> float:
    """CPU of all that the plugin does where it sleeps: it is loaded, and defines its options.

    Taken inside of a process: less than a hundredth of a run drowns in the noise of two runs.
    """
    command = [sys.executable, "-c", ASLEEP]
    variables = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    return statistics.median(
        float(subprocess.check_output(command, env=variables)) for _ in range(runs)
    )


def main() -> None:
    """Measure, and write the table into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of which the median is taken")
    parser.add_argument("--sizes", type=int, default=3, help="of the checks that wait, how many")
    parser.add_argument("--only", default="overlap,clients,overhead,rooms", help="parts, by comma")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, server() as port:
        folder = Path(name)
        sizes = [(40, 100, 32), (400, 100, 64), (4000, 5, 32)]
        parts: dict[str, Callable[[], str]] = {
            "overlap": functools.partial(overlap, folder, port, given.runs, sizes[: given.sizes]),
            "clients": functools.partial(clients, folder, port, given.runs),
            "overhead": functools.partial(overhead, folder, port, given.runs),
            "rooms": functools.partial(rooms, given.runs, table),
        }
        chosen = [parts[part]() for part in given.only.split(",")]
    text = (
        f"Medians of {given.runs}, Python {platform.python_version()} on {os.cpu_count()} cores, "
        f"load average {os.getloadavg()[0]:.1f} at the end.\n\n" + "".join(chosen)
    )
    sys.stdout.write(text)
    if given.only == parser.get_default("only"):
        page = PAGE.read_text(encoding="utf-8")
        before, after = page.split(BEGIN)[0], page.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n{text}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
