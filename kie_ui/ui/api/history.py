"""The History tab's routes: pages of runs, one run in full, and what is done to them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, NotRequired
from urllib.parse import parse_qs

from pydantic import GetPydanticSchema
from starlette.responses import Response, StreamingResponse
from typing_extensions import TypedDict

from kie_ui.catalog.code_samples import CodeSamples, build_code_samples
from kie_ui.catalog.parameters import Parameter
from kie_ui.catalog.registry import Registry
from kie_ui.catalog.spec import ModelSpec
from kie_ui.catalog.values import MediaRef
from kie_ui.media.export import zip_stream
from kie_ui.runs.run import MAX_USER_NOTE, BackendKind, PublicRun, Run, Step, public_model
from kie_ui.runs.storage.search import HistoryQuery
from kie_ui.runs.storage.statistics import SpendingDay, UsualTime
from kie_ui.settings import Settings
from kie_ui.ui.api.requests import MAX_BODY_BYTES, NO_STORE, ApiRequest, ApiRoute
from kie_ui.ui.asgi.request_body import read_body
from kie_ui.ui.errors import BadRequest
from kie_ui.ui.form.widgets import in_words, plain_text

RUNS_A_PAGE = 40
MAX_SEARCH_CHARACTERS = 500
SPENDING_DAYS = 30
MAX_UTC_OFFSET_MINUTES = 14 * 60

_ONLY_IN_FULL = frozenset({"request", "answer", "record", "written", "uploads"})
"""Most of a run's data, which no card of the grid shows."""

Card = Annotated[
    dict[str, Any],
    GetPydanticSchema(lambda _, handler: handler(public_model("RunCard", without=_ONLY_IN_FULL))),
]
"""What the History's grid shows of a run."""


class FoundRuns(TypedDict):
    """Runs that a query finds; of a page also where the next begins; of the first all models."""

    runs: list[Card]
    next: NotRequired[str | None]
    models: NotRequired[Sequence[str]]


class ShownValue(TypedDict):
    """A value of a run as its form names it: as text, or as files."""

    name: str
    label: str
    text: NotRequired[str]
    pictures: NotRequired[list[MediaRef]]


class RunInFull(TypedDict):
    """All about one run, and the ids of its neighbours."""

    newer: str | None
    older: str | None
    run: PublicRun
    parameters: list[ShownValue]
    code: CodeSamples | None


class ChangedRun(TypedDict):
    """A run that was changed."""

    run: Card


class RunIds(TypedDict):
    """The runs that were deleted or restored."""

    run_ids: Sequence[str]


class UsualTimeOfRun(TypedDict):
    """How long runs like one usually took, if that is known."""

    usual: UsualTime | None


@dataclass(frozen=True)
class UsualTimeOfModel(UsualTime):
    """The same of a model with some settings."""

    model: str
    settings: str
    """In words."""


class Spending(TypedDict):
    """What was spent by day and model, and how long each model takes."""

    backend: BackendKind
    days: Sequence[SpendingDay]
    usual: list[UsualTimeOfModel]


async def list_recent(request: ApiRequest) -> list[PublicRun]:
    """List the owner's runs, newest first: of `model`, older than the run `before`, if given."""
    query = request.http.query_params
    runs = await (await request.runs()).recent(
        request.owner, RUNS_A_PAGE, model=query.get("model"), before=query.get("before")
    )
    return [run.public() for run in runs]


async def list_page(request: ApiRequest) -> FoundRuns:
    """List the runs that a query finds; the first page also names the models that occur.

    With `ids`, separated by commas, only those of these runs: a page asks so whether runs that
    have just changed belong into its list.
    """
    history = (await request.runs()).history
    if ids := request.http.query_params.get("ids"):
        found = await history.matching(request.owner, _query(request), _read_ids(ids))
        return {"runs": [_card(run) for run in found]}
    before = request.http.query_params.get("before") or None
    page = await history.page(request.owner, _query(request), before=before, limit=RUNS_A_PAGE)
    answer: FoundRuns = {"runs": [_card(run) for run in page.runs], "next": page.next}
    if before is None:
        answer["models"] = await history.models(request.owner)
    return answer


def _read_ids(text: str) -> list[str]:
    """Read at most a page of ids. Raises: BadRequest."""
    run_ids = text.split(",")
    if len(run_ids) > RUNS_A_PAGE:
        raise BadRequest(f"At most {RUNS_A_PAGE} runs can be requested at once.")
    return run_ids


async def show_run(request: ApiRequest) -> RunInFull:
    """Return all about one run, and its neighbours among the runs that a query finds."""
    run = await request.run()
    history = (await request.runs()).history
    neighbours = await history.neighbours(request.owner, run.id, _query(request))
    spec = _find_spec(await request.models(), run.model)
    return {
        "newer": neighbours.newer,
        "older": neighbours.older,
        "run": run.public(),
        "parameters": _parameters(spec.parameters if spec else (), run),
        "code": _code(request.services.settings, spec, run) if spec else None,
    }


async def change_run(request: ApiRequest) -> ChangedRun:
    """Mark a run as a favourite or not, or keep a person's note about it."""
    body = await request.json_object()
    is_favourite, user_note = body.get("is_favourite"), body.get("user_note")
    if not isinstance(is_favourite, bool | None) or not isinstance(user_note, str | None):
        raise BadRequest("This cannot be saved with a run.")
    if user_note is not None and len(user_note) > MAX_USER_NOTE:
        raise BadRequest(f"A note has at most {MAX_USER_NOTE:,} characters.")
    history = (await request.runs()).history
    run = await history.change(
        request.owner, request.run_id, is_favourite=is_favourite, user_note=user_note
    )
    return {"run": _card(run)}


