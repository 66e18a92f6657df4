"""Checked values → the body of a create: a pure function, apart from sending.

Source: Kie documentation, "Create Generation Task", Request Parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kie_ui.catalog.media import FileRef, MediaRef, UrlRef
from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.spec import ModelSpec

CREATE_TASK_PATH = "/api/v1/jobs/createTask"

Address = Callable[[FileRef], str]
"""Tells the web address under which the service finds an uploaded file."""


def build_input(spec: ModelSpec, checked: Mapping[str, Any], address: Address) -> dict[str, Any]:
    """Build the `input` object, in the documented order and the documented types.

    `checked` comes from `check_values`: what it leaves out is left out here too, because some
    models reject empty strings and lists. Source: observed live, "Envelope and errors".
    """
    built: dict[str, Any] = {}
    for parameter in spec.parameters:
        if parameter.name not in checked:
            continue
        value = checked[parameter.name]
        if isinstance(parameter, MediaParameter):
            urls = [_url(ref, address) for ref in value]
            built[parameter.name] = urls if parameter.many else urls[0]
        else:
            built[parameter.name] = value
    return built


def build_body(
    spec: ModelSpec, built_input: Mapping[str, Any], callback_url: str | None = None
) -> dict[str, Any]:
    """Wrap an `input` object into the whole body of a create."""
    body: dict[str, Any] = {"model": spec.model, "input": dict(built_input)}
    if callback_url is not None:
        body["callBackUrl"] = callback_url
    return body


def _url(ref: MediaRef, address: Address) -> str:
    return ref.url if isinstance(ref, UrlRef) else address(ref)
