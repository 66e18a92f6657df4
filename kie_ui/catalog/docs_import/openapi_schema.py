"""The schema of a parameter in an OpenAPI page → what it states, references followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from itertools import islice
from typing import Any
from urllib.parse import unquote

from kie_ui.catalog.docs_import.documented import (
    MAX_TEXT,
    SCALARS,
    DocumentedOption,
    DocumentedParameter,
    UnreadablePage,
    as_count,
    as_number,
    parse_type,
    type_of_value,
)
from kie_ui.catalog.spec import MAX_PARAMETERS

Schema = Mapping[str, Any]

MAX_SCHEMAS = 5_000
"""Schemas followed for one page; what refers to itself would have no end."""
MAX_REFERENCE_DEPTH = 16

_ARROW = " → "
_REFERENCES = ("$ref", "allOf")
_CHOICES = ("oneOf", "anyOf")
_KEYWORDS_OF_TEXT = frozenset(("minLength", "maxLength", "pattern"))
_KEYWORDS = {
    "minimum": ("minimum", "exclusiveMinimum"),
    "maximum": ("maximum", "exclusiveMaximum"),
    "step": ("multipleOf", "step"),
    "min_length": ("minLength",),
    "max_length": ("maxLength",),
    "min_items": ("minItems",),
    "max_items": ("maxItems",),
}
"""Limits by the keywords that pages state them with, the standard one first."""
_NUMBERS = ("minimum", "maximum", "step")
_LOWER_LIMITS = ("minimum", "min_length", "min_items")
_UPPER_LIMITS = ("maximum", "max_length", "max_items")


class Schemas:
    """Reads the schemas of one specification."""

    def __init__(self, root: Schema, findings: list[str]) -> None:
        self._root = root
        self._note = findings.append
        self._followed = 0

    def resolve(self, schema: Any, depth: int = 0) -> dict[str, Any]:
        """Return a schema merged with all that it refers to.

        Raises: UnreadablePage, where references have no end.
        """
        self._followed += 1
        if self._followed > MAX_SCHEMAS:
            raise UnreadablePage("The page’s parameters refer to each other endlessly.")
        if not isinstance(schema, Mapping) or depth > MAX_REFERENCE_DEPTH:
            return {}
        whole: dict[str, Any] = {}
        if "$ref" in schema:
            _merge(whole, self.resolve(self._target(schema["$ref"]), depth + 1))
        for part in as_list(schema.get("allOf")):
            _merge(whole, self.resolve(part, depth + 1))
        _merge(whole, {key: value for key, value in schema.items() if key not in _REFERENCES})
        return whole

    def _target(self, reference: Any) -> Any:
        """Return what a reference within the page names."""
        target: Any = self._root
        if not isinstance(reference, str) or not reference.startswith("#/"):
            self._note(f"The page refers to {reference!r}, which is not part of it.")
            return {}
        for step in reference[2:].split("/"):
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            target = as_mapping(target).get(key)
        if target is None:
            self._note(f"The page refers to {reference!r}, but does not say what that is.")
        return target

    def alternatives(self, schema: Schema) -> list[dict[str, Any]]:
        """Return what `oneOf` and `anyOf` list, each completed by the keywords beside them.

        Where they only say which of the properties are needed, there are none.
        """
        beside = {key: value for key, value in schema.items() if key not in _CHOICES}
        parts = [self.resolve(part) for key in _CHOICES for part in as_list(schema.get(key))]
        if parts and all(_only_requires(part, beside) for part in parts):
            sets = (" and ".join(map(str, as_list(part.get("required")))) for part in parts)
            self._note(f"The page asks for one of these: {'; or '.join(sets)}.")
            return []
        for part in parts:
            _merge(part, beside)
        return parts

    def properties(self, schema: Schema, depth: int = 0) -> dict[str, Any]:
        """Return the properties of an object in the order in which the page shows them."""
        found = dict(as_mapping(schema.get("properties")))
        references = as_mapping(schema.get("x-apidog-refs"))
        order: list[str] = []
        for entry in filter(as_text, as_list(schema.get("x-apidog-orders"))):
            if entry in found:
                order.append(entry)
            elif entry in references:
                inner = self.properties(self.resolve(references[entry], depth), depth + 1)
                found = inner | found
                order.extend(inner)
        return {name: found[name] for name in dict.fromkeys([*order, *found])}

    def fields(self, schema: Schema, within: str = "") -> tuple[DocumentedParameter, ...]:
        """Return the properties of an object as parameters."""
        required = {str(name).strip() for name in as_list(schema.get("required"))}
        fields: dict[str, DocumentedParameter] = {}
        for written, inner in islice(self.properties(schema).items(), MAX_PARAMETERS + 1):
            name = written.strip()
            if name != written:
                self._note(f"{within}{name} has a stray space in its name on the page.")
            if name in fields:
                self._note(f"{within}{name} is described twice: the first one is used.")
                continue
            # Older specifications let a property call itself required.
            is_required = name in required or as_mapping(inner).get("required") is True
            fields[name] = self.parameter(name, inner, required=is_required, within=within)
        return tuple(fields.values())

    def parameter(
        self, name: str, schema: Any, *, required: bool = False, within: str = ""
    ) -> DocumentedParameter:
        """Return what a schema states of one parameter."""
        whole = self.resolve(schema)
        choices = self.alternatives(whole)
        if choices:
            return self._one_of(name, choices, required=required, within=within)
        place = f"{within}{name}"
        items, fields = self._contents(place, whole)
        options = _options(whole) or (items.options if items else ())
        examples = [*as_list(whole.get("examples")), whole.get("example")]
        return DocumentedParameter(
            name=name,
            type=self._type(place, whole, options),
            required=required,
            options=options,
            default=whole.get("default"),
            **self._limits(place, whole),
            pattern=as_text(whole.get("pattern")),
            description=as_text(whole.get("description"))[:MAX_TEXT].strip(),
            example=next((example for example in examples if example is not None), None),
            title=as_text(whole.get("title")).strip(),
            format=as_text(whole.get("format")).strip().lower(),
            nullable=whole.get("nullable") is True or "null" in as_list(whole.get("type")),
            deprecated=whole.get("deprecated") is True,
            items=items,
            fields=fields,
        )

    def _limits(self, place: str, schema: Schema) -> dict[str, Any]:
        """Return the limits that a schema states; one that can be none becomes a finding."""
        limits: dict[str, Any] = {}
        for limit, keywords in _KEYWORDS.items():
            if limit in ("minimum", "maximum") and keywords[1] in schema:
                exclusive = f"{keywords[1]} {schema[keywords[1]]!r:.80}"
                self._note(f"{place}: the page has {exclusive}.")
            stated = next((schema[keyword] for keyword in keywords if keyword in schema), None)
            limits[limit] = as_number(stated) if limit in _NUMBERS else as_count(stated)
            if limits[limit] is None and stated is not None:
                self._note(f"{place}: the {keywords[0]} {stated!r:.80} is not a limit.")
        return limits

    def _contents(
        self, place: str, schema: Schema
    ) -> tuple[DocumentedParameter | None, tuple[DocumentedParameter, ...]]:
        """Return what a list holds, and what an object does."""
        if place.count(_ARROW) >= MAX_REFERENCE_DEPTH:
            self._note(f"{place.split(_ARROW, maxsplit=1)[0]} is nested endlessly.")
            return None, ()
        inner = schema.get("items")
        if isinstance(inner, list):
            self._note(f"{place} has a shape for each position: the first is used.")
            inner = inner[0] if inner else None
        within = f"{place}{_ARROW}"
        items = self.parameter("item", inner, within=within) if isinstance(inner, Mapping) else None
        return items, self.fields(schema, within)

    def _type(self, place: str, schema: Schema, options: Sequence[DocumentedOption]) -> str:
        """Return the page's word for the type, or else what its other keywords imply."""
        word = parse_type(schema.get("type"))
        if word:
            return word
        if "properties" in schema:
            return "object"
        if "items" in schema:
            return "array"
        guess = type_of_value(options[0].value if options else schema.get("default"))
        if not guess and _KEYWORDS_OF_TEXT & schema.keys():
            return "string"
        guess = guess or "string"
        self._note(f"The page gives no type for {place}: it is treated as a {guess}.")
        return guess

    def _one_of(
        self, name: str, choices: list[dict[str, Any]], *, required: bool, within: str
    ) -> DocumentedParameter:
        """Return a parameter that may have one of several shapes."""
        shapes = [
            self.parameter(name, choice, required=required, within=within)
            for choice in choices
            if parse_type(choice.get("type")) != "null"
        ]
        first = shapes[0] if shapes else DocumentedParameter(name=name, type="string")
        if len(shapes) > 1:
            self._note(f"{within}{name} may have one of several shapes on the page.")
            first = _union(shapes)
        return replace(first, nullable=first.nullable or len(shapes) < len(choices))


