"""Prefill in forms: from a run's settings, from a result, or from the recipe in a dropped clip.

A result can be the picture, clip or sound of another model, or continue as the picture of its
task. Then only the parameter that takes it is filled in, and the rest of that form is kept.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.registry import UnknownModel
from kie_ui.catalog.roles import image_task_parameter, index_parameters
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import FileRef, JsonValue, MediaRef, UrlRef, is_web_address
from kie_ui.media.formats import MediaProblem
from kie_ui.runs.errors import WrongStep
from kie_ui.runs.history import clip_name
from kie_ui.runs.run import Clip, Run
from kie_ui.settings import ASSETS
from kie_ui.ui.api.requests import ApiRequest, ApiRoute, text_field
from kie_ui.ui.asgi.request_body import body_chunks
from kie_ui.ui.errors import BadRequest, BodyTooLarge
from kie_ui.ui.form.prefill import (
    PictureGone,
    Prefill,
    PrefilledForm,
    add_value,
    copy_to_uploads,
    example_values,
    fits,
    place_in_uploads,
    prefill_form,
    sample_name,
)

if TYPE_CHECKING:  # as `_read_recipe`
    from kie_ui.media.recipe import Recipe

MAX_CLIP_BYTES = 256 * 1024 * 1024
"""Far more than any model makes."""

_KEPT = "The form is left as it is."
_SAMPLES = {sample_name(path): path for path in (ASSETS / "samples").rglob("*.jpg")}
_OTHER_BACKEND = {
    "demo": "This picture was made in demo mode: Kie does not know its task.",
    "live": "This picture was made at Kie: the demo does not know its task.",
}


def can_animate(spec: ModelSpec) -> bool:
    """Tell whether a model makes a clip of a picture that a task of its maker has made."""
    return spec.produces == "video" and image_task_parameter(spec) is not None


def maker_of(model: str) -> str:
    """Return the part of a model's id that names its maker."""
    return model.partition("/")[0]


class Use(TypedDict):
    """A parameter that takes a result."""

    model: str
    title: str
    parameter: str
    label: str


class Uses(TypedDict):
    """Every parameter that takes a result."""

    uses: list[Use]


async def fill_from_run(request: ApiRequest) -> PrefilledForm:
    """Fill in a form with the settings of a run, on request with a new seed."""
    renews_seed = (await request.json_object()).get("new_seed") is True
    run, runs = await request.run(), await request.runs()
    spec = await request.spec(run.model)
    sources = {ref.path: await runs.input_file(run.owner, run.id, ref.path) for ref in run.files}

    def copy(ref: FileRef) -> Path:
        return copy_to_uploads(sources[ref.path], ref.name)

    prefill = await asyncio.to_thread(prefill_form, spec, run.values, copy, renews_seed=renews_seed)
    return await _answer(request, prefill)


async def fill_from_example(request: ApiRequest) -> PrefilledForm:
    """Fill in a form with an example of its model's. Raises: WrongStep, if there is no such."""
    body = await request.json_object()
    spec, title = await request.spec(text_field(body, "model")), text_field(body, "title")
    example = next((each for each in spec.examples if each.title == title), None)
    if example is None:
        raise WrongStep("There is no such example here any more: load this page anew.")
    values = example_values(spec, example)
    prefill = await asyncio.to_thread(prefill_form, spec, values, _copy_sample)
    return await _answer(request, prefill)


def _copy_sample(ref: FileRef) -> Path:
    return copy_to_uploads(Path(ref.path), ref.name)


async def list_uses(request: ApiRequest) -> Uses:
    """List every parameter of the owner's models that takes a result of this kind."""
    _, clip = await _result(request)
    models = await request.models()
    return {
        "uses": [
            {
                "model": spec.model,
                "title": spec.title,
                "parameter": parameter.name,
                "label": parameter.label,
            }
            for spec, parameter in takers_of(models, clip)
        ]
    }


