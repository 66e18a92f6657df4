import re
from collections.abc import Iterator
from typing import TypeVar

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kie_ui.kie.errors as errors_module
from kie_ui.kie.errors import (
    BadAnswer,
    DownloadFailed,
    FeatureDisabled,
    InvalidInput,
    KeyLimitReached,
    KieError,
    Maintenance,
    NoAnswer,
    NoCredits,
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    TaskFailed,
    TaskNotFound,
    Unauthorized,
    Unreachable,
    error_for_code,
    quotable,
    translated,
)
from kie_ui.kie.responses import TaskRecord

E = TypeVar("E", bound=Exception)


def descendants(kind: type[E]) -> Iterator[type[E]]:
    """Walk every class below one."""
    for child in kind.__subclasses__():
        yield child
        yield from descendants(child)


def test_the_tree_in_the_text_is_the_tree_in_the_code() -> None:
    """Every error class is drawn at the top of the module, below its parent."""
    drawn: dict[int, str] = {}
    parents: dict[str, str] = {}
    for indent, name in re.findall(r"^( *)[*x+-] (\w+)", errors_module.__doc__ or "", re.MULTILINE):
        drawn[len(indent)] = name
        parents[name] = drawn.get(len(indent) - 2, "Exception")
    ours: list[type[KieError]] = [KieError, *descendants(KieError)]
    assert parents == {kind.__name__: kind.__bases__[0].__name__ for kind in ours}


@pytest.mark.parametrize(
    ("code", "said", "kind", "kind_about_task"),
    [
        (400, "Invalid request parameters", InvalidInput, None),
        (401, "You do not have access permissions", Unauthorized, None),
        (402, "Insufficient account balance", NoCredits, None),
        (403, "", Unauthorized, None),
        (404, "Resource not found", NotFound, TaskNotFound),
        (408, "", ServerFault, None),
        (413, "", InvalidInput, None),
        (422, "Images size exceeds limit", InvalidInput, None),
        (422, "taskId is blank", InvalidInput, None),
        (422, "recordInfo is null", InvalidInput, TaskNotFound),
        (429, "Request rate limit exceeded", RateLimited, None),
        (433, "", KeyLimitReached, None),
        (455, "", Maintenance, None),
        (500, "Internal server error", ServerFault, None),
        (500, "This field is required", InvalidInput, None),
        (501, "", ServerFault, None),
        (502, "", ServerFault, None),
        (505, "", FeatureDisabled, None),
        (302, "", ServerFault, None),
        (7, "", ServerFault, None),
    ],
)
def test_every_known_code_has_its_error(
    code: int, said: str, kind: type[KieError], kind_about_task: type[KieError] | None
) -> None:
    """A code, with the service's words where they decide, names one class; two know no task yet."""
    error = error_for_code(code, said, answer={"code": code})
    assert type(error) is kind
    assert error.code == code
    assert error.answer == {"code": code}
    about_task = error_for_code(code, said, about_task=True)
    assert type(about_task) is (kind_about_task or kind)


def test_refusals_were_surely_not_accepted_and_doubts_may_have_been() -> None:
    """Only an answer that says no, or no connection at all, rules out that a create was taken."""
    in_doubt = {kind for kind in descendants(KieError) if kind.may_have_been_accepted}
    assert in_doubt == {ServerFault, NoAnswer, BadAnswer}
    assert not any(kind.may_have_been_accepted for kind in descendants(Refused))


def test_the_key_limit_is_not_worth_a_quick_retry() -> None:
    """433 outlasts any wait of ours, though it is a limit like 429."""
    assert RateLimited.may_retry
    assert not KeyLimitReached.may_retry


EXPECTED_FOR_HTTPX: dict[type[httpx.RequestError], type[KieError]] = {
    httpx.TransportError: NoAnswer,
    httpx.TimeoutException: NoAnswer,
    httpx.ConnectTimeout: Unreachable,
    httpx.ReadTimeout: NoAnswer,
    httpx.WriteTimeout: NoAnswer,
    httpx.PoolTimeout: Unreachable,
    httpx.NetworkError: NoAnswer,
    httpx.ConnectError: Unreachable,
    httpx.ReadError: NoAnswer,
    httpx.WriteError: NoAnswer,
    httpx.CloseError: NoAnswer,
    httpx.ProtocolError: NoAnswer,
    httpx.LocalProtocolError: NoAnswer,
    httpx.RemoteProtocolError: NoAnswer,
    httpx.ProxyError: Unreachable,
    httpx.UnsupportedProtocol: Unreachable,
    httpx.DecodingError: BadAnswer,
    httpx.TooManyRedirects: BadAnswer,
}


