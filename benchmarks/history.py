"""How much slower a history of 100,000 runs is than one of 100.

Both are filled with runs of two owners, with prompts, requests and records of the size of real
ones. Both are queried in turns, so that other load on the machine meets both alike, for a page
of as many runs as the small one has of them, forty at most. Run: `python -m benchmarks.history`.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

from kie_ui.runs.run import Clip, Run, Step, StepChange
from kie_ui.runs.storage import search
from kie_ui.runs.storage.run_store import RunStore, sqlite_url
from kie_ui.runs.storage.search import HistoryQuery

LIMIT = 1.5
OWNER, OTHER = "ada", "eve"
MODELS = ("grok-imagine/image-to-video", "bytedance/v1-lite-image-to-video")
RARE_MODEL = "kling/rare"
STARTED_MS = 1_700_000_000_000

SEARCHES: dict[str, HistoryQuery] = {
    "first page": HistoryQuery(),
    "search, common word": HistoryQuery("camera "),
    "search, rare word": HistoryQuery("quokka"),
    "search, begun word": HistoryQuery("cam"),
    "search, one letter": HistoryQuery("c"),
    "search, three words": HistoryQuery("the camera s"),
    "search, nothing found": HistoryQuery("zeppelin"),
    "filter by model": HistoryQuery(models=MODELS[:1]),
    "filter by state": HistoryQuery(steps=(Step.FAILED,)),
    "favourites": HistoryQuery(only_favourites=True),
    "favourites with a common word": HistoryQuery("camera", only_favourites=True),
    "model, state and a common word": HistoryQuery("camera", MODELS[:1], (Step.DONE,)),
}

Question = Callable[[RunStore, int], Awaitable[Sequence[Run]]]
"""Reads so many runs from a store."""


def searching(query: HistoryQuery) -> Question:
    """Return the question for a page of a search."""

    async def ask(store: RunStore, limit: int) -> Sequence[Run]:
        page = await store.read(partial(search.page, owner=OWNER, query=query, limit=limit))
        return page.runs

    return ask


async def of_rare_model(store: RunStore, limit: int) -> Sequence[Run]:
    """Read the runs of a model that few runs have, as its tab does."""
    return await store.runs_of(OWNER, limit=limit, model=RARE_MODEL)


QUESTIONS: dict[str, Question] = {
    **{name: searching(query) for name, query in SEARCHES.items()},
    "earlier runs of a rare model": of_rare_model,
}


def main() -> None:
    """Fill both, query them, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(compare(Path(folder), options.runs, options.rounds))


async def compare(folder: Path, runs: int, rounds: int) -> None:
    """Time every question on both."""
    stores = [await filled(folder / f"{count}.sqlite3", count) for count in (100, runs)]
    print(f"| question | found | 100 runs | {runs:,} runs | ratio (limit {LIMIT}) |")
    print("|---|---:|---:|---:|---:|")
    for name, question in QUESTIONS.items():
        found = len(await question(stores[0], 40))
        few_s, many_s = await timed(question, stores, max(1, found), rounds)
        figures = f"{few_s * 1000:.2f} ms | {many_s * 1000:.2f} ms | {many_s / few_s:.2f}"
        print(f"| {name} | {found} | {figures} |")
    for store in stores:
        await store.close()


async def timed(question: Question, stores: list[RunStore], limit: int, rounds: int) -> list[float]:
    """Query them in turns; return the median seconds for each store."""
    took_s: list[list[float]] = [[] for _ in stores]
    for _ in range(rounds):
        for store, seconds in zip(stores, took_s, strict=True):
            began_s = time.perf_counter()
            await question(store, limit)
            seconds.append(time.perf_counter() - began_s)
    return [statistics.median(seconds) for seconds in took_s]


async def filled(path: Path, count: int) -> RunStore:
    """Return a store of so many runs, half of them the one owner's."""
    store = RunStore(sqlite_url(path))
    await store.open()
    rng = random.Random(7)  # noqa: S311 - the same runs every time
    vocabulary = make_vocabulary(rng)
    for start in range(0, count, 200):
        runs = [a_run(number, rng, vocabulary) for number in range(start, min(count, start + 200))]
        await asyncio.gather(*map(store.add, runs))
    return store


def make_vocabulary(rng: random.Random) -> list[str]:
    """Make words up, the most frequent first."""
    known = "the a camera slow motion in of with light face white she he turns wind smiles"
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    made = (
        "".join(rng.choices(letters, range(26, 0, -1), k=rng.randint(4, 10))) for _ in range(8_000)
    )
    return [*known.split(), *made]


def a_run(number: int, rng: random.Random, vocabulary: list[str]) -> Run:
    """Make a run of the size of a real one; a few are favourites, a few say a rare word."""
    # Squared twice: the first words are the most frequent by far, as in any language.
    words = [
        vocabulary[int(rng.random() ** 4 * len(vocabulary))] for _ in range(rng.randint(20, 70))
    ]
    is_rare = number in (20, 42, 64)
    prompt = " ".join([*words, "quokka"] if is_rare else words)
    model = RARE_MODEL if is_rare else MODELS[number // 2 % 2]
    owner = (OWNER, OTHER)[number % 2]
    at_ms = STARTED_MS + number * 60_000
    step = Step.FAILED if number // 2 % 10 in (3, 7) else Step.DONE
    run_id = f"{number:032x}"
    request = {"model": model, "input": {"prompt": prompt, "image_urls": ["https://x.test/a.png"]}}
    record = {
        "taskId": run_id,
        "model": model,
        "state": "success",
        "param": str(request) * 2,
        "resultJson": '{"resultUrls": ["https://x.test/a.mp4"]}' + " " * 200,
        "createTime": at_ms,
        "completeTime": at_ms + 40_000,
    }
    return Run(
        id=run_id,
        owner=owner,
        backend="live",
        model=model,
        values={"prompt": prompt, "duration": "6", "resolution": "480p"},
        step=step,
        step_changes=tuple(StepChange(each, at_ms) for each in Step if each.is_watched),
        request=request,
        answer={"code": 200, "msg": "success", "data": {"taskId": run_id}},
        task_id=run_id,
        record=record,
        result_urls=("https://x.test/a.mp4",),
        clips=(
            Clip(name=f"clips/{run_id}.mp4", width_px=854, height_px=480, size_bytes=2_000_000),
        ),
        credits_used=14.4,
        is_favourite=number in (10, 30, 50, 70, 90),
        created_at_ms=at_ms,
        sent_at_ms=at_ms,
        finished_at_ms=at_ms + 40_000,
        updated_at_ms=at_ms + 40_000,
    )


if __name__ == "__main__":
    main()
