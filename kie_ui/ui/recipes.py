"""A clip that was made here carries its recipe: dropped onto the page, it fills in the form."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from kie_ui.catalog.media import FileRef, JsonValue, MediaRef, UrlRef, is_web_address
from kie_ui.catalog.registry import Catalog, UnknownModel
from kie_ui.catalog.spec import ModelSpec
from kie_ui.ui.actions import BadRequest
from kie_ui.ui.reading import TooLarge
from kie_ui.ui.reuse import Filling, PictureGone, copy_to_uploads, fill_in, place_in_uploads
from kie_ui.ui.theme import ASSETS

if TYPE_CHECKING:  # reading a clip brings PyAV, which the page's first view does without
    from kie_ui.media.recipe import Recipe
    from kie_ui.runs.service import RunService

MAX_CLIP_BYTES = 256 * 1024 * 1024
"""Far more than any model makes."""
_ENDING = "The form is left as it is."
_SAMPLES = {path.name: path for path in (ASSETS / "samples").glob("*.jpg")}


async def read_dropped(request: Request, catalog: Catalog, runs: RunService, owner: str) -> Filling:
    """Read the recipe of the clip that a request brings as its body.

    Raises: BadRequest, with a sentence, for a clip that fills in no form.
    """
    with tempfile.TemporaryDirectory(prefix="kie-ui-") as folder:
        clip = Path(folder) / "clip"
        try:
            await _keep_body(request, clip)
        except TooLarge:
            raise BadRequest(f"This file is too large to be a clip made here. {_ENDING}") from None
        recipe = await asyncio.to_thread(_recipe_in, clip)
        try:
            spec = catalog.of(owner).spec(recipe.model)
        except UnknownModel:
            raise BadRequest(
                f"This clip was made with “{recipe.model}”, which has no tab here. {_ENDING}"
            ) from None
        kept = await runs.history.pictures_of_task(owner, recipe.task_id or "")
        values = values_of(spec, recipe.values)
        pictures = _Pictures(clip, kept, _start_picture(spec, values))
        filling = await asyncio.to_thread(fill_in, spec, values, pictures.bring)
    filling.notes += pictures.notes
    return filling


def _recipe_in(clip: Path) -> Recipe:
    from kie_ui.media.recipe import read_recipe  # noqa: PLC0415 - see above

    recipe = read_recipe(clip)
    if recipe is None:
        raise BadRequest(
            "This file carries no recipe: it was not made here, or the recipe was removed since. "
            + _ENDING
        )
    return recipe


class _Pictures:
    """Brings the pictures of a dropped clip, of which it holds no more than the names.

    Whoever made the clip here still has them, and everyone has our samples. Elsewhere the frame
    that the clip begins with stands in for the picture that it began with.
    """

    def __init__(self, clip: Path, kept: Mapping[str, Path], start: MediaRef | None) -> None:
        self._clip = clip
        self._kept = kept
        self._start = start
        self.notes: list[str] = []

    def bring(self, ref: FileRef) -> Path:
        """Lay a picture ready for the form. Blocks. Raises: PictureGone."""
        if ref.name in self._kept:
            return copy_to_uploads(self._kept[ref.name], ref.name)
        if ref.name in _SAMPLES:
            self.notes.append(f"“{ref.name}” is the sample picture of that name.")
            return copy_to_uploads(_SAMPLES[ref.name], ref.name)
        if ref is not self._start:
            raise PictureGone(f"“{ref.name}” is not inside the clip. Choose it, if you have it.")
        return self._first_frame(ref)

    def _first_frame(self, ref: FileRef) -> Path:
        from kie_ui.media.poster import write_first_frame  # noqa: PLC0415 - see above
        from kie_ui.media.video import VideoProblem  # noqa: PLC0415

        try:
            to = place_in_uploads(".png")
            write_first_frame(self._clip, to)
        except (VideoProblem, OSError) as problem:
            raise PictureGone(f"“{ref.name}” is not inside the clip. Choose it again.") from problem
        self.notes.append(
            f"“{ref.name}” is not inside the clip: its first frame stands in. Choose the picture "
            "itself, if you have it."
        )
        return to


def _start_picture(spec: ModelSpec, values: Mapping[str, Any]) -> MediaRef | None:
    """Find the picture that the clip began with: the first one that its model asks for."""
    first = next(iter(spec.media_parameters), None)
    if first is None or first.media != "image":
        return None
    return next(iter(values.get(first.name, ())), None)


async def _keep_body(request: Request, path: Path) -> None:
    """Write a body to a file piece by piece. Raises: TooLarge."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > MAX_CLIP_BYTES:
        raise TooLarge
    size_bytes = 0
    with path.open("wb") as file:
        async for chunk in request.stream():
            size_bytes += len(chunk)
            if size_bytes > MAX_CLIP_BYTES:
                raise TooLarge
            await asyncio.to_thread(file.write, chunk)


def values_of(spec: ModelSpec, told: Mapping[str, Any]) -> dict[str, Any]:
    """Read the values of a recipe, in which files are addresses or names alone.

    Lists and objects are data, whatever they look like, where they stand for no file.
    """
    media = {parameter.name for parameter in spec.media_parameters}
    return {name: _value(told[name], is_media=name in media) for name in told}


def _value(told: Any, *, is_media: bool) -> Any:
    if is_media:
        return _refs(told)
    return JsonValue(value=told) if isinstance(told, (list, dict)) else told


def _refs(value: Any) -> tuple[MediaRef, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(_ref(item) for item in items if isinstance(item, str) and item.strip())


def _ref(text: str) -> MediaRef:
    return UrlRef(url=text) if is_web_address(text.strip()) else FileRef(path="", name=text)
