"""Callbacks: which task one is about, and whether Kie itself signed it.

A callback's body is not signed, so it never is a result: at most it is a reason to ask Kie now.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

MAX_TASK_ID_CHARACTERS = 200
MAX_AGE_S = 300
"""How far a signed time may lie from now, either way, so that an old call proves nothing later."""
TIMESTAMP_HEADER = "x-webhook-timestamp"
SIGNATURE_HEADER = "x-webhook-signature"
_UNIX_SECONDS = re.compile(r"[0-9]{1,12}")


def task_id_of(body: Any) -> str | None:
    """Find the task id in a callback's parsed body; None where there is none that can be one.

    Source: Kie documentation, Callback; its three places are observed on the live service.
    """
    if not isinstance(body, dict):
        return None
    data = body.get("data")
    inner = data if isinstance(data, dict) else {}
    candidates = (body.get("taskId"), inner.get("taskId"), inner.get("task_id"))
    return next(filter(None, map(_task_id, candidates)), None)


def is_signed(
    webhook_key: SecretStr, task_id: str, headers: Mapping[str, str], now_s: float
) -> bool:
    """Tell whether a callback about this task was signed with the account's key, and lately.

    `now_s` is in unix seconds. Anything missing, malformed or given twice proves nothing.
    Source: Kie documentation, Callback (webhook signature).
    """
    key = webhook_key.get_secret_value()
    timestamp = _only_header(headers, TIMESTAMP_HEADER)
    signature = _only_header(headers, SIGNATURE_HEADER)
    if not key or not _is_recent(timestamp, now_s):
        return False
    digest = hmac.digest(_to_bytes(key), _to_bytes(f"{task_id}.{timestamp}"), hashlib.sha256)
    return hmac.compare_digest(base64.b64encode(digest), _to_bytes(signature))


def _task_id(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    task_id = value.strip()
    # JSON can hold half a surrogate pair, which no id, file or database can.
    is_text = not any("\ud800" <= character <= "\udfff" for character in task_id)
    return task_id if is_text and 0 < len(task_id) <= MAX_TASK_ID_CHARACTERS else None


def _only_header(headers: Mapping[str, str], name: str) -> str:
    values = [value for known, value in headers.items() if known.lower() == name]
    return values[0] if len(values) == 1 else ""


def _is_recent(timestamp: str, now_s: float) -> bool:
    return bool(_UNIX_SECONDS.fullmatch(timestamp)) and abs(now_s - int(timestamp)) <= MAX_AGE_S


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
