"""What the browser has to know of a form: each field, what it may hold, and how it starts.

The scripts (`assets/js/form.js`, `drafts.js`) draw from it what is beside the widgets, keep what is
typed as a draft, and recognise foreign data in the browser's storage by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import gradio as gr
from gradio.components import Component
from pydantic import BaseModel

from kie_ui.catalog.describe import widget_kind
from kie_ui.catalog.parameters import MediaParameter, NumberParameter, Parameter, TextParameter
from kie_ui.catalog.roles import roles_of
from kie_ui.catalog.spec import ModelSpec
from kie_ui.simulator.files import SAMPLE_IMAGE_TASKS
from kie_ui.ui.form.components import MediaList, PictureInput, RowsTable
from kie_ui.ui.form.values import ADDRESS, RANDOM, FormState, describe_state
from kie_ui.ui.form.widgets import is_filled_in

MARK = "kie-value-"
"""What the class of a widget begins with, before the mark of its field."""

FieldKind = Literal[
    "text", "number", "switch", "choice", "choices", "picture", "files", "rows", "address"
]


class ImageTask(BaseModel):
    """An image task that may be tried in demo mode."""

    title: str
    task_id: str


class PlanField(BaseModel):
    """One value of a form. What is None does not apply."""

    name: str
    mark: str
    """Part of the class of its widget, or of its own input."""
    kind: FieldKind
    default: Any = None
    options: list[Any] | None = None
    labels: list[str] | None = None
    minimum: float | None = None
    maximum: float | None = None
    can_be_empty: bool | None = None
    most: int | None = None
    of: str | None = None
    """The field that this one, without a widget of Gradio's, belongs to."""
    label: str | None = None
    help: str | None = None
    limit: int | None = None
    """Characters; they are counted at once for a long text, near the limit for a short one."""
    is_long: bool | None = None
    is_required: bool | None = None
    has_sample: bool | None = None
    example: str | None = None
    """The documentation's own picture, by its address."""
    tasks: list[ImageTask] | None = None


class FormPlan(BaseModel):
    """A form, as the browser knows it."""

    model: str
    tab: str
    fields: list[PlanField]
    widgets: list[str]
    """The names of the values that Gradio's widgets hold, in the order of the form's events."""
    folds: list[list[str]]
    """The fields in each fold, in the same order."""
    state: FormState
    """Of the untouched form."""


def mark_of(name: str) -> str:
    """Write a name so that it can be part of a class: a page may document any."""
    return re.sub(r"[^A-Za-z0-9_]", lambda found: f"-{ord(found[0]):x}-", name)


def describe_form(
    spec: ModelSpec,
    tab: str,
    widgets: dict[str, Component],
    parameters: dict[str, Parameter],
    folds: list[list[str]],
) -> FormPlan:
    """Describe a form of these widgets and parameters, both by the names of their values."""
    fields = [
        field
        for name, widget in widgets.items()
        for field in _fields(name, parameters.get(name), widget)
    ]
    given = {field.name: field.default for field in fields}
    pictures = {n: w.value for n, w in widgets.items() if isinstance(w, PictureInput)}
    return FormPlan(
        model=spec.model,
        tab=tab,
        fields=fields,
        widgets=list(widgets),
        folds=folds,
        state=describe_state(spec, {**given, **pictures}),
    )


def _fields(name: str, parameter: Parameter | None, widget: Any) -> Iterator[PlanField]:
    """Describe a widget, and the inputs of our own beside it."""
    own: dict[str, Any] = {"name": name, "mark": mark_of(name), "default": _default(widget)}
    about = {} if parameter is None else _about(parameter)
    yield PlanField(**own, **_kind(widget), **about)
    if isinstance(parameter, NumberParameter) and parameter.random_value is not None:
        label, value = parameter.label.lower(), f"{parameter.random_value:g}".replace("-", "−")
        yield PlanField(
            name=name + RANDOM,
            mark=mark_of(name + RANDOM),
            kind="switch",
            default=parameter.default == parameter.random_value,
            of=name,
            label=f"Random {label}",
            help=f"Sends {value}: a different one every time.",
        )
    if isinstance(widget, PictureInput) and parameter is not None:
        address = name + ADDRESS
        label = f"{parameter.label}: web address"
        yield PlanField(
            name=address, mark=mark_of(address), kind="address", default="", of=name, label=label
        )


def _about(parameter: Parameter) -> dict[str, Any]:
    about: dict[str, Any] = {"label": parameter.label, "is_required": parameter.required or None}
    match parameter:
        case TextParameter(max_length=int() as limit):
            about |= {"limit": limit, "is_long": parameter.multiline}
        case MediaParameter() if widget_kind(parameter) == "picture":
            has_sample = parameter.sample is not None and not is_filled_in(parameter)
            example = parameter.default[0] if parameter.default and not parameter.sample else None
            about |= {"help": parameter.help, "has_sample": has_sample or None, "example": example}
    if "image_task_id" in roles_of(parameter):
        about["tasks"] = [ImageTask(title=t.title, task_id=t.task_id) for t in SAMPLE_IMAGE_TASKS]
    return about


def _default(widget: Any) -> Any:
    value = widget.value
    if isinstance(value, dict):  # a picture in Gradio's folder
        return {"path": value["path"], "orig_name": value.get("orig_name")}
    return value if value is not None or not isinstance(widget, gr.Textbox) else ""


_KINDS: tuple[tuple[type[Component], FieldKind], ...] = (
    (PictureInput, "picture"),
    (RowsTable, "rows"),
    (gr.Checkbox, "switch"),
)


def _kind(widget: Any) -> dict[str, Any]:
    match widget:
        case gr.Radio() | gr.Dropdown():
            labels, options = map(list, zip(*widget.choices, strict=True))
            kind = "choices" if getattr(widget, "multiselect", False) else "choice"
            return {"kind": kind, "options": options, "labels": labels}
        case MediaList():
            return {"kind": "files", "most": widget.props["about"]["most"]}
        case gr.Number():
            return {"kind": "number", "can_be_empty": True}
        case gr.Slider():
            return {"kind": "number", "minimum": widget.minimum, "maximum": widget.maximum}
        case _:
            return {"kind": next((k for kind, k in _KINDS if isinstance(widget, kind)), "text")}
