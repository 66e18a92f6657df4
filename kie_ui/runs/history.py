"""The history of runs: pages, searches, favourites, the trash, spending, exports."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kie_ui.catalog.values import FileRef, JsonValue
from kie_ui.media.export import Entry, readable_name, to_csv
from kie_ui.media.storage import Storage
from kie_ui.runs.errors import WrongStep
from kie_ui.runs.lifecycle.download import Posters
from kie_ui.runs.run import MAX_USER_NOTE, BackendKind, Run
from kie_ui.runs.storage import search, statistics
from kie_ui.runs.storage.run_store import RunStore
from kie_ui.runs.storage.search import HistoryPage, HistoryQuery, Neighbours
from kie_ui.runs.storage.statistics import SpendingDay, UsualTime
from kie_ui.runs.storage.tables import setting_of

log = logging.getLogger(__name__)


MARK_DIGITS = 6

"""How much of a run's id distinguishes clips with equal names."""

NAME_SEPARATOR = " | "
"""Between the names of several clips: no file name has such a bar."""

_MAX_PROMPT = 400
"""Characters of a prompt that a name is made from; it takes as many as it has room for."""

_TASK_KIND = re.compile(r"-?[a-z]+-to-[a-z]+$")


def clip_name(run: Run, number: int, suffix: str, *, digits: int = MARK_DIGITS) -> str:
    """Return the readable file name of one clip of a run: time, model, prompt, mark.

    The mark is the first `digits` of the run's id, and the clip's number from the second clip on.
    `number` counts from 0; `suffix` begins with its dot. Raises: ValueError for a bad suffix.
    """
    mark = run.id[:digits] + (f"-{number + 1}" if number else "")
    when = _when(run).strftime("%Y-%m-%d %H.%M.%S")
    parts = (when, short_model(run.model), run.prompt[:_MAX_PROMPT])
    return readable_name(parts, suffix, mark=mark)


def clip_names(run: Run, suffixes: Mapping[int, str], taken: set[str]) -> tuple[str, ...]:
    """Name clips of a run, by their numbers, unlike any name in `taken`; add the names to it.

    Where ids begin alike, which is very rare, the marks are longer.
    """
    names: tuple[str, ...] = ()
    for digits in range(MARK_DIGITS, len(run.id) + 1):
        names = tuple(clip_name(run, *each, digits=digits) for each in suffixes.items())
        if taken.isdisjoint(map(str.casefold, names)):
            break
    taken.update(map(str.casefold, names))
    return names


def short_model(model: str) -> str:
    """Return the short name of a model: `bytedance/v1-lite-image-to-video` is v1-lite."""
    maker, _, last = model.rpartition("/")
    return _TASK_KIND.sub("", last) or maker or last


def _table_row(run: Run, names: Iterable[str]) -> dict[str, object]:
    """Return a run's row in an exported table, without its owner and Kie's addresses."""
    return {
        "file": NAME_SEPARATOR.join(names),
        "date (UTC)": _when(run).strftime("%Y-%m-%d %H:%M:%S"),
        "model": run.model,
        "state": str(run.step),
        **{name: _cell(value) for name, value in run.values.items()},
        "credits": run.credits_used,
        "task id": run.task_id,
        "favourite": run.is_favourite,
        "note": run.user_note,
    }


def _when(run: Run) -> datetime:
    return datetime.fromtimestamp(run.created_at_ms / 1000, UTC)


def _cell(value: Any) -> object:
    if isinstance(value, JsonValue):
        return json.dumps(value.value, ensure_ascii=False)
    if not isinstance(value, tuple):
        return value
    return "; ".join(ref.name if isinstance(ref, FileRef) else ref.url for ref in value)


