import errno
import os

import pytest

from kie_ui.catalog.rules import Problem
from kie_ui.catalog.validation.validate import InvalidValues
from kie_ui.kie.errors import Unauthorized
from kie_ui.runs.errors import KeyMissing
from kie_ui.ui.errors import on_page, refusal, refusal_of
from tests.ui.driving import HOSTILE


def test_a_refusal_says_every_problem_at_once() -> None:
    """Who mends them all has to press only once more."""
    error = refusal(InvalidValues((Problem("a", "A is missing."), Problem("b", "B is too long."))))
    assert error.message == "A is missing. B is too long."


@pytest.mark.parametrize("problem", [KeyMissing(), Unauthorized(said="no such key")])
def test_a_refusal_is_the_sentence_of_the_problem(problem: Exception) -> None:
    """Nobody reads the name of a class."""
    assert refusal(problem).message == str(problem)


def test_a_full_disk_is_told_in_plain_words() -> None:
    """With what can be done, and without an error number."""
    message = refusal(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))).message
    assert message == "The disk is full. Free some space, then try again."


def test_the_task_id_stands_with_the_sentence() -> None:
    """It is what the person needs to find a paid task again."""
    assert refusal_of("It failed.", "281e5b0f39b9").message == "It failed. (task id: 281e5b0f39b9)"


def test_a_caller_reads_the_very_words() -> None:
    """What a program prints is text: nothing in it is escaped."""
    assert refusal_of("a <b> & c").message == "a <b> & c"


def test_a_refusal_on_the_page_is_never_markup() -> None:
    """Gradio shows it as HTML, and what services say is not ours."""
    message = on_page(refusal_of(HOSTILE, "<b>")).message
    assert "<" not in message
    assert "“quotes”" in message


def test_a_refusal_stays_until_it_is_closed_and_logs_no_traceback() -> None:
    """A sentence that vanishes is read by nobody; a refusal is no fault of the program."""
    error = refusal_of("It failed.")
    assert error.duration is None
    assert error.print_exception is False
