"""Each model as a public endpoint: REST, and `gradio_client`.

A call takes the documented parameters, ends when its run does, and brings the clip's file, the
task id and the record. An ended call is not a cancelled run: the run goes on without its caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import gradio as gr
from gradio.components.api_component import Api
from gradio.processing_utils import save_file_to_cache

from kie_ui.catalog.inputs import InvalidValues
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
)
from kie_ui.catalog.rules import with_defaults
from kie_ui.catalog.spec import ModelSpec
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.run import Run, Step
from kie_ui.ui.components import ApiParameter
from kie_ui.ui.pictures import NotAPicture, media_ref
from kie_ui.ui.refusals import refusal, refusal_of
from kie_ui.ui.services import Services
from kie_ui.ui.visitors import owner_of

_FILE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "FileData",
    "properties": {"path": {"type": "string"}, "meta": {"type": "object"}},
}


def build_api_parameter(parameter: Parameter) -> ApiParameter:
    """Build the endpoint's side of a parameter."""
    return ApiParameter(_default(parameter), _schema(parameter), label=parameter.label)


def build_endpoint(spec: ModelSpec, services: Services) -> None:
    """Add a model's public endpoint to the current Blocks context."""
    clip = gr.File(label="clip", visible=False)
    outputs = [clip, _output("task_id", "string"), _output("record", "object")]

    async def generate(request: gr.Request, **given: Any) -> AsyncIterator[tuple[Any, ...]]:
        owner = owner_of(request)
        run = await _started(spec, services, owner, given)
        try:
            run = await _ended(services, owner, run)
            runs = await services.runs()
            path = await runs.clip_file(owner, run.id)
            cached = await asyncio.to_thread(save_file_to_cache, path, clip.GRADIO_CACHE)
        except (RunsProblem, OSError) as problem:
            raise refusal(problem, run.task_id) from problem
        yield cached, run.task_id, run.record

    generate.__doc__ = f"{spec.summary} Ends when the clip is made."
    gr.on(
        [],
        generate,
        inputs_kwargs={p.name: build_api_parameter(p) for p in spec.parameters},
        outputs=outputs,
        api_name=spec.api_name,
        api_description=generate.__doc__,
        concurrency_limit=None,
    )


def _output(name: str, type_: str) -> Api:
    return Api(None, {"type": type_}, label=name)


async def _started(
    spec: ModelSpec, services: Services, owner: str, given: Mapping[str, Any]
) -> Run:
    try:
        values = read_given(spec, given)
        runs = await services.runs()
        return await runs.submit(owner, spec.model, values, backend=services.backends.kind(owner))
    except (InvalidValues, RunsProblem, OSError) as problem:
        raise refusal(problem) from problem


async def _ended(services: Services, owner: str, run: Run) -> Run:
    """Wait for the end of a run, but not for ever: what Kie never ends is watched without us."""
    limit_s = services.settings.call_timeout_minutes * 60
    runs = await services.runs()
    try:
        async with asyncio.timeout(limit_s):
            run = await runs.ended(owner, run.id)
    except TimeoutError:
        run = await runs.run(owner, run.id)
        raise refusal_of(
            f"This run has not ended within {services.settings.call_timeout_minutes:g} minutes. "
            f"{run.note or ''} It is still being watched: find it on the page.".replace("  ", " "),
            run.task_id,
        ) from None
    if run.step is not Step.DONE:
        raise _failure(run)
    return run


def _failure(run: Run) -> gr.Error:
    if run.error is None:
        return refusal_of("The run ended without a clip.", run.task_id)
    return refusal_of(f"{run.error.message} {run.error.advice}".strip(), run.task_id)


def read_given(spec: ModelSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Read a call's arguments as the values of a form.

    A client sends the default of every argument that its caller left out, so an argument that
    equals its default counts as left out; then the documented defaults are filled in, except
    where another one excludes them.
    What stands for no picture is left for the check, which tells it beside every other problem.
    """
    values: dict[str, Any] = {}
    for parameter in spec.parameters:
        value = given.get(parameter.name)
        if value is not None and value != _default(parameter):
            values[parameter.name] = _read(parameter, value)
    return with_defaults(spec, values)


def _read(parameter: Parameter, value: Any) -> Any:
    if not isinstance(parameter, MediaParameter):
        return value
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(_ref_or_raw(item) for item in items if item)


def _ref_or_raw(item: object) -> object:
    try:
        return media_ref(item)
    except NotAPicture:
        return item


def _default(parameter: Parameter) -> Any:
    """Return what the endpoint documents as default; never None, which would mean required."""
    if isinstance(parameter, MediaParameter):
        return list(parameter.default) if parameter.many else "".join(parameter.default[:1])
    if parameter.default is None:
        return ""
    if isinstance(parameter, NumberParameter) and parameter.is_whole:
        return int(parameter.default)
    return parameter.default


def _schema(parameter: Parameter) -> dict[str, Any]:
    described = {"description": parameter.help}
    match parameter:
        case ChoiceParameter():
            return {"type": "string", "enum": list(parameter.values), **described}
        case NumberParameter():
            return {"type": "integer" if parameter.is_whole else "number", **described}
        case SwitchParameter():
            return {"type": "boolean", **described}
        case MediaParameter():
            one: list[dict[str, Any]] = [{"type": "string"}, _FILE_SCHEMA]
            many = {"type": "array", "items": {"anyOf": one}}
            return {"anyOf": [*one, many] if parameter.many else one, **described}
        case _:
            return {"type": "string", **described}
