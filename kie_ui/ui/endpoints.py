"""Every model as a public endpoint: REST, and `gradio_client`.

The built-in ones have an endpoint each, with an argument a parameter; any other is called by its
id through `/generate`, from the moment that it was added. A call ends when its run does, and
brings the file, the task id and the record. An ended call is not a cancelled run: the run goes on
without its caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

import gradio as gr
from gradio.components.api_component import Api

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    Column,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TableParameter,
)
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.rules import EXTRA, with_defaults
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validation.validate import InvalidValues
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.run import Run, Step
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.asgi.uploads import copy_to_cache
from kie_ui.ui.errors import refusal, refusal_of
from kie_ui.ui.form.components import ApiParameter
from kie_ui.ui.form.media_input import NotAPicture, media_ref
from kie_ui.ui.services import Services

_FILE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "FileData",
    "properties": {"path": {"type": "string"}, "meta": {"type": "object"}},
}


def build_api_parameter(parameter: Parameter) -> ApiParameter:
    """Build the endpoint's side of a parameter."""
    return ApiParameter(_default(parameter), schema_of(parameter), label=parameter.label)


def read_given(spec: ModelSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Read a call's arguments as the values of a form.

    A client sends the default of every argument that its caller left out, so an argument that
    equals its default counts as left out; then the documented defaults are filled in, except
    where another one excludes them.
    """
    said = {
        parameter.name: given[parameter.name]
        for parameter in spec.parameters
        if parameter.name in given and given[parameter.name] != _default(parameter)
    }
    return read_input(spec, said)


def read_input(spec: ModelSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Read what was said of a model's parameters as the values of a form, and fill in the rest.

    What stands for no file, or is no parameter, is left for the check, which tells it beside
    every other problem.
    """
    media = {parameter.name for parameter in spec.media_parameters}
    said = {name: value for name, value in given.items() if value is not None}
    values = {name: _refs(value) if name in media else value for name, value in said.items()}
    return with_defaults(spec, values)


def _refs(value: Any) -> tuple[object, ...]:
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(_ref_or_raw(item) for item in items if item)


def _ref_or_raw(item: object) -> object:
    try:
        return media_ref(item)
    except NotAPicture:
        return item


def _default(parameter: Parameter) -> Any:
    """Return what the endpoint documents as default; never None, which would mean required."""
    match parameter:
        case MediaParameter(many=False):
            return "".join(parameter.default[:1])
        case MediaParameter() | TableParameter():
            return list(parameter.default)
        case ChoiceParameter(default=tuple() as several):
            return list(several)
        case NumberParameter(default=float() as number) if parameter.is_whole:
            return int(number)
        case _:
            return "" if parameter.default is None else parameter.default


def schema_of(parameter: Parameter | Column) -> dict[str, Any]:
    """Describe what a parameter takes, as JSON schema and in the words of its page."""
    return {**_shape_of(parameter), "description": parameter.help}


def _shape_of(parameter: Parameter | Column) -> dict[str, Any]:
    match parameter:
        case ChoiceParameter():
            one = {"type": parameter.of, "enum": list(parameter.values)}
            return {"type": "array", "items": one} if parameter.many else one
        case NumberParameter():
            return {"type": "integer" if parameter.is_whole else "number"}
        case SwitchParameter():
            return {"type": "boolean"}
        case MediaParameter():
            return _media_shape(parameter)
        case TableParameter() | JsonParameter():
            return _data_shape(parameter)
        case _:
            return {"type": "string"}


def _media_shape(parameter: MediaParameter) -> dict[str, Any]:
    one: list[dict[str, Any]] = [{"type": "string"}, _FILE_SCHEMA]
    many = {"type": "array", "items": {"anyOf": one}}
    return {"anyOf": [*one, many] if parameter.many else one}


def _data_shape(parameter: TableParameter | JsonParameter) -> dict[str, Any]:
    if isinstance(parameter, JsonParameter):
        return {"type": parameter.of, **parameter.json_schema}
    columns = {column.name: schema_of(column) for column in parameter.columns}
    rows = {"type": "object", "properties": columns}
    return {
        "type": "array",
        "items": schema_of(parameter.columns[0]) if parameter.is_bare else rows,
    }


GENERATE = "generate"
"""Name of the endpoint that calls any model by its id."""

Values = dict[str, Any]


def build_endpoint(spec: ModelSpec, services: Services) -> None:
    """Add a model's public endpoint to the current Blocks context."""
    file = gr.File(label="clip", visible=False)

    async def generate(request: gr.Request, /, **given: Any) -> AsyncIterator[tuple[Any, ...]]:
        """Make a run of named arguments."""
        owner = owner_of(request)
        run = await _ended_run(services, owner, spec.model, lambda: read_given(spec, given))
        (path,) = await _files(services, owner, run, [0])
        yield path, run.task_id, run.record

    gr.on(
        [],
        generate,
        inputs_kwargs={p.name: build_api_parameter(p) for p in spec.parameters},
        outputs=[file, _output("task_id", "string"), _output("record", "object")],
        api_name=spec.api_name,
        api_description=f"{spec.summary} Ends when the clip is made.",
        concurrency_limit=None,
    )


def build_generate(services: Services) -> None:
    """Add the public endpoint of every model, the caller's own too, to the current context."""
    file = gr.File(label="file", visible=False)
    files = gr.File(label="files", visible=False, file_count="multiple")

    async def generate(request: gr.Request, /, **given: Any) -> AsyncIterator[tuple[Any, ...]]:
        """Make a run of a model that is called by its id."""
        owner = owner_of(request)
        model = str(given["model"])
        run = await _ended_run(
            services, owner, model, lambda: _read_any(services, owner, model, given)
        )
        stored = [place for place, clip in enumerate(run.clips) if clip.is_stored]
        paths = await _files(services, owner, run, stored)
        yield next(iter(paths), None), paths, run.task_id, run.record, run.written

    gr.on(
        [],
        generate,
        inputs_kwargs={name: _argument(*said) for name, said in _ARGUMENTS.items()},
        outputs=[file, files, *(_output(name, type_) for name, type_ in _OUTPUTS.items())],
        api_name=GENERATE,
        api_description=_ABOUT,
        concurrency_limit=None,
    )


_ARGUMENTS: dict[str, tuple[Any, str, str]] = {
    "model": (None, "string", "Id of the model, such as `maker/model`."),
    "input": ({}, "object", "Its parameters by their documented names."),
    "extra": ({}, "object", "Fields that no page documents, sent as they are."),
}
_OUTPUTS = {"task_id": "string", "record": "object", "text": "string"}
_ABOUT = (
    "Makes something with any model of yours. A file among the input is a web address, or one "
    "that was uploaded. Ends when the result is there."
)


def _argument(default: Any, type_: str, description: str) -> ApiParameter:
    return ApiParameter(default, {"type": type_, "description": description})


def _output(name: str, type_: str) -> Api:
    return Api(None, {"type": type_}, label=name)


def _read_any(services: Services, owner: str, model: str, given: Mapping[str, Any]) -> Values:
    """Read a call of any model. Raises: UnknownModel, and gr.Error where it is no such call."""
    said, extra = (given.get(name) or {} for name in ("input", "extra"))
    if not isinstance(said, Mapping) or not isinstance(extra, Mapping):
        raise refusal_of("“input” and “extra” are JSON objects, by the names of parameters.")
    spec = services.catalog.of(owner).spec(model)
    values = read_input(spec, {name: value for name, value in said.items() if name != EXTRA})
    return {**values, EXTRA: dict(extra)}


async def _ended_run(services: Services, owner: str, model: str, read: Callable[[], Values]) -> Run:
    """Start a run of what a call says, and wait for its end."""
    try:
        values = await asyncio.to_thread(read)
        runs = await services.runs()
        run = await runs.submit(owner, model, values, backend=services.backends.kind(owner))
    except (InvalidValues, UnknownModel, RunsProblem, OSError) as problem:
        raise refusal(problem) from problem
    try:
        return await _ended(services, owner, run)
    except (RunsProblem, OSError) as problem:
        raise refusal(problem, run.task_id) from problem


async def _files(services: Services, owner: str, run: Run, places: Iterable[int]) -> list[str]:
    """Lay results of an ended run where its caller finds them."""
    try:
        runs = await services.runs()
        paths = [await runs.clip_file(owner, run.id, place) for place in places]
        cached = [await asyncio.to_thread(copy_to_cache, path) for path in paths]
        await services.files.give(owner, cached)
    except (RunsProblem, OSError) as problem:
        raise refusal(problem, run.task_id) from problem
    return cached


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
            f"{run.status_note or ''} It is still being watched: find it on the page.".replace(
                "  ", " "
            ),
            run.task_id,
        ) from None
    if run.step is not Step.DONE:
        raise _failure(run)
    return run


def _failure(run: Run) -> gr.Error:
    if run.error is None:
        return refusal_of(run.status_note or "The run ended without a clip.", run.task_id)
    return refusal_of(f"{run.error.message} {run.error.advice}".strip(), run.task_id)
