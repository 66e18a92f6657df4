"""What the parameters of any model stand for, told from how they are spelt and what they hold.

Models agree on what they want and not on its name: this is the one table of the names that are
about. Nothing here refuses: what makes no sense is as if it had not been said.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from kie_ui.catalog.parameters import MediaParameter, NumberParameter, Parameter, TableParameter
from kie_ui.catalog.spec import ModelSpec
from kie_ui.simulator.intent.dimensions import (
    Extent,
    exact_extent,
    merged,
    quality_px,
    read_extent,
    read_length_s,
)
from kie_ui.simulator.intent.values import (
    Given,
    names_image_task,
    plain_name,
    read_number,
    rows_of,
    spelt,
    text_columns,
    texts_in,
)

Role = Literal[
    "prompt",
    "voice",
    "size",
    "width",
    "height",
    "count",
    "seed",
    "format",
    "factor",
    "still_camera",
    "sound",
    "task",
    "index",
]

_SPELLINGS: dict[Role, str] = {
    "prompt": r"prompt|(\w+_)?prompts?(_\w+)?|(\w+_)?text|script|lyrics|caption|instructions?|query"
    r"|question|content|message|description|story|scene|dialogue|shots",
    "voice": r"(\w+_)?(voice|speaker)(_?id|_name|_type)?",
    "size": r"(\w+_)?(resolution|size|quality|definition|dimensions?|megapixels?|mode)"
    r"|(\w+_)?(aspect_?ratio|ratio|orientation|format|layout|shape)",
    "width": r"(\w+_)?width",
    "height": r"(\w+_)?height",
    "count": r"n|n_variants|(num|number_of|max|batch)_(images?|outputs?|results?|samples?"
    r"|variations?|variants?|pictures?)|batch_size|(image_|output_)?count|variations|variants",
    "seed": r"(\w+_)?seed",
    "format": r"(\w+_)?(format|output_type|codec)",
    "factor": r"(\w+_)?(upscale|upscaling|scale|zoom|enlarge)?_?factor|upscale|scale|upscale_\w+",
    "still_camera": r"camera_(fixed|locked|static)|(fixed|static|locked|still)_(camera|lens)",
    "sound": r"(generate|with|enable|add|has|include)_(audio|sound)s?|sound|audio|sound_effects?",
    "task": r"(\w+_)?task_?id",
    "index": r"(\w+_)?index",
}
_PATTERNS = {role: re.compile(spelling) for role, spelling in _SPELLINGS.items()}
_NEGATIVE = re.compile(r"negative|avoid|exclude")
_END_PICTURE = re.compile(r"(end|last|tail|final)_|\w+_(end|last|tail)(_\w+)?")
_MASK = re.compile(r"(\w+_)?mask(_\w+)?")
_MERE_REFERENCE = re.compile(r"(\w+_)?(reference|style|subject|element|character|object)s?(_\w+)?")

MAX_SEED = 2**31 - 1
MAX_RESULTS = 15


class Inputs(NamedTuple):
    """The addresses of the media that a request gives, by what they are for."""

    pictures: tuple[str, ...]
    """The one to start from comes first, mere references come last."""
    end_picture: str | None
    videos: tuple[str, ...]
    sounds: tuple[str, ...]


class Asked:
    """What a request asks for: a spec and its checked values, read by role."""

    def __init__(self, spec: ModelSpec, values: Mapping[str, Any]) -> None:
        self._spec = spec
        self._given = [
            Given(parameter, plain_name(parameter.name), values[parameter.name])
            for parameter in spec.parameters
            if parameter.name in values
        ]

    def values(self, role: Role) -> Iterator[Given]:
        """Return what is given to parameters of that role, in the documented order."""
        pattern = _PATTERNS[role]
        return (given for given in self._given if pattern.fullmatch(given.name))

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that a person may have written, prompts first."""
        prompts = [text for given in self.values("prompt") for text in texts_in(given)]
        all_texts = [text for given in self._given for text in texts_in(given)]
        return tuple(dict.fromkeys([*prompts, *all_texts]))

    @property
    def prompt(self) -> str:
        """What shall be seen, heard or said, in the person's words."""
        wanted = [given for given in self.values("prompt") if not _NEGATIVE.search(given.name)]
        texts = ("\n".join(texts_in(given)) for given in wanted)
        return next((text for text in texts if text), "") or self._longest_text

    @property
    def _longest_text(self) -> str:
        """The longest text of several words, where no name says which one is the prompt."""
        named = [given for given in self._given if not _NEGATIVE.search(given.name)]
        texts = [text for given in named for text in texts_in(given) if " " in text]
        return max(texts, key=len, default="")

    @property
    def lines(self) -> tuple[tuple[str, str], ...]:
        """Who says what, row by row of a table; else the prompt, said by the one voice."""
        for given in self._given:
            rows = [_line_of(given, row, self.voice) for row in rows_of(given)]
            if spoken := tuple(line for line in rows if line[1]):
                return spoken
        return ((self.voice, self.prompt),) if self.prompt else ()

    @property
    def duration_s(self) -> float | None:
        """How many seconds the result shall last."""
        return read_length_s(self._given)

    @property
    def extent(self) -> Extent:
        """How large the result shall be."""
        sides = [_first_number(self.values(role)) for role in ("width", "height")]
        width, height = (int(side) if side else 0 for side in sides)
        told = [read_extent(spelt(given.value)) for given in self.values("size")]
        return merged([exact_extent(width, height), *told])

    @property
    def clip_extent(self) -> Extent:
        """How large a clip shall be: here the names of qualities count as well."""
        told = (quality_px(spelt(given.value)) for given in self.values("size"))
        quality = next((float(px) for px in told if px is not None), None)
        return merged([self.extent, Extent(short_side_px=quality)])

    @property
    def count(self) -> int | None:
        """How many results are asked for, within what is made."""
        asked = _first_number(self.values("count"))
        return None if asked is None else int(min(max(asked, 1), MAX_RESULTS))

    @property
    def factor(self) -> float:
        """How many times longer an enlarged side shall be."""
        asked = _first_number(self.values("factor"))
        return min(max(asked, 1.0), 8.0) if asked else 2.0

    @property
    def formats(self) -> Iterator[str]:
        """The spellings of file formats, such as `png` or `mp3_44100_128`."""
        return (spelt(given.value).lower() for given in self.values("format"))

    @property
    def voice(self) -> str:
        """Who shall speak, in whatever spelling."""
        return next((spelt(given.value) for given in self.values("voice")), "")

    @property
    def is_camera_fixed(self) -> bool:
        """Whether the camera shall stay where it is."""
        return any(given.value is True for given in self.values("still_camera"))

    @property
    def wants_sound(self) -> bool:
        """Whether a clip shall be heard."""
        return any(given.value is True for given in self.values("sound"))

    def value(self, name: str) -> Any:
        """Return what a parameter of that very name is given, or None."""
        return next((given.value for given in self._given if given.name == name), None)

    @property
    def task_id(self) -> str | None:
        """The earlier task whose result shall be used, if one is named."""
        given = self._earlier_task
        return None if given is None else str(given.value)

    @property
    def names_image_task(self) -> bool:
        """Whether that task has to be one that made pictures."""
        given = self._earlier_task
        return given is not None and names_image_task(given.parameter)

    @property
    def _earlier_task(self) -> Given | None:
        for given in self._given:
            if names_image_task(given.parameter) or _PATTERNS["task"].fullmatch(given.name):
                return given
        return None

    @property
    def index(self) -> int:
        """Which of an earlier task's results is meant."""
        return int(_first_number(self.values("index")) or 0)

    @property
    def inputs(self) -> Inputs:
        """The media that are given; masks are none of them."""
        pictures = [given for given in self._media("image") if not _MASK.fullmatch(given.name)]
        ends = [given for given in pictures if _END_PICTURE.match(given.name)]
        starts = [given for given in pictures if given not in ends]
        # Sorting is stable: the documented order stands within each of the two.
        starts.sort(key=lambda given: _MERE_REFERENCE.fullmatch(given.name) is not None)
        return Inputs(
            pictures=tuple(url for given in starts for url in given.value),
            end_picture=next((url for given in ends for url in given.value), None),
            videos=tuple(url for given in self._media("video") for url in given.value),
            sounds=tuple(url for given in self._media("audio") for url in given.value),
        )

    def _media(self, kind: str) -> list[Given]:
        usual = {"image": "image", "video": "video", "audio": "audio", "text": "audio"}
        stands_for = usual[self._spec.produces]
        return [
            given
            for given in self._given
            if isinstance(given.parameter, MediaParameter)
            and (stands_for if given.parameter.media == "file" else given.parameter.media) == kind
        ]


