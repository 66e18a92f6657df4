"""A run: our record of one press of Generate, kept from before its task exists."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, create_model

from kie_ui.catalog.roles import prompt_of
from kie_ui.catalog.values import FileRef, JsonValue, MediaRef
from kie_ui.kie.errors import KieError
from kie_ui.kie.responses import TaskRecord
from kie_ui.runs.errors import UnknownRun

BackendKind = Literal["live", "demo"]

Payer = Literal["own", "server"]
"""Whose key makes a live run: one that its owner typed, or the server's."""

Values = dict[str, tuple[MediaRef, ...] | JsonValue | bool | int | float | str]
"""Checked values by documented name; a `FileRef`'s path is a name in the storage."""


class Step(StrEnum):
    """How far a run is between the press and the result."""

    PREPARING = "preparing"
    UPLOADING = "uploading"
    LINED_UP = "lined_up"
    """Ready to be sent, and waiting for its turn in our own queue."""
    SENDING = "sending"
    """The create may be on its way: it is never repeated from here on."""
    WAITING = "waiting"
    QUEUING = "queuing"
    GENERATING = "generating"
    FETCHING = "fetching"
    DONE = "done"
    FAILED = "failed"
    """Refused, or made without success; nothing is billed for it."""
    CANCELLED = "cancelled"
    """Cancelled before its create was sent, so nothing is billed."""
    UNKNOWN = "unknown"
    """Whether Kie took it, or what became of it, cannot be known here."""
    UNFETCHED = "unfetched"
    """Made and paid, but the result could not be stored yet."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens without the person."""
        return self in FINAL_STEPS

    @property
    def is_watched(self) -> bool:
        """Whether Kie is at work and its task is polled."""
        return self in WATCHED_STEPS

    @property
    def in_words(self) -> str:
        """The step as a sentence names it."""
        return {"lined_up": "in line", "unknown": "of unknown outcome"}.get(self, self)


FINAL_STEPS = frozenset({Step.DONE, Step.FAILED, Step.CANCELLED, Step.UNKNOWN, Step.UNFETCHED})
WATCHED_STEPS = frozenset({Step.WAITING, Step.QUEUING, Step.GENERATING})
UNSENT_STEPS = frozenset({Step.PREPARING, Step.UPLOADING, Step.LINED_UP})
"""The steps of which it is certain that no create has left."""


MAX_USER_NOTE = 10_000
"""Characters of a person's note on a run."""

_ID = re.compile(r"[0-9a-f]{32}")


def checked_id(text: str) -> str:
    """Return a text that has the form of a run's id. Raises: UnknownRun, for any other."""
    if not _ID.fullmatch(text):
        raise UnknownRun
    return text


class StepChange(NamedTuple):
    """When a run came to a step, in UTC milliseconds."""

    step: Step
    at_ms: int


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Upload(_Frozen):
    """Where Kie keeps an uploaded file, for a day at least, and since when."""

    url: str
    at_ms: int


class Clip(_Frozen):
    """A result that we keep: its name in the storage, and its measures.

    Most are videos. Sizes and times that a kind does not have are 0. Text, plain or JSON, is in
    no file but in the run's record: its name is that of the file it would be downloaded as.
    """

    name: str
    kind: Literal["video", "image", "audio", "text", "file"] = "video"
    width_px: int = 0
    height_px: int = 0
    duration_s: float = 0.0
    frames_per_second: float | None = None
    codec: str = ""
    size_bytes: int | None = None
    is_dropped: bool = False
    """Whether its file was removed to keep the disk limit."""
    excerpt: str = ""
    """The beginning of a text."""

    @property
    def is_stored(self) -> bool:
        """Whether it has a file in the storage."""
        return self.kind != "text" and not self.is_dropped


class RunError(_Frozen):
    """Why a run ended without its result."""

    kind: str
    """The name of the error's class."""
    message: str
    advice: str = ""
    code: int | str | None = None

    @classmethod
    def of(cls, error: KieError) -> Self:
        """Describe an error of Kie's."""
        return cls(
            kind=type(error).__name__,
            message=error.message,
            advice=error.advice,
            code=error.code,
        )


