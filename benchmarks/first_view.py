"""How soon Generate can be pressed in a cold Chromium, at a first and a second visit.

    python -m benchmarks.first_view http://127.0.0.1:7860 [http://127.0.0.1:7861 …] [--rounds 3]

The pages, such as ours and `benchmarks/bare_page.py`, must run already; they are measured in turns.
A telephone has a processor that is 4 times slower and Chrome's "Fast 4G". Prints medians.
"""

from __future__ import annotations

import argparse
import statistics
import time

from playwright.sync_api import BrowserContext, sync_playwright

FAST_4G = {
    "offline": False,
    "latency": 165,
    "downloadThroughput": 9_000_000 * 0.9 / 8,
    "uploadThroughput": 1_500_000 * 0.9 / 8,
}
SIZES = {"telephone": (390, 844), "desktop": (1440, 900)}
_NOTE = """window.longest = window.shifts = 0;
new PerformanceObserver((list) => list.getEntries().forEach((task) => {
  window.longest = Math.max(window.longest, task.duration);
})).observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => list.getEntries().forEach((shift) => {
  if (!shift.hadRecentInput) window.shifts += shift.value;
})).observe({ type: "layout-shift", buffered: true });"""


def main() -> None:
    """Measure each page and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    print("page, device, visit: seconds to a button, shift, longest task ms, requests, kB")
    found: dict[tuple[str, str, int], list[tuple[float, ...]]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox"]
        )
        for _ in range(given.rounds):
            for page in given.pages:
                for device, (width, height) in SIZES.items():
                    context = browser.new_context(viewport={"width": width, "height": height})
                    for visit in (1, 2):
                        measured = measure(context, page, device)
                        found.setdefault((page, device, visit), []).append(measured)
                    context.close()
    for (page, device, visit), rows in found.items():
        medians = (statistics.median(column) for column in zip(*rows, strict=True))
        figures = "".join(f"{figure:>10.3g}" for figure in medians)
        print(f"{page:<28}{device:<11}{visit}{figures}")


def measure(context: BrowserContext, address: str, device: str) -> tuple[float, ...]:
    """Open a page anew and return its figures."""
    page = context.new_page()
    developer = context.new_cdp_session(page)
    developer.send("Network.enable")
    if device == "telephone":
        developer.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        developer.send("Network.emulateNetworkConditions", FAST_4G)
    sizes: list[int] = []
    developer.on("Network.loadingFinished", lambda sent: sizes.append(sent["encodedDataLength"]))
    page.add_init_script(_NOTE)
    start = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator("button.primary:enabled, button.lg:enabled").first.click(trial=True)
    took = time.perf_counter() - start
    page.wait_for_load_state("load")
    longest, shifts = page.evaluate("() => [window.longest, window.shifts]")
    requests = float(sum(size > 0 for size in sizes))
    page.close()
    return took, shifts, longest, requests, sum(sizes) / 1000


if __name__ == "__main__":
    main()