def choose_seed(spec: ModelSpec, values: Mapping[str, Any]) -> int:
    """Return the seed that was asked for, or a random one, to be remembered with the task."""
    for given in Asked(spec, values).values("seed"):
        number = read_number(given.value)
        if number is not None and number >= 0 and number != _chance(given.parameter):
            return int(number) % (MAX_SEED + 1)
    return secrets.randbelow(MAX_SEED)


def _chance(parameter: Parameter) -> float | None:
    """Return the value by which a model is asked to choose a seed, besides all below 0."""
    return parameter.random_value if isinstance(parameter, NumberParameter) else None


def is_index(parameter: Parameter) -> bool:
    """Tell whether a parameter says which of an earlier task's results is meant."""
    return _PATTERNS["index"].fullmatch(plain_name(parameter.name)) is not None


def _line_of(given: Given, row: dict[str, Any], voice: str) -> tuple[str, str]:
    """Return who speaks in a row of a table, and the words."""
    speakers = [spelt(value) for name, value in row.items() if is_voice(name)]
    prompt = _PATTERNS["prompt"]
    words = [
        value
        for name, value in row.items()
        if name in text_columns(given.parameter) and prompt.fullmatch(plain_name(name))
    ]
    return (speakers[0] if speakers else voice), " ".join(words)


