"""Whether a create can be accepted: the documented types first, then the limits of the spec.

Source: Kie documentation, "Request Parameters" and "input Object Parameters".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kie_ui.catalog.media_types import OCTET_STREAM, canonical_mime, is_accepted, kind_of
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TableParameter,
    WireType,
)
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.validate import InvalidValues, check_values
from kie_ui.catalog.values import JsonValue, UrlRef, is_web_address
from kie_ui.media.formats import mime_of, read_prefix
from kie_ui.simulator.config import FindVersions
from kie_ui.simulator.responses import Refused, missing_field
from kie_ui.simulator.store import FileRow

_ARTICLES = {"integer": "an integer", "array": "a list", "object": "an object"}


def type_problem(parameter: Parameter, value: Any) -> str | None:
    """Return what a value of a wrong type must be; None where its type is right."""
    match parameter:
        case ChoiceParameter(many=True):
            is_right = _is_list_of(parameter.of, value)
            return None if is_right else f"must be a list of {parameter.of}s"
        case MediaParameter(many=True):
            return None if _is_list_of("string", value) else "must be a list of addresses"
        case TableParameter():
            return _of_rows(parameter, value)
        case _:
            wanted = "string" if isinstance(parameter, MediaParameter) else parameter.wire_type
            is_right = _is_of_type(wanted, value)
            return None if is_right else f"must be {_ARTICLES.get(wanted, f'a {wanted}')}"


def _is_of_type(wanted: WireType, value: Any) -> bool:
    from jsonschema import Draft202012Validator

    return bool(Draft202012Validator.TYPE_CHECKER.is_type(value, wanted))


def _is_list_of(wanted: WireType, value: Any) -> bool:
    return isinstance(value, list) and all(_is_of_type(wanted, item) for item in value)


def _of_rows(parameter: TableParameter, value: Any) -> str | None:
    if not isinstance(value, list):
        return "must be a list of rows"
    for number, row in enumerate(value, start=1):
        problem = _of_row(parameter, row)
        if problem is not None:
            return f"has a row {number} of which {problem}"
    return None


def _of_row(parameter: TableParameter, row: Any) -> str | None:
    if parameter.is_bare:
        problem = type_problem(parameter.columns[0], row)
        return problem and f"the value {problem}"
    if not isinstance(row, dict):
        return "the whole must be an object"
    for column in parameter.columns:
        if row.get(column.name) is None:
            continue
        problem = type_problem(column, row[column.name])
        if problem is not None:
            return f"{column.name} {problem}"
    return None


class CheckedRequest(NamedTuple):
    """A create that can be accepted. `values` hold media as plain addresses."""

    spec: ModelSpec
    values: dict[str, Any]
    callback_url: str | None


def check_request(
    find_versions: FindVersions, body: Mapping[str, Any], collection: str = ""
) -> CheckedRequest:
    """Check the complete body of a create; `collection` names a visitor's own models, if any.

    It has to be valid for one version of the model's page, since clients may not know the newest
    one. Fields that the model does not have are dropped, as the service does.
    Raises: Refused, for the reason that the newest version gives.
    """
    model, given = body.get("model"), body.get("input")
    if model is None or model == "":
        raise missing_field("model")
    versions = find_versions(model, collection) if isinstance(model, str) else ()
    if not versions:
        raise Refused(422, f"The model name you specified is not supported: {model!s:.100}")
    if given is None:
        raise missing_field("input")
    if not isinstance(given, dict):
        raise Refused(422, "input must be an object.")
    spec, values = _check_versions(versions, given)
    return CheckedRequest(spec, values, _callback_url(body))


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
        known[parameter.name] = _without_unknown_columns(parameter, value)
    try:
        checked = check_values(spec, known)
    except InvalidValues as error:
        raise Refused(422, str(error)) from None
    return _with_optional_defaults(spec, _plain(spec, checked))


def _without_unknown_columns(parameter: Parameter, value: Any) -> Any:
    """Drop the cells of a row that have no column, as unknown fields are dropped."""
    if not isinstance(parameter, TableParameter) or parameter.is_bare:
        return value
    names = {column.name for column in parameter.columns}
    return [{name: cell for name, cell in row.items() if name in names} for row in value]


def _plain(spec: ModelSpec, checked: Mapping[str, Any]) -> dict[str, Any]:
    """Unwrap what `check_values` wraps: addresses, lists and objects."""
    values = {
        name: value.value if isinstance(value, JsonValue) else value
        for name, value in checked.items()
    }
    for name in {parameter.name for parameter in spec.media_parameters} & values.keys():
        values[name] = [ref.url for ref in values[name] if isinstance(ref, UrlRef)]
    return values


def _with_optional_defaults(spec: ModelSpec, values: dict[str, Any]) -> dict[str, Any]:
    """Fill in the defaults that the service fills in: of choices, numbers and switches.

    It invents no pictures and no prompts. Source: observed live, "Envelope and errors".
    """
    for parameter in spec.parameters:
        is_filled_in = isinstance(parameter, (ChoiceParameter, NumberParameter, SwitchParameter))
        if is_filled_in and parameter.default is not None:
            default = parameter.default
            values.setdefault(
                parameter.name, list(default) if isinstance(default, tuple) else default
            )
    return values


def _callback_url(body: Mapping[str, Any]) -> str | None:
    url = body.get("callBackUrl")
    if url is None or url == "":
        return None
    if not isinstance(url, str) or not is_web_address(url):
        raise Refused(422, "callBackUrl must be a web address.")
    return url


_UNKNOWN = (OCTET_STREAM, "text/plain")
_NOUNS = {"image": "Images", "video": "Videos", "audio": "Audio files", "file": "Files"}


def check_file(parameter: MediaParameter, row: FileRow, place: Path) -> None:
    """Refuse a file that is too large, or of a type that the model does not take.

    Its type is the one that the bytes show, else the declared one. Raises: Refused.
    """
    if parameter.max_bytes is not None and row.size > parameter.max_bytes:
        noun, megabytes = _NOUNS[parameter.media], parameter.max_bytes / 1e6
        limit = f"{parameter.name} may have {megabytes:g} MB."
        raise Refused(422, f"{noun} size exceeds limit: {limit}")
    seen = mime_of(read_prefix(place))
    mime = canonical_mime(row.mime) if seen in _UNKNOWN else seen
    accepts = [each for each in parameter.accepts if "/" in each]
    is_taken = is_accepted(mime, accepts) if accepts else parameter.media in ("file", kind_of(mime))
    if not is_taken:
        may_be = ", ".join(parameter.accepts) or f"any {parameter.media}"
        fact = f"{parameter.name} is {mime}, and may be {may_be}."
        raise Refused(422, f"File type not supported: {fact}")
