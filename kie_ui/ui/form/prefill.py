"""The values of a run → what its form shows: every parameter is put back where it was.

The browser fills the form in (`assets/js/reuse.js`) with what each widget is to hold. A
widget that is not named gets its documented default.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typing_extensions import TypedDict

from kie_ui.catalog.describe import widget_kind
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    JsonParameter,
    MediaParameter,
    NumberParameter,
    Parameter,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.roles import parameters_for
from kie_ui.catalog.rules import EXTRA
from kie_ui.catalog.spec import ExactlyOne, Example, ModelSpec
from kie_ui.catalog.values import FileRef, JsonValue, MediaRef, UrlRef
from kie_ui.settings import ASSETS
from kie_ui.ui.asgi.uploads import upload_folder
from kie_ui.ui.form.components import UPLOAD_META
from kie_ui.ui.form.values import ADDRESS, RANDOM, START_FROM, excluded
from kie_ui.ui.form.widgets import json_text, slider_minimum, widget_value

MAX_QUOTED_CHARACTERS = 80
"""Characters of a value that a sentence repeats."""
MAX_SEED = 2**31 - 1
"""Where a model documents no end of its seeds."""


class PictureGone(Exception):
    """A picture cannot be put back; the text is a sentence for the person."""


PlaceFile = Callable[[FileRef], Path]
"""Places a file to where the form finds it. Raises: PictureGone."""


class PrefilledForm(TypedDict):
    """What the browser fills a form in with; `fields` by the names of `plan.FormPlan`."""

    model: str
    fields: dict[str, Any]
    notes: list[str]
    keeps_rest: bool


@dataclass
class Prefill:
    """What a model's form will hold."""

    spec: ModelSpec
    fields: dict[str, Any] = field(default_factory=dict)
    """By the names of `plan.FormPlan`."""
    notes: list[str] = field(default_factory=list)
    """What could not be put back, in sentences."""
    keeps_rest: bool = False
    """Whether the form keeps its other values; files are added to a list."""
    files: list[str] = field(default_factory=list)
    """Paths of the files that were copied for the form."""

    def public(self) -> PrefilledForm:
        """Return it as JSON values for a page."""
        return {
            "model": self.spec.model,
            "fields": self.fields,
            "notes": self.notes,
            "keeps_rest": self.keeps_rest,
        }


def example_values(spec: ModelSpec, example: Example) -> dict[str, Any]:
    """Return the values of an example, in which our sample pictures are files."""
    media = {parameter.name for parameter in spec.media_parameters}
    return {
        name: tuple(_sample(ASSETS / place) for place in value) if name in media else value
        for name, value in example.values.items()
    }


def _sample(path: Path) -> FileRef:
    return FileRef(path=str(path), name=sample_name(path))


def sample_name(path: Path) -> str:
    """Return what a sample picture is called, such as `grok-a-1.jpg`."""
    return "-".join(path.relative_to(ASSETS / "samples").parts)


def has_seed(spec: ModelSpec) -> bool:
    """Tell whether the same settings can be tried with another seed."""
    return any(_has_random_value(parameter) for parameter in parameters_for(spec, "seed"))


def prefill_form(
    spec: ModelSpec, values: Mapping[str, Any], place_file: PlaceFile, *, renews_seed: bool = False
) -> Prefill:
    """Fill in a form with these values; what no longer fits is left out, with a note.

    Blocks: pictures are copied and inspected.
    """
    prefill = Prefill(spec)
    chosen = [
        next((name for name in rule.parameters if name in values), rule.parameters[0])
        for rule in spec.rules
        if isinstance(rule, ExactlyOne)
    ]
    if chosen:
        prefill.fields[START_FROM] = chosen[-1]
    left_alone = excluded(spec, chosen)
    for parameter in spec.parameters:
        if parameter.name in values:
            _put(prefill, parameter, values[parameter.name], place_file)
        elif parameter.name not in left_alone:
            _empty(prefill, parameter)
        if renews_seed and _has_random_value(parameter):
            _renew(prefill, parameter, values.get(parameter.name))
    extra = values.get(EXTRA)
    prefill.fields[EXTRA] = json_text(extra.value) if isinstance(extra, JsonValue) else ""
    known = {EXTRA, *(parameter.name for parameter in spec.parameters)}
    for name in values.keys() - known:
        prefill.notes.append(f"“{name}” is not a setting of this model, so it was left out.")
    return prefill


def add_value(prefill: Prefill, parameter: Parameter, value: Any, place_file: PlaceFile) -> None:
    """Add one value, and choose it where other parameters exclude it. Blocks if it is a file."""
    if prefill.spec.exclusive_with(parameter.name):
        prefill.fields[START_FROM] = parameter.name
    _put(prefill, parameter, value, place_file)


def _put(prefill: Prefill, parameter: Parameter, value: Any, place_file: PlaceFile) -> None:
    plain = value.value if isinstance(value, JsonValue) else value
    if not fits(parameter, plain):
        words = f"{parameter.label}: {_in_words(plain)} no longer fits, so it was left out."
        prefill.notes.append(words)
        return
    match parameter:
        case MediaParameter():
            _put_media(prefill, parameter, plain, place_file)
        case NumberParameter() if _has_random_value(parameter):
            is_random = plain == parameter.random_value
            prefill.fields[parameter.name + RANDOM] = is_random
            if not is_random:
                prefill.fields[parameter.name] = plain
        case TableParameter():
            _put_rows(prefill, parameter, plain)
        case _:
            prefill.fields[parameter.name] = widget_value(parameter, plain)


