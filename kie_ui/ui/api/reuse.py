"""A result goes on: as the picture, clip or sound of another model, or as the picture of its task.

Only the parameter that takes it is filled in; whatever else stands in that model's form stays.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kie_ui.catalog.parameters import MediaParameter
from kie_ui.catalog.registry import Catalog, Registry, UnknownModel
from kie_ui.catalog.roles import has_role, image_task_parameter, index_parameters
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import FileRef, JsonValue, MediaRef, UrlRef, is_web_address
from kie_ui.runs.errors import WrongStep
from kie_ui.runs.history import clip_name
from kie_ui.runs.run import Clip, Run
from kie_ui.ui.api.requests import TooLarge, read_body
from kie_ui.ui.api.run_actions import Action, Answer, BadRequest, done
from kie_ui.ui.assets import ASSETS
from kie_ui.ui.form.prefill import (
    Filling,
    PictureGone,
    copy_to_uploads,
    fill_in,
    fits,
    place_in_uploads,
    put_in,
)
from kie_ui.ui.services import Services

if TYPE_CHECKING:  # the page's first view needs no run service
    from kie_ui.media.recipe import Recipe
    from kie_ui.runs.service import RunService


MAX_BODY_BYTES = 16 * 1024

_ELSEWHERE = {
    "demo": "This picture was made in demo mode: Kie does not know its task.",
    "live": "This picture was made at Kie: the demo does not know its task.",
}


def build_using_routes(services: Services, prefix: str) -> list[Route]:
    """Build the routes of one server."""

    def route(path: str, action: Action, method: str) -> Route:
        async def handle(request: Request) -> Response:
            return await done(services, action, request)

        return Route(
            f"{prefix}/runs/{{run_id:str}}/clips/{{index:int}}/{path}", handle, methods=[method]
        )

    async def uses(runs: RunService, owner: str, request: Request) -> Answer:
        """Name every parameter of the owner's models that takes a result of this kind."""
        _run, clip = await _result(runs, owner, request)
        takers = takers_of(await asyncio.to_thread(services.catalog.of, owner), clip)
        return {"uses": [_named(spec, parameter) for spec, parameter in takers]}

    async def use(runs: RunService, owner: str, request: Request) -> Answer:
        """Say what a form holds once it is given this result as well."""
        run, clip = await _result(runs, owner, request)
        given = await _given(request)
        wanted = (given.get("model"), given.get("parameter"))
        takers = takers_of(await asyncio.to_thread(services.catalog.of, owner), clip)
        taker = next(((s, p) for s, p in takers if (s.model, p.name) == wanted), None)
        if taker is None:
            raise WrongStep("That model takes nothing of this kind, or is no longer here.")
        source = runs.clip_of(run, request.path_params["index"])
        filling = await asyncio.to_thread(_filled_with, *taker, source, _name(run, request))
        await services.files.give(owner, filling.files)
        return filling.public()

    async def animate(runs: RunService, owner: str, request: Request) -> Answer:
        """Say what a form holds once it starts from this very picture, as its service keeps it."""
        run, clip = await _result(runs, owner, request)
        model = str((await _given(request)).get("model"))
        if clip.kind != "image" or run.task_id is None or maker_of(run.model) != maker_of(model):
            raise WrongStep("Only a picture can be animated, and only by a model of its own maker.")
        models = await asyncio.to_thread(services.catalog.of, owner)
        filling = picked(_spec(models, model), run.task_id, request.path_params["index"])
        if run.backend != services.backends.kind(owner):
            filling.notes.append(_ELSEWHERE[run.backend])
        return filling.public()

    return [
        route("uses", uses, "GET"),
        route("use", use, "POST"),
        route("animate", animate, "POST"),
    ]


def animates(spec: ModelSpec) -> bool:
    """Tell whether a model makes a clip of a picture that its own maker's task has made."""
    return spec.produces == "video" and image_task_parameter(spec) is not None


def maker_of(model: str) -> str:
    """Return the part of a model's id by which those of one maker begin."""
    return model.partition("/")[0]


def takers_of(
    models: Iterable[ModelSpec], clip: Clip
) -> Iterator[tuple[ModelSpec, MediaParameter]]:
    """Find the parameters that take a result."""
    for spec in models:
        for parameter in spec.media_parameters:
            if parameter.media in (clip.kind, "file"):
                yield spec, parameter


def picked(spec: ModelSpec, task_id: str, index: int) -> Filling:
    """Say what a form holds once it starts from one picture of a task; the rest stays.

    Raises: WrongStep where the model takes no such picture.
    """
    task = image_task_parameter(spec)
    if task is None:
        raise WrongStep(f"{spec.title} does not start from a picture of a task.")
    filling = Filling(spec, keeps_rest=True)
    put_in(filling, task, task_id, bring_nothing)
    for number in index_parameters(spec):
        if not fits(number, index):
            raise WrongStep(
                f"{spec.title} takes only {int(number.maximum or 0) + 1} pictures of a task."
            )
        put_in(filling, number, index, bring_nothing)
    return filling


def bring_nothing(ref: FileRef) -> Path:
    """Bring no file to a form that is given none. Raises: PictureGone."""
    raise PictureGone(f"“{ref.name}” is not there.")


def _filled_with(spec: ModelSpec, parameter: MediaParameter, source: Path, name: str) -> Filling:
    """Lay a result ready for a form. Blocks. Raises: WrongStep, once its file is gone."""
    if not source.is_file():
        raise WrongStep("The file of this result is no longer there.")
    filling = Filling(spec, keeps_rest=True)
    put_in(
        filling,
        parameter,
        (FileRef(path=str(source), name=name),),
        lambda ref: copy_to_uploads(source, ref.name),
    )
    return filling


def _named(spec: ModelSpec, parameter: MediaParameter) -> dict[str, Any]:
    return {
        "model": spec.model,
        "title": spec.title,
        "parameter": parameter.name,
        "label": parameter.label,
    }


def _spec(models: Registry, model: str) -> ModelSpec:
    try:
        return models.spec(model)
    except UnknownModel:
        raise WrongStep(f"There is no tab for “{model}” here.") from None


async def _result(runs: RunService, owner: str, request: Request) -> tuple[Run, Clip]:
    """Find the result that a request is about. Raises: UnknownRun, WrongStep."""
    run = await runs.run(owner, request.path_params["run_id"])
    index = request.path_params["index"]
    if index >= len(run.clips):
        raise WrongStep("There is no such result.")
    return run, run.clips[index]


def _name(run: Run, request: Request) -> str:
    index = request.path_params["index"]
    return clip_name(run, index, Path(run.clips[index].name).suffix)


async def _given(request: Request) -> dict[str, Any]:
    try:
        given = json.loads(await read_body(request, MAX_BODY_BYTES))
    except (ValueError, RecursionError, TooLarge):
        given = None
    if not isinstance(given, dict):
        raise BadRequest("This request makes no sense here.")
    return given


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
            spec = (await asyncio.to_thread(catalog.of, owner)).spec(recipe.model)
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
        from kie_ui.media.probe import VideoProblem  # noqa: PLC0415

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
    """Find the picture that the clip began with: the first medium that its model asks for."""
    first = next(iter(spec.media_parameters), None)
    if first is None or not has_role(first, "start_picture"):
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
