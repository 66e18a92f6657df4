"""Every model as a public endpoint: REST, and `gradio_client`.

Each built-in model has an endpoint with one argument per parameter; any model, added ones too, can
be called by its id through `/generate`. A call ends with its run, and returns the file, the task id
and the record. If the caller leaves earlier, the run continues.
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
from kie_ui.catalog.validate import InvalidValues
from kie_ui.runs.errors import RunsProblem
from kie_ui.runs.run import Run, Step
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.asgi.uploads import copy_to_cache
from kie_ui.ui.errors import gradio_error, to_gradio_error
from kie_ui.ui.form.components import ApiParameter, NotAPicture, ResultFile, media_ref
from kie_ui.ui.services import Services

GENERATE = "generate"
"""Name of the endpoint that calls any model by its id."""

Values = dict[str, Any]

_GENERATE_DESCRIPTION = (
    "Makes something with any of your models. Files in the input are web addresses or uploaded "
    "files. Ends when the result is ready."
)
_GENERATE_ARGUMENTS: dict[str, tuple[Any, str, str]] = {
    "model": (None, "string", "Id of the model, such as `maker/model`."),
    "input": ({}, "object", "Its parameters by their documented names."),
    "extra": ({}, "object", "Undocumented fields, sent as they are."),
}
"""By name: the default, the JSON type and the description."""
_FILE_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "FileData",
    "properties": {"path": {"type": "string"}, "meta": {"type": "object"}},
}


def build_endpoint(spec: ModelSpec, services: Services) -> None:
    """Add a model's public endpoint to the current Blocks context."""
    file = ResultFile(label="clip", visible=False)

    async def generate(request: gr.Request, /, **arguments: Any) -> AsyncIterator[tuple[Any, ...]]:
        """Make a run of named arguments."""
        owner = owner_of(request)
        run = await _ended_run(services, owner, spec.model, lambda: read_given(spec, arguments))
        (path,) = await _copy_results(services, run, [0])
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
    file = ResultFile(label="file", visible=False)
    files = ResultFile(label="files", visible=False, file_count="multiple")

    async def generate(request: gr.Request, /, **arguments: Any) -> AsyncIterator[tuple[Any, ...]]:
        """Make a run of a model that is called by its id."""
        owner, model = owner_of(request), str(arguments["model"])
        run = await _ended_run(
            services, owner, model, lambda: _read_any(services, owner, model, arguments)
        )
        stored = [index for index, clip in enumerate(run.clips) if clip.is_stored]
        paths = await _copy_results(services, run, stored)
        yield next(iter(paths), None), paths, run.task_id, run.record, run.written

    outputs = {"task_id": "string", "record": "object", "text": "string"}
    gr.on(
        [],
        generate,
        inputs_kwargs={
            name: ApiParameter(default, {"type": type_, "description": description})
            for name, (default, type_, description) in _GENERATE_ARGUMENTS.items()
        },
        outputs=[file, files, *(_output(name, type_) for name, type_ in outputs.items())],
        api_name=GENERATE,
        api_description=_GENERATE_DESCRIPTION,
        concurrency_limit=None,
    )


def _output(name: str, type_: str) -> Api:
    return Api(None, {"type": type_}, label=name)


def build_api_parameter(parameter: Parameter) -> ApiParameter:
    """Build the endpoint's argument for a parameter."""
    return ApiParameter(_default(parameter), schema_of(parameter), label=parameter.label)


def _default(parameter: Parameter) -> Any:
    """Return the documented default of the argument; never None, which would mean required."""
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
    """Return the JSON schema of a parameter, with its help as description."""
    return {**_type_schema(parameter), "description": parameter.help}


def _type_schema(parameter: Parameter | Column) -> dict[str, Any]:
    match parameter:
        case ChoiceParameter():
            one = {"type": parameter.of, "enum": list(parameter.values)}
            return {"type": "array", "items": one} if parameter.many else one
        case NumberParameter():
            return {"type": "integer" if parameter.is_whole else "number"}
        case SwitchParameter():
            return {"type": "boolean"}
        case MediaParameter():
            return _media_schema(parameter)
        case TableParameter() | JsonParameter():
            return _data_schema(parameter)
        case _:
            return {"type": "string"}


def _media_schema(parameter: MediaParameter) -> dict[str, Any]:
    one: list[dict[str, Any]] = [{"type": "string"}, _FILE_SCHEMA]
    many = {"type": "array", "items": {"anyOf": one}}
    return {"anyOf": [*one, many] if parameter.many else one}


