"""What is removed from the disk: deleted runs for good, and clips beyond the disk limit."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from kie_ui.media.storage import OutsideStorage, Storage
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.lifecycle.download import remove_files
from kie_ui.runs.run import Run
from kie_ui.runs.storage.derived import oldest_on_disk
from kie_ui.runs.storage.run_store import RunStore

log = logging.getLogger(__name__)

LOOK_S = 60.0
"""Seconds between looks into the bin."""

JUST_GIVEN_S = 600.0
"""A picture given so lately may be that of a run which is only coming."""

_SOME = 50


class Tidying:
    """Removes what was deleted, and the oldest clips where they take too much of the disk."""

    def __init__(self, store: RunStore, storage: Storage, max_disk_bytes: int | None) -> None:
        self._store = store
        self._storage = storage
        self._max_disk_bytes = max_disk_bytes
        self._one_at_a_time = asyncio.Lock()

    async def again_and_again(self) -> None:
        """Keep the disk limit once, and empty the bin now and then."""
        await self.keep_disk_limit()
        while True:
            await self.empty_bin()
            await self._store.clock.sleep(LOOK_S)

    async def empty_bin(self) -> None:
        """Remove for good what has been in the bin for long enough, files first.

        Files first: what breaks off in between is gone on with the next time.
        """
        try:
            for run in await self._store.trash_due():
                inputs = await self._store.own_inputs(run)
                if await asyncio.to_thread(self._is_removed, run, inputs):
                    await self._store.delete_for_good(run)
        except (RunsProblem, OSError) as problem:
            log.warning("The bin is not emptied: %s", problem)

    def _is_removed(self, run: Run, inputs: tuple[str, ...]) -> bool:
        if any(self._storage.was_given_lately(name, JUST_GIVEN_S) for name in inputs):
            return False
        remove_files(run, inputs, self._storage)
        return True

    async def keep_disk_limit(self) -> None:
        """Drop the oldest clips until everything stored is within the limit.

        Never a favourite's, never the newest run's: where only such are left, the limit gives way.
        """
        if self._max_disk_bytes is None:
            return
        async with self._one_at_a_time:
            try:
                used_bytes = await asyncio.to_thread(self._storage.used_bytes)
                await self._free(used_bytes - self._max_disk_bytes)
            except (RunsProblem, OSError) as problem:
                log.warning("The disk limit is not kept: %s", problem)

    async def _free(self, excess_bytes: int) -> None:
        after = 0
        while excess_bytes > 0:
            some = await self._store.read(partial(oldest_on_disk, after, _SOME))
            for number, run in some:
                after = number
                if excess_bytes > 0 and run.is_final:
                    excess_bytes -= await self._drop(run)
            if not some:
                log.warning(
                    "The disk limit is exceeded by %s bytes: what is left are given files, stills,"
                    " and the clips of favourites and of the newest run.",
                    excess_bytes,
                )
                return

    async def _drop(self, run: Run) -> int:
        """Remove a run's clips, then say so in its record; return the bytes that are free now."""
        freed = 0
        for clip in (clip for clip in run.clips if clip.is_stored):
            try:
                freed += await asyncio.to_thread(self._storage.remove, clip.name)
            except (OSError, OutsideStorage) as problem:
                log.warning("A clip of run %s is not dropped: %s", run.id, problem)
                return freed
        clips = (clip.model_copy(update={"is_dropped": clip.kind != "text"}) for clip in run.clips)
        await self._store.change(run.id, clips=tuple(clips))
        log.info("The clips of run %s were dropped to keep the disk limit.", run.id)
        return freed
