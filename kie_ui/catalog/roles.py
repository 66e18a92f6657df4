"""What a parameter is for: the one place that says which is the prompt, the seed or the duration.

Models agree on what they want and not on its name. A role is derived from a parameter's kind and
its documented name; a parameter can have several, or none (`mode` chooses a quality for one model
and a mood for the next). Nothing here looks at values, but for `prompt_of`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from kie_ui.catalog.parameters import (
    MediaParameter,
    NumberParameter,
    Parameter,
    SwitchParameter,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.spec import ModelSpec, OnlyWith, Produces
from kie_ui.catalog.values import JsonValue

MediaRole = Literal[
    "start_picture",
    "end_picture",
    "reference_picture",  # a style, a subject or a character to keep to
    "mask",
    "video",
    "audio",
]
ValueRole = Literal[
    "prompt",
    "negative_prompt",
    "voice",
    "duration",
    "frame_count",
    "frame_rate",
    "resolution",
    "aspect_ratio",
    "width",
    "height",
    "mode",
    "count",  # how many results
    "seed",
    "format",  # of the result's file
    "scale_factor",  # of an enlargement
    "fixed_camera",
    "sound_switch",  # whether a clip is heard
    "task_id",  # of an earlier task
    "image_task_id",  # of an earlier task that made pictures
    "index",  # which of an earlier task's results
]
Role = MediaRole | ValueRole

_NAMES: dict[ValueRole, str] = {
    "prompt": r"prompt|(\w+_)?prompts?(_\w+)?|(\w+_)?text|script|lyrics|caption|instructions?|query"
    r"|question|content|message|description|story|scene|dialogue|shots",
    "negative_prompt": r"\w*(negative|avoid|exclude)\w*",
    "voice": r"(\w+_)?(voice|speaker)(_?id|_name|_type)?",
    "duration": r"(\w+_)?(duration|length|seconds)(_s|_sec|_seconds|_ms)?",
    "frame_count": r"((n|num|number_of|total|max|video|output)_?)?frames"
    r"|(\w+_)?frames?_(count|number|num|length)",
    "frame_rate": r"(\w+_)?(fps|frame_?rate|frames_per_second)(_\w+)?",
    "resolution": r"(\w+_)?(resolution|size|quality|definition|dimensions?|megapixels?)",
    "aspect_ratio": r"(\w+_)?(aspect_?ratio|ratio|orientation|format|layout|shape)",
    "width": r"(\w+_)?width",
    "height": r"(\w+_)?height",
    "mode": r"(\w+_)?mode",
    "count": r"n|n_variants|(num|number_of|max|batch)_(images?|outputs?|results?|samples?"
    r"|variations?|variants?|pictures?)|batch_size|(image_|output_)?count|variations|variants",
    "seed": r"(\w+_)?seed",
    "format": r"(\w+_)?(format|output_type|codec)",
    "scale_factor": r"(\w+_)?(upscale|upscaling|scale|zoom|enlarge)?_?factor|upscale|scale"
    r"|upscale_\w+",
    "fixed_camera": r"camera_(fixed|locked|static)|(fixed|static|locked|still)_(camera|lens)",
    "sound_switch": r"(generate|with|enable|add|has|include)_(audio|sound)s?|sound|audio"
    r"|sound_effects?",
    "task_id": r"(\w+_)?task_?id",
    "index": r"(\w+_)?index",
}
"""By role, the names in plain spelling, each as a whole."""
_PATTERNS = {role: re.compile(pattern) for role, pattern in _NAMES.items()}
_KINDS: dict[ValueRole, tuple[type, ...]] = {
    "prompt": (TextParameter, TableParameter),
    "negative_prompt": (TextParameter, TableParameter),
    "fixed_camera": (SwitchParameter,),
    "sound_switch": (SwitchParameter,),
}
"""The kinds that a role needs, where not every kind but media will do."""

_MASK = re.compile(r"(\w+_)?mask(_\w+)?")
_END_PICTURE = re.compile(r"(end|last|tail|final)_\w*|\w+_(end|last|tail)(_\w+)?")
_REFERENCE = re.compile(r"(\w+_)?(reference|style|subject|element|character|object)s?(_\w+)?")
_MEDIA_OF_FILE: dict[Produces, MediaRole] = {
    "video": "video",
    "audio": "audio",
    "text": "audio",
}
"""What a parameter takes that is documented as a mere file; a picture where not listed."""


def plain_name(name: str) -> str:
    """Return a name in small letters and underscores: `nVariants`, `n-variants` → `n_variants`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return parted.replace("-", "_").replace(" ", "_").lower()


def is_named_like(name: str, role: ValueRole) -> bool:
    """Tell whether a name alone, in any spelling, is one that parameters of a role have."""
    pattern = _PATTERNS.get(role)
    return pattern is not None and pattern.fullmatch(plain_name(name)) is not None


