"""Kie's responses: from bytes to records, tolerant of every shape seen and of those not yet seen.

Pure: each `parse_` function reads one endpoint's response.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SkipValidation

from kie_ui.catalog.values import is_web_address
from kie_ui.kie.errors import BadAnswer, UploadRefused, error_for_code, sanitize

MAX_ADDRESS_LENGTH = 16_384
"""Characters of an address that Kie gives; signed ones are longer than people's."""

_EXACT_INTEGERS_END = 2**53  # beyond it a float, hence a number in JSON, is no longer exact

# In an answer about a task, these end it: no upstream result in over ten minutes, and generation
# failed. Source: observed on the live service.
_TERMINAL_TASK_CODES = (408, 501)


def number(value: object) -> float | None:
    """Read a number that may be given as text; booleans and infinities are not numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if abs(read) < _EXACT_INTEGERS_END else None


def whole_number(value: object) -> int | None:
    """Read a number and drop its fraction."""
    read = number(value)
    return None if read is None else int(read)


def text(value: object) -> str:
    """Read a text; a number becomes its digits, an object its JSON, all else nothing."""
    if isinstance(value, dict):
        try:
            value = json.dumps(value, ensure_ascii=False)
        except (ValueError, RecursionError):
            return ""
    if isinstance(value, str):
        # JSON can hold half a surrogate pair, which no file, database or page can.
        return value.encode("utf-8", "replace").decode()
    read = number(value)
    if read is None:
        return ""
    return str(int(read) if read.is_integer() else read)


def json_object(value: object) -> dict[str, Any] | None:
    """Read an object that may be given as JSON text; anything else is None."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None


def web_address(value: object) -> str | None:
    """Read a web address; blanks in it, such as a file name may hold, become `%20`."""
    address = value.strip().replace(" ", "%20") if isinstance(value, str) else ""
    return address if is_web_address(address, MAX_ADDRESS_LENGTH) else None


def _between(low: float, high: float = _EXACT_INTEGERS_END) -> Callable[[object], float | None]:
    def read(value: object) -> float | None:
        found = number(value)
        return found if found is not None and low <= found <= high else None

    return read


def _text_or_none(value: object) -> str | None:
    return text(value).strip() or None


class TaskState(StrEnum):
    """The states of a task. Source: Kie documentation, Query Task Status; two are live only."""

    WAITING = "waiting"
    QUEUING = "queuing"
    GENERATING = "generating"
    SUCCESS = "success"
    FAIL = "fail"


def _state(value: object) -> TaskState | str:
    name = text(value).strip()
    return TaskState(name.lower()) if name.lower() in list(TaskState) else name


Text = Annotated[str, BeforeValidator(text)]
OptionalText = Annotated[str | None, BeforeValidator(_text_or_none)]
WholeNumber = Annotated[int | None, BeforeValidator(whole_number)]
TimeMs = Annotated[int | None, BeforeValidator(whole_number), BeforeValidator(_between(1))]
Credits = Annotated[float | None, BeforeValidator(_between(0))]
Percent = Annotated[float | None, BeforeValidator(_between(0, 100))]
State = Annotated[TaskState | str, BeforeValidator(_state)]


class Envelope(BaseModel):
    """The wrapper of every response; `raw` is all of it, and `http_status` how it came.

    Source: Kie documentation, Response Parameters; `message` for `msg` is seen live.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: WholeNumber = None
    msg: Text = Field("", validation_alias=AliasChoices("msg", "message", "error", "detail"))
    data: Any = None
    success: Any = None
    raw: SkipValidation[dict[str, Any]]
    http_status: int


class TaskRecord(BaseModel):
    """One remote task as Kie describes it.

    Units: times in UTC milliseconds, durations in milliseconds, progress in percent. Fields that
    are missing or make no sense are None or empty; `raw` holds exactly what came, in any case.
    Source: Kie documentation, Query Task Status; `progress` and the credits are observed on the
    live service.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    task_id: Text = Field("", validation_alias=AliasChoices("taskId", "task_id"))
    model: Text = ""
    state: State = ""
    param: Text = ""  # the whole create request, as JSON text
    result_json: Any = Field(None, validation_alias="resultJson")
    fail_code: OptionalText = Field(None, validation_alias="failCode")
    fail_msg: OptionalText = Field(None, validation_alias="failMsg")
    cost_time: TimeMs = Field(None, validation_alias="costTime")
    complete_time_ms: TimeMs = Field(None, validation_alias="completeTime")
    create_time_ms: TimeMs = Field(None, validation_alias="createTime")
    progress: Percent = None
    credits_consumed: Credits = Field(
        None, validation_alias=AliasChoices("creditsConsumed", "consumeCredits")
    )
    raw: SkipValidation[dict[str, Any]]

    @classmethod
    def from_data(cls, data: Any) -> Self:
        """Read the `data` of a recordInfo response. Raises: BadAnswer, if it is not an object."""
        if not isinstance(data, dict):
            raise BadAnswer(answer=data)
        return cls.model_validate({**data, "raw": data})

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen; an unknown state is not an end."""
        return self.state in (TaskState.SUCCESS, TaskState.FAIL)

    @property
    def request(self) -> dict[str, Any] | None:
        """The create request that Kie remembers, or None if it cannot be read."""
        return json_object(self.param)

    @property
    def result(self) -> dict[str, Any]:
        """The parsed result; empty before success, as a filled one before it means nothing."""
        if self.state != TaskState.SUCCESS:
            return {}
        return json_object(self.result_json) or {}

    @property
    def result_urls(self) -> tuple[str, ...]:
        """The web addresses of the media made, in Kie's order."""
        urls = self.result.get("resultUrls")
        urls = urls if isinstance(urls, list) else [urls]
        return tuple(filter(None, map(web_address, urls)))

    @property
    def result_object(self) -> Any:
        """The result of a model that makes text or data, else None; so is an empty one."""
        made = self.result.get("resultObject")
        return None if made in ("", {}, []) else made

    @property
    def cost_time_ms(self) -> int | None:
        """How long Kie worked: completion minus creation, else what `costTime` says.

        `costTime` has been seen in seconds on the live service, so the two times come first and a
        value too small to be a generation's milliseconds is read as seconds.
        """
        if self.create_time_ms and self.complete_time_ms:
            taken_ms = self.complete_time_ms - self.create_time_ms
            if taken_ms >= 0:
                return taken_ms
        if self.cost_time is None:
            return None
        return self.cost_time * 1000 if self.cost_time < 1000 else self.cost_time


