import json
from collections.abc import Callable
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
    Unauthorized,
    UploadRefused,
)
from kie_ui.kie.responses import (
    Envelope,
    TaskRecord,
    TaskState,
    parse_created_task,
    parse_credit_balance,
    parse_download_url,
    parse_envelope,
    parse_task_record,
    parse_upload_url,
    read_envelope,
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
    """A proxy's page still shows by its status what happened."""
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
        parse_created_task(envelope(answer, http_status))
    assert type(caught.value) is kind
    assert caught.value.answer == answer


def test_a_created_task_has_its_id() -> None:
    """The documented answer gives the task id; a number is read as its digits."""
    answer = {"code": 200, "msg": "success", "data": {"taskId": "281e5b0"}}
    created = parse_created_task(envelope(answer))
    assert (created.task_id, created.answer) == ("281e5b0", answer)
    assert parse_created_task(envelope({"code": 200, "data": {"taskId": 12}})).task_id == "12"


@pytest.mark.parametrize("code", [408, 501])
@pytest.mark.parametrize("data", [None, {}, {"state": "generating"}])
def test_a_terminal_code_makes_a_failed_record(code: int, data: object) -> None:
    """408 and 501 in the answer itself end the task, with or without its data."""
    record = parse_task_record(
        envelope({"code": code, "msg": "No result", "data": data}, code), "t1"
    )
    assert record.is_final
    assert (record.task_id, record.state) == ("t1", "fail")
    assert (record.fail_code, record.fail_msg) == (str(code), "No result")


def test_a_terminal_code_keeps_what_the_data_says() -> None:
    """A record that names its own end is believed: a success beside a 501 is not lost."""
    failure = {"taskId": "t2", "state": "fail", "failCode": 500, "failMsg": "Moderated"}
    record = parse_task_record(envelope({"code": 501, "msg": "failed", "data": failure}), "t1")
    assert (record.task_id, record.fail_code, record.fail_msg) == ("t2", "500", "Moderated")
    success = {"state": "success", "resultJson": '{"resultUrls":["https://a.example/1.mp4"]}'}
    record = parse_task_record(envelope({"code": 501, "msg": "failed", "data": success}), "t1")
    assert record.result_urls == ("https://a.example/1.mp4",)


@pytest.mark.parametrize("http_status", [408, 501])
def test_a_gateways_own_408_or_501_ends_no_task(http_status: int) -> None:
    """Without Kie's envelope these codes speak of the connection, not of the task."""
    with pytest.raises(ServerFault):
        read_envelope(http_status, PAGE)
    with pytest.raises(ServerFault):
        parse_task_record(envelope({"error": "timeout"}, http_status), "t1")


UPLOADED = {
    "success": True,
    "code": 200,
    "msg": "File uploaded successfully",
    "data": {"fileName": "a.png", "downloadUrl": "https://files.example/a.png", "fileSize": 12},
}


def test_an_uploaded_file_has_its_address() -> None:
    """The `downloadUrl` comes first, then `fileUrl`."""
    assert parse_upload_url(envelope(UPLOADED)) == "https://files.example/a.png"
    fallback = {**UPLOADED, "data": {"fileUrl": "https://files.example/b.png"}}
    assert parse_upload_url(envelope(fallback)) == "https://files.example/b.png"


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
        parse_upload_url(envelope({**UPLOADED, **changes}))
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("data", "credits_left"), [(85, 85.0), (12.5, 12.5), ("7.25", 7.25), (-1, -1)]
)
def test_a_balance_is_a_number(data: object, credits_left: float) -> None:
    """Fractions occur, and an account may be overdrawn."""
    assert parse_credit_balance(envelope({"code": 200, "data": data})) == credits_left


LINK = "https://files.example/signed?x=1"
NO_BALANCES: list[Any] = [None, True, "much", {}, float("nan")]
NO_LINKS: list[Any] = [None, "", "file:///etc/passwd", {"url": LINK}]
NO_RECORDS: list[Any] = [None, "", [], 7]


def test_a_download_address_is_a_web_address() -> None:
    """The link is given as text."""
    assert parse_download_url(envelope({"code": 200, "data": LINK})) == LINK


@pytest.mark.parametrize(
    ("parse", "data"),
    [
        *((parse_credit_balance, data) for data in NO_BALANCES),
        *((parse_download_url, data) for data in NO_LINKS),
        *((lambda read: parse_task_record(read, "t1"), data) for data in NO_RECORDS),
    ],
)
def test_data_of_another_shape_are_a_bad_answer(
    parse: Callable[[Envelope], object], data: object
) -> None:
    """Code 200 alone says nothing; no balance, address or record is made up."""
    with pytest.raises(BadAnswer):
        parse(envelope({"code": 200, "data": data}))


