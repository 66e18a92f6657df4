"""The schema of a parameter in an OpenAPI page → what it states, references followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar
from urllib.parse import unquote

from kie_ui.catalog.docs_import.documented import (
    MAX_PARAMETERS,
    MAX_TEXT,
    SCALARS,
    DocumentedOption,
    DocumentedParameter,
    Findings,
    UnreadablePage,
    as_count,
    as_number,
    type_of_value,
    type_word,
)

Schema = Mapping[str, Any]
_Limit = TypeVar("_Limit", int, float)

MAX_SCHEMAS = 5_000
"""Schemas followed for one page; what refers to itself would have no end."""
MAX_REFERENCE_DEPTH = 16

_WITHIN = " → "
_OWN = ("$ref", "allOf")
_CHOICES = ("oneOf", "anyOf")
_OF_TEXTS = frozenset(("minLength", "maxLength", "pattern"))


class Schemas:
    """Reads the schemas of one specification."""

    def __init__(self, root: Schema, findings: Findings) -> None:
        self._root = root
        self._findings = findings
        self._followed = 0

    def resolved(self, schema: Any, depth: int = 0) -> dict[str, Any]:
        """Return a schema with all that it refers to and is made of put into one."""
        self._followed += 1
        if self._followed > MAX_SCHEMAS:
            raise UnreadablePage("The page’s parameters refer to each other without an end.")
        if not isinstance(schema, Mapping) or depth > MAX_REFERENCE_DEPTH:
            return {}
        whole: dict[str, Any] = {}
        if "$ref" in schema:
            _combine(whole, self.resolved(self._target(schema["$ref"]), depth + 1))
        for part in _list(schema.get("allOf")):
            _combine(whole, self.resolved(part, depth + 1))
        _combine(whole, {key: value for key, value in schema.items() if key not in _OWN})
        return whole

    def _target(self, reference: Any) -> Any:
        """Return what a reference within the page names."""
        target: Any = self._root
        if not isinstance(reference, str) or not reference.startswith("#/"):
            self._findings.add(f"The page refers to {reference!r}, which is not part of it.")
            return {}
        for step in reference[2:].split("/"):
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            target = target.get(key) if isinstance(target, Mapping) else None
        if target is None:
            self._findings.add(f"The page refers to {reference!r}, but does not say what that is.")
        return target

    def alternatives(self, schema: Schema) -> list[dict[str, Any]]:
        """Return what `oneOf` and `anyOf` list, each completed by what stands beside them.

        Where they only say which of the properties are needed, there are none.
        """
        beside = {key: value for key, value in schema.items() if key not in _CHOICES}
        parts = [self.resolved(part) for key in _CHOICES for part in _list(schema.get(key))]
        if parts and all(_is_demand(part, beside) for part in parts):
            self._findings.add(f"The page asks for one of these: {_demanded(parts)}.")
            return []
        for part in parts:
            _combine(part, beside)
        return parts

    def properties(self, schema: Schema, depth: int = 0) -> dict[str, Any]:
        """Return the properties of an object in the order in which the page shows them."""
        own = schema.get("properties")
        found = dict(own) if isinstance(own, Mapping) else {}
        references = schema.get("x-apidog-refs")
        references = references if isinstance(references, Mapping) else {}
        order: list[str] = []
        for entry in _list(schema.get("x-apidog-orders")):
            if entry in found:
                order.append(entry)
            elif isinstance(entry, str) and entry in references:
                inner = self.properties(self.resolved(references[entry], depth), depth + 1)
                found = inner | found
                order.extend(inner)
        return {name: found[name] for name in dict.fromkeys([*order, *found])}

    def fields(self, schema: Schema, within: str = "") -> tuple[DocumentedParameter, ...]:
        """Return the properties of an object as parameters."""
        required = {str(name).strip() for name in _list(schema.get("required"))}
        fields: dict[str, DocumentedParameter] = {}
        for raw, inner in islice(self.properties(schema).items(), MAX_PARAMETERS + 1):
            name = self._name(raw, within)
            if name in fields:
                self._findings.add(f"{within}{name} is described twice: the first one counts.")
                continue
            needed = name in required or _says_required(inner)
            fields[name] = self.parameter(name, inner, required=needed, within=within)
        return tuple(fields.values())

    def _name(self, raw: str, within: str) -> str:
        name = raw.strip()
        if name != raw:
            self._findings.add(f"{within}{name} is written with a stray blank on the page.")
        return name

    def parameter(
        self, name: str, schema: Any, *, required: bool = False, within: str = ""
    ) -> DocumentedParameter:
        """Return what a schema states of one parameter."""
        whole = self.resolved(schema)
        choices = self.alternatives(whole)
        if choices:
            return self._of_choices(name, choices, required=required, within=within)
        place = f"{within}{name}"
        items, fields = self._inner(name, whole, within)
        options = self._options(whole) or (items.options if items else ())
        return DocumentedParameter(
            name=name,
            type=self._type(place, whole, options),
            required=required,
            options=options,
            default=whole.get("default"),
            minimum=self._number(place, whole, "minimum", "exclusiveMinimum"),
            maximum=self._number(place, whole, "maximum", "exclusiveMaximum"),
            step=self._number(place, whole, "multipleOf", "step"),
            min_length=self._count(place, whole, "minLength"),
            max_length=self._count(place, whole, "maxLength"),
            min_items=self._count(place, whole, "minItems"),
            max_items=self._count(place, whole, "maxItems"),
            pattern=_text(whole.get("pattern")),
            description=_text(whole.get("description"))[:MAX_TEXT].strip(),
            example=_first_of([*_list(whole.get("examples")), whole.get("example")]),
            title=_text(whole.get("title")).strip(),
            format=_text(whole.get("format")).strip().lower(),
            nullable=whole.get("nullable") is True or "null" in _list(whole.get("type")),
            deprecated=whole.get("deprecated") is True,
            items=items,
            fields=fields,
        )

    def _count(self, place: str, whole: Schema, key: str) -> int | None:
        """Return a limit that counts something; one that can be none is told."""
        return self._understood(place, whole, (key,), as_count(whole.get(key)))

    def _number(self, place: str, whole: Schema, *keys: str) -> int | float | None:
        """Return a limit of a number; one that can be none is told."""
        for key in keys[1:]:
            if key in whole and key.startswith("exclusive"):
                self._findings.add(f"{place}: the page has {key} {whole[key]!r:.80}.")
        return self._understood(place, whole, keys, as_number(_first(whole, *keys)))

    def _understood(
        self, place: str, whole: Schema, keys: tuple[str, ...], found: _Limit | None
    ) -> _Limit | None:
        stated = _first(whole, *keys)
        if found is None and stated is not None:
            self._findings.add(f"{place}: the {keys[0]} {stated!r:.80} is no limit.")
        return found

    def _inner(
        self, name: str, whole: Schema, within: str
    ) -> tuple[DocumentedParameter | None, tuple[DocumentedParameter, ...]]:
        """Return what a list holds, and what an object does."""
        if within.count(_WITHIN) >= MAX_REFERENCE_DEPTH:
            self._findings.add(f"{within.split(_WITHIN, maxsplit=1)[0]} nests without an end.")
            return None, ()
        inner = whole.get("items")
        if isinstance(inner, list):
            self._findings.add(f"{within}{name} has a shape for each place: the first is taken.")
            inner = inner[0] if inner else None
        place = f"{within}{name}{_WITHIN}"
        items = self.parameter("item", inner, within=place) if isinstance(inner, Mapping) else None
        return items, self.fields(whole, place)

    def _type(self, name: str, whole: Schema, options: Sequence[DocumentedOption]) -> str:
        """Return the page's word for the type, or else what the rest of it means."""
        word = type_word(whole.get("type"))
        if word:
            return word
        if "properties" in whole:
            return "object"
        if "items" in whole:
            return "array"
        values = [option.value for option in options] or [whole.get("default")]
        guess = type_of_value(values[0])
        if not guess and _OF_TEXTS & whole.keys():
            return "string"
        guess = guess or "string"
        self._findings.add(f"The page gives no type for {name}: it is taken for a {guess}.")
        return guess

    def _options(self, whole: Schema) -> tuple[DocumentedOption, ...]:
        """Return the values of `enum`, with such names as Apidog keeps beside them."""
        entries = [e for e in _list(whole.get("x-apidog-enum")) if isinstance(e, Mapping)]
        values = _list(whole.get("enum")) or [entry.get("value") for entry in entries]
        if "const" in whole and not values:
            values = [whole["const"]]
        labels = {
            str(entry.get("value")): _text(entry.get("name")) or _text(entry.get("description"))
            for entry in entries
        }
        return tuple(
            DocumentedOption(value, labels.get(str(value), "").strip())
            for value in _unique(values)
            if value is not None
        )

    def _of_choices(
        self, name: str, choices: list[dict[str, Any]], *, required: bool, within: str
    ) -> DocumentedParameter:
        """Return a parameter that may have one of several shapes."""
        shapes = [
            self.parameter(name, choice, required=required, within=within)
            for choice in choices
            if type_word(choice.get("type")) != "null"
        ]
        nullable = len(shapes) < len(choices)
        first = shapes[0] if shapes else DocumentedParameter(name=name, type="string")
        if len(shapes) > 1:
            first = self._any_of(first, shapes, within)
        return replace(first, nullable=nullable or first.nullable)

    def _any_of(
        self, first: DocumentedParameter, shapes: list[DocumentedParameter], within: str
    ) -> DocumentedParameter:
        """Return what several shapes have in common, or all of them where they differ in type."""
        self._findings.add(f"{within}{first.name} may have one of several shapes on the page.")
        if {shape.type for shape in shapes} == {first.type} and first.type in SCALARS:
            unlimited: dict[str, Any] = {
                fact: None
                for fact in ("minimum", "maximum", "step", "min_length", "max_length")
                if len({getattr(shape, fact) for shape in shapes}) > 1
            }
            options = [option for shape in shapes for option in shape.options]
            closed = all(shape.options for shape in shapes)
            return replace(first, options=tuple(options) if closed else (), **unlimited)
        return replace(first, options=(), items=None, fields=(), alternatives=tuple(shapes))


