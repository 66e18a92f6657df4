"""The arguments of an endpoint: what each parameter takes, by which default, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
from kie_ui.catalog.rules import with_defaults
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.components import ApiParameter
from kie_ui.ui.pictures import NotAPicture, media_ref

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
