"""Values for hypothesis to try: such as a spec allows, and any that JSON can hold.

Specs to draw them for are in `spec_strategies`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.rules import is_given
from kie_ui.catalog.spec import ExactlyOne, ModelSpec
from kie_ui.catalog.values import FileRef, MediaRef, UrlRef

TRICKY = "'\"`$\\!{}()[]<>|&;%#~*?= \t\r\n@-0aé😀\u2028\x85\x0b\x00"
"""What shells, Python, JSON and `str.format` each have a meaning for, or break lines at."""

sendable_text = st.text(st.characters(codec="utf-8")) | st.text(TRICKY)
any_text = st.text(st.characters(exclude_categories=()))

file_names = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="/\x00"), min_size=1),
    st.text(TRICKY.replace("\x00", ""), min_size=1),
)
file_refs = st.builds(FileRef, path=st.text("abc/", min_size=1), name=file_names)
addresses = st.builds(
    "{}://{}/{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["pictures.example", "localhost:8000", "[::1]:80", "bücher.example"]),
    st.text("abc/.-_~é😀'\"$`\\", max_size=20),
    st.sampled_from(["", "?a=1&b=%20", "#'\"$(x)"]),
)
media_refs: SearchStrategy[MediaRef] = file_refs | st.builds(UrlRef, url=addresses)

_Listed = MediaParameter | TableParameter

any_json: SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | any_text
    | addresses
    | st.sampled_from([10**400, -(10**4000), "9" * 400, "1e999", "nan", -0.0, "\ud83d"])
    | st.sampled_from(
        [{"kind": "file", "path": "/a", "name": "a"}, {"kind": "url", "url": "\x00"}]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)


def value_of(parameter: Parameter) -> SearchStrategy[Any]:
    """Draw a value that the documentation allows, as a form holds it."""
    match parameter:
        case TextParameter():
            return _text_for(parameter)
        case ChoiceParameter():
            return _several_of(parameter) if parameter.many else st.sampled_from(parameter.values)
        case NumberParameter():
            return _number_for(parameter)
        case SwitchParameter():
            return st.booleans()
        case MediaParameter():
            return _items(media_refs, parameter).map(tuple)
        case _:
            return _data_for(parameter)


def _data_for(parameter: TableParameter | JsonParameter) -> SearchStrategy[Any]:
    if isinstance(parameter, TableParameter):
        return _items(_row_of(parameter), parameter)
    return json_for(parameter.json_schema)


def _several_of(parameter: ChoiceParameter) -> SearchStrategy[list[Any]]:
    most = min(parameter.max_items or len(parameter.values), len(parameter.values))
    chosen = st.sampled_from(parameter.values)
    return st.lists(chosen, min_size=_least(parameter), max_size=most, unique=True)


def _text_for(parameter: TextParameter) -> SearchStrategy[str]:
    if parameter.pattern is not None:
        return st.from_regex(parameter.pattern, fullmatch=True)
    shortest, longest = parameter.min_length or 1, min(parameter.max_length or 50, 50)
    return (
        sendable_text.map(lambda text: text[:longest])
        .map(lambda text: text + "x" * (shortest - len(text.strip())))
        .filter(lambda text: is_given(text) and shortest <= len(text.strip()) <= longest)
        .filter(lambda text: len(text) <= longest)
    )


def _number_for(parameter: NumberParameter) -> SearchStrategy[float]:
    low, high, step = parameter.minimum, parameter.maximum, parameter.step
    if parameter.is_whole and (step is None or step == 1):
        # Beyond 2 ** 53 a double can't tell one whole number from the next.
        return st.integers(int(-(2**53) if low is None else low), int(high or 2**53))
    if step is not None:
        start = low or 0.0
        most = 100 if high is None else math.floor((high - start) / step + 1e-9)
        return st.integers(0, most).map(lambda steps: round(start + steps * step, 9))
    return st.floats(-1e9 if low is None else low, 1e9 if high is None else high)


def _items(one: SearchStrategy[Any], parameter: _Listed) -> SearchStrategy[list[Any]]:
    least = _least(parameter)
    return st.lists(one, min_size=least, max_size=parameter.max_items or least + 3)


def _least(parameter: _Listed | ChoiceParameter) -> int:
    return max(1, parameter.min_items or 0)


def _row_of(table: TableParameter) -> SearchStrategy[Any]:
    if table.is_bare:
        return value_of(table.columns[0])
    required = {column.name: value_of(column) for column in table.columns if column.required}
    optional = {column.name: value_of(column) for column in table.columns if not column.required}
    rows = st.fixed_dictionaries(required, optional=optional)
    return rows.filter(bool)


def json_for(schema: Mapping[str, Any]) -> SearchStrategy[Any]:
    """Draw a value that a simple schema allows: arrays, objects and plain types."""
    match schema.get("type"):
        case "array":
            low = schema.get("minItems", 1)
            items = json_for(schema.get("items", {"type": "integer"}))
            return st.lists(items, min_size=low, max_size=schema.get("maxItems", low + 2))
        case "object":
            fields = {name: json_for(each) for name, each in schema["properties"].items()}
            return st.fixed_dictionaries(fields)
        case "integer":
            return st.integers(schema.get("minimum", -999), schema.get("maximum", 999))
        case "number":
            return st.floats(schema.get("minimum", -9), schema.get("maximum", 9))
        case "boolean":
            return st.booleans()
        case _:
            return sendable_text.filter(is_given)


@st.composite
def values_of(draw: DrawFn, spec: ModelSpec) -> dict[str, Any]:
    """Draw values that the documentation allows together, optional ones left out at times."""
    values = {
        parameter.name: draw(value_of(parameter))
        for parameter in spec.parameters
        if parameter.required or draw(st.booleans())
    }
    for rule in spec.rules:
        if isinstance(rule, ExactlyOne):
            chosen = draw(st.sampled_from(rule.parameters))
            for name in rule.parameters:
                values.pop(name, None)
            values[chosen] = draw(value_of(spec.parameter(chosen)))
    return values
