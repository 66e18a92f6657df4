"""The page with two models beside the page with sixty more, and what reading a page of one takes.

    python -m benchmarks.models [--rounds 7] [--chromium /usr/bin/chromium]

The first view is the time from requesting the page until its Generate button can be pressed, in a
browser without a cache; the pages are requested in turns. Needs Playwright and Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from benchmarks.startup import GIVE_UP_S, ROOT, free_port, wait_for_answer
from kie_ui.catalog.exchange import read_text
from kie_ui.catalog.library import EVERYONE, Library
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.spec import ModelSpec
from tests.catalog.docs_import.writers import markdown_page, openapi_page
from tests.ui.specs import EVERY_KIND

ADDED = 60
MAX_RATIO = 1.3
"""How many times as long the first view may take with the models added."""


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    options = parser.parse_args()
    views = measure_views(options.rounds, options.chromium)
    print_views(views)
    print_readings(measure_readings())


def measure_views(rounds: int, chromium: str) -> dict[int, list[float]]:
    """Return the seconds of each first view, by how many models there are."""
    views: dict[int, list[float]] = {2: [], 2 + ADDED: []}
    with ExitStack() as running:
        addresses = {count: running.enter_context(serving(count - 2)) for count in views}
        playwright = running.enter_context(sync_playwright())
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        running.callback(browser.close)
        for address in addresses.values():
            first_view_s(browser, address)
        for _ in range(rounds):
            for count, address in addresses.items():
                views[count].append(first_view_s(browser, address))
    return views


@contextmanager
def serving(added: int) -> Iterator[str]:
    """Run the program with so many models added, and give its address."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        if added:
            Library(Path(folder) / "models").add(EVERYONE, more_models(added))
        environment = {
            **os.environ,
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "KIE_UI_DATA_DIR": folder,
        }
        process = subprocess.Popen(
            [sys.executable, "app.py"], env=environment, cwd=ROOT, stdout=subprocess.DEVNULL
        )
        try:
            address = f"http://127.0.0.1:{port}/"
            wait_for_answer(address, time.perf_counter() + GIVE_UP_S)
            yield address
        finally:
            process.terminate()
            process.wait()


def more_models(count: int) -> list[ModelSpec]:
    """Return models as large as those that Kie documents."""
    specs = (*built_in_registry(), EVERY_KIND)
    return [
        specs[number % len(specs)].model_copy(
            update={"model": f"maker/model-{number}", "title": f"Model {number}", "price": None}
        )
        for number in range(count)
    ]


def first_view_s(browser: Browser, address: str) -> float:
    """Open the page in a browser that knows nothing of it, and wait until it can be used."""
    with browser.new_context() as context:
        page = context.new_page()
        start = time.perf_counter()
        page.goto(address)
        expect(page.locator("[id^=generate-]:visible")).to_be_enabled(timeout=GIVE_UP_S * 1000)
        return time.perf_counter() - start


def measure_readings() -> dict[str, list[float]]:
    """Return the milliseconds that reading each of many pages takes, by their format."""
    specs = more_models(ADDED)
    pages = {
        "Markdown": [markdown_page(spec) for spec in specs],
        "OpenAPI in YAML": [openapi_page(spec) for spec in specs],
    }
    for texts in pages.values():
        reading_ms(texts[0])  # loads what is only loaded when it is needed
    return {name: [reading_ms(text) for text in texts] for name, texts in pages.items()}


def reading_ms(text: str) -> float:
    """Read a page, and return the milliseconds that it took."""
    start = time.perf_counter()
    source = read_text(text, "page.md")
    took = time.perf_counter() - start
    if not source.specs:
        raise ValueError(source.problems)
    return took * 1000


def print_views(views: dict[int, list[float]]) -> None:
    """Print the first views, and how much longer the larger one takes."""
    few, many = (statistics.median(times) for times in views.values())
    sys.stdout.write("| models | first view, median s | fastest | slowest |\n|---|---|---|---|\n")
    for count, times in views.items():
        cells = f"{statistics.median(times):.2f} | {min(times):.2f} | {max(times):.2f}"
        sys.stdout.write(f"| {count} | {cells} |\n")
    sys.stdout.write(f"\n{many / few:.2f} times as long, of {MAX_RATIO} at most.\n\n")


def print_readings(readings: dict[str, list[float]]) -> None:
    """Print what reading a page takes."""
    sys.stdout.write("| format | pages | median ms | slowest ms |\n|---|---|---|---|\n")
    for name, times in readings.items():
        cells = f"{len(times)} | {statistics.median(times):.1f} | {max(times):.1f}"
        sys.stdout.write(f"| {name} | {cells} |\n")


if __name__ == "__main__":
    main()
