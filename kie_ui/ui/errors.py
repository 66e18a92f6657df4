"""Errors from below → what Gradio shows: the one place where they are translated."""

from __future__ import annotations

from html import escape

import gradio as gr

from kie_ui.catalog.validation.validate import InvalidValues


def refusal(problem: Exception, task_id: str | None = None) -> gr.Error:
    """Make the error that a caller gets: the page's own sentence, and the task id if any."""
    if isinstance(problem, InvalidValues):
        sentence = " ".join(dict.fromkeys(each.message for each in problem.problems))
    elif isinstance(problem, OSError):
        from kie_ui.media.storage import explain_os_error  # noqa: PLC0415 - rarely needed

        sentence = explain_os_error(problem)
    else:
        sentence = str(problem)
    return refusal_of(sentence, task_id)


def refusal_of(sentence: str, task_id: str | None = None) -> gr.Error:
    """Make an error of a sentence. Callers read text: nothing in it is escaped."""
    suffix = f" (task id: {task_id})" if task_id else ""
    return gr.Error(sentence + suffix, duration=None, print_exception=False)


def on_page(error: gr.Error) -> gr.Error:
    """Make an error fit for the page, which shows its text as HTML."""
    return gr.Error(escape(error.message, quote=False), duration=None, print_exception=False)


_MARKS_OF_TEMPLATES = {ord(mark): f"&#{ord(mark)};" for mark in "{}$`\\"}


def in_template(text: str) -> str:
    """Write text so that it stays text in a template of Gradio's.

    Gradio's HTML component runs its templates: what stands between their marks is a program.
    """
    return escape(text).translate(_MARKS_OF_TEMPLATES)
