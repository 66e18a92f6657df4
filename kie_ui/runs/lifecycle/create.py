"""From a saved run to a task at Kie: upload its files, wait for a turn, create once."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import PurePath
from typing import Any
from uuid import uuid4

from kie_ui.catalog.media_types import guess_mime
from kie_ui.catalog.registry import Catalog, UnknownModel
from kie_ui.catalog.request import build_body, build_input
from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import FileRef
from kie_ui.kie.client import KieClient
from kie_ui.kie.errors import KieError, NoAnswer, RateLimited, Unreachable
from kie_ui.kie.responses import CreatedTask
from kie_ui.media.storage import Storage
from kie_ui.runs.accounts import Access
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.events import transfer_progress
from kie_ui.runs.lifecycle.callbacks import CallbackAddresses
from kie_ui.runs.lifecycle.create_queue import CreateQueue, FairRoom
from kie_ui.runs.run import UNSENT_STEPS, Run, RunError, Step, Upload
from kie_ui.runs.storage.run_store import RunStore

log = logging.getLogger(__name__)

UPLOAD_KEPT_MS = 23 * 60 * 60 * 1000
"""How long an upload is used: an hour less than Kie keeps it at least, so that a task finds it.

Source: observed live, "File upload".
"""

MAX_UPLOADS = 36
MAX_UPLOADS_OF_ONE = 12
"""At the same time, of one owner: what stalls for one must not keep the others waiting."""

UPLOAD_TIMEOUT_S = 10 * 60.0
"""Seconds after which an upload that still trickles is given up."""

RATE_LIMIT_WAITS_S = (10.0, 20.0, 30.0, 60.0)
"""Seconds for which an account's creates wait after one was refused by the rate limit, hence surely
not accepted; the last one repeats."""

UNREACHABLE_WAITS_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds between attempts to open a connection, about five minutes in all: then the run fails, as
a clip made hours after the press is unwanted."""

SAVE_WAITS_S = (0.5, 1.0, 2.0, 4.0, 10.0)
"""Seconds between attempts to save a task id that the database does not take; the last one
repeats."""

UNKNOWN_OUTCOME = RunError(
    kind="FateUnknown",
    message="It is not known whether Kie accepted this.",
    advice="Look in Kie's logs at https://kie.ai/logs before sending it again.",
)

MODEL_GONE = RunError(
    kind="UnknownModel",
    message="This run’s model was removed before the run could be sent.",
    advice="Add the model again, then press Generate once more.",
)


