"""Errors from below → what Gradio shows: the one place where they are translated."""

from __future__ import annotations

from html import escape

import gradio as gr

from kie_ui.catalog.inputs import InvalidValues


def refusal(problem: Exception, task_id: str | None = None) -> gr.Error:
    """Make the error that a page or a caller sees: the same sentence, and the task id if any.

    Gradio shows the text as HTML, and what services say is not ours: it is escaped.
    """
    if isinstance(problem, InvalidValues):
        sentence = " ".join(each.message for each in problem.problems)
    elif isinstance(problem, OSError):
        from kie_ui.media.storage import explain_os_error  # noqa: PLC0415 - rarely needed

        sentence = explain_os_error(problem)
    else:
        sentence = str(problem)
    return refusal_of(sentence, task_id)


def refusal_of(sentence: str, task_id: str | None = None) -> gr.Error:
    """Make an error of a sentence."""
    suffix = f" (task id: {task_id})" if task_id else ""
    return gr.Error(escape(sentence + suffix, quote=False), duration=None, print_exception=False)