def roles_of(parameter: Parameter, produces: Produces = "video") -> frozenset[Role]:
    """Return every role of a parameter, in a model that makes `produces`."""
    name = plain_name(parameter.name)
    if isinstance(parameter, MediaParameter):
        return frozenset((_media_role(parameter, name, produces),))
    roles: set[Role] = {
        role
        for role, pattern in _PATTERNS.items()
        if pattern.fullmatch(name) and isinstance(parameter, _KINDS.get(role, object))
    }
    if "negative_prompt" in roles:
        roles.discard("prompt")
    if isinstance(parameter, TextParameter) and parameter.names == "image_task":
        roles |= {"task_id", "image_task_id"}
    if isinstance(parameter, NumberParameter) and parameter.random_value is not None:
        roles.add("seed")
    return frozenset(roles)


def _media_role(parameter: MediaParameter, name: str, produces: Produces) -> MediaRole:
    if parameter.media in ("video", "audio"):
        return "video" if parameter.media == "video" else "audio"
    if parameter.media == "file" and produces in _MEDIA_OF_FILE:
        return _MEDIA_OF_FILE[produces]
    if _MASK.fullmatch(name):
        return "mask"
    if _END_PICTURE.fullmatch(name):
        return "end_picture"
    return "reference_picture" if _REFERENCE.fullmatch(name) else "start_picture"


def parameters_for(spec: ModelSpec, *roles: Role) -> tuple[Parameter, ...]:
    """Return the parameters of a model that have one of these roles, in the documented order."""
    return tuple(p for p in spec.parameters if not roles_of(p, spec.produces).isdisjoint(roles))


def image_task_parameter(spec: ModelSpec) -> TextParameter | None:
    """Return the parameter that takes the id of a task that made pictures, if there is one."""
    texts = (p for p in parameters_for(spec, "image_task_id") if isinstance(p, TextParameter))
    return next(texts, None)


def index_parameters(spec: ModelSpec) -> tuple[NumberParameter, ...]:
    """Return the numbers that say which picture of the image task: by a rule, or by their name."""
    task = image_task_parameter(spec)
    rules = [rule for rule in spec.rules if isinstance(rule, OnlyWith)]
    named = {rule.parameter for rule in rules if task is not None and rule.needs == task.name}
    named = named or {parameter.name for parameter in parameters_for(spec, "index")}
    return tuple(p for p in spec.parameters if isinstance(p, NumberParameter) and p.name in named)


_LIKELIEST_PROMPTS = (
    "prompt",
    "text",
    "script",
    "lyrics",
    "description",
    "title",
    "caption",
    "question",
)
_BETWEEN_ROWS = " / "


def prompt_of(values: Mapping[str, Any]) -> str:
    """Return the prompt among a run's values, or a request's input, of any model.

    It is under the likeliest name, else the longest text of several words; empty where there is
    none.
    """
    tables = [rows for value in values.values() if (rows := _rows_of(value))]
    named = [_named_prompt(values), *(_prompt_of_rows(rows) for rows in tables)]
    texts = [value for value in values.values() if isinstance(value, str)]
    return next(filter(None, named), "") or _longest([*texts, *map(_longest_in_rows, tables)])


def _named_prompt(values: Mapping[str, Any]) -> str:
    """Return the text of the likeliest prompt field."""
    named = (values.get(name) for name in _LIKELIEST_PROMPTS)
    return next((text for text in named if isinstance(text, str) and text.strip()), "")


def _prompt_of_rows(rows: list[Mapping[str, Any]]) -> str:
    return _BETWEEN_ROWS.join(text.strip() for row in rows if (text := _named_prompt(row)))


def _longest_in_rows(rows: list[Mapping[str, Any]]) -> str:
    """Return the column with the longest text, row after row."""
    columns = dict.fromkeys(name for row in rows for name in row)
    texts = {
        name: [row[name] for row in rows if isinstance(row.get(name), str)] for name in columns
    }
    found = max(columns, key=lambda name: len(_longest(texts[name])), default="")
    has_words = found and _longest(texts[found])
    return _BETWEEN_ROWS.join(text.strip() for text in texts[found] if text) if has_words else ""


def _longest(texts: Iterable[str]) -> str:
    """Return the longest text that has more than one word."""
    several = (t for t in texts if " " in t.strip() and "://" not in t.split(maxsplit=1)[0])
    return max(several, key=len, default="")


def _rows_of(value: Any) -> list[Mapping[str, Any]]:
    plain = value.value if isinstance(value, JsonValue) else value
    return [row for row in plain if isinstance(row, Mapping)] if isinstance(plain, list) else []
