"""What the History tab asks for: pages of runs, one in full, its poster, what is done to it.

Each answer is its owner's alone, and each refusal a sentence for the person, as in `actions`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from kie_ui.catalog.code_samples import build_code_samples
from kie_ui.catalog.parameters import Parameter
from kie_ui.catalog.registry import Registry, UnknownModel
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import FileRef
from kie_ui.runs.errors import RunsProblem, WrongStep
from kie_ui.runs.run import MAX_USER_NOTE, Run, Step
from kie_ui.ui.api.requests import TooLarge, read_body
from kie_ui.ui.api.reuse import read_dropped
from kie_ui.ui.api.run_actions import Action, Answer, BadRequest, done, refused
from kie_ui.ui.asgi.identity import owner_of
from kie_ui.ui.form.prefill import Filling, copy_to_uploads, fill_in
from kie_ui.ui.form.text import in_words, plain_text
from kie_ui.ui.services import Services

if TYPE_CHECKING:  # the page's first view needs no run service
    from kie_ui.runs.history import HistoryQuery
    from kie_ui.runs.service import RunService


PAGE_RUNS = 40
MAX_BODY_BYTES = 1024 * 1024
MAX_SEARCH = 500
CLIPS_AT_ONCE = 2
"""Dropped clips that lie on the disk at the same time, while they are read."""
SPENDING_DAYS = 30

_ONLY_IN_FULL = frozenset({"request", "answer", "record", "written", "uploads"})
"""What a card of the grid does not show, and what makes up most of a run."""
_POSTER_HEADERS = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}


def build_history_routes(services: Services, prefix: str) -> list[Route]:
    """Build the routes of one server."""
    room_for_clips = asyncio.Semaphore(CLIPS_AT_ONCE)

    def route(path: str, action: Action, method: str) -> Route:
        async def handle(request: Request) -> Response:
            return await done(services, action, request)

        return Route(prefix + path, handle, methods=[method])

    async def show(runs: RunService, owner: str, request: Request) -> Answer:
        """Tell all about one run, and which runs are beside it among those looked at."""
        run = await runs.run(owner, request.path_params["run_id"])
        beside = await runs.history.neighbours(owner, run.id, _query(request))
        in_full = await asyncio.to_thread(_in_full, services, run)
        return {"newer": beside.newer, "older": beside.older, **in_full}

    async def settings(runs: RunService, owner: str, request: Request) -> Answer:
        """Say what the form holds when it says what a run was made from."""
        run = await runs.run(owner, request.path_params["run_id"])
        given = await _given(request)
        filling = await _filling(services, runs, run, renews_seed=given.get("new_seed") is True)
        return filling.public()

    async def spending(runs: RunService, owner: str, request: Request) -> Answer:
        models = await asyncio.to_thread(services.catalog.of, owner)
        return await _spending(models, runs, owner, request)

    async def recipe(runs: RunService, owner: str, request: Request) -> Answer:
        """Say what the form holds when it says what a dropped clip was made from."""
        async with room_for_clips:
            filling = await read_dropped(request, services.catalog, runs, owner)
        await services.files.give(owner, filling.files)
        return filling.public()

    return [
        route("/history", _page, "GET"),
        route("/history/delete", _delete, "POST"),
        route("/history/undelete", _undelete, "POST"),
        route("/history/zip", _zip, "POST"),
        route("/runs/{run_id:str}", show, "GET"),
        route("/runs/{run_id:str}", _change, "POST"),
        route("/runs/{run_id:str}/poster", _poster, "GET"),
        route("/runs/{run_id:str}/usual", _usual, "GET"),
        route("/runs/{run_id:str}/settings", settings, "POST"),
        route("/recipe", recipe, "POST"),
        route("/spending", spending, "GET"),
    ]


async def _page(runs: RunService, owner: str, request: Request) -> Answer:
    """List runs, the newest first; the first page also names the models that occur."""
    before = request.query_params.get("before") or None
    page = await runs.history.page(owner, _query(request), before=before, limit=PAGE_RUNS)
    answer: Answer = {"runs": [_in_grid(run) for run in page.runs], "next": page.next}
    if before is None:
        answer["models"] = await runs.history.models(owner)
    return answer


def _query(request: Request) -> HistoryQuery:
    """Read what is looked for. Raises: BadRequest."""
    from kie_ui.runs.history import HistoryQuery  # noqa: PLC0415 - brings the database

    asked = request.query_params
    try:
        steps = tuple(Step(step) for step in asked.getlist("step"))
    except ValueError:
        raise BadRequest("There is no such state.") from None
    return HistoryQuery(
        text=asked.get("text", "").strip()[:MAX_SEARCH],
        models=tuple(asked.getlist("model")),
        steps=steps,
        only_favourites=asked.get("favourites") == "1",
    )


def _in_grid(run: Run) -> dict[str, Any]:
    return {name: value for name, value in run.public().items() if name not in _ONLY_IN_FULL}


def _in_full(services: Services, run: Run) -> dict[str, Any]:
    """Describe one run. Blocks: models are read from the disk."""
    try:
        spec = services.catalog.of(run.owner).spec(run.model)
    except UnknownModel:
        named = [
            {"name": name, "label": name, "text": plain_text(v)} for name, v in run.values.items()
        ]
        return {"run": run.public(), "parameters": named, "code": None}
    settings = services.settings
    code = build_code_samples(
        spec, run.values, settings.kie_api_base_url, settings.kie_upload_base_url
    )
    return {"run": run.public(), "parameters": _parameters(spec, run), "code": code._asdict()}


def _parameters(spec: ModelSpec, run: Run) -> list[dict[str, Any]]:
    """Name each value as the form names it, in the order of the form."""
    known = {p.name: p for p in spec.parameters if p.name in run.values}
    shown = [_shown(parameter, run.values[name]) for name, parameter in known.items()]
    others = run.values.keys() - known.keys()
    return shown + [
        {"name": n, "label": n, "text": plain_text(run.values[n])} for n in sorted(others)
    ]


def _shown(parameter: Parameter, value: Any) -> dict[str, Any]:
    named = {"name": parameter.name, "label": parameter.label}
    if isinstance(value, tuple):
        return {**named, "pictures": [ref.model_dump() for ref in value]}
    return {**named, "text": in_words(parameter, value)}


async def _filling(services: Services, runs: RunService, run: Run, *, renews_seed: bool) -> Filling:
    try:
        models = await asyncio.to_thread(services.catalog.of, run.owner)
        spec = models.spec(run.model)
    except UnknownModel:
        raise WrongStep(f"There is no tab for “{run.model}” here, so no form to fill in.") from None
    kept = {ref.path: await runs.input_file(run.owner, run.id, ref.path) for ref in run.files}

    brought: list[Path] = []

    def bring(ref: FileRef) -> Path:
        brought.append(copy_to_uploads(kept[ref.path], ref.name))
        return brought[-1]

    filling = await asyncio.to_thread(fill_in, spec, run.values, bring, renews_seed=renews_seed)
    await services.files.give(run.owner, brought)
    return filling


async def _change(runs: RunService, owner: str, request: Request) -> Answer:
    """Mark a run as a favourite or not, or keep what the person notes about it."""
    given = await _given(request)
    is_favourite, user_note = given.get("is_favourite"), given.get("user_note")
    if not isinstance(is_favourite, bool | None) or not isinstance(user_note, str | None):
        raise BadRequest("This is nothing that can be kept about a run.")
    if user_note is not None and len(user_note) > MAX_USER_NOTE:
        raise BadRequest(f"A note has at most {MAX_USER_NOTE:,} characters.")
    run_id = request.path_params["run_id"]
    run = await runs.history.change(owner, run_id, is_favourite=is_favourite, user_note=user_note)
    return {"run": _in_grid(run)}


async def _delete(runs: RunService, owner: str, request: Request) -> Answer:
    """Put runs into the bin, from which they can be had back for a while."""
    deleted = await runs.history.delete(owner, _ids((await _given(request)).get("run_ids")))
    return {"run_ids": deleted}


async def _undelete(runs: RunService, owner: str, request: Request) -> Answer:
    """Take runs out of the bin again."""
    back = await runs.history.undelete(owner, _ids((await _given(request)).get("run_ids")))
    return {"run_ids": back}


async def _zip(runs: RunService, owner: str, request: Request) -> Response:
    """Send the clips of some runs, with a table of their parameters, as it is written."""
    from kie_ui.media.export import zip_stream  # noqa: PLC0415 - rarely needed

    form = parse_qs((await _body(request)).decode(errors="replace"))
    ids = _ids([name for part in form.get("run_ids", []) for name in part.split(",") if name])
    entries = await runs.history.clip_entries(owner, ids)
    day = time.strftime("%Y-%m-%d")
    return StreamingResponse(
        zip_stream(entries),
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="kie-ui-{day}.zip"',
            "Cache-Control": "no-store",
        },
    )


async def _poster(runs: RunService, owner: str, request: Request) -> Response:
    """Send the frame of a clip that stands for it."""
    path = await runs.history.poster_file(owner, request.path_params["run_id"])
    if not await asyncio.to_thread(path.is_file):
        raise WrongStep("The poster is no longer there.")
    return FileResponse(path, headers=_POSTER_HEADERS)


async def _usual(runs: RunService, owner: str, request: Request) -> Answer:
    """Tell how long runs like this one usually took."""
    run = await runs.run(owner, request.path_params["run_id"])
    usual = await runs.history.usual_s(owner, run.model, run.values, backend=run.backend)
    return {"usual": None if usual is None else asdict(usual)}


async def _spending(registry: Registry, runs: RunService, owner: str, request: Request) -> Answer:
    """Tell what was spent by day and model, and how long each model takes.

    Of what is paid for now: the demo's credits are nobody's money, and no sum with real ones.
    """
    backend = runs.backends.kind(owner)
    try:
        offset = int(request.query_params.get("utc_offset_minutes", "0"))
    except ValueError:
        offset = 0
    offset = max(-14 * 60, min(14 * 60, offset))
    spent = await runs.history.spending(
        owner, utc_offset_minutes=offset, days=SPENDING_DAYS, backend=backend
    )
    times = await runs.history.usual_times(owner, backend=backend)
    return {
        "backend": backend,
        "days": [asdict(day) for day in spent.days],
        "usual": [
            {"model": m, "settings": _setting_in_words(registry, m, setting), **asdict(usual)}
            for m, setting, usual in times
        ],
    }


def _setting_in_words(registry: Registry, model: str, setting: Mapping[str, Any]) -> str:
    """Spell a setting out, as the form does: "Duration 6 seconds, Resolution 480p"."""
    try:
        known = {p.name: p for p in registry.spec(model).parameters}
    except UnknownModel:
        known = {}
    words = (
        f"{known[name].label} {in_words(known[name], value)}"
        if name in known
        else f"{name} {value}"
        for name, value in setting.items()
    )
    return ", ".join(words)


async def _body(request: Request) -> bytes:
    try:
        return await read_body(request, MAX_BODY_BYTES)
    except TooLarge:
        raise BadRequest("That is too much at once.") from None


async def _given(request: Request) -> Mapping[str, Any]:
    """Read a body as a JSON object; none at all is an empty one. Raises: BadRequest."""
    body = await _body(request)
    try:
        given = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise BadRequest("This request makes no sense here.")
    return given


def _ids(given: object) -> tuple[str, ...]:
    """Read which runs are meant. Raises: BadRequest."""
    if not isinstance(given, list) or not given or not all(isinstance(x, str) for x in given):
        raise BadRequest("Select a run first.")
    return tuple(dict.fromkeys(given))


RUNS_A_PAGE = 40
"""Runs that are told at once."""

_FRESH = {"Cache-Control": "no-store"}


def build_earlier_routes(services: Services, prefix: str) -> list[Route]:
    """Build the routes of one server."""

    async def listed(request: Request) -> Response:
        """List the owner's runs, the newest first: of `model`, older than the run `before`.

        Both are left out for all models, and to begin with the newest.
        """
        model, before = request.query_params.get("model"), request.query_params.get("before")
        try:
            runs = await services.runs()
            found = await runs.recent(owner_of(request), RUNS_A_PAGE, model=model, before=before)
        except RunsProblem as problem:
            return refused(problem)
        return JSONResponse([run.public() for run in found], headers=_FRESH)

    return [Route(f"{prefix}/runs", listed)]
