"""Checked values → the body of a create: a pure function, apart from sending.

Source: Kie documentation, "Create Generation Task", Request Parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kie_ui.catalog.media import FileRef, JsonValue, MediaRef, UrlRef
from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.spec import ModelSpec

CREATE_TASK_PATH = "/api/v1/jobs/createTask"

Address = Callable[[FileRef], str]
"""Tells the web address under which the service finds an uploaded file."""


def build_input(spec: ModelSpec, checked: Mapping[str, Any], address: Address) -> dict[str, Any]:
    """Build the `input` object, in the documented order and the documented types.

    The extra input comes last and goes before everything.
    `checked` comes from `check_values`: what it leaves out is left out here too, because some
    models reject empty strings and lists. Source: observed live, "Envelope and errors".
    """
    many = {p.name: p.many for p in spec.parameters if isinstance(p, MediaParameter)}
    documented = [parameter.name for parameter in spec.parameters]
    # A page may have been replaced meanwhile: what the old one knew is sent all the same.
    since_gone = [name for name in checked if name not in documented and name != EXTRA]
    built = {
        name: _on_the_wire(checked[name], address, is_list=many.get(name))
        for name in (*documented, *since_gone)
        if name in checked
    }
    extra = checked.get(EXTRA)
    return {**built, **extra.value} if isinstance(extra, JsonValue) else built


def _on_the_wire(value: Any, address: Address, *, is_list: bool | None) -> Any:
    if isinstance(value, JsonValue):
        return value.value
    if not isinstance(value, tuple):
        return value
    urls = [_url(ref, address) for ref in value]
    return urls if is_list or len(urls) > 1 else urls[0]


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
