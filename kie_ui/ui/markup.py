"""Text that others wrote, made fit to stand in markup of ours."""

from __future__ import annotations

from html import escape

_MARKS_OF_TEMPLATES = {ord(mark): f"&#{ord(mark)};" for mark in "{}$`\\"}


def in_template(text: str) -> str:
    """Write text so that it stays text in a template of Gradio's.

    Gradio's HTML component runs its templates: what stands between their marks is a program.
    """
    return escape(text).translate(_MARKS_OF_TEMPLATES)
