"""Generate was pressed: check the values, copy the files, save the run, hand it to the engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from kie_ui.catalog.constraints import named
from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.registry import Catalog
from kie_ui.catalog.request import estimate_credits
from kie_ui.catalog.rules import EXTRA, Problem, in_effect, notices
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import InvalidValues, check_values
from kie_ui.catalog.values import FileRef, MediaRef, as_media
from kie_ui.media.formats import MediaProblem, PreparedFile
from kie_ui.media.images.convert import picture_limits, prepare_picture
from kie_ui.media.storage import Storage, explain_os_error
from kie_ui.runs.accounts import Backends
from kie_ui.runs.errors import KeyMissing, StoreProblem
from kie_ui.runs.lifecycle.engine import RunEngine
from kie_ui.runs.limits import Quota
from kie_ui.runs.run import BackendKind, Payer, Run, Step, StepChange
from kie_ui.runs.storage.run_store import RunStore

MAX_CONCURRENT = 2
"""Pictures decoded at the same time: each may take hundreds of megabytes for a moment."""

MAX_BYTES = 100_000_000
"""What this program takes of other files where a model documents no limit."""

_REFS: TypeAdapter[tuple[MediaRef, ...]] = TypeAdapter(tuple[MediaRef, ...])


@dataclass(frozen=True)
class PreparedInput:
    """What a new run starts from."""

    values: dict[str, Any]
    """Checked; each `FileRef` holds a name in the storage."""
    notices: tuple[str, ...]
    changes: tuple[str, ...]
    estimated_credits: float | None


class InputPreparer:
    """Checks values and copies their files into the storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._room = asyncio.Semaphore(MAX_CONCURRENT)

    async def prepare(self, spec: ModelSpec, values: Mapping[str, Any]) -> PreparedInput:
        """Check everything, and copy the files once all is well.

        Raises: InvalidValues, with the problems of values and of files at once; OSError if the
        files can't be written.
        """
        checked, problems = _checked(spec, values)
        media = _media_given(spec, values if problems else checked, {p.parameter for p in problems})
        async with self._room:
            kept, changes, picture_problems = await asyncio.to_thread(self._keep, media, problems)
        problems += picture_problems
        if problems:
            raise InvalidValues(tuple(problems))
        extra = {name: value for name, value in checked.items() if name == EXTRA}
        return PreparedInput(
            values={**checked, **kept},
            notices=tuple(notice.message for notice in notices(spec, {**values, **extra})),
            changes=changes,
            estimated_credits=estimate_credits(spec, in_effect(checked)),
        )

    def _keep(
        self, media: dict[MediaParameter, tuple[MediaRef, ...]], problems: list[Problem]
    ) -> tuple[dict[str, tuple[MediaRef, ...]], tuple[str, ...], list[Problem]]:
        """Make all pictures fit, and keep them only if there is no problem at all. Blocks."""
        with TemporaryDirectory(prefix="kie-ui-") as folder:
            prepared, found = _prepare_all(media, Path(folder))
            if problems or found:
                return {}, (), found
            kept = {
                parameter.name: tuple(self._kept(ref, prepared) for ref in refs)
                for parameter, refs in media.items()
            }
        changes = (change for picture in prepared.values() for change in picture.changes)
        return kept, tuple(dict.fromkeys(changes)), found

    def _kept(self, ref: MediaRef, prepared: Mapping[FileRef, PreparedFile]) -> MediaRef:
        if not isinstance(ref, FileRef):
            return ref
        picture = prepared[ref]
        kept = self._storage.keep_input(picture.path, picture.suffix)
        return FileRef(path=kept.name, name=ref.name)