def test_an_answer_can_be_kept_and_shown_whatever_stands_in_it() -> None:
    """Half characters and numbers beyond 64 bits would break the database, or the page."""
    body = b'{"code": 200, "msg": "\\ud800", "data": {"\\udc00": 123456789012345678901234567890}}'
    envelope = read_envelope(200, body)
    assert envelope.raw == {
        "code": 200,
        "msg": "?",
        "data": {"?": "123456789012345678901234567890"},
    }


# The Query Task Status example of the documentation, shortened: `waiting`, yet with a result.
DOCUMENTED: dict[str, Any] = {
    "taskId": "281e5b0f39b9",
    "model": "grok-imagine/image-to-video",
    "state": "waiting",
    "param": '{"model":"grok-imagine/image-to-video","input":{"index":42}}',
    "resultJson": '{"resultUrls":["https://file.example/clip.mp4"]}',
    "failCode": None,
    "failMsg": None,
    "costTime": None,
    "completeTime": None,
    "createTime": 1757584164490,
}

ANY_TEXT = st.text(st.characters(exclude_categories=()))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
WIRE_NAMES = [
    "code", "msg", "message", "error", "data", "success", "raw", "http_status", "taskId", "task_id",
    "model", "state", "param", "resultJson", "failCode", "failMsg", "costTime", "completeTime",
    "createTime", "updateTime", "progress", "creditsConsumed", "consumeCredits", "request",
]  # fmt: skip
ODD = st.sampled_from([
    "\ud800", {"\ud800": "\ud800"}, "1757584164490", "1e999", "nan", "-1", "0x10", "9" * 5000,
    1e308, 10**5000, -0.0, 2**63,
])  # fmt: skip
STATES = st.sampled_from([*TaskState, "SUCCESS", "archived"])
ANSWERS = JSON | st.dictionaries(
    st.sampled_from(WIRE_NAMES), JSON | ODD | STATES | JSON.map(json.dumps), max_size=12
)


def record(**changes: Any) -> TaskRecord:
    """Read the documented record with some fields changed."""
    return TaskRecord.from_data({**DOCUMENTED, **changes})


@given(ANSWERS)
def test_no_answer_breaks_the_envelope(answer: Any) -> None:
    """Any JSON value is an envelope or a BadAnswer, and nothing else."""
    try:
        envelope = parse_envelope(answer, http_status=200)
    except BadAnswer:
        assert not isinstance(answer, dict)
    else:
        assert envelope.raw is answer


def test_the_message_has_two_names() -> None:
    """`message` is read where `msg` is missing, and a code may come as text."""
    envelope = parse_envelope({"code": "401", "message": "no"}, http_status=200)
    assert (envelope.code, envelope.msg) == (401, "no")


@given(ANSWERS)
def test_no_data_breaks_the_record(data: Any) -> None:
    """Any JSON value is a record, every property readable, or a BadAnswer, and nothing else."""
    try:
        task = TaskRecord.from_data(data)
    except BadAnswer:
        assert not isinstance(data, dict)
        return
    assert task.raw is data
    assert task.is_final in (True, False)
    assert task.request is None or isinstance(task.request, dict)
    assert all(url.startswith("http") for url in task.result_urls)
    assert task.result_object is None or task.state == "success"
    assert task.cost_time_ms is None or task.cost_time_ms >= 0
    assert task.progress is None or 0 <= task.progress <= 100
    for shown in (task.task_id, task.model, task.state, task.param, task.fail_msg or ""):
        shown.encode()


@given(JSON)
def test_no_result_breaks_a_success(result: Any) -> None:
    """A success may hold anything as its result, as JSON text or as itself."""
    wrapped = ({"resultUrls": result}, {"resultUrls": [result]})
    for result_json in (result, json.dumps(result), *wrapped):
        assert isinstance(record(state="success", resultJson=result_json).result_urls, tuple)


def test_the_documented_record_is_read() -> None:
    """The documentation's own example reads as it is written."""
    task = record()
    assert task.task_id == "281e5b0f39b9"
    assert task.model == "grok-imagine/image-to-video"
    assert task.state is TaskState.WAITING
    assert task.param == DOCUMENTED["param"]
    assert task.request == {"model": "grok-imagine/image-to-video", "input": {"index": 42}}
    assert (task.fail_code, task.fail_msg, task.cost_time_ms) == (None, None, None)
    assert task.create_time_ms == 1757584164490
    assert task.raw == DOCUMENTED