class Run(_Frozen):
    """One press of Generate and its outcome. Times are UTC milliseconds."""

    id: str
    owner: str
    backend: BackendKind
    paid_by: Payer | None = None
    """None for a demo's run, and for runs of databases older than this field."""
    model: str
    values: Values
    notices: tuple[str, ...] = ()
    """What is made differently from the values, as sentences."""
    changes: tuple[str, ...] = ()
    """How the pictures were changed before they were sent, as sentences."""
    estimated_credits: float | None = None
    step: Step = Step.PREPARING
    step_changes: tuple[StepChange, ...] = ()
    progress: float | None = Field(default=None, ge=0, le=1)
    """How far the present step is: bytes transferred, or what Kie reports of its work."""
    uploads: dict[str, Upload] = {}
    """By name in the storage: a file that Kie has is not uploaded again."""
    request: dict[str, Any] | None = None
    """The body of the create, as sent."""
    answer: dict[str, Any] | None = None
    """Kie's whole answer to the create."""
    task_id: str | None = None
    record: dict[str, Any] | None = None
    """The `data` of the last answer about the task that was news."""
    result_urls: tuple[str, ...] = ()
    clips: tuple[Clip, ...] = ()
    credits_used: float | None = None
    balance_after: float | None = None
    """Credits left on the account when the run had ended."""
    status_note: str | None = None
    """What is being waited for, in a sentence; it passes."""
    error: RunError | None = None
    is_late: bool = False
    is_tracked: bool = False
    """Whether the task was made elsewhere and adopted by its id."""
    sent_again_as: str | None = None
    """The run that a person knowingly made from this one, when its outcome was unknown."""
    holder: str | None = None
    """The process that works on this run, see `cluster`."""
    is_favourite: bool = False
    user_note: str = ""
    """The person's own words about the run."""
    poster: str | None = None
    """The name in the storage of the still picture of the result."""
    deleted_at_ms: int | None = None
    """Since when it is in the trash, shown nowhere until it is restored."""
    created_at_ms: int
    sent_at_ms: int | None = None
    finished_at_ms: int | None = None
    updated_at_ms: int

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens without the person."""
        return self.step.is_final

    @property
    def prompt(self) -> str:
        """The prompt, whatever the model calls it; may be empty."""
        return prompt_of(self.values)

    @property
    def files(self) -> tuple[FileRef, ...]:
        """The files this run was given, each once, in the order of the values."""
        groups = [value for value in self.values.values() if isinstance(value, tuple)]
        refs = [ref for group in groups for ref in group if isinstance(ref, FileRef)]
        return tuple({ref.path: ref for ref in refs}.values())

    def changed(self, at_ms: int, changes: Mapping[str, Any]) -> Self:
        """Return this run with some fields changed, and what follows from a new step.

        Raises: pydantic.ValidationError.
        """
        step = Step(changes.get("step", self.step))
        fields = {**dict(self), **changes, "updated_at_ms": at_ms}
        if step != self.step:
            fields["step_changes"] = (*self.step_changes, StepChange(step, at_ms))
            fields["finished_at_ms"] = at_ms if step.is_final else None
            fields["progress"] = changes.get("progress")
        return type(self).model_validate(fields)

    @property
    def written(self) -> str | None:
        """The text of its result, if it has one and the record is loaded."""
        has_text = any(clip.kind == "text" for clip in self.clips)
        return text_in(self.record) if has_text and self.record else None

    def public(self) -> PublicRun:
        """Return everything but the owner and the holder, as JSON values for a page."""
        shown = self.model_dump(mode="json", exclude=set(_PRIVATE))
        found = {"is_final": self.is_final, "prompt": self.prompt, "written": self.written}
        return shown | found


class _Derived(_Frozen):
    """What a page gets of a run beside its fields."""

    is_final: bool
    prompt: str
    written: str | None


_PRIVATE = frozenset({"owner", "holder"})


@cache
def public_model(name: str, *, without: frozenset[str] = frozenset()) -> type[BaseModel]:
    """Return a model of a run as pages get it, or of a part of that."""
    fields: Any = {
        field: (info.annotation, info)
        for field, info in {**Run.model_fields, **_Derived.model_fields}.items()
        if field not in _PRIVATE | without
    }
    return create_model(name, __base__=_Frozen, **fields)


PublicRun = Annotated[
    dict[str, Any], GetPydanticSchema(lambda _, handler: handler(public_model("Run")))
]
"""A run as pages get it."""


EXCERPT_LENGTH = 400
"""Characters of a text result that a card shows."""
_MAX_EXCERPT_LINES = 12
_TOO_DEEP = "This is nested too deeply to be shown: it is in the record of the run."


def text_in(record: Mapping[str, Any]) -> str | None:
    """Return the text that a task's record holds as its result; None if there is none."""
    result = TaskRecord.from_data(record).result_object
    return None if result is None else _full_text(result)


def size_of(result: Any) -> int:
    """Return how many bytes a text result has as a file."""
    return len(_full_text(result).encode())


def excerpt_of(result: Any) -> str:
    """Return the beginning of a text result; of data, a line for each value."""
    if isinstance(result, str):
        return _encodable(result[: 4 * EXCERPT_LENGTH].strip()[:EXCERPT_LENGTH])
    lines = islice(_lines(result), _MAX_EXCERPT_LINES)
    return _encodable("\n".join(lines)[:EXCERPT_LENGTH])


def _lines(result: Any) -> Iterable[str]:
    if isinstance(result, dict):
        return (f"{name}: {_short(value)}" for name, value in result.items())
    return map(_short, result if isinstance(result, list) else [result])


def _short(value: Any) -> str:
    return " ".join(_plain_text(value)[:EXCERPT_LENGTH].split())


def _full_text(result: Any) -> str:
    return _encodable(_plain_text(result))


def _plain_text(value: Any) -> str:
    """Return a text as it is, and anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, indent=2)
    except RecursionError:
        return _TOO_DEEP


def _encodable(text: str) -> str:
    """Replace half characters by `?`: no file and no page takes them."""
    return text.encode(errors="replace").decode()
