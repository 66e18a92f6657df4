"""All our routes, and the types of what they send, as the scripts are checked against them.

`python -m kie_ui.ui.api.wire` writes `assets/js/wire.d.ts`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from typing import Any, get_type_hints

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from starlette.responses import Response

from kie_ui.settings import ASSETS
from kie_ui.ui.api import account, event_stream, forms, history, models, reuse, runs
from kie_ui.ui.api.requests import ApiRoute
from kie_ui.ui.form.components import MediaAbout, RowsAbout
from kie_ui.ui.form.plan import FormPlan

ROUTES: tuple[ApiRoute, ...] = tuple(
    route
    for room in (event_stream, account, forms, runs, history, reuse, models)
    for route in room.ROUTES
)
TYPES_FILE = ASSETS / "js" / "wire.d.ts"
_HEAD = "// What the server sends. Written by `python -m kie_ui.ui.api.wire` from its own types.\n"
_PLAIN = {name: name for name in ("string", "number", "boolean", "null")} | {"integer": "number"}

Schema = dict[str, Any]


class _AlwaysSent(GenerateJsonSchema):
    """Describes what is sent whole, also what has its default."""

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: FBT001
        return field["type"] != "typed-dict-field" or super().field_is_required(field, total)


def answer_type(route: ApiRoute) -> Any:
    """Return the type of what a route answers as JSON; `Response` if it answers something else."""
    handler = route.handler.func if isinstance(route.handler, partial) else route.handler
    return get_type_hints(handler, include_extras=True)["return"]


def write_types() -> str:
    """Write every type as TypeScript."""
    answers = [answer for route in ROUTES if (answer := answer_type(route)) is not Response]
    sent = [event_stream.StreamEvents, MediaAbout, RowsAbout, *answers]
    # A plan lies in the page, without what does not apply.
    found = _schemas([FormPlan], GenerateJsonSchema) | _schemas(sent, _AlwaysSent)
    return _HEAD + "".join(f"\n{_declare(name, found[name])}" for name in sorted(found))


def _schemas(types: Iterable[Any], generator: type[GenerateJsonSchema]) -> dict[str, Schema]:
    inputs = [(index, "serialization", TypeAdapter(each)) for index, each in enumerate(types)]
    _, found = TypeAdapter.json_schemas(inputs, schema_generator=generator)  # type: ignore[arg-type]
    return dict(found["$defs"])


def _declare(name: str, schema: Schema) -> str:
    comment = schema.get("description", "").partition("\n")[0]
    heading = f"/** {comment} */\n" if comment else ""
    if schema.get("type") != "object":
        return f"{heading}export type {name} = {_write(schema)};\n"
    return f"{heading}export interface {name} {_write(schema)}\n"


def _write(schema: Schema) -> str:
    """Write one type."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if kinds := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(map(_write, kinds)))
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else None):
        return " | ".join(map(json.dumps, values))
    writer = {"array": _write_array, "object": _write_object}.get(schema.get("type", ""))
    return writer(schema) if writer else _PLAIN.get(schema.get("type", ""), "unknown")


def _write_array(schema: Schema) -> str:
    if "prefixItems" in schema:
        return f"[{', '.join(map(_write, schema['prefixItems']))}]"
    return f"{_in_brackets(_write(schema['items']))}[]"


def _in_brackets(written: str) -> str:
    return f"({written})" if " " in written else written


def _write_object(schema: Schema) -> str:
    if not isinstance(schema.get("additionalProperties", False), bool):
        return f"{{ [name: string]: {_write(schema['additionalProperties'])} }}"
    if "properties" not in schema:
        return "{ [name: string]: unknown }" if schema.get("additionalProperties") else "{}"
    required = schema.get("required", ())
    lines = (
        f"  {name}{'' if name in required else '?'}: {_write(each)};\n"
        for name, each in schema["properties"].items()
    )
    return f"{{\n{''.join(lines)}}}"


if __name__ == "__main__":
    TYPES_FILE.write_text(write_types())
