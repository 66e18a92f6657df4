"""Our widgets: Gradio's own where they fit, taught to leave web addresses alone, and two more.

Gradio's server would fetch every address that comes in as a file. Here only the browser looks at an
address, and Kie; our server passes it on as it is. What the lists of files and of rows look like is
up to `assets/js/media_list.js` and `rows_table.js`.
"""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.blocks import Block
from gradio.component_meta import ComponentMeta
from gradio.components.api_component import Api
from gradio.data_classes import FileData, ImageData
from pydantic import BaseModel
from typing_extensions import TypedDict

from kie_ui.catalog.media_types import MEDIA_NOUNS, SHOWN_IN_BROWSERS, MediaKind
from kie_ui.catalog.parameters import (
    ChoiceParameter,
    Column,
    MediaParameter,
    NumberParameter,
    SwitchParameter,
    TableParameter,
    TextParameter,
)
from kie_ui.catalog.values import FileRef, MediaRef, UrlRef, is_web_address
from kie_ui.media.formats import MediaProblem
from kie_ui.media.images.convert import picture_limits, prepare_picture
from kie_ui.media.images.open import inspect_picture
from kie_ui.ui.asgi.uploads import folder_of

UPLOAD_META = {"_type": "gradio.FileData"}


class NotAPicture(ValueError):
    """The payload names no uploaded file and no web address."""


def is_address(resource: object) -> bool:
    """Tell whether Gradio is about to fetch this itself, which we never let it."""
    return isinstance(resource, str) and resource.lower().startswith(("http://", "https://"))


def media_ref(payload: object) -> MediaRef:
    """Read what Gradio hands over for one file.

    Only files in Gradio's own upload folder are taken, so that no caller can name a file of ours.
    Raises: NotAPicture.
    """
    if isinstance(payload, str):
        return _url_ref(payload)
    if not isinstance(payload, (Mapping, FileData)):
        raise NotAPicture("needs an uploaded file or a web address.")
    data = payload if isinstance(payload, Mapping) else payload.model_dump()
    path = data.get("path")
    if not isinstance(path, str) or data.get("meta") != UPLOAD_META:
        raise NotAPicture("needs an uploaded file or a web address.")
    if is_address(path):
        return _url_ref(path)
    if folder_of(path) is None:
        raise NotAPicture("needs a file that was uploaded here.")
    return FileRef(path=path, name=Path(str(data.get("orig_name") or path)).name)


def _url_ref(address: str) -> UrlRef:
    if not is_web_address(address.strip()):
        raise NotAPicture("needs a web address that starts with https:// or http://.")
    return UrlRef(url=address)


class UploadedFile(TypedDict):
    """A file in Gradio's upload folder, as Gradio's widgets hold it."""

    path: str
    orig_name: str
    meta: dict[str, str]


class Look(BaseModel):
    """A given picture in words."""

    facts: str = ""
    problem: str | None = None
    """Why it can't be used."""
    instead: UploadedFile | None = None
    """The file to show in place of one that browsers can't show."""
    is_gone: bool = False


def look_at(parameter: MediaParameter, picture: FileRef) -> Look:
    """Describe a given picture, and find what to show in place of it. Blocks."""
    source = Path(picture.path)
    try:
        info = inspect_picture(source)
        format_ = "HEIC" if info.format == "HEIF" else info.format
        size = " × ".join(map(str, info.size_px))
        facts = f"{format_} · {size} · {_size(info.size_bytes)}"
        if info.mime in SHOWN_IN_BROWSERS:
            return Look(facts=facts)
        fit, changes = _fit(parameter, source)
    except MediaProblem as problem:
        return Look(problem=str(problem))
    instead = UploadedFile(path=str(fit), orig_name=fit.name, meta=UPLOAD_META)
    return Look(facts=f"{facts}. {' '.join(changes)}", instead=instead)


def _fit(parameter: MediaParameter, source: Path) -> tuple[Path, tuple[str, ...]]:
    """Turn a picture into what would be sent of it, beside it in Gradio's cache."""
    prepared = prepare_picture(source, source.parent, picture_limits(parameter))
    return prepared.path, prepared.changes


def _size(size_bytes: int) -> str:
    mega = size_bytes / 1e6
    return f"{mega:.1f} MB" if mega >= 0.1 else f"{size_bytes / 1e3:.0f} kB"


