"""A form half filled in survives a refresh: the browser keeps its values as a draft.

The server has no part in it: values go from the widgets to the browser's storage and back, in
`assets/js/drafts.js`. Here each value is described, so that foreign data is recognised.
"""

from __future__ import annotations

import re
from typing import Any

import gradio as gr
from gradio.components import Component

from kie_ui.ui.form.builder import in_script
from kie_ui.ui.form.components import MediaList, PictureInput, RowsTable
from kie_ui.ui.form.form import ADDRESS, RANDOM, START_FROM, Field, Form

FACTS = "+facts"
"""The suffix of the name of the text under a picture."""
MARK = "kie-value-"
"""What the class of a remembered widget begins with, before the name of its value."""
UNDO_S = 12
"""How long a form that was started over can be restored."""

_IN_BROWSER: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def drafted(form: Form) -> dict[str, Component]:
    """Return every widget whose value is remembered, by the name under which it is."""
    facts = {
        name + FACTS: shown.facts for name, shown in form.fields.items() if shown.facts is not None
    }
    return {**form.inputs, **facts}


def describe(form: Form) -> list[dict[str, Any]]:
    """Describe each remembered value: name, kind, default, and options or limits."""
    described: list[dict[str, Any]] = []
    if form.start_from is not None:
        labels, options = map(list, zip(*form.start_from.choices, strict=True))
        shows = {"options": options, "labels": labels}
        described.append(_entry(START_FROM, "choice", form.start_from, **shows))
    for name, shown in form.fields.items():
        described.append({"name": name, **_kind(shown), "default": _default(shown.widget)})
        if shown.random is not None:
            described.append(_entry(name + RANDOM, "switch", shown.random))
        if shown.address is not None:
            described.append(_entry(name + ADDRESS, "address", shown.address, of=name))
    for name, shown in form.fields.items():
        if shown.facts is not None:
            described.append(_entry(name + FACTS, "facts", shown.facts, of=name))
    return [{**entry, "mark": mark_of(entry["name"])} for entry in described]


def wire_drafts(form: Form, has_pressed: gr.Checkbox, page: gr.Blocks | None = None) -> None:
    """Have the browser remember the form whenever it changes, and fill it in.

    That is when the page loads; without a page, for a form that is rendered later, as soon as it is
    there. Our scripts can fill it in, too, with the settings of a run (`assets/js/reuse.js`): what
    is given to a field that is folded away opens its fold. Gradio reports changes only while
    it reaches the server, so the browser reads the widgets by their marks as well.
    """
    for name, widget in drafted(form).items():
        _mark(name, widget)
    widgets = list(drafted(form).values())
    model, folds = in_script(form.spec.model), in_script(list(form.folds.values()))
    plan = in_script({"model": form.spec.model, "tab": form.tab, "fields": describe(form)})
    restore = page.load if page is not None else _build_restoring(form).click
    restore(None, None, widgets, js=f"() => window.kieUi('restoreDraft', {plan})", **_IN_BROWSER)
    changes = [getattr(widget, "change") for widget in widgets]  # noqa: B009 - mypy knows no events
    js = f"(...values) => window.kieUi('keepDraft', {model}, '{form.tab}', values)"
    gr.on(changes, None, widgets, None, js=js, **_IN_BROWSER)
    fill = gr.Button(visible="hidden", elem_id=f"kie-fill-{form.tab}")
    filled = fill.click(
        None,
        widgets,
        [*widgets, has_pressed, *form.folds],
        js=f"(...values) => window.kieUi('filledIn', {model}, values, {UNDO_S * 1000}, {folds})",
        **_IN_BROWSER,
    )
    # Only what comes after it finds the values in the widgets.
    filled.then(None, None, None, js="() => window.kieUi('formIsFilled')", **_IN_BROWSER)


def _build_restoring(form: Form) -> gr.Button:
    """Build the button that our script presses as soon as it is on the page."""
    button = gr.Button(visible="hidden", elem_id=f"kie-restore-{form.tab}")
    gr.HTML(
        html_template="<span hidden></span>",
        js_on_load=f"window.kieUi('pressOnceThere', 'kie-restore-{form.tab}')",
        elem_classes="kie-unseen",
    )
    return button


def wire_start_over(
    form: Form, has_pressed: gr.Checkbox, start_over: gr.Button, undo: gr.Button
) -> None:
    """Have one button put the documented defaults back, and the other take that back."""
    widgets = list(drafted(form).values())
    model = in_script(form.spec.model)
    start_over.click(
        None,
        widgets,
        [*widgets, has_pressed],
        js=f"(...values) => window.kieUi('startOver', {model}, values, {UNDO_S * 1000})",
        **_IN_BROWSER,
    )
    js = f"() => window.kieUi('undoStartOver', {model})"
    undo.click(None, None, widgets, js=js, **_IN_BROWSER)


def _mark(name: str, widget: Any) -> None:
    widget.elem_classes = [*(widget.elem_classes or ()), MARK + mark_of(name)]


def mark_of(name: str) -> str:
    """Write a name so that it can be part of a class: a page may document any."""
    return re.sub(r"[^A-Za-z0-9_]", lambda found: f"-{ord(found[0]):x}-", name)


def _entry(name: str, kind: str, widget: Component, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "default": _default(widget), **more}


def _default(widget: Any) -> Any:
    value = widget.value
    if isinstance(value, dict):  # a picture in Gradio's folder
        return {"path": value["path"], "orig_name": value.get("orig_name")}
    return value if value is not None or not isinstance(widget, gr.Textbox) else ""


_KINDS: tuple[tuple[type[Component], str], ...] = (
    (PictureInput, "picture"),
    (RowsTable, "rows"),
    (gr.Checkbox, "switch"),
)


def _kind(shown: Field) -> dict[str, Any]:
    widget: Any = shown.widget
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
