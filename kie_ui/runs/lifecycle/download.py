"""From a task that succeeded to results in the storage, with their recipes and posters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from kie_ui.background import BackgroundTasks
from kie_ui.catalog.values import FileRef, JsonValue, MediaRef
from kie_ui.kie.client import KieClient
from kie_ui.kie.errors import DownloadFailed, KieError, Maintenance, RateLimited, Refused
from kie_ui.kie.responses import TaskRecord
from kie_ui.media.formats import MediaProblem
from kie_ui.media.storage import Storage, explain_os_error, removing_on_failure
from kie_ui.runs.accounts import Access
from kie_ui.runs.events import transfer_progress
from kie_ui.runs.lifecycle.create_queue import FairRoom
from kie_ui.runs.lifecycle.poll import written_results
from kie_ui.runs.lifecycle.poll_scheduler import PollScheduler
from kie_ui.runs.run import Clip, Run, RunError, Step
from kie_ui.runs.storage.run_store import RunStore

log = logging.getLogger(__name__)


def add_recipe(part: Path, run: Run) -> None:
    """Write into a clip, complete under a temporary name, how it is made again. Blocks.

    That is the model, values and task id; no key, owner or address of an upload. Pictures are
    named, or given by their web address.
    """
    from kie_ui.media.recipe import Recipe, write_recipe

    try:
        made = (change.at_ms for change in run.step_changes if change.step is Step.FETCHING)
        values = {name: _plain(value) for name, value in run.values.items()}
        recipe = Recipe(
            model=run.model, values=values, task_id=run.task_id, made_at_ms=next(made, None)
        )
        write_recipe(part, part, recipe)
    except Exception as problem:  # noqa: BLE001 - a paid clip is worth more than its recipe
        log.warning("The clip of run %s carries no recipe: %s", run.id, problem)


def _plain(value: Any) -> Any:
    if isinstance(value, JsonValue):
        return value.value
    return [_name(ref) for ref in value] if isinstance(value, tuple) else value


def _name(ref: MediaRef) -> str:
    if not isinstance(ref, FileRef):
        return ref.url
    return ref.name.replace("\\", "/").rpartition("/")[2]


_WITH_POSTER = ("video", "image", "audio")

_MAX_POSTERS = 2
"""Posters made at the same time: results go first."""


class Posters:
    """Makes the posters of runs when they are first asked for, each once however many ask for it.

    To make one takes a third of what a run costs, and most are never looked at.
    """

    def __init__(self, store: RunStore, storage: Storage) -> None:
        self._store = store
        self._storage = storage
        self._room = asyncio.Semaphore(_MAX_POSTERS)
        self._tasks = BackgroundTasks()
        self._making: dict[str, asyncio.Task[Run]] = {}

    async def make(self, run: Run) -> Run:
        """Give a run its poster, if there can be one. Raises: UnknownRun, StoreProblem."""
        if run.id not in self._making:
            making = self._tasks.spawn(self._make(run), name=f"poster {run.id}")
            self._making[run.id] = making
            making.add_done_callback(lambda _making: self._making.pop(run.id))
        return await asyncio.shield(self._making[run.id])  # others may wait for it too

    async def stop(self) -> None:
        """Stop making posters."""
        await self._tasks.stop()

    async def _make(self, run: Run) -> Run:
        async with self._room:
            poster = await asyncio.to_thread(make_poster_of, run.id, run.clips, self._storage)
        return await self._store.change(run.id, poster=poster) if poster else run


def make_poster_of(run_id: str, clips: Iterable[Clip], storage: Storage) -> str | None:
    """Make the poster of a run's results, and return its name. Blocks."""
    from kie_ui.media.poster import draw_waveform, make_poster

    clip = pick_cover(clips)
    if clip is None:
        return None
    try:
        poster = storage.poster_path(run_id)
        draw = draw_waveform if clip.kind == "audio" else make_poster
        draw(storage.resolve(clip.name), poster)
    except Exception as problem:  # noqa: BLE001 - a paid clip is worth more than its poster
        log.warning("The result of run %s has no poster: %s", run_id, problem)
        return None
    return poster.relative_to(storage.root).as_posix()


def pick_cover(clips: Iterable[Clip]) -> Clip | None:
    """Return the result that a run's poster shows: the first to be seen, else to be heard."""
    shown = [clip for clip in clips if clip.kind in _WITH_POSTER and clip.is_stored]
    return min(shown, key=lambda clip: clip.kind == "audio", default=None)


MAX_CLIP_BYTES = 2_000_000_000
"""Far more than any result of Kie's has; it only keeps a disk from being filled."""

RETRY_WAITS_S = (3.0, 10.0, 30.0)
"""Seconds between attempts; within each the client repeats what is worth repeating."""

LINKS_FRESH_S = 5.0
"""Links older than this are renewed before the first attempt: they expire, and move."""

MAX_DOWNLOADS = 36
MAX_DOWNLOADS_OF_ONE = 12
"""At the same time, of one owner: what stalls for one must not keep the others waiting."""

DOWNLOAD_TIMEOUT_S = 15 * 60.0
"""Seconds after which a download that still trickles is given up, to be tried again later."""


