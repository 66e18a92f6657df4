"""Every run found again: pages, searches, marks, the bin, and what it all cost."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from kie_ui.media.archive import Entry, to_csv
from kie_ui.media.storage import Storage
from kie_ui.runs import bin as bins
from kie_ui.runs import finding, spending
from kie_ui.runs.errors import UnknownRun, WrongStep
from kie_ui.runs.finding import HistoryPage, HistoryQuery, Neighbours
from kie_ui.runs.journal import Journal
from kie_ui.runs.posters import Posters
from kie_ui.runs.run import BackendKind, Run
from kie_ui.runs.spending import Spending, SpendingDay, UsualTime
from kie_ui.runs.store import Store
from kie_ui.runs.tables import clip_names, row_of

__all__ = [
    "History",
    "HistoryPage",
    "HistoryQuery",
    "Neighbours",
    "Spending",
    "SpendingDay",
    "UsualTime",
]

log = logging.getLogger(__name__)

MAX_REMARK = 10_000
"""Characters; what is beyond is cut off."""

_ALL = HistoryQuery()


class History:
    """One owner's runs at a time: someone else's are UnknownRun. Raises StoreProblem as well."""

    def __init__(self, store: Store, journal: Journal, storage: Storage, posters: Posters) -> None:
        self._store = store
        self._journal = journal
        self._storage = storage
        self._posters = posters

    async def page(
        self, owner: str, query: HistoryQuery, *, before: str | None = None, limit: int = 40
    ) -> HistoryPage:
        """List what a query finds, newest first, from after the run `before` on.

        The runs come without request, answer and record. Raises: UnknownRun, for such a `before`.
        """
        return await self._store.read(partial(finding.page, owner, query, before, limit))

    async def neighbours(self, owner: str, run_id: str, query: HistoryQuery = _ALL) -> Neighbours:
        """Name the runs beside one among what a query finds. Raises: UnknownRun."""
        return await self._store.read(partial(finding.neighbours, owner, run_id, query))

    async def models(self, owner: str) -> tuple[str, ...]:
        """Name the models that occur, in alphabetical order."""
        return await self._store.read(partial(finding.models, owner))

    async def pictures_of_task(self, owner: str, task_id: str) -> dict[str, Path]:
        """Return where the pictures lie that the owner's run of a task began with, by their names.

        None where the owner has no such run.
        """
        if not task_id.isprintable():  # half a character, say: no database takes it
            return {}
        run = await self._store.run_of_task(owner, task_id)
        return {ref.name: self._storage.resolve(ref.path) for ref in run.files} if run else {}

    async def change(
        self,
        owner: str,
        run_id: str,
        *,
        is_favourite: bool | None = None,
        remark: str | None = None,
    ) -> Run:
        """Mark a run, or keep the person's own words about it. Raises: UnknownRun."""
        run = await self._run(owner, run_id)
        changes: dict[str, Any] = {}
        if is_favourite is not None:
            changes["is_favourite"] = is_favourite
        if remark is not None:
            changes["remark"] = remark.encode(errors="replace").decode()[:MAX_REMARK]
        return await self._journal.write(run, **changes)

    async def delete(self, owner: str, run_ids: Iterable[str]) -> tuple[str, ...]:
        """Put runs into the bin, and name those that now are: those under way are left alone.

        Raises: UnknownRun, if one is none of the owner's; WrongStep, if all are under way.
        """
        put_in = partial(bins.put_in, owner, tuple(run_ids), self._now_ms())
        return self._told(await self._store.write(put_in))

    async def undelete(self, owner: str, run_ids: Iterable[str]) -> tuple[str, ...]:
        """Take runs out of the bin, and name them. Raises: UnknownRun, once one is gone."""
        take_out = partial(bins.take_out, owner, tuple(run_ids), self._now_ms())
        return self._told(await self._store.write(take_out))

    def _told(self, runs: tuple[Run, ...]) -> tuple[str, ...]:
        for run in runs:
            self._journal.show(run)
        return tuple(run.id for run in runs)

    async def spending(
        self,
        owner: str,
        *,
        utc_offset_minutes: int = 0,
        days: int = 30,
        backend: BackendKind = "live",
    ) -> Spending:
        """Add up what was spent by day and model; a demo's credits are nobody's money."""
        now_ms = self._now_ms()
        work = partial(spending.spending, owner, backend, utc_offset_minutes, days, now_ms)
        return await self._store.read(work)

    async def usual_s(
        self, owner: str, model: str, values: dict[str, Any], *, backend: BackendKind = "live"
    ) -> UsualTime | None:
        """Tell how long this owner's runs of a model usually take at the setting of some values."""
        work = partial(spending.usual_time, owner, backend, model, values)
        return await self._store.read(work)

    async def usual_times(
        self, owner: str, *, backend: BackendKind = "live"
    ) -> tuple[tuple[str, dict[str, Any], UsualTime], ...]:
        """Tell how long each model usually takes, at the values of each setting."""
        return await self._store.read(partial(spending.usual_times, owner, backend))

    async def poster_file(self, owner: str, run_id: str) -> Path:
        """Return where the still of a run's clip lies; one that is missing is made now.

        Raises: UnknownRun; WrongStep, if there is none to be had.
        """
        run = await self._run(owner, run_id)
        if run.poster is None:
            run = await self._posters.make(run)
        if run.poster is None:
            raise WrongStep("There is no picture of this run's result.")
        return self._storage.resolve(run.poster)

    async def clip_entries(self, owner: str, run_ids: Iterable[str]) -> list[Entry]:
        """Return the results of some runs under readable names, and a table of their parameters.

        The names are those of `tables.clip_name`, each once, and the table tells whose they are.
        Raises: UnknownRun, if one is none of the owner's.
        """
        runs = [await self._run(owner, run_id) for run_id in dict.fromkeys(run_ids)]
        entries: list[Entry] = []
        rows: list[dict[str, object]] = []
        taken: set[str] = set()
        for run in runs:
            sources = self._sources(run)
            suffixes = {at: Path(run.clips[at].name).suffix for at in sources}
            names = clip_names(run, suffixes, taken)
            files = zip(names, sources.values(), strict=True)
            entries += [Entry(name, source, run.created_at_ms) for name, source in files]
            rows.append(row_of(run, names))
        newest_ms = max((run.created_at_ms for run in runs), default=0)
        return [*entries, Entry("Parameters.csv", to_csv(rows).encode(), newest_ms)]

    def _sources(self, run: Run) -> dict[int, Path | bytes]:
        """Find the results that are still there, by their numbers: files, and what was written."""
        found: dict[int, Path | bytes] = {}
        for at, clip in enumerate(run.clips):
            if clip.is_stored:
                found[at] = self._storage.resolve(clip.name)
            elif run.written is not None and clip.kind == "text":
                found[at] = run.written.encode()
        return found

    async def _run(self, owner: str, run_id: str) -> Run:
        run = await self._store.run(run_id)
        if run.owner != owner:
            raise UnknownRun
        return run

    def _now_ms(self) -> int:
        return self._journal.clock.now_ms()