def _options(schema: Schema) -> tuple[DocumentedOption, ...]:
    """Return the values of `enum`, with such names as Apidog keeps beside them."""
    entries = [e for e in as_list(schema.get("x-apidog-enum")) if isinstance(e, Mapping)]
    values = as_list(schema.get("enum")) or [entry.get("value") for entry in entries]
    if "const" in schema and not values:
        values = [schema["const"]]
    labels = {
        str(entry.get("value")): as_text(entry.get("name")) or as_text(entry.get("description"))
        for entry in entries
    }
    # 1 and 1.0 are different values, as are 1 and "1".
    distinct = {(type(value), repr(value)): value for value in values if value is not None}
    return tuple(
        DocumentedOption(value, labels.get(str(value), "").strip()) for value in distinct.values()
    )


def _union(shapes: list[DocumentedParameter]) -> DocumentedParameter:
    """Return what any of several shapes takes; all of them where they differ in type."""
    first = shapes[0]
    if {shape.type for shape in shapes} == {first.type} and first.type in SCALARS:
        return reduce(loosened, shapes)
    return replace(first, options=(), items=None, fields=(), alternatives=tuple(shapes))


def loosened(one: DocumentedParameter, other: DocumentedParameter) -> DocumentedParameter:
    """Return a parameter that takes what either of two of the same name takes."""
    limits: dict[str, Any] = {"step": one.step if one.step == other.step else None}
    for names, choose in ((_LOWER_LIMITS, min), (_UPPER_LIMITS, max)):
        for limit in names:
            both = (getattr(one, limit), getattr(other, limit))
            limits[limit] = None if None in both else choose(both)
    known = [option.value for option in one.options]
    options = one.options + tuple(o for o in other.options if o.value not in known)
    is_closed = one.options and other.options
    return replace(one, options=options if is_closed else (), **limits)


