"""What the simulated Kie saw: the independent count of creates, polls, uploads and downloads."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs

from benchmarks.load.http import fetch
from benchmarks.load.servers import KEY
from kie_ui.catalog.request import CREATE_TASK_PATH

_READ_EVERY_S = 8.0
_QUERY = "/api/v1/jobs/recordInfo"
_UPLOAD = "/api/file-stream-upload"
_FILES = "/files/"

Entry = tuple[int, str, str, str]
"""When, in UTC milliseconds; method; path; query."""


class Ledger:
    """Every request that reached the simulator, read from its journal bit by bit.

    The journal remembers ten thousand requests only, so it is read often enough to overlap.
    """

    def __init__(self, simulator_url: str) -> None:
        self._url = simulator_url
        self._latest: list[Entry] = []
        self.requests: Counter[str] = Counter()
        self._poll_times_ms: dict[str, list[int]] = defaultdict(list)

    @property
    def creates(self) -> int:
        """How many creates arrived."""
        return self.requests[CREATE_TASK_PATH]

    @property
    def polls(self) -> int:
        """How many polls arrived."""
        return self.requests[_QUERY]

    @property
    def uploads(self) -> int:
        """How many pictures arrived."""
        return self.requests[_UPLOAD]

    @property
    def downloads(self) -> int:
        """How many times a clip was fetched."""
        return self.requests[_FILES]

    def polling_gaps_s(self) -> list[float]:
        """Return the seconds between consecutive polls of a task, of all tasks."""
        return [
            (later - earlier) / 1000
            for times in self._poll_times_ms.values()
            for earlier, later in pairwise(times)
        ]

    async def begin(self) -> None:
        """Count from now on."""
        await self.read()
        self.requests.clear()
        self._poll_times_ms.clear()

    async def follow(self) -> None:
        """Read on until cancelled."""
        while True:
            await self.read()
            await asyncio.sleep(_READ_EVERY_S)

    async def read(self) -> None:
        """Take in what has arrived since the last time."""
        answer = json.loads(await fetch(f"{self._url}/simulator/journal"))
        entries = [tuple(entry.values()) for entry in answer["data"]["requests"]]
        for entry in fresh_entries(self._latest, entries):
            self._count(entry)
        self._latest = entries

    async def records(self) -> list[dict[str, Any]]:
        """Return the record of every task that was ever polled, as its owner may read it."""
        headers = {"Authorization": f"Bearer {KEY}"}
        addresses = (f"{self._url}{_QUERY}?taskId={task_id}" for task_id in self._poll_times_ms)
        answers = [json.loads(await fetch(address, headers=headers)) for address in addresses]
        return [answer["data"] for answer in answers]

    def _count(self, entry: Entry) -> None:
        at_ms, _, path, query = entry
        self.requests[_FILES if path.startswith(_FILES) else path] += 1
        if path == _QUERY:
            self._poll_times_ms[parse_qs(query)["taskId"][0]].append(at_ms)


def fresh_entries(before: list[Entry], now: list[Entry]) -> list[Entry]:
    """Return what a list holds beyond an earlier state of it, whose oldest may have fallen out.

    Raises: ValueError if all of them have.
    """
    for fallen_out in range(len(before)):
        kept = before[fallen_out:]
        if now[: len(kept)] == kept:
            return now[len(kept) :]
    if before:
        raise ValueError("The journal was not read often enough.")
    return now