async def use_result(request: ApiRequest) -> PrefilledForm:
    """Add a result to the form of a model that takes it."""
    run, clip = await _result(request)
    body = await request.json_object()
    wanted = (body.get("model"), body.get("parameter"))
    takers = takers_of(await request.models(), clip)
    taker = next(((s, p) for s, p in takers if (s.model, p.name) == wanted), None)
    if taker is None:
        raise WrongStep("That model accepts nothing of this kind, or no longer exists.")
    index = _index(request)
    source = (await request.runs()).clip_of(run, index)
    name = clip_name(run, index, Path(clip.name).suffix)
    return await _answer(request, await asyncio.to_thread(_fill_with_file, *taker, source, name))


async def animate(request: ApiRequest) -> PrefilledForm:
    """Have a form start from this picture, as Kie keeps it with the picture's task."""
    run, clip = await _result(request)
    model = str((await request.json_object()).get("model"))
    if clip.kind != "image" or run.task_id is None or maker_of(run.model) != maker_of(model):
        raise WrongStep("Only a picture can be animated, and only by a model of the same maker.")
    prefill = fill_with_task_picture(await request.spec(model), run.task_id, _index(request))
    if run.backend != request.services.backends.kind(request.owner):
        prefill.notes.append(_OTHER_BACKEND[run.backend])
    return prefill.public()


async def fill_from_clip(request: ApiRequest) -> PrefilledForm:
    """Fill in a form from the recipe inside the clip that is the body."""
    async with request.services.clip_readers:
        with tempfile.TemporaryDirectory(prefix="kie-ui-") as folder:
            clip = Path(folder) / "clip"
            await _save_body(request, clip)
            prefill = await _fill_from_recipe(request, clip)
    return await _answer(request, prefill)


async def _answer(request: ApiRequest, prefill: Prefill) -> PrefilledForm:
    """Give the owner the files that were copied for a form, then answer what it holds."""
    await request.services.files.give(request.owner, prefill.files)
    return prefill.public()


def takers_of(
    models: Iterable[ModelSpec], clip: Clip
) -> Iterator[tuple[ModelSpec, MediaParameter]]:
    """Find the parameters that take a result."""
    for spec in models:
        for parameter in spec.media_parameters:
            if parameter.media in (clip.kind, "file"):
                yield spec, parameter


def fill_with_task_picture(spec: ModelSpec, task_id: str, index: int) -> Prefill:
    """Fill in the task and the index of its picture.

    Raises: WrongStep, if the model takes no such picture.
    """
    task = image_task_parameter(spec)
    if task is None:
        raise WrongStep(f"{spec.title} does not start from a picture of a task.")
    prefill = Prefill(spec, keeps_rest=True)
    add_value(prefill, task, task_id, _no_file)
    for number in index_parameters(spec):
        if not fits(number, index):
            count = int(number.maximum or 0) + 1
            raise WrongStep(f"{spec.title} takes only {count} pictures of a task.")
        add_value(prefill, number, index, _no_file)
    return prefill


def _no_file(ref: FileRef) -> Path:
    raise PictureGone(f"“{ref.name}” is not there.")


def _fill_with_file(spec: ModelSpec, parameter: MediaParameter, source: Path, name: str) -> Prefill:
    """Copy a result to where the form finds it. Blocks. Raises: WrongStep, if it was deleted."""
    if not source.is_file():
        raise WrongStep("The file of this result is no longer there.")
    prefill = Prefill(spec, keeps_rest=True)
    refs = (FileRef(path=str(source), name=name),)
    add_value(prefill, parameter, refs, lambda ref: copy_to_uploads(source, ref.name))
    return prefill


async def _result(request: ApiRequest) -> tuple[Run, Clip]:
    """Return the result in the address. Raises: UnknownRun, WrongStep."""
    run, index = await request.run(), _index(request)
    if index >= len(run.clips):
        raise WrongStep("There is no such result.")
    return run, run.clips[index]


def _index(request: ApiRequest) -> int:
    return int(request.http.path_params["index"])


async def _save_body(request: ApiRequest, path: Path) -> None:
    with path.open("wb") as file:
        try:
            async for chunk in body_chunks(request.http, MAX_CLIP_BYTES):
                await asyncio.to_thread(file.write, chunk)
        except BodyTooLarge:
            sentence = f"This file is too large to be a clip made here. {_KEPT}"
            raise BodyTooLarge(sentence) from None


