"""Errors from below → what Gradio shows and what our routes answer: translated here alone."""

from __future__ import annotations

from html import escape

import gradio as gr
from starlette.responses import JSONResponse

from kie_ui.catalog.collection import CollectionProblem
from kie_ui.catalog.library import MayNotAdd
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.sanitize import UnusableSpec
from kie_ui.catalog.validate import InvalidValues
from kie_ui.kie.errors import KieError, Unreachable
from kie_ui.media.storage import explain_os_error
from kie_ui.runs.errors import RunsProblem, StoreProblem, UnknownRun
from kie_ui.runs.limits import QuotaUsedUp


class BadRequest(Exception):
    """A request that its route does not take; the text is a sentence for the person."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


class BodyTooLarge(BadRequest):
    """A body beyond its route's limit."""

    def __init__(self, sentence: str = "That is too much at once.") -> None:
        super().__init__(sentence, 413)


_STATUS: dict[type[Exception], int] = {
    MayNotAdd: 403,
    UnknownModel: 404,
    UnknownRun: 404,
    RunsProblem: 409,
    CollectionProblem: 409,
    UnusableSpec: 409,
    QuotaUsedUp: 429,
    StoreProblem: 503,
}
EXPECTED: tuple[type[Exception], ...] = (BadRequest, KieError, *_STATUS)
"""The errors that `error_response` translates."""


def error_response(error: Exception) -> JSONResponse:
    """Answer one of the expected errors: a status, and a sentence for the person."""
    gone = "This model is no longer here."
    sentence = gone if isinstance(error, UnknownModel) else str(error)
    # What somebody sent may stand in it, also half a character, which no answer can carry.
    words = sentence.encode(errors="replace").decode()
    return JSONResponse({"message": words}, status_code=_status(error))


def _status(error: Exception) -> int:
    if isinstance(error, BadRequest):
        return error.status
    if isinstance(error, KieError):
        return 503 if error.may_retry or isinstance(error, Unreachable) else 409
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def to_gradio_error(problem: Exception, task_id: str | None = None) -> gr.Error:
    """Return the error that a caller gets: the page's own sentence, and the task id if any."""
    if isinstance(problem, InvalidValues):
        sentence = " ".join(dict.fromkeys(each.message for each in problem.problems))
    elif isinstance(problem, OSError):
        sentence = explain_os_error(problem)
    else:
        sentence = str(problem)
    return gradio_error(sentence, task_id)


def gradio_error(sentence: str, task_id: str | None = None) -> gr.Error:
    """Return an error with this sentence, unescaped: callers read text."""
    suffix = f" (task id: {task_id})" if task_id else ""
    return gr.Error(sentence + suffix, duration=None, print_exception=False)


_MARKS_OF_TEMPLATES = {ord(mark): f"&#{ord(mark)};" for mark in "{}$`\\"}


def in_template(text: str) -> str:
    """Escape text for a template of Gradio's HTML component, which runs what `${}` encloses."""
    return escape(text).translate(_MARKS_OF_TEMPLATES)