class WithoutStub(ComponentMeta):
    """Makes a component class without the `.pyi` that Gradio would write beside our source.

    For a class with no `__init__` and no `EVENTS` of its own that is all the stock metaclass does.
    """

    def __new__(  # noqa: D102 - the class says it
        cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]
    ) -> WithoutStub:
        return ABCMeta.__new__(cls, name, bases, attributes)


class KeepsAddresses(Block):
    """A block that hands web addresses on instead of fetching them."""

    async def async_move_resource_to_block_cache(
        self, url_or_file_path: str | Path | None
    ) -> str | None:
        """Keep a web address as it is, and let Gradio see to everything else."""
        if is_address(url_or_file_path):
            return str(url_or_file_path)
        return await super().async_move_resource_to_block_cache(url_or_file_path)


class PictureInput(KeepsAddresses, gr.Image, metaclass=WithoutStub):
    """The picture widget, handing files over untouched: the stock one would decode them."""

    def get_block_name(self) -> str:
        """Pass for the stock widget in the browser."""
        return "image"

    def api_info(self) -> dict[str, Any]:
        """Describe the value in short: no endpoint takes it, and the page would hold it thrice."""
        return {"type": "object"}

    def preprocess(self, payload: ImageData | None) -> MediaRef | None:  # type: ignore[override]
        """Return where the picture is; the stock widget's type is an array.

        An unusable payload counts as no picture: the form says which one is missing.
        """
        try:
            return None if payload is None else media_ref(payload.model_dump())
        except NotAPicture:
            return None


class NumberSlider(gr.Slider, metaclass=WithoutStub):
    """The slider that leaves limits to the form's own check, which puts them in words."""

    is_template = True  # to the browser, it is the stock widget

    def preprocess(self, payload: float | None) -> float | None:  # type: ignore[override]
        """Hand on what was typed, also nothing; the stock widget raises instead."""
        return payload


class NumberField(gr.Number, metaclass=WithoutStub):
    """The number field that may be empty, and leaves limits to the form's own check.

    The stock one turns nothing into 0, raises beyond its limits, and rounds in silence.
    """

    is_template = True  # to the browser, it is the stock widget

    def preprocess(self, payload: float | str | None) -> float | None:
        """Hand on what was typed."""
        return None if isinstance(payload, str) else payload

    def postprocess(self, value: float | None) -> Any:
        """Show a number, or the one emptiness that the browser leaves alone."""
        return "" if value is None else super().postprocess(value)


class ApiParameter(KeepsAddresses, Api, metaclass=WithoutStub):
    """A parameter of an endpoint, without a face on the page."""

    def get_block_name(self) -> str:
        """Pass for the stock one in the browser."""
        return "api"


class ResultFile(gr.File, metaclass=WithoutStub):
    """A file that an endpoint returns."""

    def get_block_name(self) -> str:
        """Pass for the stock one in the browser."""
        return "file"

    def api_info_as_input(self) -> dict[str, Any]:
        """Say nothing: it is no input, and every page would hold the description."""
        return {}


class ListInput(KeepsAddresses, gr.HTML, metaclass=WithoutStub):
    """A widget of our own, drawn by a script; its value is a list."""

    def preprocess(self, payload: object) -> list[Any]:  # type: ignore[override]
        """Return the entries; what is in them is left for the check."""
        return payload if isinstance(payload, list) else []

    def postprocess(self, value: object) -> Any:
        """Hand on a list; the stock component's is HTML."""
        return list(value) if isinstance(value, (list, tuple)) else []

    def api_info(self) -> dict[str, Any]:
        """Describe the value."""
        return {"type": "array", "items": {}}


class MediaList(ListInput):
    """Files in an order, as Gradio names them, and typed addresses."""

    def preprocess(self, payload: object) -> list[MediaRef | str]:  # type: ignore[override]
        """Return what was given; what names no file is left for the check."""
        return [ref_or_text(item) for item in super().preprocess(payload)]


class RowsTable(ListInput):
    """Rows, as they are sent to Kie."""


