"""Weigh the page beside a bare Gradio page: what is sent, what it is made of, how soon it comes.

    python -m benchmarks.page_weight

What both have in common, Gradio's own scripts and styles, is left out. Prints a table.
"""

from __future__ import annotations

import json
import re
import statistics
import time
from typing import NamedTuple

import httpx

from benchmarks.startup import PAGES, serving

OPENINGS = 60
_OURS = re.compile(r'(?:href|src)="(kie-ui/assets/[^"]+\.(?:js|css))"')


class Weight(NamedTuple):
    """One page. Sizes in bytes."""

    html: int
    html_sent: int
    files_sent: int
    """Scripts and styles that the HTML names and Gradio does not bring."""
    components: int
    events: int


def main() -> None:
    """Measure and print."""
    with serving(PAGES["Kie UI"]) as ours, serving(PAGES["bare two-tab page"]) as bare:
        weights = [weigh(url) for url in (ours, bare)]
        times_s = open_in_turn(ours, bare)
    rows = [
        ("HTML", *(f"{weight.html:,} B" for weight in weights)),
        ("HTML, as it is sent", *(f"{weight.html_sent:,} B" for weight in weights)),
        ("first visit, with our files", *(f"{w.html_sent + w.files_sent:,} B" for w in weights)),
        ("next visit", *(f"{weight.html_sent:,} B" for weight in weights)),
        ("components", *(str(weight.components) for weight in weights)),
        ("events", *(str(weight.events) for weight in weights)),
        ("the HTML comes in, median", *(f"{1000 * time_s:.1f} ms" for time_s in times_s)),
    ]
    print("| The page | Kie UI | bare Gradio page |\n|---|--:|--:|")
    for row in rows:
        print(f"| {' | '.join(row)} |")


def weigh(url: str) -> Weight:
    """Count what a browser gets at its first visit."""
    with httpx.Client(base_url=url, headers={"Accept-Encoding": "br"}) as browser:
        html, html_sent = fetch(browser, "/")
        files = dict.fromkeys(_OURS.findall(html.decode()))
        files_sent = sum(fetch(browser, f"/{name}")[1] for name in files)
        config = json.loads(browser.get("/config").content)
    parts = (len(config["components"]), len(config["dependencies"]))
    return Weight(len(html), html_sent, files_sent, *parts)


def fetch(browser: httpx.Client, path: str) -> tuple[bytes, int]:
    """Return what is at a path, and how many bytes of it are sent."""
    with browser.stream("GET", path) as answer:
        answer.raise_for_status()
        content = b"".join(answer.iter_bytes())
        return content, answer.num_bytes_downloaded


def open_in_turn(*urls: str) -> list[float]:
    """Fetch the HTML of several pages in turn; return the median of each, in seconds."""
    times_s: list[list[float]] = [[] for _ in urls]
    with httpx.Client(headers={"Accept-Encoding": "br"}) as browser:
        for _ in range(OPENINGS):
            for url, taken_s in zip(urls, times_s, strict=True):
                start_s = time.perf_counter()
                browser.get(url).raise_for_status()
                taken_s.append(time.perf_counter() - start_s)
    return [statistics.median(taken_s) for taken_s in times_s]


if __name__ == "__main__":
    main()
