"""Whether a create request can be accepted: the documented types first, then the spec's limits.

The form's own check forgives what a person may type, such as 6 for the documented "6". The service
does not, so the types of the wire are checked here before the spec is asked.
Source: Kie documentation, "Request Parameters" and "input Object Parameters".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from kie_ui.catalog.inputs import InvalidValues, check_values
from kie_ui.catalog.media import UrlRef, is_web_address
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TextParameter,
)
from kie_ui.catalog.registry import Registry, UnknownModel
from kie_ui.catalog.spec import ModelSpec
from kie_ui.simulator.answers import Refused, missing_field


class CheckedRequest(NamedTuple):
    """A create that can be accepted. `values` hold plain addresses where pictures are wanted."""

    spec: ModelSpec
    values: dict[str, Any]
    callback_url: str | None


def check_request(registry: Registry, body: Mapping[str, Any]) -> CheckedRequest:
    """Check the complete body of a create.

    Fields that the model does not have are dropped, as the service does. Raises: Refused.
    """
    spec = _spec(registry, body)
    given = body.get("input")
    if given is None:
        raise missing_field("input")
    if not isinstance(given, dict):
        raise Refused(422, "input must be an object.")
    values = _check_input(spec, given)
    return CheckedRequest(spec, values, _callback_url(body))


def _spec(registry: Registry, body: Mapping[str, Any]) -> ModelSpec:
    model = body.get("model")
    if model is None or model == "":
        raise missing_field("model")
    try:
        return registry.spec(model)
    except (UnknownModel, TypeError):
        raise Refused(
            422, f"The model name you specified is not supported: {model!s:.100}"
        ) from None


def _check_input(spec: ModelSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for parameter in spec.parameters:
        value = given.get(parameter.name)
        if value is None or value == "":
            if parameter.required:
                raise missing_field(parameter.name)
            continue
        if not _has_wire_type(parameter, value):
            raise Refused(422, f"{parameter.name} must be {_type_in_words(parameter)}.")
        known[parameter.name] = value
    try:
        checked = check_values(spec, known)
    except InvalidValues as error:
        raise Refused(422, str(error)) from None
    return _with_optional_defaults(spec, _plain(spec, checked))


def _has_wire_type(parameter: Parameter, value: Any) -> bool:
    match parameter:
        case TextParameter() | ChoiceParameter():
            return isinstance(value, str)
        case NumberParameter():
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case SwitchParameter():
            return isinstance(value, bool)
        case MediaParameter(many=True):
            return isinstance(value, list) and all(isinstance(item, str) for item in value)
        case MediaParameter():
            return isinstance(value, str)


def _type_in_words(parameter: Parameter) -> str:
    if parameter.wire_type == "array":
        return "a list of addresses"
    article = "an" if parameter.wire_type == "integer" else "a"
    return f"{article} {parameter.wire_type}"


def _plain(spec: ModelSpec, checked: Mapping[str, Any]) -> dict[str, Any]:
    """Replace the references of `check_values` by the addresses they hold."""
    media = {parameter.name for parameter in spec.media_parameters}
    return {
        name: [ref.url for ref in value if isinstance(ref, UrlRef)] if name in media else value
        for name, value in checked.items()
    }


def _with_optional_defaults(spec: ModelSpec, values: dict[str, Any]) -> dict[str, Any]:
    """Fill in what the service fills in: optional choices, numbers and switches.

    It does not invent pictures and prompts. Source: observed live, "Envelope and errors".
    """
    for parameter in spec.parameters:
        is_filled_in = isinstance(parameter, (ChoiceParameter, NumberParameter, SwitchParameter))
        if is_filled_in and parameter.default is not None:
            values.setdefault(parameter.name, parameter.default)
    return values


def _callback_url(body: Mapping[str, Any]) -> str | None:
    url = body.get("callBackUrl")
    if url is None or url == "":
        return None
    if not isinstance(url, str) or not is_web_address(url):
        raise Refused(422, "callBackUrl must be a web address.")
    return url
