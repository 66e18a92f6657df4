"""A parameter → the widget that fits it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.components import Component
from gradio.components.textbox import InputHTMLAttributes

from kie_ui.catalog.constraints import digits
from kie_ui.catalog.describe import widget_kind
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
from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.values import JsonValue
from kie_ui.settings import ASSETS
from kie_ui.ui.form.components import (
    NumberField,
    NumberSlider,
    PictureInput,
    build_media_list,
    build_rows_table,
)

LEFT_OUT = ""
"""What a widget holds where a parameter is left to the service."""
LEAVE_OUT = ("Leave out", LEFT_OUT)
YES, NO = "yes", "no"


def info(parameter: Parameter) -> str:
    """Describe a parameter: its meaning, the limits that its widget does not show, and its name.

    Gradio reads a little Markdown in it, as pages of documentation are written; but nothing that
    somebody else wrote becomes a link of ours.
    """
    name = "" if parameter.name == EXTRA else f"`{parameter.name}`"
    help_, limits = parameter.help, limits_in_words(parameter)
    if help_.count("`") % 2:  # one that is not closed would take the name with it
        help_ = help_.replace("`", "")
    parts = (ended(help_) if limits else help_, limits, name)
    return " ".join(filter(None, parts)).replace("](", "] (")


def ended(words: str) -> str:
    """End text like a sentence, so that another one may follow."""
    return f"{words}." if words and words[-1] not in ".!?:;…" else words


def limits_in_words(parameter: Parameter) -> str:
    """Return the limits that the widget itself does not show, as sentences."""
    match parameter:
        case NumberParameter() if widget_kind(parameter) == "number":
            return _range_in_words(parameter)
        case TextParameter(pattern=str() as pattern):
            return f"Written like `{pattern.replace('`', '')}`."
        case TextParameter(min_length=int() as least) if least > 1:
            return f"At least {least:,} characters."
        case JsonParameter() if parameter.name != EXTRA:
            return schema_in_words(parameter.json_schema, parameter.of)
        case ChoiceParameter(many=True):
            return _counts_in_words(parameter.min_items, parameter.max_items)
        case _:
            return ""


def _range_in_words(parameter: NumberParameter) -> str:
    low, high = (None if n is None else digits(n) for n in (parameter.minimum, parameter.maximum))
    if low is not None and high is not None:
        return f"From {low} to {high}."
    if low is not None:
        return f"{low} or more."
    return "" if high is None else f"{high} or less."


def _counts_in_words(least: int | None, most: int | None) -> str:
    return f"Choose {_count(least, most) or 'as many as you like'}."


def _count(least: int | None, most: int | None) -> str:
    if least and least == most:
        return f"{least}"
    if most is not None:
        return f"{least} to {most}" if least else f"up to {most}"
    return f"{least} or more" if least else ""


def build_widget(parameter: Parameter) -> Component:
    """Build the widget of a parameter, filled in with its documented default."""
    match parameter:
        case TextParameter():
            return _text(parameter)
        case ChoiceParameter():
            return _choices(parameter) if parameter.many else _choice(parameter)
        case NumberParameter():
            return _number(parameter)
        case SwitchParameter():
            return _switch(parameter)
        case MediaParameter():
            is_one_picture = widget_kind(parameter) == "picture"
            return _picture(parameter) if is_one_picture else build_media_list(parameter)
        case TableParameter() | JsonParameter():
            return _data(parameter)


def _data(parameter: TableParameter | JsonParameter) -> Component:
    if isinstance(parameter, TableParameter):
        return build_rows_table(parameter)
    return _json(parameter)


_JSON_STARTS = {"object": "{ … }", "array": "[ … ]"}


def _json(parameter: JsonParameter) -> Component:
    return gr.Textbox(
        value=json_text(parameter.default),
        label=parameter.label,
        info=info(parameter),
        placeholder=_JSON_STARTS.get(parameter.of, ""),
        lines=4,
        max_lines=20,
        html_attributes=InputHTMLAttributes(spellcheck=False, autocapitalize="off"),
        elem_classes="kie-json",
    )


def json_text(value: Any) -> str:
    """Write a value as people read JSON; nothing where there is none."""
    return "" if value in (None, (), "") else json.dumps(value, indent=2, ensure_ascii=False)


def _switch(parameter: SwitchParameter) -> Component:
    if parameter.default is not None:
        return gr.Checkbox(value=parameter.default, label=parameter.label, info=info(parameter))
    ways = [("Yes", YES), ("No", NO)]
    return gr.Radio(
        ways if parameter.required else [LEAVE_OUT, *ways],
        value=None if parameter.required else LEFT_OUT,
        label=parameter.label,
        info=info(parameter),
        elem_classes="kie-segments",
    )


def _choices(parameter: ChoiceParameter) -> Component:
    default = parameter.default
    return gr.Dropdown(
        [(option.label, option.value) for option in parameter.options],
        value=list(default) if isinstance(default, tuple) else [],
        multiselect=True,
        max_choices=parameter.max_items,
        label=parameter.label,
        info=info(parameter),
    )


def _text(parameter: TextParameter) -> Component:
    return gr.Textbox(
        value=parameter.default or "",
        label=parameter.label,
        info=info(parameter),
        placeholder=f"For example: {parameter.sample}" if parameter.sample else None,
        lines=3 if parameter.multiline else 1,
        max_lines=14 if parameter.multiline else 1,
    )


def options_shown(parameter: ChoiceParameter) -> list[tuple[str, Any]]:
    """List what may be chosen; also nothing, where neither the page nor the service minds."""
    choices = [(option.label, option.value) for option in parameter.options]
    can_stay_open = not parameter.required and parameter.default is None and not parameter.many
    return [LEAVE_OUT, *choices] if can_stay_open else choices


def _choice(parameter: ChoiceParameter) -> Component:
    choices = options_shown(parameter)
    value: Any = LEFT_OUT if choices[0] == LEAVE_OUT else parameter.default
    if widget_kind(parameter) == "choice":
        return gr.Radio(
            choices,
            value=value,
            label=parameter.label,
            info=info(parameter),
            elem_classes="kie-segments",
        )
    return gr.Dropdown(choices, value=value, label=parameter.label, info=info(parameter))


def _number(parameter: NumberParameter) -> Component:
    default = parameter.default
    is_random = default is not None and default == parameter.random_value
    if widget_kind(parameter) == "number":
        return NumberField(
            value=None if is_random else default,
            label=parameter.label,
            info=info(parameter),
            minimum=slider_minimum(parameter) if parameter.minimum is not None else None,
            maximum=parameter.maximum,
            step=parameter.step or (1 if parameter.is_whole else 0.01),
            precision=0 if parameter.is_whole else None,
            placeholder="" if parameter.required else "Left out",
            interactive=not is_random,
        )
    minimum = slider_minimum(parameter)
    return NumberSlider(
        minimum=minimum,
        maximum=parameter.maximum or 0,
        step=parameter.step or (1 if parameter.integer else 0.01),
        value=minimum if is_random or default is None else default,
        label=parameter.label,
        info=info(parameter),
        interactive=not is_random,
        buttons=[],
    )


def slider_minimum(parameter: NumberParameter) -> float:
    """Return where the slider begins: past the value that has a switch of its own."""
    lowest = parameter.minimum or 0
    is_switched = parameter.random_value is not None and parameter.random_value == lowest
    return lowest + (parameter.step or 1) if is_switched else lowest


def is_filled_in(parameter: MediaParameter) -> bool:
    """Tell whether the form starts with our sample: where the documentation starts with one too."""
    return parameter.sample is not None and bool(parameter.default)


def _picture(parameter: MediaParameter) -> Component:
    return PictureInput(
        value=str(ASSETS / (parameter.sample or "")) if is_filled_in(parameter) else None,
        type="filepath",
        image_mode=None,
        sources=["upload", "webcam", "clipboard"],
        label=parameter.label,
        height=220,
        buttons=["fullscreen"],
        webcam_options=gr.WebcamOptions(mirror=False),
        alt_text=f"{parameter.label} chosen for this run",
        placeholder="Drop a picture here\n— or —\nclick to choose one",
        elem_classes="kie-picture",
    )


def parameter_value(parameter: Parameter, held: Any) -> Any:
    """Read what a widget holds as a value of its parameter."""
    if isinstance(parameter, SwitchParameter) and parameter.default is None:
        return {YES: True, NO: False}.get(held) if isinstance(held, str) else None
    return held


def widget_value(parameter: Parameter, value: Any) -> Any:
    """Return what a widget holds for a value: the inverse of `parameter_value`."""
    match parameter:
        case SwitchParameter(default=None):
            return YES if value else NO
        case ChoiceParameter(many=True) | TableParameter():
            return list(value)
        case JsonParameter():
            return json_text(value)
        case _:
            return value


_BETWEEN_CELLS = " · "


def plain_text(value: Any) -> str:
    """Write a value as text: lists and objects as JSON."""
    if isinstance(value, JsonValue):
        return json.dumps(value.value, ensure_ascii=False, indent=2)
    return str(value)


def in_words(parameter: Parameter, value: Any) -> str:
    """Write a value of a parameter as a person reads it: labels for values, rows as lines."""
    match parameter, value:
        case ChoiceParameter(), str():
            labels = {option.value: option.label for option in parameter.options}
            label = labels.get(value, value)
            return f"{label} {parameter.unit}" if parameter.unit and label == value else label
        case _, bool():
            return "yes" if value else "no"
        case NumberParameter(), _ if value == parameter.random_value:
            return "random"
        case _, float() if value.is_integer():
            return str(int(value))
        case TableParameter(), JsonValue(value=list() as rows):
            return "\n".join(_row_in_words(parameter, row) for row in rows)
    return plain_text(value)


def _row_in_words(table: TableParameter, row: Any) -> str:
    """Write a row in one line: the name and the value of each column."""
    columns = {column.name: column for column in table.columns}
    if not isinstance(row, dict):
        return in_words(table.columns[0], row)
    known = [(column.label, in_words(column, row[n])) for n, column in columns.items() if n in row]
    others = [(name, str(value)) for name, value in row.items() if name not in columns]
    return _BETWEEN_CELLS.join(f"{label}: {words}" for label, words in known + others)


MAX_DEPTH = 3
MAX_FIELDS = 8

_WORDS = {
    "string": ("text", "texts"),
    "number": ("a number", "numbers"),
    "integer": ("a whole number", "whole numbers"),
    "boolean": ("true or false", "values of true or false"),
    "array": ("a list", "lists"),
    "object": ("an object", "objects"),
}
_ANYTHING = ("a value", "values")


def schema_in_words(schema: Mapping[str, Any], type_: str) -> str:
    """Describe a schema in a sentence: "A list of lists of whole numbers."."""
    words = _type_in_words({"type": type_, **schema}, MAX_DEPTH)
    return f"{words[:1].upper()}{words[1:]}."


def _type_in_words(schema: Mapping[str, Any], depth: int, *, is_plural: bool = False) -> str:
    type_ = schema.get("type")
    words = _WORDS.get(type_, _ANYTHING) if isinstance(type_, str) else _ANYTHING
    noun = words[is_plural]
    if depth == 0:
        return noun
    if type_ == "array" and isinstance(schema.get("items"), Mapping):
        count = _count(schema.get("minItems"), schema.get("maxItems"))
        items = _type_in_words(schema["items"], depth - 1, is_plural=True)
        return " ".join(filter(None, (noun, "of", count, items)))
    if type_ == "object" and isinstance(schema.get("properties"), Mapping):
        return f"{noun} with {_fields(schema['properties'], depth)}"
    return noun


def _fields(properties: Mapping[str, Any], depth: int) -> str:
    shown = list(properties.items())[:MAX_FIELDS]
    named = [f"“{name}” ({_type_in_words(_schema(each), depth - 1)})" for name, each in shown]
    return ", ".join(named) + (" and more" if len(properties) > MAX_FIELDS else "")


def _schema(given: object) -> Mapping[str, Any]:
    return given if isinstance(given, Mapping) else {}
