"""What is removed from the disk: deleted runs for good, and the oldest results beyond a limit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

from kie_ui.media.storage import OutsideStorage, Storage
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.run import Run
from kie_ui.runs.storage import removal
from kie_ui.runs.storage.run_store import TRASH_KEPT_MS, RunStore

log = logging.getLogger(__name__)

TRASH_INTERVAL_S = 60.0
"""Seconds between looks into the trash."""

JUST_GIVEN_S = 600.0
"""A file given so lately may be that of a run which is about to be made."""

_BATCH = 50
_MEASURED_AT_ONCE = 500


class Retention:
    """Removes what was deleted, and the oldest results where they take too much of the disk."""

    def __init__(self, store: RunStore, storage: Storage, max_disk_bytes: int | None) -> None:
        self._store = store
        self._storage = storage
        self._max_disk_bytes = max_disk_bytes
        self._one_at_a_time = asyncio.Lock()
        self._may_have_old_results = True

    async def run_forever(self) -> None:
        """Keep the disk limit once, and empty the trash now and then."""
        await self.keep_disk_limit()
        while True:
            await self.empty_trash()
            await self._store.clock.sleep(TRASH_INTERVAL_S)

    async def empty_trash(self) -> None:
        """Delete for good what can no longer be restored.

        Files first: what is interrupted in between is finished the next time.
        """
        until_ms = self._store.clock.now_ms() - TRASH_KEPT_MS
        try:
            for run in await self._store.read(lambda c: removal.trash_due(c, until_ms)):
                await self._delete_for_good(run)
        except (RunsProblem, OSError) as problem:
            log.warning("The trash is not emptied: %s", problem)

    async def _delete_for_good(self, run: Run) -> None:
        inputs = await self._store.read(lambda connection: removal.own_inputs(connection, run))
        if await asyncio.to_thread(self._was_given_lately, inputs):
            return
        clips = (clip.name for clip in run.clips if clip.kind != "text")
        names = [*clips, *inputs, *([run.poster] if run.poster else [])]
        await asyncio.to_thread(self._remove_files, run, names)
        await self._store.write(lambda connection: removal.delete_for_good(connection, run))

    def _was_given_lately(self, names: Iterable[str]) -> bool:
        return any(self._storage.was_given_lately(name, JUST_GIVEN_S) for name in names)

    def _remove_files(self, run: Run, names: Iterable[str]) -> None:
        for name in names:
            try:
                self._storage.remove(name)
            except OutsideStorage as problem:
                log.warning("A file of run %s is left alone: %s", run.id, problem)

    async def keep_disk_limit(self) -> None:
        """Drop the oldest results until everything stored is within the limit.

        Never a favourite's, never the newest run's: where only such are left, the limit is
        exceeded.
        """
        if self._max_disk_bytes is None:
            return
        async with self._one_at_a_time:
            try:
                await self._measure_files()
                used_bytes = await self._store.read(removal.stored_bytes)
                await self._free(used_bytes - self._max_disk_bytes)
            except (RunsProblem, OSError) as problem:
                log.warning("The disk limit is not kept: %s", problem)

    async def _measure_files(self) -> None:
        """Save the sizes of stored files that are not known yet, each once."""
        if self._may_have_old_results:
            await self._measure_old_results()
            self._may_have_old_results = False
        unmeasured = partial(removal.unmeasured_files, limit=_MEASURED_AT_ONCE)
        while names := await self._store.read(unmeasured):
            sizes = await asyncio.to_thread(self._sizes, names)
            await self._store.write(partial(removal.save_sizes, sizes=sizes))

    async def _measure_old_results(self) -> None:
        work = partial(removal.unmeasured_results, limit=_BATCH)
        while runs := await self._store.read(work):
            for run in runs:
                sizes = await asyncio.to_thread(self._sizes, [clip.name for clip in run.clips])
                clips = (
                    clip.model_copy(update={"size_bytes": sizes[clip.name]})
                    if clip.size_bytes is None
                    else clip
                    for clip in run.clips
                )
                await self._store.change(run.id, clips=tuple(clips))

    def _sizes(self, names: Iterable[str]) -> dict[str, int]:
        """Return how many bytes files have, by their names; 0 for what cannot be looked at."""
        sizes = dict.fromkeys(names, 0)
        for name in sizes:
            with suppress(OSError, OutsideStorage):
                sizes[name] = self._storage.size_bytes(name)
        return sizes

    async def _free(self, excess_bytes: int) -> None:
        after = 0
        while excess_bytes > 0:
            work = partial(removal.oldest_stored, after=after, limit=_BATCH)
            batch = await self._store.read(work)
            for number, run in batch:
                after = number
                if excess_bytes > 0 and run.is_final:
                    excess_bytes -= await self._drop(run)
            if not batch:
                log.warning(
                    "The disk limit is exceeded by %s bytes: what is left are given files, stills,"
                    " and the clips of favourites and of the newest run.",
                    excess_bytes,
                )
                return

    async def _drop(self, run: Run) -> int:
        """Remove a run's results, then say so in its record; return the bytes that are free now."""
        freed_bytes = 0
        for clip in (clip for clip in run.clips if clip.is_stored):
            try:
                freed_bytes += await asyncio.to_thread(self._storage.remove, clip.name)
            except (OSError, OutsideStorage) as problem:
                log.warning("A clip of run %s is not dropped: %s", run.id, problem)
                return freed_bytes
        clips = (clip.model_copy(update={"is_dropped": clip.kind != "text"}) for clip in run.clips)
        await self._store.change(run.id, clips=tuple(clips))
        log.info("The clips of run %s were dropped to keep the disk limit.", run.id)
        return freed_bytes