async def _fill_from_recipe(request: ApiRequest, clip: Path) -> Prefill:
    """Fill in a form from a clip. Raises: BadRequest, if it holds no recipe for a form."""
    recipe = await asyncio.to_thread(_read_recipe, clip)
    try:
        spec = (await request.models()).spec(recipe.model)
    except UnknownModel:
        raise BadRequest(
            f"This clip was made with “{recipe.model}”, which has not been added here. {_KEPT}"
        ) from None
    history = (await request.runs()).history
    own = await history.pictures_of_task(request.owner, recipe.task_id or "")
    values = values_of(spec, recipe.values)
    pictures = _RecipePictures(clip, own, _start_picture(spec, values))
    prefill = await asyncio.to_thread(prefill_form, spec, values, pictures.copy)
    prefill.notes += pictures.notes
    return prefill


def _read_recipe(clip: Path) -> Recipe:
    from kie_ui.media.recipe import read_recipe

    recipe = read_recipe(clip)
    if recipe is None:
        raise BadRequest(
            "This file carries no recipe: it was not made here, or the recipe has since been "
            f"removed. {_KEPT}"
        )
    return recipe


class _RecipePictures:
    """Finds the pictures of a dropped clip, of which its recipe holds only the names.

    The owner of the clip still has them, and everyone has our samples. Otherwise the clip's
    first frame replaces the picture that it starts from.
    """

    def __init__(self, clip: Path, own: Mapping[str, Path], start: MediaRef | None) -> None:
        self._clip = clip
        self._own = own
        self._start = start
        self.notes: list[str] = []

    def copy(self, ref: FileRef) -> Path:
        """Copy a picture to where the form finds it. Blocks. Raises: PictureGone."""
        if ref.name in self._own:
            return copy_to_uploads(self._own[ref.name], ref.name)
        if ref.name in _SAMPLES:
            self.notes.append(f"“{ref.name}” is the sample picture of that name.")
            return copy_to_uploads(_SAMPLES[ref.name], ref.name)
        if ref is not self._start:
            raise PictureGone(f"“{ref.name}” is not inside the clip. Choose it, if you have it.")
        return self._first_frame(ref)

    def _first_frame(self, ref: FileRef) -> Path:
        from kie_ui.media.poster import write_first_frame

        try:
            path = place_in_uploads(".png")
            write_first_frame(self._clip, path)
        except (MediaProblem, OSError) as problem:
            raise PictureGone(f"“{ref.name}” is not inside the clip. Choose it again.") from problem
        self.notes.append(
            f"“{ref.name}” is not inside the clip: its first frame replaces it. Choose the picture "
            "itself, if you have it."
        )
        return path


def _start_picture(spec: ModelSpec, values: Mapping[str, Any]) -> MediaRef | None:
    """Find the picture that the clip starts from: the first one that its model takes."""
    first = next(iter(spec.media_parameters), None)
    if first is None or first.media != "image":
        return None
    return next(iter(values.get(first.name, ())), None)


def values_of(spec: ModelSpec, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Read the values of a recipe, in which files are addresses or names alone.

    Lists and objects of other parameters are data, whatever they look like.
    """
    media = {parameter.name for parameter in spec.media_parameters}
    return {
        name: _media_refs(value)
        if name in media
        else JsonValue(value=value)
        if isinstance(value, list | dict)
        else value
        for name, value in recipe.items()
    }


def _media_refs(value: Any) -> tuple[MediaRef, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(_media_ref(item) for item in items if isinstance(item, str) and item.strip())


def _media_ref(text: str) -> MediaRef:
    return UrlRef(url=text) if is_web_address(text.strip()) else FileRef(path="", name=text)


_RESULT = "/runs/{run_id}/clips/{index:int}"
ROUTES = (
    ApiRoute("POST", "/runs/{run_id}/settings", fill_from_run),
    ApiRoute("POST", "/examples", fill_from_example),
    ApiRoute("GET", f"{_RESULT}/uses", list_uses),
    ApiRoute("POST", f"{_RESULT}/use", use_result),
    ApiRoute("POST", f"{_RESULT}/animate", animate),
    ApiRoute("POST", "/recipe", fill_from_clip),
)
