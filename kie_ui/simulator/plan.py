"""What a create asks for: its values, read by the roles of their parameters, as a `RenderPlan`.

A pure step from a spec and checked values. Nothing is refused here: a value that makes no sense is
ignored, as if the parameter had been left out.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from kie_ui.catalog.parameters import ChoiceParameter, Parameter, TableParameter, TextParameter
from kie_ui.catalog.registry import built_in_registry
from kie_ui.catalog.roles import (
    MediaRole,
    Role,
    ValueRole,
    image_task_parameter,
    index_parameters,
    is_named_like,
    plain_name,
    roles_of,
)
from kie_ui.catalog.spec import ModelSpec, Produces
from kie_ui.simulator.sizes import SizeHint, exact_size, merge_sizes, quality_px, read_size

Mode = Literal["normal", "fun", "spicy"]
MODES: tuple[Mode, ...] = ("normal", "fun", "spicy")
MAX_SEED = 2**31 - 1
MAX_RESULTS = 15
MAX_CLIPS = 4
"""Results per task; clips cost far more to make than pictures."""
DEFAULT_FRAMES_PER_S = 16
"""How a number of frames becomes seconds where the request names no rate."""
_MAX_SECONDS_OF_FRAMES = 30


class MediaInputs(NamedTuple):
    """The addresses of the media that a request gives, by their use."""

    pictures: tuple[str, ...]
    """The one to start from comes first, references come last."""
    end_picture: str | None
    videos: tuple[str, ...]
    sounds: tuple[str, ...]


class RenderPlan(BaseModel):
    """What one task shall make."""

    model_config = ConfigDict(frozen=True)

    produces: Produces
    prompt: str
    inputs: MediaInputs
    task_id: str | None
    """An earlier task whose result is used as well."""
    index: int
    """Which of its results."""
    duration_s: float | None
    size: SizeHint
    clip_size: SizeHint
    """The same, where the names of qualities count as well."""
    count: int
    factor: float
    """How many times longer an enlarged side becomes."""
    formats: tuple[str, ...]
    """File formats as the request spells them, such as `png` or `mp3_44100_128`."""
    mode: Mode
    is_camera_fixed: bool
    wants_sound: bool
    speaks: bool
    enlarges: bool
    removes_background: bool


def build_plan(spec: ModelSpec, values: Mapping[str, Any]) -> RenderPlan:
    """Read a request by the roles of its parameters, and by what the model's name says."""
    given = _RequestValues(spec, values)
    size, clip_size = _sizes(given)
    words = f"{spec.model} {spec.title}".lower()
    mode = values.get("mode")
    return RenderPlan(
        produces=spec.produces,
        prompt=_prompt(given),
        inputs=MediaInputs(
            pictures=given.urls("start_picture", "reference_picture"),
            end_picture=next(iter(given.urls("end_picture")), None),
            videos=given.urls("video"),
            sounds=given.urls("audio"),
        ),
        task_id=next((str(each.value) for each in given.of("task_id")), None),
        index=int(given.number("index") or 0),
        duration_s=_duration_s(given.all),
        size=size,
        clip_size=clip_size,
        count=_count(spec, given),
        factor=min(max(given.number("scale_factor") or 2.0, 1.0), 8.0),
        formats=tuple(each.text.lower() for each in given.of("format")),
        mode=mode if mode in MODES else "normal",
        is_camera_fixed=given.is_on("fixed_camera"),
        wants_sound=given.is_on("sound_switch"),
        speaks=bool(_SPEECH.search(words)) or _has_voices(spec),
        enlarges=bool(_ENLARGING.search(words)),
        removes_background=bool(_BACKGROUND_REMOVAL.search(words)),
    )


def texts_of(spec: ModelSpec, values: Mapping[str, Any]) -> list[str]:
    """Return everything that a person may have written, whatever its parameter is called."""
    return [text for each in _RequestValues(spec, values).all for text in each.texts()]


def choose_seed(spec: ModelSpec, values: Mapping[str, Any]) -> int:
    """Return the requested seed, else a random one, to be kept with the task."""
    for each in _RequestValues(spec, values).of("seed"):
        number = each.number
        random_value = getattr(each.parameter, "random_value", None)
        if number is not None and number >= 0 and number != random_value:
            return int(number) % (MAX_SEED + 1)
    return secrets.randbelow(MAX_SEED)


def pictures_per_task(model: str) -> int:
    """Return how many pictures a task of an image model has where the request names no number.

    Where another model of its family picks one of them by an index, as many as that can count;
    elsewhere one.
    """
    family = _family(model)
    for spec in built_in_registry():
        if _family(spec.model) == family and image_task_parameter(spec) is not None:
            return max((int(p.maximum or 0) + 1 for p in index_parameters(spec)), default=1)
    return 1


class ParameterValue(NamedTuple):
    """A parameter with its roles, and the value that a request gives it."""

    parameter: Parameter
    roles: frozenset[Role]
    value: Any

    @property
    def number(self) -> float | None:
        """The value as a number, where it is one or begins with one."""
        return read_number(self.value)

    @property
    def text(self) -> str:
        """A text or number, or the first of a list, as text; else empty."""
        value = self.value
        if isinstance(value, (list, tuple)):
            value = next(iter(value), "")
        return "" if isinstance(value, (bool, dict, list)) else str(value)

    def texts(self) -> Iterator[str]:
        """Return the value of a text, or the texts in the rows of a table."""
        if isinstance(self.parameter, TextParameter):
            yield self.value
        for cell in self.cells():
            if isinstance(cell.parameter, TextParameter):
                yield cell.value

    def cells(self) -> Iterator[ParameterValue]:
        """Return the values in the rows of a table, by their columns."""
        if not isinstance(self.parameter, TableParameter):
            return
        columns = {column.name: column for column in self.parameter.columns}
        for row in self.value:
            cells = {next(iter(columns)): row} if self.parameter.is_bare else row
            for name, value in cells.items():
                yield ParameterValue(columns[name], roles_of(columns[name]), value)


