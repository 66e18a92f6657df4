"""From a task that succeeded to a clip that we hold."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from kie_ui.kie.client import KieClient
from kie_ui.kie.errors import DownloadFailed, KieError, Refused
from kie_ui.media.atomic import removing_on_failure
from kie_ui.media.storage import Storage, explain_os_error
from kie_ui.runs.access import Access
from kie_ui.runs.journal import Journal
from kie_ui.runs.run import Clip, Run, RunError, Step

log = logging.getLogger(__name__)

MAX_CLIP_BYTES = 2_000_000_000
"""Far more than any clip of these models has; it only keeps a disk from being filled."""

RETRY_WAITS_S = (3.0, 10.0, 30.0)
"""Seconds between attempts; within each the client repeats what is worth repeating."""

LINKS_FRESH_S = 5.0
"""Links older than this are asked for anew before the first attempt: they expire, and move."""

AT_ONCE = 4


class Fetching:
    """Downloads the clips of a run, checks them, and puts them into place."""

    def __init__(self, journal: Journal, access: Access, storage: Storage) -> None:
        self._journal = journal
        self._access = access
        self._storage = storage
        self._room = asyncio.Semaphore(AT_ONCE)

    async def fetch(self, run: Run) -> Run:
        """Fetch every clip of a run; it comes back done, or unfetched with its reason.

        Raises: StoreProblem.
        """
        async with self._access.client_in_time(run) as client:
            run = await self._journal.remark(run, None)
            if self._links_age_s(run) > LINKS_FRESH_S:
                run = await self._with_fresh_links(run, client)
            for wait_s in (*RETRY_WAITS_S, None):
                try:
                    async with self._room:
                        clips = await self._clips(run, client)
                except (KieError, OSError) as exc:
                    error = why_unfetched(exc)
                    if wait_s is None or not getattr(exc, "may_retry", False):
                        return await self._journal.end(run, Step.UNFETCHED, error)
                    run = await self._journal.remark(run, f"{error.message} Trying again.")
                    await self._journal.clock.sleep(wait_s)
                    run = await self._with_fresh_links(run, client)
                else:
                    return await self._journal.write(
                        run, step=Step.DONE, clips=clips, note=None, error=None
                    )
        raise AssertionError("the last turn returns")

    def _links_age_s(self, run: Run) -> float:
        return (self._journal.clock.now_ms() - run.step_changes[-1].at_ms) / 1000

    async def _with_fresh_links(self, run: Run, client: KieClient) -> Run:
        """Ask where the results are now; where nobody tells, the links that we have must do."""
        if run.task_id is None:
            return run
        try:
            record = await client.task(run.task_id)
        except KieError as error:
            log.info("Run %s keeps its links: %s", run.id, error)
            return run
        if not record.result_urls or record.result_urls == run.result_urls:
            return run
        return await self._journal.write(run, result_urls=record.result_urls, record=record.raw)

    async def _clips(self, run: Run, client: KieClient) -> tuple[Clip, ...]:
        return tuple(
            [await self._clip(run, index, client) for index in range(len(run.result_urls))]
        )

    async def _clip(self, run: Run, index: int, client: KieClient) -> Clip:
        """Fetch one clip under a temporary name, look inside, and rename it into place."""
        clip_id = run.id if index == 0 else f"{run.id}{index:x}"
        final = self._storage.clip_path(clip_id)
        part = self._storage.part_path(clip_id)
        with removing_on_failure(part):
            size_bytes = await self._download(run, index, client, part)
            clip = await asyncio.to_thread(look_inside, part)
            await asyncio.to_thread(self._storage.finish, part, final)
        name = final.relative_to(self._storage.root).as_posix()
        return clip.model_copy(update={"name": name, "size_bytes": size_bytes})

    async def _download(self, run: Run, index: int, client: KieClient, part: Path) -> int:
        """Download a result, through a renewed link where its own no longer works."""
        url = run.result_urls[index]
        progress = self._journal.progress_of(run, index, len(run.result_urls))
        try:
            return await client.download(url, part, max_bytes=MAX_CLIP_BYTES, on_progress=progress)
        except DownloadFailed as failure:
            if not failure.expired:
                raise
            fresh = await _renewed(client, url, failure)
        return await client.download(fresh, part, max_bytes=MAX_CLIP_BYTES, on_progress=progress)


async def _renewed(client: KieClient, url: str, failure: DownloadFailed) -> str:
    try:
        return await client.download_url(url)
    except Refused as refusal:
        if refusal.may_retry:
            raise
        raise failure from refusal


def look_inside(part: Path) -> Clip:
    """Return the facts about a fetched clip, under the name that it has now. Blocks.

    Raises: DownloadFailed, if it is no clip that can be played.
    """
    # Imported here because PyAV takes a while, and the page's first view is without it.
    from kie_ui.media.video import VideoProblem, probe_video  # noqa: PLC0415

    try:
        info = probe_video(part)
    except VideoProblem as problem:
        raise DownloadFailed(str(problem), may_retry=True) from problem
    return Clip(
        name=part.name,
        width_px=info.width_px,
        height_px=info.height_px,
        duration_s=info.duration_s,
        frames_per_second=info.frames_per_second,
        codec=info.codec,
    )


def why_unfetched(exc: KieError | OSError) -> RunError:
    """Tell why a clip that was made could not be kept."""
    if isinstance(exc, KieError):
        return RunError.of(exc)
    return RunError(
        kind=type(exc).__name__,
        message=explain_os_error(exc),
        advice="The clip is paid: fetch it again.",
    )
