"""A run: our record of one press of Generate, from before the task exists until for ever."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import islice
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field

from kie_ui.catalog.roles import prompt_of
from kie_ui.catalog.values import FileRef, JsonValue, MediaRef
from kie_ui.kie.errors import KieError
from kie_ui.kie.responses import TaskRecord
from kie_ui.runs.errors import UnknownRun

EXCERPT_LENGTH = 400
"""Characters: as many as a small picture of it shows."""
_EXCERPT_LINES = 12
_TOO_DEEP = "This is nested too deeply to be shown: it stands in the record of the run."


def text_in(record: Mapping[str, Any]) -> str | None:
    """Return what a model wrote, by its task's record; None where it wrote nothing."""
    made = TaskRecord.from_data(record).result_object
    return None if made is None else _in_full(made)


def excerpt_of(made: Any) -> str:
    """Return how what a model wrote begins: of data a line for each of its values."""
    if isinstance(made, str):
        return _storable(made[: 4 * EXCERPT_LENGTH].strip()[:EXCERPT_LENGTH])
    lines = islice(_lines(made), _EXCERPT_LINES)
    return _storable("\n".join(lines)[:EXCERPT_LENGTH])


def size_of(made: Any) -> int:
    """Return how many bytes a file with it has."""
    return len(_in_full(made).encode())


def _in_full(made: Any) -> str:
    return _storable(made if isinstance(made, str) else _as_json(made))


def _as_json(made: Any) -> str:
    try:
        return json.dumps(made, ensure_ascii=False, indent=2)
    except RecursionError:
        return _TOO_DEEP


def _lines(made: Any) -> Iterable[str]:
    match made:
        case dict():
            return (f"{name}: {_short(value)}" for name, value in made.items())
        case list():
            return map(_short, made)
        case _:
            return (_short(made),)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else _as_json(value)
    return " ".join(text[:EXCERPT_LENGTH].split())


def _storable(text: str) -> str:
    """Put `?` where text holds half a character, which no file and no page takes."""
    return text.encode(errors="replace").decode()


BackendKind = Literal["live", "demo"]

Payer = Literal["own", "server"]
"""Whose key makes a live run: one that its owner typed, or the server's."""

Values = dict[str, tuple[MediaRef, ...] | JsonValue | bool | int | float | str]
"""Checked values by documented name; a `FileRef`'s path is a name in the storage."""


class Step(StrEnum):
    """Where a run is on its way from the press to the result."""

    PREPARING = "preparing"
    UPLOADING = "uploading"
    LINED_UP = "lined_up"
    """Ready to be sent, and waiting for its turn in our own queue."""
    SENDING = "sending"
    """The create may be on its way: from here on it is never sent again by itself."""
    WAITING = "waiting"
    QUEUING = "queuing"
    GENERATING = "generating"
    FETCHING = "fetching"
    DONE = "done"
    FAILED = "failed"
    """Refused, or made without success; nothing is billed for it."""
    CANCELLED = "cancelled"
    """Called off before its create left; nothing was sent, so nothing is billed."""
    UNKNOWN = "unknown"
    """Nobody here can know whether Kie took it, or what became of it."""
    UNFETCHED = "unfetched"
    """Made and paid, but the result could not be kept yet."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self in FINAL_STEPS

    @property
    def is_watched(self) -> bool:
        """Whether Kie is at work and the tracker watches."""
        return self in WATCHED_STEPS

    @property
    def in_words(self) -> str:
        """How a sentence says it."""
        return {"lined_up": "in line", "unknown": "of unknown fate"}.get(self, self)


FINAL_STEPS = frozenset({Step.DONE, Step.FAILED, Step.CANCELLED, Step.UNKNOWN, Step.UNFETCHED})
WATCHED_STEPS = frozenset({Step.WAITING, Step.QUEUING, Step.GENERATING})
UNSENT_STEPS = frozenset({Step.PREPARING, Step.UPLOADING, Step.LINED_UP})
"""The steps of which it is certain that no create has left."""


MAX_USER_NOTE = 10_000
"""Characters of a person's note on a run."""

_ID = re.compile(r"[0-9a-f]{32}")


