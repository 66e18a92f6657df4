"""What Kie answers, as records: tolerant of every shape seen, and of those not yet seen."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SkipValidation

from kie_ui.catalog.values import is_web_address
from kie_ui.kie.errors import BadAnswer

_EXACT_INTEGERS_END = 2**53  # beyond it a float, hence a number in JSON, is no longer exact
MAX_ADDRESS_LENGTH = 16_384
"""Characters of an address that Kie gives; signed ones are longer than people's."""


def number(value: object) -> float | None:
    """Read a number that may come as text; booleans and infinities are not numbers."""
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
        value = _as_json(value)
    if isinstance(value, str):
        # JSON can hold half a surrogate pair, which no file, database or page can.
        return value.encode("utf-8", "replace").decode()
    read = number(value)
    if read is None:
        return ""
    return str(int(read) if read.is_integer() else read)


def _as_json(value: dict[str, Any]) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


def json_object(value: object) -> dict[str, Any] | None:
    """Read an object that may come as JSON text; anything else is None."""
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


def _text_or_none(value: object) -> str | None:
    return text(value).strip() or None


def _time_ms(value: object) -> int | None:
    read = whole_number(value)
    return read if read is not None and read > 0 else None


def _credits(value: object) -> float | None:
    read = number(value)
    return read if read is not None and read >= 0 else None


def _percent(value: object) -> float | None:
    read = number(value)
    return read if read is not None and 0 <= read <= 100 else None


Text = Annotated[str, BeforeValidator(text)]
OptionalText = Annotated[str | None, BeforeValidator(_text_or_none)]
WholeNumber = Annotated[int | None, BeforeValidator(whole_number)]
TimeMs = Annotated[int | None, BeforeValidator(_time_ms)]
Credits = Annotated[float | None, BeforeValidator(_credits)]
Percent = Annotated[float | None, BeforeValidator(_percent)]


class TaskState(StrEnum):
    """The states of a task. Source: Kie documentation, Query Task Status; two are live only."""

    WAITING = "waiting"
    QUEUING = "queuing"
    GENERATING = "generating"
    SUCCESS = "success"
    FAIL = "fail"


def _state(value: object) -> TaskState | str:
    name = text(value).strip()
    known = {state.value: state for state in TaskState}
    return known.get(name.lower(), name)


class Envelope(BaseModel):
    """The wrapper of every answer; `raw` is all of it, and `http_status` how it came.

    Source: Kie documentation, Response Parameters; `message` for `msg` is seen live.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: WholeNumber = None
    msg: Text = Field("", validation_alias=AliasChoices("msg", "message", "error", "detail"))
    data: Any = None
    success: Any = None
    raw: SkipValidation[dict[str, Any]]
    http_status: int


def parse_envelope(answer: Any, *, http_status: int = 200) -> Envelope:
    """Read any JSON value as an answer of Kie's. Raises: BadAnswer, if it is not an object."""
    if not isinstance(answer, dict):
        raise BadAnswer(code=http_status, answer=answer)
    return Envelope.model_validate({**answer, "raw": answer, "http_status": http_status})


class TaskRecord(BaseModel):
    """One remote task as Kie tells it.

    Units: times in UTC milliseconds, durations in milliseconds, progress in percent. Fields that
    are missing or make no sense are None or empty; `raw` holds exactly what came, in any case.
    Source: Kie documentation, Query Task Status; `updateTime`, `progress` and the credits are
    observed on the live service.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    task_id: Text = Field("", validation_alias=AliasChoices("taskId", "task_id"))
    model: Text = ""
    state: Annotated[TaskState | str, BeforeValidator(_state)] = ""
    param: Text = ""  # the whole create request, as JSON text
    result_json: Any = Field(None, validation_alias="resultJson")
    fail_code: OptionalText = Field(None, validation_alias="failCode")
    fail_msg: OptionalText = Field(None, validation_alias="failMsg")
    cost_time: TimeMs = Field(None, validation_alias="costTime")
    complete_time_ms: TimeMs = Field(None, validation_alias="completeTime")
    create_time_ms: TimeMs = Field(None, validation_alias="createTime")
    update_time_ms: TimeMs = Field(None, validation_alias="updateTime")
    progress: Percent = None
    credits_consumed: Credits = Field(
        None, validation_alias=AliasChoices("creditsConsumed", "consumeCredits")
    )
    raw: SkipValidation[dict[str, Any]]

    @classmethod
    def from_data(cls, data: Any) -> Self:
        """Read the `data` of a recordInfo answer. Raises: BadAnswer, if it is not an object."""
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
    """A task that Kie accepted, and its whole answer."""

    task_id: str
    answer: dict[str, Any]


@dataclass(frozen=True)
class UploadedFile:
    """A file that Kie stores for a day or more, and its whole answer."""

    url: str
    name: str
    size_bytes: int | None
    answer: dict[str, Any]