def is_voice(name: str) -> bool:
    """Tell whether a parameter of that name says who speaks."""
    return _PATTERNS["voice"].fullmatch(plain_name(name)) is not None


def _first_number(all_given: Iterator[Given]) -> float | None:
    numbers = (read_number(given.value) for given in all_given)
    return next((number for number in numbers if number is not None), None)


_SPEECH = re.compile(r"speech|tts|dialogue|voice|narrat|talk")
_ENLARGING = re.compile(r"upscal|enhanc|super.?resol|enlarg")
_CUTTING_OUT = re.compile(r"remov\w*.?(bg|background)|(bg|background).?remov|matting|cut.?out|rmbg")


class Craft(NamedTuple):
    """What a model does, told from its name; for most, nothing is told."""

    speaks: bool
    enlarges: bool
    cuts_out: bool


def craft_of(spec: ModelSpec) -> Craft:
    """Tell what a model does from its id and title, and from whether it has voices."""
    words = f"{spec.model} {spec.title}".lower()
    has_voices = any(map(is_voice, _names_in(spec.parameters)))
    return Craft(
        speaks=has_voices or bool(_SPEECH.search(words)),
        enlarges=bool(_ENLARGING.search(words)),
        cuts_out=bool(_CUTTING_OUT.search(words)),
    )


def _names_in(parameters: tuple[Parameter, ...]) -> Iterator[str]:
    for parameter in parameters:
        yield parameter.name
        if isinstance(parameter, TableParameter):
            yield from (column.name for column in parameter.columns)
