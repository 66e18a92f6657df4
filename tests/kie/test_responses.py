import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.kie.errors import (
    BadAnswer,
    InvalidInput,
    KieError,
    NoCredits,
    RateLimited,
    ServerFault,
    TaskNotFound,
    Unauthorized,
    UploadRefused,
)
from kie_ui.kie.records import Envelope
from kie_ui.kie.responses import (
    created_task,
    credit_balance,
    download_address,
    read_envelope,
    task_record,
    uploaded_file,
)

PAGE = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head></html>"


def envelope(answer: Any, http_status: int = 200) -> Envelope:
    """Read an answer as it would come over the wire."""
    return read_envelope(http_status, json.dumps(answer).encode())


@given(st.binary(max_size=200), st.sampled_from([200, 302, 404, 502]))
def test_no_bytes_break_the_reading(body: bytes, http_status: int) -> None:
    """Any bytes under any status are an envelope or one of our errors."""
    try:
        read_envelope(http_status, body)
    except KieError as error:
        assert str(error)  # noqa: PT017  # the law is about what may be raised at all


@pytest.mark.parametrize("body", [PAGE, b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_an_unreadable_answer_leaves_a_create_in_doubt(body: bytes) -> None:
    """What cannot be read is a BadAnswer, and quotes no page."""
    with pytest.raises(BadAnswer) as caught:
        read_envelope(200, body)
    assert caught.value.may_have_been_accepted
    assert "<" not in str(caught.value)


@pytest.mark.parametrize(
    ("http_status", "kind"), [(401, Unauthorized), (429, RateLimited), (502, ServerFault)]
)
def test_a_page_under_an_error_status_is_that_status(
    http_status: int, kind: type[KieError]
) -> None:
    """A proxy's page still tells by its status what happened."""
    with pytest.raises(kind) as caught:
        read_envelope(http_status, PAGE)
    assert caught.value.code == http_status
    assert "<" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "http_status", "kind"),
    [
        ({"code": 402, "msg": "Credits insufficient", "data": None}, 200, NoCredits),
        ({"code": 429, "msg": "Too fast", "data": None}, 429, RateLimited),
        ({"code": 200, "msg": "success", "data": {"taskId": "t"}}, 500, ServerFault),
        ({"error": "Unauthorized"}, 401, Unauthorized),
        ({"code": 500, "msg": "This field is required", "data": None}, 200, InvalidInput),
        ({"code": 200, "msg": "success", "data": {}}, 200, BadAnswer),
        ({"code": 200, "msg": "success", "data": {"taskId": " "}}, 200, BadAnswer),
        ({"code": 200, "data": "t"}, 200, BadAnswer),
        ({"msg": "success", "data": {"taskId": "t"}}, 200, BadAnswer),
        ({}, 200, BadAnswer),
    ],
)
def test_a_create_counts_only_with_code_200_and_a_task_id(
    answer: dict[str, object], http_status: int, kind: type[KieError]
) -> None:
    """Body code and HTTP status are both checked, and the answer stays at hand."""
    with pytest.raises(kind) as caught:
        created_task(envelope(answer, http_status))
    assert type(caught.value) is kind
    assert caught.value.answer == answer


def test_a_created_task_has_its_id() -> None:
    """The documented answer gives the task id; a number is read as its digits."""
    answer = {"code": 200, "msg": "success", "data": {"taskId": "281e5b0"}}
    created = created_task(envelope(answer))
    assert (created.task_id, created.answer) == ("281e5b0", answer)
    assert created_task(envelope({"code": 200, "data": {"taskId": 12}})).task_id == "12"


@pytest.mark.parametrize("code", [408, 501])
@pytest.mark.parametrize("data", [None, {}, {"state": "generating"}])
def test_a_terminal_code_makes_a_failed_record(code: int, data: object) -> None:
    """408 and 501 in the answer itself end the task, with or without its data."""
    record = task_record(envelope({"code": code, "msg": "No result", "data": data}, code), "t1")
    assert record.is_final
    assert (record.task_id, record.state) == ("t1", "fail")
    assert (record.fail_code, record.fail_msg) == (str(code), "No result")


def test_a_terminal_code_keeps_what_the_data_says() -> None:
    """A record that names its own end is believed: a success beside a 501 is not lost."""
    failure = {"taskId": "t2", "state": "fail", "failCode": 500, "failMsg": "Moderated"}
    record = task_record(envelope({"code": 501, "msg": "failed", "data": failure}), "t1")
    assert (record.task_id, record.fail_code, record.fail_msg) == ("t2", "500", "Moderated")
    success = {"state": "success", "resultJson": '{"resultUrls":["https://a.example/1.mp4"]}'}
    record = task_record(envelope({"code": 501, "msg": "failed", "data": success}), "t1")
    assert record.result_urls == ("https://a.example/1.mp4",)