def _only_requires(part: Schema, beside: Schema) -> bool:
    """Whether a part adds no property, but requires some existing ones."""
    own = beside.get("properties")
    return (
        isinstance(own, Mapping)
        and bool(as_list(part.get("required")))
        and as_mapping(part.get("properties")).keys() <= own.keys()
    )


def _merge(whole: dict[str, Any], part: Schema) -> None:
    """Put a further part of a schema into the whole: a later part wins."""
    for key, value in part.items():
        known = whole.get(key)
        if key == "properties" and isinstance(known, Mapping) and isinstance(value, Mapping):
            whole[key] = {**known, **value}
        elif key in ("required", "x-apidog-orders") and isinstance(known, list):
            whole[key] = [*known, *as_list(value)]
        else:
            whole[key] = value


def as_mapping(value: Any) -> Schema:
    """Return a mapping as it is, and an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: Any) -> list[Any]:
    """Return a list as it is, and an empty one for anything else."""
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return a text as it is, and an empty one for anything else."""
    return value if isinstance(value, str) else ""


def json_schema(documented: DocumentedParameter) -> dict[str, Any]:
    """Return a JSON Schema without references, patterns and anything else slow to check."""
    if documented.alternatives:
        return {"anyOf": [json_schema(shape) for shape in documented.alternatives]}
    schema: dict[str, Any] = {
        "type": [documented.type, "null"] if documented.nullable else documented.type
    }
    for limit, (keyword, *_) in _KEYWORDS.items():
        if limit != "step" and getattr(documented, limit) is not None:
            schema[keyword] = getattr(documented, limit)
    if documented.options and documented.type != "array":
        null = [None] if documented.nullable else []
        schema["enum"] = [option.value for option in documented.options] + null
    if documented.items is not None:
        schema["items"] = json_schema(documented.items)
    if documented.fields:
        schema["properties"] = {field.name: json_schema(field) for field in documented.fields}
        schema["required"] = [field.name for field in documented.fields if field.required]
    return schema
