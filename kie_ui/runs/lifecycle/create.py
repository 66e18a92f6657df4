"""From a kept run to a task at Kie: pictures up, a turn in the queue, then the one create."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
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
from kie_ui.media.storage import Storage
from kie_ui.runs.accounts.credentials import Access
from kie_ui.runs.errors import StoreProblem
from kie_ui.runs.lifecycle.create_queue import CreateQueue, FairRoom
from kie_ui.runs.run import UNSENT_STEPS, Run, RunError, Step, Upload
from kie_ui.runs.storage.run_store import RunStore

log = logging.getLogger(__name__)

UPLOAD_KEPT_MS = 23 * 60 * 60 * 1000
"""How long an upload is used: an hour less than Kie keeps it at least, so that a task finds it.

Source: observed live, "File upload".
"""

UPLOADS_AT_ONCE = 36
UPLOADS_OF_ONE = 12
"""Of one owner: what stalls for one must not keep the others waiting."""

UPLOAD_MAY_TAKE_S = 10 * 60.0
"""Seconds after which an upload that still trickles is given up."""

RATE_LIMIT_WAITS_S = (10.0, 20.0, 30.0, 60.0)
"""Seconds for which an account's creates wait after one was turned away by the rate limit, hence
surely not accepted; the last one repeats."""

UNREACHABLE_WAITS_S = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 60.0, 60.0, 60.0)
"""Seconds between attempts to open a connection, about five minutes in all: then the run fails, as
nobody wants a clip made hours after the press."""

KEEPING_WAITS_S = (0.5, 1.0, 2.0, 4.0, 10.0)
"""Seconds between attempts to keep a task id, when the database does not take it; the last one
repeats."""

UNKNOWN_FATE = RunError(
    kind="FateUnknown",
    message="We can't know whether Kie took this.",
    advice="Look in Kie's logs at https://kie.ai/logs before sending it again.",
)

MODEL_GONE = RunError(
    kind="UnknownModel",
    message="This run’s model was removed before the run could be sent.",
    advice="Add the model again, then press Generate once more.",
)

CallbackUrl = Callable[[Run], str | None]
"""Tells where Kie shall call when a run's task has ended, if anywhere."""


