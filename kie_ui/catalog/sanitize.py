"""What a spec from outside may be: of a size that a page can show, and harmless.

A spec comes from a page that someone pasted, or from a file that someone shares. Neither may name a
file of ours, lead a link elsewhere than to the web, or be so large that it stops a browser.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    TableParameter,
)
from kie_ui.catalog.spec import (
    MAX_ID,
    MAX_OPTIONS,
    MAX_PARAMETERS,
    MAX_TITLE,
    Becomes,
    Example,
    ModelSpec,
    Price,
    Rule,
    names_in,
)
from kie_ui.catalog.values import is_web_address

MAX_DEPTH = 20
MAX_PARTS = 2_000
MAX_VALUES = 1_000
LARGEST_WHOLE = 2**53
"""Beyond it numbers lose digits in browsers, and beyond 2**63 they can't be sent to one."""

_TYPES = frozenset(("string", "number", "integer", "boolean", "array", "object", "null"))
_COUNTS = ("minLength", "maxLength", "minItems", "maxItems")
_LIMITS = ("minimum", "maximum")
SMALLEST_STEP = 1e-9
"""Between two values of a slider."""

_COUNTED = ("min_length", "max_length", "min_items", "max_items", "max_bytes")
_STATED: dict[str, tuple[type, ...]] = {
    "type": (str,),
    "required": (bool,),
    "options": (list,),
    "default": (str, int, float, bool, list, dict),
    **dict.fromkeys(("minimum", "maximum", "step", *_COUNTED), (int, float)),
    "accepts": (list,),
    "pattern": (str,),
    "description": (str,),
}
"""The facts of a parameter, and the types of each in JSON."""
MAX_SPEC_BYTES = 400_000
"""Of a spec as JSON: many times what the longest page makes."""
MAX_COLUMNS = 20

_PARAMETER = re.compile(r"(?!__proto__\Z)[^\W\d][\w.-]{0,63}")
_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/:+@ -]*[A-Za-z0-9._+-])?")


def sanitize_schema(schema: Any) -> dict[str, Any]:
    """Return of a schema what can be checked without harm; the rest is left to the service."""
    return _Cleaner().cleaned(schema, 0)


