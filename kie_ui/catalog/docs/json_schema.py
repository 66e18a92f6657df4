"""The schema that a value written as JSON is checked against, cleaned of what is not needed."""

from __future__ import annotations

from typing import Any

from kie_ui.catalog.docs.page import DocumentedParameter

_LIMITS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
}


def json_schema(documented: DocumentedParameter) -> dict[str, Any]:
    """Return a JSON Schema without references, patterns and anything else slow to check."""
    if documented.alternatives:
        return {"anyOf": [json_schema(shape) for shape in documented.alternatives]}
    schema: dict[str, Any] = {
        "type": [documented.type, "null"] if documented.nullable else documented.type
    }
    for fact, keyword in _LIMITS.items():
        if getattr(documented, fact) is not None:
            schema[keyword] = getattr(documented, fact)
    if documented.options and documented.type != "array":
        nothing = [None] if documented.nullable else []
        schema["enum"] = [option.value for option in documented.options] + nothing
    if documented.items is not None:
        schema["items"] = json_schema(documented.items)
    if documented.fields:
        schema["properties"] = {field.name: json_schema(field) for field in documented.fields}
        schema["required"] = [field.name for field in documented.fields if field.required]
    return schema
