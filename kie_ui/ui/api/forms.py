"""A form's own routes: the press, and what is shown of its values while they are typed.

Gradio's events would do, but for each page that sends one Gradio copies the configuration of every
component: that was half of what a press costs.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
from pydantic import BaseModel

from kie_ui.catalog.code_samples import CodeSamples, build_code_samples
from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.rules import Problem
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import InvalidValues, check_part
from kie_ui.catalog.values import FileRef
from kie_ui.media.storage import explain_os_error
from kie_ui.settings import ASSETS
from kie_ui.ui.api.requests import ApiRequest, ApiRoute, JsonObject, text_field
from kie_ui.ui.asgi.gradio_isolation import MISSING_FILE, files_named
from kie_ui.ui.asgi.uploads import copy_to_cache, upload_folder
from kie_ui.ui.errors import BadRequest
from kie_ui.ui.form.components import (
    UPLOAD_META,
    Look,
    NotAPicture,
    UploadedFile,
    look_at,
    media_ref,
)
from kie_ui.ui.form.values import FormState, Note, describe_state, in_sight, notes_of, read_values

MAX_FORM_BYTES = 4 * 1024 * 1024
MAX_WAIT_S = 6.0
"""How long a press waits in front of a busy server before it is refused."""


class Pressed(BaseModel):
    """The answer to a press: the run that was started, or what is wrong in the form."""

    run_id: str | None = None
    refusal: str | None = None
    notes: list[Note] = []


@dataclass(frozen=True)
class FormRequest:
    """A form as it was sent."""

    spec: ModelSpec
    raw: Mapping[str, Any]
    body: JsonObject

    @property
    def values(self) -> dict[str, Any]:
        """Its values by the names of the spec's parameters."""
        return read_values(self.spec, self.raw)


async def press(request: ApiRequest) -> Pressed:
    """Start a run of what the form holds; nothing in the form changes."""
    form = await _read(request)
    try:
        async with _turn(request.services.presses):
            runs = await request.runs()
            kind = request.services.backends.kind(request.owner)
            run = await runs.submit(request.owner, form.spec.model, form.values, backend=kind)
    except InvalidValues as invalid:
        return _refusal(form, invalid.problems)
    except OSError as problem:
        raise BadRequest(explain_os_error(problem), 507) from problem
    return Pressed(run_id=run.id)


@asynccontextmanager
async def _turn(room: asyncio.Semaphore) -> AsyncIterator[None]:
    """Wait in order for room, and hold it for the block. Raises: BadRequest, after `MAX_WAIT_S`."""
    try:
        async with asyncio.timeout(MAX_WAIT_S):
            await room.acquire()
    except TimeoutError:
        raise BadRequest("Not sent: the server is busy. Press again in a moment.", 503) from None
    try:
        yield
    finally:
        room.release()


def _refusal(form: FormRequest, problems: tuple[Problem, ...]) -> Pressed:
    """Say every problem at its field; one of no field beside the button."""
    notes = list(notes_of(in_sight(form.spec, problems, form.raw)))
    what = f"{len(notes)} fields need" if len(notes) > 1 else "one field needs"
    refusal = f"Not sent: {what} another look."
    return Pressed(refusal=refusal, notes=notes)


async def check(request: ApiRequest) -> FormState:
    """Return the price and the notes of what the form holds; after a press also what is missing."""
    form = await _read(request)
    shows_problems = form.body.get("shows_problems") is True
    return describe_state(form.spec, form.raw, shows_problems=shows_problems)


async def write_code(request: ApiRequest) -> CodeSamples:
    """Return the code of the request."""
    form, settings = await _read(request), request.services.settings
    checked, _ = check_part(form.spec, form.values)
    return build_code_samples(
        form.spec, checked, settings.kie_api_base_url, settings.kie_upload_base_url
    )


# Decoding takes memory for a moment, so few pictures are inspected together.
_LOOKS = anyio.CapacityLimiter(2)


async def look(request: ApiRequest) -> Look:
    """Describe a picture that was given to a form."""
    form = await _read(request)
    parameter = _picture_parameter(form)
    try:
        picture = media_ref(form.raw.get(parameter.name))
    except NotAPicture:
        return Look(is_gone=True)
    if not isinstance(picture, FileRef) or not await anyio.Path(picture.path).is_file():
        return Look(is_gone=True)
    looked = await anyio.to_thread.run_sync(look_at, parameter, picture, limiter=_LOOKS)
    if looked.instead:
        await request.services.files.give(request.owner, [looked.instead["path"]])
    return looked


async def give_sample(request: ApiRequest) -> UploadedFile:
    """Return a picture to try a field with."""
    parameter = _picture_parameter(await _read(request))
    if parameter.sample is None:
        raise BadRequest("There is no sample picture for this field.", 404)
    sample = ASSETS / parameter.sample
    path = await asyncio.to_thread(copy_to_cache, sample)
    return {"path": path, "orig_name": sample.name, "meta": UPLOAD_META}


def _picture_parameter(form: FormRequest) -> MediaParameter:
    name = text_field(form.body, "parameter")
    found = next((p for p in form.spec.media_parameters if p.name == name), None)
    if found is None:
        raise BadRequest("There is no such field.", 404)
    return found


async def _read(request: ApiRequest) -> FormRequest:
    """Read a form; a file of somebody else's counts as one that is gone. Raises: BadRequest."""
    body = await request.json_object(MAX_FORM_BYTES)
    raw = body.get("values", {})
    if not isinstance(raw, dict):
        raise BadRequest("This request lacks the values of a form.")
    model = text_field(body, "model")
    try:
        spec = (await request.models()).spec(model)
    except UnknownModel:
        gone = f"“{model}” is no longer here: add its page again in the Models tab."
        raise BadRequest(gone, 404) from None
    if request.services.settings.has_many_visitors:
        for file in files_named(raw):
            if not await request.services.files.may_use(request.owner, file["path"]):
                file["path"] = str(upload_folder() / MISSING_FILE)
    return FormRequest(spec, raw, body)


ROUTES = (
    ApiRoute("POST", "/forms/press", press),
    ApiRoute("POST", "/forms/check", check),
    ApiRoute("POST", "/forms/code", write_code),
    ApiRoute("POST", "/forms/look", look),
    ApiRoute("POST", "/forms/sample", give_sample),
)
