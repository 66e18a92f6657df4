"""From `python app.py` to the first answer, beside a bare two-tab page, in turns.

    python -m benchmarks.startup [--rounds 7]

Prints the median of each and their ratio; both run with the same interpreter and environment.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"bare two-tab page": ROOT / "benchmarks" / "bare_page.py", "Kie UI": ROOT / "app.py"}
GIVE_UP_S = 120.0
BETWEEN_TRIES_S = 0.01


def main() -> None:
    """Measure both pages in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {name: [] for name in PAGES}
    for page in PAGES.values():
        first_answer_s(page)  # writes bytecode and warms the disk cache
    for _ in range(rounds):
        for name, page in PAGES.items():
            times[name].append(first_answer_s(page))
    print_table(times)


def first_answer_s(page: Path) -> float:
    """Start a page on a free port and return the seconds until `/` answers 200."""
    start = time.perf_counter()
    with serving(page):
        return time.perf_counter() - start


@contextmanager
def serving(page: Path) -> Iterator[str]:
    """Start a page over a fresh data folder and give its address once `/` answers."""
    port = free_port()
    with tempfile.TemporaryDirectory() as data_dir:
        environment = {
            **os.environ,
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "KIE_UI_DATA_DIR": data_dir,
        }
        process = subprocess.Popen(
            [sys.executable, str(page)], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for_answer(f"{url}/", time.perf_counter() + GIVE_UP_S)
            yield url
        finally:
            process.terminate()
            process.wait()


def wait_for_answer(url: str, deadline: float) -> None:
    """Ask until the page answers. Raises: TimeoutError."""
    while time.perf_counter() < deadline:
        try:
            with urlopen(url, timeout=GIVE_UP_S) as answer:  # noqa: S310 - our own loopback address
                if answer.status == 200:
                    return
        except URLError:
            time.sleep(BETWEEN_TRIES_S)
    raise TimeoutError(url)


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def print_table(times: dict[str, list[float]]) -> None:
    """Print medians, ranges, and the ratio to the first row."""
    base = statistics.median(next(iter(times.values())))
    print(f"{'page':<20}{'median s':>10}{'min':>8}{'max':>8}{'ratio':>8}")
    for name, measured in times.items():
        median = statistics.median(measured)
        print(
            f"{name:<20}{median:>10.2f}{min(measured):>8.2f}{max(measured):>8.2f}"
            f"{median / base:>8.2f}"
        )


if __name__ == "__main__":
    main()
