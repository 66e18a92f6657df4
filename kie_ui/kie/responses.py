"""From the bytes of an answer to what they mean: pure, each function one endpoint's answer."""

import json
from typing import Any

from kie_ui.kie.errors import BadAnswer, UploadRefused, error_for_code
from kie_ui.kie.records import (
    CreatedTask,
    Envelope,
    TaskRecord,
    TaskState,
    UploadedFile,
    number,
    parse_envelope,
    text,
    web_address,
    whole_number,
)

# Said of a task, these end it: no upstream result in over ten minutes, and generation failed.
# Source: observed on the live service.
_TERMINAL_TASK_CODES = (408, 501)


def read_envelope(http_status: int, body: bytes, *, without: str = "") -> Envelope:
    """Read an answer's bytes, whatever they say, and take a secret out that they repeat.

    Raises: BadAnswer, or the HTTP status's own error when an unreadable body came with one.
    """
    try:
        return parse_envelope(_parse_json(body, without), http_status=http_status)
    except BadAnswer as unreadable:
        if http_status >= 400:
            raise error_for_code(http_status, answer=unreadable.answer) from None
        raise


def _parse_json(body: bytes, without: str) -> Any:
    try:
        # NaN is not JSON, but a service that sends it means "no number".
        return _plain(json.loads(body, parse_constant=lambda _: None), without)
    except (ValueError, RecursionError):
        page = body.lstrip()[:1] == b"<"
        raise BadAnswer("A web page answered in Kie's place." if page else "") from None


_LARGEST_WHOLE = 2**63


def _plain(value: Any, without: str) -> Any:
    """Make an answer one that can be kept and shown: no secret, half character, endless number."""
    if isinstance(value, str):
        plain = value.encode("utf-8", "replace").decode()
        return plain.replace(without, "***") if without else plain
    if isinstance(value, int) and abs(value) >= _LARGEST_WHOLE:
        return str(value)
    if isinstance(value, list):
        return [_plain(item, without) for item in value]
    if isinstance(value, dict):
        return {_plain(key, without): _plain(item, without) for key, item in value.items()}
    return value


def _raise_if_refused(envelope: Envelope, *, about_task: bool = False) -> None:
    """Raise what the answer says no with; its own code counts more than the HTTP status."""
    code = envelope.code
    if code in (None, 200) and envelope.http_status >= 400:
        code = envelope.http_status
    if code not in (None, 200):
        raise error_for_code(code, envelope.msg, answer=envelope.raw, about_task=about_task)


def accepted_data(envelope: Envelope) -> Any:
    """Return the `data` of an answer with code 200. Raises: KieError for every other code."""
    _raise_if_refused(envelope)
    if envelope.code is None:
        raise BadAnswer(said=envelope.msg, answer=envelope.raw)
    return envelope.data


def created_task(envelope: Envelope) -> CreatedTask:
    """Read the answer to createTask. Source: Kie documentation, Create Generation Task."""
    data = accepted_data(envelope)
    task_id = text(data.get("taskId")).strip() if isinstance(data, dict) else ""
    if not task_id:
        raise BadAnswer("Kie answered without a task id.", answer=envelope.raw)
    return CreatedTask(task_id=task_id, answer=envelope.raw)


def task_record(envelope: Envelope, task_id: str) -> TaskRecord:
    """Read the answer to recordInfo; a terminal code in it is a failed task, not an error.

    Source: Kie documentation, Query Task Status.
    """
    if envelope.code in _TERMINAL_TASK_CODES:
        return _failed_record(envelope, task_id)
    _raise_if_refused(envelope, about_task=True)
    data = accepted_data(envelope)
    if not isinstance(data, dict):
        raise BadAnswer("Kie answered without the task's record.", answer=envelope.raw)
    return _with_id(TaskRecord.from_data(data), task_id)


def _failed_record(envelope: Envelope, task_id: str) -> TaskRecord:
    """Build the record of a task whose failure stands in the envelope, beside its data or not."""
    data = envelope.data if isinstance(envelope.data, dict) else {}
    record = _with_id(TaskRecord.from_data(data), task_id)
    if record.is_final:
        return record
    failure = {
        "state": TaskState.FAIL,
        "fail_code": record.fail_code or str(envelope.code),
        "fail_msg": record.fail_msg or envelope.msg or None,
        "raw": data or envelope.raw,
    }
    return record.model_copy(update=failure)


def _with_id(record: TaskRecord, task_id: str) -> TaskRecord:
    return record if record.task_id else record.model_copy(update={"task_id": task_id})


def uploaded_file(envelope: Envelope, name: str) -> UploadedFile:
    """Read the answer to an upload: without `success` it is an error, even with HTTP 200.

    Source: observed on the live service (file upload).
    """
    _raise_if_refused(envelope)
    if envelope.success is not True:
        raise UploadRefused(said=envelope.msg, code=envelope.code, answer=envelope.raw)
    data = envelope.data if isinstance(envelope.data, dict) else {}
    url = web_address(data.get("downloadUrl")) or web_address(data.get("fileUrl"))
    if url is None:
        raise BadAnswer("Kie stored the file but did not say where.", answer=envelope.raw)
    return UploadedFile(
        url=url,
        name=text(data.get("fileName")) or name,
        size_bytes=whole_number(data.get("fileSize")),
        answer=envelope.raw,
    )


def credit_balance(envelope: Envelope) -> float:
    """Read the answer to the credit query, in credits; fractions occur."""
    balance = number(accepted_data(envelope))
    if balance is None:
        raise BadAnswer("Kie did not say how many credits are left.", answer=envelope.raw)
    return balance


def download_address(envelope: Envelope) -> str:
    """Read the answer to a download-url request: an address that works for 20 minutes."""
    address = web_address(accepted_data(envelope))
    if address is None:
        raise BadAnswer("Kie did not give a download address.", answer=envelope.raw)
    return address
