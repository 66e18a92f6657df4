"""Specs written down as documentation pages, in both of Kie's formats."""

from __future__ import annotations

import json
from typing import Any

import yaml

from kie_ui.catalog.describe import facts_of
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    Column,
    JsonParameter,
    MediaParameter,
    Parameter,
    TableParameter,
)
from kie_ui.catalog.spec import ModelSpec

_KEYWORDS = {
    "default": "default",
    "minimum": "minimum",
    "maximum": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
    "pattern": "pattern",
    "description": "description",
}
_BULLETS = {
    "min_length": "Min Length",
    "max_length": "Max Length",
    "min_items": "Min Items",
    "max_items": "Max Items",
    "pattern": "Pattern",
}


class _Quoted(yaml.SafeDumper):
    """Writes every text in quotes, so that none is read as another type."""


_Quoted.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


def openapi_page(spec: ModelSpec) -> str:
    """Write a spec as a page with an OpenAPI specification."""
    inputs = {
        "type": "object",
        "properties": {p.name: _schema(p) for p in spec.parameters},
        "required": [p.name for p in spec.parameters if p.required],
        "x-apidog-orders": [p.name for p in spec.parameters],
    }
    body = {
        "type": "object",
        "required": ["model"],
        "properties": {"model": {"type": "string", "enum": [spec.model]}, "input": inputs},
    }
    post = {"requestBody": {"content": {"application/json": {"schema": body}}}}
    document = {"openapi": "3.0.1", "paths": {"/api/v1/jobs/createTask": {"post": post}}}
    text = yaml.dump(document, Dumper=_Quoted, sort_keys=False, allow_unicode=True)
    return f"# {spec.title}\n\n## OpenAPI Specification\n\n```yaml\n{text}```\n"


def _schema(parameter: Parameter | Column) -> dict[str, Any]:
    facts = facts_of(parameter)
    schema: dict[str, Any] = {"type": facts["type"]}
    for fact, keyword in _KEYWORDS.items():
        if fact in facts:
            schema[keyword] = facts[fact]
    match parameter:
        case ChoiceParameter():
            listed = {
                "type": parameter.of,
                "enum": [option.value for option in parameter.options],
                "x-apidog-enum": [
                    {"value": option.value, "name": option.label, "description": ""}
                    for option in parameter.options
                ],
            }
            return {**schema, "items": listed} if parameter.many else {**schema, **listed}
        case MediaParameter(many=True):
            schema["items"] = {"type": "string", "format": "uri"}
        case MediaParameter():
            schema["format"] = "uri"
        case TableParameter():
            schema["items"] = _row(parameter)
        case JsonParameter():
            return {**parameter.json_schema, **schema}
        case _:
            pass
    return schema


def _row(table: TableParameter) -> dict[str, Any]:
    if table.is_bare:
        return _schema(table.columns[0])
    return {
        "type": "object",
        "properties": {column.name: _schema(column) for column in table.columns},
        "required": [column.name for column in table.columns if column.required],
    }


def markdown_page(spec: ModelSpec) -> str:
    """Write a spec as a page with a heading for each parameter."""
    head = f"# {spec.title} API Documentation\n\n| **Format** | `{spec.model}` | Its id |\n\n"
    blocks = "\n\n".join(_block(parameter) for parameter in spec.parameters)
    return f"{head}### input Object Parameters\n\n{blocks}\n\n### Request Example\n\nNone.\n"


def _block(parameter: Parameter) -> str:
    facts = facts_of(parameter)
    lines = [
        f"#### {parameter.name}",
        f"- **Type**: `{facts['type']}`",
        f"- **Required**: {'Yes' if parameter.required else 'No'}",
        f"- **Description**: {facts.get('description', '')}",
        *(f"- **{bullet}**: {facts[fact]}" for fact, bullet in _BULLETS.items() if fact in facts),
    ]
    if isinstance(parameter, ChoiceParameter):
        lines.append("- **Options**:")
        lines += [f"  - `{option.value}`: {option.label}" for option in parameter.options]
    if "minimum" in facts and "maximum" in facts:
        step = f" (step: {facts['step']})" if "step" in facts else ""
        lines.append(f"- **Range**: {facts['minimum']} - {facts['maximum']}{step}")
    else:
        ends = {"minimum": "Minimum", "maximum": "Maximum"}
        lines += [f"- **{end}**: {facts[fact]}" for fact, end in ends.items() if fact in facts]
    if isinstance(parameter, MediaParameter):
        lines += _files(parameter)
    if "default" in facts:
        lines.append(f"- **Default Value**: `{json.dumps(facts['default'], ensure_ascii=False)}`")
    return "\n".join(lines)


def _files(media: MediaParameter) -> list[str]:
    return [
        *([f"- **Max File Size**: {media.max_bytes // 1_000_000}MB"] if media.max_bytes else []),
        *([f"- **Accepted File Types**: {', '.join(media.accepts)}"] if media.accepts else []),
        *(["- **Multiple Files**: Yes"] if media.many else []),
    ]