@dataclass(frozen=True)
class CreatedTask:
    """A task that Kie accepted, and the whole response."""

    task_id: str
    answer: dict[str, Any]


def read_envelope(http_status: int, body: bytes, *, secret: str = "") -> Envelope:
    """Read a response's bytes, whatever they say, and hide a secret that they repeat.

    Raises: BadAnswer, or the HTTP status's own error when an unreadable body came with one.
    """
    try:
        return parse_envelope(_parse_json(body, secret), http_status=http_status)
    except BadAnswer as unreadable:
        if http_status >= 400:
            raise error_for_code(http_status, answer=unreadable.answer) from None
        raise


def _parse_json(body: bytes, secret: str) -> Any:
    try:
        # NaN is not JSON, but a service that sends it means "no number".
        return sanitize(json.loads(body, parse_constant=lambda _: None), secret)
    except (ValueError, RecursionError):
        is_page = body.lstrip()[:1] == b"<"
        raise BadAnswer("A web page came instead of Kie's answer." if is_page else "") from None


def parse_envelope(answer: Any, *, http_status: int) -> Envelope:
    """Read any JSON value as a response of Kie's. Raises: BadAnswer, if it is not an object."""
    if not isinstance(answer, dict):
        raise BadAnswer(code=http_status, answer=answer)
    return Envelope.model_validate({**answer, "raw": answer, "http_status": http_status})


def _raise_if_refused(envelope: Envelope, *, about_task: bool = False) -> None:
    """Raise the error that a response states; its own code counts more than the HTTP status."""
    code = envelope.code
    if code in (None, 200) and envelope.http_status >= 400:
        code = envelope.http_status
    if code not in (None, 200):
        raise error_for_code(code, envelope.msg, answer=envelope.raw, about_task=about_task)


def _accepted_data(envelope: Envelope, *, about_task: bool = False) -> Any:
    """Return the `data` of a response with code 200. Raises: KieError for every other code."""
    _raise_if_refused(envelope, about_task=about_task)
    if envelope.code is None:
        raise BadAnswer(said=envelope.msg, answer=envelope.raw)
    return envelope.data


def parse_created_task(envelope: Envelope) -> CreatedTask:
    """Read the response to createTask.

    Raises: BadAnswer without a task id, else KieError.
    Source: Kie documentation, Create Generation Task.
    """
    data = _accepted_data(envelope)
    task_id = text(data.get("taskId")).strip() if isinstance(data, dict) else ""
    if not task_id:
        raise BadAnswer("Kie answered without a task id.", answer=envelope.raw)
    return CreatedTask(task_id=task_id, answer=envelope.raw)


def parse_task_record(envelope: Envelope, task_id: str) -> TaskRecord:
    """Read the response to recordInfo; a terminal code in it is a failed task, not an error.

    Raises: TaskNotFound, BadAnswer without a record, else KieError.
    Source: Kie documentation, Query Task Status.
    """
    if envelope.code in _TERMINAL_TASK_CODES:
        return _failed_record(envelope, task_id)
    data = _accepted_data(envelope, about_task=True)
    if not isinstance(data, dict):
        raise BadAnswer("Kie answered without the task's record.", answer=envelope.raw)
    return _with_id(TaskRecord.from_data(data), task_id)


def _failed_record(envelope: Envelope, task_id: str) -> TaskRecord:
    """Build the record of a task whose failure the envelope states, with data or without."""
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


def parse_upload_url(envelope: Envelope) -> str:
    """Read the response to an upload: without `success` it is an error, even with HTTP 200.

    Raises: UploadRefused, BadAnswer without an address, else KieError.
    Source: observed on the live service (file upload).
    """
    _raise_if_refused(envelope)
    if envelope.success is not True:
        raise UploadRefused(said=envelope.msg, code=envelope.code, answer=envelope.raw)
    data = envelope.data if isinstance(envelope.data, dict) else {}
    url = web_address(data.get("downloadUrl")) or web_address(data.get("fileUrl"))
    if url is None:
        raise BadAnswer("Kie stored the file but did not say where.", answer=envelope.raw)
    return url


def parse_credit_balance(envelope: Envelope) -> float:
    """Read the response to the credit query, in credits; fractions occur.

    Raises: BadAnswer without a number, else KieError. Source: observed on the live service.
    """
    balance = number(_accepted_data(envelope))
    if balance is None:
        raise BadAnswer("Kie did not say how many credits are left.", answer=envelope.raw)
    return balance


def parse_download_url(envelope: Envelope) -> str:
    """Read the response to a download-url request: an address that works for 20 minutes.

    Raises: BadAnswer without an address, else KieError. Source: observed on the live service.
    """
    address = web_address(_accepted_data(envelope))
    if address is None:
        raise BadAnswer("Kie did not give a download address.", answer=envelope.raw)
    return address
