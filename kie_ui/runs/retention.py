"""What is removed from the disk: deleted runs for good, and the oldest results beyond a limit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from functools import partial

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from kie_ui.media.storage import OutsideStorage, Storage
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.run import Run
from kie_ui.runs.storage.run_store import TRASH_KEPT_MS, RunStore
from kie_ui.runs.storage.search import remove_from_index
from kie_ui.runs.storage.tables import (
    HAS_RESULTS,
    IS_NO_FAVOURITE,
    NOT_IN_TRASH,
    RUN_COLUMNS,
    RUN_INPUTS,
    RUNS,
    SPENT,
    STORED_FILES,
    list_numbered_runs,
    list_runs,
)

log = logging.getLogger(__name__)

TRASH_INTERVAL_S = 60.0
"""Seconds between looks into the trash."""

JUST_GIVEN_S = 600.0
"""A file given so lately may be that of a run which is about to be made."""

_BATCH = 50
_MEASURED_AT_ONCE = 500


MakePoster = Callable[[Run], Awaitable[Run]]
"""Gives a run its poster, if there can be one."""


class Retention:
    """Removes what was deleted, and the oldest results where they take too much of the disk."""

    def __init__(
        self, store: RunStore, storage: Storage, max_disk_bytes: int | None, make_poster: MakePoster
    ) -> None:
        self._store = store
        self._storage = storage
        self._make_poster = make_poster
        self._max_disk_bytes = max_disk_bytes
        self._one_at_a_time = asyncio.Lock()
        self._may_have_old_results = True

    async def empty_trash(self) -> None:
        """Delete for good what can no longer be restored.

        Files first: what is interrupted in between is finished the next time.
        Raises: StoreProblem, OSError.
        """
        until_ms = self._store.clock.now_ms() - TRASH_KEPT_MS
        for run in await self._store.read(partial(trash_due, until_ms=until_ms)):
            await self._delete_for_good(run)

    async def _delete_for_good(self, run: Run) -> None:
        inputs = await self._store.read(partial(own_inputs, run=run))
        if await asyncio.to_thread(self._remove_files, run, inputs):
            await self._store.write(partial(delete_for_good, run=run))

    def _remove_files(self, run: Run, inputs: Collection[str]) -> bool:
        """Remove a run's files, unless another may be about to use one; say whether it was done."""
        if any(self._storage.was_given_lately(name, JUST_GIVEN_S) for name in inputs):
            return False
        clips = (clip.name for clip in run.clips if clip.kind != "text")
        for name in (*clips, *inputs, *([run.poster] if run.poster else [])):
            try:
                self._storage.remove(name)
            except OutsideStorage as problem:
                log.warning("A file of run %s is left alone: %s", run.id, problem)
        return True

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
                used_bytes = await self._store.read(stored_bytes)
                await self._free(used_bytes - self._max_disk_bytes)
            except (RunsProblem, OSError) as problem:
                log.warning("The disk limit is not kept: %s", problem)

    async def _measure_files(self) -> None:
        """Save the sizes of stored files that are not known yet, each once."""
        if self._may_have_old_results:
            await self._measure_old_results()
            self._may_have_old_results = False
        unmeasured = partial(unmeasured_files, limit=_MEASURED_AT_ONCE)
        while names := await self._store.read(unmeasured):
            sizes = await asyncio.to_thread(self._sizes, names)
            await self._store.write(partial(save_sizes, sizes=sizes))

    async def _measure_old_results(self) -> None:
        work = partial(unmeasured_results, limit=_BATCH)
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
        """Return how many bytes files have, by their names; 0 for an unreadable one."""
        sizes = dict.fromkeys(names, 0)
        for name in sizes:
            try:
                sizes[name] = self._storage.size_bytes(name)
            except (OSError, OutsideStorage) as problem:
                log.warning("%s counts as empty for the disk limit: %s", name, problem)
        return sizes

    async def _free(self, excess_bytes: int) -> None:
        after = 0
        while excess_bytes > 0:
            work = partial(oldest_stored, after=after, limit=_BATCH)
            batch = await self._store.read(work)
            for number, run in batch.items():
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
        if run.poster is None:  # what is dropped is still represented by it
            run = await self._make_poster(run)
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