@pytest.mark.parametrize("http_status", [408, 501])
def test_a_gateways_own_408_or_501_ends_no_task(http_status: int) -> None:
    """Without Kie's envelope these codes speak of the connection, not of the task."""
    with pytest.raises(ServerFault):
        read_envelope(http_status, PAGE)
    with pytest.raises(ServerFault):
        task_record(envelope({"error": "timeout"}, http_status), "t1")


@pytest.mark.parametrize(
    ("answer", "http_status"),
    [({"code": 422, "msg": "recordInfo is null", "data": None}, 200), ({"code": 404}, 404)],
)
def test_an_unknown_task_is_not_found(answer: dict[str, object], http_status: int) -> None:
    """Kie's two ways to know nothing of a task are one error."""
    with pytest.raises(TaskNotFound):
        task_record(envelope(answer, http_status), "t1")


@pytest.mark.parametrize("data", [None, "", [], 7])
def test_a_record_that_is_missing_is_a_bad_answer(data: object) -> None:
    """Code 200 without a record says nothing about the task."""
    with pytest.raises(BadAnswer):
        task_record(envelope({"code": 200, "data": data}), "t1")


UPLOADED = {
    "success": True,
    "code": 200,
    "msg": "File uploaded successfully",
    "data": {"fileName": "a.png", "downloadUrl": "https://files.example/a.png", "fileSize": 12},
}


def test_an_uploaded_file_has_its_address() -> None:
    """The `downloadUrl` comes first, then `fileUrl`; size and name are optional."""
    file = uploaded_file(envelope(UPLOADED), "mine.png")
    assert (file.url, file.name, file.size_bytes) == ("https://files.example/a.png", "a.png", 12)
    fallback = {**UPLOADED, "data": {"fileUrl": "https://files.example/b.png", "fileSize": True}}
    file = uploaded_file(envelope(fallback), "mine.png")
    assert (file.url, file.name, file.size_bytes) == (
        "https://files.example/b.png",
        "mine.png",
        None,
    )


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"success": False}, UploadRefused),
        ({"success": None}, UploadRefused),
        ({"success": "true"}, UploadRefused),
        ({"success": False, "code": None}, UploadRefused),
        ({"success": False, "code": 400}, InvalidInput),
        ({"success": False, "code": 401}, Unauthorized),
        ({"data": {}}, BadAnswer),
        ({"data": {"downloadUrl": "javascript:alert(1)"}}, BadAnswer),
    ],
)
def test_an_upload_without_success_is_an_error(
    changes: dict[str, object], kind: type[KieError]
) -> None:
    """HTTP 200 alone proves nothing for an upload."""
    with pytest.raises(kind) as caught:
        uploaded_file(envelope({**UPLOADED, **changes}), "mine.png")
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("data", "credits_left"), [(85, 85.0), (12.5, 12.5), ("7.25", 7.25), (-1, -1)]
)
def test_a_balance_is_a_number(data: object, credits_left: float) -> None:
    """Fractions occur, and an account may be overdrawn."""
    assert credit_balance(envelope({"code": 200, "data": data})) == credits_left


@pytest.mark.parametrize("data", [None, True, "much", {}, float("nan")])
def test_a_balance_that_is_no_number_is_a_bad_answer(data: object) -> None:
    """No balance is invented."""
    with pytest.raises(BadAnswer):
        credit_balance(envelope({"code": 200, "data": data}))


def test_a_download_address_is_a_web_address() -> None:
    """The link is given as text; anything else is a bad answer."""
    link = "https://files.example/signed?x=1"
    assert download_address(envelope({"code": 200, "data": link})) == link
    for data in (None, "", "file:///etc/passwd", {"url": link}):
        with pytest.raises(BadAnswer):
            download_address(envelope({"code": 200, "data": data}))


def test_an_answer_can_be_kept_and_shown_whatever_stands_in_it() -> None:
    """Half characters and numbers beyond 64 bits would break the database, or the page."""
    body = b'{"code": 200, "msg": "\\ud800", "data": {"\\udc00": 123456789012345678901234567890}}'
    envelope = read_envelope(200, body)
    assert envelope.raw == {
        "code": 200,
        "msg": "?",
        "data": {"?": "123456789012345678901234567890"},
    }