class _Cleaner:
    """Goes through one schema, and stops where it is larger than any that is documented."""

    def __init__(self) -> None:
        self._parts = 0

    def cleaned(self, schema: Any, depth: int) -> dict[str, Any]:
        self._parts += 1
        if not isinstance(schema, Mapping) or depth > MAX_DEPTH or self._parts > MAX_PARTS:
            return {}
        kept = {
            "type": _types(schema.get("type")),
            "enum": _values(schema.get("enum")),
            **{name: _count(schema.get(name)) for name in _COUNTS},
            **{name: _number(schema.get(name)) for name in _LIMITS},
            **self._inner(schema, depth + 1),
        }
        return {name: value for name, value in kept.items() if value is not None}

    def _inner(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        inner: dict[str, Any] = {}
        shapes, fields, needed = (schema.get(n) for n in ("anyOf", "properties", "required"))
        if isinstance(shapes, list) and shapes:
            inner["anyOf"] = [self.cleaned(shape, depth) for shape in shapes[:MAX_VALUES]]
        if isinstance(schema.get("items"), Mapping):
            inner["items"] = self.cleaned(schema["items"], depth)
        if isinstance(fields, Mapping):
            inner["properties"] = {str(n): self.cleaned(f, depth) for n, f in fields.items()}
        if isinstance(needed, list):
            inner["required"] = list(dict.fromkeys(n for n in needed if isinstance(n, str)))
        return inner


def is_plain(value: Any, depth: int = 0) -> bool:
    """Tell whether a value can be sent to a browser: no number is endless, nothing is too deep."""
    match value:
        case list() | tuple():
            inner = list(value)
        case Mapping():
            inner = [*value.values(), None if all(isinstance(n, str) for n in value) else b""]
        case _:
            return _is_plain_leaf(value)
    return depth < MAX_DEPTH and all(is_plain(item, depth + 1) for item in inner)


def _is_plain_leaf(value: Any) -> bool:
    if isinstance(value, int):
        return abs(value) <= LARGEST_WHOLE
    return math.isfinite(value) if isinstance(value, float) else isinstance(value, str | None)


def _types(value: Any) -> Any:
    if isinstance(value, str):
        return value if value in _TYPES else None
    if isinstance(value, list) and value and all(t in _TYPES for t in value if isinstance(t, str)):
        return list(dict.fromkeys(t for t in value if isinstance(t, str))) or None
    return None


def _values(value: Any) -> list[Any] | None:
    is_list = isinstance(value, list) and 0 < len(value) <= MAX_VALUES
    return value if is_list and is_plain(value) else None


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return value if is_count and 0 <= value <= LARGEST_WHOLE else None


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and abs(value) < math.inf and math.isfinite(float(value)) else None


def sanitize_parameter(parameter: Parameter, sample: str | None) -> Parameter:
    """Return a parameter without what could do harm; `sample` is a picture of ours, if any."""
    changes: dict[str, Any] = {"stated": _stated(parameter.stated), **_counts(parameter)}
    match parameter:
        case MediaParameter():
            changes["sample"] = sample if parameter.media == "image" else None
        case TableParameter():
            changes["columns"] = tuple(
                sanitize_parameter(column, None) for column in parameter.columns
            )
            changes["default"] = _safe_rows(parameter)
        case JsonParameter():
            changes["json_schema"] = sanitize_schema(parameter.json_schema)
            changes["default"] = parameter.default if is_plain(parameter.default) else None
        case NumberParameter():
            changes |= _number_changes(parameter)
        case ChoiceParameter():
            changes["default"] = _safe_choice(parameter)
    return parameter.model_copy(update=changes)


def _counts(parameter: Parameter) -> dict[str, None]:
    """Leave out counts beyond all measure: they limit nothing, and no browser takes them."""
    counts = {name: getattr(parameter, name, None) for name in _COUNTED}
    return {name: None for name, count in counts.items() if count and count > LARGEST_WHOLE}


def _safe_rows(parameter: TableParameter) -> tuple[Any, ...]:
    """Keep the rows of plain values: anything else could pass for a file on its way to a page."""
    columns = {column.name for column in parameter.columns}
    return tuple(row for row in parameter.default if _is_safe_row(row, columns, parameter))


def _is_safe_row(row: Any, columns: set[str], parameter: TableParameter) -> bool:
    cells = [row] if parameter.is_bare else list(row.values()) if isinstance(row, dict) else [()]
    names = set(row) if isinstance(row, dict) else set()
    plain = all(not isinstance(cell, (dict, list, tuple)) and is_plain(cell) for cell in cells)
    return plain and names <= columns


def _number_changes(parameter: NumberParameter) -> dict[str, Any]:
    """Leave out what no number could keep to, or no slider could show."""
    low, high, step = parameter.minimum, parameter.maximum, parameter.step
    changes: dict[str, Any] = {}
    if low is not None and high is not None and low > high:
        changes = {"minimum": None, "maximum": None}
        low = high = None
    if step is not None and step < SMALLEST_STEP:
        changes["step"] = None
    default = parameter.default
    is_within = default is None or (
        (low is None or low <= default) and (high is None or default <= high)
    )
    return changes if is_within else {**changes, "default": None}


def _safe_choice(parameter: ChoiceParameter) -> Any:
    """Keep a default that is among the options, and nothing else."""
    default = parameter.default
    chosen = default if isinstance(default, tuple) else (default,)
    is_fit = isinstance(default, tuple) == parameter.many and set(chosen) <= set(parameter.values)
    return default if is_fit else None


def _stated(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Keep of what is stated beside the fields what a page could state, or be silent on."""
    return {name: value for name, value in stated.items() if _could_be_stated(name, value)}


def _could_be_stated(name: str, value: Any) -> bool:
    if name not in _STATED:
        return False
    kinds = _STATED[name]
    if name == "accepts" and not all(isinstance(item, str) for item in value or ()):
        return False
    return value is None or (
        isinstance(value, kinds)
        and (bool in kinds or not isinstance(value, bool))
        and is_plain(value)
    )


class UnusableSpec(ValueError):
    """A spec that can't be taken in; the text is a sentence that says why."""


def sanitize_spec(spec: ModelSpec, built_in: ModelSpec | None = None) -> ModelSpec:
    """Return a spec from outside as it can be taken in.

    A built-in model lends its title, its sample pictures, its price, its rules and its examples to
    a newer page of itself, as far as they still apply: no page states them so that they could be
    read, and a tab keeps its name. Raises: UnusableSpec.
    """
    _raise_if_unusable(spec)
    documentation = spec.documentation if is_web_address(spec.documentation) else ""
    lent = {p.name: p.sample for p in built_in.media_parameters} if built_in else {}
    rules = built_in.rules if built_in else ()
    parameters = tuple(sanitize_parameter(p, lent.get(p.name)) for p in spec.parameters)
    return spec.model_copy(
        update={
            "title": built_in.title if built_in else clean_title(spec.title) or spec.model,
            "documentation": documentation,
            "parameters": parameters,
            "rules": spec.rules or tuple(rule for rule in rules if _still_applies(rule, spec)),
            "price": _price(spec, built_in),
            "examples": _examples(spec, built_in),
        }
    )


def one_line(text: str) -> str:
    """Return a text without line breaks, or what could move a terminal's cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def clean_title(title: str) -> str:
    """Return a title as one line of a length that a tab can show."""
    line = one_line(title)
    return line if len(line) <= MAX_TITLE else line[: MAX_TITLE - 1].rstrip() + "…"


def _price(spec: ModelSpec, built_in: ModelSpec | None) -> Price | None:
    price = built_in.price if built_in else None
    if spec.price is not None or price is None:
        return spec.price
    names = {parameter.name for parameter in spec.parameters}
    return price if {price.by, price.duration} <= names else None


def _examples(spec: ModelSpec, built_in: ModelSpec | None) -> tuple[Example, ...]:
    """Take only our own examples, since they name files of ours."""
    names = {parameter.name for parameter in spec.parameters}
    ours = built_in.examples if built_in else ()
    return tuple(example for example in ours if example.values.keys() <= names)


def _still_applies(rule: Rule, spec: ModelSpec) -> bool:
    """Tell whether all parameters of a rule are documented, and none is required."""
    documented = {parameter.name: parameter for parameter in spec.parameters}
    if not names_in(rule) <= documented.keys():
        return False
    if isinstance(rule, Becomes):
        changed = documented[rule.parameter]
        values = changed.values if isinstance(changed, ChoiceParameter) else ()
        return {rule.value, rule.becomes} <= set(values)
    return not any(documented[name].required for name in names_in(rule))


def _raise_if_unusable(spec: ModelSpec) -> None:
    if len(spec.model) > MAX_ID or not _ID.fullmatch(spec.model) or _climbs(spec.model):
        raise UnusableSpec(f"“{spec.model[:MAX_ID]}” cannot be the id of a model.")
    if len(spec.parameters) > MAX_PARAMETERS:
        raise UnusableSpec(
            f"It has {len(spec.parameters):,} parameters; {MAX_PARAMETERS} can be shown."
        )
    for parameter in spec.parameters:
        if not _PARAMETER.fullmatch(parameter.name):
            raise UnusableSpec(
                f"“{clean_title(parameter.name)}” cannot be the name of a parameter."
            )
    for parameter in _all_parameters(spec):
        _raise_if_too_much(parameter)
    if len(spec.model_dump_json()) > MAX_SPEC_BYTES:
        raise UnusableSpec("It is larger than the page of any model.")


def _climbs(model: str) -> bool:
    """Tell whether an id is shaped to lead out of a folder."""
    return any(not part.strip(". ") for part in model.split("/"))


def _all_parameters(spec: ModelSpec) -> Iterator[Parameter]:
    for parameter in spec.parameters:
        yield parameter
        if isinstance(parameter, TableParameter):
            yield from parameter.columns


def _raise_if_too_much(parameter: Parameter) -> None:
    shown = clean_title(parameter.name)
    if isinstance(parameter, ChoiceParameter) and not is_plain(parameter.values):
        raise UnusableSpec(f"“{shown}” has an option that is far too large a number.")
    if isinstance(parameter, ChoiceParameter) and len(parameter.options) > MAX_OPTIONS:
        raise UnusableSpec(f"“{shown}” has more than {MAX_OPTIONS:,} options.")
    if isinstance(parameter, TableParameter) and len(parameter.columns) > MAX_COLUMNS:
        raise UnusableSpec(f"“{shown}” has more than {MAX_COLUMNS} columns.")
