"""A clip carries its recipe: how it was made travels inside the file, as a tag of its container.

The container is edited, never written anew: every frame's bytes and times, the edit lists, colours,
rotation, provenance boxes and foreign tags stay as they came. A muxer would round times, rename
codecs and drop what it does not know. The recipe is compact JSON in the tag `comment`, which every
tool shows and keeps, or in `kie_ui_recipe` where the file has a comment of its own. A file without
a title gets the start of the prompt as one.

    MP4, MOV   an item of moov/udta/meta/ilst (or of the file's own list of keys); moov goes before
               the frames, and the tables of chunk positions follow
    WebM       one more Tags element before the first cluster; SeekHead and Cues follow

All functions block; call them in a thread.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Literal

import av
from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from kie_ui.catalog.prompts import prompt_of
from kie_ui.media.boxes import Editor, RecipeProblem, write_edited
from kie_ui.media.mp4_tags import edit_mp4
from kie_ui.media.opening import open_to_tag
from kie_ui.media.webm_tags import EBML, edit_webm

__all__ = ["MAX_RECIPE_BYTES", "Recipe", "RecipeProblem", "read_recipe", "write_recipe"]

MAX_RECIPE_BYTES = 256 * 1024
"""The most bytes a recipe may have; longer ones are neither written nor read."""

_KEY = "kie_ui_recipe"
_MAX_DEPTH = 32
_MAX_BITS = 64
_TITLE_LENGTH = 100
_UNFIT = "Only MP4, MOV and WebM clips can carry a recipe; keep this file as it is."


class Recipe(BaseModel):
    """How a clip was made.

    Text holds neither NUL nor half characters, which no container carries.
    Raises: pydantic.ValidationError for anything that would not come back as it was.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    program: Literal["Kie UI"] = "Kie UI"
    version: int = Field(default=1, ge=1, le=1)
    model: str = Field(min_length=1, max_length=200)
    values: dict[str, JsonValue]
    """The parameters by their documented names; media as web addresses or file names alone."""
    task_id: str | None = Field(default=None, max_length=200)
    made_at_ms: int | None = Field(default=None, ge=0, lt=2**53)
    """When it was made: UTC milliseconds since 1970."""

    @field_validator("model", "values", "task_id", mode="before")
    @classmethod
    def _keep_to_what_comes_back(cls, value: Any) -> Any:
        _check_plain(value)
        return value


def write_recipe(source: Path, to: Path, recipe: Recipe) -> None:
    """Write a copy of a clip that carries this recipe; one that it carried before is replaced.

    `to` may be `source`; it is whole or absent.
    Raises: RecipeProblem for a picture, a sound or any other file that carries none, a damaged
    clip, and a recipe over `MAX_RECIPE_BYTES`; OSError.
    """
    text = _to_text(recipe)
    if len(text.encode()) > MAX_RECIPE_BYTES:
        raise RecipeProblem("This recipe is too long to be put into the clip.")
    with source.open("rb") as file:
        edit = _editor_for(file)
    found = _tags_of(source)
    stale = _stale_texts(found)
    kept = {name.casefold() for name, value in found.items() if value not in stale}
    tags = {_KEY if "comment" in kept else "comment": text}
    title = _title_of(recipe)
    if title and "title" not in kept:
        tags["title"] = title
    write_edited(source, to, lambda file: edit(file, {each.encode() for each in stale}, tags))


def read_recipe(path: Path) -> Recipe | None:
    """Read what a clip says of how it was made, under whatever tag it has come to stand.

    None for a file without a recipe, and for one that is damaged, hostile or no clip.
    Raises: OSError.
    """
    recipes = (_from_text(text) for text in _tags_of(path).values())
    return next((recipe for recipe in recipes if recipe is not None), None)


def _to_text(recipe: Recipe) -> str:
    return json.dumps(
        recipe.model_dump(), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def _from_text(text: str) -> Recipe | None:
    if not text.startswith("{") or len(text) > MAX_RECIPE_BYTES:
        return None
    try:
        if len(text.encode()) > MAX_RECIPE_BYTES:
            return None
        return Recipe.model_validate(json.loads(text))
    except (ValueError, RecursionError):  # what pydantic and JSON raise are ValueErrors as well
        return None


def _check_plain(value: object) -> None:
    """Refuse what JSON or a tag would change: odd numbers, NUL, half characters, deep nesting."""
    pending = [(value, 0)]
    while pending:
        each, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise ValueError("Values are nested too deeply.")
        if isinstance(each, str) and ("\0" in each or not _is_encodable(each)):
            raise ValueError("Text holds a character that cannot be stored.")
        if isinstance(each, float) and not math.isfinite(each):
            raise ValueError("A number is not finite.")
        if isinstance(each, int) and each.bit_length() > _MAX_BITS:
            raise ValueError("A number is too large.")
        if isinstance(each, Mapping):
            pending += ((part, depth + 1) for part in (*each, *each.values()))
        elif isinstance(each, list):
            pending += ((part, depth + 1) for part in each)


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _title_of(recipe: Recipe) -> str:
    """Give the start of the prompt on one line; nothing when there is none."""
    start = prompt_of(recipe.values)[: 4 * _TITLE_LENGTH]
    plain = "".join(each if each.isprintable() else " " for each in start)
    return " ".join(plain.split())[:_TITLE_LENGTH].rstrip()


def _tags_of(path: Path) -> dict[str, str]:
    """Read a clip's tags as other programs see them; none when it cannot be read as a clip."""
    with path.open("rb") as file:
        try:
            with open_to_tag(file) as clip:
                return dict(clip.metadata)
        except av.FFmpegError:  # some are OSErrors too, but the disk's own come as they are
            return {}


def _stale_texts(tags: Mapping[str, str]) -> set[str]:
    """Texts that an earlier recipe put into the file."""
    recipes = {text: recipe for text in tags.values() if (recipe := _from_text(text)) is not None}
    return {*recipes, *(_title_of(recipe) for recipe in recipes.values())} - {""}


def _editor_for(file: IO[bytes]) -> Editor:
    start = file.read(12)
    if start.startswith(EBML):
        return edit_webm
    is_picture = start[8:12] in {b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"}
    if start[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free"} and not is_picture:
        return edit_mp4
    raise RecipeProblem(_UNFIT)
