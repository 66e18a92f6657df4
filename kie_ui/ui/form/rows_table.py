"""A list of rows, such as prompts with their durations, each column with an input of its kind.

What it looks like, and how rows come, go and move, is seen to in `assets/js/rows_table.js`.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    Column,
    NumberParameter,
    SwitchParameter,
    TableParameter,
    TextParameter,
)
from kie_ui.ui.form.components import KeepsAddresses, WithoutStub


class RowsTable(KeepsAddresses, gr.HTML, metaclass=WithoutStub):
    """The widget; its value is the list of rows as the wire wants them."""

    def preprocess(self, payload: object) -> list[Any]:  # type: ignore[override]
        """Return the rows; what is in them is left for the check."""
        return payload if isinstance(payload, list) else []

    def postprocess(self, value: object) -> Any:
        """Hand on a list; the stock component's type speaks of HTML."""
        return list(value) if isinstance(value, (list, tuple)) else []

    def api_info(self) -> dict[str, Any]:
        """Describe the value."""
        return {"type": "array", "items": {}}


def build_rows_table(parameter: TableParameter) -> RowsTable:
    """Build the table of a parameter, with the documented rows."""
    return RowsTable(
        list(parameter.default),
        label=parameter.label,
        html_template='<div class="kie-rows"></div>',
        js_on_load="window.kieUi.mountRowsTable({ element, props, trigger, watch })",
        about=about(parameter),
        apply_default_css=False,
        container=True,
        padding=True,
        elem_classes="kie-own",
    )


def about(parameter: TableParameter) -> dict[str, Any]:
    """Say what the script has to know of a parameter."""
    return {
        "label": parameter.label,
        "help": parameter.help,
        "name": parameter.name,
        "is_required": parameter.required,
        "is_bare": parameter.is_bare,
        "least": parameter.min_items,
        "most": parameter.max_items,
        "columns": [_column(column) for column in parameter.columns],
    }


def _column(column: Column) -> dict[str, Any]:
    common = {
        "kind": column.kind,
        "name": column.name,
        "label": column.label,
        "help": column.help,
        "is_required": column.required,
        "start": column.default,
    }
    return {**common, **_limits(column)}


def _limits(column: Column) -> dict[str, Any]:
    match column:
        case TextParameter():
            return {"is_long": column.multiline, "sample": column.sample}
        case ChoiceParameter():
            options = [option.model_dump() for option in column.options]
            return {"options": options, "is_many": column.many}
        case NumberParameter():
            step = column.step or (1 if column.is_whole else "any")
            return {"minimum": column.minimum, "maximum": column.maximum, "step": step}
        case SwitchParameter():
            return {}
