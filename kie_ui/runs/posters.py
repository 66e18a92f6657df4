"""What is done to a result that has come: a clip gets its recipe, and a still of it is made.

Neither may ever cost the result: what fails is said in the log, and it is kept as it came.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import Path

from kie_ui.media.storage import OutsideStorage, Storage
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.journal import Journal
from kie_ui.runs.recipes import recipe_of
from kie_ui.runs.run import Clip, Run

log = logging.getLogger(__name__)

_SHOWN = ("video", "image", "audio")
"""In this order: what can be seen stands for a run rather than what can be heard."""


_AT_ONCE = 2
"""Stills that somebody waits for; of the others one at a time, so that results go first."""


class Posters:
    """Makes the stills of runs, each once however many ask for it."""

    def __init__(self, journal: Journal, storage: Storage) -> None:
        self._journal = journal
        self._storage = storage
        self._wanted = asyncio.Semaphore(_AT_ONCE)
        self._unasked = asyncio.Semaphore(1)
        self._making: dict[str, asyncio.Task[Run]] = {}

    async def make(self, run: Run) -> Run:
        """Give a run its still, if there is one to be had. Raises: UnknownRun, StoreProblem."""
        if run.id not in self._making:
            making = asyncio.create_task(self._make(run), name=f"poster {run.id}")
            self._making[run.id] = making
            making.add_done_callback(lambda _making: self._making.pop(run.id))
        return await asyncio.shield(self._making[run.id])  # one who leaves takes it from nobody

    async def make_in_time(self, run: Run) -> None:
        """Do the same when its turn comes, unless somebody has asked for it by then."""
        try:
            async with self._unasked:
                run = await self._journal.read(run.id)
                if run.poster is None:
                    await self.make(run)
        except RunsProblem as problem:
            log.warning("The result of run %s has no poster yet: %s", run.id, problem)

    async def _make(self, run: Run) -> Run:
        async with self._wanted:
            poster = await asyncio.to_thread(make_poster_of, run.id, run.clips, self._storage)
        return await self._journal.write(run, poster=poster) if poster else run

    async def stop(self) -> None:
        """Make no more."""
        making = tuple(self._making.values())
        for each in making:
            each.cancel()
        await asyncio.gather(*making, return_exceptions=True)


def put_recipe_into(part: Path, run: Run) -> None:
    """Put a run's recipe into its clip, which is whole under a temporary name. Blocks."""
    from kie_ui.media.recipe import write_recipe  # noqa: PLC0415 - it brings PyAV

    try:
        write_recipe(part, part, recipe_of(run))
    except Exception as problem:  # noqa: BLE001 - a paid clip is worth more than its recipe
        log.warning("The clip of run %s carries no recipe: %s", run.id, problem)


def make_poster_of(run_id: str, clips: Iterable[Clip], storage: Storage) -> str | None:
    """Make a still of the result that best stands for a run, and return its name. Blocks."""
    clip = standing_for(clips)
    if clip is None:
        return None
    try:
        poster = storage.poster_path(run_id)
        _draw(clip, storage.resolve(clip.name), poster)
    except Exception as problem:  # noqa: BLE001 - a paid clip is worth more than its still
        log.warning("The result of run %s has no poster: %s", run_id, problem)
        return None
    return poster.relative_to(storage.root).as_posix()


def standing_for(clips: Iterable[Clip]) -> Clip | None:
    """Choose the result whose picture stands for all: the first that can be seen, or heard."""
    drawn = [clip for clip in clips if clip.kind in _SHOWN and clip.is_stored]
    return min(drawn, key=lambda clip: clip.kind == "audio", default=None)


def _draw(clip: Clip, source: Path, poster: Path) -> None:
    from kie_ui.media.poster import make_poster  # noqa: PLC0415 - as above
    from kie_ui.media.waveform import draw_waveform  # noqa: PLC0415

    if clip.kind == "audio":
        draw_waveform(source, poster)
    else:
        make_poster(source, poster)


def remove_files(run: Run, inputs: Iterable[str], storage: Storage) -> None:
    """Remove all that is stored of a run. Blocks. Raises: OSError."""
    clips = (clip.name for clip in run.clips if clip.kind != "text")
    names = [*clips, *inputs, *([run.poster] if run.poster else [])]
    for name in names:
        try:
            storage.remove(name)
        except OutsideStorage as problem:
            log.warning("A file of run %s is left alone: %s", run.id, problem)
