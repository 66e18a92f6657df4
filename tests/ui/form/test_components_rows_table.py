from __future__ import annotations

from typing import Any

import gradio as gr
import pytest

from kie_ui.ui.form.components import RowsTable, build_rows_table, rows_about
from tests.ui.specs import COLOURS, SHOTS

ROWS = [{"prompt": "a boat", "duration": 3}]


@pytest.fixture
async def widget() -> RowsTable:
    """Build a table with a documented row."""
    with gr.Blocks(analytics_enabled=False):
        return build_rows_table(SHOTS.model_copy(update={"default": tuple(ROWS)}))


def test_a_table_begins_with_the_documented_rows(widget: RowsTable) -> None:
    """As a list, which the script can read."""
    assert widget.value == ROWS


@pytest.mark.parametrize(("payload", "rows"), [(ROWS, ROWS), (None, []), ("a", []), ({}, [])])
def test_rows_are_handed_on_as_they_are(widget: RowsTable, payload: Any, rows: list[Any]) -> None:
    """Anything but a list is no row."""
    assert widget.preprocess(payload) == rows


def test_the_script_is_told_what_each_column_takes() -> None:
    """An input of its kind, with its limits and options."""
    shown: Any = rows_about(SHOTS)
    prompt, duration, camera = shown["columns"]
    assert (prompt["kind"], prompt["is_long"], prompt["is_required"]) == ("text", True, True)
    assert (duration["minimum"], duration["maximum"], duration["step"]) == (1, 12, 1)
    assert camera["options"][1] == {"value": "pan", "label": "pan"}
    assert (shown["most"], shown["is_bare"], rows_about(COLOURS)["is_bare"]) == (4, False, True)
