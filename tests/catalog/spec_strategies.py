"""Specs for hypothesis to try: models with parameters of every kind.

Values that such a spec allows are in `strategies`.
"""

from __future__ import annotations

from typing import Any, cast

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from kie_ui.catalog.parameters import (
    ChoiceParameter,
    Column,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Option,
    OptionValue,
    Parameter,
    SwitchParameter,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.rules import is_given
from kie_ui.catalog.spec import ModelSpec

_NAMES = (
    *("prompt", "text", "image_url", "image_urls", "video_url", "audio_url", "end_image_url"),
    *("resolution", "aspect_ratio", "image_size", "duration", "num_images", "seed", "mode"),
    *("output_format", "voice", "shots", "schema", "_id", "nVariants", "größe", "a-b", "class"),
)
names = st.sampled_from(_NAMES) | st.text("abcxyzA_09", min_size=1, max_size=12)
_labels = st.text("abc XYZé", min_size=1, max_size=12).filter(is_given)
_helps = st.text("abc ,.<&>\"'\n", max_size=30)
_PATTERNS = (r"^[a-z]{2}(-[A-Z]{2})?$", r"^\d+s$", r"^#[0-9a-f]{6}$")
_SCHEMAS: tuple[dict[str, Any], ...] = (
    {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
    {"type": "object", "properties": {"x": {"type": "number"}, "on": {"type": "boolean"}}},
    {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string"}}}},
)


@st.composite
def _common(draw: DrawFn, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": draw(_labels),
        "help": draw(_helps),
        "required": draw(st.booleans()),
        "advanced": draw(st.booleans()),
    }


@st.composite
def texts(draw: DrawFn, name: str) -> TextParameter:
    """Draw a text, at times with limits, or with a pattern."""
    limits: dict[str, Any] = {"multiline": draw(st.booleans())}
    if draw(st.booleans()):
        low = draw(st.none() | st.integers(0, 5))
        high = draw(st.none() | st.integers(max(1, low or 0), 40))
        limits.update(min_length=low, max_length=high)
    elif draw(st.booleans()):
        limits["pattern"] = draw(st.sampled_from(_PATTERNS))
    return TextParameter(**draw(_common(name)), **limits)


_OPTION_VALUES: dict[str, SearchStrategy[OptionValue]] = {
    "string": st.text("abc019:.-_ é", min_size=1, max_size=8).filter(lambda t: t == t.strip()),
    "integer": st.integers(-50, 5000),
    "number": st.integers(-20, 200).map(lambda tenths: tenths / 10),
}


@st.composite
def choices(draw: DrawFn, name: str, *, may_be_many: bool = True) -> ChoiceParameter:
    """Draw a choice of strings, of whole or of broken numbers; at times of several at once."""
    of = draw(st.sampled_from(["string", "integer", "number"]))
    values = draw(st.lists(_OPTION_VALUES[of], min_size=1, max_size=6, unique=True))
    many: dict[str, Any] = {}
    if may_be_many and draw(st.booleans()):
        low = draw(st.none() | st.integers(1, len(values)))
        many = {"many": True, "min_items": low}
        many["max_items"] = draw(st.none() | st.integers(low or 1, len(values)))
    options = tuple(Option(value=value, label=str(value)) for value in values)
    return ChoiceParameter(**draw(_common(name)), of=of, options=options, **many)


@st.composite
def numbers(draw: DrawFn, name: str) -> NumberParameter:
    """Draw a number: whole or not, with or without a range and a step."""
    common, integer = draw(_common(name)), draw(st.booleans())
    step = draw(st.none() | st.sampled_from([1, 2, 8] if integer else [0.01, 0.1, 0.5, 1, 2]))
    low = draw(st.none() | st.integers(-100, 100).map(lambda n: n if integer else n / 10))
    steps = draw(st.none() | st.integers(1, 50))
    high = None if low is None or steps is None else round(low + steps * (step or 1), 9)
    return NumberParameter(**common, integer=integer, minimum=low, maximum=high, step=step)


@st.composite
def media(draw: DrawFn, name: str) -> MediaParameter:
    """Draw a parameter for one file, or for a list of files with or without an end."""
    kind = draw(st.sampled_from(["image", "video", "audio", "file"]))
    many: dict[str, Any] = {}
    if draw(st.booleans()):
        low = draw(st.none() | st.integers(0, 3))
        high = draw(st.none() | st.integers(max(1, low or 0), 5))
        many = {"many": True, "min_items": low, "max_items": high}
    max_bytes = draw(st.none() | st.just(10_000_000))
    return MediaParameter(**draw(_common(name)), media=kind, max_bytes=max_bytes, **many)


@st.composite
def columns(draw: DrawFn, name: str) -> Column:
    """Draw a column of a table."""
    kinds = [
        texts(name),
        choices(name, may_be_many=False),
        numbers(name),
        st.builds(SwitchParameter, **_fixed(name)),
    ]
    return cast("Column", draw(st.one_of(kinds)))


@st.composite
def tables(draw: DrawFn, name: str) -> TableParameter:
    """Draw a table: of objects, or of bare values."""
    is_bare = draw(st.booleans())
    of_columns = st.lists(names, min_size=1, max_size=1 if is_bare else 3, unique=True)
    drawn = tuple(draw(columns(each)) for each in draw(of_columns))
    low = draw(st.none() | st.integers(0, 2))
    high = draw(st.none() | st.integers(max(1, low or 0), 4))
    limits: dict[str, Any] = {"min_items": low, "max_items": high, "is_bare": is_bare}
    return TableParameter(**draw(_common(name)), columns=drawn, **limits)


def _fixed(name: str) -> dict[str, SearchStrategy[Any]]:
    return {
        "name": st.just(name),
        "label": _labels,
        "help": _helps,
        "required": st.booleans(),
        "default": st.none() | st.booleans(),
    }


@st.composite
def json_parameters(draw: DrawFn, name: str) -> JsonParameter:
    """Draw a parameter of a shape that has no other kind."""
    schema = draw(st.sampled_from(_SCHEMAS))
    return JsonParameter(**draw(_common(name)), of=schema["type"], json_schema=schema)


def parameters(name: str) -> SearchStrategy[Parameter]:
    """Draw a parameter of any kind."""
    return st.one_of(
        texts(name),
        choices(name),
        numbers(name),
        st.builds(SwitchParameter, **_fixed(name)),
        media(name),
        tables(name),
        json_parameters(name),
    )


@st.composite
def specs(draw: DrawFn) -> ModelSpec:
    """Draw a model with parameters of every kind, required and optional."""
    drawn = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    return ModelSpec(
        model=draw(st.sampled_from(["maker/model", "Maker/model v2.1", "odd"])),
        title=draw(_labels),
        maker="Maker",
        summary=draw(_helps),
        produces=draw(st.sampled_from(["video", "image", "audio", "text"])),
        documentation="",
        parameters=tuple(draw(parameters(name)) for name in drawn),
    )