async def delete_runs(request: ApiRequest) -> RunIds:
    """Move runs to the trash, from which they can be restored for an hour."""
    run_ids = _run_ids((await request.json_object()).get("run_ids"))
    return {"run_ids": await (await request.runs()).history.delete(request.owner, run_ids)}


async def restore_runs(request: ApiRequest) -> RunIds:
    """Restore runs from the trash."""
    run_ids = _run_ids((await request.json_object()).get("run_ids"))
    return {"run_ids": await (await request.runs()).history.restore(request.owner, run_ids)}


async def send_zip(request: ApiRequest) -> Response:
    """Stream a ZIP of the results of some runs and a table of their parameters."""
    form = parse_qs((await read_body(request.http, MAX_BODY_BYTES)).decode(errors="replace"))
    run_ids = _run_ids(
        [name for part in form.get("run_ids", []) for name in part.split(",") if name]
    )
    entries = await (await request.runs()).history.clip_entries(request.owner, run_ids)
    disposition = f'attachment; filename="kie-ui-{time.strftime("%Y-%m-%d")}.zip"'
    return StreamingResponse(
        zip_stream(entries),
        media_type="application/zip",
        headers={**NO_STORE, "Content-Disposition": disposition},
    )


async def show_usual_time(request: ApiRequest) -> UsualTimeOfRun:
    """Return how long runs like this one usually took."""
    run = await request.run()
    history = (await request.runs()).history
    usual = await history.usual_time(request.owner, run.model, run.values, backend=run.backend)
    return {"usual": usual}


async def show_spending(request: ApiRequest) -> Spending:
    """Return what was spent by day and model, and how long each model takes.

    Only of the present backend: the demo's credits and real ones make no sum.
    """
    owner, history = request.owner, (await request.runs()).history
    backend = request.services.backends.kind(owner)
    spending = await history.spending(
        owner, utc_offset_minutes=_utc_offset(request), days=SPENDING_DAYS, backend=backend
    )
    models = await request.models()
    usual_times = await history.usual_times(owner, backend=backend)
    return {
        "backend": backend,
        "days": spending,
        "usual": [
            UsualTimeOfModel(
                **asdict(usual), model=model, settings=_in_words(models, model, values)
            )
            for model, values, usual in usual_times
        ],
    }


def _query(request: ApiRequest) -> HistoryQuery:
    """Read what is searched for. Raises: BadRequest."""
    query = request.http.query_params
    try:
        steps = tuple(Step(step) for step in query.getlist("step"))
    except ValueError:
        raise BadRequest("There is no such state.") from None
    return HistoryQuery(
        text=query.get("text", "").strip()[:MAX_SEARCH_CHARACTERS],
        models=tuple(query.getlist("model")),
        steps=steps,
        only_favourites=query.get("favourites") == "1",
    )


def _utc_offset(request: ApiRequest) -> int:
    """Return the person's offset from UTC in minutes; 0 if it is missing or no number."""
    try:
        minutes = int(request.http.query_params.get("utc_offset_minutes", "0"))
    except ValueError:
        return 0
    return max(-MAX_UTC_OFFSET_MINUTES, min(MAX_UTC_OFFSET_MINUTES, minutes))


def _run_ids(given: object) -> tuple[str, ...]:
    """Read the ids of runs, each once. Raises: BadRequest."""
    if not isinstance(given, list) or not given or not all(isinstance(x, str) for x in given):
        raise BadRequest("Select a run first.")
    return tuple(dict.fromkeys(given))


def _code(settings: Settings, spec: ModelSpec, run: Run) -> CodeSamples:
    addresses = (settings.kie_api_base_url, settings.kie_upload_base_url)
    return build_code_samples(spec, run.values, *addresses)


def _card(run: Run) -> Card:
    return {name: value for name, value in run.public().items() if name not in _ONLY_IN_FULL}


def _parameters(known: tuple[Parameter, ...], run: Run) -> list[ShownValue]:
    """Name each value as the form does and in its order; then those that the form lacks."""
    names = {parameter.name for parameter in known}
    others = {name: value for name, value in run.values.items() if name not in names}
    return [
        *(_labelled(each, run.values[each.name]) for each in known if each.name in run.values),
        *(ShownValue(name=n, label=n, text=plain_text(v)) for n, v in others.items()),
    ]


def _labelled(parameter: Parameter, value: Any) -> ShownValue:
    named = ShownValue(name=parameter.name, label=parameter.label)
    if isinstance(value, tuple):
        return {**named, "pictures": list(value)}
    return {**named, "text": in_words(parameter, value)}


def _in_words(models: Registry, model: str, values: Mapping[str, Any]) -> str:
    """Write values as the form does: "Duration 6 seconds, Resolution 480p"."""
    spec = _find_spec(models, model)
    known = {parameter.name: parameter for parameter in spec.parameters} if spec else {}
    return ", ".join(
        f"{known[name].label} {in_words(known[name], value)}"
        if name in known
        else f"{name} {value}"
        for name, value in values.items()
    )


def _find_spec(models: Registry, model: str) -> ModelSpec | None:
    return next((spec for spec in models if spec.model == model), None)


ROUTES = (
    ApiRoute("GET", "/runs", list_recent),
    ApiRoute("GET", "/history", list_page),
    ApiRoute("POST", "/history/delete", delete_runs),
    ApiRoute("POST", "/history/restore", restore_runs),
    ApiRoute("POST", "/history/zip", send_zip),
    ApiRoute("GET", "/runs/{run_id}", show_run),
    ApiRoute("POST", "/runs/{run_id}", change_run),
    ApiRoute("GET", "/runs/{run_id}/usual", show_usual_time),
    ApiRoute("GET", "/spending", show_spending),
)