def _in_words(value: Any) -> str:
    if isinstance(value, tuple):
        return "what was chosen"
    words = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return (
        words if len(words) <= MAX_QUOTED_CHARACTERS else f"{words[: MAX_QUOTED_CHARACTERS - 1]}…"
    )


def fits(parameter: Parameter, value: Any) -> bool:
    """Tell whether a parameter's widget can hold a value."""
    match parameter:
        case ChoiceParameter():
            is_list = parameter.many and isinstance(value, list)
            return all(each in parameter.values for each in (value if is_list else [value]))
        case NumberParameter():
            return _is_within(parameter, value)
        case TableParameter():
            is_list = isinstance(value, list)
            return is_list and all(isinstance(row, dict) != parameter.is_bare for row in value)
        case _:
            return isinstance(value, _HELD[parameter.kind])


_HELD: dict[str, type] = {"text": str, "switch": bool, "media": tuple, "json": object}
"""What the widgets of the other kinds can hold."""


def _put_rows(prefill: Prefill, parameter: TableParameter, rows: list[Any]) -> None:
    columns = {column.name for column in parameter.columns}
    strange = {name for row in rows if isinstance(row, dict) for name in row} - columns
    for name in sorted(strange):
        words = f"{parameter.label}: “{name}” is no longer a column, so it was left out."
        prefill.notes.append(words)
    prefill.fields[parameter.name] = [
        {name: value for name, value in row.items() if name in columns}
        if isinstance(row, dict)
        else row
        for row in rows
    ]


def _is_within(parameter: NumberParameter, value: Any) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    if widget_kind(parameter) == "number" or value == parameter.random_value:
        return True
    return slider_minimum(parameter) <= value <= (parameter.maximum or 0)


def _put_media(
    prefill: Prefill, parameter: MediaParameter, refs: tuple[MediaRef, ...], place_file: PlaceFile
) -> None:
    name = parameter.name
    if widget_kind(parameter) != "picture":
        files = (_file_of(prefill, parameter, ref, place_file) for ref in refs)
        prefill.fields[name] = [file for file in files if file is not None]
        return
    prefill.fields |= {name: None, name + ADDRESS: ""}
    if len(refs) > 1:
        prefill.notes.append(f"{parameter.label}: only the first of {len(refs)} fits the form.")
    match refs[:1]:
        case (UrlRef() as address,):
            prefill.fields[name + ADDRESS] = address.url
        case (FileRef() as kept,):
            prefill.fields[name] = _file_of(prefill, parameter, kept, place_file)


def _file_of(
    prefill: Prefill, parameter: MediaParameter, ref: MediaRef, place_file: PlaceFile
) -> dict[str, Any] | None:
    """Copy a file for the form and return its payload for the widget; None if it is gone."""
    if isinstance(ref, UrlRef):
        return {"path": ref.url, "meta": UPLOAD_META}
    try:
        path = place_file(ref)
    except PictureGone as gone:
        prefill.notes.append(f"{parameter.label}: {gone}")
        return None
    prefill.files.append(str(path))
    return {"path": str(path), "orig_name": ref.name, "meta": UPLOAD_META}


def _empty(prefill: Prefill, parameter: Parameter) -> None:
    """Empty a widget that would otherwise start with a default."""
    match parameter:
        case MediaParameter() if widget_kind(parameter) == "picture":
            prefill.fields |= {parameter.name: None, parameter.name + ADDRESS: ""}
        case TextParameter() | JsonParameter():
            prefill.fields[parameter.name] = ""
        case ChoiceParameter(many=True) | MediaParameter() | TableParameter():
            prefill.fields[parameter.name] = []
        case NumberParameter() if widget_kind(parameter) == "number":
            prefill.fields[parameter.name] = None


def _has_random_value(parameter: Parameter) -> bool:
    return isinstance(parameter, NumberParameter) and parameter.random_value is not None


def _renew(prefill: Prefill, parameter: Parameter, old: Any) -> None:
    if not isinstance(parameter, NumberParameter):
        return
    lowest, step = slider_minimum(parameter), parameter.step or 1
    largest = MAX_SEED if parameter.maximum is None else parameter.maximum
    new = old
    while new in (old, parameter.random_value):
        new = lowest + step * secrets.randbelow(int((largest - lowest) / step) + 1)
    seed = int(new) if float(new).is_integer() else new
    prefill.fields |= {parameter.name: seed, parameter.name + RANDOM: False}


def copy_to_uploads(source: Path, name: str) -> Path:
    """Copy a kept picture to where Gradio takes pictures from. Blocks. Raises: PictureGone."""
    try:
        to = place_in_uploads(source.suffix)
        shutil.copyfile(source, to)
    except OSError as problem:
        raise PictureGone(f"“{name}” is no longer there: choose it again.") from problem
    return to


def place_in_uploads(suffix: str) -> Path:
    """Name a place where Gradio takes pictures from, in an unguessable folder.

    Blocks. Raises: OSError.
    """
    folder = upload_folder() / secrets.token_hex(32)
    folder.mkdir(parents=True, mode=0o700)
    return folder.resolve() / f"picture{suffix}"
