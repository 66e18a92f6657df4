import base64
import hashlib
import hmac
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.datastructures import Headers

from kie_ui.kie.webhook import is_signed, task_id_of

KEY = SecretStr("webhook-key-of-the-test")
TASK = "281e5b0a9f39b9"
NOW_S = 1_757_584_200.5
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["taskId", "task_id", "data"]), inner)
    ),
)


def signed_headers(timestamp: object, task_id: str = TASK, key: str = "") -> dict[str, str]:
    """Sign as the documentation says, step by step."""
    secret = (key or KEY.get_secret_value()).encode()
    signed = hmac.new(secret, f"{task_id}.{timestamp}".encode(), hashlib.sha256)
    return {
        "X-Webhook-Timestamp": str(timestamp),
        "X-Webhook-Signature": base64.b64encode(signed.digest()).decode(),
    }


@pytest.mark.parametrize(
    "body",
    [
        {"taskId": TASK},
        {"code": 200, "data": {"taskId": TASK, "state": "success"}},
        {"code": 501, "data": {"task_id": f" {TASK}\n"}},
        {"taskId": "", "data": {"taskId": 7, "task_id": TASK}},
        {"taskId": "x" * 201, "data": {"taskId": TASK}},
        {"taskId": "\ud800", "data": {"taskId": TASK}},
        {"taskId": TASK, "data": "no object"},
    ],
)
def test_a_task_id_is_found_in_its_three_places(body: Any) -> None:
    """The first of them that holds a usable text counts."""
    assert task_id_of(body) == TASK


@pytest.mark.parametrize(
    "body",
    [
        None,
        TASK,
        [{"taskId": TASK}],
        {},
        {"data": None},
        {"data": [TASK]},
        {"taskId": 281},
        {"taskId": [TASK]},
        {"taskId": "   "},
        {"data": {"taskId": "x" * 201}},
    ],
)
def test_what_is_no_task_id_is_none(body: Any) -> None:
    """Other types, blanks and endless texts name no task."""
    assert task_id_of(body) is None


@given(JSON)
def test_any_json_is_read(body: Any) -> None:
    """Whatever a body holds, the answer is a short text without blanks around it, or None."""
    task_id = task_id_of(body)
    assert task_id is None or 0 < len(task_id.encode()) <= 800
    assert task_id is None or (task_id == task_id.strip() and len(task_id) <= 200)


def test_a_signature_worked_out_elsewhere_is_accepted() -> None:
    """This one was computed with OpenSSL: HMAC-SHA256 over the id, a full stop and the time."""
    headers = {
        "X-Webhook-Timestamp": "1757584200",
        "X-Webhook-Signature": "XbZ8xLffPOIepUIC7e5Xvg4JXxqDByRAdBqMIJXOpCw=",
    }
    assert is_signed(KEY, TASK, headers, NOW_S)


@given(
    key=st.text(min_size=1),
    task_id=st.text(),
    timestamp=st.integers(300, 10**11),
    late_s=st.floats(-300, 300),
)
def test_what_was_signed_lately_is_recognised(
    key: str, task_id: str, timestamp: int, late_s: float
) -> None:
    """Whatever the key, the task and the time: five minutes either way, a signature holds."""
    headers = signed_headers(timestamp, task_id, key)
    assert is_signed(SecretStr(key), task_id, headers, timestamp + round(late_s))


@given(signature=st.text(), timestamp=st.text(), task_id=st.text(), now_s=st.floats())
def test_nothing_else_is_taken_for_a_signature(
    signature: str, timestamp: str, task_id: str, now_s: float
) -> None:
    """Any texts in the headers are read without an error, and prove nothing."""
    headers = {"X-Webhook-Timestamp": timestamp, "X-Webhook-Signature": signature}
    assert not is_signed(KEY, task_id, headers, now_s)


@pytest.mark.parametrize("now_s", [NOW_S - 302, NOW_S + 302, float("nan"), float("inf")])
def test_an_old_call_proves_nothing(now_s: float) -> None:
    """Replayed after five minutes, or dated ahead, a genuine signature no longer counts."""
    headers = signed_headers(int(NOW_S))
    assert is_signed(KEY, TASK, headers, NOW_S)
    assert not is_signed(KEY, TASK, headers, now_s)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        signed_headers(int(NOW_S), "another-task"),
        signed_headers(int(NOW_S), key="another-key"),
        {**signed_headers(int(NOW_S)), "X-Webhook-Timestamp": str(int(NOW_S) + 1)},
        {**signed_headers(int(NOW_S)), "X-Webhook-Signature": "ü\udcff"},
        {"X-Webhook-Timestamp": str(int(NOW_S))},
        {"X-Webhook-Signature": signed_headers(int(NOW_S))["X-Webhook-Signature"]},
        signed_headers(f"+{int(NOW_S)}"),
        signed_headers(f"{int(NOW_S)}.0"),
        signed_headers("1_757_584_200"),
        signed_headers("١٧٥٧٥٨٤٢٠٠"),
        signed_headers("9" * 5_000),
        signed_headers(""),
    ],
)
def test_a_call_that_is_not_signed_as_documented_is_not_signed(headers: dict[str, str]) -> None:
    """Another key, task or time, a missing header, or a time that is not plain seconds."""
    assert not is_signed(KEY, TASK, headers, NOW_S)


def test_an_empty_key_signs_nothing() -> None:
    """Everyone knows the empty key, so its signature proves nothing."""
    digest = hmac.new(b"", f"{TASK}.{int(NOW_S)}".encode(), hashlib.sha256).digest()
    headers = {
        "X-Webhook-Timestamp": str(int(NOW_S)),
        "X-Webhook-Signature": base64.b64encode(digest).decode(),
    }
    assert not is_signed(SecretStr(""), TASK, headers, NOW_S)


@pytest.mark.parametrize("kind", [dict, httpx.Headers, Headers])
@pytest.mark.parametrize("spell", [str.lower, str.upper, str.title])
def test_a_header_is_found_however_it_is_spelt(kind: Any, spell: Any) -> None:
    """Names of headers have no case, in a plain dict as in a server's own mapping."""
    headers = kind({spell(name): value for name, value in signed_headers(int(NOW_S)).items()})
    assert is_signed(KEY, TASK, headers, NOW_S)


def test_a_header_given_twice_proves_nothing() -> None:
    """Which of the two Kie sent, nobody can tell."""
    genuine = signed_headers(int(NOW_S))
    raw = [(name.lower().encode(), value.encode()) for name, value in genuine.items()]
    assert is_signed(KEY, TASK, Headers(raw=raw), NOW_S)
    doubled = [*raw, (b"x-webhook-signature", b"forged")]
    assert not is_signed(KEY, TASK, Headers(raw=doubled), NOW_S)
