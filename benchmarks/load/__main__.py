"""Put the same load on Kie UI and on a plain Gradio app, one after the other, and print tables.

    python -m benchmarks.load [--runs 1000] [--rate 20]
    python -m benchmarks.load --saturate

Runs on Linux; with the usual numbers it takes about 20 minutes. The ids of the processes are
printed to standard error, for a profiler to attach to.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.load import servers
from benchmarks.load.clip import make_clip
from benchmarks.load.measurement import Measured, Measurement
from benchmarks.load.options import Options, read_options
from benchmarks.load.press import Press
from benchmarks.load.report import caption, tables
from benchmarks.load.saturation import measure_saturation
from benchmarks.load.servers import Server
from benchmarks.load.visitors import KieUi, PlainApp, Site

FILES_PER_RUN = 8
"""Open sockets and files that one run may need in one process, generously."""


class Load(NamedTuple):
    """One thing to measure."""

    title: str
    program: str
    settings: dict[str, str]
    site: Callable[[str, Press], Site]


_SHARED = {
    "KIE_UI_VISITORS": "many",
    "KIE_UI_SHARE_SERVER_KEY": "1",
    "KIE_UI_RUNS_PER_DAY": "0",
    "KIE_UI_TOTAL_RUNS_PER_DAY": "0",
}
_CALLBACKS = {"KIE_UI_PUBLIC_URL": "http://127.0.0.1:{port}"}
LOADS = {
    "polling": Load("Kie UI", "app.py", _SHARED, KieUi),
    "callbacks": Load("Kie UI, with callbacks", "app.py", _SHARED | _CALLBACKS, KieUi),
    "plain": Load("plain app", "benchmarks/plain_app.py", {}, PlainApp),
    "plain-unlimited": Load(
        "plain app, `concurrency_limit=None`",
        "benchmarks/plain_app.py",
        {"PLAIN_CONCURRENCY_LIMIT": "none"},
        PlainApp,
    ),
}


def main() -> None:
    """Measure and print."""
    options = read_options(tuple(LOADS))
    allow_files(FILES_PER_RUN * options.runs)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # our servers must not outlive us
    if options.finds_saturation:
        print(measure_saturation(partial(measure, LOADS["callbacks"]), options))
        return
    print(caption(options), flush=True)
    columns: dict[str, Measured] = {}
    for name in options.loads:
        columns[LOADS[name].title] = measure(LOADS[name], options)
        sys.stderr.write(tables({name: columns[LOADS[name].title]}) + "\n")
        print_problems(name, columns[LOADS[name].title])
    print("\n" + tables(columns))


def measure(load: Load, options: Options) -> Measured:
    """Start fresh servers over a fresh folder, and put one of them under load."""
    budget = {
        "KIE_UI_POLLS_PER_S": str(options.polls_per_s),
        "KIE_UI_CREATES_PER_10_S": str(options.creates_per_10_s),
    }
    with tempfile.TemporaryDirectory(prefix="kie-ui-load-") as name:
        folder = Path(name)
        make_clip(folder / "clip.mp4")
        with (
            servers.simulator(folder, folder / "clip.mp4", options.simulator_speed) as kie,
            servers.page(load.program, folder, kie, load.settings | budget) as page,
        ):
            sys.stderr.write(f"{load.title}: page {page.pid}, simulator {kie.pid}\n")
            return asyncio.run(_measure(load, page, kie, options))


async def _measure(load: Load, page: Server, kie: Server, options: Options) -> Measured:
    press = await Press.of(page.url, "generate")
    return await Measurement(load.site(page.url, press), page, kie, options).run()


def print_problems(name: str, measured: Measured) -> None:
    """Say what went wrong, each kind of problem once."""
    problems = [visit.problem for visit in measured.visits if visit.problem]
    for problem in sorted(set(problems)):
        sys.stderr.write(f"{name}: {problems.count(problem)} times {problem}\n")


def allow_files(number: int) -> None:
    """Let this process and its children open so many files, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < number:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(number, hard), hard))


if __name__ == "__main__":
    main()