def _options(parameter: MediaParameter | TableParameter, name: str, mount: str) -> dict[str, Any]:
    """Return what both kinds of lists are built with: `mount` names the script's function."""
    return {
        "label": parameter.label,
        "html_template": f'<div class="{name}"></div>',
        "js_on_load": f"window.kieUi('{mount}', {{ element, props, trigger, watch, upload }})",
        "apply_default_css": False,
        "container": True,
        "padding": True,
        "elem_classes": "kie-own",
    }


def ref_or_text(item: object) -> MediaRef | str:
    """Read what Gradio hands over for one file; what names none is left for the check."""
    try:
        return media_ref(item)
    except NotAPicture:
        named = item if isinstance(item, Mapping) else {}
        return str(named.get("typed") or named.get("orig_name") or "?")


def build_media_list(parameter: MediaParameter) -> MediaList:
    """Build the list of a parameter, which is empty at first."""
    options = _options(parameter, "kie-media", "mountMediaList")
    return MediaList([], about=media_about(parameter), **options)


class MediaAbout(TypedDict):
    """What the script of a list of files needs to know of its parameter."""

    label: str
    help: str
    name: str
    media: MediaKind
    one: str
    several: str
    is_list: bool
    least: int | None
    most: int | None
    max_bytes: int | None
    accepts: list[str]
    examples: list[str]


def media_about(parameter: MediaParameter) -> MediaAbout:
    """Describe a parameter to the script."""
    one, several = MEDIA_NOUNS[parameter.media]
    return MediaAbout(
        label=parameter.label,
        help=parameter.help,
        name=parameter.name,
        media=parameter.media,
        one=one,
        several=several,
        is_list=parameter.many and parameter.max_items != 1,
        least=parameter.min_items,
        most=parameter.max_items if parameter.many else 1,
        max_bytes=parameter.max_bytes,
        accepts=list(parameter.accepts),
        examples=list(parameter.default),
    )


def build_rows_table(parameter: TableParameter) -> RowsTable:
    """Build the table of a parameter, with the documented rows."""
    options = _options(parameter, "kie-rows", "mountRowsTable")
    return RowsTable(list(parameter.default), about=rows_about(parameter), **options)


class _AnyColumn(TypedDict):
    name: str
    label: str
    help: str
    is_required: bool
    start: Any


class TextColumn(_AnyColumn):
    """A column of texts."""

    kind: Literal["text"]
    is_long: bool
    sample: str | None


class ColumnOption(TypedDict):
    """One of the values of a column."""

    value: Any
    label: str


class ChoiceColumn(_AnyColumn):
    """A column of choices."""

    kind: Literal["choice"]
    options: list[ColumnOption]
    is_many: bool


class NumberColumn(_AnyColumn):
    """A column of numbers."""

    kind: Literal["number"]
    minimum: float | None
    maximum: float | None
    step: float | Literal["any"]


class SwitchColumn(_AnyColumn):
    """A column of yes and no."""

    kind: Literal["switch"]


RowsColumn = TextColumn | ChoiceColumn | NumberColumn | SwitchColumn


class RowsAbout(TypedDict):
    """What the script of a table needs to know of its parameter."""

    label: str
    help: str
    name: str
    is_required: bool
    is_bare: bool
    least: int | None
    most: int | None
    columns: list[RowsColumn]


def rows_about(parameter: TableParameter) -> RowsAbout:
    """Describe a parameter to the script."""
    return RowsAbout(
        label=parameter.label,
        help=parameter.help,
        name=parameter.name,
        is_required=parameter.required,
        is_bare=parameter.is_bare,
        least=parameter.min_items,
        most=parameter.max_items,
        columns=[_column(column) for column in parameter.columns],
    )


def _column(column: Column) -> RowsColumn:
    common = _AnyColumn(
        name=column.name,
        label=column.label,
        help=column.help,
        is_required=column.required,
        start=column.default,
    )
    match column:
        case TextParameter():
            return {**common, "kind": "text", "is_long": column.multiline, "sample": column.sample}
        case ChoiceParameter():
            options = [ColumnOption(value=o.value, label=o.label) for o in column.options]
            return {**common, "kind": "choice", "options": options, "is_many": column.many}
        case NumberParameter(minimum=least, maximum=most):
            step: float | Literal["any"] = column.step or (1 if column.is_whole else "any")
            return {**common, "kind": "number", "minimum": least, "maximum": most, "step": step}
        case SwitchParameter():
            return {**common, "kind": "switch"}