class Downloader:
    """Downloads the results of a run, checks them, and puts them into place."""

    def __init__(
        self, store: RunStore, storage: Storage, access: Access, scheduler: PollScheduler
    ) -> None:
        self._store = store
        self._clock = store.clock
        self._storage = storage
        self._access = access
        self._scheduler = scheduler
        self._room = FairRoom(MAX_DOWNLOADS, MAX_DOWNLOADS_OF_ONE)

    async def download(self, run: Run) -> Run:
        """Download every result of a run; the run is then done, or unfetched with its reason.

        What has arrived is not downloaded again when another one fails. Raises: StoreProblem.
        """
        clips: list[Clip] = []
        async with self._access.wait_for_client(run) as client:
            run = await self._store.set_status_note(run, None)
            links_age_ms = self._clock.now_ms() - run.step_changes[-1].at_ms
            if links_age_ms > LINKS_FRESH_S * 1000:
                run = await self._with_fresh_links(run, client)
            for wait_s in (*RETRY_WAITS_S, None):
                try:
                    async with self._room.place(run.owner):
                        while len(clips) < len(run.result_urls):
                            clips.append(await self._clip(run, len(clips), client))
                except (KieError, OSError) as exc:
                    error = _why_unfetched(exc)
                    if wait_s is None or not getattr(exc, "may_retry", False):
                        return await self._store.end(run.id, Step.UNFETCHED, error)
                    run = await self._store.set_status_note(run, f"{error.message} Trying again.")
                    await self._clock.sleep(wait_s)
                    run = await self._with_fresh_links(run, client)
                else:
                    return await self._finish(run, clips)
        raise AssertionError("the last turn returns")

    async def _finish(self, run: Run, downloaded: list[Clip]) -> Run:
        """Save that a run is done; a text came with its record."""
        written = written_results(TaskRecord.from_data(run.record)) if run.record else ()
        clips = (*downloaded, *written)
        return await self._store.change(
            run.id, step=Step.DONE, clips=clips, status_note=None, error=None
        )

    async def _with_fresh_links(self, run: Run, client: KieClient) -> Run:
        """Ask where the results are now; without an answer, keep the known links."""
        if run.task_id is None:
            return run
        try:
            await self._scheduler.turn(run)
            record = await client.task(run.task_id, attempts=1)
        except KieError as error:
            if isinstance(error, RateLimited | Maintenance):
                self._scheduler.rate_limited(run)
            log.info("Run %s keeps its links: %s", run.id, error)
            return run
        if not record.result_urls or record.result_urls == run.result_urls:
            return run
        return await self._store.change(run.id, result_urls=record.result_urls, record=record.raw)

    async def _clip(self, run: Run, index: int, client: KieClient) -> Clip:
        """Download one result to a temporary name, look inside, and rename it into place."""
        clip_id = run.id if index == 0 else f"{run.id}{index:x}"
        part = self._storage.part_path(clip_id)
        with removing_on_failure(part):
            downloading = self._download(run, index, client, part)
            try:
                await self._clock.within(DOWNLOAD_TIMEOUT_S, downloading)
            except TimeoutError:
                raise DownloadFailed("The download took too long.", may_retry=True) from None
            clip, suffix = await asyncio.to_thread(look_inside, part, run.result_urls[index])
            if clip.kind == "video":
                await asyncio.to_thread(add_recipe, part, run)
            final = self._storage.clip_path(clip_id, suffix)
            kept = await asyncio.to_thread(self._storage.finish, part, final)
        return clip.model_copy(update={"name": kept.name, "size_bytes": kept.size_bytes})

    async def _download(self, run: Run, index: int, client: KieClient, part: Path) -> None:
        """Download a result, through a renewed link where its own no longer works."""
        url = run.result_urls[index]
        progress = transfer_progress(
            self._store.events, self._clock, run, index, len(run.result_urls)
        )
        fetch = partial(client.download, to=part, max_bytes=MAX_CLIP_BYTES, on_progress=progress)
        try:
            await fetch(url)
        except DownloadFailed as failure:
            if not failure.expired:
                raise
            await fetch(await _renewed(client, url, failure))


async def _renewed(client: KieClient, url: str, failure: DownloadFailed) -> str:
    try:
        return await client.download_url(url)
    except Refused as refusal:
        if refusal.may_retry:
            raise
        raise failure from refusal


def look_inside(part: Path, url: str = "") -> tuple[Clip, str]:
    """Return the facts about a downloaded result, and the suffix of its file. Blocks.

    Raises: DownloadFailed, if it is not a result, or incomplete.
    """
    # Imported here because PyAV takes a while, and the page's first view is without it.
    from kie_ui.media.probe import inspect_result

    try:
        info = inspect_result(part, named=url.partition("?")[0].partition("#")[0])
    except MediaProblem as problem:
        raise DownloadFailed(str(problem), may_retry=True) from problem
    clip = Clip(
        name=part.name,
        kind=info.kind,
        width_px=info.width_px,
        height_px=info.height_px,
        duration_s=info.duration_s,
        frames_per_second=info.frames_per_second,
        codec=info.codec,
    )
    return clip, info.suffix


def _why_unfetched(exc: KieError | OSError) -> RunError:
    if isinstance(exc, KieError):
        return RunError.of(exc)
    return RunError(
        kind=type(exc).__name__,
        message=explain_os_error(exc),
        advice="It is paid: fetch it again.",
    )
