import errno
import json
import os

import pytest

from kie_ui.catalog.rules import Problem
from kie_ui.catalog.validate import InvalidValues
from kie_ui.kie.errors import Unauthorized
from kie_ui.runs.errors import KeyMissing
from kie_ui.ui.errors import BadRequest, error_response, gradio_error, to_gradio_error


def test_a_refusal_says_every_problem_at_once() -> None:
    """Who mends them all has to press only once more."""
    error = to_gradio_error(
        InvalidValues((Problem("a", "A is missing."), Problem("b", "B is too long.")))
    )
    assert error.message == "A is missing. B is too long."


@pytest.mark.parametrize("problem", [KeyMissing(), Unauthorized(said="no such key")])
def test_a_refusal_is_the_sentence_of_the_problem(problem: Exception) -> None:
    """Nobody reads the name of a class."""
    assert to_gradio_error(problem).message == str(problem)


def test_a_full_disk_is_told_in_plain_words() -> None:
    """With what can be done, and without an error number."""
    message = to_gradio_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))).message
    assert message == "The disk is full. Free some space, then try again."


def test_the_task_id_stands_with_the_sentence() -> None:
    """It is what the person needs to find a paid task again."""
    assert (
        gradio_error("It failed.", "281e5b0f39b9").message == "It failed. (task id: 281e5b0f39b9)"
    )


def test_a_caller_reads_the_very_words() -> None:
    """What a program prints is text: nothing in it is escaped."""
    assert gradio_error("a <b> & c").message == "a <b> & c"


def test_a_refusal_stays_until_it_is_closed_and_logs_no_traceback() -> None:
    """A sentence that vanishes is read by nobody; a refusal is no fault of the program."""
    error = gradio_error("It failed.")
    assert error.duration is None
    assert error.print_exception is False


def test_an_answer_can_repeat_whatever_was_sent() -> None:
    """Half a character is shown as a question mark, and breaks nothing."""
    assert json.loads(bytes(error_response(BadRequest("no \ud800")).body)) == {"message": "no ?"}
