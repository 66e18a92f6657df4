"""What Gradio's session of a page holds, where it would only grow.

Gradio keeps every component that a `gr.render` ever built until the session ends, though nothing
refers to those of the times before: it drops their events, and the browser its widgets.
"""

from __future__ import annotations

from gradio.blocks import Block
from gradio.context import LocalContext


def forget_old_components() -> None:
    """Drop, inside a function of `gr.render`, what it built before."""
    renderable = LocalContext.renderable.get(None)
    config = LocalContext.blocks_config.get(None)
    if renderable is None or config is None:
        raise RuntimeError("This is of use in a function of gr.render only.")
    container = renderable.container_id
    old = [key for key, block in config.blocks.items() if _is_below(block, container)]
    for key in old:
        del config.blocks[key]


def _is_below(block: Block, container: int) -> bool:
    parent = block.parent
    while parent is not None and parent._id != container:  # noqa: SLF001 - there is no public way
        parent = parent.parent
    return parent is not None
