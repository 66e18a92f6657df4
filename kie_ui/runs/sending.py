"""From a kept run to a task at Kie: pictures up, then the one create."""

from __future__ import annotations

import asyncio
import logging
import mimetypes
from pathlib import PurePath
from uuid import uuid4

from kie_ui.catalog.media import FileRef
from kie_ui.catalog.registry import Registry
from kie_ui.catalog.request import build_body, build_input
from kie_ui.kie.client import KieClient
from kie_ui.kie.errors import KieError, RateLimited
from kie_ui.media.storage import Storage
from kie_ui.runs.access import Access
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.journal import Journal
from kie_ui.runs.run import UNSENT_STEPS, Run, RunError, Step, Upload

log = logging.getLogger(__name__)

UPLOAD_KEPT_MS = 23 * 60 * 60 * 1000
"""How long an upload is used: an hour less than Kie keeps it at least, so that a task finds it.

Source: observed live, "File upload".
"""

UPLOADS_AT_ONCE = 4

RATE_LIMIT_WAITS_S = (10.0, 20.0, 30.0, 60.0, 60.0, 60.0)
"""Seconds between creates that were turned away by the rate limit, hence surely not accepted."""

KEEPING_WAITS_S = (0.5, 1.0, 2.0, 4.0)
"""Seconds between attempts to keep a task id, when the database does not take it."""

UNKNOWN_FATE = RunError(
    kind="FateUnknown",
    message="We can't know whether Kie took this.",
    advice="Look in Kie's logs at https://kie.ai/logs before sending it again.",
)


class Sending:
    """Uploads what a run needs and sends its create, once."""

    def __init__(
        self,
        registry: Registry,
        journal: Journal,
        access: Access,
        storage: Storage,
        callback_url: str | None,
    ) -> None:
        self._registry = registry
        self._journal = journal
        self._access = access
        self._storage = storage
        self._callback_url = callback_url
        self._room = asyncio.Semaphore(UPLOADS_AT_ONCE)
        self.in_flight: set[str] = set()
        """The ids of runs that are marked as sending and whose create's answer is not yet kept."""

    async def send(self, run: Run) -> Run:
        """Bring a run to Kie; it comes back watched, or ended with its reason.

        Raises: StoreProblem; WrongStep if another process is sending this run already.
        """
        async with self._access.client_in_time(run) as client:
            run = await self._journal.remark(run, None)
            try:
                run = await self._uploaded(run, client)
            except KieError as error:
                return await self._unsent(run, RunError.of(error))
            except OSError as exc:
                return await self._unsent(run, _unreadable(exc))
            return await self._created(run, client)

    async def _uploaded(self, run: Run, client: KieClient) -> Run:
        """Upload the pictures that Kie does not have. Raises: KieError, OSError."""
        missing = [ref for ref in run.files if not self._is_kept(run.uploads.get(ref.path))]
        if not missing:
            return run
        run = await self._journal.write(run, only_from=UNSENT_STEPS, step=Step.UPLOADING)
        for part, ref in enumerate(missing):
            async with self._room:
                url = await self._upload(run, ref, client, part, len(missing))
            upload = Upload(url=url, at_ms=self._journal.clock.now_ms())
            run = await self._journal.write(run, uploads={**run.uploads, ref.path: upload})
        return run

    async def _upload(
        self, run: Run, ref: FileRef, client: KieClient, part: int, parts: int
    ) -> str:
        uploaded = await client.upload(
            self._storage.resolve(ref.path),
            # A name used before would overwrite that file, and caches might keep the old one.
            name=uuid4().hex + PurePath(ref.path).suffix,
            mime=_mime(ref),
            on_progress=self._journal.progress_of(run, part, parts),
        )
        return uploaded.url

    def _is_kept(self, upload: Upload | None) -> bool:
        if upload is None:
            return False
        return self._journal.clock.now_ms() - upload.at_ms < UPLOAD_KEPT_MS

    async def _created(self, run: Run, client: KieClient) -> Run:
        """Send the create, again only where it was turned away by the rate limit."""
        for wait_s in (*RATE_LIMIT_WAITS_S, None):
            self.in_flight.add(run.id)
            try:
                run = await self._marked_as_sending(run)
                return await self._create(run, client)
            except RateLimited as error:
                if wait_s is None or not error.may_retry:
                    return await self._refused(run, error)
                note = f"{error.message} Sending again in a moment."
                run = await self._journal.write(run, step=Step.PREPARING, note=note)
            except KieError as error:
                return await self._refused(run, error)
            finally:
                self.in_flight.discard(run.id)
            await self._journal.clock.sleep(wait_s)
        raise AssertionError("the last turn returns")

    async def _marked_as_sending(self, run: Run) -> Run:
        """Write down that the create leaves, before it does.

        Only an unsent run can be marked, so of two that try only one goes on to send.
        """
        spec = self._registry.spec(run.model)
        built = build_input(spec, run.values, lambda ref: run.uploads[ref.path].url)
        return await self._journal.write(
            run,
            only_from=UNSENT_STEPS,
            step=Step.SENDING,
            sent_at_ms=self._journal.clock.now_ms(),
            request=build_body(spec, built, self._callback_url),
            note=None,
        )

    async def _create(self, run: Run, client: KieClient) -> Run:
        request = run.request or {}
        created = await client.create_task(
            run.model, request["input"], callback_url=self._callback_url
        )
        for wait_s in (*KEEPING_WAITS_S, None):
            try:
                return await self._journal.write(
                    run,
                    step=Step.WAITING,
                    task_id=created.task_id,
                    answer=created.answer,
                    error=None,
                )
            except StoreProblem:
                log.critical("Run %s is task %s, which cannot be kept.", run.id, created.task_id)
                if wait_s is None:
                    raise
                await self._journal.clock.sleep(wait_s)
        raise AssertionError("the last turn returns or raises")

    async def _unsent(self, run: Run, error: RunError) -> Run:
        """End a run that never left, unless someone else has sent it meanwhile."""
        return await self._journal.end(run, Step.FAILED, error, only_from=UNSENT_STEPS)

    async def _refused(self, run: Run, error: KieError) -> Run:
        answer = error.answer if isinstance(error.answer, dict) else None
        if error.may_have_been_accepted:
            fate = UNKNOWN_FATE.model_copy(
                update={
                    "kind": type(error).__name__,
                    "message": f"{error.message} {UNKNOWN_FATE.message}",
                    "code": error.code,
                }
            )
            return await self._journal.end(run, Step.UNKNOWN, fate, answer=answer)
        return await self._journal.end(run, Step.FAILED, RunError.of(error), answer=answer)


def _unreadable(exc: OSError) -> RunError:
    return RunError(
        kind=type(exc).__name__,
        message="A picture of this run cannot be read any more.",
        advice="Choose it again.",
    )


_MIMES = {".jpg": "image/jpeg", ".png": "image/png", ".webp": "image/webp"}
"""Not every system's own table knows these."""


def _mime(ref: FileRef) -> str:
    """Return the type that a kept picture was made into, which its name in the storage tells."""
    known = _MIMES.get(PurePath(ref.path).suffix.lower())
    return known or mimetypes.guess_type(ref.path)[0] or "application/octet-stream"
