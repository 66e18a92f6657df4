import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kie_ui.kie.errors import BadAnswer
from kie_ui.kie.records import TaskRecord, TaskState, parse_envelope

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
    for result_json in (
        result,
        json.dumps(result),
        {"resultUrls": result},
        {"resultUrls": [result]},
    ):
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
    assert record(param="{broken").request is None
    assert record(param="{broken").param == "{broken"


def test_half_a_surrogate_pair_is_replaced() -> None:
    """JSON can hold half a character, which no file or database can: texts never do."""
    task = record(taskId="t\ud800", state="s\ud83d", failMsg="\udfff", param={"a": "\ud800"})
    for shown in (task.task_id, task.state, task.fail_msg, task.param):
        assert shown is not None
        assert "?" in shown
        shown.encode()


def test_nesting_beyond_reading_is_nothing_rather_than_a_crash() -> None:
    """JSON text nested deeper than Python reads is as good as none."""
    assert record(param="[" * 100_000).request is None


def test_the_message_has_two_names() -> None:
    """`message` is read where `msg` is missing, and a code may come as text."""
    envelope = parse_envelope({"code": "401", "message": "no"}, http_status=200)
    assert (envelope.code, envelope.msg) == (401, "no")


@pytest.mark.parametrize("made", ["", {}, [], None])
def test_an_empty_result_object_is_none(made: Any) -> None:
    """Nothing was made then, whatever the state says."""
    assert record(state="success", resultJson={"resultObject": made}).result_object is None


@pytest.mark.parametrize("made", ["text", {"a": None}, [0], 0, False])
def test_a_result_object_may_be_of_any_shape(made: Any) -> None:
    """Text, data, or a single value."""
    assert record(state="success", resultJson={"resultObject": made}).result_object == made