def checked_id(text: str) -> str:
    """Return what can be the id of a run. Raises: UnknownRun, for anything else from outside."""
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
    """Where Kie keeps an uploaded picture, and since when; it is kept for a day at least."""

    url: str
    at_ms: int


class Clip(_Frozen):
    """A result that we hold: its name in the storage, and what a look inside told.

    Most are videos. Sizes and times that a kind does not have are 0. Text, plain or JSON, lies in
    no file but in the run's record: its name says only how a file with it would be called.
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
    """Whether its file was removed to keep the disk limit; what is known of it stays."""
    excerpt: str = ""
    """How a text begins."""

    @property
    def is_stored(self) -> bool:
        """Whether it lies in a file of its own."""
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
        """Return what an error of Kie's means to the person who pressed."""
        return cls(
            kind=type(error).__name__,
            message=error.message,
            advice=error.advice,
            code=error.code,
        )


class Run(_Frozen):
    """One press of Generate and all that became of it. Times are UTC milliseconds."""

    id: str
    owner: str
    backend: BackendKind
    paid_by: Payer | None = None
    """Fixed at the press; None for a demo's run, and for those from before this was kept."""
    model: str
    values: Values
    notices: tuple[str, ...] = ()
    """What is made differently from what was asked."""
    changes: tuple[str, ...] = ()
    """What was done to the pictures before they were sent."""
    estimated_credits: float | None = None
    step: Step = Step.PREPARING
    step_changes: tuple[StepChange, ...] = ()
    progress: float | None = Field(default=None, ge=0, le=1)
    """How far the present step is: bytes uploaded or fetched, or what Kie tells of its work."""
    uploads: dict[str, Upload] = {}
    """By name in the storage: a picture that Kie has is not uploaded again."""
    request: dict[str, Any] | None = None
    """The body of the create, as sent."""
    answer: dict[str, Any] | None = None
    """Kie's whole answer to the create."""
    task_id: str | None = None
    record: dict[str, Any] | None = None
    """The `data` of the last answer about the task that told something new."""
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
    """The run that a person knowingly made from this one, whose fate is unknown."""
    holder: str | None = None
    """The process that takes this run on; see `presence`."""
    is_favourite: bool = False
    user_note: str = ""
    """The person's own words about the run."""
    poster: str | None = None
    """The name in the storage of the still that stands for the clip."""
    deleted_at_ms: int | None = None
    """Since when it is in the bin: shown nowhere, and had back only by undoing that."""
    created_at_ms: int
    sent_at_ms: int | None = None
    finished_at_ms: int | None = None
    updated_at_ms: int

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.step.is_final

    @property
    def prompt(self) -> str:
        """The words that say what shall be made, whatever the model calls them; may be empty."""
        return prompt_of(self.values)

    @property
    def files(self) -> tuple[FileRef, ...]:
        """The pictures of this run, each once, in the order of the values."""
        groups = [value for value in self.values.values() if isinstance(value, tuple)]
        refs = [ref for group in groups for ref in group if isinstance(ref, FileRef)]
        return tuple({ref.path: ref for ref in refs}.values())

    def changed(self, at_ms: int, changes: Mapping[str, Any]) -> Self:
        """Return this run with some fields changed, and the times that follow from a new step.

        Raises: pydantic.ValidationError.
        """
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        step = Step(changes.get("step", self.step))
        fields |= {**changes, "updated_at_ms": at_ms}
        if step != self.step:
            fields["step_changes"] = (*self.step_changes, StepChange(step, at_ms))
            fields["finished_at_ms"] = at_ms if step.is_final else None
            fields["progress"] = changes.get("progress")
        return type(self).model_validate(fields)

    @property
    def written(self) -> str | None:
        """What its model wrote, where it did and the record is at hand."""
        has_text = any(clip.kind == "text" for clip in self.clips)
        return text_in(self.record) if has_text and self.record else None

    def public(self) -> dict[str, Any]:
        """Return everything but the owner and the holder, as JSON values for a page."""
        shown = self.model_dump(mode="json", exclude={"owner", "holder"})
        found = {"is_final": self.is_final, "prompt": self.prompt, "written": self.written}
        return shown | found