@dataclass(kw_only=True, eq=False)
class TaskCreator:
    """Uploads what a run needs, and sends its create once."""

    catalog: Catalog
    store: RunStore
    storage: Storage
    access: Access
    queue: CreateQueue
    callbacks: CallbackAddresses
    _room: FairRoom = field(
        default_factory=lambda: FairRoom(MAX_UPLOADS, MAX_UPLOADS_OF_ONE), init=False
    )
    in_flight: set[str] = field(default_factory=set, init=False)
    """The ids of runs that are marked as sending and whose create's answer is not saved yet."""

    async def create(self, run: Run) -> Run:
        """Create a run's task; the run is then watched, or ended with its reason.

        Raises: StoreProblem; WrongStep if the run was cancelled, or is sent by another process.
        """
        refusals = 0
        while True:
            try:
                run = await self._upload_missing(run)
            except KieError as error:
                return await self._end_unsent(run, RunError.of(error))
            except OSError as exc:
                return await self._end_unsent(run, _unreadable(exc))
            account = await self.access.wait_for_account(run)
            run = await self._wait_for_turn(run, account, is_retry=refusals > 0)
            if self.access.account(run) != account or self._missing(run):
                continue  # another key was entered meanwhile, or the wait was a day long
            try:
                return await self._create_once(run)
            except UnknownModel:
                return await self._end_unsent(run, MODEL_GONE)
            except KieError as error:
                wait_s = _retry_wait_s(error, refusals)
                if wait_s is None:
                    return await self._end_refused(run, error)
                refusals += 1
                self.queue.pause(account, wait_s)
                note = f"{error.message} It will be sent as soon as possible."
                run = await self.store.change(run.id, step=Step.LINED_UP, status_note=note)

    async def _upload_missing(self, run: Run) -> Run:
        """Upload the files that Kie does not have. Raises: KieError, OSError."""
        async with self.access.wait_for_client(run) as client:
            if run.step is not Step.LINED_UP:  # there the note says why it waits
                run = await self.store.set_status_note(run, None)
            missing = self._missing(run)
            if missing:
                run = await self.store.change(run.id, only_from=UNSENT_STEPS, step=Step.UPLOADING)
            for part, ref in enumerate(missing):
                async with self._room.place(run.owner):
                    url = await self._upload(run, ref, client, part, len(missing))
                upload = Upload(url=url, at_ms=self.store.clock.now_ms())
                run = await self.store.change(run.id, uploads={**run.uploads, ref.path: upload})
        return run

    async def _upload(
        self, run: Run, ref: FileRef, client: KieClient, part: int, parts: int
    ) -> str:
        uploading = client.upload(
            self.storage.resolve(ref.path),
            # A name used before would overwrite that file, and caches might keep the old one.
            name=uuid4().hex + PurePath(ref.path).suffix,
            mime=guess_mime(ref.path),
            on_progress=transfer_progress(self.store.events, self.store.clock, run, part, parts),
        )
        try:
            return await self.store.clock.within(UPLOAD_TIMEOUT_S, uploading)
        except TimeoutError:
            raise NoAnswer("The upload of a picture took too long.") from None

    def _missing(self, run: Run) -> list[FileRef]:
        """Return the files that are to be uploaded: Kie deletes those of yesterday."""
        oldest_ms = self.store.clock.now_ms() - UPLOAD_KEPT_MS
        usable = {path for path, upload in run.uploads.items() if upload.at_ms > oldest_ms}
        return [ref for ref in run.files if ref.path not in usable]

    async def _wait_for_turn(self, run: Run, account: str, *, is_retry: bool) -> Run:
        async def line_up() -> None:
            nonlocal run
            if run.step is not Step.LINED_UP:
                run = await self.store.change(run.id, only_from=UNSENT_STEPS, step=Step.LINED_UP)

        await self.queue.turn(run.id, run.owner, account, on_wait=line_up, is_retry=is_retry)
        return run

    async def _create_once(self, run: Run) -> Run:
        """Send the create. Raises: KieError, UnknownModel, StoreProblem, WrongStep."""
        self.in_flight.add(run.id)
        try:
            async with self.access.wait_for_client(run) as client:
                run = await self._mark_as_sending(run)
                # One attempt: each takes from the budget anew.
                created = await client.create_task(run.request or {}, attempts=1)
                return await self._save_task(run, created)
        finally:
            self.in_flight.discard(run.id)

    async def _mark_as_sending(self, run: Run) -> Run:
        """Save that the create leaves, before it does.

        Only an unsent run can be marked, so of two attempts only one sends.
        Raises: UnknownModel, StoreProblem, WrongStep.
        """
        spec = await asyncio.to_thread(self._spec, run)
        built = build_input(spec, run.values, lambda ref: run.uploads[ref.path].url)
        return await self.store.change(
            run.id,
            only_from=UNSENT_STEPS,
            step=Step.SENDING,
            sent_at_ms=self.store.clock.now_ms(),
            request=build_body(spec, built, self.callbacks.url(run.id)),
            status_note=None,
        )

    def _spec(self, run: Run) -> ModelSpec:
        """Return the spec that a run was submitted with, as far as that is known.

        Its model may have been removed or replaced since: then a former version knows its values.
        Blocks: models are read from the disk.
        Raises: UnknownModel.
        """
        own = [spec for spec in self.catalog.of(run.owner) if spec.model == run.model]
        collection = self.catalog.collection_name(run.owner)
        versions = [*own, *self.catalog.versions(run.model, collection)]
        if not versions:
            raise UnknownModel(run.model)
        return next((spec for spec in versions if _knows_all(spec, run)), versions[0])

    async def _save_task(self, run: Run, created: CreatedTask) -> Run:
        """Save the id of a run's task, however long the database takes."""
        changes: dict[str, Any] = {
            "step": Step.WAITING,
            "task_id": created.task_id,
            "answer": created.answer,
        }
        log.info("Run %s is task %s.", run.id, created.task_id)
        waits_s = chain(SAVE_WAITS_S, repeat(SAVE_WAITS_S[-1]))
        while True:
            try:
                return await self.store.change(run.id, **changes, error=None)
            except StoreProblem as problem:
                log.critical("Run %s is task %s, which is not saved yet.", run.id, created.task_id)
                unsaved = run.changed(self.store.clock.now_ms(), changes)
                self.store.publish_unsaved(unsaved, problem)
                await self.store.clock.sleep(next(waits_s))

    async def _end_unsent(self, run: Run, error: RunError) -> Run:
        """End a run that never left, unless it was sent or cancelled elsewhere meanwhile."""
        return await self.store.end(run.id, Step.FAILED, error, only_from=UNSENT_STEPS)

    async def _end_refused(self, run: Run, error: KieError) -> Run:
        """End a run whose create failed: as failed only where Kie surely did not accept it."""
        answer = error.answer if isinstance(error.answer, dict) else None
        step, reason = Step.FAILED, RunError.of(error)
        if error.may_have_been_accepted:
            step = Step.UNKNOWN
            message = f"{error.message} {UNKNOWN_OUTCOME.message}"
            advice = UNKNOWN_OUTCOME.advice
            reason = reason.model_copy(update={"message": message, "advice": advice})
        return await self.store.end(run.id, step, reason, answer=answer)


def _knows_all(spec: ModelSpec, run: Run) -> bool:
    return run.values.keys() <= {EXTRA, *(parameter.name for parameter in spec.parameters)}


def _retry_wait_s(error: KieError, refusals: int) -> float | None:
    """Return how long to wait before a create is repeated that surely did not leave; else None."""
    if isinstance(error, Unreachable):
        return UNREACHABLE_WAITS_S[refusals] if refusals < len(UNREACHABLE_WAITS_S) else None
    if isinstance(error, RateLimited) and error.may_retry:
        return RATE_LIMIT_WAITS_S[min(refusals, len(RATE_LIMIT_WAITS_S) - 1)]
    return None


def _unreadable(exc: OSError) -> RunError:
    return RunError(
        kind=type(exc).__name__,
        message="A file of this run can no longer be read.",
        advice="Choose it again.",
    )