class _RequestValues:
    """The values of a request, in the documented order, found by role."""

    def __init__(self, spec: ModelSpec, values: Mapping[str, Any]) -> None:
        self.all = [
            ParameterValue(parameter, roles_of(parameter, spec.produces), values[parameter.name])
            for parameter in spec.parameters
            if parameter.name in values
        ]

    def of(self, *roles: Role) -> list[ParameterValue]:
        return [each for each in self.all if not each.roles.isdisjoint(roles)]

    def number(self, role: ValueRole) -> float | None:
        return next(_known(each.number for each in self.of(role)), None)

    def is_on(self, role: ValueRole) -> bool:
        return any(each.value is True for each in self.of(role))

    def urls(self, *roles: MediaRole) -> tuple[str, ...]:
        return tuple(url for role in roles for each in self.of(role) for url in each.value)


_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def read_number(value: Any) -> float | None:
    """Read 5, 5.0, "5", "5s" and "5 seconds" as five."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    match = _NUMBER.match(value.strip()) if isinstance(value, str) else None
    try:
        number = float(match.group() if match else value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _known(numbers: Iterable[float | None]) -> Iterator[float]:
    return (number for number in numbers if number is not None)


def _prompt(given: _RequestValues) -> str:
    """Return the prompt by its role, else the longest text of several words."""
    named = ("\n".join(each.texts()) for each in given.of("prompt"))
    others = [each for each in given.all if "negative_prompt" not in each.roles]
    phrases = [text for each in others for text in each.texts() if " " in text]
    return next(filter(None, named), "") or max(phrases, key=len, default="")


def _sizes(given: _RequestValues) -> tuple[SizeHint, SizeHint]:
    """Return the requested size, and that of a clip: a name of quality, such as `high`, is one."""
    width, height = (int(given.number(role) or 0) for role in ("width", "height"))
    texts = [each.text for each in given.of("resolution", "aspect_ratio", "mode")]
    size = merge_sizes([exact_size(width, height), *map(read_size, texts)])
    quality = SizeHint(short_side_px=next(_known(map(quality_px, texts)), None))
    return size, merge_sizes([size, quality])


def _count(spec: ModelSpec, given: _RequestValues) -> int:
    number = given.number("count")
    count = None if number is None else int(min(max(number, 1), MAX_RESULTS))
    match spec.produces:
        case "text":
            return 1
        case "image":
            return count or pictures_per_task(spec.model)
        case "video" | "audio":
            return min(count or 1, MAX_CLIPS)


def _family(model: str) -> str:
    return re.split(r"[/:]", model, maxsplit=1)[0]


_SPEECH = re.compile(r"speech|tts|dialogue|voice|narrat|talk")
_ENLARGING = re.compile(r"upscal|enhanc|super.?resol|enlarg")
_BACKGROUND_REMOVAL = re.compile(
    r"remov\w*.?(bg|background)|(bg|background).?remov|matting|cut.?out|rmbg"
)


def _has_voices(spec: ModelSpec) -> bool:
    tables = [each for each in spec.parameters if isinstance(each, TableParameter)]
    columns = [column for table in tables for column in table.columns]
    return any(is_named_like(each.name, "voice") for each in (*spec.parameters, *columns))


def _duration_s(values: Sequence[ParameterValue]) -> float | None:
    """Return how many seconds the result shall last, where the request says so.

    A table of shots lasts as long as all of them, unless another duration was chosen.
    """
    rates = _known(each.number for each in values if "frame_rate" in each.roles)
    rate = next((rate for rate in rates if rate >= 1), DEFAULT_FRAMES_PER_S)
    lengths = ((each, _seconds(each, rate)) for each in values)
    named, named_s = next((pair for pair in lengths if pair[1] is not None), (None, None))
    cells = (cell for each in values for cell in each.cells())
    shots_s = sum(_known(_seconds(cell, rate) for cell in cells)) or None
    return shots_s if named is None or (shots_s and _is_default(named)) else named_s


def _seconds(each: ParameterValue, frames_per_s: float) -> float | None:
    """Return the length in seconds that a value means; None where it is not a length."""
    number = each.number
    if number is None or number <= 0:
        return None
    if "frame_count" in each.roles:
        return number if _counts_seconds(each) else number / frames_per_s
    if "duration" in each.roles:
        return number / 1000 if plain_name(each.parameter.name).endswith("_ms") else number
    return None


def _counts_seconds(each: ParameterValue) -> bool:
    """Whether a parameter that is named after frames still means seconds.

    It does where the value says so itself (`10s`), and where it is a choice of at most 30: one of
    10 and 15 is offered for clips of so many seconds, since no model makes clips of a second or two
    only. Any other number of frames is a number of frames, however small.
    """
    if isinstance(each.value, str) and re.search(r"\d\s*s(ec\w*)?", each.value, re.IGNORECASE):
        return True
    if not isinstance(each.parameter, ChoiceParameter):
        return False
    options = _known(map(read_number, each.parameter.values))
    return max(options, default=_MAX_SECONDS_OF_FRAMES + 1) <= _MAX_SECONDS_OF_FRAMES


def _is_default(each: ParameterValue) -> bool:
    """Tell whether a parameter may be left out, and has the value it has when it is."""
    default = getattr(each.parameter, "default", None)
    return not each.parameter.required and each.number == read_number(default)