def test_every_error_of_httpx_has_its_error() -> None:
    """The translation is complete: a class that httpx adds fails here until it is decided."""
    known = {
        kind for kind in descendants(httpx.RequestError) if kind.__module__.startswith("httpx")
    }
    assert known == set(EXPECTED_FOR_HTTPX)
    for foreign, ours in EXPECTED_FOR_HTTPX.items():
        with pytest.raises(KieError) as caught, translated():
            raise foreign("boom")
        assert type(caught.value) is ours
        assert type(caught.value.__cause__) is foreign


def test_an_error_reads_as_what_happened_and_what_to_do() -> None:
    """The text of an error is its message, with Kie's own words, and then its advice."""
    error = error_for_code(402, "Credits insufficient.")
    assert str(error) == f"{error.message} {error.advice}"
    assert "Credits insufficient" in error.message
    assert "https://kie.ai/pricing" in error.advice
    assert "https://kie.ai/api-key" in error_for_code(401).advice


@pytest.mark.parametrize("kind", [KieError, *descendants(KieError)])
def test_every_error_speaks_in_sentences(kind: type[KieError]) -> None:
    """Every class has a sentence for what happened and one for what can be done."""
    error = kind() if kind is not TaskFailed else TaskFailed(None, None)
    for sentence in (error.message, error.advice):
        assert re.fullmatch(r"[A-Z].*\.", sentence)


def test_a_web_page_is_not_quoted() -> None:
    """A proxy's page of HTML never lands in a message."""
    error = error_for_code(500, "<!DOCTYPE html><html><body>Bad gateway</body></html>")
    assert "<" not in str(error)


@given(st.text(st.characters(exclude_categories=()), max_size=2000))
def test_foreign_words_become_one_short_line(said: str) -> None:
    """Whatever the service says, what is quoted is short, printable and on one line."""
    line = quotable(said)
    assert len(line) <= 300
    assert not line or line.isprintable()
    assert "  " not in line


def failed(**data: object) -> TaskFailed:
    """Make the error of a failed task."""
    record = TaskRecord.from_data({"taskId": "t", "state": "fail", **data})
    return TaskFailed(record.fail_msg, record.fail_code, answer=record.raw)


def test_a_failed_task_carries_its_record() -> None:
    """TaskFailed says Kie's reason, and the whole record goes with it."""
    error = failed(failCode="500", failMsg="Upstream exploded")
    assert error.answer["taskId"] == "t"
    assert error.code == 500
    assert "Upstream exploded" in error.message
    assert not isinstance(error, Refused)


@pytest.mark.parametrize(
    "fail_msg",
    ["Flagged by content moderation", "Input may contain NSFW content", "violates our Policies"],
)
def test_moderation_is_explained(fail_msg: str) -> None:
    """Moderation is known only by its words, and the advice then says what it was."""
    assert "content filter" in failed(failMsg=fail_msg).advice
    assert "content filter" not in failed(failMsg="Timeout").advice


@pytest.mark.parametrize("fail_code", [None, "", "moderated", True, "²", "9" * 5000])
def test_a_failure_code_that_is_no_number_is_none(fail_code: object) -> None:
    """`code` is a number or nothing, whatever failCode holds."""
    assert failed(failCode=fail_code).code is None


@pytest.mark.parametrize(("code", "expired"), [(403, True), (404, True), (410, True), (500, False)])
def test_an_expired_link_is_known_by_its_code(code: int, *, expired: bool) -> None:
    """403, 404 and 410 of a media host mean that the link is over."""
    assert DownloadFailed(code=code).expired is expired


def test_a_secret_is_hidden_everywhere_in_an_error() -> None:
    """Message, advice, answer and cause lose the secret, at any depth and in keys too."""
    nested: object = "leaf s3cret"
    for _ in range(20):
        nested = [{"s3cret": nested}]
    error = KieError("Said s3cret.", said="s3cret", advice="Not s3cret.", answer=nested)
    error.__cause__ = ValueError("s3cret")
    error.hide("s3cret")
    assert "s3cret" not in f"{error} {error!r} {error.answer} {error.__cause__!r}"


def test_an_answer_nested_beyond_reading_is_not_shown() -> None:
    """An answer that cannot be searched for the secret is dropped rather than shown."""
    nested: object = "s3cret"
    for _ in range(100_000):
        nested = [nested]
    error = KieError(answer=nested)
    error.hide("s3cret")
    assert error.answer is None