def _data_schema(parameter: TableParameter | JsonParameter) -> dict[str, Any]:
    if isinstance(parameter, JsonParameter):
        return {"type": parameter.of, **parameter.json_schema}
    if parameter.is_bare:
        return {"type": "array", "items": schema_of(parameter.columns[0])}
    columns = {column.name: schema_of(column) for column in parameter.columns}
    return {"type": "array", "items": {"type": "object", "properties": columns}}


def read_given(spec: ModelSpec, arguments: Mapping[str, Any]) -> Values:
    """Read a call's arguments as the values of a form.

    Clients send the default of every argument that their caller left out, so an argument that
    equals its default counts as left out.
    """
    given = {
        parameter.name: arguments[parameter.name]
        for parameter in spec.parameters
        if parameter.name in arguments and arguments[parameter.name] != _default(parameter)
    }
    return read_input(spec, given)


def read_input(spec: ModelSpec, given: Mapping[str, Any]) -> Values:
    """Read a model's parameters as the values of a form, and fill in the documented defaults.

    Anything but a file of a parameter is left as it is, so that the check reports it beside every
    other problem.
    """
    media = {parameter.name for parameter in spec.media_parameters}
    values = {
        name: _media_refs(value) if name in media else value
        for name, value in given.items()
        if value is not None
    }
    return with_defaults(spec, values)


def _media_refs(value: Any) -> tuple[object, ...]:
    items = value if isinstance(value, (list, tuple)) else [value]
    return tuple(_ref_or_raw(item) for item in items if item)


def _ref_or_raw(item: object) -> object:
    try:
        return media_ref(item)
    except NotAPicture:
        return item


def _read_any(services: Services, owner: str, model: str, arguments: Mapping[str, Any]) -> Values:
    """Read a call of `/generate`. Blocks. Raises: UnknownModel; gr.Error, if it is malformed."""
    given, extra = (arguments.get(name) or {} for name in ("input", "extra"))
    if not isinstance(given, Mapping) or not isinstance(extra, Mapping):
        raise gradio_error("“input” and “extra” are JSON objects, by the names of parameters.")
    spec = services.catalog.of(owner).spec(model)
    values = read_input(spec, {name: value for name, value in given.items() if name != EXTRA})
    return {**values, EXTRA: dict(extra)}


async def _ended_run(services: Services, owner: str, model: str, read: Callable[[], Values]) -> Run:
    """Submit a run of the values that `read` returns, and wait for its end. Raises: gr.Error."""
    try:
        values = await asyncio.to_thread(read)
        runs = await services.runs()
        run = await runs.submit(owner, model, values, backend=services.backends.kind(owner))
    except (InvalidValues, UnknownModel, RunsProblem, OSError) as problem:
        raise to_gradio_error(problem) from problem
    try:
        run = await _wait_for_end(services, run)
    except (RunsProblem, OSError) as problem:
        raise to_gradio_error(problem, run.task_id) from problem
    if run.step is not Step.DONE:
        raise _failure(run)
    return run


async def _wait_for_end(services: Services, run: Run) -> Run:
    """Wait for the end of a run, up to a limit: the run itself is polled without one."""
    minutes = services.settings.call_timeout_minutes
    runs = await services.runs()
    try:
        async with asyncio.timeout(minutes * 60):
            return await runs.ended(run.owner, run.id)
    except TimeoutError:
        run = await runs.run(run.owner, run.id)
        note = f" {run.status_note}" if run.status_note else ""
        raise gradio_error(
            f"This run has not ended within {minutes:g} minutes.{note} "
            "It is still being watched: find it on the page.",
            run.task_id,
        ) from None


def _failure(run: Run) -> gr.Error:
    if run.error is None:
        return gradio_error(run.status_note or "The run ended without a clip.", run.task_id)
    return gradio_error(f"{run.error.message} {run.error.advice}".strip(), run.task_id)


async def _copy_results(services: Services, run: Run, indices: Iterable[int]) -> list[str]:
    """Copy results to where Gradio serves them to the caller. Raises: gr.Error."""
    try:
        runs = await services.runs()
        sources = [runs.clip_of(run, index) for index in indices]
        paths = [await asyncio.to_thread(copy_to_cache, source) for source in sources]
        await services.files.give(run.owner, paths)
    except (RunsProblem, OSError) as problem:
        raise to_gradio_error(problem, run.task_id) from problem
    return paths