def trash_due(connection: Connection, until_ms: int) -> tuple[Run, ...]:
    """List the runs that were deleted until a time in UTC milliseconds."""
    return list_runs(connection, select(*RUN_COLUMNS).where(RUNS.c.deleted_at_ms <= until_ms))


def own_inputs(connection: Connection, run: Run) -> tuple[str, ...]:
    """Name the given files of a run that no other run uses, in the trash or not."""
    others = RUN_INPUTS.alias("others")
    shared = select(others.c.name).where(
        others.c.name == RUN_INPUTS.c.name, others.c.run_id != run.id
    )
    own = select(RUN_INPUTS.c.name).where(RUN_INPUTS.c.run_id == run.id, ~shared.exists())
    return tuple(connection.scalars(own))


def delete_for_good(connection: Connection, run: Run) -> None:
    """Delete a run in the trash; what it cost and whose task it was is remembered."""
    number = connection.scalar(select(RUNS.c.number).where(RUNS.c.id == run.id, ~NOT_IN_TRASH))
    if number is None:
        return
    remembered = [column.name for column in SPENT.columns]
    row = select(*(RUNS.c[name] for name in remembered)).where(RUNS.c.id == run.id)
    connection.execute(insert(SPENT).from_select(remembered, row))
    remove_from_index(connection, number)
    gone = [*own_inputs(connection, run), *([run.poster] if run.poster else [])]
    connection.execute(delete(STORED_FILES).where(STORED_FILES.c.name.in_(gone)))
    connection.execute(delete(RUN_INPUTS).where(RUN_INPUTS.c.run_id == run.id))
    connection.execute(delete(RUNS).where(RUNS.c.id == run.id))


def stored_bytes(connection: Connection) -> int:
    """Add up what results, and the given files and posters that are measured, take of the disk.

    Results in the trash do not count: they are gone within the hour, and nothing is dropped for
    them.
    """
    results = select(func.sum(RUNS.c.clip_bytes)).where(HAS_RESULTS)
    trashed = select(func.sum(RUNS.c.clip_bytes)).where(~NOT_IN_TRASH)
    files = select(func.sum(STORED_FILES.c.size_bytes))
    taken, given_back, kept = (connection.scalar(q) or 0 for q in (results, trashed, files))
    return taken - given_back + kept


def unmeasured_files(connection: Connection, limit: int) -> list[str]:
    """Name some given files and posters whose sizes are not known yet."""
    query = select(STORED_FILES.c.name).where(STORED_FILES.c.size_bytes.is_(None)).limit(limit)
    return list(connection.scalars(query))


def save_sizes(connection: Connection, sizes: Mapping[str, int]) -> None:
    """Save the sizes of given files and posters, in bytes, by their names."""
    measured = update(STORED_FILES).where(STORED_FILES.c.name == bindparam("file"))
    rows = [{"file": name, "size_bytes": size_bytes} for name, size_bytes in sizes.items()]
    connection.execute(measured.values(size_bytes=bindparam("size_bytes")), rows)


def unmeasured_results(connection: Connection, limit: int) -> tuple[Run, ...]:
    """List some runs from before the sizes of results were saved. Looks through all runs."""
    has_no_size = RUNS.c.clips.contains('"size_bytes": null')
    query = select(*RUN_COLUMNS).where(RUNS.c.clip_bytes == 0, has_no_size, NOT_IN_TRASH)
    return list_runs(connection, query.limit(limit))


def oldest_stored(connection: Connection, after: int, limit: int) -> dict[int, Run]:
    """Return runs with stored results by their numbers, from after one on, the oldest first.

    Neither favourites, nor the newest run that has results, nor runs in the trash, which may still
    be restored, are among them.
    """
    newest = select(func.max(RUNS.c.number)).where(HAS_RESULTS, NOT_IN_TRASH).scalar_subquery()
    query = select(RUNS.c.number, *RUN_COLUMNS).where(HAS_RESULTS, IS_NO_FAVOURITE, NOT_IN_TRASH)
    query = query.where(RUNS.c.number > after, RUNS.c.number < newest)
    return list_numbered_runs(connection, query.order_by(RUNS.c.number).limit(limit))