_LEAST = ("minimum", "min_length", "min_items")
_MOST = ("maximum", "max_length", "max_items")


def loosened(one: DocumentedParameter, other: DocumentedParameter) -> DocumentedParameter:
    """Return a parameter that takes what either of two of the same name takes."""
    limits: dict[str, Any] = {}
    for facts, choose in ((_LEAST, min), (_MOST, max)):
        for fact in facts:
            both = (getattr(one, fact), getattr(other, fact))
            limits[fact] = None if None in both else choose(both)
    known = [option.value for option in one.options]
    options = one.options + tuple(o for o in other.options if o.value not in known)
    closed = one.options and other.options
    return replace(one, options=options if closed else (), **limits)


def _is_demand(part: Schema, beside: Schema) -> bool:
    """Tell whether a part adds no property, but requires some of those that there are."""
    own = beside.get("properties")
    added = part.get("properties")
    return (
        isinstance(own, Mapping)
        and bool(_list(part.get("required")))
        and (not isinstance(added, Mapping) or added.keys() <= own.keys())
    )


def _demanded(parts: Sequence[Schema]) -> str:
    return "; or ".join(" and ".join(map(str, _list(part.get("required")))) for part in parts)


def _combine(whole: dict[str, Any], part: Mapping[str, Any]) -> None:
    """Put a further part of a schema into the whole: what it says itself wins."""
    for key, value in part.items():
        known = whole.get(key)
        if key == "properties" and isinstance(known, Mapping) and isinstance(value, Mapping):
            whole[key] = {**known, **value}
        elif key in ("required", "x-apidog-orders") and isinstance(known, list):
            whole[key] = [*known, *_list(value)]
        else:
            whole[key] = value


def _says_required(schema: Any) -> bool:
    """Tell whether a property calls itself required, as older specifications let it."""
    return isinstance(schema, Mapping) and schema.get("required") is True


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _first_of(values: list[Any]) -> Any:
    return next((value for value in values if value is not None), None)


def _first(whole: Schema, *keys: str) -> Any:
    return next((whole[key] for key in keys if key in whole), None)


def _unique(values: list[Any]) -> list[Any]:
    """Leave out what repeats an earlier value of the same type."""
    return list({(type(value), repr(value)): value for value in values}.values())


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
