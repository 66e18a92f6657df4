"""Fails first when a new Gradio changes what `kie_ui/ui/asgi` relies on without a promise."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pytest
from gradio.state_holder import SessionState

from kie_ui.ui.asgi.gradio_sessions import forget_old_components


def build_page() -> gr.Blocks:
    """Build a page of two renders, each of which holds its last components alone."""
    page: gr.Blocks
    with gr.Blocks(analytics_enabled=False) as page:
        for _ in range(2):
            box = gr.Textbox()

            @gr.render(box, [box.change])  # type: ignore[untyped-decorator]  # Gradio's has no types
            def build(text: str) -> None:
                forget_old_components()
                with gr.Row(), gr.Group():
                    gr.Textbox(text)  # Gradio puts it into a form, which is a component as well

    return page


async def test_a_session_holds_what_was_rendered_last_and_all_else() -> None:
    """However often it is rendered, and whatever else is."""
    page = build_page()
    state = SessionState(page)
    renders = [fn for fn in page.fns.values() if fn.renderable]

    async def render(number: int) -> set[int]:
        done: Any = await page.process_api(renders[number], ["Text"], state=state)
        return {each["id"] for each in done["render_config"]["components"]}

    other = await render(1)
    await render(0)
    held = set(state.blocks_config.blocks)
    last = await render(0)
    assert len(state.blocks_config.blocks) == len(held)
    assert state.blocks_config.blocks.keys() >= {*page.blocks, *other, *last}


def test_elsewhere_there_is_nothing_to_forget() -> None:
    """It would never do its work if Gradio told of the render in another way."""
    with pytest.raises(RuntimeError):
        forget_old_components()