class History:
    """One owner's runs at a time: another owner's are UnknownRun. Raises StoreProblem as well."""

    def __init__(self, store: RunStore, storage: Storage, posters: Posters) -> None:
        self._store = store
        self._storage = storage
        self._posters = posters

    async def page(
        self, owner: str, query: HistoryQuery, *, before: str | None = None, limit: int = 40
    ) -> HistoryPage:
        """List what a query finds, newest first, from after the run `before` on.

        The runs have no request, answer and record. Raises: UnknownRun, for such a `before`.
        """
        return await self._store.read(lambda c: search.page(c, owner, query, limit, before))

    async def matching(
        self, owner: str, query: HistoryQuery, run_ids: Iterable[str]
    ) -> tuple[Run, ...]:
        """Return those of some runs that a query finds, newest first, as on a page.

        Raises: UnknownRun, for anything but an id.
        """
        return await self._store.read(lambda c: search.matching(c, owner, query, run_ids))

    async def neighbours(self, owner: str, run_id: str, query: HistoryQuery) -> Neighbours:
        """Return the runs beside one among what a query finds. Raises: UnknownRun."""
        return await self._store.read(lambda c: search.neighbours(c, owner, run_id, query))

    async def models(self, owner: str) -> tuple[str, ...]:
        """List the models of an owner's runs in alphabetical order."""
        return await self._store.read(lambda c: search.models(c, owner))

    async def pictures_of_task(self, owner: str, task_id: str) -> dict[str, Path]:
        """Return the paths of the files that a run of a task was given, by their names.

        Empty if the owner has no such run.
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
        user_note: str | None = None,
    ) -> Run:
        """Mark a run as a favourite or not, or save a note on it. Raises: UnknownRun."""
        run = await self._store.run_of(owner, run_id)
        changes: dict[str, Any] = {}
        if is_favourite is not None:
            changes["is_favourite"] = is_favourite
        if user_note is not None:
            changes["user_note"] = user_note.encode(errors="replace").decode()[:MAX_USER_NOTE]
        return await self._store.change(run.id, **changes)

    async def delete(self, owner: str, run_ids: Iterable[str]) -> tuple[str, ...]:
        """Move runs to the trash, and return their ids; those under way are left alone.

        Raises: UnknownRun, if one is none of the owner's; WrongStep, if all are under way.
        """
        return tuple(run.id for run in await self._store.trash(owner, run_ids))

    async def restore(self, owner: str, run_ids: Iterable[str]) -> tuple[str, ...]:
        """Take runs out of the trash, and return their ids. Raises: UnknownRun, if one is gone."""
        return tuple(run.id for run in await self._store.restore(owner, run_ids))

    async def spending(
        self,
        owner: str,
        *,
        utc_offset_minutes: int = 0,
        days: int = 30,
        backend: BackendKind = "live",
    ) -> tuple[SpendingDay, ...]:
        """Add up what was spent by day and model; a demo's credits cost nothing."""
        now_ms, offset_min = self._store.clock.now_ms(), utc_offset_minutes
        return await self._store.read(
            lambda c: statistics.spending(
                c, owner, backend, utc_offset_min=offset_min, days=days, now_ms=now_ms
            )
        )

    async def usual_time(
        self, owner: str, model: str, values: dict[str, Any], *, backend: BackendKind = "live"
    ) -> UsualTime | None:
        """Return how long the owner's runs of a model usually take with such values."""
        return await self._store.read(
            lambda c: statistics.usual_time(c, owner, backend, model, setting_of(values))
        )

    async def usual_times(
        self, owner: str, *, backend: BackendKind = "live"
    ) -> tuple[tuple[str, dict[str, Any], UsualTime], ...]:
        """Return how long each model usually takes, at the values of each setting."""
        return await self._store.read(lambda c: statistics.usual_times(c, owner, backend))

    async def poster_file(self, owner: str, run_id: str) -> Path:
        """Return the path of a run's poster, which is made now if it is missing.

        Raises: UnknownRun; WrongStep, if none can be made.
        """
        run = await self._store.run_of(owner, run_id)
        if run.poster is None:
            run = await self._posters.make(run)
        if run.poster is None:
            raise WrongStep("There is no picture of this run's result.")
        return self._storage.resolve(run.poster)

    async def clip_entries(self, owner: str, run_ids: Iterable[str]) -> list[Entry]:
        """Return the results of some runs under readable names, and a table of their parameters.

        Raises: UnknownRun, if one is none of the owner's.
        """
        runs = [await self._store.run_of(owner, run_id) for run_id in dict.fromkeys(run_ids)]
        entries: list[Entry] = []
        rows: list[dict[str, object]] = []
        taken: set[str] = set()
        for run in runs:
            sources = self._sources(run)
            suffixes = {at: Path(run.clips[at].name).suffix for at in sources}
            names = clip_names(run, suffixes, taken)
            files = zip(names, sources.values(), strict=True)
            entries += [Entry(name, source, run.created_at_ms) for name, source in files]
            rows.append(_table_row(run, names))
        newest_ms = max((run.created_at_ms for run in runs), default=0)
        return [*entries, Entry("Parameters.csv", to_csv(rows).encode(), newest_ms)]

    def _sources(self, run: Run) -> dict[int, Path | bytes]:
        """Return the results that are still there, by their numbers: files, and texts."""
        found: dict[int, Path | bytes] = {}
        for at, clip in enumerate(run.clips):
            if clip.is_stored:
                found[at] = self._storage.resolve(clip.name)
            elif run.written is not None and clip.kind == "text":
                found[at] = run.written.encode()
        return found
