"""Whether a create request can be accepted: the documented types first, then the spec's limits.

Source: Kie documentation, "Request Parameters" and "input Object Parameters".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kie_ui.catalog.inputs import InvalidValues, check_values
from kie_ui.catalog.media import JsonValue, UrlRef, is_web_address
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TableParameter,
)
from kie_ui.catalog.registry import Catalog
from kie_ui.catalog.spec import ModelSpec
from kie_ui.simulator.answers import Refused, missing_field
from kie_ui.simulator.wire_types import type_problem


class CheckedRequest(NamedTuple):
    """A create that can be accepted. `values` hold plain addresses where pictures are wanted."""

    spec: ModelSpec
    values: dict[str, Any]
    callback_url: str | None


def check_request(catalog: Catalog, body: Mapping[str, Any], shelf: str = "") -> CheckedRequest:
    """Check the complete body of a create; `shelf` names whose models count beside everyone's.

    It has to be valid for one version of the model's page, for who sends it may not have read the
    newest one. Fields that the model does not have are dropped, as the service does.
    Raises: Refused, for the reason that the newest version gives.
    """
    versions = _versions(catalog, body, shelf)
    given = body.get("input")
    if given is None:
        raise missing_field("input")
    if not isinstance(given, dict):
        raise Refused(422, "input must be an object.")
    spec, values = _check_versions(versions, given)
    return CheckedRequest(spec, values, _callback_url(body))


def _versions(catalog: Catalog, body: Mapping[str, Any], shelf: str) -> tuple[ModelSpec, ...]:
    model = body.get("model")
    if model is None or model == "":
        raise missing_field("model")
    versions = catalog.versions(model, shelf) if isinstance(model, str) else ()
    if not versions:
        raise Refused(422, f"The model name you specified is not supported: {model!s:.100}")
    return versions


def _check_versions(
    versions: tuple[ModelSpec, ...], given: Mapping[str, Any]
) -> tuple[ModelSpec, dict[str, Any]]:
    refusals: list[Refused] = []
    for spec in versions:
        try:
            return spec, _check_input(spec, given)
        except Refused as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _check_input(spec: ModelSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for parameter in spec.parameters:
        value = given.get(parameter.name)
        if value is None or value == "":
            if parameter.required:
                raise missing_field(parameter.name)
            continue
        problem = type_problem(parameter, value)
        if problem is not None:
            raise Refused(422, f"{parameter.name} {problem}.")
        known[parameter.name] = _without_strange_columns(parameter, value)
    try:
        checked = check_values(spec, known)
    except InvalidValues as error:
        raise Refused(422, str(error)) from None
    return _with_optional_defaults(spec, _plain(spec, checked))


def _without_strange_columns(parameter: Parameter, value: Any) -> Any:
    """Drop what a row holds and no column is there for, as fields are dropped."""
    if not isinstance(parameter, TableParameter) or parameter.is_bare:
        return value
    names = {column.name for column in parameter.columns}
    return [{name: cell for name, cell in row.items() if name in names} for row in value]


def _plain(spec: ModelSpec, checked: Mapping[str, Any]) -> dict[str, Any]:
    """Replace what `check_values` wraps by what it holds: addresses, lists and objects."""
    media = {parameter.name for parameter in spec.media_parameters}
    return {
        name: [ref.url for ref in value if isinstance(ref, UrlRef)]
        if name in media
        else _unwrapped(value)
        for name, value in checked.items()
    }


def _unwrapped(value: Any) -> Any:
    return value.value if isinstance(value, JsonValue) else value


def _with_optional_defaults(spec: ModelSpec, values: dict[str, Any]) -> dict[str, Any]:
    """Fill in what the service fills in: optional choices, numbers and switches.

    It does not invent pictures and prompts. Source: observed live, "Envelope and errors".
    """
    for parameter in spec.parameters:
        is_filled_in = isinstance(parameter, (ChoiceParameter, NumberParameter, SwitchParameter))
        if is_filled_in and parameter.default is not None:
            values.setdefault(parameter.name, _as_data(parameter.default))
    return values


def _as_data(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


def _callback_url(body: Mapping[str, Any]) -> str | None:
    url = body.get("callBackUrl")
    if url is None or url == "":
        return None
    if not isinstance(url, str) or not is_web_address(url):
        raise Refused(422, "callBackUrl must be a web address.")
    return url