def test_a_result_before_success_means_nothing() -> None:
    """The documented `waiting` example has a filled resultJson: it is not read."""
    assert record().result_urls == ()
    assert record(state="success").result_urls == ("https://file.example/clip.mp4",)


@pytest.mark.parametrize("result_json", [None, "", "{", "[]", 7, {}, {"resultUrls": None}])
def test_a_success_may_have_no_urls(result_json: object) -> None:
    """A success without addresses is a record with none, not an error."""
    assert record(state="success", resultJson=result_json).result_urls == ()


def test_a_result_may_be_an_object_already() -> None:
    """`resultJson` is read as an object too, and only web addresses count."""
    urls = [" https://a.example/1.mp4", "javascript:alert(1)", None, "http://b.example/2.mp4"]
    task = record(state="success", resultJson={"resultUrls": urls, "resultObject": {"a": 1}})
    assert task.result_urls == ("https://a.example/1.mp4", "http://b.example/2.mp4")
    assert task.result_object == {"a": 1}


@pytest.mark.parametrize(
    ("state", "is_final"),
    [("waiting", False), ("queuing", False), ("generating", False), ("success", True),
     ("fail", True), (" SUCCESS ", True), ("archived", False), (None, False), (7, False)],
)  # fmt: skip
def test_only_success_and_fail_are_final(state: object, *, is_final: bool) -> None:
    """An unknown state is kept as it is and waited on."""
    assert record(state=state).is_final is is_final
    assert record(state="archived").state == "archived"


@pytest.mark.parametrize(
    ("changes", "expected_ms"),
    [
        ({"completeTime": 1757584194490, "costTime": 30}, 30_000),
        ({"completeTime": "1757584194490"}, 30_000),
        ({"completeTime": 1, "costTime": 45_000}, 45_000),
        ({"costTime": 45}, 45_000),
        ({"costTime": True}, None),
        ({}, None),
    ],
)
def test_how_long_it_took_prefers_the_two_times(
    changes: dict[str, object], expected_ms: int | None
) -> None:
    """Completion minus creation comes first, since costTime comes in seconds as well."""
    assert record(**changes).cost_time_ms == expected_ms


@pytest.mark.parametrize(
    ("wire", "progress"),
    [(0, 0.0), (55.5, 55.5), ("80", 80.0), (100, 100.0), (101, None), (-1, None), (True, None),
     ("half", None), (float("nan"), None), (None, None), ([5], None)],
)  # fmt: skip
def test_progress_is_a_percentage_or_nothing(wire: object, progress: float | None) -> None:
    """Garbage in `progress` is no progress."""
    assert record(progress=wire).progress == progress


@pytest.mark.parametrize(
    ("wire", "code"), [("500", "500"), (500, "500"), ("word", "word"), ("", None)]
)
def test_a_failure_code_is_text(wire: object, code: str | None) -> None:
    """A `failCode` comes as digits, a word or a number."""
    assert record(failCode=wire).fail_code == code


@pytest.mark.parametrize("name", ["creditsConsumed", "consumeCredits"])
def test_credits_have_two_names(name: str) -> None:
    """Queries and callbacks name the price differently; fractions occur."""
    assert record(**{name: "14.4"}).credits_consumed == 14.4


def test_a_param_that_is_an_object_is_read_too() -> None:
    """`param` is JSON text by contract; an object reads the same, and bad text is no request."""
    assert record(param={"model": "m"}).request == {"model": "m"}
    assert record(param="{broken").param == "{broken"
    for unreadable in ("{broken", "[" * 100_000):
        assert record(param=unreadable).request is None


def test_half_a_surrogate_pair_is_replaced() -> None:
    """JSON can hold half a character, which no file or database can: texts never do."""
    task = record(taskId="t\ud800", state="s\ud83d", failMsg="\udfff", param={"a": "\ud800"})
    for shown in (task.task_id, task.state, task.fail_msg, task.param):
        assert shown is not None
        assert "?" in shown
        shown.encode()


@pytest.mark.parametrize("made", ["text", {"a": None}, [0], 0, False, "", {}, [], None])
def test_a_result_object_may_be_of_any_shape(made: Any) -> None:
    """Text, data, or a single value; an empty one says that nothing was made."""
    kept = None if made in ("", {}, [], None) else made
    assert record(state="success", resultJson={"resultObject": made}).result_object == kept