def _checked(spec: ModelSpec, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    try:
        return check_values(spec, values), []
    except InvalidValues as invalid:
        return {}, list(invalid.problems)


def _media_given(
    spec: ModelSpec, values: Mapping[str, Any], without: set[str]
) -> dict[MediaParameter, tuple[MediaRef, ...]]:
    """Find the pictures among values, also among such as have problems elsewhere."""
    media: dict[MediaParameter, tuple[MediaRef, ...]] = {}
    for parameter in spec.media_parameters:
        given = values.get(parameter.name)
        if given is None or parameter.name in without:
            continue
        items = given if isinstance(given, (list, tuple)) else [given]
        with suppress(ValidationError):  # `check_values` has reported it already
            media[parameter] = _REFS.validate_python(tuple(as_media(item) for item in items))
    return media


def _prepare_all(
    media: Mapping[MediaParameter, tuple[MediaRef, ...]], folder: Path
) -> tuple[dict[FileRef, PreparedFile], list[Problem]]:
    prepared: dict[FileRef, PreparedFile] = {}
    problems: dict[str, Problem] = {}
    files = ((p, ref) for p, refs in media.items() for ref in refs if isinstance(ref, FileRef))
    for parameter, ref in files:
        try:
            prepared[ref] = _prepare(parameter, Path(ref.path), folder)
        except MediaProblem as exc:
            words = f"{named(parameter)}: {exc}"
            problems.setdefault(parameter.name, Problem(parameter.name, words))
        except FileNotFoundError:
            gone = f"{named(parameter)} is gone from this computer: choose it again."
            problems.setdefault(parameter.name, Problem(parameter.name, gone))
    return prepared, list(problems.values())


def _prepare(parameter: MediaParameter, source: Path, folder: Path) -> PreparedFile:
    """Make a picture fit, and look into anything else. Raises: MediaProblem."""
    from kie_ui.media.probe import check_given

    if parameter.media == "image":
        return prepare_picture(source, folder, picture_limits(parameter))
    max_bytes = parameter.max_bytes or MAX_BYTES
    return check_given(source, parameter.media, max_bytes, parameter.accepts)


@dataclass(kw_only=True, eq=False)
class Submitter:
    """Saves new runs, for this process to take on."""

    holder: str
    catalog: Catalog
    store: RunStore
    backends: Backends
    input_preparer: InputPreparer
    quota: Quota
    engine: RunEngine

    async def submit(
        self, owner: str, model: str, values: Mapping[str, Any], backend: BackendKind
    ) -> Run:
        """Check a new run, copy its files, save it, and start it.

        Raises: InvalidValues, UnknownModel, KeyMissing, QuotaUsedUp, StoreProblem.
        """
        models = await asyncio.to_thread(self.catalog.of, owner)
        spec = models.spec(model)
        paid_by = await self._payer(owner, backend)
        try:
            prepared = await self.input_preparer.prepare(spec, values)
        except OSError as exc:
            raise StoreProblem(explain_os_error(exc)) from exc
        new = self._new_run(owner, model, prepared, backend, paid_by)
        return await self._save_and_advance(new, lambda: self.store.add(new))

    async def submit_again(self, old: Run) -> Run:
        """Make a new run of one of unknown outcome, with the same key, once.

        Raises: WrongStep, KeyMissing, QuotaUsedUp, StoreProblem.
        """
        paid_by = await self._payer(old.owner, old.backend, old.paid_by)
        prepared = PreparedInput(old.values, old.notices, old.changes, old.estimated_credits)
        new = self._new_run(old.owner, old.model, prepared, old.backend, paid_by)
        new = new.model_copy(update={"uploads": old.uploads})
        return await self._save_and_advance(new, lambda: self.store.add_in_place_of(old.id, new))

    async def _save_and_advance(self, new: Run, save: Callable[[], Awaitable[Run]]) -> Run:
        async def work() -> Run:
            async with self.quota.counting(new):
                run = await save()
            self.engine.advance(run)
            return run

        # Both or neither: a caller that leaves in between would leave a run that surprises at the
        # next start.
        return await asyncio.shield(work())

    async def _payer(
        self, owner: str, backend: BackendKind, fixed: Payer | None = None
    ) -> Payer | None:
        """Return whose key pays for a run. Raises: KeyMissing."""
        paid_by = fixed or self.backends.payer(owner, backend)
        if await self.backends.backend(owner, backend, paid_by) is None:
            raise KeyMissing(of_server=paid_by == "server")
        return paid_by

    def _new_run(
        self,
        owner: str,
        model: str,
        prepared: PreparedInput,
        backend: BackendKind,
        paid_by: Payer | None,
    ) -> Run:
        now_ms = self.store.clock.now_ms()
        return Run(
            id=uuid4().hex,
            owner=owner,
            holder=self.holder,
            backend=backend,
            paid_by=paid_by,
            model=model,
            values=prepared.values,
            notices=prepared.notices,
            changes=prepared.changes,
            estimated_credits=prepared.estimated_credits,
            step_changes=(StepChange(Step.PREPARING, now_ms),),
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