class Sending:
    """Uploads what a run needs and sends its create, once."""

    def __init__(
        self,
        catalog: Catalog,
        store: RunStore,
        access: Access,
        storage: Storage,
        queue: CreateQueue,
        callback_url: CallbackUrl,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._access = access
        self._storage = storage
        self._queue = queue
        self._callback_url = callback_url
        self._room = FairRoom(UPLOADS_AT_ONCE, UPLOADS_OF_ONE)
        self.in_flight: set[str] = set()
        """The ids of runs that are marked as sending and whose create's answer is not yet kept."""

    async def send(self, run: Run) -> Run:
        """Bring a run to Kie; it comes back watched, or ended with its reason.

        Raises: StoreProblem; WrongStep if this run was cancelled, or is sent by someone else.
        """
        refusals = 0
        while True:
            try:
                run = await self._uploaded(run)
            except KieError as error:
                return await self._unsent(run, RunError.of(error))
            except OSError as exc:
                return await self._unsent(run, _unreadable(exc))
            account = await self._access.account_in_time(run)
            run = await self._after_its_turn(run, account, is_again=refusals > 0)
            if self._access.account(run) != account or self._missing(run):
                continue  # another key was entered meanwhile, or the wait was a day long
            try:
                return await self._sent_once(run)
            except (RateLimited, Unreachable) as error:
                wait_s = _wait_s(error, refusals)
                if wait_s is None:
                    return await self._refused(run, error)
                refusals += 1
                self._queue.hold_back(account, wait_s)
                note = f"{error.message} It is sent when there is room."
                run = await self._store.change(run.id, step=Step.LINED_UP, status_note=note)
            except KieError as error:
                return await self._refused(run, error)
            except UnknownModel:
                return await self._unsent(run, MODEL_GONE)

    async def _uploaded(self, run: Run) -> Run:
        """Upload the pictures that Kie does not have. Raises: KieError, OSError."""
        async with self._access.client_in_time(run) as client:
            if run.step is not Step.LINED_UP:  # there the note says why it waits
                run = await self._store.set_status_note(run, None)
            missing = self._missing(run)
            if missing:
                run = await self._store.change(run.id, only_from=UNSENT_STEPS, step=Step.UPLOADING)
            for part, ref in enumerate(missing):
                async with self._room.place(run.owner):
                    url = await self._upload(run, ref, client, part, len(missing))
                upload = Upload(url=url, at_ms=self._store.clock.now_ms())
                run = await self._store.change(run.id, uploads={**run.uploads, ref.path: upload})
        return run

    async def _upload(
        self, run: Run, ref: FileRef, client: KieClient, part: int, parts: int
    ) -> str:
        uploading = client.upload(
            self._storage.resolve(ref.path),
            # A name used before would overwrite that file, and caches might keep the old one.
            name=uuid4().hex + PurePath(ref.path).suffix,
            mime=guess_mime(ref.path),
            on_progress=self._store.transfer_progress(run, part, parts),
        )
        try:
            return (await self._store.clock.within(UPLOAD_MAY_TAKE_S, uploading)).url
        except TimeoutError:
            raise NoAnswer("The upload of a picture took too long.") from None

    def _missing(self, run: Run) -> list[FileRef]:
        return [ref for ref in run.files if not self._is_kept(run.uploads.get(ref.path))]

    def _is_kept(self, upload: Upload | None) -> bool:
        if upload is None:
            return False
        return self._store.clock.now_ms() - upload.at_ms < UPLOAD_KEPT_MS

    async def _after_its_turn(self, run: Run, account: str, *, is_again: bool) -> Run:
        lined_up = run

        async def line_up() -> None:
            nonlocal lined_up
            if run.step is not Step.LINED_UP:
                lined_up = await self._store.change(
                    run.id, only_from=UNSENT_STEPS, step=Step.LINED_UP
                )

        if is_again:
            await self._queue.turn_again(run.id, run.owner, account)
        else:
            await self._queue.turn(run.id, run.owner, account, line_up)
        return lined_up

    async def _sent_once(self, run: Run) -> Run:
        """Send the create. Raises: KieError, UnknownModel, StoreProblem, WrongStep."""
        self.in_flight.add(run.id)
        try:
            async with self._access.client_in_time(run) as client:
                run = await self._marked_as_sending(run)
                return await self._create(run, client)
        finally:
            self.in_flight.discard(run.id)

    async def _marked_as_sending(self, run: Run) -> Run:
        """Write down that the create leaves, before it does.

        Only an unsent run can be marked, so of two that try only one goes on to send.
        Raises: UnknownModel, StoreProblem, WrongStep.
        """
        spec = await asyncio.to_thread(self._spec, run)
        built = build_input(spec, run.values, lambda ref: run.uploads[ref.path].url)
        return await self._store.change(
            run.id,
            only_from=UNSENT_STEPS,
            step=Step.SENDING,
            sent_at_ms=self._store.clock.now_ms(),
            request=build_body(spec, built, self._callback_url(run)),
            status_note=None,
        )

    def _spec(self, run: Run) -> ModelSpec:
        """Return the spec that a run was pressed by, as far as that can be told.

        Its model may have been removed or replaced since: then a former version knows its values.
        Blocks: models are read from the disk.
        Raises: UnknownModel.
        """
        own = [spec for spec in self._catalog.of(run.owner) if spec.model == run.model]
        collection = self._catalog.collection_name(run.owner)
        versions = [*own, *self._catalog.versions(run.model, collection)]
        if not versions:
            raise UnknownModel(run.model)
        return next((spec for spec in versions if _knows_all(spec, run)), versions[0])

    async def _create(self, run: Run, client: KieClient) -> Run:
        request = run.request or {}
        created = await client.create_task(
            run.model,
            request["input"],
            callback_url=request.get("callBackUrl"),
            attempts=1,  # each attempt takes from the budget anew
        )
        told: dict[str, Any] = {
            "step": Step.WAITING,
            "task_id": created.task_id,
            "answer": created.answer,
        }
        for wait_s in chain(KEEPING_WAITS_S, repeat(KEEPING_WAITS_S[-1])):
            try:
                return await self._store.change(run.id, **told, error=None)
            except StoreProblem as problem:
                log.critical("Run %s is task %s, which cannot be kept.", run.id, created.task_id)
                self._store.publish_unsaved(run.changed(self._store.clock.now_ms(), told), problem)
                await self._store.clock.sleep(wait_s)
        raise AssertionError("the waits never end")

    async def _unsent(self, run: Run, error: RunError) -> Run:
        """End a run that never left, unless someone else has sent or cancelled it meanwhile."""
        return await self._store.end(run.id, Step.FAILED, error, only_from=UNSENT_STEPS)

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
            return await self._store.end(run.id, Step.UNKNOWN, fate, answer=answer)
        return await self._store.end(run.id, Step.FAILED, RunError.of(error), answer=answer)


def _knows_all(spec: ModelSpec, run: Run) -> bool:
    return run.values.keys() <= {EXTRA, *(parameter.name for parameter in spec.parameters)}


def _wait_s(error: KieError, refusals: int) -> float | None:
    """Return how long to wait after a create that surely did not leave; None to give up."""
    if isinstance(error, Unreachable):
        return UNREACHABLE_WAITS_S[refusals] if refusals < len(UNREACHABLE_WAITS_S) else None
    if not error.may_retry:
        return None
    return RATE_LIMIT_WAITS_S[min(refusals, len(RATE_LIMIT_WAITS_S) - 1)]


def _unreadable(exc: OSError) -> RunError:
    return RunError(
        kind=type(exc).__name__,
        message="A picture of this run cannot be read any more.",
        advice="Choose it again.",
    )
